/** The operations about traces: who may see which, and what they do. @module */
import { scanned } from '../../base/work.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { AdminParameters, CallOptions } from '../../broker/host/admin.ts'
import { limitOf } from '../../broker/host/page.ts'
import type { Server } from '../../broker/server.ts'
import {
  ownerOf,
  type AdminCaller,
  type TraceParameters,
  type TraceRecord,
  type TraceRecordsView,
  type TraceView,
} from '../../broker/host/trace-admin.ts'
import type { Trace } from './trace.ts'
import { traceSettings } from './trace-limits.ts'
import { Traces } from './traces.ts'

/** The host program itself. */
const HOST: AdminCaller = { name: 'host program', role: 'administrator' }

const opened = new WeakMap<Server, Traces>()

/** The traces of a running broker. */
export function tracesOf(broker: Broker): Traces {
  const server = serverOf(broker)
  let traces = opened.get(server)
  if (traces !== undefined) return traces
  const made = (traces = new Traces(server, () => traceSettings(broker)))
  opened.set(server, made)
  broker.once('closing', () => made.close())
  return traces
}

/** A trace that the caller may see. */
export function visibleTrace(broker: Broker, traceId: string, caller: AdminCaller = HOST): Trace | undefined {
  return visible(broker, caller).find((trace) => trace.traceId === traceId)
}

function visible(broker: Broker, caller: AdminCaller): Trace[] {
  return tracesOf(broker).all.filter((trace) => isVisible(trace, caller))
}

/** Whether the caller may see a trace: its own, or as an administrator. */
export function isVisible({ caller }: Trace, asking: AdminCaller): boolean {
  return asking.role === 'administrator' || ownerOf(caller) === ownerOf(asking)
}

type TraceCalls = {
  readonly [Name in keyof TraceParameters]: (
    broker: Broker,
    parameters: AdminParameters[Name],
    options: CallOptions,
  ) => unknown
}

export const traceCalls: TraceCalls = {
  startTrace: (broker, request, { caller }): TraceView =>
    tracesOf(broker).start(request, caller ?? HOST, caller === undefined).view,
  traces: (broker, _, { caller = HOST }) => visible(broker, caller).map(({ view }) => view),
  traceRecords: (broker, query, { caller }) => recordsOf(broker, query, caller),
  stopTrace: (broker, { traceId }, { caller }): boolean => {
    const trace = visibleTrace(broker, traceId, caller)
    return trace !== undefined && tracesOf(broker).end(trace, 'stopped')
  },
}

async function recordsOf(
  broker: Broker,
  { traceId, after = 0, limit }: TraceParameters['traceRecords'],
  caller: AdminCaller | undefined,
): Promise<TraceRecordsView | undefined> {
  const most = limitOf({ ...(limit !== undefined && { limit }) })
  const trace = visibleTrace(broker, traceId, caller)
  if (trace === undefined) return undefined
  const { turn } = serverOf(broker)
  trace.wasRead(turn.now())
  const records: TraceRecord[] = []
  let last = after
  while (records.length < most) {
    if (turn.work.isSpent) await turn.share(broker)
    const line = trace.buffer.next(last)
    if (line === undefined) break
    turn.work.spend(1 + scanned(line.bytes))
    records.push(JSON.parse(line.text) as TraceRecord)
    last = line.seq
  }
  return { records, after: last, end: trace.buffer.next(last) === undefined ? trace.end : undefined }
}
