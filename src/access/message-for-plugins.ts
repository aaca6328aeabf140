/**
 * A message as plugins see it that change messages. What is asked for as bytes or as an object is a copy: a plugin that
 * writes into it must not change what goes to others, waits for them, or is stored. A message that is not looked at
 * costs nothing.
 *
 * @module
 */
import type { QoS } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Message } from '../protocol/message.ts'

export class MessageForPlugins implements Message {
  readonly topicName: string
  readonly #message: ApplicationMessage
  #payload: Buffer | undefined = undefined

  /** @param message in memory of its own: it may be kept */
  constructor(message: ApplicationMessage) {
    this.topicName = message.topicName
    this.#message = message
  }

  get topic(): string {
    return this.topicName
  }

  get payload(): Buffer {
    return (this.#payload ??= Buffer.from(this.#message.payload))
  }

  get properties(): Properties {
    return this.#message.propertyList.copy().decode()
  }

  text(): string {
    return this.#message.text()
  }

  json(): unknown {
    return this.#message.json()
  }

  get qos(): QoS {
    return this.#message.qos
  }

  get retain(): boolean {
    return this.#message.retain
  }

  get publisher(): string {
    return this.#message.publisher
  }

  get isLoaded(): boolean {
    return this.#message.isLoaded
  }
}
