/**
 * Generates the Grafana dashboard `ops/grafana-dashboard.json` from a table of panels, for tools/reference.ts. A test
 * runs every query in a real Prometheus.
 *
 * @module
 */

export interface Panel {
  readonly title: string
  readonly description: string
  /** The name of the unit in Grafana: `short`, `bytes`, `s`, `Bps`, `ops` (per second). */
  readonly unit: string
  /** PromQL queries, each with the legend of its lines. `$instance` is selected on the dashboard. */
  readonly queries: readonly (readonly [query: string, legend: string])[]
}

interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

const CHOSEN = '{instance=~"$instance"}'

export const DASHBOARD: readonly Row[] = [
  {
    title: 'Messages',
    panels: [
      panel('Messages', 'PUBLISH packets received and sent.', 'ops', [
        [rate('sluice_messages_received_total'), 'received'],
        [rate('sluice_messages_sent_total'), 'sent'],
      ]),
      panel('Payload', 'Payload bytes of PUBLISH packets.', 'Bps', [
        [rate('sluice_messages_received_bytes_total'), 'received'],
        [rate('sluice_messages_sent_bytes_total'), 'sent'],
      ]),
      panel('Dropped messages', 'Messages that did not reach a client, by cause.', 'ops', [
        [`sum by (cause) (${rate('sluice_messages_dropped_total')})`, '{{cause}}'],
      ]),
      panel('Waiting messages', 'Messages in queues and in flight, and retained messages.', 'short', [
        [now('sluice_messages_queued'), 'queued'],
        [now('sluice_messages_inflight'), 'in flight, {{direction}}'],
        [now('sluice_retained_messages'), 'retained'],
      ]),
    ],
  },
  {
    title: 'Clients',
    panels: [
      panel('Clients', 'Clients that are connected, and sessions of clients that are away.', 'short', [
        [now('sluice_clients_connected'), 'connected'],
        [now('sluice_sessions_away'), 'away'],
        [now('sluice_connections_open'), 'open connections'],
      ]),
      panel('Logins', 'CONNECT packets accepted and refused, and sessions that another connection took over.', 'ops', [
        [rate('sluice_connects_accepted_total'), 'accepted'],
        [rate('sluice_connects_refused_total'), 'refused'],
        [rate('sluice_takeovers_total'), 'taken over'],
      ]),
      panel('Ended connections', 'Connections that the broker ended, by cause.', 'ops', [
        [rate('sluice_keep_alive_timeouts_total'), 'silent'],
        [rate('sluice_protocol_errors_total'), 'broke the protocol'],
        [rate('sluice_slow_receivers_closed_total'), 'read nothing'],
        [rate('sluice_packet_timeouts_total'), 'packet too slow'],
      ]),
      panel('Refused', 'Messages, subscriptions and logins that were refused, and what reached a limit.', 'ops', [
        [rate('sluice_publishes_refused_total'), 'messages'],
        [rate('sluice_subscribes_refused_total'), 'subscriptions'],
        [rate('sluice_logins_refused_total'), 'logins'],
        [rate('sluice_memory_refused_total'), 'memory limit, {{account}}'],
      ]),
    ],
  },
  {
    title: 'Broker',
    panels: [
      panel('Turn time', 'How long a turn of the event loop takes. The aim is at most 20 ms.', 's', [
        [quantile(0.5, 'sluice_turn_duration_seconds'), 'half of them'],
        [quantile(0.99, 'sluice_turn_duration_seconds'), '99 %'],
      ]),
      panel('Commit time', 'Time until changes are stored, which acknowledgements wait for.', 's', [
        [quantile(0.5, 'sluice_commit_duration_seconds'), 'half of them'],
        [quantile(0.99, 'sluice_commit_duration_seconds'), '99 %'],
      ]),
      panel('Memory', 'What is kept for clients, its limit, and what the process uses.', 'bytes', [
        [now('sluice_memory_bytes'), 'kept for clients'],
        [now('sluice_memory_limit_bytes'), 'limit'],
        [now('sluice_process_memory_bytes'), 'process'],
      ]),
      panel('Store', 'What the store takes on disk, and how much of it is alive.', 'bytes', [
        [now('sluice_store_disk_bytes'), 'on disk'],
        [now('sluice_store_live_bytes'), 'alive'],
      ]),
      panel('Certificates', 'Time until the first certificate of each listener, and of the HTTP API, expires.', 's', [
        [now('sluice_certificate_remaining_seconds'), '{{door}} {{listener}}'],
      ]),
    ],
  },
]

/** The dashboard as Grafana imports it. */
export function dashboardJson(): string {
  const dashboard = {
    uid: 'sluice',
    title: 'Sluice',
    tags: ['mqtt'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: [sourceVariable(), instanceVariable()] },
    panels: laidOut(),
  }
  return `${JSON.stringify(dashboard, undefined, 2)}\n`
}

function panel(title: string, description: string, unit: string, queries: Panel['queries']): Panel {
  return { title, description, unit, queries }
}

function now(name: string): string {
  return `${name}${CHOSEN}`
}

function rate(name: string): string {
  return `rate(${name}${CHOSEN}[$__rate_interval])`
}

function quantile(share: number, name: string): string {
  return `histogram_quantile(${share}, sum by (instance, le) (${rate(`${name}_bucket`)}))`
}

const SOURCE = { type: 'prometheus', uid: '${datasource}' }

function sourceVariable(): object {
  return { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' }
}

function instanceVariable(): object {
  const query = 'label_values(sluice_uptime_seconds, instance)'
  const choice = { multi: true, includeAll: true, allValue: '.*', current: { text: 'All', value: '$__all' } }
  return { name: 'instance', label: 'Broker', type: 'query', datasource: SOURCE, query, refresh: 2, ...choice }
}

const WIDTH = 12
const HEIGHT = 8

/** Two panels beside each other, under a heading for each row. */
function laidOut(): object[] {
  const panels: object[] = []
  let y = 0
  for (const { title, panels: inside } of DASHBOARD) {
    panels.push({ type: 'row', title, id: panels.length + 1, collapsed: false, gridPos: { x: 0, y: y++, w: 24, h: 1 } })
    for (const [index, of] of inside.entries()) {
      const gridPos = { x: (index % 2) * WIDTH, y, w: WIDTH, h: HEIGHT }
      panels.push({ id: panels.length + 1, gridPos, ...timeSeries(of) })
      if (index % 2 === 1) y += HEIGHT
    }
  }
  return panels
}

function timeSeries({ title, description, unit, queries }: Panel): object {
  const targets = queries.map(([expr, legendFormat], index) => ({
    refId: String.fromCodePoint(65 + index),
    datasource: SOURCE,
    expr,
    legendFormat,
  }))
  const fieldConfig = { defaults: { unit, min: 0, custom: { fillOpacity: 8, showPoints: 'never' } }, overrides: [] }
  const options = { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
  return { type: 'timeseries', title, description, datasource: SOURCE, fieldConfig, options, targets }
}
