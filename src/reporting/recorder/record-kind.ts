/** What an entry of the flight recorder is about. @module */

/** Kinds of entries. Each is one byte of a row. */
export const RecordKind = {
  /** A packet came. Subject: the Topic Name of a PUBLISH. */
  Received: 1,
  /** A packet was sent. Subject: the Topic Name of a PUBLISH. */
  Sent: 2,
  /** Messages of QoS 0 were sent. Subject: the Topic Name of the last one; detail: another one. */
  SentAtMostOnce: 3,
  /** A message waits in the Session. Subject: its Topic Name. */
  Queued: 4,
  /** Its login was accepted. Subject: where it came from; detail: what holds for the connection. */
  Connected: 5,
  /** Its connection ended. Subject: the cause. */
  Disconnected: 6,
  SessionCreated: 7,
  /** Subject: the cause. */
  SessionEnded: 8,
  /** Subject: the Topic Filter; code: the granted QoS. */
  Subscribed: 9,
  /** Subject: the Topic Filter. */
  SubscribeRefused: 10,
  /** Subject: the Topic Filter. */
  Unsubscribed: 11,
  /** A message of this Client was refused. Subject: its Topic Name. */
  PublishRefused: 12,
  /** A plugin has replaced a message of this Client. Subject: its Topic Name; detail: that of the new message. */
  Replaced: 13,
  /** A plugin has dropped a message of this Client. Subject: its Topic Name. */
  DroppedByPlugin: 14,
  /** Its Will was published. Subject: the Topic Name. */
  WillPublished: 15,
} as const
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind]

/** An entry, as it is read. */
export interface RecordEntry {
  readonly kind: RecordKind
  /** First byte of a packet: its type and flags. */
  readonly firstByte: number
  /** Reason Code, or the granted QoS. */
  readonly code: number
  /** Of the last packet that it stands for. */
  readonly packetIdentifier: number
  /** Of all packets that it stands for; of PUBLISH packets, their payloads. */
  readonly bytes: number
  /** How many of the same kind came within a second. */
  readonly count: number
  /** In monotonic milliseconds. */
  readonly atMs: number
  /** When the last one came. */
  readonly untilMs: number
  readonly subject: string | undefined
  readonly detail: string | undefined
  /** The first bytes of the last payload, a character each; `undefined` if none were kept. */
  readonly payload: string | undefined
  /** Of messages of QoS 0: whether they had other topics besides the subject and the detail. */
  readonly hasMoreSubjects: boolean
}
