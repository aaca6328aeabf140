/**
 * Tokens that an OpenID provider has issued, as a login to the HTTP API (OpenID Connect Discovery 1.0, RFC 7519).
 *
 *   issuer ──/.well-known/openid-configuration──> jwks_uri ──> keys        fetched with the first token, then kept
 *   token ──> algorithm, signature, issuer, audience, times ──> its name and the values of its claim of roles
 *
 * Only signatures by a private key count: whoever knows a public key, or none, can make nothing with it. A provider
 * that does not answer is not asked again for half a minute, and few tokens wait for it at a time.
 *
 * @module
 */
import * as jose from 'jose'
import type { Clock } from '../base/clock.ts'
import { invariant, PluginError } from '../base/errors.ts'
import type { AdminOpenidOptions } from '../config/option-types.ts'
import { fetchPublished, isKeySet, type PublishedSource } from './published-json.ts'

const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]
const RETRY_AFTER_MS = 30_000
/** Tokens that wait for the provider. */
const MAX_WAITING = 16

/** What a token says that holds. */
export interface VerifiedToken {
  readonly name: string
  /** Values of the claim of roles. */
  readonly values: readonly string[]
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

/** A token that does not hold, and why: for the log. */
export interface RefusedToken {
  readonly refused: string
  /** Whether it was right once. */
  readonly isExpired: boolean
}

type Provider = AdminOpenidOptions & { readonly issuer: string; readonly audience: string }

export class OpenIdTokens {
  readonly #options: Provider
  readonly #clock: Clock
  #discovery: Promise<jose.RemoteJWKSet> | undefined
  #keys: jose.RemoteJWKSet | undefined
  #failure: { readonly error: unknown; readonly at: number } | undefined
  #waiting = 0

  constructor(options: AdminOpenidOptions, clock: Clock) {
    const { issuer, audience } = options
    // The configuration is refused otherwise: without them, tokens of anybody for anybody would do.
    invariant(issuer !== undefined && audience !== undefined, 'admin.openid without issuer or audience')
    this.#options = { ...options, issuer, audience }
    this.#clock = clock
  }

  /** @throws {PluginError} if the provider cannot be asked for its keys */
  async verify(token: string): Promise<VerifiedToken | RefusedToken> {
    const problem = this.#problemOf(token)
    if (problem !== undefined) return { refused: problem, isExpired: false }
    return this.#isKeyKnown(token) ? this.#judge(token) : this.#ask(() => this.#judge(token))
  }

  /**
   * A token with a key that we have waits for nobody: tokens with others, which anybody can make up, cost it nothing.
   */
  #isKeyKnown(token: string): boolean {
    const { kid } = jose.decodeProtectedHeader(token)
    const keys = this.#keys?.fresh === true ? this.#keys.jwks()?.keys : undefined
    return keys?.some((key) => key.kid === kid) === true
  }

