/**
 * `auth.file`: user names and password hashes from a file.
 *
 * Allows or denies a name that is in the file; has no opinion on any other name, on a CONNECT without a name, and on
 * one with an Authentication Method. For a name that is not in the file a password is checked all the same, so that the
 * response time does not reveal which users exist. The file is reloaded when it changes; clients whose entry was
 * removed or replaced are then disconnected. Checks run in a separate thread, a few at a time, while the others queue.
 * A correct password is remembered for a short time.
 *
 * | option              | default |                                                                 |
 * | ------------------- | ------- | --------------------------------------------------------------- |
 * | `passwordFile`      |         | path; lines of `user:hash` (`password-hash.ts` lists the kinds) |
 * | `maxPasswordChecks` | 2       | checks that the thread is given at a time                       |
 * | `passwordCacheMs`   | 60000   | how long a correct password is remembered; 0 for never          |
 *
 * @module
 */
import { ConfigError } from '../base/errors.ts'
import type {
  AuthenticationAnswer,
  Client,
  ConnectRequest,
  LoginCheck,
  Plugin,
  PluginContext,
} from '../access/plugin.ts'
import { Decoys } from './decoy.ts'
import { evidenceOf, isStillValid } from './evidence.ts'
import { LoginCache } from './login-cache.ts'
import { parsePasswordFile, type PasswordEntries } from './password-file.ts'
import { PasswordVerifier } from './password-verifier.ts'
import { WatchedFile } from './watched-file.ts'

/** How long a correct password is remembered by default. */
export const DEFAULT_PASSWORD_CACHE_MS = 60_000

/** One that runs and one that follows, so that the thread does not have to wait. */
const DEFAULT_PASSWORD_CHECKS = 2

interface Options {
  readonly passwordFile?: string
  readonly maxPasswordChecks?: number
  readonly passwordCacheMs?: number
}

export default async function authFile(context: PluginContext): Promise<Plugin> {
  const {
    passwordFile,
    maxPasswordChecks = DEFAULT_PASSWORD_CHECKS,
    passwordCacheMs = DEFAULT_PASSWORD_CACHE_MS,
  } = context.options as Options
  if (passwordFile === undefined) {
    throw new ConfigError(
      'ERR_CONFIG_PLUGIN',
      'plugin auth.file requires `password-file`, the path of its password file',
    )
  }
  const file = await WatchedFile.open(passwordFile, context, parsePasswordFile, () => context.revoked())
  const decoys = new Decoys<string>(context.clock.randomBytes(32))
  const cache = new LoginCache<true>(context.clock, passwordCacheMs)
  return new AuthFile({ file, cache, decoys, verifier: new PasswordVerifier() }, maxPasswordChecks)
}

interface Parts {
  readonly file: WatchedFile<PasswordEntries>
  readonly verifier: PasswordVerifier
  readonly cache: LoginCache<true>
  readonly decoys: Decoys<string>
}

class AuthFile implements Plugin {
  readonly name = 'auth.file'
  readonly maxLoginChecks: number
  readonly #parts: Parts

  constructor(parts: Parts, maxPasswordChecks: number) {
    this.#parts = parts
    this.maxLoginChecks = maxPasswordChecks
  }

  authenticate(request: ConnectRequest): AuthenticationAnswer | LoginCheck | undefined {
    const { userName, password, authenticationMethod } = request
    if (userName === undefined || authenticationMethod !== undefined) return undefined
    const { file, cache, decoys } = this.#parts
    const hash = file.content.get(userName)
    if (password === undefined) return hash === undefined ? undefined : { decision: 'deny', cause: 'no password' }
    const checked = hash ?? decoys.of(userName, file.content)
    if (checked === undefined) return undefined
    // The hash is part of the key, so that a new hash in the file invalidates the old password at once.
    const isRemembered = cache.get([userName, checked, password])
    if (hash !== undefined && isRemembered === true) return allow(userName, hash)
    // Copied, because the bytes may be a view of a chunk that is reused before the answer arrives.
    const copy = Uint8Array.from(password)
    if (hash === undefined) return { decision: 'check', isDecoy: true, check: () => this.#checkDecoy(copy, checked) }
    return { decision: 'check', check: () => this.#check(userName, copy, hash) }
  }

  mayStay({ claimedUserName }: Client, evidence: unknown): boolean | undefined {
    // The client was admitted as anonymous; its name now belongs to a user whose password it has not sent.
    if (claimedUserName !== undefined && this.#parts.file.content.has(claimedUserName)) return false
    return isStillValid(evidence, (user) => this.#parts.file.content.get(user))
  }

  async close(): Promise<void> {
    this.#parts.file.close()
    await this.#parts.verifier.close()
  }

  async #check(userName: string, password: Uint8Array, hash: string): Promise<AuthenticationAnswer> {
    const { verifier, cache } = this.#parts
    if (!(await verifier.verify(password, hash))) return { decision: 'deny', cause: 'wrong password' }
    cache.set([userName, hash, password], true)
    return allow(userName, hash)
  }

  /** Does the same work for a name that does not exist. */
  async #checkDecoy(password: Uint8Array, hash: string): Promise<undefined> {
    await this.#parts.verifier.verify(password, hash)
  }
}

function allow(userName: string, hash: string): AuthenticationAnswer {
  return { decision: 'allow', evidence: evidenceOf(userName, hash) }
}
