/**
 * A Network Connection in memory: an ordered byte stream in each direction, with all the faults of a network.
 *
 *   Client ── send ──> [ up:   delay, pieces, the broker may pause it ] ──> broker
 *   Client <── read ── [ down: delay, rate, window; freeze ] <── write ──── broker
 *
 * Output of the broker beyond the window is held on the broker's side, as by a socket whose peer does not read. Time
 * comes from a Clock: bytes without a delay arrive at the end of the turn.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import { Ring } from '../base/ring.ts'
import type { Incoming, Transport } from '../protocol/transport.ts'

/** The events for the Client's end. */
export interface LinkClient {
  received(bytes: Uint8Array): void
  /** The stream is over: the broker ended it, or it was reset. */
  closed(): void
}

/** How a Link treats bytes; changes at any time apply to later bytes. */
export interface LinkConditions {
  /** Milliseconds for each chunk, in each direction; a function is called for every chunk. Default 0. */
  delayMs: number | (() => number)
  /** The most bytes that reach the broker at once; a function is called for every piece. Default Infinity. */
  pieceBytes: number | (() => number)
  /** Bytes per second that the Client accepts. Default Infinity. */
  bytesPerSecond: number
  /** Bytes in transit to the Client beyond which the broker's writes are held on its side. Default 65,536. */
  windowBytes: number
}

interface Item {
  /** `undefined` marks the end. */
  readonly bytes: Uint8Array | undefined
  readonly atMs: number
}

/** One direction: the items in transit, in order. */
class Lane {
  isBlocked = false
  /** Bytes in transit. */
  bytes = 0
  /** When the last item arrives. */
  lastAtMs = 0
  readonly #clock: Clock
  readonly #deliver: (bytes: Uint8Array | undefined) => void
  readonly #items = new Ring<Item>()
  #timer: Timer | undefined
  #isAsked = false

  constructor(clock: Clock, deliver: (bytes: Uint8Array | undefined) => void) {
    this.#clock = clock
    this.#deliver = deliver
  }

  push(bytes: Uint8Array | undefined, atMs: number): void {
    this.lastAtMs = Math.max(this.lastAtMs, atMs)
    this.bytes += bytes?.length ?? 0
    this.#items.push({ bytes, atMs: this.lastAtMs })
    this.look()
  }

  /** Schedules the arrival of the first item. */
  look(): void {
    const first = this.#items.peek()
    if (first === undefined || this.isBlocked || this.#isAsked || this.#timer !== undefined) return
    const waitMs = first.atMs - this.#clock.now()
    if (waitMs > 0) {
      this.#timer = this.#clock.setTimer(waitMs, () => {
        this.#timer = undefined
        this.#pump()
      })
      return
    }
    this.#isAsked = true
    this.#clock.atEndOfTurn(() => {
      this.#isAsked = false
      this.#pump()
    })
  }

  #pump(): void {
    const now = this.#clock.now()
    for (let first = this.#items.peek(); first !== undefined && !this.isBlocked; first = this.#items.peek()) {
      if (first.atMs > now) break
      this.#items.shift()
      this.bytes -= first.bytes?.length ?? 0
      this.#deliver(first.bytes)
    }
    this.look()
  }

  clear(): void {
    this.#items.clear()
    this.bytes = 0
    this.isBlocked = true
  }
}

/** A connection in memory between a client and a broker, with faults on demand. */
export class Link implements Transport {
  readonly conditions: LinkConditions = {
    delayMs: 0,
    pieceBytes: Infinity,
    bytesPerSecond: Infinity,
    windowBytes: 65_536,
  }
  /** Bytes held on the broker's side. */
  unsentBytes = 0
  /** Bytes moved in either direction, so that callers can detect whether anything moves. */
  movedBytes = 0
  /** The broker has paused reading. */
  isPaused = false
  /** The broker has ended or lost its end. */
  isOver = false
  readonly #clock: Clock
  readonly #client: LinkClient
  readonly #up: Lane
  readonly #down: Lane
  #held: Uint8Array[] = []
  #incoming: Incoming | undefined
  #isFrozen = false
  #isSilent = false
  #isEnding = false
  /** The Client has ended its side. */
  #isClientOver = false
  #isClientNotified = false
  /** `drained` is due once all held bytes have left. */
  #owesDrained = false

  constructor(clock: Clock, client: LinkClient) {
    this.#clock = clock
    this.#client = client
    this.#up = new Lane(clock, (bytes) => this.#arriveUp(bytes))
    this.#down = new Lane(clock, (bytes) => this.#arriveDown(bytes))
  }

  /**
   * Connects the link to the broker.
   *
   * @param incoming what the broker's `accept` returned; `undefined` means that it refused, and closes the link
   */
  start(incoming: Incoming | undefined): void {
    this.#incoming = incoming
    if (incoming !== undefined) this.#up.look()
    else {
      this.isOver = true
      this.#down.push(undefined, this.#arrival(this.#down))
    }
  }

  // ---- the Client's end ----

