/**
 * Messages about which plugins have not decided yet, by Session. At QoS 2 they outlive the Connection that they came
 * through.
 *
 *   Connection 1   PUBLISH 7 ──> plugin …            (lost)             … answers: taken, and 7 counts as received
 *   Connection 2                           PUBLISH 7 again ──> waits ──────────────> PUBREC 7, and no plugin is asked
 *
 * In this way, a message of QoS 2 is intercepted once, although its Client sends it again until it has a PUBREC [5.0
 * MQTT-4.3.3-4].
 *
 * @module
 */
import type { Connection } from '../protocol/connection.ts'
import type { Session } from '../protocol/session.ts'

/** A message of one Connection about which plugins have not decided yet. */
export class OpenInterception {
  readonly connection: Connection
  /**
   * Set once it is decided: the Packet Identifier of a QoS 2 message, and the Reason Code; 0 if there is nothing to
   * repeat.
   */
  packetIdentifier = 0
  reasonCode = 0
  #decided: Promise<void> | undefined = undefined
  #resolve: (() => void) | undefined = undefined

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** Resolves once it is decided or given up. */
  get decided(): Promise<void> {
    return (this.#decided ??= new Promise((resolve) => (this.#resolve = resolve)))
  }

  end(): void {
    this.#resolve?.()
  }
}

export class OpenInterceptions {
  readonly #open = new Map<Session, OpenInterception>()

  /** Hot: read for every message received. */
  get size(): number {
    return this.#open.size
  }

  /** The undecided message that came through another Connection of its Session. */
  before(connection: Connection): OpenInterception | undefined {
    const open = this.#open.get(connection.session!)
    return open?.connection === connection ? undefined : open
  }

  /** Whether a message of that Connection is undecided. */
  has(connection: Connection): boolean {
    return this.#open.get(connection.session!)?.connection === connection
  }

  /** Plugins are asked about the current message. Called again by each question about it that is answered later. */
  begin(connection: Connection): void {
    const { session } = connection
    if (!this.#open.has(session!)) this.#open.set(session!, new OpenInterception(connection))
  }

  /** The current message is decided. @param reasonCode the answer; `undefined` if it was given up */
  end(connection: Connection, reasonCode: number | undefined): void {
    const open = this.#open.get(connection.session!)
    if (open?.connection !== connection) return
    this.#open.delete(connection.session!)
    if (reasonCode !== undefined && connection.pendingPublishQos === 2) {
      open.packetIdentifier = connection.pendingPublishIdentifier
      open.reasonCode = reasonCode
    }
    open.end()
  }
}
