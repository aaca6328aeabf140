/**
 * `auth.anonymous`: admits clients that do not identify themselves.
 *
 * Off unless `allowAnonymous` is true, or `allowAnonymousOn` is true for the listener of the client. A client that
 * sends a user name or a password makes a claim that another plugin has to judge; if no plugin can, `unknownUserNames`
 * decides: `as-anonymous` admits it without its name. An Authentication Method requires an exchange, which this plugin
 * does not offer.
 * @module
 */
import type { UnknownUserNames } from '../config/options.ts'
import type { Client, ConnectRequest, Plugin, PluginContext } from '../access/plugin.ts'

interface Options {
  readonly allowAnonymous?: boolean
  readonly unknownUserNames?: UnknownUserNames
  /** The setting of single listeners, by name. */
  readonly allowAnonymousOn?: Readonly<Record<string, boolean>>
  readonly unknownUserNamesOn?: Readonly<Record<string, UnknownUserNames>>
}

export default function authAnonymous(context: PluginContext): Plugin {
  const { allowAnonymous = false, unknownUserNames = 'refuse', ...on } = context.options as Options
  const allowed = new Map(Object.entries(on.allowAnonymousOn ?? {}))
  const unknown = new Map(Object.entries(on.unknownUserNamesOn ?? {}))
  const admits = (listener: string, claimsSomething: boolean): boolean =>
    (allowed.get(listener) ?? allowAnonymous) &&
    (!claimsSomething || (unknown.get(listener) ?? unknownUserNames) === 'as-anonymous')
  return {
    name: 'auth.anonymous',
    authenticate: (request) =>
      request.authenticationMethod === undefined && admits(request.listener, claims(request))
        ? { decision: 'allow', anonymous: true }
        : undefined,
    mayStay: ({ userName, claimedUserName, listener }: Client) =>
      userName === undefined && admits(listener, claimedUserName !== undefined) ? true : undefined,
  }
}

function claims({ userName, password }: ConnectRequest): boolean {
  return userName !== undefined || password !== undefined
}
