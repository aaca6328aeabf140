/** What follows when a message is refused, or changed by a plugin: a counter, an event, a line in the log. @module */
import { ReasonCode, reasonCodeName } from '../codec/reason-code.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Client } from '../protocol/client.ts'
import type { Denials } from '../reporting/denials.ts'
import type { Events } from '../reporting/events.ts'
import type { Metrics } from '../reporting/metrics.ts'
import type { PacketWatch } from '../reporting/packet-watch.ts'
import type { Recorder } from '../reporting/recorder/recorder.ts'
import { NoRoom } from './no-room.ts'

export interface PublishRefusalsParts {
  readonly metrics: Metrics
  readonly events: Events
  readonly recorder: Recorder
  readonly packets: PacketWatch
  /** Lines in the log: about permissions, and about room. */
  readonly denied: Denials['denied']
  readonly full: Denials['full']
}

export class PublishRefusals {
  readonly #parts: PublishRefusalsParts

  constructor(parts: PublishRefusalsParts) {
    this.#parts = parts
  }

  /** @param detail why, if the reason is neither a permission nor a lack of room */
  refused(
    client: Client,
    { topic, qos }: ApplicationMessage,
    refusal: ReasonCode | NoRoom,
    detail?: string,
  ): ReasonCode {
    const { metrics, events, denied, full } = this.#parts
    metrics.publishesRefused++
    const isFull = refusal instanceof NoRoom
    const reasonCode = isFull ? ReasonCode.QuotaExceeded : refusal
    const why = isFull ? refusal.detail : (detail ?? reasonCodeName(reasonCode))
    if (isFull) full(client, topic, why)
    else denied(client, 'publish', topic, reasonCode, detail)
    events.emit('publishRefused', { client, topic, qos, reasonCode, detail: why })
    return reasonCode
  }

  /** A plugin has dropped a message for all Clients. */
  dropped(message: ApplicationMessage): void {
    const { metrics, events, recorder, packets } = this.#parts
    metrics.dropped['dropped by plugin']++
    packets.tap?.dropped('', message, 'dropped by plugin')
    packets.spans?.dropped('', message, 'dropped by plugin')
    recorder.droppedByPlugin(message)
    events.emit('dropped', { clientId: '', message, cause: 'dropped by plugin' })
  }

  /** A plugin has made another message of one. */
  replaced(message: ApplicationMessage, made: ApplicationMessage): void {
    const { metrics, recorder } = this.#parts
    metrics.publishesReplaced++
    recorder.replaced(message, made)
  }
}
