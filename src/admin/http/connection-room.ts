/**
 * The connections of one address of the HTTP API, of which there are at most `admin.max-connections`.
 *
 *   accept() ──> handshake, request ──> under way ──> idle ──> next request ──> closed
 *   |<-- waiting ------------------>|              |<-- waiting -->|
 *
 * A request whose body is still arriving is not under way yet. A connection that sends half a request costs its peer
 * nothing. So when the room is full, the oldest waiting connection of the network that has most of them gives way, and
 * no network can keep a balancer from its health checks. A request that is under way is never interrupted for another.
 *
 * @module
 */
import { Holders } from '../../limits/holders.ts'

export class ConnectionRoom<Connection> {
  maxConnections = Infinity
  /** Every connection, with the network that it counts for. */
  readonly #networks = new Map<Connection, string>()
  readonly #waiting = new Holders<Connection>()

  get connections(): Iterable<Connection> {
    return this.#networks.keys()
  }

  /**
   * Lets one more in.
   *
   * @param network as returned by `networkOf`
   * @returns the connection to close because there are too many, possibly this one; `undefined` if there is room
   */
  enter(connection: Connection, network: string): Connection | undefined {
    this.#networks.set(connection, network)
    this.#waiting.add(network, connection)
    // One leaves for each that comes, so that a lowered limit does not close many at once.
    if (this.#networks.size <= this.maxConnections) return undefined
    const oldest = this.#waiting.oldestOfLargest()!
    this.leave(oldest)
    return oldest
  }

  has(connection: Connection): boolean {
    return this.#networks.has(connection)
  }

  /** A request has arrived on this connection, or its body has. */
  begin(connection: Connection): void {
    const network = this.#networks.get(connection)
    if (network !== undefined) this.#waiting.remove(network, connection)
  }

  /** The request on this connection has its answer, or waits for its body. */
  end(connection: Connection): void {
    const network = this.#networks.get(connection)
    if (network !== undefined) this.#waiting.add(network, connection)
  }

  leave(connection: Connection): void {
    const network = this.#networks.get(connection)
    if (network === undefined) return
    this.#networks.delete(connection)
    this.#waiting.remove(network, connection)
  }
}
