/**
 * What the flight recorder keeps about one Client: its latest packets and decisions, in a ring of pages.
 *
 *   oldest page ──> … ──> newest page [ row, row, … ]
 *
 * What repeats itself within a second becomes one row with a count, so that a Client that sends a thousand messages a
 * second fills two rows a second and not two thousand. A row that is one of the last four is looked for; that is enough
 * for a PUBLISH and its answer, which take turns. A row about messages of QoS 0 keeps two of their topics, and whether
 * there were others.
 *
 * Packets of messages are counted first (`packet-runs.ts`): a row would cost more than a tenth of a message. What was
 * counted becomes rows before any other entry, and before anybody reads.
 *
 * @module
 */
import { isControlTopic } from '../../access/control-topics.ts'
import type { Linked } from '../../base/linked-list.ts'
import { PacketType } from '../../codec/packet-types.ts'
import type { ClientRecord } from '../../protocol/client-record.ts'
import { isOfMessage, PacketRuns, type Direction, type PacketRun } from './packet-runs.ts'
import { RecordKind, type RecordEntry } from './record-kind.ts'
import { entryOf, HIGH, HIGH_BITS, rowOfPublish, SEVERAL, timeOf } from './record-row.ts'
import {
  MAX_TEXT_LENGTH,
  PAGE_BYTES,
  PAGE_ROWS,
  ROW_WORDS,
  shortText,
  sizeOfRecordText,
  type RecordPages,
  type RecordSlab,
} from './record-pages.ts'

/** Rows that are compared with a new one. */
const LOOK_BACK = 4
/** Milliseconds within which the same is one row. */
const FOLDED_MS = 1000
const PING = (RecordKind.Received << 16) | (PacketType.PINGREQ << 12)
const AT_MOST_ONCE = RecordKind.SentAtMostOnce << 16

/** What a record needs from the recorder. */
export interface RecordRoom {
  readonly pages: RecordPages
  /** False while nothing is to be recorded. */
  readonly isOn: boolean
  /** How many bytes of a payload are recorded. */
  readonly payloadBytes: number
  /** Milliseconds since the recorder began. */
  now(): number
  /** Whether that record may take another page. It may have to give up its oldest ones instead. */
  mayGrow(record: FlightRecord): boolean
  /** How many bytes that record may take. */
  shareOf(record: FlightRecord): number
  /** Whether a text of so many bytes has room. */
  hasRoomFor(record: FlightRecord, bytes: number): boolean
  /** An entry had no room at all. */
  lost(): void
}

export class FlightRecord implements ClientRecord, Linked<FlightRecord> {
  previous: FlightRecord | undefined = undefined
  next: FlightRecord | undefined = undefined
  readonly clientId: string
  /** Whose it is counted for while its Client is gone: a user, or a network. */
  holder = ''
  /** The memory that its pages and texts take. */
  bytes = 0
  /** False once it was forgotten: nothing more is recorded. */
  isOpen = true
  /** When what was recorded before was lost: its row was needed, or there was no room. -1 if nothing was lost. */
  lostBeforeMs = -1
  readonly #room: RecordRoom
  /** Its pages, the oldest first. */
  #pages: number[] = []
  #slab: RecordSlab | undefined = undefined
  /** The newest row, and the first of its page, as indexes in the slab. */
  #row = -1
  #firstRow = 0
  /** Made with the first packet of a message. */
  #runs = PacketRuns.none

  constructor(clientId: string, room: RecordRoom) {
    this.clientId = clientId
    this.#room = room
  }

