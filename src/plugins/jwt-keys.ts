/**
 * The keys that verify tokens: one key or secret from a file, a JWKS from a file, or the JWKS that an issuer publishes.
 *
 * Each key has a fingerprint, which is the evidence of a login by token: when a file changes, or the issuer publishes
 * another set, the logins whose key is gone can be found.
 *
 * @module
 */
import { isUtf8 } from 'node:buffer'
import { createHash, createPublicKey, createSecretKey, KeyObject, type JsonWebKey, type webcrypto } from 'node:crypto'
import * as jose from 'jose'
import type { Timer } from '../base/clock.ts'
import { ConfigError } from '../base/errors.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { PluginContext } from '../access/plugin.ts'
import { decodePem, decodeText } from '../config/text-file.ts'
import { fetchPublished, isKeySet } from './published-json.ts'
import { WatchedFile } from './watched-file.ts'

/** RFC 7518 §3.2: a key has to be at least as long as the hash. */
const MIN_SECRET_BYTES = 32
/** How often an issuer's keys are fetched, once they have verified a token: as often as for verifying. */
export const JWKS_REFRESH_MS = 600_000

export interface JwtKeys {
  /** The key argument of `jose.jwtVerify`. */
  readonly current: KeyObject | jose.JWTVerifyGetKey
  /** Keys of an issuer, which have to be fetched. */
  readonly isRemote: boolean
  /** Called with the key that verified a token. @returns its fingerprint */
  used(key: KeyObject | jose.CryptoKey | Uint8Array): string
  /** Whether a key with that fingerprint still exists. */
  has(fingerprint: string): MaybePromise<boolean>
  close(): void
}

export interface JwtKeyOptions {
  readonly keyFile?: string | undefined
  readonly secretFile?: string | undefined
  readonly jwksUrl?: string | undefined
  readonly fetchTimeoutMs: number
  readonly maxAnswerBytes: number
}

/** @throws {ConfigError} for a file that cannot be read, or contains no key */
export async function openJwtKeys(options: JwtKeyOptions, context: PluginContext): Promise<JwtKeys> {
  const { jwksUrl, keyFile, secretFile } = options
  if (jwksUrl !== undefined) return new PublishedKeys(jwksUrl, options, context)
  const parse = secretFile === undefined ? parseKeys : parseSecret
  return new FileKeys(await WatchedFile.openBytes(secretFile ?? keyFile!, context, parse, () => context.revoked()))
}

interface KeyContent {
  readonly keys: KeyObject | jose.JWTVerifyGetKey
  readonly fingerprints: ReadonlySet<string>
}

class FileKeys implements JwtKeys {
  readonly isRemote = false
  readonly #file: WatchedFile<KeyContent>

  constructor(file: WatchedFile<KeyContent>) {
    this.#file = file
  }

  get current(): KeyContent['keys'] {
    return this.#file.content.keys
  }

  used(key: KeyObject | jose.CryptoKey | Uint8Array): string {
    return fingerprintOf(key)
  }

  has(fingerprint: string): boolean {
    return this.#file.content.fingerprints.has(fingerprint)
  }

  close(): void {
    this.#file.close()
  }
}

/** The keys that an issuer publishes, fetched when needed, and at intervals once a login depends on them. */
class PublishedKeys implements JwtKeys {
  readonly isRemote = true
  readonly current: jose.RemoteJWKSet
  readonly #context: PluginContext
  #fingerprints: ReadonlySet<string> | undefined
  #timer: Timer | undefined
  #isClosed = false

  constructor(url: string, options: JwtKeyOptions, context: PluginContext) {
    this.current = jose.createRemoteJWKSet(new URL(url), {
      timeoutDuration: options.fetchTimeoutMs,
      [jose.customFetch]: boundedFetch(url, options),
    })
    this.#context = context
  }

  used(key: KeyObject | jose.CryptoKey | Uint8Array): string {
    const fingerprint = fingerprintOf(key)
    // A key that is new came with another set.
    if (this.#fingerprints?.has(fingerprint) !== true) this.#look()
    this.#refreshLater()
    return fingerprint
  }

  /** If the keys cannot be fetched, logins stay as they are. */
  async has(fingerprint: string): Promise<boolean> {
    if (this.#fingerprints === undefined) await this.#refresh()
    this.#refreshLater()
    return this.#fingerprints?.has(fingerprint) ?? true
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #look(): void {
    const before = this.#fingerprints
    const set = this.current.jwks()
    if (set === undefined) return
    const now = fingerprintsOf(set.keys)
    this.#fingerprints = now
    if (before !== undefined && [...before].some((fingerprint) => !now.has(fingerprint))) this.#context.revoked()
  }

  #refreshLater(): void {
    if (this.#isClosed) return
    this.#timer ??= this.#context.clock.setTimer(JWKS_REFRESH_MS, () => {
      this.#timer = undefined
      void this.#refresh().then(() => this.#refreshLater())
    })
  }

