/**
 * The flight recorder: the latest packets and decisions of every Client, kept before anybody asks for them.
 *
 * It has a budget of its own (`max-recorder-bytes`), and no Client can push out the entries of another that is
 * connected:
 *
 *   connected   a Client takes pages while there is room, up to its share; then it overwrites its own oldest page
 *   gone        kept as long as nobody needs the room; then the holder (user or network) that needs it gives up its own
 *               oldest, and otherwise the holder that has the most does, so that a churn of Client Identifiers pushes
 *               out itself
 *
 * Payloads (`recorder-payload-bytes`) are part of the share, and none of them is kept for which older entries of the
 * same Client cannot make room.
 *
 * The share is `max-recorder-bytes-per-client`, or less: three quarters of the budget divided by the Clients there are.
 *
 * @module
 */
import { sizeOfText } from '../../base/memory-account.ts'
import type { Sliced } from '../../base/slices.ts'
import { Work, type WorkBudget } from '../../base/work.ts'
import { WideMap } from '../../base/wide-map.ts'
import { networkOf } from '../../access/address.ts'
import type { BrokerEvents, EventName } from '../../access/broker-events.ts'
import type { ActiveConfig } from '../../config/active-config.ts'
import { PacketType } from '../../codec/packet-types.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import type { Client } from '../../protocol/client.ts'
import type { Session } from '../../protocol/session.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { Accepted } from '../connection-log.ts'
import type { EventObserver, Events } from '../events.ts'
import type { Metrics } from '../metrics.ts'
import { FlightRecord, type RecordRoom } from './flight-record.ts'
import { GoneRecords } from './gone-records.ts'
import { RecordKind } from './record-kind.ts'
import { PAGE_BYTES, RecordPages } from './record-pages.ts'
import { Refusals, type Refused } from './refusals.ts'

/** A record without its pages: measured, and rounded up. */
const RECORD_BYTES = 320
/** Units of work (base/work.ts) for a record that is forgotten with its pages: measured, and rounded up. */
const FORGOTTEN_UNITS = 25
/** The client identifier of the host program, which publishes too. */
const HOST = ''
const IPV6_PREFIX = 64
/** The end of the detail of a login that found no Session. */
export const NEW_SESSION = 'Session Present 0'

/** What the Recorder works with. */
export interface RecorderParts {
  readonly current: ActiveConfig
  readonly metrics: Metrics
  readonly events: Events
  readonly turn: {
    readonly work: Pick<WorkBudget, 'isSpent' | 'spend'>
    now(): number
    /** Runs a task in slices, the first one at once. */
    runTask(owner: object, task: { resume(): boolean }): void
  }
}

export class Recorder implements RecordRoom, EventObserver {
  readonly pages: RecordPages = new RecordPages()
  readonly refusals: Refusals = new Refusals()
  readonly #parts: RecorderParts
  readonly #records = new WideMap<FlightRecord>()
  readonly #gone = new GoneRecords()
  /** When the latest entries of a Client were made that were lost with its record, or had no room; -1 if none were. */
  lostBeforeMs = -1
  readonly #startedAtMs: number
  #isFull = false
  /** Of the latest login: a fleet has the same texts again and again, of which one copy is enough. */
  #latestDetail = ''
  #latestHolder = ''
  /** A reload has lowered the limit, and not everything that is over it is forgotten yet. */
  #isOver = false
  /** What is left to do after a reload. */
  #trimming: Sliced<void> | undefined = undefined

  constructor(parts: RecorderParts) {
    this.#parts = parts
    this.#startedAtMs = parts.turn.now()
  }

  /** When it began, in monotonic milliseconds: times of entries count from then. */
  get startedAtMs(): number {
    return this.#startedAtMs
  }

  get isOn(): boolean {
    return this.#limit > 0
  }

