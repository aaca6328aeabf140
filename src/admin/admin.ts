/**
 * `broker.admin`: what each operation of the table does.
 *
 *   broker.admin.clients({ … }) ──> parameters checked by the table ──> view or action ──> plain values, only the fields asked for
 *
 * @module
 */
import { SluiceError } from '../base/errors.ts'
import { lifeOf, serverOf, type Broker } from '../broker/broker.ts'
import type { Admin, AdminParameters, CallOptions, OperationName } from '../broker/host/admin.ts'
import type { PublishOptions } from '../broker/host/host-message.ts'
import { OpenBridges } from '../broker/host/open-bridges.ts'
import type { Page, PageOptions } from '../broker/host/page.ts'
import { accessCalls } from './access/access-calls.ts'
import { adminServicesOf } from './admin-services.ts'
import { createLoginLink, resetAdministrator } from './logins/administrators.ts'
import { checkParameters } from './parameter-check.ts'
import { hintsOf } from './why/hints.ts'
import { why } from './why/why.ts'
import { whyClosed } from './why/why-closed.ts'
import { whyRefused } from './why/why-refused.ts'
import { latestActions } from './views/audit.ts'
import { backUp } from './views/backup.ts'
import { dropsOf, overviewOf } from './views/broker-views.ts'
import { certificatesOf } from './views/certificates.ts'
import { clientPage, sessionPage, slowSubscribers } from './views/client-lists.ts'
import { traceCalls } from './trace/trace-calls.ts'
import { configurationOf } from './views/configuration.ts'
import { configurationEntries } from './views/configuration-entries.ts'
import { healthChecksOf } from './views/health-checks.ts'
import { deleteRetained, retainedPage } from './views/retained.ts'
import { subscriptionPage } from './views/subscriptions.ts'
import { countTopics } from './views/topics.ts'

/** What each operation does with parameters that are checked. */
type Calls = {
  readonly [Name in OperationName]: (broker: Broker, parameters: AdminParameters[Name], options: CallOptions) => unknown
}

const calls: Calls = {
  overview: (broker) => overviewOf(broker),
  history: (broker, query) => adminServicesOf(broker).history.view(query),
  listeners: (broker) => broker.listeners,
  clients: async (broker, query) => withFields(broker, await clientPage(broker, query), query),
  client: (broker, { clientId }) => broker.client(clientId),
  sessions: async (broker, query) => withFields(broker, await sessionPage(broker, query), query),
  session: (broker, { clientId }) => broker.session(clientId),
  heldMessages: async (broker, query) => {
    const page = await broker.heldMessages(query.clientId, query)
    return page && withFields(broker, page, query)
  },
  subscriptions: async (broker, query) => withFields(broker, await subscriptionPage(broker, query), query),
  closedConnections: async (broker, query) => withFields(broker, await broker.closedConnections(query), query),
  retained: async (broker, query) => withFields(broker, await retainedPage(broker, query), query),
  drops: (broker) => dropsOf(broker),
  why: (broker, query, { caller }) => why(broker, query, caller),
  whyClosed: (broker, { clientId, at }) => whyClosed(broker, clientId, at),
  whyRefused: (broker, query) => whyRefused(broker, query),
  hints: (broker) => hintsOf(broker),
  healthChecks: (broker) => healthChecksOf(broker),
  slowSubscribers: (broker, { limit }) => slowSubscribers(broker, limit),
  topics: (broker, query, options) => countTopics(broker, query, options),
  certificates: (broker) => certificatesOf(broker),
  backup: (broker, { path }) => backUp(broker, path),
  configuration: (broker) => configurationOf(broker.options),
  configurationEntries: (broker) => {
    const { config, source } = lifeOf(broker).parts
    return configurationEntries(broker.options, config, source)
  },
  apiKeys: (broker) => adminServicesOf(broker).keys.all(),
  createApiKey: (broker, request) => adminServicesOf(broker).keys.create(request),
  deleteApiKey: (broker, { keyId }) => adminServicesOf(broker).keys.delete(keyId),
  auditLog: (broker, { limit }) => latestActions(adminServicesOf(broker).audit, limit),
  logins: (broker) => adminServicesOf(broker).logins.all(),
  endLogin: (broker, { loginId }) => adminServicesOf(broker).logins.end(loginId),
  createLoginLink: (broker) => createLoginLink(broker),
  resetAdministrator,
  disconnect: (broker, { clientId, reasonCode }) => broker.disconnect(clientId, reasonCodeOf(reasonCode)),
  endSession: (broker, { clientId, reasonCode }) => broker.endSession(clientId, reasonCodeOf(reasonCode)),
  publish: (broker, { topic, payload, ...options }) => broker.publish(topic, payload, options as PublishOptions),
  subscribeFor: (broker, { clientId, subscriptions, subscriptionIdentifier }) =>
    broker.subscribeFor(clientId, subscriptions, {
      ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
    }),
  unsubscribeFor: (broker, { clientId, topicFilters }) => broker.unsubscribeFor(clientId, topicFilters),
  deleteRetained: (broker, { topicFilter }) => deleteRetained(broker, topicFilter),
  reload: async (broker, { configuration }) => {
    if (configuration === undefined) return lifeOf(broker).reread()
    return { file: undefined, ...(await broker.reload(configuration)) }
  },
  ...accessCalls,
  bridges: (broker) => OpenBridges.of(serverOf(broker))?.views ?? [],
  pauseBridge: (broker, { name }) => OpenBridges.of(serverOf(broker))?.setPaused(name, true) ?? false,
  resumeBridge: (broker, { name }) => OpenBridges.of(serverOf(broker))?.setPaused(name, false) ?? false,
  ...traceCalls,
}

function reasonCodeOf(reasonCode: AdminParameters['disconnect']['reasonCode']) {
  return reasonCode === undefined ? {} : { reasonCode }
}

/** Work of a field that is copied. */
const FIELD_UNITS = 2

interface WithFields extends PageOptions {
  readonly fields?: readonly PropertyKey[] | undefined
}

/** Each item with the fields that were asked for, or as it is: in slices, because a page may have a thousand. */
async function withFields<Item extends object>(
  broker: Broker,
  { items, cursor }: Page<Item>,
  { fields }: WithFields,
): Promise<Page<object>> {
  if (fields === undefined) return { items, cursor }
  const { turn } = serverOf(broker)
  const picked: object[] = []
  for (const item of items) {
    if (turn.work.isSpent) await turn.share(broker)
    turn.work.spend(FIELD_UNITS * fields.length)
    picked.push(Object.fromEntries(fields.map((field) => [field, item[field as keyof Item]])))
  }
  return { items: picked, cursor }
}

function countBusy(broker: Broker, name: OperationName): void {
  if (broker.state !== 'started') return
  const { metrics, packets } = serverOf(broker)
  metrics.adminBusy++
  packets.events.emit('limitReached', { option: name, owner: '' })
}

/** The operations on that broker, by their names. */
export function createAdmin(broker: Broker): Admin {
  const operation = <Name extends OperationName>(
    name: Name,
  ): [Name, (parameters?: unknown, options?: CallOptions) => Promise<unknown>] => [
    name,
    async (parameters = {}, options = {}) => {
      try {
        return await calls[name](broker, checkParameters(name, parameters), options)
      } catch (error) {
        if (error instanceof SluiceError && error.code === 'ERR_BUSY') countBusy(broker, name)
        throw error
      }
    },
  ]
  return Object.fromEntries((Object.keys(calls) as OperationName[]).map(operation)) as unknown as Admin
}
