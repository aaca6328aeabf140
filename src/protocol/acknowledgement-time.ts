/**
 * How long a Client takes to acknowledge messages of QoS 1 and 2, from PUBLISH to PUBACK or PUBREC.
 *
 *   PUBLISH 7 ──timed──────────> PUBACK 7     one delivery at a time is timed; the others in between cost a comparison
 *   PUBLISH 8 ──not timed──> PUBACK 8
 *
 * The mean is smoothed as TCP smooths its round-trip time (RFC 6298): each new time counts for an eighth. It is kept in
 * eighths of a millisecond, so that it stays a small integer.
 *
 * @module
 */

const WEIGHT = 8
/** The value of the mean before the first acknowledgement. */
const UNKNOWN = -1

export class AcknowledgementTime {
  /** Packet Identifier of the delivery that is being timed; 0 if none is. */
  #timed = 0
  #sentAtMs = 0
  #eighths = UNKNOWN

  /** Whether the next delivery can be timed. */
  get isIdle(): boolean {
    return this.#timed === 0
  }

  /** Smoothed, in milliseconds; `undefined` before the first acknowledgement. */
  get meanMs(): number | undefined {
    return this.#eighths === UNKNOWN ? undefined : this.#eighths / WEIGHT
  }

  /** A PUBLISH was sent; call this only if `isIdle`. */
  begin(packetIdentifier: number, nowMs: number): void {
    this.#timed = packetIdentifier
    this.#sentAtMs = nowMs
  }

  /** Whether that delivery is the one being timed. Hot: runs for every acknowledgement. */
  times(packetIdentifier: number): boolean {
    return this.#timed === packetIdentifier
  }

  /** The timed delivery was acknowledged. */
  end(nowMs: number): void {
    const elapsedMs = nowMs - this.#sentAtMs
    this.#timed = 0
    if (this.#eighths === UNKNOWN) this.#eighths = elapsedMs * WEIGHT
    else this.#eighths += elapsedMs - Math.round(this.#eighths / WEIGHT)
  }
}
