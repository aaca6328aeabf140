/**
 * What the flight recorder holds about a topic: who has published to it, what became of that, and who got it. All
 * records are looked through, a share of a turn at a time.
 *
 * @module
 */
import { PacketType } from '../../codec/packet-types.ts'
import type { FlightRecord } from '../../reporting/recorder/flight-record.ts'
import { shortText } from '../../reporting/recorder/record-pages.ts'
import { RecordKind, type RecordEntry } from '../../reporting/recorder/record-kind.ts'
import type { Inquiry } from './facts.ts'
import { plainTopic } from './plain-topic.ts'

/** Work of an entry that is read. */
const ENTRY_UNITS = 2
/** Entries that take as long as one plain form. */
const PLAIN_ENTRIES = 10
/** Slashes and spaces too many that are looked for. */
const MAX_MISTYPED = 8

/** An entry and whose record it is in. */
export interface Evidence {
  readonly clientId: string
  readonly entry: RecordEntry
  /** In milliseconds since 1970. */
  readonly atMs: number
  readonly untilMs: number
}

/** What is recorded about one topic, the newest of each kind. */
export interface TopicEvidence {
  /** The latest message. */
  readonly published: Evidence | undefined
  /** The latest message that a plugin or a rule has stopped or changed. */
  readonly stopped: Evidence | undefined
  /** The latest message to a topic that is spelled like it. */
  readonly near: Evidence | undefined
  /** Deliveries to clients, one for each, the newest. */
  readonly delivered: readonly Evidence[]
  /** Of each client that may have received it, the newest messages of QoS 0 of which not all topics are recorded. */
  readonly mixed: readonly Evidence[]
  /** When entries were lost that were newer than any other that was lost; `undefined` if none were. */
  readonly lostBeforeMs: number | undefined
}

const STOPPED: ReadonlySet<RecordKind> = new Set([
  RecordKind.PublishRefused,
  RecordKind.Replaced,
  RecordKind.DroppedByPlugin,
])

export function isPublish({ kind, firstByte }: RecordEntry): boolean {
  return (kind === RecordKind.Received || kind === RecordKind.Sent) && firstByte >> 4 === PacketType.PUBLISH
}

/** Whether it is an empty retained message, which removes the one of its topic. */
export function isClearing(entry: RecordEntry): boolean {
  return isPublish(entry) && (entry.firstByte & 1) === 1 && entry.bytes === 0
}

/** @param mayHave which clients may have received it */
export async function topicEvidence(
  inquiry: Inquiry,
  topic: string,
  mayHave: (clientId: string) => boolean,
): Promise<TopicEvidence> {
  let published: Evidence | undefined
  let stopped: Evidence | undefined
  let near: Evidence | undefined
  const plain = plainTopic(topic)
  const delivered = new Map<string, Evidence>()
  const mixed = new Map<string, Evidence>()
  const isCut = shortText(topic) !== topic
  let lostBefore = inquiry.server.recorder.lostBeforeMs
  for (const record of inquiry.server.recorder.all()) {
    lostBefore = Math.max(lostBefore, record.lostBeforeMs)
    let looked = 1
    for (const entry of record.entries()) {
      looked++
      // Of a topic that was cut, it is not known which one it was.
      const isAbout = !isCut && (entry.subject === topic || (isCounted(entry) && entry.detail === topic))
      if (!isAbout && isPublication(entry) && isLike(entry.subject, topic)) {
        looked += PLAIN_ENTRIES
        if (plainTopic(entry.subject) === plain) near = newer(near, evidenceOf(inquiry, record, entry))
      }
      if (!isAbout && !(entry.hasMoreSubjects && mayHave(record.clientId))) continue
      const evidence = evidenceOf(inquiry, record, entry)
      if (!inquiry.isNear(evidence.atMs, evidence.untilMs)) continue
      if (!isAbout) mixed.set(record.clientId, evidence)
      else if (STOPPED.has(entry.kind)) stopped = newer(stopped, evidence)
      else if (isPublication(entry)) published = newer(published, evidence)
      else if (isDelivery(entry)) delivered.set(record.clientId, evidence)
    }
    await inquiry.pause(looked * ENTRY_UNITS)
  }
  const lostBeforeMs = lostBefore < 0 ? undefined : inquiry.wallOfEntry(lostBefore)
  return { published, stopped, near, delivered: [...delivered.values()], mixed: [...mixed.values()], lostBeforeMs }
}

/** Whether a text may have the same plain form as a topic: nearly all have another length. */
function isLike(subject: string | undefined, topic: string): subject is string {
  return subject !== undefined && subject !== topic && Math.abs(subject.length - topic.length) <= MAX_MISTYPED
}

export function isPublication(entry: RecordEntry): boolean {
  return (entry.kind === RecordKind.Received && isPublish(entry)) || entry.kind === RecordKind.WillPublished
}

function isDelivery(entry: RecordEntry): boolean {
  return (entry.kind === RecordKind.Sent && isPublish(entry)) || isCounted(entry)
}

/** Whether it counts messages of QoS 0, which may have several topics. */
export function isCounted({ kind }: RecordEntry): boolean {
  return kind === RecordKind.SentAtMostOnce
}

export function evidenceOf(inquiry: Inquiry, { clientId }: FlightRecord, entry: RecordEntry): Evidence {
  return { clientId, entry, atMs: inquiry.wallOfEntry(entry.atMs), untilMs: inquiry.wallOfEntry(entry.untilMs) }
}

function newer(one: Evidence | undefined, other: Evidence): Evidence {
  return one === undefined || other.untilMs >= one.untilMs ? other : one
}

/** The entries of one Client that a test selects, the newest first. */
export function entriesOf(inquiry: Inquiry, clientId: string, isWanted: (entry: RecordEntry) => boolean): Evidence[] {
  const record = inquiry.server.recorder.of(clientId)
  if (record === undefined) return []
  const found: Evidence[] = []
  for (const entry of record.entries()) {
    const evidence = evidenceOf(inquiry, record, entry)
    if (isWanted(entry) && inquiry.isNear(evidence.atMs, evidence.untilMs)) found.push(evidence)
  }
  return found.toReversed()
}
