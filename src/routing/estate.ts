/**
 * What a Session gives away, to the other members of its Shared Subscriptions: all that it holds for them once it has ended
 * (`Remains`), what waits for one that it leaves (`LeftShared`), and what its Client cannot have (`HandedOn`). The rest is dropped.
 *
 *   taken out ──> given, or dropped ──> done in the Store
 *       └──> its payload is in the Store, and only who keeps nothing would have it ──> read, a batch at a time ──> given
 *
 * @module
 */
import { copied, Work } from '../base/work.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import { DeliveryState, type Delivery } from '../protocol/delivery.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { Session } from '../protocol/session.ts'
import { unloadedCopyOf } from '../protocol/unloaded-copy.ts'
import type { Task } from '../turn/turn.ts'
import type { ReturnedOrigin } from './shared-group.ts'
import { Handover, type HandoverSide } from './shared-handover.ts'

/** How many deliveries are held while payloads are read, and how many bytes of these; more if a single one is larger. */
const BATCH_DELIVERIES = 256
const BATCH_BYTES = 4 << 20

/** Reads payloads for estates, one batch at a time for all of them: what they hold in RAM is bounded by one batch. */
export interface EstatePayloads {
  /** Calls `begin` when it is that one's turn, which may be at once; `leave` has to follow. */
  enter(begin: () => void): void
  leave(): void
  /** Calls `done` once each of them is loaded or lost; while the Store cannot be read it is tried again. */
  read(messages: readonly ApplicationMessage[], done: () => void): void
}

/** What an estate works with. */
export interface EstateSide extends HandoverSide {
  /** Absent where nothing is stored. */
  readonly payloads: EstatePayloads | undefined
  /** Works on with that task at the end of this turn. */
  addTask(session: Session, task: Task): void
}

/** Where the deliveries come from. */
export interface EstateSource {
  /** Takes one out of the Session. @returns `undefined` where none is left, or none was found with a few looks */
  take(): Delivery | undefined
  /** Whether no more will come. */
  readonly isOver: boolean
  /** Where it goes from here, if some members cannot have it. */
  originOf(delivery: Delivery): ReturnedOrigin | undefined
  /** What is said of one that nobody has taken. */
  causeOf(cause: DropCause): DropCause
}

/** What is said of a drop as it is; of all others, what brought them here. */
export const AS_IT_IS: ReadonlySet<DropCause> = new Set(['expired', 'damaged'])

/**
 * All that an ended Session holds: to others goes what was not sent, and QoS 1 that was; never QoS 2 that was sent
 * [5.0 MQTT-4.8.2-5].
 */
export class Remains implements EstateSource {
  readonly #session: Session
  readonly #deliveries: Iterator<Delivery, void>

  constructor(session: Session) {
    this.#session = session
    this.#deliveries = session.remains()
  }

  get isOver(): boolean {
    return this.#session.isEmpty
  }

  take(): Delivery | undefined {
    return this.#deliveries.next().value ?? undefined
  }

  originOf(): undefined {
    return undefined
  }

  causeOf(cause: DropCause): DropCause {
    return AS_IT_IS.has(cause) ? cause : 'session ended'
  }
}

/** A delivery that was taken out, with its message or a copy whose payload is read. */
interface Held {
  readonly delivery: Delivery
  readonly message: ApplicationMessage
  /** What is charged for the payload that is read. */
  readonly bytes: number
}

export class Estate implements Task {
  readonly #session: Session
  readonly #source: EstateSource
  readonly #side: EstateSide
  readonly #over: (isDivided: boolean) => void
  readonly #handover: Handover
  /** It waits for a payload, or for its turn to read any. */
  #first: Delivery | undefined = undefined
  /** The last one first. */
  #batch: Held[] = []
  #isReading = false
  #isEntered = false

  /** @param over called at the end; without everything being given or dropped after a mistake of our own */
  constructor(session: Session, source: EstateSource, side: EstateSide, over: (isDivided: boolean) => void) {
    this.#session = session
    this.#source = source
    this.#side = side
    this.#over = over
    this.#handover = new Handover(side)
  }

  get isDivided(): boolean {
    return !this.holdsTaken && this.#source.isOver
  }

  /** Whether something that was taken out of the Session is still to be given. */
  get holdsTaken(): boolean {
    return this.#first !== undefined || this.#batch.length > 0
  }

