/**
 * Which Client Identifiers a user may use. A Client Identifier is the Client's own choice and names its Session: a
 * Client that uses another's takes over its Connection. These rules bind identifiers to users. They never rewrite one.
 *
 * @module
 */
import type { Client } from '../../protocol/client.ts'
import type { ListenerOptions, Options } from '../../config/options.ts'

/** The rules of a user's listener and of the section `auth`. */
export interface ClientIdRules {
  readonly listener: Pick<ListenerOptions, 'clientId' | 'clientIdPrefix'>
  readonly auth: Pick<Options['auth'], 'clientIds'>
}

/**
 * Finds the rule that a Client Identifier breaks.
 *
 * @param clientId as the Client sent it; an empty one asks the Server to assign one, to which no rule applies
 * @returns what is wrong, with the key that says so; `undefined` if nothing is
 *
 * @example
 * const rules = { listener: { clientId: 'any', clientIdPrefix: '%u-' }, auth: { clientIds: {} } } as const
 * clientIdProblem('ann-phone', 'ann', rules) // undefined
 * clientIdProblem('bob-phone', 'ann', rules) // 'the client identifier does not begin as client-id-prefix requires'
 */
export function clientIdProblem(
  clientId: string,
  userName: Client['userName'],
  { listener, auth }: ClientIdRules,
): string | undefined {
  if (listener.clientId === 'user-name' && clientId !== (userName ?? '')) {
    return 'the client identifier is not the user name, as client-id requires'
  }
  if (listener.clientId === 'user-name' && clientId === '') {
    return 'the client has no user name, which client-id requires as its client identifier'
  }
  const prefix = filledIn(listener.clientIdPrefix, userName)
  if (prefix === undefined) return 'the client has no user name, which client-id-prefix requires'
  if (prefix !== '' && !clientId.startsWith(prefix)) {
    return 'the client identifier does not begin as client-id-prefix requires'
  }
  const own = userName !== undefined && Object.hasOwn(auth.clientIds, userName) ? auth.clientIds[userName] : undefined
  if (own === undefined || own.some((pattern) => fits(clientId, pattern))) return undefined
  return 'the client identifier is not among those that auth.client-ids lists for this user'
}

/** An empty user name would give all such users the same prefix. */
function filledIn(prefix: string, userName: string | undefined): string | undefined {
  if (!prefix.includes('%u')) return prefix
  return userName === undefined || userName === '' ? undefined : prefix.replaceAll('%u', () => userName)
}

function fits(clientId: string, pattern: string): boolean {
  return pattern.endsWith('*') ? clientId.startsWith(pattern.slice(0, -1)) && clientId !== '' : clientId === pattern
}