  /** Sends bytes to the broker; they must not change afterwards. */
  send(bytes: Uint8Array): void {
    if (this.#isClientOver || this.#isSilent || bytes.length === 0) return
    const { pieceBytes } = this.conditions
    for (let at = 0; at < bytes.length;) {
      const most = typeof pieceBytes === 'function' ? pieceBytes() : pieceBytes
      const end = Math.min(bytes.length, at + Math.max(1, most))
      this.#up.push(bytes.subarray(at, end), this.#arrival(this.#up))
      at = end
    }
  }

  /** Ends the Client's side cleanly: the broker reads what was sent, then the end. */
  hangUp(): void {
    if (this.#isClientOver) return
    this.#isClientOver = true
    if (!this.#isSilent) this.#up.push(undefined, this.#arrival(this.#up))
  }

  /** Resets the connection: bytes in transit are lost, and both ends are notified. */
  reset(): void {
    this.#closeClient()
    if (this.#isSilent) return
    this.#down.clear()
    this.#lose(new Error('connection reset'))
  }

  /** Breaks the connection without notifying either end (half-open): from now on no byte goes either way. */
  silence(): void {
    this.#isSilent = true
    this.#up.clear()
    this.#down.isBlocked = true
  }

  /** The Client accepts nothing until `thaw`: the broker's output is held on its side. */
  freeze(): void {
    this.#isFrozen = true
    this.#down.isBlocked = true
  }

  /** Ends what `freeze` began: everything that was held back reaches the client. */
  thaw(): void {
    this.#isFrozen = false
    if (this.#isSilent) return
    this.#down.isBlocked = false
    this.#refill()
    this.#down.look()
  }

  // ---- the broker's end (Transport) ----

  /** Called by the broker: sends bytes to the client. */
  write(bytes: Uint8Array): boolean {
    if (this.isOver) return true
    if (this.#held.length === 0 && this.#hasRoom(bytes.length)) {
      this.#launch(bytes)
      return true
    }
    this.#held.push(bytes)
    this.unsentBytes += bytes.length
    this.#owesDrained = true
    return false
  }

  /** Called by the broker: holds back what the client sends. */
  pauseReading(): void {
    this.isPaused = true
    this.#up.isBlocked = true
  }

  /** Called by the broker: lets through again what the client sends. */
  resumeReading(): void {
    this.isPaused = false
    if (this.#isSilent) return
    this.#up.isBlocked = false
    this.#up.look()
  }

  /** Pending output still leaves; input is read only to reach the Client's end. */
  end(): void {
    if (this.#isEnding || this.isOver) return
    this.#isEnding = true
    this.resumeReading()
    if (this.#held.length === 0) this.#down.push(undefined, this.#arrival(this.#down))
  }

  /** Called by the broker: closes the connection at once. */
  destroy(): void {
    if (this.isOver) return
    if (!this.#isSilent && !this.#isEnding) this.#down.push(undefined, this.#arrival(this.#down))
    this.#lose(undefined)
  }

  // ---- between ----

  #hasRoom(bytes: number): boolean {
    return !this.#isFrozen && (this.#down.bytes === 0 || this.#down.bytes + bytes <= this.conditions.windowBytes)
  }

  #arrival(lane: Lane): number {
    const { delayMs } = this.conditions
    return Math.max(lane.lastAtMs, this.#clock.now() + (typeof delayMs === 'function' ? delayMs() : delayMs))
  }

  /** Sends a copy, because the broker reuses the memory. */
  #launch(bytes: Uint8Array): void {
    const readMs = (bytes.length * 1000) / this.conditions.bytesPerSecond
    this.#down.push(new Uint8Array(bytes), this.#arrival(this.#down) + readMs)
  }

  #arriveUp(bytes: Uint8Array | undefined): void {
    if (this.isOver) return
    if (bytes === undefined) {
      // Answers to the last input leave at the end of this turn; the stream ends after them.
      this.#clock.atEndOfTurn(() => this.#peerEnded())
      return
    }
    this.movedBytes += bytes.length
    if (!this.#isEnding) this.#incoming!.receive(bytes)
  }

  #peerEnded(): void {
    if (!this.#isClientNotified) this.#closeClient()
    this.#lose(undefined)
  }

  #arriveDown(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) {
      this.#closeClient()
      this.#lose(undefined)
      return
    }
    this.movedBytes += bytes.length
    if (!this.#isClientOver) this.#client.received(bytes)
    this.#refill()
  }

  /** Sends held bytes, as far as the window has room. */
  #refill(): void {
    while (this.#held.length > 0 && this.#hasRoom(this.#held[0]!.length)) {
      const bytes = this.#held.shift()!
      this.unsentBytes -= bytes.length
      this.#launch(bytes)
    }
    if (this.#held.length > 0 || !this.#owesDrained) return
    this.#owesDrained = false
    if (this.#isEnding) this.#down.push(undefined, this.#arrival(this.#down))
    else if (!this.isOver) this.#incoming!.drained()
  }

  #closeClient(): void {
    this.#isClientOver = true
    if (this.#isClientNotified) return
    this.#isClientNotified = true
    this.#client.closed()
  }

  /** The broker's end is over; the broker is notified at the end of the turn, never from inside its own call. */
  #lose(error: Error | undefined): void {
    if (this.isOver) return
    this.isOver = true
    this.#held = []
    this.unsentBytes = 0
    this.#up.clear()
    this.#clock.atEndOfTurn(() => this.#incoming?.lost(error))
  }
}
