/** Answers that go on (Server-Sent Events): live events, and traces. @module */
import type { Broker } from '../../broker/broker.ts'
import type { AdminHost } from '../../broker/host/admin-door.ts'
import type { AdminOptions } from '../../config/resolved-options.ts'
import { isVisible, tracesOf, visibleTrace } from '../trace/trace-calls.ts'
import { EventHub } from './event-hub.ts'
import { eventQuery } from './event-query.ts'
import { callerOf, hasRole, type Principal } from './principal.ts'
import { Problem } from './problem.ts'
import type { Answer, EventSink, RequestHead } from './request.ts'
import { methodProblem } from './routes.ts'
import { traceQuery } from './trace-query.ts'

const HEADERS: Answer['headers'] = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
}

export const NO_TRACE =
  'there is no trace with this `traceId` that you may see; it may have ended more than a minute ago'

export class Streams {
  readonly #broker: Broker
  readonly #hub: EventHub
  readonly #settings: () => AdminOptions

  constructor(broker: Broker, host: AdminHost, settings: () => AdminOptions) {
    this.#broker = broker
    this.#hub = new EventHub(broker, host)
    this.#settings = settings
  }

  /** Live events. */
  events({ method }: RequestHead, principal: Principal, query: string): Answer {
    if (method !== 'GET') throw methodProblem(method, 'GET')
    const { names, overviewSeconds } = eventQuery(query)
    this.#checkReaders()
    const mayRead = (): boolean => hasRole(principal, 'viewer')
    const options = { names, overviewSeconds, maxBytes: this.#settings().maxEventBufferBytes, mayRead }
    return answerOf((sink) => this.#hub.open(options, sink))
  }

  /** The records of a trace. */
  trace({ method, headers }: RequestHead, principal: Principal, query: string, traceId: string): Answer {
    if (method !== 'GET') throw methodProblem(method, 'GET')
    const after = traceQuery(query, headers['last-event-id'])
    const trace = visibleTrace(this.#broker, traceId, callerOf(principal))
    if (trace === undefined) throw new Problem('ERR_NOT_FOUND', NO_TRACE, { parameter: 'traceId', value: traceId })
    this.#checkReaders()
    const mayRead = (): boolean => hasRole(principal, 'operator') && isVisible(trace, callerOf(principal))
    const options = { after, maxBytes: this.#settings().maxEventBufferBytes, mayRead }
    return answerOf((sink) => tracesOf(this.#broker).read(trace, options, sink))
  }

  /** @throws {Problem} `ERR_RATE` */
  #checkReaders(): void {
    const { maxEventReaders: limit } = this.#settings()
    if (this.#hub.size + tracesOf(this.#broker).readers < limit) return
    const detail = `${limit} readers follow events and traces already; close one`
    throw new Problem('ERR_RATE', detail, { limit, option: 'admin.max-event-readers' })
  }

  close(): void {
    this.#hub.close()
    if (this.#broker.state === 'started') tracesOf(this.#broker).closeReaders()
  }
}

function answerOf(follow: (sink: EventSink) => () => void): Answer {
  return { status: 200, headers: HEADERS, body: [], follow }
}
