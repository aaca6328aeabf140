/** What an export of telemetry reads of a running broker. @module */
import type { Session } from '../protocol/session.ts'
import type { Figures } from '../reporting/figures.ts'
import { matches, parseSharedFilter } from '../topics/topic-filter.ts'
import type { TelemetryHost } from './host/telemetry-export.ts'
import type { Server } from './server.ts'
import { version } from './version.ts'

/**
 * Subscriptions of one client that are compared with the topic of a message that is traced. There are few, because
 * publishers choose what is traced, and one message may have thousands of receivers in a turn.
 */
const MAX_COMPARED = 10

export function telemetryHost(
  parts: Pick<TelemetryHost, 'clock' | 'log' | 'tap' | 'events'>,
  server: Server,
  figures: Figures,
): TelemetryHost {
  return {
    ...parts,
    metrics: server.metrics,
    packets: server.packets,
    version,
    startedAtMs: figures.startedAtMs,
    figures: () => figures.all(),
    topicFilterFor: (clientId, topicName) => onlyFilterFor(server.sessions.get(clientId)?.session, topicName),
  }
}

/** With several that match, nobody knows for which one a message is sent. */
function onlyFilterFor(session: Session | undefined, topicName: string): string | undefined {
  if (session === undefined || session.subscriptions.size > MAX_COMPARED) return undefined
  const matching = [...session.subscriptions.keys()].filter((filter) => matches(innerOf(filter), topicName))
  return matching.length === 1 ? matching[0] : undefined
}

function innerOf(topicFilter: string): string {
  const shared = parseSharedFilter(topicFilter)
  return typeof shared === 'object' ? shared.topicFilter : topicFilter
}
