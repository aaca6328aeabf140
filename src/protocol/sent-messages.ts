/**
 * The PUBLISH packets that a Connection has sent. Those of QoS 0 are recorded once a turn, because a record of each
 * would cost a tenth of its delivery.
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

  /** Hot: runs for every delivery at QoS 0. */
  sentAtMostOnce(topicName: string, bytes: number): void {
    this.#atMostOnce++
    this.#atMostOnceBytes += bytes
    this.#lastTopicName = topicName
  }

  /** Records those of QoS 0 since the last call. */
  record(record: ClientRecord | undefined): void {
    if (this.#atMostOnce === 0) return
    record?.sentAtMostOnce(this.#atMostOnce, this.#atMostOnceBytes, this.#lastTopicName)
    this.#atMostOnce = this.#atMostOnceBytes = 0
    this.#lastTopicName = ''
  }
}
