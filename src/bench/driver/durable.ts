/**
 * Measures messages of QoS 1 to sessions that outlive their connections: how fast they are acknowledged, which at some
 * levels of durability means stored, and how fast connected clients receive them.
 *
 * @module
 */
import { AcknowledgedFrames, type ReplyRoom } from './arrivals.ts'
import { Crowd, inParallel } from './crowd.ts'
import { DISCONNECT, publishBatch, renew, stampSlice, subscribePacket, type Batch, type Layout } from './frames.ts'
import { CHUNK_BYTES, type RawConnection, RawConnectionError, type Target } from './raw-connection.ts'
import { Stopwatch, type Measurement, type UsageProbe } from './measurement.ts'
import type { Durable, Job } from './shape.ts'
import { startPacing, subscribe } from './traffic.ts'

const RETAINED_PER_SLICE = 50
/** A run that is not finished by then has failed. */
const TIMEOUT_MS = 240_000

/** Drives `shape`; see `drive`. Latency is the time from the write of a message to the read of its PUBACK. */
export async function driveDurable(target: Target, job: Job, shape: Durable, probe: UsageProbe): Promise<Measurement> {
  const crowd = new Crowd(target, job.version)
  const watch = new Stopwatch(probe)
  try {
    if (shape.retained !== undefined) await retainAll(crowd, job, shape, shape.retained)
    return await new Run(crowd, job, shape, watch).measure()
  } finally {
    crowd.close()
  }
}

async function retainAll(crowd: Crowd, job: Job, shape: Durable, retained: number): Promise<void> {
  const link = await crowd.logIn()
  const topicNames = Array.from(
    { length: retained },
    (_, at) => `state/${padded(at % 1000, 4)}/sensor-${padded(at, 7)}`,
  )
  const common = { version: job.version, qos: 1, retain: true, payloadBytes: shape.payloadBytes } as const
  await publishAll(crowd, link, publishBatch({ ...common, topicNames, framesPerSlice: RETAINED_PER_SLICE }))
}

/** Publishes the slices of a batch of QoS 1 once, each when the one before it is acknowledged. */
export async function publishAll(crowd: Crowd, link: RawConnection, batch: Batch): Promise<void> {
  const sender = new Sender(link, batch)
  let left = batch.slices.length
  await crowd.until(
    new Promise<void>((resolve) => {
      sender.changed = () => {
        if (sender.unacknowledged > 0 || link.pending) return
        if (left-- === 0) resolve()
        else sender.publish(performance.now())
      }
      sender.changed()
    }),
    TIMEOUT_MS,
  )
  if (left > 0) throw new RawConnectionError(`${left} slices of messages were not acknowledged`)
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}

const noReplies: ReplyRoom = { bytes: Buffer.alloc(0) }

/** Sends the slices of its batch in turn, and keeps the time of each until it is acknowledged. */
class Sender {
  unacknowledged = 0
  /** Called after an acknowledgement, and after a write has left. */
  changed: () => void = () => undefined
  /** Called for each acknowledgement, or for several that arrived together. */
  acknowledged: (messages: number, latencyMs: number) => void = () => undefined
  readonly link: RawConnection
  readonly #batch: Batch
  #next = 0
  #identifier = 0
  /** Slices in transit, oldest first. */
  readonly #sent: { readonly at: number; left: number }[] = []

  constructor(link: RawConnection, batch: Batch) {
    this.link = link
    this.#batch = batch
    link.writable = () => this.changed()
    const frames = new AcknowledgedFrames(batch.layout, noReplies)
    link.receive = (bytes, start, end) => {
      frames.take(bytes, start, end)
      this.#finish(frames.finished)
      this.changed()
    }
  }

  publish(now: number): void {
    const slice = this.#batch.slices[this.#next]!
    this.#next = this.#next + 1 === this.#batch.slices.length ? 0 : this.#next + 1
    if (this.link.pending) renew(slice)
    this.#identifier = stampSlice(slice, this.#batch.layout, now, this.#identifier)
    this.unacknowledged += slice.frames
    this.#sent.push({ at: now, left: slice.frames })
    this.link.write(slice.bytes)
  }

  #finish(messages: number): void {
    this.unacknowledged -= messages
    const now = performance.now()
    while (messages > 0) {
      const oldest = this.#sent[0]!
      const some = Math.min(messages, oldest.left)
      this.acknowledged(some, now - oldest.at)
      messages -= some
      oldest.left -= some
      if (oldest.left === 0) this.#sent.shift()
    }
  }
}

/**
 * One run. In its closed loop a message is in transit until it is acknowledged and, if its receiver is connected,
 * delivered.
 */
class Run {
  readonly #crowd: Crowd
  readonly #job: Job
  readonly #shape: Durable
  readonly #watch: Stopwatch
  readonly #senders: Sender[] = []
  #sent = 0
  #acknowledged = 0
  #delivered = 0
  #turn = 0
  #finished: () => void = () => undefined

