/** What the oracles hold for true: messages, their copies on the way, Sessions, Connections. @module */
import type { DisconnectPacket, SubscribePacket, SubscriptionRequest } from '../../src/codec/packets.ts'
import type { QoS } from '../../src/codec/packet-types.ts'
import type { Properties } from '../../src/codec/properties.ts'
import type { Wire } from './wire.ts'

/** What some Client sent, or the host program. */
export interface Message {
  /** Topic Name and payload: two messages with one key are the same to every receiver. */
  readonly key: string
  readonly topicName: string
  readonly qos: QoS
  readonly retain: boolean
  readonly publisher: string
  readonly size: number
  readonly receivedAtMs: number
  readonly expiresAtMs: number
  readonly properties: Properties
  /** Properties that travel on unchanged, as text. */
  readonly travelling: string
  /** Counts up, as the groups of copies do. */
  readonly group: number
  /** Its publisher was told that it is taken over. */
  isAcked: boolean
}

/** A PUBLISH as its Client sent it. */
export interface Sending {
  readonly qos: QoS
  readonly isAllowed: boolean
  readonly packetIdentifier: number
  /** As which it was taken over last. */
  message: Message | undefined
  isAcked: boolean
  /** How often the broker said that it could not store it. */
  refusals: number
  /** How often the broker got it, and how often it took it over. */
  handed: number
  published: number
}

/** One copy of a message that one Session is owed. */
export interface Copy {
  readonly message: Message
  readonly qos: QoS
  readonly retain: boolean
  /**
   * Retained when its Subscription was made: it comes once there is room for it, beside what is published meanwhile.
   */
  isReplay: boolean
  /** SUBACK was written: what is left of the replay is owed after a restart too. */
  isPromised: boolean
  /** Subscription Identifiers, as text. */
  readonly identifiers: string
  /** Copies of one group may come in any order. */
  readonly group: number
  packetIdentifier: number
  /** When it was first written, counted. */
  sequence: number
  /** Connections of its Session so far, when it came. */
  connections: number
  /** The Connection that there was when it came; bytes that were gathered for one that is lost were never seen. */
  owedTo: Wire | undefined
  /** The Connection on which its PUBLISH was written last. */
  openOn: Wire | undefined
  /** The Connection on which its PUBREL was written last. */
  releasedOn: Wire | undefined
  hasPubrec: boolean
  hasPubrel: boolean
  /** The Client has finished it. */
  isFinished: boolean
  /** By an acknowledgement that says no. */
  isRefused: boolean
  /** It, or another copy of the same message for the same Session, was dropped. */
  doubt: Doubt | undefined
  readonly shared: SharedCopy | undefined
  /** The Shared Subscriptions that its Session had when it was sent: it came for one of them. */
  readonly memberships: ReadonlyMap<string, QoS> | undefined
}

/** So many of these copies were dropped; the broker does not say which. */
export interface Doubt {
  readonly copies: Set<Copy>
  drops: number
  /** It may have been a copy of a Shared Subscription as well: then none of these was dropped. */
  isLoose: boolean
}

/** What one Shared Subscription is owed. */
export interface SharedCopy {
  readonly message: Message
  readonly topicFilter: string
  /** Nobody has to get it. */
  isOptional: boolean
  /** Whoever has to get it has a Session that is stored. */
  readonly isDurable: boolean
  /** Whom it was written to. */
  session: ModelSession | undefined
  copy: Copy | undefined
  /** It was sent at QoS 2 to a Session that has ended: it must go nowhere else [5.0 MQTT-4.8.2-5]. */
  isForbidden: boolean
}

export interface ModelSubscription extends SubscriptionRequest {
  readonly identifiers: readonly number[]
}

export interface ModelWill {
  readonly key: string
  readonly clientId: string
  readonly delayMs: number
  /** Infinity while its Connection lives. */
  dueAtMs: number
}

