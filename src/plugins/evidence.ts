/**
 * The evidence of a login by a stored credential: the user, and the version of its entry. It is kept as long as the
 * connection, so it is small, and it reveals nothing.
 *
 * @module
 */
import { createHash } from 'node:crypto'

const DIGEST_BYTES = 12

export interface CredentialEvidence {
  readonly user: string
  readonly digest: string
}

/** @param entry the stored entry of that user, such as a password hash */
export function evidenceOf(user: string, entry: string | Uint8Array): CredentialEvidence {
  const digest = createHash('sha256').update(entry).digest().subarray(0, DIGEST_BYTES).toString('base64')
  return { user, digest }
}

/**
 * Whether a login with this `evidence` would still be accepted.
 *
 * @param entryOf returns the present entry of a user; `undefined` if there is none
 * @returns `true`, or `undefined` (no opinion) if this is not evidence or is no longer valid
 */
export function isStillValid(
  evidence: unknown,
  entryOf: (user: string) => string | Uint8Array | undefined,
): true | undefined {
  if (typeof evidence !== 'object' || evidence === null || !('user' in evidence)) return undefined
  const { user, digest } = evidence as CredentialEvidence
  const entry = entryOf(user)
  return entry !== undefined && evidenceOf(user, entry).digest === digest ? true : undefined
}
