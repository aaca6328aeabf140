/**
 * Traces of messages through the broker. Whether a message is traced is decided before anything is made of it.
 *
 *   publisher's span ──> publish: from its reception until it is routed
 *                          └──> route: how many subscriptions
 *                                 ├──> deliver: to one client, until it is passed to its connection
 *                                 └──> deliver: to another, which does not get it: error.type says why
 *
 * A message with a trace context is traced if its publisher has sampled it; one without, in `sampling-ratio` of all
 * cases. A delivery at QoS 0 is reported before its `published`, so the identifiers of a trace are chosen with the
 * first event of a message. For a message that comes back from the store nothing is `published` any more: its
 * deliveries follow the publisher's span. Which of both it is, is known when the span is exported, at the end of a turn
 * at the earliest.
 *
 * @module
 */
import type { Attributes, SpanContext, TraceState } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Clock } from '../base/clock.ts'
import type { QoS } from '../codec/packet-types.ts'
import { noPropertyList } from '../codec/property-list.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Client } from '../protocol/client.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { MessageSpans } from '../reporting/packet-watch.ts'
import { parseSharedFilter } from '../topics/topic-filter.ts'
import type { ExportQueue } from './export-queue.ts'
import { hrTimeOf, type Origin } from './origin.ts'
import { isSampled, traceContextOf, type TraceContext } from './trace-context.ts'

/** Numbers of the protocol: the packages export enumerations, which would have to be loaded. */
const KIND = { internal: 0, server: 1, producer: 3 } as const
const UNSET = 0
const ERROR = 2
const SAMPLED = 1
/** The owner of what the host program publishes: no client identifier. */
const HOST = '$host'
/** A topic may have 64 KiB; this is what an attribute shows of it. */
const MAX_ATTRIBUTE_LENGTH = 512

/** A message that is traced. */
interface Trace {
  /** Its publisher, who shares the queue with others. */
  readonly owner: string
  readonly traceId: string
  /** The span of the publisher. */
  readonly parent: SpanContext | undefined
  readonly state: TraceState | undefined
  readonly publishId: string
  readonly routeId: string
  /** Whether its spans `publish` and `route` exist. */
  isPublished: boolean
  /** When the message was received, and when it began to be routed; milliseconds since 1970. */
  readonly receivedAtMs: number
  readonly routedAtMs: number
}

export interface MessageTracesParts {
  readonly origin: Origin
  readonly clock: Clock
  readonly queue: ExportQueue<ReadableSpan>
  readonly samplingRatio: number
  /** A span was not made because the queue is full. */
  readonly lost: (count: number) => void
  readonly topicFilterFor: (clientId: string, topicName: string) => string | undefined
  readonly makeState: (text: string) => TraceState
}

interface SpanFacts {
  readonly name: 'publish' | 'route' | 'deliver'
  readonly kind: number
  readonly spanId: string
  readonly parent: () => SpanContext | undefined
  readonly fromMs: number
  readonly toMs: number
  readonly attributes: Attributes
  readonly error?: string
}

export class MessageTraces implements MessageSpans {
  /** Of messages that are held, as long as they are; `null` for those that are not to be traced. */
  readonly #traces = new WeakMap<ApplicationMessage, Trace | null>()
  /** The last one that is not traced: most of its deliveries come one after the other. */
  #untraced: ApplicationMessage | undefined = undefined
  readonly #parts: MessageTracesParts

  constructor(parts: MessageTracesParts) {
    this.#parts = parts
  }

