/** The fields of all views, by the names of their types, and of the lists whose fields a request may select. @module */
import * as access from './access-views.ts'
import * as broker from './broker-views.ts'
import { schemaOfFields, type Schema } from './field.ts'
import * as sessions from './session-views.ts'

const views: Readonly<Record<string, object>> = {
  OverviewView: broker.overviewView,
  ListenerView: broker.listenerView,
  ClientView: sessions.clientView,
  SessionView: sessions.sessionView,
  HeldMessageView: sessions.heldMessageView,
  SubscriptionView: sessions.subscriptionView,
  ClosedConnectionView: sessions.closedConnectionView,
  RetainedView: sessions.retainedView,
  SlowSubscriberView: sessions.slowSubscriberView,
  TopicView: sessions.topicView,
  SubscriptionResult: sessions.subscriptionResult,
  HealthCheckView: broker.healthCheckView,
  DropView: broker.dropView,
  CertificateView: broker.certificateView,
  BackupView: broker.backupView,
  ReloadView: broker.reloadView,
  BridgeView: broker.bridgeView,
  HistoryView: broker.historyView,
  WhyView: broker.whyView,
  HintView: broker.hintView,
  TraceView: broker.traceView,
  TraceRecordsView: broker.traceRecordsView,
  ApiKeyView: access.apiKeyView,
  CreatedApiKey: access.createdApiKey,
  AuditView: access.auditView,
  LoginView: access.loginView,
  LoginLinkView: access.loginLinkView,
  UserView: access.userView,
  GroupView: access.groupView,
  RoleView: access.roleView,
  DefaultAccessView: access.defaultAccessView,
  BanView: access.banView,
  ImportView: access.importView,
  ConfigurationEntryView: broker.configurationEntryView,
  ExplainView: access.explainView,
}

/** By the operation that returns them. */
export const viewFields = {
  clients: Object.keys(sessions.clientView),
  sessions: Object.keys(sessions.sessionView),
  heldMessages: Object.keys(sessions.heldMessageView),
  subscriptions: Object.keys(sessions.subscriptionView),
  closedConnections: Object.keys(sessions.closedConnectionView),
  retained: Object.keys(sessions.retainedView),
} as const

/** The schemas of all views, by the names of their types. */
export function viewSchemas(): Readonly<Record<string, Schema>> {
  return Object.fromEntries(Object.entries(views).map(([name, fields]) => [name, schemaOfFields(fields)]))
}

/**
 * The schema of an answer.
 *
 * @param answer its type, such as `Page<ClientView> | undefined`; what is `undefined` has a status of its own
 * @param isPartial whether a request may select the fields of items
 */
export function answerSchema(answer: string, isPartial: boolean): Schema {
  const type = answer.replace(/ \| undefined$/, '')
  if (type.startsWith('boolean')) return { const: true }
  if (type.startsWith('number')) return { type: 'integer', minimum: 0 }
  const [, item, isPage] = /^(?:Page<)?(\w+)(?:(>)|\[\])$/.exec(type) ?? []
  if (item === undefined) return Object.hasOwn(views, type) ? referenceTo(type) : { type: 'object' }
  // A test finds what is not described.
  if (!Object.hasOwn(views, item)) return { type: isPage === undefined ? 'array' : 'object' }
  const items = { type: 'array', items: isPartial ? schemaOfFields(views[item]!, true) : referenceTo(item) }
  if (isPage === undefined) return items
  const cursor = { type: 'string', description: 'Selects the next page; missing on the last one.' }
  return { type: 'object', properties: { items, cursor }, required: ['items'] }
}

function referenceTo(type: string): Schema {
  return { $ref: `#/components/schemas/${type}` }
}
