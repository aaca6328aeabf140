/**
 * All figures of the broker: counters, gauges and histograms, each with its unit, how it is read, its topics below
 * `$SYS` and its name for Prometheus. `broker.figures()`, `$SYS` and the manual's page (docs/reference/metrics.md) are
 * made from this table.
 *
 * Topics have two namings: Mosquitto's, with its units and its arithmetic, for exporters and dashboards, and Sluice's
 * own.
 *
 * @module
 */
import type { DropCause } from '../protocol/drop-cause.ts'
import type { StoreFigures } from '../stores/store.ts'
import {
  digits,
  gauge,
  mosquittos,
  NO_LABELS,
  ours,
  snakeCase,
  type FigureRow,
  type LabelledValue,
  type Readings,
} from './figure.ts'
import { droppedMessages, LOAD_WINDOWS, loadTable } from './load-averages.ts'
import { dropTable, metricTable, type MetricName } from './metric-table.ts'
import { storeTable } from './store-table.ts'

const counted: readonly FigureRow[] = Object.entries(metricTable).map(([name, row]): FigureRow => {
  const { kind = 'counter', prometheus = `sluice_${snakeCase(name)}_total`, labels = NO_LABELS, topics = [] } = row
  const { unit, description } = row
  return { name, kind, unit, description, prometheus, labels, topics, read: (it) => it.metrics[name as MetricName] }
})

const dropped: readonly FigureRow[] = [
  {
    ...{ name: 'dropped', kind: 'counter', unit: 'messages', prometheus: undefined, labels: NO_LABELS },
    description: 'Messages that did not reach a client, for any reason.',
    topics: [ours('messages/publish/dropped'), mosquittos('publish/messages/dropped')],
    read: ({ metrics }) => droppedMessages(metrics),
  },
  ...Object.entries(dropTable).map(([cause, description]): FigureRow => {
    const name = `dropped.${cause}`
    const series = { prometheus: 'sluice_messages_dropped_total', labels: { cause } }
    const read = ({ metrics }: Readings): number => metrics.dropped[cause as DropCause]
    return { name, kind: 'counter', unit: 'messages', description, ...series, topics: [], read }
  }),
]

const messages: readonly FigureRow[] = [
  gauge('retainedMessages', 'messages', 'Retained messages.', ({ retainedMessages }) => retainedMessages.count, {
    prometheus: 'sluice_retained_messages',
    topics: [ours('messages/retained/count'), mosquittos('retained messages/count')],
  }),
  gauge(
    'retainedBytes',
    'bytes',
    'Memory that retained messages take.',
    ({ retainedMessages }) => retainedMessages.bytes,
    {
      prometheus: 'sluice_retained_messages_bytes',
    },
  ),
  gauge('queuedMessages', 'messages', 'Messages waiting in sessions.', ({ gauges }) => gauges.queuedMessages, {
    prometheus: 'sluice_messages_queued',
    topics: [ours('messages/inflight/stored')],
  }),
  gauge('queuedBytes', 'bytes', 'Memory that messages waiting in sessions take.', ({ gauges }) => gauges.queuedBytes, {
    prometheus: 'sluice_messages_queued_bytes',
  }),
  gauge('keptMessages', 'messages', 'Retained messages and messages waiting in sessions.', keptMessages, {
    topics: [mosquittos('messages/stored'), mosquittos('store/messages/count')],
  }),
  gauge(
    'keptBytes',
    'bytes',
    'Memory that retained and waiting messages take.',
    (it) => it.gauges.queuedBytes + it.retainedMessages.bytes,
    {
      topics: [mosquittos('store/messages/bytes')],
    },
  ),
  gauge('inflight', 'messages', 'QoS 1 and 2 messages in flight, in both directions.', inflight, {
    topics: [ours('messages/inflight')],
  }),
  gauge('inflightIn', 'messages', 'QoS 2 messages received and not released.', ({ gauges }) => gauges.inflightIn, {
    ...inflightSeries('in'),
    topics: [ours('messages/inflight/in')],
  }),
  gauge(
    'inflightOut',
    'messages',
    'QoS 1 and 2 messages sent and not acknowledged.',
    ({ gauges }) => gauges.inflightOut,
    { ...inflightSeries('out'), topics: [ours('messages/inflight/out')] },
  ),
]

const clients: readonly FigureRow[] = [
  gauge('subscriptions', 'subscriptions', 'Subscriptions of all kinds.', ({ router }) => router.subscriptions, {
    topics: [ours('messages/subscriptions/count')],
  }),
  gauge('ordinarySubscriptions', 'subscriptions', 'Subscriptions, except Shared Subscriptions.', ordinary, {
    ...{ prometheus: 'sluice_subscriptions', labels: { kind: 'ordinary' } },
    topics: [mosquittos('subscriptions/count')],
  }),
  gauge(
    'sharedSubscriptions',
    'subscriptions',
    'Members of Shared Subscriptions.',
    (it) => it.router.sharedSubscriptions,
    {
      ...{ prometheus: 'sluice_subscriptions', labels: { kind: 'shared' } },
      topics: [mosquittos('shared_subscriptions/count')],
    },
  ),
  gauge(
    'openConnections',
    'connections',
    'Connections open, logged in or not.',
    ({ connections }) => connections.size,
    {
      prometheus: 'sluice_connections_open',
    },
  ),
  gauge('clientsConnected', 'clients', 'Clients connected.', ({ admission }) => admission.connected, {
    prometheus: 'sluice_clients_connected',
    topics: [mosquittos('clients/connected'), mosquittos('clients/active')],
  }),
  gauge('clientsMaximum', 'clients', 'Most clients connected at once.', ({ admission }) => admission.maxConnected, {
    prometheus: 'sluice_clients_connected_most',
    topics: [mosquittos('clients/maximum')],
  }),
  gauge('sessions', 'sessions', 'Sessions, connected or not.', ({ sessions }) => sessions.count, {
    prometheus: 'sluice_sessions',
    topics: [mosquittos('clients/total')],
  }),
  gauge('sessionsAway', 'sessions', 'Sessions without a connection.', ({ sessions }) => sessions.awayCount, {
    prometheus: 'sluice_sessions_away',
    topics: [mosquittos('clients/disconnected'), mosquittos('clients/inactive')],
  }),
]

