/**
 * `auth.jwt`: clients that log in with a JSON Web Token (RFC 7519) instead of a password.
 *
 *   auth:
 *     jwt:
 *       key-file: issuer.pem            # or jwks-url: https://…, or secret-file: FILE (HS256 and its like)
 *       issuer: https://login.example
 *
 * | key                  | default    |                                                                             |
 * | -------------------- | ---------- | --------------------------------------------------------------------------- |
 * | `key-file`           |            | public key or certificate in PEM form, or a JWK or JWKS; reloaded on change |
 * | `jwks-url`           |            | where the issuer publishes its keys; fetched when needed, then kept         |
 * | `secret-file`        |            | a shared secret of at least 32 bytes; reloaded on change                    |
 * | `from`               | `password` | which field of CONNECT carries the token: `password` or `user-name`         |
 * | `algorithms`         | by key     | HS256 … for a secret; RS256 …, PS256 …, ES256 …, EdDSA for a key            |
 * | `issuer`, `audience` |            | the required values of `iss` and `aud`                                      |
 * | `user-name-claim`    | `sub`      | the claim that becomes the user name of the client                          |
 * | `require-expiry`     | on         | whether a token without `exp` is refused                                    |
 * | `clock-tolerance-ms` | 0          | how much the issuer's clock may differ                                      |
 * | `fetch-timeout-ms`   | 3000       | the longest time for an answer of the issuer                                |
 * | `max-answer-bytes`   | 1048576    | largest key set of the issuer; a longer answer is an error                  |
 *
 * When the token expires, the login ends, and with it the connection. It also ends when the key that signed the token
 * is removed from the file, or from the keys that the issuer publishes (checked every ten minutes). This plugin has no
 * opinion on a field that does not contain a token. A token is never remembered, logged or quoted.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto'
import * as jose from 'jose'
import * as v from 'valibot'
import type { Clock } from '../base/clock.ts'
import { ConfigError } from '../base/errors.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type {
  AuthenticationAnswer,
  Client,
  ConnectRequest,
  LoginCheck,
  Plugin,
  PluginContext,
} from '../access/plugin.ts'
import { openJwtKeys, type JwtKeys } from './jwt-keys.ts'
import { milliseconds, readPluginOptions } from './plugin-options.ts'

const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const
const KEY_ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
] as const

/** Its keys and defaults are those of the option table for `auth.jwt`. */
export const optionsSchema = v.pipe(
  v.strictObject({
    keyFile: v.optional(v.string()),
    jwksUrl: v.optional(v.pipe(v.string(), v.regex(/^https?:\/\//, 'expected an http or https address'))),
    secretFile: v.optional(v.string()),
    from: v.optional(v.picklist(['password', 'user-name']), 'password'),
    algorithms: v.optional(v.array(v.picklist([...SECRET_ALGORITHMS, ...KEY_ALGORITHMS]))),
    issuer: v.optional(v.string()),
    audience: v.optional(v.string()),
    userNameClaim: v.optional(v.string(), 'sub'),
    requireExpiry: v.optional(v.boolean(), true),
    clockToleranceMs: milliseconds(0),
    fetchTimeoutMs: milliseconds(3000),
    maxAnswerBytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1_048_576),
  }),
  v.check(
    ({ keyFile, jwksUrl, secretFile }) =>
      [keyFile, jwksUrl, secretFile].filter((key) => key !== undefined).length === 1,
    'exactly one of key-file, jwks-url and secret-file is required',
  ),
)

type Options = v.InferOutput<typeof optionsSchema>

/** The evidence of a login by token, apart from the expiry of the token. */
interface TokenEvidence {
  /** Fingerprint of the key. */
  readonly key: string
  readonly algorithm: string
  readonly issuer: string | undefined
  readonly audience: readonly string[]
  readonly userNameClaim: string
  readonly expires: boolean
}

/** @throws {ConfigError} for invalid options or key files */
export default async function authJwt(context: PluginContext): Promise<Plugin> {
  const options = readPluginOptions('auth.jwt', optionsSchema, context.options['jwt'])
  const allowed: readonly string[] = options.secretFile === undefined ? KEY_ALGORITHMS : SECRET_ALGORITHMS
  const stranger = options.algorithms?.find((algorithm) => !allowed.includes(algorithm))
  if (stranger !== undefined) {
    throw new ConfigError('ERR_CONFIG_PLUGIN', `auth.jwt.algorithms: ${stranger} cannot be used with this kind of key`)
  }
  return new AuthJwt(
    options,
    await openJwtKeys(options, context),
    {
      ...(options.issuer !== undefined && { issuer: options.issuer }),
      ...(options.audience !== undefined && { audience: options.audience }),
      algorithms: [...(options.algorithms ?? allowed)],
      requiredClaims: options.requireExpiry ? ['exp'] : [],
      clockTolerance: options.clockToleranceMs / 1000,
    },
    context.clock,
  )
}

class AuthJwt implements Plugin {
  readonly name = 'auth.jwt'
  readonly #options: Options
  readonly #keys: JwtKeys
  readonly #demands: jose.JWTVerifyOptions
  readonly #clock: Clock

  constructor(options: Options, keys: JwtKeys, demands: jose.JWTVerifyOptions, clock: Clock) {
    this.#options = options
    this.#keys = keys
    this.#demands = demands
    this.#clock = clock
  }

  authenticate(request: ConnectRequest): LoginCheck | undefined {
    const token = tokenOf(request, this.#options.from)
    return token === undefined ? undefined : { decision: 'check', check: () => this.#judge(token) }
  }

  /** The token is not kept: its claims are compared with the present options, and its key must still exist. */
  mayStay(_client: Client, evidence: unknown): MaybePromise<boolean | undefined> {
    if (typeof evidence !== 'object' || evidence === null || !this.#satisfiesOptions(evidence as TokenEvidence)) {
      return undefined
    }
    const has = this.#keys.has((evidence as TokenEvidence).key)
    return has instanceof Promise ? has.then((still) => still || undefined) : has || undefined
  }

  close(): void {
    this.#keys.close()
  }

  #satisfiesOptions({ algorithm, issuer, audience, userNameClaim, expires }: TokenEvidence): boolean {
    const demanded = this.#options
    return (
      this.#demands.algorithms!.includes(algorithm) &&
      (demanded.issuer === undefined || demanded.issuer === issuer) &&
      (demanded.audience === undefined || audience.includes(demanded.audience)) &&
      demanded.userNameClaim === userNameClaim &&
      (expires || !demanded.requireExpiry)
    )
  }

  async #judge(token: string): Promise<AuthenticationAnswer> {
    try {
      return await this.#verify(token)
    } catch (error) {
      // An error of the issuer's server is our failure; any other is the token's.
      if (this.#keys.isRemote && isFetchFailure(error)) throw error
      return deny(error instanceof jose.errors.JOSEError ? error.code : 'its algorithm cannot be used with the key')
    }
  }

  async #verify(token: string): Promise<AuthenticationAnswer> {
    const demands = { ...this.#demands, currentDate: new Date(this.#clock.wallNow()) }
    const { current } = this.#keys
    const verified = await jose.jwtVerify(token, current, demands)
    // The result contains the key if a function selected it.
    const key = this.#keys.used(verified.key ?? (current as KeyObject))
    return this.#allow(verified.payload, verified.protectedHeader.alg, key)
  }

  #allow(claims: jose.JWTPayload, algorithm: string, key: string): AuthenticationAnswer {
    const { userNameClaim, clockToleranceMs } = this.#options
    const userName = claims[userNameClaim]
    if (typeof userName !== 'string' || userName === '')
      return deny(`the claim ${userNameClaim} is not a non-empty string`)
    const { exp, iss: issuer, aud = [] } = claims
    const audience = typeof aud === 'string' ? [aud] : aud
    const evidence: TokenEvidence = { key, algorithm, issuer, audience, userNameClaim, expires: exp !== undefined }
    const expiry = exp === undefined ? {} : { expiresAtMs: exp * 1000 + clockToleranceMs }
    return { decision: 'allow', userName, evidence, ...expiry }
  }
}

/** Returns a value with the form of a signed token; any other content of the field is for other plugins. */
function tokenOf(request: ConnectRequest, from: Options['from']): string | undefined {
  const { userName, password, authenticationMethod } = request
  if (authenticationMethod !== undefined) return undefined
  const field = from === 'user-name' ? userName : password && Buffer.from(password).toString('latin1')
  return field !== undefined && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(field) ? field : undefined
}

function isFetchFailure(error: unknown): boolean {
  const { JOSEError, JWKSInvalid, JWKSTimeout } = jose.errors
  if (!(error instanceof JOSEError)) return true
  return error instanceof JWKSInvalid || error instanceof JWKSTimeout || error.code === JOSEError.code
}

function deny(why: string): AuthenticationAnswer {
  return { decision: 'deny', cause: `token refused: ${why}` }
}
