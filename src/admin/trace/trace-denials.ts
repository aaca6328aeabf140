/**
 * Which plugin and which rule have denied something that a trace shows. It takes a question to every plugin, so it is
 * asked once for each client and topic, and so many times in ten seconds.
 *
 * @module
 */
import type { DeniedAction } from '../../reporting/denials.ts'
import type { Server } from '../../broker/server.ts'
import type { Client } from '../../protocol/client.ts'

const AGAIN_MS = 10_000
/** Explanations for all traces within that time. */
const MAX_EXPLAINED = 64

export class TraceDenials {
  readonly #server: Server
  /** What has been explained: action, client and topic. */
  readonly #explained = new Set<string>()
  #sinceMs = 0

  constructor(server: Server) {
    this.#server = server
  }

  /** @returns `undefined` if it is not asked again, or the rules allow it by now */
  async explain(client: Client, action: DeniedAction, topic: string): Promise<string | undefined> {
    const { turn, denials } = this.#server
    if (turn.now() - this.#sinceMs >= AGAIN_MS) {
      this.#explained.clear()
      this.#sinceMs = turn.now()
    }
    const key = JSON.stringify([action, client.clientId, topic])
    if (this.#explained.has(key) || this.#explained.size >= MAX_EXPLAINED) return undefined
    this.#explained.add(key)
    return denials.explain(client, action, topic)
  }

  clear(): void {
    this.#explained.clear()
  }
}
