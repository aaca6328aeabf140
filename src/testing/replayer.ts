/** The broker and the clients of a replay: each record of the trace is done again, in order. @module */
import type { PlacedRecord } from '../admin/trace/trace-file.ts'
import type { TraceBytes, TraceHeader, TracePacket, TraceRecord } from '../broker/host/trace-admin.ts'
import type { ProtocolVersion, QoS } from '../codec/packet-types.ts'
import type { ConfigInput } from '../config/options.ts'
import { ReplayedClient, type ReplayDifference } from './replayed-client.ts'
import { createTestBroker, type TestBroker } from './test-broker.ts'
import { bytesOfPacket, restoredBytes, type Passwords } from './traced-packets.ts'

/** The longest pause of a trace: a week. */
const MAX_PAUSE_MS = 604_800_000
/** A Packet Identifier that clients do not use early. */
const SUBSCRIBE_IDENTIFIER = 65_535

type Fields = Readonly<Record<string, unknown>>

/** What came of a replay. */
export interface Replay {
  /** Packets that were sent to the broker. */
  readonly packets: number
  /** Where its answers differ from the trace; empty if it behaved in the same way. */
  readonly differences: readonly ReplayDifference[]
}

export class Replayer {
  readonly #broker: TestBroker
  readonly #passwords: Passwords
  readonly #clients = new Map<number, ReplayedClient>()
  /** How many messages of each topic have been published, and how many each client should have received. */
  readonly #published = new Map<string, number>()
  readonly #delivered = new Map<string, number>()
  #atMs: number
  #packets = 0
  #retained: readonly TracePacket[] = []

  private constructor(broker: TestBroker, atMs: number, passwords: Passwords) {
    this.#broker = broker
    this.#atMs = atMs
    this.#passwords = passwords
  }

  static async start({ startedAtMs }: TraceHeader, config: ConfigInput, passwords: Passwords): Promise<Replayer> {
    return new Replayer(await createTestBroker(config, { wallMs: startedAtMs }), startedAtMs, passwords)
  }

  /**
   * Finds what was retained before the trace began: it was sent with RETAIN 1, and nobody in the trace had published
   * it.
   */
  look(records: readonly PlacedRecord[]): void {
    const published = new Set<unknown>()
    const retained = new Map<unknown, TracePacket>()
    for (const { record } of records) {
      const { packet, direction } = record
      if (packet?.type !== 'PUBLISH') continue
      if (direction === 'received') published.add(packet['topicName'])
      else if (packet['retain'] === true && !published.has(packet['topicName']))
        retained.set(packet['topicName'], packet)
    }
    this.#retained = [...retained.values()]
  }

  async replay(line: number, record: TraceRecord): Promise<void> {
    await this.#retain()
    const pauseMs = Math.min(Math.max(0, record.atMs - this.#atMs), MAX_PAUSE_MS)
    this.#atMs = Math.max(this.#atMs, record.atMs)
    await this.#broker.advance(pauseMs)
    const { packet, direction, connection, event, details = {} } = record
    if (packet !== undefined && packet['omittedBytes'] === undefined) {
      if (direction === 'received') await this.#receive(record, packet)
      else await this.#expect(line, connection!, packet)
    } else if (connection !== undefined) await this.#happened(event ?? '', record, details)
  }

  async #retain(): Promise<void> {
    const retained = this.#retained
    this.#retained = []
    for (const packet of retained) await this.#publish(packet, true)
  }

  async #receive({ clientId, connection }: TraceRecord, packet: TracePacket): Promise<void> {
    if (packet.type === 'CONNECT') {
      this.#open(clientId, connection!, packet['protocolVersion'] as ProtocolVersion)
    }
    const client = this.#clients.get(connection!)
    if (client === undefined) return
    if (packet.type === 'PUBLISH') count(this.#published, String(packet['topicName']))
    await this.#send(client, packet)
  }

  #open(clientId: string, connection: number, version: ProtocolVersion): ReplayedClient {
    const client = new ReplayedClient(clientId, connection, version, this.#broker.open())
    this.#clients.set(connection, client)
    return client
  }

  async #send(client: ReplayedClient, packet: TracePacket): Promise<void> {
    client.stream.write(bytesOfPacket(packet, client.version, this.#passwords))
    this.#packets++
    await this.#broker.settle()
  }

  /** What the broker has sent should come again; what somebody else had published, the host program publishes. */
  async #expect(line: number, connection: number, packet: TracePacket): Promise<void> {
    const client = this.#clients.get(connection)
    if (client === undefined) return
    client.expected.push({ line, packet })
    if (packet.type !== 'PUBLISH' || packet['dup'] === true || packet['retain'] === true) return
    const topic = String(packet['topicName'])
    const delivered = count(this.#delivered, `${connection} ${topic}`)
    if (delivered > (this.#published.get(topic) ?? 0)) await this.#publish(packet, false)
  }

  async #publish(packet: TracePacket, retain: boolean): Promise<void> {
    const topic = String(packet['topicName'])
    if (!retain) count(this.#published, topic)
    const payload = restoredBytes(packet['payload'] as TraceBytes)
    await this.#broker.publish(topic, payload, { qos: packet['qos'] as QoS, retain })
    await this.#broker.settle()
  }

  async #happened(event: string, { clientId, connection }: TraceRecord, details: Fields): Promise<void> {
    if (event === 'following') await this.#follow(clientId, connection!, details)
    if (event !== 'clientDisconnected' && event !== 'clientRefused') return
    if (details['cause'] === 'connection lost') this.#clients.get(connection!)?.stream.cut()
    await this.#broker.settle()
  }

  /** A client that was connected when the trace began. */
  async #follow(clientId: string, connection: number, details: Fields): Promise<void> {
    const { protocolVersion, userName, subscriptions } = details
    const client = this.#open(clientId, connection, protocolVersion as ProtocolVersion)
    const name = userName === undefined ? {} : { userName, password: { bytes: 0 } }
    const common = { type: 'CONNECT', protocolVersion, cleanStart: true, keepAlive: 0, clientId } as const
    await this.#send(client, { ...common, ...name, properties: {} })
    if (Array.isArray(subscriptions) && subscriptions.length > 0) {
      const packetIdentifier = SUBSCRIBE_IDENTIFIER
      await this.#send(client, { type: 'SUBSCRIBE', packetIdentifier, subscriptions, properties: {} })
    }
    client.forget()
  }

  async result(lastLine: number): Promise<Replay> {
    await this.#broker.settle()
    const differences = [...this.#clients.values()].flatMap((client) => client.differences(lastLine))
    return { packets: this.#packets, differences: differences.toSorted((one, other) => one.line - other.line) }
  }

  close(): Promise<void> {
    return this.#broker.close()
  }
}

function count(counts: Map<string, number>, key: string): number {
  const now = (counts.get(key) ?? 0) + 1
  counts.set(key, now)
  return now
}
