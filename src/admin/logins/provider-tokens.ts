/**
 * Tokens of an OpenID provider, as a login to the HTTP API: what verifies them is loaded with the first one, and what
 * they say becomes a role by `admin.openid.roles`.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { logRefusal } from '../../base/log.ts'
import { safeExcerpt } from '../../base/printable.ts'
import { messageOf } from '../../base/thrown.ts'
import { MadeOnce } from '../made-once.ts'
import type { AdminHost } from '../../broker/host/admin-door.ts'
import type { AdminOpenidOptions } from '../../config/option-types.ts'
import type { AdminOptions } from '../../config/resolved-options.ts'
import { unauthorized, type Principal } from '../http/principal.ts'
import { Problem } from '../http/problem.ts'
import { roles } from '../operation.ts'
import type { LoginChecks } from './login-checks.ts'

/** What a token says, if it holds. */
export interface TokenFacts {
  readonly name: string
  /** Values of the claim of roles. */
  readonly values: readonly string[]
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

/** Why a token does not hold. */
export interface TokenRefusal {
  readonly refused: string
  /** Whether it was right once. */
  readonly isExpired: boolean
}

/** Rejects if the provider cannot be asked. */
export type VerifyToken = (token: string) => Promise<TokenFacts | TokenRefusal>
/** Loads what verifies tokens. */
export type OpenTokens = (options: AdminOpenidOptions) => Promise<VerifyToken>

export class ProviderTokens {
  readonly #open: OpenTokens
  readonly #checks: LoginChecks
  readonly #host: Pick<AdminHost, 'clock' | 'log'>
  #options: AdminOpenidOptions | undefined
  #verify: MadeOnce<VerifyToken> | undefined

  constructor(open: OpenTokens, checks: LoginChecks, host: Pick<AdminHost, 'clock' | 'log'>, options: AdminOptions) {
    this.#open = open
    this.#checks = checks
    this.#host = host
    this.configure(options)
  }

  /** Applies new options; what is known of the provider stays known if they are the same. */
  configure({ openid }: AdminOptions): void {
    if (isDeepStrictEqual(openid, this.#options)) return
    this.#options = openid
    this.#verify = openid === undefined ? undefined : new MadeOnce(() => this.#open(openid))
  }

  /** Whether it looks like one, and any are accepted. */
  isToken(text: string): boolean {
    return this.#options !== undefined && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)
  }

  /** @throws {Problem} `ERR_UNAUTHORIZED`, `ERR_FORBIDDEN`, `ERR_RATE`, `ERR_UNAVAILABLE` */
  async principalOf(token: string, address: string): Promise<Principal> {
    const options = this.#options!
    const facts = await this.#checks.soon({ address, name: undefined }, async () => {
      const answer = await this.#verified(token)
      // One that was right once is no guess.
      return 'refused' in answer && !answer.isExpired ? undefined : answer
    })
    if (facts === undefined) throw unauthorized('the token is not valid here')
    if ('refused' in facts) throw unauthorized('the token has expired')
    const role = roles.findLast((each) => options.roles![each]?.some((value) => facts.values.includes(value)))
    const name = `openid ${safeExcerpt(facts.name)}`
    if (role === undefined) throw new Problem('ERR_FORBIDDEN', `${name} has no role here: see \`admin.openid.roles\``)
    const holds = (): boolean => this.#options === options && this.#host.clock.wallNow() < facts.expiresAtMs
    return { name, owner: `openid ${facts.name}`, roleNow: () => (holds() ? role : undefined) }
  }

  async #verified(token: string): Promise<TokenFacts | TokenRefusal> {
    try {
      const verify = await this.#verify!.get()
      return await verify(token)
    } catch (error) {
      logRefusal(this.#host.log, { err: error }, `HTTP API: ${messageOf(error)}`, 'admin openid', 'warn')
      throw new Problem('ERR_UNAVAILABLE', 'the OpenID provider cannot be asked; the log of the broker has the cause')
    }
  }
}
