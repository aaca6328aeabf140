/**
 * SUBSCRIBE and UNSUBSCRIBE: what waits for its answer, and the subscriptions that were granted, which are requested
 * again if a server has lost the Session.
 *
 * Requests survive a connection: one that was not answered is sent again on the next, with a new Packet Identifier.
 *
 * @module
 */
import { UsageError } from '../base/errors.ts'
import type { SubackPacket, SubscriptionRequest, UnsubackPacket } from '../codec/packets.ts'
import { PacketType } from '../codec/packet-types.ts'
import { forbidden } from '../codec/protocol-error.ts'
import type { Properties } from '../codec/properties.ts'
import { parseSharedFilter, topicFilterProblem } from '../topics/topic-filter.ts'
import { ClientError } from './client-error.ts'
import type { ClientSender } from './client-sender.ts'
import type { ClientSession } from './client-session.ts'
import { subscribeProblem } from './server-limits.ts'

/** Receives the answer of a server, or the reason why there will be none. */
export type Answer<Packet> = (outcome: Packet | ClientError) => void

interface SubscribeRequest {
  readonly kind: 'subscribe'
  readonly subscriptions: readonly SubscriptionRequest[]
  readonly properties: Properties
  readonly answer: Answer<SubackPacket>
}

interface UnsubscribeRequest {
  readonly kind: 'unsubscribe'
  readonly topicFilters: readonly string[]
  readonly properties: Properties
  readonly answer: Answer<UnsubackPacket>
}

type Request = SubscribeRequest | UnsubscribeRequest

/** A granted subscription, as it was requested. */
interface Granted {
  readonly subscription: SubscriptionRequest
  readonly properties: Properties
}

/** Topic Filters of one SUBSCRIBE that is sent again. */
const FILTERS_PER_PACKET = 100

export class ClientRequests {
  readonly #session: ClientSession
  readonly #maximum: number
  readonly #repeats: boolean
  #sender: ClientSender | undefined
  /** What no server has been sent yet, in order. */
  #waiting: Request[] = []
  /** What was sent, by Packet Identifier. */
  readonly #sent = new Map<number, Request>()
  readonly #granted = new Map<string, Granted>()

  /** @param repeats whether subscriptions are requested again if a server has lost the Session */
  constructor(session: ClientSession, maximum: number, repeats: boolean) {
    this.#session = session
    this.#maximum = maximum
    this.#repeats = repeats
  }

  /** Requests without an answer. */
  get length(): number {
    return this.#waiting.length + this.#sent.size
  }

  /**
   * @throws {UsageError} for an invalid Topic Filter, or none
   * @throws {ClientError} `ERR_CLIENT_QUEUE_FULL`
   */
  subscribe(subscriptions: readonly SubscriptionRequest[], properties: Properties, answer: Answer<SubackPacket>): void {
    checkFilters(subscriptions.map(({ topicFilter }) => topicFilter))
    this.#add({ kind: 'subscribe', subscriptions, properties, answer })
  }

  /** @throws as `subscribe` */
  unsubscribe(topicFilters: readonly string[], properties: Properties, answer: Answer<UnsubackPacket>): void {
    checkFilters(topicFilters)
    this.#add({ kind: 'unsubscribe', topicFilters, properties, answer })
  }

  #add(request: Request): void {
    if (this.length >= this.#maximum) {
      throw new ClientError('ERR_CLIENT_QUEUE_FULL', `${this.#maximum} requests wait for an answer already`)
    }
    if (this.#sender === undefined) this.#waiting.push(request)
    else this.#send(request, this.#sender)
  }