  /** Hot: runs for every packet. */
  received(
    firstByte: number,
    packetIdentifier: number,
    bytes: number,
    reasonCode: number,
    topicName: string | undefined,
  ): void {
    const what = (RecordKind.Received << 16) | (firstByte << 8) | reasonCode
    const run = this.#runs.received(firstByte)
    if (run === undefined || !run.continues(what, packetIdentifier, bytes, topicName, this.#room.now()))
      this.#packet(run, what, packetIdentifier, bytes, topicName)
  }

  /** Hot: as `received`. */
  sent(
    firstByte: number,
    packetIdentifier: number,
    bytes: number,
    reasonCode: number,
    topicName: string | undefined,
  ): void {
    const what = (RecordKind.Sent << 16) | (firstByte << 8) | reasonCode
    const run = this.#runs.sent(firstByte)
    if (run === undefined || !run.continues(what, packetIdentifier, bytes, topicName, this.#room.now()))
      this.#packet(run, what, packetIdentifier, bytes, topicName)
  }

  /** Begins a run, or a row if packets like it are not counted. @param old the run that it does not continue */
  #packet(
    old: PacketRun | undefined,
    what: number,
    packetIdentifier: number,
    bytes: number,
    subject: string | undefined,
  ): void {
    if (!this.isOpen || !this.#room.isOn) return
    const firstByte = (what >> 8) & 0xff
    // What is counted is not charged to anybody, so it must not keep a long text.
    if (!isOfMessage(firstByte) || (subject !== undefined && subject.length > MAX_TEXT_LENGTH)) {
      this.#add(what, packetIdentifier, bytes, 1, subject, undefined)
      return
    }
    if (old?.hasPackets === true) this.#writeRuns(old)
    if (this.#runs === PacketRuns.none) this.#runs = new PacketRuns()
    const run = this.#runs.next((what >> 16) as Direction, firstByte)
    run.begin(what, packetIdentifier, bytes, subject, Math.floor(this.#room.now()))
  }

  /** Makes rows of what was counted, in the order in which it began. @param last where to stop; all by default */
  #writeRuns(last?: PacketRun): void {
    const runs = this.#runs
    for (let run = runs.first; run !== undefined; run = runs.first) {
      const { what, packetIdentifier, bytes, count, subject, atMs } = run
      runs.endFirst()
      this.#addAt(atMs, what, packetIdentifier, bytes, count, subject, undefined)
      if (run === last) return
    }
  }

  /** Makes rows of everything that was counted. */
  #settle(): void {
    if (this.#runs.first !== undefined) this.#writeRuns()
  }

  get payloadBytes(): number {
    return this.#room.payloadBytes
  }

  receivedPayload(firstByte: number, topicName: string, payload: Uint8Array): void {
    if (!this.isOpen || !this.#room.isOn || payload.length === 0 || isControlTopic(topicName)) return
    this.#settle()
    const slab = this.#slab
    if (slab === undefined) return
    const first = Math.max(this.#firstRow, this.#row - LOOK_BACK + 1)
    const row = rowOfPublish(slab, first, this.#row, firstByte, shortText(topicName))
    if (row < 0) return
    const text = Buffer.from(payload.subarray(0, this.payloadBytes)).toString('latin1')
    this.#setText(slab.payloads, row, undefined)
    const most = this.#room.shareOf(this) - sizeOfRecordText(text)
    while (this.#pages.length > 1 && this.bytes > most) this.#dropOldest()
    if (this.bytes <= most) this.#setText(slab.payloads, row, text)
  }

  sentAtMostOnce(
    messages: number,
    bytes: number,
    lastTopicName: string,
    otherTopicName: string | undefined,
    hasMoreTopics: boolean,
  ): void {
    if (otherTopicName !== undefined) this.#add(AT_MOST_ONCE, 0, 0, 0, otherTopicName, undefined)
    this.#add(AT_MOST_ONCE, Number(hasMoreTopics), bytes, messages, lastTopicName, undefined)
  }

  queued(topicName: string): void {
    this.#add(RecordKind.Queued << 16, 0, 0, 1, topicName, undefined)
  }

  /** Records a decision. */
  note(kind: RecordKind, code: number, subject?: string, detail?: string): void {
    this.#add((kind << 16) | code, 0, 0, 1, subject, detail)
  }

  #add(
    what: number,
    packetIdentifier: number,
    bytes: number,
    count: number,
    subject: string | undefined,
    detail: string | undefined,
  ): void {
    this.#settle()
    this.#addAt(Math.floor(this.#room.now()), what, packetIdentifier, bytes, count, subject, detail)
  }

  #addAt(
    time: number,
    what: number,
    packetIdentifier: number,
    bytes: number,
    count: number,
    subject: string | undefined,
    detail: string | undefined,
  ): void {
    if (!this.isOpen || !this.#room.isOn) return
    const kept = subject === undefined || subject.length <= MAX_TEXT_LENGTH ? subject : shortText(subject)
    if (this.#slab !== undefined && this.#fold(this.#slab, what, packetIdentifier, bytes, count, kept, detail, time))
      return
    this.#begin(what, packetIdentifier, bytes, count, kept, detail, time)
  }

  /** @returns whether one of the last rows stands for it as well */
  #fold(
    slab: RecordSlab,
    what: number,
    packetIdentifier: number,
    bytes: number,
    count: number,
    subject: string | undefined,
    detail: string | undefined,
    time: number,
  ): boolean {
    const { words, subjects, details } = slab
    const first = Math.max(this.#firstRow, this.#row - LOOK_BACK + 1)
    for (let row = this.#row; row >= first; row--) {
      const at = row * ROW_WORDS
      if (words[at + 1] !== what) continue
      const isSame = subjects[row] === subject && details[row] === detail
      // An empty retained message removes one, and must not be hidden among others.
      if (what !== AT_MOST_ONCE && (!isSame || (words[at + 3] === 0) !== (bytes === 0))) continue
      const span = ((time >>> 0) - words[at]!) >>> 0
      if (span > FOLDED_MS && what !== PING) return false
      const packed = words[at + 2]!
      if (what === PING) {
        words[at] = time >>> 0
        words[at + 2] = Math.floor(time / HIGH) & HIGH_BITS
      } else if (what === AT_MOST_ONCE) {
        const isThird = !isSame && this.#addTopic(slab, row, subject)
        const several = isThird || packetIdentifier !== 0 ? SEVERAL : packed & SEVERAL
        words[at + 2] = several | (span << 6) | (packed & HIGH_BITS)
      } else words[at + 2] = (packetIdentifier << 16) | (span << 6) | (packed & HIGH_BITS)
      words[at + 3]! += bytes
      words[at + 4]! += count
      return true
    }
    return false
  }

  #begin(
    what: number,
    packetIdentifier: number,
    bytes: number,
    count: number,
    subject: string | undefined,
    detail: string | undefined,
    time: number,
  ): void {
    if (this.#slab === undefined || this.#row + 1 === this.#firstRow + PAGE_ROWS) {
      if (!this.#nextPage(time)) return
    } else this.#row++
    const slab = this.#slab!
    const at = this.#row * ROW_WORDS
    slab.words[at] = time >>> 0
    slab.words[at + 1] = what
    slab.words[at + 2] = (packetIdentifier << 16) | (Math.floor(time / HIGH) & HIGH_BITS)
    slab.words[at + 3] = bytes
    slab.words[at + 4] = count
    this.#setText(slab.subjects, this.#row, subject)
    if (detail !== undefined) slab.details[this.#row] = this.#charged(shortText(detail))
  }

  /** @returns whether the row has two other topics already; only the last one changes then */
  #addTopic({ subjects, details }: RecordSlab, row: number, topicName: string | undefined): boolean {
    const [last, other] = [subjects[row], details[row]]
    if (last === topicName) return false
    const isThird = last === undefined || (other !== undefined && other !== topicName)
    if (!isThird) this.#setText(details, row, last)
    this.#setText(subjects, row, topicName)
    return isThird
  }

  #setText(texts: (string | undefined)[], row: number, text: string | undefined): void {
    const old = texts[row]
    if (old === text) return
    if (old !== undefined) this.#charge(-sizeOfRecordText(old))
    texts[row] = text === undefined ? undefined : this.#charged(text)
  }

  /** @returns `undefined` for a text for which there is no room */
  #charged(text: string): string | undefined {
    const bytes = sizeOfRecordText(text)
    if (!this.#room.hasRoomFor(this, bytes)) {
      this.lostBeforeMs = Math.floor(this.#room.now())
      this.#room.lost()
      return undefined
    }
    this.#charge(bytes)
    return text
  }

  #charge(bytes: number): void {
    this.bytes += bytes
    this.#room.pages.bytes += bytes
  }

  #nextPage(time: number): boolean {
    const { pages } = this.#room
    const share = this.#room.shareOf(this)
    while (this.#pages.length > 1 && this.bytes > share) this.#dropOldest()
    let page: number
    if (this.#room.mayGrow(this)) {
      page = pages.take()
      this.bytes += PAGE_BYTES
    } else if (this.#pages.length > 0) {
      page = this.#pages.shift()!
      this.#lose(page)
    } else {
      this.lostBeforeMs = time
      this.#room.lost()
      return false
    }
    // Most Clients need one page, and `push` makes room for sixteen.
    if (this.#pages.length === 0) this.#pages = [page]
    else this.#pages.push(page)
    this.#slab = pages.slabOf(page)
    this.#firstRow = this.#row = pages.firstRowOf(page)
    return true
  }

  /** Clears a page of which the last row is as old as anything that is lost. */
  #lose(page: number): void {
    const { pages } = this.#room
    this.lostBeforeMs = timeOf(pages.slabOf(page).words, (pages.firstRowOf(page) + PAGE_ROWS - 1) * ROW_WORDS)
    this.bytes -= pages.clear(page)
  }

  #dropOldest(): void {
    const page = this.#pages.shift()!
    this.#lose(page)
    this.#room.pages.giveBack(page)
    this.bytes -= PAGE_BYTES
  }

  /** Forgets payloads, and nothing else. */
  clearPayloads(): void {
    for (const page of this.#pages) this.bytes -= this.#room.pages.clearPayloads(page)
  }

  /** When its newest entry was made; -1 if it has none. */
  get newestMs(): number {
    if (this.#runs.first !== undefined) return this.#runs.newestMs
    return this.#slab === undefined ? -1 : timeOf(this.#slab.words, this.#row * ROW_WORDS)
  }

  /** Its Client is gone: packets are no longer counted, and take no memory. */
  rest(): void {
    this.#settle()
    this.#runs = PacketRuns.none
  }

  /** Forgets everything. */
  clear(): void {
    const { pages } = this.#room
    this.#runs = PacketRuns.none
    for (const page of this.#pages) {
      pages.clear(page)
      pages.giveBack(page)
    }
    this.lostBeforeMs = Math.floor(this.#room.now())
    this.bytes = 0
    this.#pages.length = 0
    this.#slab = undefined
    this.#row = -1
  }

  /** What is recorded, the oldest first. Times count from the beginning of the recorder. */
  *entries(): Generator<RecordEntry, void, undefined> {
    this.#settle()
    const { pages } = this.#room
    for (const [index, page] of this.#pages.entries()) {
      const first = pages.firstRowOf(page)
      const last = index === this.#pages.length - 1 ? this.#row : first + PAGE_ROWS - 1
      for (let row = first; row <= last; row++) yield entryOf(pages.slabOf(page), row)
    }
  }
}
