/**
 * `broker.admin`: what each operation of the table does.
 *
 *   broker.admin.clients({ … }) ──> parameters checked by the table ──> view or action ──> plain values, only the fields asked for
 *
 * @module
 */
import type { Broker } from '../broker/broker.ts'
import type { Admin, AdminParameters, OperationName } from '../broker/host/admin.ts'
import type { PublishOptions } from '../broker/host/host-message.ts'
import type { Page, PageOptions } from '../broker/host/page.ts'
import { accessCalls } from './access/access-calls.ts'
import { adminServicesOf } from './admin-services.ts'
import { checkParameters } from './parameter-check.ts'
import { backUp } from './views/backup.ts'
import { dropsOf, overviewOf } from './views/broker-views.ts'
import { certificatesOf } from './views/certificates.ts'
import { clientPage, sessionPage, slowSubscribers } from './views/client-lists.ts'
import { configurationOf } from './views/configuration.ts'
import { healthChecksOf } from './views/health-checks.ts'
import { deleteRetained, retainedPage } from './views/retained.ts'
import { subscriptionPage } from './views/subscriptions.ts'
import { countTopics } from './views/topics.ts'

/** What each operation does with parameters that are checked. */
type Calls = { readonly [Name in OperationName]: (broker: Broker, parameters: AdminParameters[Name]) => unknown }

const calls: Calls = {
  overview: (broker) => overviewOf(broker),
  listeners: (broker) => broker.listeners,
  clients: async (broker, query) => withFields(await clientPage(broker, query), query),
  client: (broker, { clientId }) => broker.client(clientId),
  sessions: async (broker, query) => withFields(await sessionPage(broker, query), query),
  session: (broker, { clientId }) => broker.session(clientId),
  heldMessages: async (broker, query) => {
    const page = await broker.heldMessages(query.clientId, query)
    return page && withFields(page, query)
  },
  subscriptions: async (broker, query) => withFields(await subscriptionPage(broker, query), query),
  closedConnections: async (broker, query) => withFields(await broker.closedConnections(query), query),
  retained: async (broker, query) => withFields(await retainedPage(broker, query), query),
  drops: (broker) => dropsOf(broker),
  healthChecks: (broker) => healthChecksOf(broker),
  slowSubscribers: (broker, { limit }) => slowSubscribers(broker, limit),
  topics: (broker, query) => countTopics(broker, query),
  certificates: (broker) => certificatesOf(broker),
  backup: (broker, { path }) => backUp(broker, path),
  configuration: (broker) => configurationOf(broker.options),
  apiKeys: (broker) => adminServicesOf(broker).keys.all(),
  createApiKey: (broker, request) => adminServicesOf(broker).keys.create(request),
  deleteApiKey: (broker, { keyId }) => adminServicesOf(broker).keys.delete(keyId),
  disconnect: (broker, { clientId, reasonCode }) => broker.disconnect(clientId, reasonCodeOf(reasonCode)),
  endSession: (broker, { clientId, reasonCode }) => broker.endSession(clientId, reasonCodeOf(reasonCode)),
  publish: (broker, { topic, payload, ...options }) => broker.publish(topic, payload, options as PublishOptions),
  subscribeFor: (broker, { clientId, subscriptions, subscriptionIdentifier }) =>
    broker.subscribeFor(clientId, subscriptions, {
      ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
    }),
  unsubscribeFor: (broker, { clientId, topicFilters }) => broker.unsubscribeFor(clientId, topicFilters),
  deleteRetained: (broker, { topicFilter }) => deleteRetained(broker, topicFilter),
  reload: (broker, { configuration }) => broker.reload(configuration),
  ...accessCalls,
}

function reasonCodeOf(reasonCode: AdminParameters['disconnect']['reasonCode']) {
  return reasonCode === undefined ? {} : { reasonCode }
}

interface WithFields extends PageOptions {
  readonly fields?: readonly PropertyKey[] | undefined
}

/** Each item with the fields that were asked for, or as it is. */
function withFields<Item extends object>({ items, cursor }: Page<Item>, { fields }: WithFields): Page<object> {
  if (fields === undefined) return { items, cursor }
  const pick = (item: Item): object => Object.fromEntries(fields.map((field) => [field, item[field as keyof Item]]))
  return { items: items.map(pick), cursor }
}

/** The operations on that broker, by their names. */
export function createAdmin(broker: Broker): Admin {
  const operation = <Name extends OperationName>(name: Name): [Name, (parameters?: unknown) => Promise<unknown>] => [
    name,
    async (parameters = {}) => calls[name](broker, checkParameters(name, parameters)),
  ]
  return Object.fromEntries((Object.keys(calls) as OperationName[]).map(operation)) as unknown as Admin
}