  /** A login succeeded. @param isPresent whether the server has kept the Session, and so the subscriptions */
  begin(sender: ClientSender, isPresent: boolean): void {
    this.#sender = sender
    if (!isPresent && this.#repeats) this.#requestAgain()
    const waiting = this.#waiting
    this.#waiting = []
    for (const request of waiting) this.#send(request, sender)
  }

  #requestAgain(): void {
    const byProperties = new Map<Properties, SubscriptionRequest[]>()
    for (const { subscription, properties } of this.#granted.values()) {
      const same = byProperties.get(properties)
      if (same === undefined) byProperties.set(properties, [subscription])
      else same.push(subscription)
    }
    const again: Request[] = []
    for (const [properties, granted] of byProperties) {
      for (let at = 0; at < granted.length; at += FILTERS_PER_PACKET) {
        const subscriptions = granted.slice(at, at + FILTERS_PER_PACKET)
        again.push({ kind: 'subscribe', subscriptions, properties, answer: () => undefined })
      }
    }
    this.#waiting = [...again, ...this.#waiting]
  }

  /** The connection has ended: what was not answered waits for the next one. */
  suspend(): void {
    this.#sender = undefined
    for (const packetIdentifier of this.#sent.keys()) this.#session.releaseIdentifier(packetIdentifier)
    this.#waiting = [...this.#sent.values(), ...this.#waiting]
    this.#sent.clear()
  }

  /** There will be no other connection. */
  end(error: ClientError): void {
    this.suspend()
    const waiting = this.#waiting
    this.#waiting = []
    for (const { answer } of waiting) answer(error)
  }

  #send(request: Request, sender: ClientSender): void {
    const { properties } = request
    const packetIdentifier = this.#session.takeIdentifier()
    try {
      if (request.kind === 'unsubscribe') {
        const { topicFilters } = request
        sender.packet({ type: PacketType.UNSUBSCRIBE, packetIdentifier, topicFilters, properties })
      } else {
        const { subscriptions } = request
        const problem = subscribeProblem(sender.limits, subscriptions, properties)
        if (problem !== undefined) throw new ClientError('ERR_CLIENT_NOT_SUPPORTED', `Cannot subscribe: ${problem}`)
        sender.packet({ type: PacketType.SUBSCRIBE, packetIdentifier, subscriptions, properties })
      }
      this.#sent.set(packetIdentifier, request)
    } catch (error) {
      this.#session.releaseIdentifier(packetIdentifier)
      if (!(error instanceof ClientError)) throw error
      request.answer(error)
    }
  }

  /** SUBACK. @throws {ProtocolError} if it does not fit a SUBSCRIBE */
  suback(packet: SubackPacket): void {
    const request = this.#take(packet.packetIdentifier, 'subscribe')
    const { subscriptions, properties } = request
    if (packet.reasonCodes.length !== subscriptions.length) {
      throw forbidden(`SUBACK has ${packet.reasonCodes.length} Reason Codes for ${subscriptions.length} Topic Filters`)
    }
    for (const [index, subscription] of subscriptions.entries()) {
      if (packet.reasonCodes[index]! < 0x80) this.#granted.set(subscription.topicFilter, { subscription, properties })
      else this.#granted.delete(subscription.topicFilter)
    }
    request.answer(packet)
  }

  /** UNSUBACK. @throws {ProtocolError} if it does not fit an UNSUBSCRIBE */
  unsuback(packet: UnsubackPacket): void {
    const request = this.#take(packet.packetIdentifier, 'unsubscribe')
    for (const topicFilter of request.topicFilters) this.#granted.delete(topicFilter)
    request.answer(packet)
  }

  #take<Kind extends Request['kind']>(packetIdentifier: number, kind: Kind): Extract<Request, { kind: Kind }> {
    const request = this.#sent.get(packetIdentifier)
    if (request?.kind !== kind) throw forbidden(`The server answered a ${kind} request that was not sent`)
    this.#sent.delete(packetIdentifier)
    this.#session.releaseIdentifier(packetIdentifier)
    return request as Extract<Request, { kind: Kind }>
  }
}

function checkFilters(topicFilters: readonly string[]): void {
  if (topicFilters.length === 0) throw new UsageError('At least one Topic Filter is required [5.0 MQTT-3.8.3-2]')
  for (const written of topicFilters) {
    const shared = parseSharedFilter(written)
    const problem = typeof shared === 'string' ? shared : topicFilterProblem(shared?.topicFilter ?? written)
    if (problem !== undefined) throw new UsageError(`Invalid Topic Filter ${JSON.stringify(written)}: ${problem}`)
  }
}