  async #refresh(): Promise<void> {
    try {
      await this.current.reload()
      if (!this.#isClosed) this.#look()
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error)
      this.#context.log.warn(`the issuer's keys for auth.jwt cannot be fetched; existing logins stay valid: ${cause}`)
    }
  }
}

/** Works like `fetch`, except that the size of an answer is limited: `jose` reports only that something failed. */
function boundedFetch(
  url: string,
  { fetchTimeoutMs: timeoutMs, maxAnswerBytes: maxBytes }: JwtKeyOptions,
): jose.FetchImplementation {
  const source = {
    ...{ name: "the issuer's key set", url, option: 'auth.jwt.max-answer-bytes', maxBytes, timeoutMs },
    ...{ setBy: 'auth.jwt.jwks-url', expected: 'a JSON Web Key Set', isExpected: isKeySet },
  }
  return async (_, options) => new Response(await fetchPublished(source, options as RequestInit))
}

/** Keys are few and used often. */
const known = new WeakMap<object, string>()

function fingerprintOf(key: KeyObject | jose.CryptoKey | Uint8Array): string {
  let fingerprint = known.get(key)
  if (fingerprint === undefined) {
    fingerprint = digestOf(key instanceof KeyObject ? key : KeyObject.from(key as webcrypto.CryptoKey))
    known.set(key, fingerprint)
  }
  return fingerprint
}

function digestOf(key: KeyObject): string {
  const bytes = key.type === 'secret' ? key.export() : key.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(bytes).digest('base64')
}

/** Keys of a kind that is not used for tokens here have none. */
function fingerprintsOf(keys: readonly jose.JWK[]): ReadonlySet<string> {
  const fingerprints = new Set<string>()
  for (const key of keys) {
    try {
      fingerprints.add(digestOf(createPublicKey({ key: key as JsonWebKey, format: 'jwk' })))
    } catch {
      continue // not a public key, so it does not verify tokens either
    }
  }
  return fingerprints
}

/** A secret may be any bytes, except the line break that an editor or `echo` adds and a byte order mark. */
function parseSecret(bytes: Uint8Array): KeyContent {
  const secret = isUtf8(bytes) ? Buffer.from(decodeText(bytes).replace(/\r?\n$/, '')) : Buffer.from(bytes)
  if (secret.length >= MIN_SECRET_BYTES) return contentOf(createSecretKey(secret))
  throw badFile(`the secret has ${secret.length} bytes; it must have at least ${MIN_SECRET_BYTES}`)
}

const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/

function parseKeys(bytes: Uint8Array): KeyContent {
  const content = publicKeys(bytes)
  if (content !== undefined) return content
  throw badFile(
    'it contains a private key, with which anyone who can read the file can sign tokens; use the public key, which is enough to verify them: `openssl pkey -in FILE -pubout`',
  )
}

/** @returns `undefined` if a key is private */
function publicKeys(bytes: Uint8Array): KeyContent | undefined {
  try {
    const text = decodePem(bytes)
    if (PRIVATE_KEY.test(text)) return undefined
    if (!text.trimStart().startsWith('{')) return contentOf(createPublicKey(text))
    const json = JSON.parse(text) as jose.JWK & { keys?: jose.JWK[] }
    const all = json.keys ?? [json]
    if (all.some(({ d }) => d !== undefined)) return undefined
    return { keys: jose.createLocalJWKSet({ keys: all }), fingerprints: fingerprintsOf(all) }
  } catch {
    // Without its cause, which would quote the file.
    throw badFile('it contains neither a key or certificate in PEM form nor a JWK or JWKS')
  }
}

function contentOf(key: KeyObject): KeyContent {
  return { keys: key, fingerprints: new Set([fingerprintOf(key)]) }
}

function badFile(problem: string): ConfigError {
  return new ConfigError('ERR_CONFIG_FILE', problem)
}
