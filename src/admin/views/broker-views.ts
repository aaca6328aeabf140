/** The broker itself: at a glance, what it dropped, and its configuration. @module */
import type { Broker } from '../../broker/broker.ts'
import { serverOf } from '../../broker/broker.ts'
import type { DropView, OverviewView } from '../../broker/host/admin.ts'
import { droppedMessages } from '../../reporting/load-averages.ts'
import { dropTable } from '../../reporting/metric-table.ts'
import { version } from '../../broker/version.ts'
import type { DropCause } from '../../protocol/drop-cause.ts'

/** Nothing is walked for it. */
export function overviewOf(broker: Broker): OverviewView {
  const { metrics, sessions, router, retainedMessages, gauges, admission, storeHealth } = serverOf(broker)
  const { bytes, limit } = broker.memory
  return {
    version,
    uptimeSeconds: broker.figure('uptime')!.value as number,
    clients: admission.connected,
    sessions: sessions.count,
    sessionsAway: sessions.awayCount,
    subscriptions: router.subscriptions,
    retainedMessages: retainedMessages.count,
    queuedMessages: gauges.queuedMessages,
    queuedBytes: gauges.queuedBytes,
    inflightMessages: gauges.inflightOut,
    messagesReceived: metrics.publishReceived,
    messagesSent: metrics.publishSent,
    messagesDropped: droppedMessages(metrics),
    bytesReceived: metrics.bytesReceived,
    bytesSent: metrics.bytesSent,
    memoryBytes: bytes,
    memoryLimit: limit,
    longestTurnMs: metrics.longestTurnMs,
    storeCondition: storeHealth?.condition,
  }
}

export function dropsOf(broker: Broker): readonly DropView[] {
  const { dropped } = broker.metrics
  return Object.entries(dropTable).map(([name, description]) => {
    const cause = name as DropCause
    return { cause, description, messages: dropped[cause] }
  })
}
