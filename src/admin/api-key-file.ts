/** The file of API keys: what is in it, and whether it is. @module */
import * as v from 'valibot'
import { roles } from './operation.ts'

const milliseconds = v.pipe(v.number(), v.integer(), v.minValue(0))

const storedKey = v.strictObject({
  keyId: v.pipe(v.string(), v.regex(/^[\da-f]{12}$/)),
  /** SHA-256 of the secret, in base64url. */
  hash: v.pipe(v.string(), v.regex(/^[\w-]{43}$/)),
  name: v.string(),
  role: v.picklist(roles),
  createdAtMs: milliseconds,
  expiresAtMs: v.optional(milliseconds),
})

const keyFile = v.strictObject({ version: v.literal(1), keys: v.array(storedKey) })

export type StoredKey = v.InferOutput<typeof storedKey>

/** @throws {Error} that names the place, for a file that another program has written */
export function parseKeyFile(text: string): readonly StoredKey[] {
  const result = v.safeParse(keyFile, JSON.parse(text))
  if (result.success) return result.output.keys
  const [issue] = result.issues
  throw new Error(`${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`)
}
