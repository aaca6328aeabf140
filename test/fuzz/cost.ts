/**
 * The cost oracle: what bytes make the broker do has to be in proportion to them. A fresh broker with a few subscribers
 * and retained messages gets them on a Connection of their own, and two things are measured:
 *
 *   work     units that the turn counts (`src/base/work.ts`): exact, and the same at each replay
 *   memory   what the heap grows by, garbage included, as far as no collection comes between
 *
 * The allowance grows with the bytes by a fixed factor. What stands in them may add to it, each thing once: a packet, a
 * Topic Filter, a packet that goes out. So a list of User Properties is allowed what its bytes are allowed, and nothing
 * for being long.
 *
 * @module
 */
import { WorkBudget } from '../../src/base/work.ts'
import type { ConfigInput } from '../../src/config/options.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { type Packet, type SubscriptionRequest } from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../src/codec/packet-types.ts'
import type { Incoming, Transport } from '../../src/protocol/transport.ts'
import { VirtualBroker } from '../support/virtual-broker.ts'
import { usedBytes } from '../support/measurement.ts'

/**
 * Stated factors: units of work, and bytes of memory; what is fixed covers the blocks for small messages, which are
 * bounded.
 */
const ALLOWED = {
  work: { fixed: 500, perByte: 1 / 16, perPacket: 10, perFilter: 100, perSent: 60 },
  memory: { fixed: 524_288, perByte: 8, perPacket: 1_024, perFilter: 4_096, perSent: 3_072 },
} as const

/** A run may hit what is compiled or loaded for the first time: the cheapest of so many counts. */
const RUNS = 3

/** Limits that would end a long list early: what counts here is what each piece of it costs. */
const LIMITLESS: ConfigInput = { 'max-user-properties': 1_000_000, 'max-filters-per-packet': 1_000_000 }

/** What some bytes cost. */
export interface Cost {
  readonly bytes: number
  readonly work: number
  readonly memory: number
  /** Packets that the broker found in them, Topic Filters that may stand in them, and packets that it sent. */
  readonly packets: number
  readonly filters: number
  readonly sent: number
}

/** All units of all turns. */
let units = 0
const spend = Object.getOwnPropertyDescriptor(WorkBudget.prototype, 'spend')!.value as WorkBudget['spend']
WorkBudget.prototype.spend = function (count) {
  units += count
  spend.call(this, count)
}

/** A peer that takes everything and keeps nothing. */
class Sink implements Transport {
  readonly unsentBytes = 0
  write(): boolean {
    return true
  }
  pauseReading(): void {}
  resumeReading(): void {}
  end(): void {}
  destroy(): void {}
}

/**
 * Measures what `bytes` cost that a Client of that version sends: behind a CONNECT, or beginning with one.
 *
 * @param config of the broker, for what differs from its defaults
 * @param watches whether a listener asks for every packet
 */
export async function costOf(
  version: ProtocolVersion,
  bytes: Uint8Array,
  config: ConfigInput = {},
  watches = false,
): Promise<Cost> {
  let least: Cost | undefined
  for (let run = 0; run < RUNS; run++) {
    const cost = await measure(version, bytes, config, watches)
    if (excess(cost) === undefined) return cost
    if (least === undefined || cost.memory < least.memory) least = cost
  }
  return least!
}

async function measure(
  version: ProtocolVersion,
  bytes: Uint8Array,
  config: ConfigInput,
  watches: boolean,
): Promise<Cost> {
  const broker = await VirtualBroker.start({ ...LIMITLESS, ...config })
  if (watches) broker.broker.on('packetReceived', () => {})
  const subscribers = populate(broker)
  const isConnect = bytes[0]! >> 4 === PacketType.CONNECT
  const incoming = isConnect ? open(broker) : enter(broker, version, 'c')
  const { packetsReceived, packetsSent } = broker.broker.metrics
  usedBytes()
  const [unitsBefore, heapBefore] = [units, process.memoryUsage().heapUsed]
  pass(broker, incoming, bytes)
  const memory = Math.max(0, process.memoryUsage().heapUsed - heapBefore)
  const work = units - unitsBefore
  const { metrics } = broker.broker
  const [packets, sent] = [metrics.packetsReceived - packetsReceived, metrics.packetsSent - packetsSent]
  for (const each of [incoming, ...subscribers]) each.lost()
  await broker.close()
  return { bytes: bytes.length, work, memory, packets, filters: filtersIn(bytes, version), sent }
}

