/**
 * The PUBLISH packets that a Connection has sent. Those of QoS 0 are recorded once a turn, because a record of each
 * would cost a tenth of its delivery: with two of their topics, and whether there were others.
 *
 * @module
 */
import type { ClientRecord } from './client-record.ts'

export class SentMessages {
  /** All of them. */
  count = 0
  #atMostOnce = 0
  #atMostOnceBytes = 0
  #lastTopicName = ''
  #otherTopicName: string | undefined = undefined
  #hasMoreTopics = false

  /** Hot: runs for every delivery at QoS 0. */
  sentAtMostOnce(topicName: string, bytes: number): void {
    if (topicName !== this.#lastTopicName && this.#atMostOnce > 0) this.#leaveTopic(topicName)
    this.#atMostOnce++
    this.#atMostOnceBytes += bytes
    this.#lastTopicName = topicName
  }

  /** Another topic than the last one follows. */
  #leaveTopic(topicName: string): void {
    if (this.#otherTopicName === undefined || this.#otherTopicName === topicName) {
      this.#otherTopicName = this.#lastTopicName
    } else this.#hasMoreTopics = true
  }

  /** Records those of QoS 0 since the last call. */
  record(record: ClientRecord | undefined): void {
    if (this.#atMostOnce === 0) return
    record?.sentAtMostOnce(
      this.#atMostOnce,
      this.#atMostOnceBytes,
      this.#lastTopicName,
      this.#otherTopicName,
      this.#hasMoreTopics,
    )
    this.#atMostOnce = this.#atMostOnceBytes = 0
    this.#lastTopicName = ''
    this.#otherTopicName = undefined
    this.#hasMoreTopics = false
  }
}
