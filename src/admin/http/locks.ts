/**
 * Who makes a request, and what they may do.
 *
 *   Unix domain socket             administrator: its file belongs to the user of the broker
 *   Authorization: Bearer KEY      the role of the key
 *   cookie, Sluice-Request-Token   the role of the login (logins/operator-logins.ts)
 *   Authorization: Bearer TOKEN    the role that `admin.openid` gives its claims
 *   client certificate             `certificate-role`, if a CA in `cafile` has signed it
 *
 * Browsers add cookies and certificates by themselves, also for pages of others, so these are looked at more closely
 * (host-check.ts).
 *
 * @module
 */
import type { MaybePromise } from '../../base/maybe-promise.ts'
import { safeExcerpt } from '../../base/printable.ts'
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import type { Options } from '../../config/resolved-options.ts'
import { presentedKey, type ApiKeys } from '../api-keys.ts'
import type { LoginChecks } from '../logins/login-checks.ts'
import type { ProviderTokens } from '../logins/provider-tokens.ts'
import type { OperatorLogin, OperatorLogins } from '../logins/operator-logins.ts'
import { loginCookies } from './cookies.ts'
import { checkBrowserWrite, checkSite } from './host-check.ts'
import { unauthorized, type Principal } from './principal.ts'
import { LOCAL_ADDRESS, type ClientCertificate, type RequestHead } from './request.ts'

/** The header with the token that the answer to a login has, in lower case. No form can send it. */
export const REQUEST_TOKEN_HEADER = 'sluice-request-token'

const LOCAL: Principal = { name: 'local', owner: 'local', isLocal: true, roleNow: () => 'administrator' }

export interface LocksParts {
  readonly keys: ApiKeys
  readonly logins: OperatorLogins
  readonly checks: LoginChecks
  readonly tokens: ProviderTokens
}

export class Locks {
  #keys: ApiKeys
  readonly #logins: OperatorLogins
  readonly #checks: LoginChecks
  readonly #tokens: ProviderTokens
  #options: Options

  constructor({ keys, logins, checks, tokens }: LocksParts, options: Options) {
    this.#keys = keys
    this.#logins = logins
    this.#checks = checks
    this.#tokens = tokens
    this.#options = options
  }

  /** Applies new options to requests from now on. */
  configure(options: Options, keys: ApiKeys): void {
    this.#keys = keys
    this.#options = options
  }

  /** @throws {Problem} `ERR_UNAUTHORIZED`, `ERR_ORIGIN`, or `ERR_RATE` after wrong logins */
  principalOf(head: RequestHead): MaybePromise<Principal> {
    const { address, headers, certificate } = head
    if (address === LOCAL_ADDRESS) return LOCAL
    const { authorization, [REQUEST_TOKEN_HEADER]: requestToken } = headers
    if (authorization === undefined && requestToken !== undefined) return this.#ofLogin(head, requestToken)
    if (authorization === undefined && certificate !== undefined) {
      checkSite(head)
      return this.#ofCertificate(certificate)
    }
    const text = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
    if (text === undefined) throw unauthorized('send an API key: `Authorization: Bearer KEY`, or log in')
    return this.#tokens.isToken(text) ? this.#tokens.principalOf(text, address) : this.#ofKey(text, address)
  }

  /** The cookie is not enough, also to read: a program at another port of this host may have got it. */
  #ofLogin(head: RequestHead, requestToken: string): Principal {
    if (head.method === 'GET') checkSite(head)
    else checkBrowserWrite(head)
    for (const cookie of loginCookies(head)) {
      const login = this.#logins.use(cookie, requestToken)
      if (login === undefined) continue
      const roleNow = (): AdminRole | undefined => (this.#logins.holds(login) ? login.roleNow() : undefined)
      return { name: nameOf(login), owner: ownerOf(login), login, roleNow }
    }
    throw unauthorized('the login has ended; log in again')
  }

  /** It holds as long as a CA of `cafile` has signed it, also for a stream that goes on. */
  #ofCertificate({ name, fingerprint, isTrusted }: ClientCertificate): Principal {
    const roleNow = (): AdminRole | undefined => (isTrusted() ? this.#options.admin?.certificateRole : undefined)
    return { name: `certificate ${safeExcerpt(name)}`, owner: `certificate ${fingerprint}`, roleNow }
  }

  /** The same for every reason, so that an answer does not reveal which keys there are. */
  #ofKey(text: string, address: string): Principal {
    const presented = presentedKey(text)
    const claim = { address, name: presented?.keyId }
    const key = this.#checks.atOnce(claim, () => presented && this.#keys.check(presented))
    if (key === undefined) throw unauthorized('the API key is wrong, or it has expired or been deleted')
    const { keyId, name, role } = key
    const roleNow = (): AdminRole | undefined => (this.#keys.isValid(keyId) ? role : undefined)
    return { name: `key ${keyId} (${name})`, owner: `key ${keyId}`, roleNow }
  }
}

/** For the audit log. */
export function nameOf({ userName, loginId }: OperatorLogin): string {
  return userName === undefined ? `link ${loginId}` : `user ${safeExcerpt(userName)}`
}

/** The whole name: `nameOf` shortens it. */
export function ownerOf({ userName, loginId }: OperatorLogin): string {
  return userName === undefined ? `link ${loginId}` : `user ${userName}`
}
