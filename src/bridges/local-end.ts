/**
 * A bridge's Session at this broker: an ordinary stored one, which holds what waits for the other broker. It belongs to
 * the bridge, needs no login and no permission, and its queue has the limits of the bridge.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Server } from '../broker/server.ts'
import { topLevel } from '../broker/host/host-streams.ts'
import { ListenerState } from '../broker/sessions/listener-state.ts'
import { OWN_CLIENT_IDS } from '../access/bridge-client.ts'
import type { Attempt } from '../client/client-side.ts'
import type { ClientOptions } from '../client/client-options.ts'
import { encodePacket } from '../codec/encode.ts'
import type { Packet } from '../codec/packets.ts'
import { PacketType } from '../codec/packet-types.ts'
import { noProperties } from '../codec/properties.ts'
import type { BridgeOptions, ListenerOptions, Options } from '../config/resolved-options.ts'
import type { Session } from '../protocol/session.ts'
import { LocalLink } from './local-link.ts'
import { QueueAge } from './queue-age.ts'
import type { Route } from './topic-mapping.ts'

/**
 * How long the Session is kept after the broker has stopped, or the bridge was removed while it was; 30 days in
 * seconds.
 */
export const LOCAL_EXPIRY_SECONDS = 2_592_000
const UNLIMITED = 0xffff_ffff
const DAY_SECONDS = 86_400
const FILTERS_PER_PACKET = 100
/** Retained messages come with a subscription that is new, and not each time. */
const IF_NEW = 1

/** The client identifier of a bridge at this broker. */
export function localClientId(name: string): string {
  return OWN_CLIENT_IDS + name
}

export class LocalEnd {
  readonly clientId: string
  readonly #server: () => Server
  readonly #clock: Clock
  readonly #state: ListenerState
  readonly #age: QueueAge

  /**
   * @param expired what to do after so many messages have waited longer than `queue.expiry`
   * @param earlier the end of the same bridge before a reload
   */
  constructor(
    server: () => Server,
    clock: Clock,
    bridge: BridgeOptions,
    options: Options,
    expired: (count: number) => void,
    earlier?: LocalEnd,
  ) {
    this.clientId = localClientId(bridge.name)
    this.#server = server
    this.#clock = clock
    this.#state = new ListenerState(limitsFor(bridge, options), true)
    const [expiryMs, turn, session] = [bridge.queue.expiry * 1000, () => server().turn, () => this.session]
    this.#age = new QueueAge({ clock, expiryMs, turn, session, expired }, earlier && earlier.#age)
  }

  /** Applies changed options to connections from now on. */
  reload(bridge: BridgeOptions, options: Options): void {
    this.#state.options = limitsFor(bridge, options)
  }

  get session(): Session | undefined {
    return this.#server().sessions.get(this.clientId)?.session
  }

  /**
   * Makes the Session, or takes up the stored one, and sees to it that it has exactly these subscriptions. When this
   * call returns, messages wait in it.
   */
  prepare(routes: readonly Route[]): void {
    const link = new LocalLink(this.#clock)
    const incoming = this.#accept(link)
    if (incoming === undefined) return
    const packets = [this.#connect(), ...this.#changes(routes), disconnect]
    incoming.receive(Buffer.concat(packets.map((packet) => encodePacket(packet, 5))))
    this.#age.start()
  }

  /** The bridge ends, or another one takes its place. The Session is kept. */
  close(): void {
    this.#age.stop()
  }

  #connect(): Packet {
    return {
      type: PacketType.CONNECT,
      protocolVersion: 5,
      cleanStart: false,
      keepAlive: 0,
      clientId: this.clientId,
      userName: this.clientId,
      password: undefined,
      will: undefined,
      properties: { sessionExpiryInterval: LOCAL_EXPIRY_SECONDS, receiveMaximum: 1 },
    }
  }

  #changes(routes: readonly Route[]): Packet[] {
    const wanted = new Map(routes.toReversed().map((route) => [route.topicFilter, route]))
    const old = [...(this.session?.subscriptions.keys() ?? [])].filter((topicFilter) => !wanted.has(topicFilter))
    const packets: Packet[] = []
    for (const part of parts([...wanted.values()])) {
      const subscriptions = part.map(({ topicFilter, qos }) => {
        return { topicFilter, qos, noLocal: true, retainAsPublished: true, retainHandling: IF_NEW } as const
      })
      packets.push({ type: PacketType.SUBSCRIBE, packetIdentifier: 1, subscriptions, properties: noProperties })
    }
    for (const topicFilters of parts(old)) {
      packets.push({ type: PacketType.UNSUBSCRIBE, packetIdentifier: 1, topicFilters, properties: noProperties })
    }
    return packets
  }

  /** Opens a byte stream for a client of the Session. */
  dial(attempt: Attempt): void {
    const link = new LocalLink(this.#clock)
    const incoming = this.#accept(link)
    if (incoming === undefined) {
      attempt.failed(new Error('this broker accepts no connection now'))
      return
    }
    link.client.incoming = attempt.opened(link.client)
  }

  #accept(link: LocalLink) {
    const peer = { listener: this.#state.options.name, address: '', encrypted: false }
    return (link.broker.incoming = this.#server().connections.accept(link.broker, peer, this.#state))
  }

  /** The options of the client of the Session. @param receiveMaximum what the other broker takes at one time */
  clientOptions(receiveMaximum: number): Partial<ClientOptions> {
    return {
      protocolVersion: 5,
      clientId: this.clientId,
      userName: this.clientId,
      cleanStart: false,
      keepAlive: 0,
      properties: { sessionExpiryInterval: LOCAL_EXPIRY_SECONDS, receiveMaximum },
    }
  }

  /** Ends the Session with everything in it. */
  remove(): void {
    const { sessions } = this.#server()
    const registration = sessions.get(this.clientId)
    if (registration !== undefined) sessions.end(registration, 'administrator')
  }
}

const disconnect: Packet = { type: PacketType.DISCONNECT, reasonCode: 0, properties: noProperties }

function parts<Item>(items: readonly Item[]): Item[][] {
  const count = Math.ceil(items.length / FILTERS_PER_PACKET)
  return Array.from({ length: count }, (_, at) => items.slice(at * FILTERS_PER_PACKET, (at + 1) * FILTERS_PER_PACKET))
}

/** What applies to the Session and its connections: the limits of the bridge, and nothing that a client has to keep. */
function limitsFor({ name, queue, maxInflightMessages }: BridgeOptions, options: Options): ListenerOptions {
  return {
    ...topLevel(options, `bridge ${name}`),
    maxInflightMessages,
    maxQueuedMessages: queue.maxMessages,
    maxQueuedMessagesConnected: queue.maxMessages,
    maxQueuedBytes: queue.maxBytes,
    queueFull: queue.whenFull,
    maxMemoryPerSession: 0,
    maxDeliveryAttempts: 0,
    maxSessionExpiry: UNLIMITED,
    maxSubscriptions: UNLIMITED,
    maxTopicLevels: UNLIMITED,
    maxUserProperties: UNLIMITED,
    maxQos: 2,
    receiveMaximum: 0xffff,
    drainTimeout: DAY_SECONDS,
    maxPublishRate: 0,
    maxByteRate: 0,
    maxKeepAlive: 0,
    protocolVersions: [5],
  }
}
