/** The first page of every list, and all other views of sessions, with filters that match nothing too. @module */
import type { Broker } from '../../src/index.ts'

/** Asks a `Crowd`, which has a client `attached-77`. */
export const firstPages: Readonly<Record<string, (broker: Broker) => Promise<unknown>>> = {
  overview: ({ admin }) => admin.overview(),
  clients: ({ admin }) => admin.clients(),
  'clients of nobody': ({ admin }) => admin.clients({ userName: 'nobody' }),
  client: ({ admin }) => admin.client({ clientId: 'attached-77' }),
  sessions: ({ admin }) => admin.sessions(),
  'sessions of nobody': ({ admin }) => admin.sessions({ userName: 'nobody' }),
  session: ({ admin }) => admin.session({ clientId: 'attached-77' }),
  subscriptions: ({ admin }) => admin.subscriptions(),
  'subscriptions to nothing': ({ admin }) => admin.subscriptions({ topic: 'nothing' }),
  closedConnections: ({ admin }) => admin.closedConnections(),
  retained: ({ admin }) => admin.retained(),
  slowSubscribers: ({ admin }) => admin.slowSubscribers(),
  drops: ({ admin }) => admin.drops(),
  healthChecks: ({ admin }) => admin.healthChecks(),
  listeners: ({ admin }) => admin.listeners(),
  certificates: ({ admin }) => admin.certificates(),
}
