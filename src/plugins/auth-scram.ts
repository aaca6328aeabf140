/**
 * `auth.scram`: enhanced authentication (§4.12) with SCRAM-SHA-256 (RFC 5802, RFC 7677). The password is never
 * transmitted, the client gets proof that the server has its credentials, and the stored credentials are useless to a
 * thief.
 *
 *   Client                                              Server
 *   CONNECT  n,,n=user,r=nonce                     ->
 *                                                  <-   AUTH 0x18  r=nonce+more,s=salt,i=iterations
 *   AUTH 0x18  c=biws,r=nonce+more,p=proof         ->
 *                                                  <-   CONNACK  v=signature        (re-authentication: AUTH 0x00)
 *
 * A user that is not in the file gets a first answer like any other and is refused at the end, so that nobody can find
 * out which users exist. Channel binding is not offered. Option `scram.file` is the path of the credentials (`sluice
 * passwd --kind scram-sha-256` writes them); the file is reloaded when it changes.
 *
 * @module
 */
import { timingSafeEqual } from 'node:crypto'
import * as v from 'valibot'
import type { Clock } from '../base/clock.ts'
import type { AuthenticationAnswer, Client, ConnectRequest, Plugin, PluginContext } from '../access/plugin.ts'
import { Decoys } from './decoy.ts'
import { evidenceOf, isStillValid } from './evidence.ts'
import { readPluginOptions } from './plugin-options.ts'
import {
  base64,
  hmacSha256,
  parseScramFile,
  SCRAM_ITERATIONS,
  SCRAM_SALT_BYTES,
  sha256,
  type ScramCredentials,
} from './scram-credentials.ts'
import { WatchedFile } from './watched-file.ts'

const METHOD = 'SCRAM-SHA-256'
/** Characters of a client-first-message: enough for a long name and a nonce. */
const MAX_FIRST_MESSAGE = 1024
const NONCE_BYTES = 18

/** Its keys and defaults are those of the option table for `auth.scram`. */
export const optionsSchema = v.strictObject({ file: v.string() })

/** @throws {ConfigError} without `scram.file`, or for a file that cannot be read or contains an invalid line */
export default async function authScram(context: PluginContext): Promise<Plugin> {
  const { file } = readPluginOptions('auth.scram', optionsSchema, context.options['scram'])
  return new AuthScram(await WatchedFile.open(file, context, parseScramFile, () => context.revoked()), context.clock)
}

/** The state between the client's first message and its last. */
interface Exchange {
  readonly user: string
  /** Those of another user if this one does not exist. */
  readonly credentials: ScramCredentials
  readonly exists: boolean
  /** `c=` and `r=` as the client has to repeat them. */
  readonly expectedStart: string
  /** The messages so far, without the GS2 header: the first two parts of RFC 5802's AuthMessage. */
  readonly messages: string
}

class AuthScram implements Plugin {
  readonly name = 'auth.scram'
  readonly #file: WatchedFile<ReadonlyMap<string, ScramCredentials>>
  readonly #clock: Clock
  readonly #decoys: Decoys<ScramCredentials>
  /** Gives a user that does not exist the same salt each time. */
  readonly #secret: Uint8Array

  constructor(file: WatchedFile<ReadonlyMap<string, ScramCredentials>>, clock: Clock) {
    this.#file = file
    this.#clock = clock
    this.#secret = clock.randomBytes(32)
    this.#decoys = new Decoys(this.#secret)
  }

  authenticate(request: ConnectRequest): AuthenticationAnswer | undefined {
    if (request.authenticationMethod !== METHOD) return undefined
    const message = Buffer.from(request.authenticationData ?? []).toString('utf8')
    const exchange = request.exchangeState as Exchange | undefined
    return exchange === undefined ? this.#first(message, request.userName) : last(message, exchange)
  }

