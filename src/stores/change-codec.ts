/**
 * Encodes Changes as bytes. Each kind has a row: its tag, which never changes, and how it is written and read.
 *
 * The payload of a message is stored beside the Changes of its turn, so that a start can read all Changes without
 * reading payloads. A message that is read back therefore has an empty payload and `payloadOnDiskBytes`.
 *
 * @module
 */
import { StoreError } from '../base/errors.ts'
import { PropertyList, withProperties } from '../codec/property-list.ts'
import { noProperties } from '../codec/properties.ts'
import type { QoS } from '../codec/packet-types.ts'
import type { ByteReader } from '../base/byte-reader.ts'
import type { ByteWriter } from '../base/byte-writer.ts'
import { hasProperties, readProperties, writeProperties } from '../codec/stored-properties.ts'
import type {
  AccessRecord,
  Change,
  MessageRecord,
  ReplayRecord,
  SessionRecord,
  SubscriptionRecord,
  WillRecord,
} from './store.ts'

type Kind = Change['kind']
type ChangeOf<K extends Kind> = Extract<Change, { kind: K }>
interface Row<K extends Kind> {
  readonly tag: number
  write(to: ByteWriter, change: ChangeOf<K>): void
  read(from: ByteReader): ChangeOf<K>
}

const noBytes = new Uint8Array(0)
const noNumbers: readonly number[] = []

const rows: { readonly [K in Kind]: Row<K> } = {
  session: {
    tag: 1,
    write: (to, { session }) => writeSession(to, session),
    read: (from) => ({ kind: 'session', session: readSession(from) }),
  },
  'session-ended': {
    tag: 2,
    write: (to, change) => to.integer(change.sessionNumber),
    read: (from) => ({ kind: 'session-ended', sessionNumber: from.integer() }),
  },
  subscribed: {
    tag: 3,
    write: (to, change) => {
      to.integer(change.sessionNumber)
      writeSubscription(to, change.subscription)
    },
    read: (from) => ({ kind: 'subscribed', sessionNumber: from.integer(), subscription: readSubscription(from) }),
  },
  unsubscribed: {
    tag: 4,
    write: (to, change) => {
      to.integer(change.sessionNumber)
      to.string(change.topicFilter)
    },
    read: (from) => ({ kind: 'unsubscribed', sessionNumber: from.integer(), topicFilter: from.string() }),
  },
  message: {
    tag: 5,
    write: (to, { message }) => writeMessage(to, message),
    read: (from) => ({ kind: 'message', message: readMessage(from) }),
  },
  queued: { tag: 6, write: writeQueued, read: readQueued },
  sent: {
    tag: 7,
    write: (to, change) => {
      writeEntryName(to, change)
      to.integer(change.packetIdentifier)
    },
    read: (from) => ({
      kind: 'sent',
      sessionNumber: from.integer(),
      entryNumber: from.integer(),
      packetIdentifier: from.integer(),
    }),
  },
  released: {
    tag: 8,
    write: writeEntryName,
    read: (from) => ({ kind: 'released', sessionNumber: from.integer(), entryNumber: from.integer() }),
  },
  done: {
    tag: 9,
    write: writeEntryName,
    read: (from) => ({ kind: 'done', sessionNumber: from.integer(), entryNumber: from.integer() }),
  },
  received: {
    tag: 10,
    write: writeReceived,
    read: (from) => ({ kind: 'received', sessionNumber: from.integer(), packetIdentifier: from.integer() }),
  },
  'received-done': {
    tag: 11,
    write: writeReceived,
    read: (from) => ({ kind: 'received-done', sessionNumber: from.integer(), packetIdentifier: from.integer() }),
  },
  retained: {
    tag: 12,
    write: (to, change) => {
      to.string(change.topicName)
      to.integer(change.messageNumber)
    },
    read: (from) => ({ kind: 'retained', topicName: from.string(), messageNumber: from.integer() }),
  },
  'retained-cleared': {
    tag: 13,
    write: (to, change) => to.string(change.topicName),
    read: (from) => ({ kind: 'retained-cleared', topicName: from.string() }),
  },
  will: {
    tag: 14,
    write: (to, { will }) => writeWill(to, will),
    read: (from) => ({ kind: 'will', will: readWill(from) }),
  },
  'will-removed': {
    tag: 15,
    write: (to, change) => to.integer(change.sessionNumber),
    read: (from) => ({ kind: 'will-removed', sessionNumber: from.integer() }),
  },
  replay: {
    tag: 16,
    write: (to, { replay }) => {
      to.integer(replay.sessionNumber)
      to.string(replay.topicFilter)
      to.integer(replay.upToMessageNumber)
      to.string(replay.afterTopicName)
    },
    read: (from) => ({ kind: 'replay', replay: readReplay(from) }),
  },
  'replay-ended': {
    tag: 17,
    write: (to, change) => {
      to.integer(change.sessionNumber)
      to.string(change.topicFilter)
    },
    read: (from) => ({ kind: 'replay-ended', sessionNumber: from.integer(), topicFilter: from.string() }),
  },
  access: {
    tag: 18,
    write: (to, { record }) => {
      to.string(record.type)
      to.string(record.name)
      to.integer(record.version)
      to.string(record.content)
    },
    read: (from) => ({ kind: 'access', record: readAccess(from) }),
  },
  'access-removed': {
    tag: 19,
    write: (to, change) => {
      to.string(change.type)
      to.string(change.name)
    },
    read: (from) => ({ kind: 'access-removed', type: from.string(), name: from.string() }),
  },
}

