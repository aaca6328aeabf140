/**
 * Enhanced authentication (§4.12) with SCRAM-SHA-256 (RFC 5802, RFC 7677), whatever the credentials come from: a file
 * (`auth.scram`), or the broker's own store (`auth.store`).
 *
 *   Client                                              Server
 *   CONNECT  n,,n=user,r=nonce                     ->
 *                                                  <-   AUTH 0x18  r=nonce+more,s=salt,i=iterations
 *   AUTH 0x18  c=biws,r=nonce+more,p=proof         ->
 *                                                  <-   CONNACK  v=signature        (re-authentication: AUTH 0x00)
 *
 * A user that does not exist gets a first answer like any other and is refused at the end, so that nobody can find out
 * which users exist. Channel binding is not offered.
 *
 * @module
 */
import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { AuthenticationAnswer, Client, ConnectRequest } from '../access/plugin.ts'
import { evidenceOf, isStillValid } from './evidence.ts'
import {
  base64,
  hmacSha256,
  SCRAM_ITERATIONS,
  SCRAM_SALT_BYTES,
  sha256,
  type ScramCredentials,
} from './scram-credentials.ts'

const METHOD = 'SCRAM-SHA-256'
/** Characters of a client-first-message: enough for a long name and a nonce. */
const MAX_FIRST_MESSAGE = 1024
const NONCE_BYTES = 18

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

/** Where the credentials are. */
export interface ScramSource {
  /** The credentials of a user; `undefined` if there is no such user. */
  credentialsOf(user: string): ScramCredentials | undefined
  /** Those of another user, for a name that does not exist; `undefined` if there are no users at all. */
  decoyFor(user: string): ScramCredentials | undefined
}

export class ScramLogins {
  readonly #source: ScramSource
  readonly #clock: Clock
  /** Gives a user that does not exist the same salt each time. */
  readonly #secret: Uint8Array

  /** @param secret 32 bytes */
  constructor(source: ScramSource, clock: Clock, secret: Uint8Array) {
    this.#source = source
    this.#clock = clock
    this.#secret = secret
  }

  authenticate(request: ConnectRequest): AuthenticationAnswer | undefined {
    if (request.authenticationMethod !== METHOD) return undefined
    const message = Buffer.from(request.authenticationData ?? []).toString('utf8')
    const exchange = request.exchangeState as Exchange | undefined
    return exchange === undefined ? this.#first(message, request.userName) : last(message, exchange)
  }

  mayStay(_client: Client, evidence: unknown): true | undefined {
    return isStillValid(evidence, (user) => this.#source.credentialsOf(user)?.storedKey)
  }

  #first(message: string, userName: string | undefined): AuthenticationAnswer {
    // The state until the next step is about four times as long, for every client that has not logged in.
    if (message.length > MAX_FIRST_MESSAGE)
      return deny(`the first message is longer than ${MAX_FIRST_MESSAGE} characters`)
    const parsed = parseFirst(message)
    if (typeof parsed === 'string') return deny(parsed)
    if (userName !== undefined && userName !== parsed.user) return deny('CONNECT and SCRAM name different users')
    const known = this.#source.credentialsOf(parsed.user)
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
    const other = this.#source.decoyFor(user) ?? NOBODY
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
