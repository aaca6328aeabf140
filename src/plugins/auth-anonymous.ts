/**
 * `auth.anonymous`: lets Clients in that say nothing about who they are.
 *
 * Off unless `allowAnonymous` is true, or `allowAnonymousOn` says so of the listener the Client came through. One that sends a
 * User Name or a Password claims something that another plugin has to judge; where no plugin can, `unknownUserNames` says what
 * becomes of it: `as-anonymous` lets it in, without its name. An Authentication Method asks for an exchange, which this is not.
 *
 * @module
 */
import type { UnknownUserNames } from '../config/options.ts'
import type { Client, ConnectRequest, Plugin, PluginContext } from '../access/plugin.ts'

interface Options {
  readonly allowAnonymous?: boolean
  readonly unknownUserNames?: UnknownUserNames
  /** What holds on single listeners, by their names. */
  readonly allowAnonymousOn?: Readonly<Record<string, boolean>>
  readonly unknownUserNamesOn?: Readonly<Record<string, UnknownUserNames>>
}

export default function authAnonymous(context: PluginContext): Plugin {
  const { allowAnonymous = false, unknownUserNames = 'refuse', ...on } = context.options as Options
  const allowed = new Map(Object.entries(on.allowAnonymousOn ?? {}))
  const unknown = new Map(Object.entries(on.unknownUserNamesOn ?? {}))
  const mayEnter = (listener: string, claimsSomething: boolean): boolean =>
    (allowed.get(listener) ?? allowAnonymous) &&
    (!claimsSomething || (unknown.get(listener) ?? unknownUserNames) === 'as-anonymous')
  return {
    name: 'auth.anonymous',
    authenticate: (request) =>
      request.authenticationMethod === undefined && mayEnter(request.listener, claims(request))
        ? { decision: 'allow', anonymous: true }
        : undefined,
    mayStay: ({ userName, claimedUserName, listener }: Client) =>
      userName === undefined && mayEnter(listener, claimedUserName !== undefined) ? true : undefined,
  }
}

function claims({ userName, password }: ConnectRequest): boolean {
  return userName !== undefined || password !== undefined
}
