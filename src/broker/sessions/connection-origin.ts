/** A Client that has sent SUBSCRIBE or UNSUBSCRIBE, and waits for the answer on its Connection. @module */
import type { Client } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { Session } from '../../protocol/session.ts'
import type { SubscribeCapabilities, SubscribeLimits, SubscribeOrigin } from '../../routing/subscribe-origin.ts'
import { notesOf } from './connection-notes.ts'

export class ConnectionOrigin implements SubscribeOrigin {
  readonly session: Session
  readonly #connection: Connection
  readonly #answer: (reasonCodes: readonly number[]) => void

  /** @param answer sends SUBACK or UNSUBACK */
  constructor(connection: Connection, answer: (reasonCodes: readonly number[]) => void) {
    this.session = connection.session!
    this.#connection = connection
    this.#answer = answer
  }

  get client(): Client {
    return this.#connection.client
  }

  get limits(): SubscribeLimits {
    return notesOf(this.#connection).listener.options
  }

  /** Before 5.0, CONNACK cannot announce anything. */
  get announced(): SubscribeCapabilities | undefined {
    return this.#connection.protocolVersion === 5 ? notesOf(this.#connection).announced : undefined
  }

  get isOver(): boolean {
    return !this.#connection.isConnected
  }

  guard(run: () => void): void {
    this.#connection.guard(run)
  }

  answered(reasonCodes: readonly number[]): void {
    this.#answer(reasonCodes)
  }

  /** Nobody waits for an answer. */
  abandoned(): void {}
}
