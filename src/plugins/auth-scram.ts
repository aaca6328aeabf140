/**
 * `auth.scram`: enhanced authentication with SCRAM-SHA-256. The password is never transmitted, the client gets proof
 * that the server has its credentials, and the stored credentials are useless to a thief. `scram-logins.ts` has the
 * exchange.
 *
 * Option `scram.file` is the path of the credentials (`sluice passwd --kind scram-sha-256` writes them); the file is
 * reloaded when it changes.
 *
 * @module
 */
import * as v from 'valibot'
import type { AuthenticationAnswer, Client, ConnectRequest, Plugin, PluginContext } from '../access/plugin.ts'
import { Decoys } from './decoy.ts'
import { readPluginOptions } from './plugin-options.ts'
import { parseScramFile, type ScramCredentials } from './scram-credentials.ts'
import { ScramLogins } from './scram-logins.ts'
import { WatchedFile } from './watched-file.ts'

/** Its keys and defaults are those of the option table for `auth.scram`. */
export const optionsSchema = v.strictObject({ file: v.string() })

/** @throws {ConfigError} without `scram.file`, or for a file that cannot be read or contains an invalid line */
export default async function authScram(context: PluginContext): Promise<Plugin> {
  const { file: path } = readPluginOptions('auth.scram', optionsSchema, context.options['scram'])
  const file = await WatchedFile.open(path, context, parseScramFile, () => context.revoked())
  const secret = context.clock.randomBytes(32)
  const decoys = new Decoys<ScramCredentials>(secret)
  const source = {
    credentialsOf: (user: string) => file.content.get(user),
    decoyFor: (user: string) => decoys.of(user, file.content),
  }
  return new AuthScram(new ScramLogins(source, context.clock, secret), () => file.close())
}

class AuthScram implements Plugin {
  readonly name = 'auth.scram'
  readonly close: () => void
  readonly #logins: ScramLogins

  constructor(logins: ScramLogins, close: () => void) {
    this.#logins = logins
    this.close = close
  }

  authenticate(request: ConnectRequest): AuthenticationAnswer | undefined {
    return this.#logins.authenticate(request)
  }

  mayStay(client: Client, evidence: unknown): true | undefined {
    return this.#logins.mayStay(client, evidence)
  }
}