  /** Does the first slice. */
  begin(): void {
    if (!this.resume()) this.#side.addTask(this.#session, this)
  }

  resume(): boolean {
    const isOut = this.#guarded()
    if (this.isDivided) this.#over(true)
    return isOut
  }

  /** A mistake of our own must not keep others from reading. */
  #guarded(): boolean {
    try {
      return this.#workOn()
    } catch (error) {
      this.#leave()
      this.#over(false)
      throw error
    }
  }

  /** @returns whether it is over, or will be resumed by those who read */
  #workOn(): boolean {
    const { work } = this.#side
    while (!work.isSpent && !this.isDivided) {
      if (this.#mustWait()) return true
      const held = this.#batch.pop() ?? this.#take()
      if (held === undefined) continue
      this.#giveAway(held)
      if (!this.holdsTaken) this.#leave()
    }
    return this.isDivided
  }

  /** Sees to it that the payload of what comes first is read. @returns whether one is awaited */
  #mustWait(): boolean {
    if (this.#first !== undefined) {
      if (this.#isEntered) this.#read(this.#first)
      else this.#enter()
    }
    return this.#first !== undefined || this.#isReading
  }

  #enter(): void {
    this.#side.payloads!.enter(() => {
      this.#isEntered = true
      this.#side.addTask(this.#session, this)
    })
  }

  #leave(): void {
    if (!this.#isEntered) return
    this.#isEntered = false
    this.#side.payloads!.leave()
  }

  /** Reads for the first and for those behind it, which stay in order. */
  #read(first: Delivery): void {
    this.#first = undefined
    const batch = [this.#held(first, true)]
    let bytes = batch[0]!.bytes
    while (batch.length < BATCH_DELIVERIES && bytes < BATCH_BYTES) {
      const next = this.#source.take()
      if (next === undefined) break
      this.#side.work.spend(Work.entry)
      const held = this.#held(next, isForOthers(next))
      bytes += held.bytes
      batch.push(held)
    }
    this.#batch = batch.reverse()
    this.#isReading = true
    this.#session.memory.add(bytes)
    const unloaded = batch.filter(isCopy).map(({ message }) => message)
    this.#side.payloads!.read(unloaded, () => {
      this.#isReading = false
      this.#side.addTask(this.#session, this)
    })
  }

  /** Others may hold the same message, who would be charged for its payload: a copy of it is read. */
  #held(delivery: Delivery, isRead: boolean): Held {
    const { message } = delivery
    if (!isRead || message.isLoaded || message.isLost) return { delivery, message, bytes: 0 }
    return { delivery, message: unloadedCopyOf(message), bytes: message.payloadLength }
  }

  #take(): Held | undefined {
    const delivery = this.#source.take()
    this.#side.work.spend(Work.entry)
    return delivery && { delivery, message: delivery.message, bytes: 0 }
  }

  #giveAway({ delivery, message, bytes }: Held): void {
    const isOthers = isForOthers(delivery)
    const origin = isOthers ? this.#source.originOf(delivery) : undefined
    const cause = isOthers ? this.#handover.give(message, delivery.shared!, origin) : 'session ended'
    if (isOthers && cause !== undefined && this.#waits(delivery, message, cause, origin)) return
    // Stored together with what the other member was given.
    if (isOthers) this.#session.ledger?.done(this.#session, delivery)
    if (cause !== undefined) this.#side.dropped(this.#session, delivery.message, this.#source.causeOf(cause))
    if (message === delivery.message) return
    this.#side.work.spend(copied(bytes))
    this.#session.memory.add(-bytes)
    message.released()
  }

  /** Whether it has to wait until its payload is in RAM. */
  #waits(
    delivery: Delivery,
    message: ApplicationMessage,
    cause: DropCause,
    origin: ReturnedOrigin | undefined,
  ): boolean {
    if (cause !== 'no member' || this.#side.payloads === undefined) return false
    if (!this.#handover.wouldGoLoaded(message, delivery.shared!, origin)) return false
    this.#first = delivery
    return true
  }
}

/** An empty payload is read like any other. */
function isCopy({ delivery, message }: Held): boolean {
  return message !== delivery.message
}

function isForOthers({ shared, qos, state }: Delivery): boolean {
  return shared !== undefined && (qos === 1 || state === DeliveryState.Waiting)
}
