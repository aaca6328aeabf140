/**
 * One bridge: a client at the other broker, which is connected or tries to be, and a client of the Session here, which
 * is connected while the other one is.
 *
 *   paused <──> connecting ── CONNACK ──> subscribing ── CONNACK here, SUBACK there ──> connected
 *                   ^                          │                                            │
 *                   └──────── waiting <────────┴──────────── either connection ends ────────┘
 *
 * Messages wait in the Session here until both are connected; then they leave in order, as fast as the other broker
 * acknowledges them.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import { logRefusal, type Logger } from '../base/log.ts'
import { show } from '../base/show.ts'
import type { BridgeState, BridgeView } from '../broker/host/bridge-view.ts'
import { type Address, urlOfAddress } from '../client/address.ts'
import { Client } from '../client/client.ts'
import { ClientError } from '../client/client-error.ts'
import type { Attempt, ClientSide, Receipt } from '../client/client-side.ts'
import type { ConnackPacket, SubackPacket } from '../codec/packets.ts'
import { reasonCodeName } from '../codec/reason-code.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import { RateLimit } from '../protocol/rate-limit.ts'
import type { BridgeSettings } from './bridge-settings.ts'
import { Early } from './early.ts'
import { Holds } from './holds.ts'
import type { LocalEnd } from './local-end.ts'
import { reasonOf } from './reason.ts'
import { Relay } from './relay.ts'
import { TopicMapping } from './topic-mapping.ts'
import { type BridgeMetrics, Traffic } from './traffic.ts'

/** What a bridge requires of its surroundings. */
export interface BridgeHost {
  readonly clock: Clock
  readonly metrics: BridgeMetrics
  readonly log: Logger
  /** The client identifiers of all bridges of this broker, at other brokers. */
  readonly ownIds: ReadonlySet<string>
  dial(address: Address, attempt: Attempt): void
  /** Whether a client with that identifier is connected to this broker. */
  isConnectedHere(clientId: string): boolean
  /** The state of a bridge has changed. */
  changed(bridge: Bridge): void
}

const FILTERS_PER_PACKET = 100
/** Retained messages come with a subscription that is new at the other broker, and not after each connection. */
const IF_NEW = 1

export class Bridge {
  readonly settings: BridgeSettings
  readonly local: LocalEnd
  readonly out: Traffic
  readonly in: Traffic
  state: BridgeState = 'paused'
  reason: string | undefined = undefined
  /** Of the clock's monotonic time. */
  nextAttemptAtMs: number | undefined = undefined
  connections = 0
  readonly #host: BridgeHost
  readonly #outMapping: TopicMapping
  readonly #inMapping: TopicMapping
  readonly #rate: RateLimit | undefined
  #sinceMs: number
  #disconnectedSinceMs: number | undefined
  #address = 0
  #remote: Client | undefined
  #localClient: Client | undefined
  #relay: Relay | undefined
  #holds: Holds | undefined
  #early: Early | undefined
  /** Whether the Session at the other broker has the subscriptions. */
  #isSubscribed = false
  #unanswered = 0
  #deadline: Timer | undefined

  /** @param earlier the bridge of the same name before a reload, whose counts go on */
  constructor(settings: BridgeSettings, local: LocalEnd, host: BridgeHost, earlier?: Bridge) {
    const { options } = settings
    this.settings = settings
    this.local = local
    this.#host = host
    this.out = earlier?.out ?? new Traffic(host.metrics, 'bridgeMessagesOut')
    this.in = earlier?.in ?? new Traffic(host.metrics, 'bridgeMessagesIn')
    this.connections = earlier?.connections ?? 0
    this.#disconnectedSinceMs = earlier === undefined ? undefined : earlier.#disconnectedSinceMs
    this.#outMapping = TopicMapping.out(options.out)
    this.#inMapping = TopicMapping.in(options.in)
    this.#sinceMs = host.clock.wallNow()
    this.#rate = options.maxMessageRate > 0 ? new RateLimit(options.maxMessageRate, host.clock.now()) : undefined
  }