  constructor(crowd: Crowd, job: Job, shape: Durable, watch: Stopwatch) {
    this.#crowd = crowd
    this.#job = job
    this.#shape = shape
    this.#watch = watch
  }

  async measure(): Promise<Measurement> {
    const { pace } = this.#shape
    const layout = await this.#openPublishers()
    await inParallel(this.#shape.sessions, (index) => this.#openSession(index, layout))
    return 'perSecond' in pace ? this.#measurePaced(pace.perSecond) : this.#measureLoop()
  }

  async #openPublishers(): Promise<Layout> {
    const { publishers, sessions, payloadBytes, pace, topics = 1 } = this.#shape
    const links = await inParallel(publishers, () => this.#crowd.logIn())
    const batches = links.map((_, index) => {
      const name = `durable/${padded(index % sessions, 4)}/${padded(index, 4)}`
      const topicNames = Array.from({ length: topics }, (__, at) => `${name}/${padded(at, 4)}`)
      const framesPerSlice = 'batch' in pace ? pace.batch : 1
      return publishBatch({ version: this.#job.version, qos: 1, payloadBytes, topicNames, framesPerSlice })
    })
    for (const [index, link] of links.entries()) {
      const sender = new Sender(link, batches[index]!)
      sender.acknowledged = (messages, latencyMs) => this.#onAcknowledged(messages, latencyMs)
      this.#senders.push(sender)
    }
    this.#crowd.watch(links)
    return batches[0]!.layout
  }

  /** Creates a session with its subscription; its client then disconnects, or stays to receive. */
  async #openSession(index: number, layout: Layout): Promise<void> {
    const link = await this.#crowd.logIn(false)
    await subscribe(link, subscribePacket(this.#job.version, 1, [`durable/${padded(index, 4)}/#`], 1))
    if (!this.#shape.connected) {
      link.send(DISCONNECT)
      return
    }
    const replies: ReplyRoom = { bytes: Buffer.allocUnsafe(CHUNK_BYTES) }
    const frames = new AcknowledgedFrames(layout, replies)
    link.receive = (bytes, start, end) => {
      frames.take(bytes, start, end)
      if (frames.repliesBytes > 0) link.send(replies.bytes.subarray(0, frames.repliesBytes))
      if (link.pending) replies.bytes = Buffer.allocUnsafe(CHUNK_BYTES)
      this.#delivered += frames.messages
      this.#pump()
    }
    this.#crowd.watch([link])
  }

  #onAcknowledged(messages: number, latencyMs: number): void {
    this.#acknowledged += messages
    this.#watch.messages += messages
    this.#watch.latencies.record(latencyMs, messages)
  }

  async #measureLoop(): Promise<Measurement> {
    for (const sender of this.#senders) sender.changed = () => this.#pump()
    const done = new Promise<void>((resolve) => (this.#finished = resolve))
    this.#watch.begin()
    this.#pump()
    await this.#crowd.until(done, TIMEOUT_MS)
    const measurement = this.#watch.end()
    return { ...measurement, lost: this.#sent - this.#completed }
  }

  async #measurePaced(perSecond: number): Promise<Measurement> {
    const { seconds, warmUpSeconds } = this.#job
    const publish = (sender: Sender, now: number): void => {
      this.#sent++
      sender.publish(now)
    }
    const stop = startPacing(this.#senders, perSecond, this.#watch, publish)
    try {
      await this.#crowd.wait(warmUpSeconds * 1000)
      this.#watch.begin()
      await this.#crowd.wait(seconds * 1000)
      const measurement = this.#watch.end()
      stop()
      for (const until = performance.now() + TIMEOUT_MS; this.#completed < this.#sent && performance.now() < until;) {
        await this.#crowd.wait(5)
      }
      return { ...measurement, lost: this.#sent - this.#completed }
    } finally {
      stop()
    }
  }

  get #completed(): number {
    return this.#shape.connected ? Math.min(this.#acknowledged, this.#delivered) : this.#acknowledged
  }

  /** Hot: sends as much as the window allows, until everything is sent. */
  #pump(): void {
    const { messages = 0, pace } = this.#shape
    if (!('window' in pace)) return
    const { window, batch } = pace
    while (this.#sent < messages && this.#sent - this.#completed + batch <= window) {
      const sender = this.#nextReady()
      if (sender === undefined) return
      this.#sent += batch
      sender.publish(performance.now())
    }
    if (this.#completed >= messages) this.#finished()
  }

  #nextReady(): Sender | undefined {
    for (let tried = 0; tried < this.#senders.length; tried++) {
      const sender = this.#senders[this.#turn]!
      this.#turn = this.#turn + 1 === this.#senders.length ? 0 : this.#turn + 1
      if (!sender.link.pending) return sender
    }
    return undefined
  }
}
