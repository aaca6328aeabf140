/**
 * `auth.file`: user names and password hashes from a file.
 *
 * `password-logins.ts` explains how a login is decided. The file is reloaded when it changes; clients whose entry was
 * removed or replaced are then disconnected.
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
import { LoginCache } from './login-cache.ts'
import { parsePasswordFile, type PasswordEntries } from './password-file.ts'
import {
  DEFAULT_PASSWORD_CACHE_MS,
  DEFAULT_PASSWORD_CHECKS,
  PasswordLogins,
  type PasswordSource,
} from './password-logins.ts'
import { PasswordVerifier } from './password-verifier.ts'
import { WatchedFile } from './watched-file.ts'

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
  const source: PasswordSource = {
    hashOf: (user) => file.content.get(user),
    decoyFor: (user) => decoys.of(user, file.content),
  }
  return new AuthFile(new PasswordLogins(source, { cache, verifier: new PasswordVerifier() }), file, maxPasswordChecks)
}

class AuthFile implements Plugin {
  readonly name = 'auth.file'
  readonly maxLoginChecks: number
  readonly #logins: PasswordLogins
  readonly #file: WatchedFile<PasswordEntries>

  constructor(logins: PasswordLogins, file: WatchedFile<PasswordEntries>, maxPasswordChecks: number) {
    this.#logins = logins
    this.#file = file
    this.maxLoginChecks = maxPasswordChecks
  }

  authenticate(request: ConnectRequest): AuthenticationAnswer | LoginCheck | undefined {
    return this.#logins.authenticate(request)
  }

  mayStay(client: Client, evidence: unknown): boolean | undefined {
    return this.#logins.mayStay(client, evidence)
  }

  async close(): Promise<void> {
    this.#file.close()
    await this.#logins.close()
  }
}