  get #limit(): number {
    return this.#parts.current.options.maxRecorderBytes
  }

  get payloadBytes(): number {
    return this.#parts.current.options.recorderPayloadBytes
  }

  now(): number {
    return this.#parts.turn.now() - this.#startedAtMs
  }

  /** The number of Clients with a record, connected or gone. */
  get count(): number {
    return this.#records.size
  }

  all(): IterableIterator<FlightRecord> {
    return this.#records.values()
  }

  /** @returns `undefined` for a Client of which nothing is recorded */
  of(clientId: string): FlightRecord | undefined {
    return this.#records.get(clientId)
  }

  // ---- what is reported ----

  /** A login was accepted: its Connection and its Session report to the record of their Client from now on. */
  loggedIn(connection: Connection, session: Session, accepted: Accepted): void {
    const { client, keepAlive, cleanStart, sessionPresent } = accepted
    const record = this.#open(client)
    connection.record = session.record = record
    const port = connection.peer.port === undefined ? '' : `:${connection.peer.port}`
    const from = client.address === '' ? 'an attached stream' : client.address + port
    const start = `${client.protocolVersion === 5 ? 'Clean Start' : 'Clean Session'} ${Number(cleanStart)}`
    const detail = `Keep Alive ${keepAlive} s, ${start}, ${sessionPresent ? 'Session Present 1' : NEW_SESSION}`
    if (detail !== this.#latestDetail) this.#latestDetail = detail
    record.note(RecordKind.Connected, 0, from, this.#latestDetail)
  }

  #open(client: Client): FlightRecord {
    const known = this.#records.get(client.clientId)
    if (known !== undefined && this.#gone.remove(known)) this.pages.bytes -= sizeOfRecord(known)
    const record = known ?? this.#add(client.clientId)
    const { userName, address } = client
    const holder = userName === undefined ? `from ${networkOf(address, IPV6_PREFIX)}` : `user ${userName}`
    if (holder !== this.#latestHolder) this.#latestHolder = holder
    record.holder = this.#latestHolder
    return record
  }

  #add(clientId: string): FlightRecord {
    const record = new FlightRecord(clientId, this)
    this.#records.set(clientId, record)
    return record
  }

  /** A message of the host program. */
  publishedByHost(message: ApplicationMessage): void {
    const { topicName, qos, retain, payloadLength } = message
    if (!this.isOn || topicName.startsWith('$')) return
    const record = this.#records.get(HOST) ?? this.#add(HOST)
    const firstByte = (PacketType.PUBLISH << 4) | (qos << 1) | Number(retain)
    record.received(firstByte, 0, payloadLength, 0, topicName)
    if (this.payloadBytes > 0) record.receivedPayload(firstByte, topicName, message.payload)
  }

  /** A plugin has made another message of one that a Client has published. */
  replaced({ publisher, topicName }: ApplicationMessage, made: ApplicationMessage): void {
    this.of(publisher)?.note(RecordKind.Replaced, 0, topicName, made.topicName)
  }

  /** A plugin has dropped a message that a Client has published. */
  droppedByPlugin({ publisher, topicName }: ApplicationMessage): void {
    this.of(publisher)?.note(RecordKind.DroppedByPlugin, 0, topicName)
  }

  observe<Name extends EventName>(name: Name, event: BrokerEvents[Name]): void {
    const act = observers[name] as ((recorder: Recorder, event: BrokerEvents[Name]) => void) | undefined
    act?.(this, event)
  }

  /** Somebody was not let in. */
  refused(refused: Refused): void {
    if (this.isOn) this.refusals.add(this.#parts.turn.now(), refused)
  }

  disconnected({ client, cause, reasonCode, detail }: BrokerEvents['clientDisconnected']): void {
    const record = this.#records.get(client.clientId)
    if (record === undefined) return
    record.note(RecordKind.Disconnected, reasonCode, cause, detail === '' ? undefined : detail)
    record.rest()
    if (this.#gone.remove(record)) this.pages.bytes -= sizeOfRecord(record)
    this.#gone.add(record)
    this.pages.bytes += sizeOfRecord(record)
    this.#makeRoom(record.holder, 0, undefined)
  }

  // ---- room ----

  shareOf(): number {
    const { maxRecorderBytesPerClient } = this.#parts.current.options
    return Math.min(
      maxRecorderBytesPerClient,
      (this.#limit * 0.75) / Math.max(1, this.#records.size - this.#gone.count),
    )
  }

  mayGrow(record: FlightRecord): boolean {
    if (record.bytes > 0 && record.bytes + PAGE_BYTES > this.shareOf()) return false
    if (!this.#makeRoom(record.holder, PAGE_BYTES, record)) return false
    this.#isFull = false
    return true
  }

  /** Forgets Clients that are gone until so many bytes have room. @returns whether they have */
  #makeRoom(holder: string, bytes: number, asking: FlightRecord | undefined): boolean {
    // All that is over a new limit would be forgotten in one turn.
    if (this.#isOver) return this.pages.bytes + bytes <= this.#limit
    while (this.pages.bytes + bytes > this.#limit) {
      if (!this.#forgetNext(holder, asking)) return false
    }
    return true
  }

  /** @returns whether there was a Client that is gone */
  #forgetNext(holder: string, asking: FlightRecord | undefined): boolean {
    const victim = this.#gone.next(holder, asking)
    if (victim === undefined) return false
    if (this.isOn) this.#parts.metrics.recorderClientsForgotten++
    this.#forget(victim)
    return true
  }

  hasRoomFor(record: FlightRecord, bytes: number): boolean {
    return this.#makeRoom(record.holder, bytes, record)
  }

  lost(): void {
    if (!this.isOn) return
    this.lostBeforeMs = this.now()
    this.#parts.metrics.recorderEntriesLost++
    if (this.#isFull) return
    this.#isFull = true
    this.#parts.events.emit('limitReached', { option: 'max-recorder-bytes', owner: '' })
  }

  #forget(record: FlightRecord): void {
    this.lostBeforeMs = Math.max(this.lostBeforeMs, record.newestMs)
    this.#gone.remove(record)
    this.#records.delete(record.clientId)
    record.clear()
    record.isOpen = false
    this.pages.bytes -= sizeOfRecord(record)
  }

  /**
   * Applies limits that a reload has lowered, in slices: Clients that are gone are forgotten first; if that is not
   * enough, the entries of all others are. Until there is room, nobody else makes any.
   */
  trim(): void {
    if (!this.isOn) this.refusals.clear()
    this.#isOver = this.pages.bytes > this.#limit
    if (this.#trimming !== undefined) return void (this.#trimming = this.#trimmed())
    this.#trimming = this.#trimmed()
    const { work } = this.#parts.turn
    const resume = (): boolean => {
      while (!work.isSpent) if (this.#trimming!.next().done === true) return true
      return false
    }
    this.#parts.turn.runTask(this, { resume })
  }

  *#trimmed(): Sliced<void> {
    const { work } = this.#parts.turn
    while (this.pages.bytes > this.#limit && this.#forgetNext(HOST, undefined)) {
      work.spend(FORGOTTEN_UNITS)
      yield
    }
    for (const record of this.pages.bytes > this.#limit ? this.#records.values() : []) {
      record.clear()
      work.spend(FORGOTTEN_UNITS)
      yield
    }
    this.#isOver = false
    for (const record of this.payloadBytes === 0 ? this.#records.values() : []) {
      record.clearPayloads()
      work.spend(Work.entry)
      yield
    }
    this.#trimming = undefined
  }
}

function sizeOfRecord({ clientId }: FlightRecord): number {
  return RECORD_BYTES + sizeOfText(clientId)
}

type Observers = { readonly [Name in EventName]?: (recorder: Recorder, event: BrokerEvents[Name]) => void }

/** The events that become entries. */
const observers: Observers = {
  clientRefused: (recorder, event) => recorder.refused(event),
  handshakeRefused: (recorder, { address, listener, stage, detail }) => {
    const names = { clientId: '', userName: undefined, reasonCode: undefined }
    recorder.refused({ ...names, address, listener, detail: `${stage}: ${detail}` })
  },
  clientDisconnected: (recorder, event) => recorder.disconnected(event),
  sessionCreated: (recorder, { clientId }) => recorder.of(clientId)?.note(RecordKind.SessionCreated, 0),
  sessionEnded: (recorder, { clientId, cause }) => recorder.of(clientId)?.note(RecordKind.SessionEnded, 0, cause),
  subscribed: (recorder, { client, topicFilter, qos }) =>
    recorder.of(client.clientId)?.note(RecordKind.Subscribed, qos, topicFilter),
  subscribeRefused: (recorder, { client, topicFilter, reasonCode }) =>
    recorder.of(client.clientId)?.note(RecordKind.SubscribeRefused, reasonCode, topicFilter),
  unsubscribed: (recorder, { client, topicFilter }) =>
    recorder.of(client.clientId)?.note(RecordKind.Unsubscribed, 0, topicFilter),
  publishRefused: (recorder, { client, topic, reasonCode, detail }) =>
    recorder.of(client.clientId)?.note(RecordKind.PublishRefused, reasonCode, topic, detail),
  willPublished: (recorder, { clientId, topic }) => recorder.of(clientId)?.note(RecordKind.WillPublished, 0, topic),
}
