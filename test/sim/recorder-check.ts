/**
 * The flight recorder in the simulation: it stays within its budget whatever happens, and the record of a Client has
 * only what this Client has sent.
 *
 * @module
 */
import type { Broker } from '../../src/create-broker.ts'
import { serverOf } from '../../src/broker/broker.ts'
import type { Packet } from '../../src/codec/packets.ts'
import { PacketType } from '../../src/codec/packet-types.ts'
import type { FlightRecord } from '../../src/reporting/recorder/flight-record.ts'
import { RecordKind } from '../../src/reporting/recorder/record-kind.ts'
import { shortText } from '../../src/reporting/recorder/record-pages.ts'
import type { Wire } from './wire.ts'

/** Records are allowed a text in addition to their share, until they take their next page. */
const LARGEST_PAGE_BYTES = 16 * 2 * 600

export class RecorderCheck {
  /** Topics of PUBLISH packets that each Client has sent, whatever became of them. */
  readonly #topics = new Map<string, Set<string>>()

  handed({ connect }: Wire, packet: Packet): void {
    if (packet.type !== PacketType.PUBLISH || connect === undefined) return
    const topics = this.#topics.get(connect.clientId) ?? new Set()
    topics.add(shortText(packet.topicName))
    this.#topics.set(connect.clientId, topics)
  }

  /** @returns what is wrong; `undefined` if nothing is */
  problemOf(broker: Broker): string | undefined {
    const { recorder } = serverOf(broker)
    const { maxRecorderBytes, maxRecorderBytesPerClient } = broker.options
    if (recorder.pages.bytes > maxRecorderBytes) return `the recorder takes ${recorder.pages.bytes} bytes`
    // Reading a record writes what was only counted, for which an older record may be forgotten: so sizes are read
    // after it.
    for (const record of recorder.all()) {
      const foreign = this.#foreignIn(record)
      if (foreign !== undefined) return `the record of ${record.clientId} has a PUBLISH to ${foreign} of somebody else`
    }
    let sum = 0
    for (const record of recorder.all()) {
      sum += record.bytes
      if (record.bytes > maxRecorderBytesPerClient + LARGEST_PAGE_BYTES)
        return `the record of ${record.clientId} takes ${record.bytes} bytes`
    }
    return sum <= recorder.pages.bytes ? undefined : `records of ${sum} bytes are charged ${recorder.pages.bytes}`
  }

  /** Identifiers that the broker has assigned, and the host program, are on no wire. */
  #foreignIn(record: FlightRecord): string | undefined {
    if (record.clientId === '' || record.clientId.startsWith('auto-')) return undefined
    const topics = this.#topics.get(record.clientId)
    for (const { kind, firstByte, subject } of record.entries()) {
      const isPublish = kind === RecordKind.Received && firstByte >> 4 === PacketType.PUBLISH
      if (isPublish && subject !== undefined && topics?.has(subject) !== true) return subject
    }
    return undefined
  }
}