  /** @throws {PluginError} if the provider does not answer, or has not a moment ago */
  async #ask(judge: () => Promise<VerifiedToken | RefusedToken>): Promise<VerifiedToken | RefusedToken> {
    this.#mustBeReachable()
    this.#waiting++
    try {
      const answer = await judge()
      this.#failure = undefined
      return answer
    } catch (error) {
      this.#failure = { error, at: this.#clock.now() }
      throw error
    } finally {
      this.#waiting--
    }
  }

  async #judge(token: string): Promise<VerifiedToken | RefusedToken> {
    try {
      return this.#read(await this.#verified(token))
    } catch (error) {
      if (isAboutToken(error)) return { refused: error.code, isExpired: error instanceof jose.errors.JWTExpired }
      throw error
    }
  }

  /** What shows without a key: no provider is asked about such a token. */
  #problemOf(token: string): string | undefined {
    const { maxTokenBytes, issuer } = this.#options
    if (token.length > maxTokenBytes) return `it is longer than admin.openid.max-token-bytes (${maxTokenBytes})`
    try {
      const { alg = '' } = jose.decodeProtectedHeader(token)
      if (!ALGORITHMS.includes(alg)) return 'its algorithm is not allowed'
      return jose.decodeJwt(token).iss === issuer ? undefined : 'it is of another issuer'
    } catch {
      return 'it is not a token'
    }
  }

  /** @throws {PluginError} */
  #mustBeReachable(): void {
    const { error, at } = this.#failure ?? { error: undefined, at: -Infinity }
    if (this.#clock.now() < at + RETRY_AFTER_MS) throw error
    if (this.#waiting >= MAX_WAITING) throw new PluginError('too many tokens wait for the OpenID provider')
  }

  async #verified(token: string): Promise<jose.JWTPayload> {
    const { issuer, audience, clockToleranceMs } = this.#options
    this.#keys ??= await (this.#discovery ??= this.#discover())
    const { payload } = await jose.jwtVerify(token, this.#keys, {
      ...{ issuer, audience, algorithms: ALGORITHMS, requiredClaims: ['exp'] },
      clockTolerance: clockToleranceMs / 1000,
      currentDate: new Date(this.#clock.wallNow()),
    })
    return payload
  }

  #read(claims: jose.JWTPayload): VerifiedToken | RefusedToken {
    const { nameClaim, rolesClaim, clockToleranceMs } = this.#options
    const name = claims[nameClaim]
    if (typeof name !== 'string' || name === '') {
      return { refused: `the claim ${nameClaim} is not a non-empty string`, isExpired: false }
    }
    return { name, values: valuesOf(claims, rolesClaim), expiresAtMs: claims.exp! * 1000 + clockToleranceMs }
  }

  async #discover(): Promise<jose.RemoteJWKSet> {
    try {
      const { issuer, fetchTimeoutMs } = this.#options
      const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
      const isOurs = (value: unknown): boolean => (value as Configuration | null)?.issuer === issuer
      const source = { ...this.#source(url), name: 'the OpenID provider', expected: `the configuration of ${issuer}` }
      const timeout = new AbortController()
      const timer = this.#clock.setTimer(fetchTimeoutMs, () => timeout.abort(new DOMException('', 'TimeoutError')))
      const asked = fetchPublished({ ...source, isExpected: isOurs }, { redirect: 'error', signal: timeout.signal })
      const bytes = await asked.finally(() => timer.cancel())
      return this.#keysAt((JSON.parse(bytes.toString()) as Configuration).jwks_uri)
    } catch (error) {
      this.#discovery = undefined
      throw error
    }
  }

  /** @throws {PluginError} for an address that anybody could answer at */
  #keysAt(written: unknown): jose.RemoteJWKSet {
    const { issuer, fetchTimeoutMs } = this.#options
    const url = typeof written === 'string' && URL.canParse(written) ? new URL(written) : undefined
    if (url === undefined || (url.protocol !== 'https:' && url.protocol !== new URL(issuer).protocol)) {
      throw new PluginError(`the jwks_uri of the OpenID provider ${issuer} is no https address`)
    }
    const source = {
      ...this.#source(url.href),
      name: 'the key set of the OpenID provider',
      expected: 'a JSON Web Key Set',
    }
    return jose.createRemoteJWKSet(url, {
      timeoutDuration: fetchTimeoutMs,
      [jose.customFetch]: async (_, options) =>
        new Response(await fetchPublished({ ...source, isExpected: isKeySet }, options as RequestInit)),
    })
  }

  #source(url: string): Omit<PublishedSource, 'name' | 'expected' | 'isExpected'> {
    const { fetchTimeoutMs: timeoutMs, maxAnswerBytes: maxBytes } = this.#options
    return { url, timeoutMs, maxBytes, option: 'admin.openid.max-answer-bytes', setBy: 'admin.openid.issuer' }
  }
}

interface Configuration {
  readonly issuer?: unknown
  readonly jwks_uri?: unknown
}

/** Any other error is about the provider. */
function isAboutToken(error: unknown): error is jose.errors.JOSEError {
  const { JOSEError, JWKSInvalid, JWKSTimeout } = jose.errors
  if (!(error instanceof JOSEError) || error instanceof JWKSInvalid || error instanceof JWKSTimeout) return false
  return error.code !== JOSEError.code
}

/** @param path such as `roles` or `realm_access.roles` */
function valuesOf(claims: jose.JWTPayload, path: string): readonly string[] {
  let value: unknown = claims
  for (const key of Object.hasOwn(claims, path) ? [path] : path.split('.')) {
    const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    value = isObject ? (value as Readonly<Record<string, unknown>>)[key] : undefined
  }
  // `scope` has them in one string.
  if (typeof value === 'string') return value.split(' ')
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}
