/**
 * `auth.anonymous`: lets Clients in that say nothing about who they are.
 *
 * Only those: a CONNECT that carries a User Name, a Password or an Authentication Method claims something, and somebody else
 * has to judge it. Off unless `allowAnonymous` is true, or `allowAnonymousOn` says so of the listener it came through.
 *
 * @module
 */
import type { ConnectRequest, Plugin, PluginContext } from '../broker/plugin.ts'

interface Options {
  readonly allowAnonymous?: boolean
  /** What listeners say for themselves, by their names. */
  readonly allowAnonymousOn?: Readonly<Record<string, boolean>>
}

export default function authAnonymous(context: PluginContext): Plugin {
  const { allowAnonymous = false, allowAnonymousOn = {} } = context.options as Options
  const ofListeners = new Map(Object.entries(allowAnonymousOn))
  const isAllowedOn = (listener: string): boolean => ofListeners.get(listener) ?? allowAnonymous
  return {
    name: 'auth.anonymous',
    authenticate: (request) =>
      isAllowedOn(request.listener) && claimsNothing(request) ? { decision: 'allow' } : undefined,
    mayStay: ({ userName, listener }) => (userName === undefined && isAllowedOn(listener) ? true : undefined),
  }
}

function claimsNothing({ userName, password, authenticationMethod }: ConnectRequest): boolean {
  return userName === undefined && password === undefined && authenticationMethod === undefined
}
