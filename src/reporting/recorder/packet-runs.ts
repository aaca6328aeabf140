/**
 * Packets of messages, counted before they become rows of the record of their Client.
 *
 *   received   PUBLISH a   ·      PUBLISH a   ·      PUBLISH b         runs: PUBLISH a × 2, PUBACK × 3, PUBLISH b × 1
 *   sent       ·           PUBACK ·           PUBACK ·         PUBACK
 *
 * There is one run for each type of packet and direction. It ends when a packet comes that differs in more than its
 * Packet Identifier, or in another millisecond. Runs become rows in the order in which they began.
 *
 * Hot: a packet that continues its run costs a few comparisons and additions in one small object.
 *
 * @module
 */
import { PacketType } from '../../codec/packet-types.ts'
import { RecordKind } from './record-kind.ts'

/** What a run stands for while it has no packets. */
const NOTHING = -1

export type Direction = typeof RecordKind.Received | typeof RecordKind.Sent

/** Whether packets of that type are counted in runs: PUBLISH and its acknowledgements. */
export function isOfMessage(firstByte: number): boolean {
  const type = firstByte >> 4
  return type >= PacketType.PUBLISH && type <= PacketType.PUBCOMP
}

export class PacketRun {
  /** Kind, first byte and Reason Code, as in a row. */
  what: number = NOTHING
  /** The Topic Name of a PUBLISH. */
  subject: string | undefined = undefined
  /** In milliseconds since the recorder began. */
  atMs = 0
  /** Of the last packet. */
  packetIdentifier = 0
  bytes = 0
  count = 0
  /** The run that began after this one. */
  next: PacketRun | undefined = undefined

  /** Counts a packet, if it continues this run. @returns whether it does */
  continues(
    what: number,
    packetIdentifier: number,
    bytes: number,
    subject: string | undefined,
    nowMs: number,
  ): boolean {
    if (what !== this.what || nowMs !== this.atMs) return false
    // Both are texts or neither is. V8 compares texts faster if it has never seen anything else there.
    if (subject !== undefined && subject !== this.subject) return false
    // An empty retained message removes one, and must not be hidden among others.
    if ((bytes === 0) !== (this.bytes === 0)) return false
    this.packetIdentifier = packetIdentifier
    this.bytes += bytes
    this.count++
    return true
  }

  /** Begins it anew with its first packet. */
  begin(what: number, packetIdentifier: number, bytes: number, subject: string | undefined, nowMs: number): void {
    this.what = what
    this.packetIdentifier = packetIdentifier
    this.bytes = bytes
    this.subject = subject
    this.atMs = nowMs
    this.count = 1
  }

  /** Forgets its packets. */
  end(): void {
    this.what = NOTHING
    this.subject = undefined
    this.next = undefined
  }

  get hasPackets(): boolean {
    return this.what !== NOTHING
  }
}

/** Runs by the type of their packets; the types below PUBLISH have none. */
type RunsByType = (PacketRun | undefined)[]

const TYPES = PacketType.PUBCOMP + 1

function noRuns(): RunsByType {
  return Array.from({ length: TYPES }, () => undefined)
}

export class PacketRuns {
  /** Those of all Clients that have sent and received no message; nothing is counted in it. */
  static readonly none: PacketRuns = new PacketRuns()
  readonly #received = noRuns()
  readonly #sent = noRuns()
  #last: PacketRun | undefined = undefined
  /** The one that began first; `undefined` if none has packets. */
  first: PacketRun | undefined = undefined

  /** When the one that began last began; meaningless if none has packets. */
  get newestMs(): number {
    return this.#last?.atMs ?? -1
  }

  /** The run that a packet may continue, which is compared with all of its first byte. Hot: runs for every packet. */
  received(firstByte: number): PacketRun | undefined {
    return this.#received[(firstByte >> 4) % TYPES]
  }

  /** As `received`. */
  sent(firstByte: number): PacketRun | undefined {
    return this.#sent[(firstByte >> 4) % TYPES]
  }

  /** The run to begin for such a packet: it comes last. It must have no packets. */
  next(direction: Direction, firstByte: number): PacketRun {
    const runs = direction === RecordKind.Received ? this.#received : this.#sent
    const run = (runs[firstByte >> 4] ??= new PacketRun())
    if (this.first === undefined) this.first = run
    else this.#last!.next = run
    this.#last = run
    return run
  }

  /** Ends the run that began first. */
  endFirst(): void {
    const run = this.first!
    this.first = run.next
    run.end()
  }
}