/**
 * Those whom a message reaches, and what a Subscription finds. They read nothing: what a Client makes of it is no cost
 * of ours.
 */
function populate(broker: VirtualBroker): Incoming[] {
  const subscribers = [
    enter(broker, 4, 'one', { ...REQUEST, topicFilter: 'a/#', qos: 1 }),
    enter(broker, 5, 'other', { ...REQUEST, topicFilter: 'a/+' }, { ...REQUEST, topicFilter: '$share/g/b/#' }),
  ]
  for (let number = 0; number < 10; number++) {
    void broker.broker.publish(`r/${number}`, 'x', { retain: true })
  }
  return subscribers
}

const REQUEST = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const

function open(broker: VirtualBroker): Incoming {
  return broker.broker.accept(new Sink(), { listener: 'attached', address: '192.0.2.9', encrypted: false })!
}

function enter(
  broker: VirtualBroker,
  version: ProtocolVersion,
  clientId: string,
  ...subscriptions: SubscriptionRequest[]
): Incoming {
  const incoming = open(broker)
  const connect = { protocolVersion: version, cleanStart: true, keepAlive: 0, clientId, properties: {} }
  const packets: Packet[] = [{ type: PacketType.CONNECT, ...connect }]
  if (subscriptions.length > 0) {
    packets.push({ type: PacketType.SUBSCRIBE, packetIdentifier: 1, subscriptions, properties: {} })
  }
  for (const packet of packets) pass(broker, incoming, encodePacket(packet, version))
  return incoming
}

/** One chunk, as it would come from a socket, and all turns that it takes. */
function pass(broker: VirtualBroker, incoming: Incoming, bytes: Uint8Array): void {
  incoming.receive(bytes)
  broker.clock.runTurns()
}

/** Topic Filters that stand there, or seem to, in packets one after the other. */
function filtersIn(bytes: Uint8Array, version: ProtocolVersion): number {
  let count = 0
  for (let start = 0; start < bytes.length;) {
    const body = endOfInteger(bytes, start + 1)
    const end = Math.min(bytes.length, body + integerBetween(bytes, start + 1, body))
    const type = bytes[start]! >> 4
    if (type === PacketType.SUBSCRIBE) count += filtersOf(bytes.subarray(body, end), version, 1)
    if (type === PacketType.UNSUBSCRIBE) count += filtersOf(bytes.subarray(body, end), version, 0)
    start = end
  }
  return count
}

/** The same in the body of one packet. */
function filtersOf(body: Uint8Array, version: ProtocolVersion, optionBytes: number): number {
  let at = 2
  if (version === 5) {
    const end = endOfInteger(body, at)
    at = end + integerBetween(body, at, end)
  }
  let count = 0
  for (; at + 2 <= body.length; count++) at += 2 + ((body[at]! << 8) | body[at + 1]!) + optionBytes
  return count
}

function integerBetween(bytes: Uint8Array, start: number, end: number): number {
  return bytes.subarray(start, end).reduceRight((value, byte) => value * 128 + (byte & 0x7f), 0)
}

/** Where the Variable Byte Integer ends that begins at `at`. */
function endOfInteger(bytes: Uint8Array, at: number): number {
  while ((bytes[at] ?? 0) >= 0x80) at++
  return at + 1
}

/** What is out of proportion, as a sentence; `undefined` where nothing is. */
export function excess(cost: Cost): string | undefined {
  const { bytes, packets, filters, sent } = cost
  for (const kind of ['work', 'memory'] as const) {
    const { fixed, perByte, perPacket, perFilter, perSent } = ALLOWED[kind]
    const allowed = fixed + bytes * perByte + packets * perPacket + filters * perFilter + sent * perSent
    if (cost[kind] <= allowed) continue
    const unit = kind === 'work' ? 'units of work' : 'bytes of memory'
    return `${bytes} bytes cost ${cost[kind]} ${unit}, more than ${Math.floor(allowed)}: ${packets} packets, at most ${filters} filters, ${sent} sent`
  }
  return undefined
}