const machine: readonly FigureRow[] = [
  gauge('memoryBytes', 'bytes', 'Memory that everything kept for clients takes.', ({ memory }) => memory.whole.bytes, {
    prometheus: 'sluice_memory_bytes',
    topics: [ours('memory/used')],
  }),
  gauge('memoryLimit', 'bytes', 'The limit of that memory; 0 = no limit.', ({ memory }) => memory.whole.limit, {
    prometheus: 'sluice_memory_limit_bytes',
    topics: [ours('memory/limit')],
  }),
  gauge('recorderBytes', 'bytes', 'Memory that the flight recorder takes.', ({ recorder }) => recorder.pages.bytes, {
    prometheus: 'sluice_recorder_bytes',
    topics: [ours('recorder/bytes')],
  }),
  gauge('uncommittedBytes', 'bytes', 'Changes that wait to be stored.', ({ turn }) => turn.uncommittedBytes, {
    prometheus: 'sluice_uncommitted_bytes',
  }),
  gauge(
    'processBytes',
    'bytes',
    'Memory that the process uses, including garbage.',
    ({ memory }) => memory.processBytes,
    {
      prometheus: 'sluice_process_memory_bytes',
      topics: [mosquittos('heap/current')],
    },
  ),
  gauge(
    'processMaximum',
    'bytes',
    'Most memory in use whenever the topics were published.',
    ({ maxHeapBytes }) => maxHeapBytes,
    {
      prometheus: 'sluice_process_memory_most_bytes',
      topics: [mosquittos('heap/maximum')],
    },
  ),
  gauge('uptime', 'seconds', 'Time since the start.', ({ upSeconds }) => upSeconds, {
    prometheus: 'sluice_uptime_seconds',
    topics: [
      ours('uptime/formatted', (value) => formatDuration(value as number)),
      mosquittos('uptime', (value) => `${value as number} seconds`),
    ],
  }),
]

const certificates: readonly FigureRow[] = [
  gauge(
    'certificateRemaining',
    'seconds',
    'Time until the first certificate expires; negative once it has expired. Prometheus has one for each listener (`door="listener"`), and one for the HTTP API (`door="admin"`).',
    (readings) => least(remainingOf(readings).map(({ value }) => value)),
    { prometheus: 'sluice_certificate_remaining_seconds', values: remainingOf },
  ),
]

/** Only `$SYS` needs averages: Prometheus makes its own from counters. */
const averages: readonly FigureRow[] = loadTable.flatMap((load) =>
  LOAD_WINDOWS.map((window) => {
    const description = `${load.description}, per minute, averaged over ${window} min.`
    const topics = [mosquittos(`load/${load.topic}/${window}min`, digits(2))]
    const name = `load.${load.topic}.${window}min`
    return gauge(name, 'per-minute', description, (it) => it.load.average(load, window), { topics })
  }),
)

const stored: readonly FigureRow[] = Object.entries(storeTable).map(([key, row]): FigureRow => {
  const { unit, description, kind = 'counter', topic } = row
  const prometheus = kind === 'gauge' ? row.prometheus : (row.prometheus ?? `sluice_store_${snakeCase(key)}_total`)
  const topics = [ours(topic, digits(unit === 'milliseconds' ? 1 : 0))]
  const read = ({ store }: Readings): number | undefined => store?.[key as keyof StoreFigures]
  return { name: `store.${key}`, kind, unit, description, prometheus, labels: NO_LABELS, topics, read }
})

export const figureTable: readonly FigureRow[] = [
  ...counted,
  ...dropped,
  ...messages,
  ...clients,
  ...machine,
  ...certificates,
  ...averages,
  ...stored,
]

/** Whole seconds, for the certificate of each door that ends first. */
function remainingOf({ certificates: ends, wallMs }: Readings): LabelledValue[] {
  return ends.map(({ door, listener, endsAtMs }) => ({
    labels: { door, listener },
    value: Math.floor((endsAtMs - wallMs) / 1000),
  }))
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values)
}

function keptMessages({ gauges, retainedMessages }: Readings): number {
  return gauges.queuedMessages + retainedMessages.count
}

function inflight({ gauges }: Readings): number {
  return gauges.inflightIn + gauges.inflightOut
}

function ordinary({ router }: Readings): number {
  return router.subscriptions - router.sharedSubscriptions
}

function inflightSeries(direction: 'in' | 'out'): { prometheus: string; labels: Record<string, string> } {
  return { prometheus: 'sluice_messages_inflight', labels: { direction } }
}

/**
 * Seconds as days, hours, minutes and seconds.
 *
 * @example
 * formatDuration(93784) // '1 d 02:03:04'
 */
export function formatDuration(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  const clock = `${two((seconds % 86_400) / 3600)}:${two((seconds % 3600) / 60)}:${two(seconds % 60)}`
  return seconds < 86_400 ? clock : `${Math.floor(seconds / 86_400)} d ${clock}`
}
