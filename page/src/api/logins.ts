/** Logging in and out. @module */
import { routes } from 'virtual:routes'
import type { OperationName } from '../../../src/broker/host/admin.ts'
import type { AdminRole } from '../../../src/broker/host/api-key-views.ts'
import { request } from './client.ts'
import { forgetLogin, hasKey, login, requestToken, role, useKey, useRequestToken } from './credentials.ts'

const ROLES: readonly AdminRole[] = ['viewer', 'operator', 'administrator']

/** Whether this login may do that; what it may not is not offered. */
export function may(name: OperationName): boolean {
  return ROLES.indexOf(role.value) >= ROLES.indexOf(routes[name].role)
}

/**
 * By the token of a link, or by a user's password.
 *
 * @throws {ApiProblem}
 */
export async function logIn(
  body: { readonly token: string } | { readonly userName: string; readonly password: string },
): Promise<void> {
  const response = await request('api/v1/login', { method: 'POST', body: JSON.stringify(body) })
  const answer = (await response.json()) as { readonly requestToken: string; readonly role: AdminRole }
  useRequestToken(answer.requestToken)
  accepted(answer.role)
}

/** @throws {ApiProblem} */
export async function logInByKey(key: string): Promise<void> {
  useKey(key)
  await resume()
}

/**
 * Goes on with the login that there is: of this tab, or by a client certificate.
 *
 * @throws {ApiProblem}
 */
async function resume(): Promise<void> {
  const response = await request('api/v1/login', {})
  accepted(((await response.json()) as { readonly role: AdminRole }).role)
}

/** What the address of the page brings: a link with a token, a login of this tab, a certificate. @returns why not */
export async function logInAtStart(): Promise<unknown> {
  const [, token] = /^#token=([\w-]+)$/.exec(location.hash) ?? []
  // A token is for one use, and does not belong in the history.
  if (token !== undefined) {
    history.replaceState(null, '', location.pathname)
    dispatchEvent(new HashChangeEvent('hashchange'))
  }
  try {
    if (token !== undefined) await logIn({ token })
    else if (requestToken() !== null || location.protocol === 'https:') await resume()
    else login.value = 'needed'
    return undefined
  } catch (error) {
    forgetLogin()
    return token === undefined ? undefined : error
  }
}

export async function logOut(): Promise<void> {
  if (!hasKey()) await request('api/v1/logout', { method: 'POST' }).catch(() => undefined)
  forgetLogin()
}

function accepted(given: AdminRole): void {
  role.value = given
  login.value = 'done'
}