  mayStay(_client: Client, evidence: unknown): true | undefined {
    return isStillValid(evidence, (user) => this.#file.content.get(user)?.storedKey)
  }

  close(): void {
    this.#file.close()
  }

  #first(message: string, userName: string | undefined): AuthenticationAnswer {
    // The state until the next step is about four times as long, for every client that has not logged in.
    if (message.length > MAX_FIRST_MESSAGE)
      return deny(`the first message is longer than ${MAX_FIRST_MESSAGE} characters`)
    const parsed = parseFirst(message)
    if (typeof parsed === 'string') return deny(parsed)
    if (userName !== undefined && userName !== parsed.user) return deny('CONNECT and SCRAM name different users')
    const known = this.#file.content.get(parsed.user)
    const credentials = known ?? this.#decoyFor(parsed.user)
    const nonce = parsed.nonce + base64(this.#clock.randomBytes(NONCE_BYTES))
    const { salt, iterations } = credentials
    const answer = `r=${nonce},s=${base64(salt)},i=${iterations}`
    const exchangeState: Exchange = {
      user: parsed.user,
      credentials,
      exists: known !== undefined,
      expectedStart: `c=${base64(Buffer.from(parsed.gs2Header))},r=${nonce}`,
      messages: `${parsed.bare},${answer}`,
    }
    return { decision: 'continue', userName: parsed.user, authenticationData: Buffer.from(answer), exchangeState }
  }

  /** Credentials for a user that does not exist: of the same form as those of real users. */
  #decoyFor(user: string): ScramCredentials {
    const other = this.#decoys.of(user, this.#file.content) ?? NOBODY
    return { ...other, salt: hmacSha256(this.#secret, user).subarray(0, other.salt.length) }
  }
}

/** Used if the file has no users. */
const NOBODY: ScramCredentials = {
  salt: new Uint8Array(SCRAM_SALT_BYTES),
  iterations: SCRAM_ITERATIONS,
  storedKey: new Uint8Array(32),
  serverKey: new Uint8Array(32),
}

interface FirstMessage {
  readonly gs2Header: string
  readonly bare: string
  readonly user: string
  readonly nonce: string
}

/** @returns a text that describes the error, if there is one */
function parseFirst(message: string): FirstMessage | string {
  if (message.startsWith('p=')) return 'channel binding is not offered'
  const parts = /^([ny],(?:a=([^,]+))?,)(n=([^,]+),r=([!-+\--~]+)(?:,.*)?)$/su.exec(message)
  if (parts === null) return 'this is not a SCRAM client-first-message'
  const [, gs2Header, authorizeAs, bare, name, nonce] = parts as unknown as [
    string,
    string,
    string?,
    string?,
    string?,
    string?,
  ]
  const user = unescape(name!)
  if (user === undefined) return 'a user name contains an = that is neither =2C nor =3D'
  if (authorizeAs !== undefined && unescape(authorizeAs) !== user) return 'acting for another user is not offered'
  return { gs2Header, bare: bare!, user, nonce: nonce! }
}

/** A name in a SCRAM message has `=2C` for a comma and `=3D` for an equals sign. */
function unescape(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function last(message: string, { user, credentials, exists, expectedStart, messages }: Exchange): AuthenticationAnswer {
  const [, start, proof] = /^(.*),p=([A-Za-z0-9+/]{43}=)$/su.exec(message) ?? []
  if (start === undefined || !start.startsWith(expectedStart))
    return deny('this is not a SCRAM client-final-message for this exchange')
  const extensions = start.slice(expectedStart.length)
  if (extensions !== '' && !extensions.startsWith(',')) return deny('the nonce differs from that of the exchange')
  const authMessage = `${messages},${start}`
  const signature = hmacSha256(credentials.storedKey, authMessage)
  const clientKey = Buffer.from(proof!, 'base64').map((byte, index) => byte ^ signature[index]!)
  const matches = timingSafeEqual(sha256(clientKey), credentials.storedKey)
  if (!exists) return deny('unknown user')
  if (!matches) return deny('wrong password')
  const verifier = `v=${base64(hmacSha256(credentials.serverKey, authMessage))}`
  const evidence = evidenceOf(user, credentials.storedKey)
  return { decision: 'allow', userName: user, authenticationData: Buffer.from(verifier), evidence }
}

function deny(cause: string): AuthenticationAnswer {
  return { decision: 'deny', cause }
}
