/** Every place in the page. @module */
import type { Visitor } from './visitor.ts'

interface Place {
  readonly name: string
  readonly path: string
  readonly heading: string | RegExp
}

export const places: readonly Place[] = [
  { name: 'overview', path: 'overview', heading: 'Overview' },
  { name: 'clients', path: 'clients', heading: 'Clients' },
  { name: 'sessions-away', path: 'clients?show=away', heading: 'Clients' },
  { name: 'client', path: 'clients/stuck-display', heading: /stuck-display/ },
  { name: 'session', path: 'clients/truck-17', heading: /truck-17/ },
  { name: 'no-client', path: 'clients/nobody', heading: /nobody/ },
  { name: 'topics', path: 'topics', heading: 'Topics' },
  { name: 'retained', path: 'retained', heading: 'Retained' },
  { name: 'subscriptions', path: 'subscriptions', heading: 'Subscriptions' },
  { name: 'traces', path: 'trace', heading: 'Trace' },
  { name: 'no-trace', path: 'trace/none', heading: /none/ },
  { name: 'why', path: 'why?client=stuck-display', heading: 'Why' },
  { name: 'listeners', path: 'listeners', heading: 'Listeners' },
  { name: 'bridges', path: 'bridges', heading: 'Bridges' },
  { name: 'users', path: 'access', heading: 'Access' },
  { name: 'groups', path: 'access/groups', heading: 'Access' },
  { name: 'default-access', path: 'access/default', heading: 'Access' },
  { name: 'explain', path: 'access/explain', heading: 'Access' },
  { name: 'access-file', path: 'access/file', heading: 'Access' },
  { name: 'roles', path: 'access/roles', heading: 'Access' },
  { name: 'bans', path: 'access/bans', heading: 'Access' },
  { name: 'api-keys', path: 'access/keys', heading: 'Access' },
  { name: 'logins', path: 'access/logins', heading: 'Access' },
  { name: 'configuration', path: 'configuration', heading: 'Configuration' },
  { name: 'log', path: 'log', heading: 'Log' },
  { name: 'actions', path: 'log/actions', heading: 'Log' },
  { name: 'console', path: 'console', heading: 'Console' },
  { name: 'nowhere', path: 'nowhere', heading: 'There is no such page.' },
]

export async function visitAll(visitor: Visitor): Promise<void> {
  for (const { name, path, heading } of places) {
    await visitor.goTo(path, heading)
    await visitor.inspectAll(name)
  }
}