  published(client: Client | undefined, message: ApplicationMessage, receivers: number): void {
    const trace = this.#traceOf(message)
    if (trace === null) return
    const { publishId, routeId, parent, receivedAtMs, routedAtMs } = trace
    trace.isPublished = true
    if (!this.#parts.queue.hasRoomFor(trace.owner)) return this.#parts.lost(2)
    const toMs = this.#parts.clock.wallNow()
    const attributes = {
      ...attributesOf(message),
      ...(client !== undefined && { 'messaging.client.id': excerpt(client.clientId) }),
      'messaging.message.body.size': message.payloadLength,
    }
    const publish = { name: 'publish', kind: KIND.server, spanId: publishId, parent: () => parent } as const
    const times = { fromMs: receivedAtMs, toMs }
    this.#add(trace, { ...publish, ...times, attributes: { ...attributes, ...operation('publish') } })
    const published = (): SpanContext => contextOf(trace, publishId)
    const route = { name: 'route', kind: KIND.internal, spanId: routeId, parent: published } as const
    const routed = { ...attributesOf(message), ...operation('route'), 'sluice.receivers': receivers }
    this.#add(trace, { ...route, fromMs: Math.min(routedAtMs, toMs), toMs, attributes: routed })
  }

  delivered(clientId: string, message: ApplicationMessage, qos: QoS): void {
    this.#deliver(message, clientId, { 'sluice.qos': qos })
  }

  dropped(clientId: string, message: ApplicationMessage, cause: DropCause): void {
    this.#deliver(message, clientId, { 'error.type': cause }, cause)
  }

  #deliver(message: ApplicationMessage, clientId: string, extra: Attributes, error?: string): void {
    const trace = this.#traceOf(message)
    if (trace === null) return
    const { clock, queue, lost } = this.#parts
    if (!queue.hasRoomFor(trace.owner)) return lost(1)
    const toMs = clock.wallNow()
    const attributes = {
      ...attributesOf(message),
      ...operation('deliver'),
      'messaging.operation.type': 'send',
      ...(clientId !== '' && { 'messaging.client.id': excerpt(clientId) }),
      ...this.#subscriptionOf(clientId, message.topicName),
      ...extra,
    }
    // A retained message may have been received long ago, and is sent for a subscription that has just been made.
    const fromMs = message.retain ? toMs : Math.min(trace.receivedAtMs, toMs)
    const parent = (): SpanContext | undefined => (trace.isPublished ? contextOf(trace, trace.routeId) : trace.parent)
    const span = { name: 'deliver', kind: KIND.producer, spanId: this.#identifier(8), parent } as const
    this.#add(trace, { ...span, fromMs, toMs, attributes, ...(error !== undefined && { error }) })
  }

  #subscriptionOf(clientId: string, topicName: string): Attributes {
    const topicFilter = this.#parts.topicFilterFor(clientId, topicName)
    if (topicFilter === undefined) return {}
    const shared = parseSharedFilter(topicFilter)
    if (typeof shared !== 'object') return { 'messaging.destination.template': excerpt(topicFilter) }
    return {
      'messaging.destination.template': excerpt(shared.topicFilter),
      'messaging.consumer.group.name': excerpt(shared.shareName),
    }
  }

  /** Hot while spans are exported: asked for each message and each delivery. */
  #traceOf(message: ApplicationMessage): Trace | null {
    if (message === this.#untraced) return null
    const known = this.#traces.get(message)
    if (known !== undefined) return known
    const trace = this.#begin(message)
    // Without a ratio the message itself says whether it is traced, and most are not: nothing is kept for those.
    if (trace !== null || this.#parts.samplingRatio > 0) this.#traces.set(message, trace)
    if (trace === null) this.#untraced = message
    return trace
  }

  #begin(message: ApplicationMessage): Trace | null {
    if (message.topicName.startsWith('$SYS/')) return null
    const context = message.propertyList === noPropertyList ? undefined : traceContextOf(message.properties)
    const { samplingRatio, clock, makeState } = this.#parts
    const isTraced = context === undefined ? samplingRatio > 0 && clock.random() < samplingRatio : isSampled(context)
    if (!isTraced) return null
    const state = (context?.state ?? '') === '' ? undefined : makeState(context!.state)
    const routedAtMs = clock.wallNow()
    const ageMs = clock.now() - message.receivedAtMs
    return {
      owner: message.publisher === '' ? HOST : message.publisher,
      traceId: context?.traceId ?? this.#identifier(16),
      parent: context === undefined ? undefined : parentOf(context, state),
      state,
      publishId: this.#identifier(8),
      routeId: this.#identifier(8),
      isPublished: false,
      receivedAtMs: routedAtMs - Math.max(ageMs, 0),
      routedAtMs,
    }
  }

  #identifier(bytes: number): string {
    return Buffer.from(this.#parts.clock.randomBytes(bytes)).toString('hex')
  }

  #add(trace: Trace, facts: SpanFacts): void {
    const { name, kind, spanId, parent, fromMs, toMs, attributes, error } = facts
    const { origin, queue } = this.#parts
    const span: ReadableSpan = {
      name,
      kind,
      spanContext: () => contextOf(trace, spanId),
      get parentSpanContext() {
        return parent()!
      },
      startTime: hrTimeOf(fromMs),
      endTime: hrTimeOf(toMs),
      duration: hrTimeOf(toMs - fromMs),
      status: error === undefined ? { code: UNSET } : { code: ERROR, message: error },
      attributes,
      links: [],
      events: [],
      ended: true,
      resource: origin.resource,
      instrumentationScope: origin.scope,
      ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
    }
    queue.add(span, trace.owner)
  }
}

function contextOf({ traceId, state }: Trace, spanId: string): SpanContext {
  return { traceId, spanId, traceFlags: SAMPLED, ...(state !== undefined && { traceState: state }) }
}

function parentOf({ traceId, spanId, flags }: TraceContext, state: TraceState | undefined): SpanContext {
  return { traceId, spanId, traceFlags: flags, isRemote: true, ...(state !== undefined && { traceState: state }) }
}

function attributesOf({ topicName }: ApplicationMessage): Attributes {
  return { 'messaging.system': 'mqtt', 'messaging.destination.name': excerpt(topicName) }
}

function operation(name: string): Attributes {
  return { 'messaging.operation.name': name }
}

function excerpt(text: string): string {
  return text.length > MAX_ATTRIBUTE_LENGTH ? text.slice(0, MAX_ATTRIBUTE_LENGTH) : text
}
