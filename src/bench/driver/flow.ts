/**
 * Messages in transit: publishers that send slices of a batch, subscribers that count arrivals, and the groups that
 * keep both in balance.
 *
 *   Group ─┬─ Publisher ── RawConnection ──> broker ──> RawConnection ── Subscriber ─┐
 *          └────────── outstanding deliveries <──────────────────────────────────────┘
 *
 * @module
 */
import { AcknowledgedFrames, FixedFrames, type ReplyRoom } from './arrivals.ts'
import { stampSlice, renew, type Batch, type Layout } from './frames.ts'
import { CHUNK_BYTES, type RawConnection } from './raw-connection.ts'
import type { Stopwatch } from './measurement.ts'
import type { ClosedLoop } from './shape.ts'

const replyRoom: ReplyRoom = { bytes: Buffer.allocUnsafe(2 * CHUNK_BYTES) }

function sendReplies(link: RawConnection, frames: AcknowledgedFrames): void {
  if (frames.repliesBytes === 0) return
  link.send(replyRoom.bytes.subarray(0, frames.repliesBytes))
  if (link.pending) replyRoom.bytes = Buffer.allocUnsafe(2 * CHUNK_BYTES)
}

/** Sends the slices of its batch in turn. */
export class Publisher {
  /** Messages that the broker has not acknowledged yet; always 0 at QoS 0. */
  unacknowledged = 0
  readonly link: RawConnection
  readonly #batch: Batch
  #next = 0
  #identifier = 0

  constructor(link: RawConnection, batch: Batch, group: Group) {
    this.link = link
    this.#batch = batch
    link.writable = () => group.pump()
    if (batch.layout.identifierAt < 0) return
    const frames = new AcknowledgedFrames(batch.layout, replyRoom)
    link.receive = (bytes, start, end) => {
      frames.take(bytes, start, end)
      this.unacknowledged -= frames.finished
      sendReplies(link, frames)
      group.pump()
    }
  }

  /** Hot. @returns how many messages were sent */
  publish(now: number): number {
    const slice = this.#batch.slices[this.#next]!
    this.#next = this.#next + 1 === this.#batch.slices.length ? 0 : this.#next + 1
    if (this.link.pending) renew(slice)
    this.#identifier = stampSlice(slice, this.#batch.layout, now, this.#identifier)
    if (this.#batch.layout.identifierAt >= 0) this.unacknowledged += slice.frames
    this.link.write(slice.bytes)
    return slice.frames
  }
}

/** Publishers and subscribers whose messages are counted together. */
export class Group {
  readonly publishers: Publisher[] = []
  /** Deliveries that have not arrived yet. */
  outstanding = 0
  #running = false
  #turn = 0
  readonly #fan: number
  readonly #loop: ClosedLoop | undefined

  /**
   * @param fan deliveries per message
   * @param loop absent for a paced workload, which sends by the clock instead
   */
  constructor(fan: number, loop: ClosedLoop | undefined) {
    this.#fan = fan
    this.#loop = loop
  }

  start(): void {
    this.#running = true
    this.pump()
  }

  stop(): void {
    this.#running = false
  }

  arrived(messages: number): void {
    this.outstanding -= messages
    this.pump()
  }

  /** Sends one slice of this publisher, however much is in transit. */
  publish(publisher: Publisher, now: number): void {
    this.outstanding += publisher.publish(now) * this.#fan
  }

  /** Sends as much as the window allows. Hot. */
  pump(): void {
    if (!this.#running || this.#loop === undefined) return
    const { window, batch } = this.#loop
    while (this.outstanding + batch * this.#fan <= window * this.#fan) {
      const publisher = this.#nextReady(window - batch)
      if (publisher === undefined) return
      this.publish(publisher, performance.now())
    }
  }

  /** Gives up waiting. @returns how many deliveries are missing */
  forgive(): number {
    const lost = this.outstanding
    this.outstanding = 0
    this.pump()
    return lost
  }

  #nextReady(maxUnacknowledged: number): Publisher | undefined {
    const { publishers } = this
    for (let tried = 0; tried < publishers.length; tried++) {
      const publisher = publishers[this.#turn]!
      this.#turn = this.#turn + 1 === publishers.length ? 0 : this.#turn + 1
      if (!publisher.link.pending && publisher.unacknowledged <= maxUnacknowledged) return publisher
    }
    return undefined
  }
}

/** Counts deliveries on a link, and answers them above QoS 0. */
export function count(link: RawConnection, layout: Layout, group: Group, watch: Stopwatch): void {
  link.receive = layout.identifierAt < 0 ? counter(layout, group, watch) : answerer(link, layout, group, watch)
}

function counter(layout: Layout, group: Group, watch: Stopwatch): RawConnection['receive'] {
  const frames = new FixedFrames(layout)
  return (bytes, start, end) => {
    const messages = frames.take(bytes, start, end)
    if (messages > 0) record(messages, frames.stamp, group, watch)
  }
}

function answerer(link: RawConnection, layout: Layout, group: Group, watch: Stopwatch): RawConnection['receive'] {
  const frames = new AcknowledgedFrames(layout, replyRoom)
  return (bytes, start, end) => {
    frames.take(bytes, start, end)
    sendReplies(link, frames)
    if (frames.messages > 0) record(frames.messages, frames.stamp, group, watch)
  }
}

/** The oldest message of a chunk represents all of it, so the latency is never underestimated. */
function record(messages: number, stamp: number, group: Group, watch: Stopwatch): void {
  watch.messages += messages
  if (!Number.isNaN(stamp)) watch.latencies.record(performance.now() - stamp, messages)
  group.arrived(messages)
}
