/** Stops a trace, after a question. @module */
import type { TraceView } from '../../../../src/broker/host/trace-admin.ts'
import { call } from '../../api/client.ts'
import { ask } from '../../parts/dialog.tsx'
import { texts } from '../../texts.ts'

const own = texts.trace

export function stopTrace({ traceId }: Pick<TraceView, 'traceId'>, then: () => void): void {
  ask({
    title: own.stopTitle,
    body: own.stopBody,
    action: own.stop,
    done: own.stopped,
    run: () => call('stopTrace', { traceId }).then(then),
  })
}