/** Every kind of Change that can be stored. */
export const changeKinds = Object.keys(rows) as readonly Kind[]

const rowOfTag: (Row<Kind> | undefined)[] = []
for (const row of Object.values(rows)) rowOfTag[row.tag] = row as unknown as Row<Kind>

/** Hot: runs for every Change of every turn. */
export function writeChange(to: ByteWriter, change: Change): void {
  const row = rows[change.kind] as unknown as Row<Kind>
  to.byte(row.tag)
  row.write(to, change)
}

export function readChange(from: ByteReader): Change {
  const tag = from.byte()
  const row = rowOfTag[tag]
  if (row === undefined) throw new StoreError('ERR_STORE_RECORD', `a record holds a Change of unknown kind ${tag}`)
  return row.read(from)
}

interface EntryName {
  readonly sessionNumber: number
  readonly entryNumber: number
}

function writeEntryName(to: ByteWriter, name: EntryName): void {
  to.integer(name.sessionNumber)
  to.integer(name.entryNumber)
}

interface Received {
  readonly sessionNumber: number
  readonly packetIdentifier: number
}

function writeReceived(to: ByteWriter, received: Received): void {
  to.integer(received.sessionNumber)
  to.integer(received.packetIdentifier)
}

/** A time that may be absent, stored plus one, so that 0 means "none". */
function writeTime(to: ByteWriter, timeMs: number | undefined): void {
  to.integer(timeMs === undefined ? 0 : Math.round(timeMs) + 1)
}

function readTime(from: ByteReader): number | undefined {
  const value = from.integer()
  return value === 0 ? undefined : value - 1
}

function writeText(to: ByteWriter, text: string | undefined): void {
  to.byte(text === undefined ? 0 : 1)
  if (text !== undefined) to.string(text)
}

function readText(from: ByteReader): string | undefined {
  return from.byte() === 0 ? undefined : from.string()
}

function writeSession(to: ByteWriter, session: SessionRecord): void {
  to.integer(session.sessionNumber)
  to.string(session.clientId)
  writeText(to, session.userName)
  to.byte(session.protocolVersion)
  to.integer(session.sessionExpiryInterval)
  writeTime(to, session.expiresAtMs)
}

function readSession(from: ByteReader): SessionRecord {
  return {
    sessionNumber: from.integer(),
    clientId: from.string(),
    userName: readText(from),
    protocolVersion: from.byte() as 3 | 4 | 5,
    sessionExpiryInterval: from.integer(),
    expiresAtMs: readTime(from),
  }
}

/**
 * The Subscription Options are stored as in SUBSCRIBE (§3.8.3.1); 0, which is not a valid Subscription Identifier,
 * means none.
 */
function writeSubscription(to: ByteWriter, subscription: SubscriptionRecord): void {
  to.string(subscription.topicFilter)
  const noLocal = subscription.noLocal ? 4 : 0
  const retainAsPublished = subscription.retainAsPublished ? 8 : 0
  to.byte(subscription.qos | noLocal | retainAsPublished | (subscription.retainHandling << 4))
  to.integer(subscription.subscriptionIdentifier ?? 0)
}

function readSubscription(from: ByteReader): SubscriptionRecord {
  const topicFilter = from.string()
  const options = from.byte()
  const subscriptionIdentifier = from.integer()
  return {
    topicFilter,
    qos: (options & 3) as QoS,
    noLocal: (options & 4) !== 0,
    retainAsPublished: (options & 8) !== 0,
    retainHandling: (options >> 4) as 0 | 1 | 2,
    subscriptionIdentifier: subscriptionIdentifier === 0 ? undefined : subscriptionIdentifier,
  }
}

function readReplay(from: ByteReader): ReplayRecord {
  return {
    sessionNumber: from.integer(),
    topicFilter: from.string(),
    upToMessageNumber: from.integer(),
    afterTopicName: from.string(),
  }
}

function readAccess(from: ByteReader): AccessRecord {
  return { type: from.string(), name: from.string(), version: from.integer(), content: from.string() }
}

