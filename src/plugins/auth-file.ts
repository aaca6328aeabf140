/**
 * `auth.file`: User Names and password hashes from a file.
 *
 * Allows or denies a name that is in the file; has no opinion on any other name, on none at all, and on a CONNECT with an
 * Authentication Method. The file is read again when it changes; Clients whose entry is gone or another one are then
 * disconnected. Checks run in a thread of their own behind a bounded queue;
 * when that is full, a log-in is denied with 0x89 (Server busy). A password found right is remembered for a short time.
 *
 * | option              | default |                                                               |
 * | ------------------- | ------- | ------------------------------------------------------------- |
 * | `passwordFile`      |         | path; lines of `user:hash` (`password-hash.ts` has the kinds) |
 * | `maxPasswordChecks` | 100     | checks that may wait or run at one time                       |
 * | `passwordCacheMs`   | 60000   | how long a password found right is remembered; 0 for never    |
 *
 * @module
 */
import { ConfigError } from '../base/errors.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { AuthenticationAnswer, Client, ConnectRequest, Plugin, PluginContext } from '../broker/plugin.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { evidenceOf, stillHolds } from './evidence.ts'
import { LoginCache } from './login-cache.ts'
import { parsePasswordFile, type PasswordEntries } from './password-file.ts'
import { PasswordVerifier } from './password-verifier.ts'
import { WatchedFile } from './watched-file.ts'

/** How long a password found right is remembered, unless the options say otherwise. */
export const DEFAULT_PASSWORD_CACHE_MS = 60_000

interface Options {
  readonly passwordFile?: string
  readonly maxPasswordChecks?: number
  readonly passwordCacheMs?: number
}

export default async function authFile(context: PluginContext): Promise<Plugin> {
  const { passwordFile, maxPasswordChecks, passwordCacheMs = DEFAULT_PASSWORD_CACHE_MS } = context.options as Options
  if (passwordFile === undefined) {
    throw new ConfigError('ERR_CONFIG_PLUGIN', 'plugin auth.file needs `password-file`, the path of its password file')
  }
  const file = await WatchedFile.open(passwordFile, context, parsePasswordFile, () => context.revoked())
  return new AuthFile(file, new PasswordVerifier(maxPasswordChecks), new LoginCache(context.clock, passwordCacheMs))
}

class AuthFile implements Plugin {
  readonly name = 'auth.file'
  readonly #file: WatchedFile<PasswordEntries>
  readonly #verifier: PasswordVerifier
  readonly #cache: LoginCache<true>

  constructor(file: WatchedFile<PasswordEntries>, verifier: PasswordVerifier, cache: LoginCache<true>) {
    this.#file = file
    this.#verifier = verifier
    this.#cache = cache
  }

  authenticate(request: ConnectRequest): MaybePromise<AuthenticationAnswer | undefined> {
    const { userName, password, authenticationMethod } = request
    if (userName === undefined || authenticationMethod !== undefined) return undefined
    const hash = this.#file.content.get(userName)
    if (hash === undefined) return undefined
    if (password === undefined) return { decision: 'deny', cause: 'no password' }
    // The hash is part of what is remembered, so that a new one in the file ends the old password at once.
    if (this.#cache.get([userName, hash, password]) === true) return allow(userName, hash)
    if (this.#verifier.isFull) {
      return { decision: 'deny', reasonCode: ReasonCode.ServerBusy, cause: 'too many password checks at one time' }
    }
    // Copied: the bytes may be a view on a chunk that is used again before the answer comes.
    return this.#check(userName, hash, Uint8Array.from(password))
  }

  mayStay({ claimedUserName }: Client, evidence: unknown): boolean | undefined {
    // It came in as nobody; by now its name is somebody's, whose password it has not shown.
    if (claimedUserName !== undefined && this.#file.content.has(claimedUserName)) return false
    return stillHolds(evidence, (user) => this.#file.content.get(user))
  }

  async close(): Promise<void> {
    this.#file.close()
    await this.#verifier.close()
  }

  async #check(userName: string, hash: string, password: Uint8Array): Promise<AuthenticationAnswer> {
    if (!(await this.#verifier.verify(password, hash))) return { decision: 'deny', cause: 'wrong password' }
    this.#cache.set([userName, hash, password], true)
    return allow(userName, hash)
  }
}

function allow(userName: string, hash: string): AuthenticationAnswer {
  return { decision: 'allow', evidence: evidenceOf(userName, hash) }
}
