/**
 * The seam through which a Connection, its Session and the parts of the Server report what happens to one Client: the
 * heads of its packets, and what waits for it. The flight recorder keeps them.
 *
 *   Connection ── received ──┐
 *   Sender ────── sent ──────┼──> ClientRecord ──> a few rows in memory
 *   Session ───── queued ────┘
 *
 * Hot: every packet comes by. Arguments are numbers and texts that exist anyway, so a call makes no object. Messages
 * sent at QoS 0 are counted and reported once a turn.
 *
 * @module
 */
export interface ClientRecord {
  /** How many bytes of a payload are recorded: `recorder-payload-bytes`. */
  readonly payloadBytes: number
  /**
   * A packet was received; it may turn out to be malformed.
   *
   * @param firstByte its type and flags
   * @param packetIdentifier 0 if it has none
   * @param bytes its size; of a PUBLISH, that of its payload
   * @param reasonCode 0 if it has none
   * @param topicName of a PUBLISH
   */
  received(
    firstByte: number,
    packetIdentifier: number,
    bytes: number,
    reasonCode: number,
    topicName: string | undefined,
  ): void
  /** The payload of the PUBLISH that was received last. Called only if `payloadBytes` is not 0. */
  receivedPayload(firstByte: number, topicName: string, payload: Uint8Array): void
  /** A packet was sent, or waits for the Store to be sent. The parameters are those of `received`. */
  sent(
    firstByte: number,
    packetIdentifier: number,
    bytes: number,
    reasonCode: number,
    topicName: string | undefined,
  ): void
  /**
   * In one turn, so many messages of QoS 0 were sent, with so many bytes of payload.
   *
   * @param otherTopicName another of their topics; `undefined` if all have the same
   * @param hasMoreTopics whether there were topics besides these two
   */
  sentAtMostOnce(
    messages: number,
    bytes: number,
    lastTopicName: string,
    otherTopicName: string | undefined,
    hasMoreTopics: boolean,
  ): void
  /** A message of QoS 1 or 2 waits in its Session while it is connected. What it does not get is in `DropLog`. */
  queued(topicName: string): void
}
