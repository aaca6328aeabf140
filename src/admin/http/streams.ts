/** Answers that go on (Server-Sent Events): live events, and traces. @module */
import type { Broker } from '../../broker/broker.ts'
import type { AdminHost } from '../../broker/host/admin-door.ts'
import type { AdminOptions } from '../../config/resolved-options.ts'
import { isVisible, tracesOf, visibleTrace } from '../trace/trace-calls.ts'
import { Holders } from '../../limits/holders.ts'
import { EventHub } from './event-hub.ts'
import { eventQuery } from './event-query.ts'
import type { AdminRole } from '../../broker/host/api-key-views.ts'
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
  readonly #onCrowded: () => void
  /** What closes each stream, by who reads it. */
  readonly #open = new Holders<() => void>()

  /** @param onCrowded is called when a stream is closed because somebody else has none */
  constructor(broker: Broker, host: AdminHost, settings: () => AdminOptions, onCrowded: () => void) {
    this.#broker = broker
    this.#hub = new EventHub(broker, host)
    this.#settings = settings
    this.#onCrowded = onCrowded
  }

  /** Live events. @param mustHave throws if the caller has not at least that role */
  events({ method }: RequestHead, principal: Principal, query: string, mustHave: (role: AdminRole) => void): Answer {
    if (method !== 'GET') throw methodProblem(method, 'GET')
    const { names, overviewSeconds } = eventQuery(query, mustHave)
    this.#makeRoom(principal)
    const mayRead = (role: AdminRole): boolean => hasRole(principal, role)
    const options = { names, overviewSeconds, maxBytes: this.#settings().maxEventBufferBytes, mayRead }
    return this.#answerOf(principal, (sink) => this.#hub.open(options, sink))
  }

  /** The records of a trace. */
  trace({ method, headers }: RequestHead, principal: Principal, query: string, traceId: string): Answer {
    if (method !== 'GET') throw methodProblem(method, 'GET')
    const after = traceQuery(query, headers['last-event-id'])
    const trace = visibleTrace(this.#broker, traceId, callerOf(principal))
    if (trace === undefined) throw new Problem('ERR_NOT_FOUND', NO_TRACE, { parameter: 'traceId', value: traceId })
    this.#makeRoom(principal)
    const mayRead = (): boolean => hasRole(principal, 'operator') && isVisible(trace, callerOf(principal))
    const options = { after, maxBytes: this.#settings().maxEventBufferBytes, mayRead }
    return this.#answerOf(principal, (sink) => tracesOf(this.#broker).read(trace, options, sink))
  }

  #answerOf({ owner }: Principal, follow: (sink: EventSink) => () => void): Answer {
    const open = (sink: EventSink): (() => void) => {
      const end = follow(sink)
      const leave = (): void => {
        if (this.#open.remove(owner, close)) end()
      }
      const close = (): void => {
        leave()
        sink.close()
      }
      this.#open.add(owner, close)
      return leave
    }
    return { status: 200, headers: HEADERS, body: [], follow: open }
  }

  /**
   * Whoever reads most gives way to one who has at least two fewer, so that nobody keeps others out, and equals do not
   * displace each other.
   *
   * @throws {Problem} `ERR_RATE`
   */
  #makeRoom({ owner }: Principal): void {
    const { maxEventReaders: limit } = this.#settings()
    if (this.#open.size < limit) return
    if (this.#open.largest > this.#open.sizeOf(owner) + 1) {
      this.#open.oldestOfLargest()!()
      return this.#onCrowded()
    }
    const detail = `${limit} readers follow events and traces already; close one`
    throw new Problem('ERR_RATE', detail, { limit, option: 'admin.max-event-readers' })
  }

  close(): void {
    this.#hub.close()
    if (this.#broker.state === 'started') tracesOf(this.#broker).closeReaders()
  }
}
