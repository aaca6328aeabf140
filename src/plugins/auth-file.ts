/**
 * `auth.file`: User Names and password hashes from a file.
 *
 * Allows or denies a name that is in the file; has no opinion on any other name, on none at all, and on a CONNECT with an
 * Authentication Method. For a name that is not in the file a password is checked all the same, so that the time that an
 * answer takes does not tell who exists. The file is read again when it changes; Clients whose entry is gone or another one
 * are then disconnected. Checks run in a thread of their own, a few at a time; others wait for their turn. A password found
 * right is remembered for a short time.
 *
 * | option              | default |                                                               |
 * | ------------------- | ------- | ------------------------------------------------------------- |
 * | `passwordFile`      |         | path; lines of `user:hash` (`password-hash.ts` has the kinds) |
 * | `maxPasswordChecks` | 2       | checks that the thread is given at one time                   |
 * | `passwordCacheMs`   | 60000   | how long a password found right is remembered; 0 for never    |
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
import { evidenceOf, stillHolds } from './evidence.ts'
import { LoginCache } from './login-cache.ts'
import { parsePasswordFile, type PasswordEntries } from './password-file.ts'
import { PasswordVerifier } from './password-verifier.ts'
import { WatchedFile } from './watched-file.ts'

/** How long a password found right is remembered, unless the options say otherwise. */
export const DEFAULT_PASSWORD_CACHE_MS = 60_000

/** One that runs and one behind it, so that the thread does not wait for the next. */
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
    throw new ConfigError('ERR_CONFIG_PLUGIN', 'plugin auth.file needs `password-file`, the path of its password file')
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
    // The hash is part of what is remembered, so that a new one in the file ends the old password at once.
    const isRemembered = cache.get([userName, checked, password])
    if (hash !== undefined && isRemembered === true) return allow(userName, hash)
    // Copied: the bytes may be a view on a chunk that is used again before the answer comes.
    const copy = Uint8Array.from(password)
    if (hash === undefined) return { decision: 'check', isDecoy: true, check: () => this.#waste(copy, checked) }
    return { decision: 'check', check: () => this.#check(userName, copy, hash) }
  }

  mayStay({ claimedUserName }: Client, evidence: unknown): boolean | undefined {
    // It came in as nobody; by now its name is somebody's, whose password it has not shown.
    if (claimedUserName !== undefined && this.#parts.file.content.has(claimedUserName)) return false
    return stillHolds(evidence, (user) => this.#parts.file.content.get(user))
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

  /** The same for nobody. */
  async #waste(password: Uint8Array, hash: string): Promise<undefined> {
    await this.#parts.verifier.verify(password, hash)
  }
}

function allow(userName: string, hash: string): AuthenticationAnswer {
  return { decision: 'allow', evidence: evidenceOf(userName, hash) }
}