  get name(): string {
    return this.settings.options.name
  }

  /** The URL that it is connected to, or tries. */
  get url(): string {
    return urlOfAddress(this.settings.addresses[this.#address]!)
  }

  /** Makes the Session here, and connects to the other broker unless the bridge is paused. */
  start(isPaused: boolean): void {
    this.local.prepare(this.#outMapping.routes)
    if (isPaused) this.#become('paused')
    else this.#connect()
  }

  pause(): void {
    if (this.state === 'paused') return
    this.#end()
    this.#become('paused')
  }

  resume(): void {
    if (this.state === 'paused') this.#connect()
  }

  /** Ends the connections. The Sessions are kept. */
  close(): void {
    this.#end()
    this.local.close()
  }

  /** So many messages have waited longer than `queue.expiry`. */
  expired(count: number): void {
    this.out.drop('expired', count)
    const { expiry } = this.settings.options.queue
    const waited = `${count} ${count === 1 ? 'message has' : 'messages have'} waited for the other broker for ${expiry} s`
    this.#host.log.warn(
      `bridge ${this.name}: ${waited} (\`queue.expiry\`), and ${count === 1 ? 'was' : 'were'} dropped`,
    )
  }

  #connect(): void {
    this.reason = undefined
    this.#become('connecting')
    this.#remote = new Client(this.settings.client, this.#remoteSide(), this.#host.clock)
    this.#remote.start()
  }

  #end(): void {
    const remote = this.#remote
    this.#remote = undefined
    this.#disconnectLocal()
    remote?.end()
  }

