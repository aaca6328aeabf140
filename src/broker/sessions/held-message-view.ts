/** A message that a Session holds for its Client, and what it is waiting for. @module */
import type { QoS } from '../../codec/packet-types.ts'
import { DeliveryState, type Delivery } from '../../protocol/delivery.ts'
import type { Registration } from './sessions.ts'

/** What a held message can be waiting for: `waitTable` has what each means. */
export type WaitReason =
  'PUBACK' | 'PUBREC' | 'PUBCOMP' | 'connection' | 'CONNACK' | 'output' | 'send quota' | 'payload' | 'turn'

/** What each reason means. */
export const waitTable: Readonly<Record<WaitReason, string>> = {
  PUBACK: 'It was sent at QoS 1, and the client has not acknowledged it.',
  PUBREC: 'It was sent at QoS 2, or is sent once it is stored, and the client has not acknowledged it.',
  PUBCOMP: 'It was acknowledged with PUBREC, and the exchange of QoS 2 is not complete.',
  connection: 'The client is not connected.',
  CONNACK: 'The client has connected, and its CONNACK waits for the store.',
  output: 'The client does not read fast enough: `max-outgoing-bytes` are waiting, or its memory limit is reached.',
  'send quota':
    'The client has not acknowledged as many messages as its Receive Maximum or `max-inflight-messages` allows.',
  payload: 'Its payload is being read from the store.',
  turn: 'Nothing: it is sent when it is the turn of its session.',
}

/** A message that a session holds. Times are in milliseconds since 1970. */
export interface HeldMessageView {
  /**
   * `queued`: it waits to be sent. `sent`: it is in flight. `released`: it is in flight at QoS 2, and the client has
   * it. What is in flight when a connection ends is sent again on the next one.
   */
  readonly state: 'queued' | 'sent' | 'released'
  /** What it is waiting for, or what the first message of its queue is waiting for. */
  readonly waitsFor: WaitReason
  /** How many messages of the queue are sent before it; `undefined` for one in flight. */
  readonly ahead: number | undefined
  /** `undefined` before it was sent for the first time. */
  readonly packetIdentifier: number | undefined
  readonly topic: string
  /** The QoS of its delivery. */
  readonly qos: QoS
  /** The RETAIN flag of its delivery. */
  readonly retain: boolean
  /** Client identifier of its publisher; empty for the host program. */
  readonly publisher: string
  readonly payloadBytes: number
  /** False if its payload is in the store only. */
  readonly isLoaded: boolean
  /** `undefined` if it is no longer known. */
  readonly receivedAtMs: number | undefined
  /** By its Message Expiry Interval; `undefined` if it never expires. */
  readonly expiresAtMs: number | undefined
  /** Topic filter of the Shared Subscription that it is for; `undefined` for an ordinary one. */
  readonly sharedSubscription: string | undefined
}

const STATES = {
  [DeliveryState.Waiting]: 'queued',
  [DeliveryState.Sent]: 'sent',
  [DeliveryState.Released]: 'released',
} as const

/**
 * @param ahead how many messages of the queue come before it
 * @param wallOffsetMs the difference between the time of day and monotonic time
 */
export function heldMessageViewOf(
  registration: Registration,
  delivery: Delivery,
  ahead: number,
  wallOffsetMs: number,
): HeldMessageView {
  const { message, state, packetIdentifier, qos, retain, shared } = delivery
  const { topicName, publisher, payloadLength, isLoaded, receivedAtMs, expiresAtMs } = message
  const wallTime = (atMs: number): number => Math.round(atMs + wallOffsetMs)
  return {
    state: STATES[state],
    waitsFor: waitReasonOf(registration, delivery),
    ahead: state === DeliveryState.Waiting ? ahead : undefined,
    packetIdentifier: packetIdentifier === 0 ? undefined : packetIdentifier,
    topic: topicName,
    qos,
    retain,
    publisher,
    payloadBytes: payloadLength,
    isLoaded,
    // A message that was parked keeps this time only if it expires.
    receivedAtMs: receivedAtMs === 0 ? undefined : wallTime(receivedAtMs),
    expiresAtMs: expiresAtMs === Infinity ? undefined : wallTime(expiresAtMs),
    sharedSubscription: shared?.topicFilter,
  }
}

function waitReasonOf({ session, connection }: Registration, { state, qos, isOpen, message }: Delivery): WaitReason {
  if (connection === undefined) return 'connection'
  if (session.connection === undefined) return 'CONNACK'
  if (state === DeliveryState.Released) return 'PUBCOMP'
  if (state === DeliveryState.Sent && isOpen) return qos === 1 ? 'PUBACK' : 'PUBREC'
  if (connection.congested) return 'output'
  if (session.sendQuota === 0) return 'send quota'
  return message.isLoaded ? 'turn' : 'payload'
}
