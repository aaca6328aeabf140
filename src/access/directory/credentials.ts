/** What is kept of a password instead of it. @module */

/** What is kept of a password. */
export interface Credentials {
  readonly passwordHash: string
  readonly scram: string
}
/**
 * @param holder callers take turns; `undefined` for the host program and callers on the machine
 * @throws {UsageError} for a password that cannot be used
 */
export type MakeCredentials = (password: string, holder?: string) => Promise<Credentials>