  /** @param retryInMs until the next attempt; `undefined` if there is none to wait for */
  #become(state: BridgeState, retryInMs?: number): void {
    this.state = state
    this.#sinceMs = this.#host.clock.wallNow()
    const isOut = state !== 'connected' && state !== 'paused'
    this.#disconnectedSinceMs = isOut ? (this.#disconnectedSinceMs ?? this.#sinceMs) : undefined
    this.nextAttemptAtMs = retryInMs === undefined ? undefined : this.#host.clock.now() + retryInMs
    this.#host.changed(this)
  }

  // ---- the other broker ----

  #remoteSide(): ClientSide {
    return {
      dial: (attempt) => {
        this.#address = attempt.address
        if (this.state === 'waiting') this.#become('connecting')
        this.#host.dial(this.settings.addresses[attempt.address]!, attempt)
      },
      connected: (connack) => this.#loggedIn(connack),
      disconnected: (error, retryInMs) => this.#lost(error, retryInMs),
      received: (message, receipt) => this.#receivedFromRemote(message, receipt),
      writable: () => this.#holds?.release('output'),
      relay: {
        acknowledged: (type, packetIdentifier, reasonCode) => {
          const relay = this.#relay
          if (this.#early === undefined) relay?.acknowledgedByRemote(type, packetIdentifier, reasonCode)
          else this.#early.add(() => relay?.acknowledgedByRemote(type, packetIdentifier, reasonCode))
        },
        tooLarge: (topicName, receipt, size) => this.#tooLarge(topicName, receipt, size),
      },
    }
  }

  #loggedIn({ sessionPresent }: ConnackPacket): void {
    const { options } = this.settings
    if (this.#host.isConnectedHere(options.clientId)) {
      const message = `The other broker is this one: ${options.clientId} has just connected here`
      throw new ClientError('ERR_CLIENT_NOT_SUPPORTED', message)
    }
    this.#become('subscribing')
    // What comes before the Session here is connected waits.
    this.#early = new Early()
    this.#remote!.pauseReading()
    this.#deadline = this.#host.clock.setTimer(options.connectTimeout * 1000, () => this.#isLate())
    this.#connectLocal(sessionPresent)
    // If this broker accepts no connection now, both have ended already.
    if (this.#localClient !== undefined) this.#subscribe(sessionPresent)
  }

  #isLate(): void {
    const what =
      this.#early === undefined ? 'The other broker did not answer a SUBSCRIBE' : 'This broker did not answer'
    this.#remote?.abandon(new ClientError('ERR_CLIENT_TIMEOUT', `${what} in time`))
  }

  #subscribe(sessionPresent: boolean): void {
    const { routes } = this.#inMapping
    if (sessionPresent && this.#isSubscribed) return
    this.#isSubscribed = false
    this.#unanswered = 0
    for (let at = 0; at < routes.length; at += FILTERS_PER_PACKET) {
      const part = routes.slice(at, at + FILTERS_PER_PACKET)
      const subscriptions = part.map(({ topicFilter, qos }) => {
        return { topicFilter, qos, noLocal: true, retainAsPublished: true, retainHandling: IF_NEW } as const
      })
      this.#unanswered++
      this.#remote!.subscribe(subscriptions, (answer) =>
        this.#subscribed(
          answer,
          part.map(({ topicFilter }) => topicFilter),
        ),
      )
    }
  }

  /**
   * @throws {ClientError} if it was refused: without its subscriptions, the bridge would look well and bring nothing
   */
  #subscribed(answer: SubackPacket | ClientError, topicFilters: readonly string[]): void {
    if (answer instanceof ClientError) {
      this.reason = answer.message
      this.#remote?.abandon(answer)
      return
    }
    const at = answer.reasonCodes.findIndex((code) => code >= 0x80)
    if (at >= 0) {
      const reasonCode = answer.reasonCodes[at]!
      const name = reasonCodeName(reasonCode, 'SUBACK')
      const message = `The other broker refused the subscription to ${topicFilters[at]}: ${name}`
      throw new ClientError('ERR_CLIENT_REFUSED', message, { reasonCode })
    }
    if (--this.#unanswered === 0) this.#isReady()
  }

  #receivedFromRemote(message: ApplicationMessage, receipt: Receipt): undefined {
    if (this.#early === undefined) this.#relay?.fromRemote(message, receipt)
    else {
      message.own()
      const relay = this.#relay
      this.#early.add(() => relay?.fromRemote(message, receipt))
    }
  }

  /** The other broker is answered: it would only send the message again after each connection. */
  #tooLarge(topicName: string, receipt: Receipt, size: number): void {
    const { name, maxPacketSize } = this.settings.options
    const message = `bridge ${name}: a message of ${size} bytes of the other broker for ${show(topicName)} was dropped, since \`max-packet-size\` of the bridge is ${maxPacketSize}; raise it, or publish smaller messages there`
    logRefusal(this.#host.log, { bridge: name, topicName, size }, message, `bridge ${name}: too large`, 'warn')
    const relay = this.#relay
    if (this.#early === undefined) relay?.tooLarge(receipt)
    else this.#early.add(() => relay?.tooLarge(receipt))
  }

  #lost(error: ClientError | undefined, retryInMs: number | undefined): void {
    if (this.#remote === undefined) return
    this.#disconnectLocal()
    this.reason = error && reasonOf(error, this.settings.addresses[this.#address]!)
    this.#become('waiting', retryInMs)
    this.#address = (this.#address + 1) % this.settings.addresses.length
  }

  // ---- this broker ----

  #connectLocal(sessionPresent: boolean): void {
    const remote = this.#remote!
    const { options } = this.settings
    const receiveMaximum = Math.min(options.maxInflightMessages, remote.limits.receiveMaximum)
    const client = new Client(this.local.clientOptions(receiveMaximum), this.#localSide(), this.#host.clock)
    this.#localClient = client
    this.#holds = new Holds(client)
    // Packet Identifiers of requests must not be used by messages at the same time.
    this.#holds.hold('subscribing')
    const { out: outTraffic, in: inTraffic } = this
    const relay = new Relay({
      local: client,
      remote,
      ...{ out: this.#outMapping, in: this.#inMapping, outTraffic, inTraffic },
      maxHops: options.maxHops,
      keepsRetain: options.retain,
      ownIds: this.#host.ownIds,
      now: () => this.#host.clock.now(),
    })
    this.#relay = relay
    if (!sessionPresent) this.#early!.add(() => relay.forget(this.local.session?.receivedIdentifiers ?? []))
    client.start()
  }

  #localSide(): ClientSide {
    return {
      dial: (attempt) => this.local.dial(attempt),
      connected: () => this.#localIsConnected(),
      disconnected: (error) => this.#lostLocal(error),
      received: (message, receipt) => this.#receivedFromLocal(message, receipt),
      relay: {
        acknowledged: (...answer) => this.#relay?.acknowledgedByLocal(...answer),
      },
    }
  }

  #localIsConnected(): void {
    this.#holds?.connected()
    const early = this.#early
    this.#early = undefined
    // In a turn of its own: bytes of the CONNACK are still being read.
    this.#host.clock.atEndOfTurn(() => {
      early?.run()
      this.#remote?.resumeReading()
      if (this.#isSubscribed || this.#unanswered === 0) this.#isReady()
    })
  }

  #isReady(): void {
    if (this.#early !== undefined || this.state !== 'subscribing') return
    this.#isSubscribed = true
    this.#deadline?.cancel()
    this.connections++
    this.reason = undefined
    this.#become('connected')
    this.#holds?.release('subscribing')
  }

  #receivedFromLocal(message: ApplicationMessage, receipt: Receipt): undefined {
    this.#relay?.fromLocal(message, receipt)
    if (this.#remote?.takesMore === false) this.#holdForOutput()
    if (this.#rate === undefined) return
    const { clock } = this.#host
    const waitMs = this.#rate.take(1, clock.now())
    const holds = this.#holds
    if (waitMs > 0 && holds?.hold('rate') === true) clock.setTimer(waitMs, () => holds.release('rate'))
  }

  /**
   * `writable` follows only if the socket does not take everything at once, which shows after the flush of this turn.
   */
  #holdForOutput(): void {
    const [remote, holds] = [this.#remote, this.#holds]
    if (holds?.hold('output') !== true) return
    this.#host.clock.atEndOfTurn(() => {
      if (remote?.takesMore === true) holds.release('output')
    })
  }

  /** The other connection ends as well: it would only collect what has nowhere to go. */
  #lostLocal(error: ClientError | undefined): void {
    if (this.#localClient === undefined) return
    const why = error?.message ?? 'it was ended'
    const message = `The session of the bridge at this broker has lost its connection: ${why}`
    this.#remote?.abandon(new ClientError('ERR_CLIENT_LOST', message))
  }

  #disconnectLocal(): void {
    this.#deadline?.cancel()
    const client = this.#localClient
    this.#localClient = this.#relay = this.#holds = this.#early = undefined
    client?.end()
  }

  view(): BridgeView {
    const { clock } = this.#host
    const { session } = this.local
    return {
      name: this.name,
      state: this.state,
      url: this.url,
      remoteClientId: this.settings.options.clientId,
      localClientId: this.local.clientId,
      sinceMs: this.#sinceMs,
      disconnectedSinceMs: this.#disconnectedSinceMs,
      reason: this.reason,
      nextAttemptAtMs:
        this.nextAttemptAtMs === undefined
          ? undefined
          : Math.round(clock.wallNow() + this.nextAttemptAtMs - clock.now()),
      queuedMessages: (session?.queuedMessages ?? 0) + (session?.inflightMessages ?? 0),
      queuedBytes: session?.queuedBytes ?? 0,
      connections: this.connections,
      out: this.out.view(),
      in: this.in.view(),
    }
  }
}
