/**
 * Live events of the broker for readers of `/api/v1/events` (Server-Sent Events).
 *
 *   event ──> waiting events ──in slices of turns──> text, made once ──> each reader that wants it
 *             MAX_WAITING, then lost                                     its buffer, then lost for it
 *
 * An event costs the turn in which it is emitted an entry in a list, whatever readers do: a storm of them is written
 * when there is time, or lost. A reader that has lost some is told how many. A reader that does not read costs its
 * buffer, and is closed after a minute.
 *
 * @module
 */
import type { Timer } from '../../base/clock.ts'
import { scanned } from '../../base/work.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { AdminHost } from '../../broker/host/admin-door.ts'
import { overviewOf } from '../views/broker-views.ts'
import { eventText, type LiveEvent } from './live-events.ts'
import { EventReader, type ReaderOptions } from './event-reader.ts'
import type { EventSink } from './request.ts'

/** Events that wait to be written, for all readers. */
const MAX_WAITING = 1000
const TICK_MS = 1000
/** Proxies close what is silent for longer. */
const HEARTBEAT_TICKS = 15
/** Units for an event besides its text: an object is made and written. */
const EVENT_UNITS = 20

interface WaitingEvent {
  readonly name: LiveEvent
  readonly event: object
}

export class EventHub {
  readonly #broker: Broker
  readonly #host: AdminHost
  readonly #readers = new Set<EventReader>()
  readonly #listening = new Map<LiveEvent, (event: object) => void>()
  #waiting: WaitingEvent[] = []
  /** Since the last that were written. */
  #lost = 0
  #isWriting = false
  #timer: Timer | undefined
  #ticks = 0

  constructor(broker: Broker, host: AdminHost) {
    this.#broker = broker
    this.#host = host
  }

  get size(): number {
    return this.#readers.size
  }

  /** @returns what ends it */
  open(options: ReaderOptions, sink: EventSink): () => void {
    const reader = new EventReader(options, sink)
    this.#readers.add(reader)
    for (const name of options.names) this.#listenTo(name)
    this.#timer ??= this.#nextTick()
    reader.write('retry: 3000\n\n')
    return () => this.#remove(reader)
  }

  /** Ends all readers. */
  close(): void {
    for (const reader of this.#readers) reader.close()
    for (const reader of this.#readers) this.#remove(reader)
  }

  #remove(reader: EventReader): void {
    this.#readers.delete(reader)
    for (const [name, listener] of this.#listening) {
      if ([...this.#readers].some(({ wants }) => wants.has(name))) continue
      this.#host.events.off(name, listener)
      this.#listening.delete(name)
    }
    if (this.#readers.size > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #listenTo(name: LiveEvent): void {
    if (this.#listening.has(name)) return
    const listener = (event: object): void => this.#add({ name, event })
    this.#listening.set(name, listener)
    this.#host.events.on(name, listener)
  }

  /** Hot: a thousand clients may leave in one turn. */
  #add(event: WaitingEvent): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#lost++
      return
    }
    this.#waiting.push(event)
    if (this.#isWriting || this.#broker.state !== 'started') return
    this.#isWriting = true
    serverOf(this.#broker).turn.addTask(this, { resume: () => this.#write() })
  }

  /** @returns whether everything is written */
  #write(): boolean {
    const { work } = serverOf(this.#broker).turn
    const waiting = this.#waiting
    let done = 0
    while (done < waiting.length && !work.isSpent) {
      const { name, event } = waiting[done++]!
      const text = eventText(name, event)
      work.spend(EVENT_UNITS + scanned(text.length))
      for (const reader of this.#readers) if (reader.takes(name)) this.#give(reader, text)
    }
    this.#waiting = waiting.slice(done)
    if (this.#waiting.length > 0) return false
    for (const reader of this.#readers) reader.lost += this.#lost
    this.#count(this.#lost)
    this.#lost = 0
    this.#isWriting = false
    return true
  }

  #give(reader: EventReader, text: string): void {
    if (!reader.write(text)) this.#count(1)
  }

  #count(lost: number): void {
    if (this.#broker.state === 'started') serverOf(this.#broker).metrics.adminEventsLost += lost
  }

  #nextTick(): Timer {
    return this.#host.clock.setTimer(TICK_MS, () => {
      this.#timer = this.#nextTick()
      this.#tick()
    })
  }

  #tick(): void {
    if (this.#broker.state !== 'started') return
    this.#ticks++
    this.#endFormer()
    const overviews = [...this.#readers].filter(({ interval }) => interval > 0 && this.#ticks % interval === 0)
    if (overviews.length > 0) {
      const text = eventText('overview', overviewOf(this.#broker))
      for (const reader of overviews) this.#give(reader, text)
    }
    if (this.#ticks % HEARTBEAT_TICKS > 0) return
    for (const reader of this.#readers) if (!reader.beat()) this.#remove(reader)
  }

  /** Ends those who may no longer read. */
  #endFormer(): void {
    for (const reader of this.#readers) {
      if (reader.mayRead) continue
      reader.close()
      this.#remove(reader)
    }
  }
}
