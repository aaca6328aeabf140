/**
 * The input that all Connections together make the broker hold: incomplete packets, packets that wait for an answer (a
 * login, a plugin), and the topics of Topic Aliases.
 *
 *   user ann        | 9 MB     | 40 kB |            beyond `max-input-bytes`, the largest holder gives way: its largest
 *   192.0.2.7       | 64 kB | 64 kB | 64 kB |       Connections are ended until there is room again
 *   user bob        | 2 kB |
 *
 * A holder is a user, or before the login the network that a Connection came from, so that many small Connections do
 * not escape a rule for large ones. Counting costs an addition. Only beyond the limit are Connections examined, and
 * then so much is freed that as many bytes have to arrive before that happens again.
 *
 * @module
 */
import { ReasonCode } from '../codec/reason-code.ts'
import type { Connection } from '../protocol/connection.ts'
import type { Metrics } from '../reporting/metrics.ts'

/** Room is made until the total is below the limit by this share. */
const SHARE_OF_ROOM = 1 / 64

/** What the budget works with. */
export interface InputBudgetParts {
  /** The limit in bytes. */
  limit(): number
  connections(): Iterable<Connection>
  /** The holder of that Connection's input. */
  holderOf(connection: Connection): string
  readonly metrics: Metrics
}

interface Holder {
  bytes: number
  readonly connections: Connection[]
}

export class InputBudget {
  #isMakingRoom = false
  readonly #parts: InputBudgetParts

  constructor(parts: InputBudgetParts) {
    this.#parts = parts
  }

  /** Changes how many bytes are held. */
  change(bytes: number): void {
    const { metrics } = this.#parts
    metrics.inputHeldBytes += bytes
    if (bytes > 0 && metrics.inputHeldBytes > this.#parts.limit() && !this.#isMakingRoom) this.#makeRoom()
  }

  #makeRoom(): void {
    const limit = this.#parts.limit()
    const room = limit - Math.floor(limit * SHARE_OF_ROOM)
    const { metrics } = this.#parts
    const holders = [...this.#holders().values()].toSorted((one, other) => other.bytes - one.bytes)
    const level = levelOf(holders, metrics.inputHeldBytes - room)
    // The end of a Connection may make others hold more; they are examined when this is over.
    this.#isMakingRoom = true
    try {
      for (const holder of holders) if (metrics.inputHeldBytes > room) this.#lower(holder, level, limit)
    } finally {
      this.#isMakingRoom = false
    }
  }

  #holders(): Map<string, Holder> {
    const holders = new Map<string, Holder>()
    for (const connection of this.#parts.connections()) {
      if (connection.heldBytes === 0) continue
      const name = this.#parts.holderOf(connection)
      let holder = holders.get(name)
      if (holder === undefined) holders.set(name, (holder = { bytes: 0, connections: [] }))
      holder.bytes += connection.heldBytes
      holder.connections.push(connection)
    }
    return holders
  }

  /** Ends the largest of a holder's Connections until it holds no more than `level`. */
  #lower({ bytes, connections }: Holder, level: number, limit: number): void {
    if (bytes <= level) return
    connections.sort((one, other) => other.heldBytes - one.heldBytes)
    for (const connection of connections) {
      if (bytes <= level) return
      bytes -= connection.heldBytes
      const detail = `its incomplete and waiting packets take ${connection.heldBytes} bytes, and those of all clients more than ${limit} (max-input-bytes)`
      this.#parts.metrics.inputOverLimit++
      connection.turnAway(ReasonCode.QuotaExceeded, 'limit exceeded', detail)
    }
  }
}

/**
 * The level to which the largest have to be lowered, all to the same, to free so many bytes.
 *
 * @param holders the largest first
 */
function levelOf(holders: readonly Holder[], bytes: number): number {
  let sum = 0
  for (const [at, holder] of holders.entries()) {
    sum += holder.bytes
    const level = (sum - bytes) / (at + 1)
    if (level >= (holders[at + 1]?.bytes ?? 0)) return Math.max(0, level)
  }
  return 0
}
