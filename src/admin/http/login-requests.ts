/**
 * Logging in and out with a browser.
 *
 *   POST /api/v1/login   {"token"} of a link, or {"userName", "password"} ──> cookie, and {"requestToken", …}
 *   GET  /api/v1/login   who the caller is
 *   POST /api/v1/logout  ends the login
 *
 * @module
 */
import { safeExcerpt } from '../../base/printable.ts'
import type { Directory } from '../../access/directory/directory.ts'
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import type { LoginChecks } from '../logins/login-checks.ts'
import type { LoginLinks } from '../logins/login-links.ts'
import type { NewLogin, OperatorLogin, OperatorLogins } from '../logins/operator-logins.ts'
import { userRole } from '../logins/user-role.ts'
import { loginCookies, removeCookie, setCookie } from './cookies.ts'
import { checkBrowserWrite } from './host-check.ts'
import { REQUEST_TOKEN_HEADER } from './locks.ts'
import type { Principal } from './principal.ts'
import { Problem } from './problem.ts'
import { valueAnswer, type Answer, type RequestHead } from './request.ts'

/** The longest body of a login. */
export const MAX_LOGIN_BYTES = 16_384

/** Whether it is the password of that user of the store. */
export type CheckPassword = (userName: string, password: string) => Promise<boolean>

export interface LoginParts {
  readonly logins: OperatorLogins
  readonly links: LoginLinks
  readonly checks: LoginChecks
  /** The users of the broker. */
  readonly directory: () => Directory
  readonly checkPassword: CheckPassword
}

/** What the body may be. */
type LoginRequest = { readonly token: string } | { readonly userName: string; readonly password: string }

export class LoginRequests {
  readonly #parts: LoginParts

  constructor(parts: LoginParts) {
    this.#parts = parts
  }

  /**
   * @param body the value of the body
   * @returns the login, and the answer that sets its cookie
   * @throws {Problem} `ERR_USAGE`, `ERR_UNAUTHORIZED`, `ERR_RATE`, `ERR_ORIGIN`
   */
  async logIn(head: RequestHead, body: unknown): Promise<{ readonly login: OperatorLogin; readonly answer: Answer }> {
    checkBrowserWrite(head)
    const request = loginRequestOf(body)
    const made = 'token' in request ? this.#byLink(head, request.token) : await this.#byPassword(head, request)
    // The login that the browser had before is not left behind.
    this.#endOf(head)
    const { login, cookie, requestToken } = made
    const { maxLogins: _, ...limits } = this.#parts.logins.limits
    const value = { ...this.#parts.logins.viewOf(login), requestToken, idleTimeoutSeconds: limits.loginIdleTimeout }
    const headers = { 'Set-Cookie': setCookie(head, cookie), 'Cache-Control': 'no-store' }
    return { login, answer: valueAnswer(200, value, headers) }
  }

  /** Who the caller is, however it has logged in. */
  who({ name, roleNow, login }: Principal): Answer {
    const view = login === undefined ? {} : this.#parts.logins.viewOf(login)
    return valueAnswer(200, { ...view, name, role: roleNow() }, { 'Cache-Control': 'no-store' })
  }

  /** Ends the login of the caller, and removes its cookie. */
  logOut(head: RequestHead, { login }: Principal): Answer {
    if (login === undefined)
      throw new Problem('ERR_USAGE', 'only a login with a cookie can be ended; delete a key instead')
    this.#parts.logins.end(login.loginId)
    return { status: 204, headers: { 'Set-Cookie': removeCookie(head), 'Clear-Site-Data': '"cache"' }, body: [] }
  }

  #byLink({ address }: RequestHead, token: string): NewLogin {
    const { logins, links, checks } = this.#parts
    const isValid = checks.atOnce({ address, name: undefined }, () => links.redeem(token) || undefined)
    if (isValid === undefined)
      throw refused('the link has been used or has expired; `sluice admin link` makes another one')
    return logins.add({ userName: undefined, address, roleNow: () => 'administrator' })
  }

  async #byPassword({ address, signal }: RequestHead, { userName, password }: PasswordRequest): Promise<NewLogin> {
    const { logins, checks, checkPassword } = this.#parts
    const hashOf = (): string | undefined => this.#parts.directory().get('user', userName)?.entry.passwordHash
    const isRight = await checks.inTurn({ address, name: userName, signal }, async () => {
      const hash = hashOf()
      const isPassword = await checkPassword(userName, password)
      // Changed meanwhile: that was the old one.
      return isPassword && hash !== undefined && hash === hashOf() ? { hash } : undefined
    })
    if (isRight === undefined) throw refused('user name or password is wrong')
    const { hash } = isRight
    const roleNow = (): AdminRole | undefined =>
      hashOf() === hash ? userRole(this.#parts.directory(), userName, address) : undefined
    if (roleNow() === undefined) {
      throw new Problem(
        'ERR_FORBIDDEN',
        `${safeExcerpt(userName)} may not log in here: that requires the role viewer, operator or administrator`,
      )
    }
    return logins.add({ userName, address, roleNow })
  }

  #endOf(head: RequestHead): void {
    const { logins } = this.#parts
    for (const cookie of loginCookies(head)) {
      const before = logins.use(cookie, head.headers[REQUEST_TOKEN_HEADER] ?? '')
      if (before !== undefined) logins.end(before.loginId)
    }
  }
}

type PasswordRequest = Extract<LoginRequest, { userName: string }>

/** @throws {Problem} `ERR_USAGE` */
function loginRequestOf(body: unknown): LoginRequest {
  const given = typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.entries(body) : []
  const keys = given
    .map(([key]) => key)
    .toSorted()
    .join()
  const areTexts = given.every(([, value]) => typeof value === 'string' && value !== '')
  if (areTexts && (keys === 'token' || keys === 'password,userName')) return Object.fromEntries(given) as LoginRequest
  throw new Problem('ERR_USAGE', 'send `{"token": …}` of a link, or `{"userName": …, "password": …}`')
}

function refused(detail: string): Problem {
  return new Problem('ERR_UNAUTHORIZED', detail)
}
