/** What is shown of the broker itself: figures, listeners, health, answers to questions, traces. @module */
import type { ConfigurationEntryView } from '../../broker/host/configuration-view.ts'
import type { BackupView, CertificateView, DropView, OverviewView } from '../../broker/host/admin.ts'
import type { ReloadView } from '../../broker/host/read-again.ts'
import type { BridgeTraffic, BridgeView } from '../../broker/host/bridge-view.ts'
import type { HistoryView } from '../../broker/host/history-view.ts'
import type { HealthCheckView } from '../../broker/host/health-view.ts'
import type { ListenerCertificate, ListenerCounters, ListenerView } from '../../broker/host/open-listeners.ts'
import type { TraceRecord, TraceRecordsView, TraceView } from '../../broker/host/trace-admin.ts'
import type { HintView, WhyFact, WhyView } from '../../broker/host/why-view.ts'
import { dropTable } from '../../reporting/metric-table.ts'
import { among, bool, decimal, integer, keyOf, list, map, object, orAbsent, text, time, type Fields } from './field.ts'

export const overviewView: Fields<OverviewView> = {
  version: text(),
  uptimeSeconds: integer('seconds'),
  clients: integer(),
  sessions: integer(),
  sessionsAway: integer(),
  subscriptions: integer(),
  retainedMessages: integer(),
  queuedMessages: integer(),
  queuedBytes: integer('bytes'),
  inflightMessages: integer(),
  messagesReceived: integer(),
  messagesSent: integer(),
  messagesDropped: integer(),
  bytesReceived: integer('bytes'),
  bytesSent: integer('bytes'),
  memoryBytes: integer('bytes'),
  memoryLimit: integer('bytes'),
  longestTurnMs: decimal('milliseconds'),
  storeCondition: orAbsent(among('well', 'full', 'failing')),
}

const certificate: Fields<ListenerCertificate> = {
  certfile: text(),
  subject: text(),
  validFromMs: time(),
  validToMs: time(),
}

const counters: Fields<ListenerCounters> = {
  failedHandshakes: integer(),
  refusedProxyHeaders: integer(),
  refusedUpgrades: integer(),
  refusedWaiting: integer(),
  failedOpens: integer(),
}

export const configurationEntryView: Fields<ConfigurationEntryView> = {
  key: text(),
  value: text(),
  source: among('file', 'environment', 'program', 'default'),
  file: orAbsent(text()),
  line: orAbsent(integer()),
}

export const listenerView: Fields<ListenerView> = {
  name: text(),
  url: text(),
  urls: list(text()),
  address: text(),
  addresses: list(text()),
  port: orAbsent(integer()),
  admitsAnonymous: bool(),
  connections: integer(),
  certificates: list(object(certificate)),
  counters: object(counters),
}

export const certificateView: Fields<CertificateView> = {
  door: among('listener', 'admin'),
  listener: text(),
  ...certificate,
  daysLeft: integer('days', {}),
}

export const healthCheckView: Fields<HealthCheckView> = {
  name: among('store', 'listeners', 'memory', 'certificates', 'audit-log', 'bridges'),
  healthy: bool(),
  detail: text(),
}

export const dropView: Fields<DropView> = { cause: keyOf(dropTable), description: text(), messages: integer() }

export const backupView: Fields<BackupView> = { path: text(), bytes: integer('bytes') }

export const reloadView: Fields<ReloadView> = {
  file: orAbsent(text()),
  changed: list(text()),
  needRestart: list(text()),
  warnings: list(text()),
}

const traffic: Fields<BridgeTraffic> = {
  messages: integer(),
  bytes: integer('bytes'),
  refused: integer(),
  dropped: map({ type: 'integer', minimum: 0 }),
}

export const bridgeView: Fields<BridgeView> = {
  name: text(),
  state: among('local', 'connecting', 'subscribing', 'connected', 'waiting', 'paused'),
  url: text(),
  remoteClientId: text(),
  localClientId: text(),
  sinceMs: time(),
  disconnectedSinceMs: orAbsent(time()),
  reason: orAbsent(text()),
  nextAttemptAtMs: orAbsent(time()),
  queuedMessages: integer(),
  queuedBytes: integer('bytes'),
  connections: integer(),
  out: object(traffic),
  in: object(traffic),
}

export const historyView: Fields<HistoryView> = {
  span: among('hour', 'month'),
  atMs: list(time()),
  figures: map({ type: 'array', items: { type: 'number' } }),
}

const fact: Fields<WhyFact> = {
  certainty: among('recorded', 'derived', 'unknown'),
  cause: text(),
  text: text(),
  atMs: orAbsent(time()),
}

export const whyView: Fields<WhyView> = { facts: list(object(fact)) }

export const hintView: Fields<HintView> = { name: text(), text: text(), link: text(), clientIds: list(text()) }

const traceEnd = orAbsent(among('stopped', 'seconds', 'records', 'bytes', 'abandoned', 'broker closed'))

export const traceView: Fields<TraceView> = {
  clientId: orAbsent(text()),
  userName: orAbsent(text()),
  address: orAbsent(text()),
  topicFilter: orAbsent(text()),
  traceId: text(),
  startedBy: text(),
  startedAtMs: time(),
  endsAtMs: time(),
  payloadBytes: integer('bytes'),
  records: integer(),
  recordsLost: integer(),
  bytes: integer('bytes'),
  connections: integer(),
  connectionsLeftOut: integer(),
  readers: integer(),
  end: traceEnd,
}

const traceRecord: Fields<TraceRecord> = {
  seq: integer(),
  atMs: time(),
  clientId: text(),
  connection: orAbsent(integer()),
  direction: orAbsent(among('received', 'sent')),
  packet: orAbsent(map()),
  event: orAbsent(text()),
  details: orAbsent(map()),
}

export const traceRecordsView: Fields<TraceRecordsView> = {
  records: list(object(traceRecord)),
  after: integer(),
  end: traceEnd,
}