export class ModelSession {
  readonly clientId: string
  readonly subscriptions = new Map<string, ModelSubscription>()
  /** Unsubscribed just now: what was sent for them before may be written after. */
  readonly left = new Map<string, ModelSubscription>()
  userName: string | undefined
  wire: Wire | undefined
  will: ModelWill | undefined
  /** Its Client was told of it, or everything that was to be stored was. */
  isSafe = false
  isWillSafe = false
  /** Filters that are known to be stored. */
  readonly safeFilters = new Set<string>()
  /** Finished or dropped, while the Store may not know it. */
  recent: Copy[] = []
  /** Connections so far. */
  connections = 0
  /** The same Session after a restart. */
  successor: ModelSession | undefined
  /** Infinity while connected. */
  expiresAtMs = Infinity
  expiryMs = 0
  awaySinceMs = 0
  /** QoS 1 and 2 not written yet; each in its order. */
  readonly waiting: Readonly<Record<1 | 2, Copy[]>> = { 1: [], 2: [] }
  readonly inflight = new Map<number, Copy>()
  /** Finished by the Client; the broker may not have seen it before the Connection ended. */
  readonly late = new Map<number, Copy>()
  /** What the present Connection has to resend first. */
  resend: Copy[] = []
  /** QoS 2: how often each message was written for the first time, and how often the Client's program got it. */
  readonly sentOnce = new Map<string, number>()
  readonly applied = new Map<string, number>()

  constructor(clientId: string) {
    this.clientId = clientId
  }

  /** Shared Subscriptions that it has left, and when: what was on its way then may wait for the Store still. */
  readonly former = new Map<string, { readonly qos: QoS; readonly untilMs: number }>()

  /** Filters for which a message that came then may be written now, with their QoS. */
  membershipsSince(ms: number): Map<string, QoS> {
    const former = [...this.former].filter(([, { untilMs }]) => untilMs >= ms)
    return new Map(
      [...former, ...this.left, ...this.subscriptions].map(([topicFilter, { qos }]) => [topicFilter, qos] as const),
    )
  }
}

/** What the oracles know of one Connection. */
export class WireFacts {
  session: ModelSession | undefined
  /** CONNACK was written. */
  isAnswered = false
  answeredAtMs = Infinity
  sessionPresent = false
  isOver = false
  /** Its Client reads it no more: it is away, or reads another one. */
  isAbandoned = false
  hasRefused = false
  disconnect: DisconnectPacket | undefined
  /** QoS 0 that is owed. */
  readonly zero: Copy[] = []
  /** PUBLISH of QoS 1 and 2 written here and not finished. */
  open = 0
  readonly aliasesUp = new Map<number, string>()
  readonly aliasesDown = new Map<number, string>()
  readonly sendings = new Map<number, Sending>()
  /** SUBSCRIBE packets, and how far the broker has told of them. */
  readonly subscribes: { readonly packet: SubscribePacket; readonly codes: number[]; readonly group: number }[] = []
  readonly subacks = new Map<number, readonly number[]>()
  /** Filters that are unsubscribed, in their order. */
  readonly unsubacks = new Map<number, readonly string[]>()
  /** Filters whose SUBSCRIBE was granted, by its Packet Identifier, and the group of what they are owed. */
  readonly granted = new Map<number, { readonly topicFilters: readonly string[]; readonly group: number }>()
}

export function makeCopy(
  message: Message,
  qos: QoS,
  retain: boolean,
  identifiers: readonly number[],
  group: number,
): Copy {
  return {
    message,
    qos,
    retain,
    isReplay: false,
    isPromised: false,
    identifiers: identifiersOf(identifiers),
    group,
    packetIdentifier: 0,
    sequence: 0,
    connections: 0,
    owedTo: undefined,
    openOn: undefined,
    releasedOn: undefined,
    hasPubrec: false,
    hasPubrel: false,
    isFinished: false,
    isRefused: false,
    doubt: undefined,
    shared: undefined,
    memberships: undefined,
  }
}

export function identifiersOf(identifiers: readonly number[]): string {
  return identifiers.length < 2 ? identifiers.join() : identifiers.toSorted((one, other) => one - other).join()
}

export function keyOf(topicName: string, payload: Uint8Array): string {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('latin1')
  return `${topicName}\0${text}`
}

export function shortOf(key: string): string {
  const [topicName, text = ''] = key.split('\0')
  return `${topicName} "${text.length > 30 ? `${text.slice(0, 30)}…` : text}"`
}