const Has = { retain: 4, expiry: 8, properties: 16, publisher: 32, publisherUser: 64 } as const

function writeMessage(to: ByteWriter, message: MessageRecord): void {
  // Read once: a record may build the object anew on each access.
  const { properties } = message
  const writesProperties = hasProperties(properties)
  let flags: number = message.qos
  if (message.retain) flags |= Has.retain
  if (message.expiresAtMs !== undefined) flags |= Has.expiry
  if (writesProperties) flags |= Has.properties
  if (message.publisher !== '') flags |= Has.publisher
  if (message.publisherUser !== undefined) flags |= Has.publisherUser
  to.integer(message.messageNumber)
  to.byte(flags)
  to.integer(message.payload.length)
  to.string(message.topicName)
  if (message.publisher !== '') to.string(message.publisher)
  if (message.publisherUser !== undefined) to.string(message.publisherUser)
  if (message.expiresAtMs !== undefined) to.integer(Math.round(message.expiresAtMs))
  if (writesProperties) writeProperties(to, properties)
}

function readMessage(from: ByteReader): MessageRecord {
  const messageNumber = from.integer()
  const flags = from.byte()
  const payloadOnDiskBytes = from.integer()
  return {
    messageNumber,
    topicName: from.string(),
    payload: noBytes,
    qos: (flags & 3) as QoS,
    retain: (flags & Has.retain) !== 0,
    publisher: (flags & Has.publisher) === 0 ? '' : from.string(),
    ...((flags & Has.publisherUser) !== 0 && { publisherUser: from.string() }),
    expiresAtMs: (flags & Has.expiry) === 0 ? undefined : from.integer(),
    properties: (flags & Has.properties) === 0 ? noProperties : readProperties(from),
    payloadOnDiskBytes,
  }
}

const EntryHas = { qos2: 1, retain: 2, identifiers: 4, sharedFilter: 8 } as const

function writeQueued(to: ByteWriter, { entry }: ChangeOf<'queued'>): void {
  const identifiers = entry.subscriptionIdentifiers
  let flags = entry.qos === 2 ? EntryHas.qos2 : 0
  if (entry.retain) flags |= EntryHas.retain
  if (identifiers.length > 0) flags |= EntryHas.identifiers
  if (entry.sharedFilter !== undefined) flags |= EntryHas.sharedFilter
  writeEntryName(to, entry)
  to.integer(entry.messageNumber)
  to.byte(flags)
  if (identifiers.length > 0) {
    to.integer(identifiers.length)
    for (const identifier of identifiers) to.integer(identifier)
  }
  if (entry.sharedFilter !== undefined) to.string(entry.sharedFilter)
}

/** Spelled out, because a spread costs several microseconds here, and a start reads millions of these. */
function readQueued(from: ByteReader): ChangeOf<'queued'> {
  const sessionNumber = from.integer()
  const entryNumber = from.integer()
  const messageNumber = from.integer()
  const flags = from.byte()
  const qos = (flags & EntryHas.qos2) === 0 ? 1 : 2
  const retain = (flags & EntryHas.retain) !== 0
  const subscriptionIdentifiers = (flags & EntryHas.identifiers) === 0 ? noNumbers : readNumbers(from)
  const sharedFilter = (flags & EntryHas.sharedFilter) === 0 ? undefined : from.string()
  return {
    kind: 'queued',
    entry: { sessionNumber, entryNumber, messageNumber, qos, retain, subscriptionIdentifiers, sharedFilter },
  }
}

function readNumbers(from: ByteReader): number[] {
  return Array.from({ length: from.integer() }, () => from.integer())
}

function writeWill(to: ByteWriter, will: WillRecord): void {
  to.integer(will.sessionNumber)
  to.string(will.clientId)
  to.string(will.topicName)
  to.block(will.payload)
  to.byte(will.qos | (will.retain ? Has.retain : 0))
  writeProperties(to, will.properties)
  to.integer(will.willDelayInterval)
  writeTime(to, will.dueAtMs)
  writeText(to, will.userName)
}

function readWill(from: ByteReader): WillRecord {
  const sessionNumber = from.integer()
  const clientId = from.string()
  const topicName = from.string()
  const payload = from.block()
  const flags = from.byte()
  // A Will stays in memory as long as its Session, so it keeps bytes instead of an object for each User Property.
  const properties = PropertyList.of(readProperties(from))
  const record = {
    sessionNumber,
    clientId,
    topicName,
    payload,
    qos: (flags & 3) as QoS,
    retain: (flags & Has.retain) !== 0,
    properties: noProperties,
    willDelayInterval: from.integer(),
    dueAtMs: readTime(from),
    userName: readText(from),
  }
  return withProperties(record, properties)
}
