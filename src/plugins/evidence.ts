/**
 * What a login by a stored credential rests on: which user, and which version of its entry. It stays with a Connection as long as
 * that lasts, so it is small, and nothing can be learned from it.
 *
 * @module
 */
import { createHash } from 'node:crypto'

const DIGEST_BYTES = 12

export interface CredentialEvidence {
  readonly user: string
  readonly digest: string
}

/** @param entry what is stored for that user, such as a password hash */
export function evidenceOf(user: string, entry: string | Uint8Array): CredentialEvidence {
  const digest = createHash('sha256').update(entry).digest().subarray(0, DIGEST_BYTES).toString('base64')
  return { user, digest }
}

/**
 * Whether a login that rested on `evidence` would still be good.
 *
 * @param entryOf what is stored for a user now; `undefined` if nothing is
 * @returns `true` or, where this is no evidence or it does not hold any longer, `undefined`: no opinion
 */
export function stillHolds(
  evidence: unknown,
  entryOf: (user: string) => string | Uint8Array | undefined,
): true | undefined {
  if (typeof evidence !== 'object' || evidence === null || !('user' in evidence)) return undefined
  const { user, digest } = evidence as CredentialEvidence
  const entry = entryOf(user)
  return entry !== undefined && evidenceOf(user, entry).digest === digest ? true : undefined
}
