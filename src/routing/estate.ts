/**
 * The messages that a Session hands on to other members of its Shared Subscriptions: everything it holds for them once
 * it has ended (`Remains`), what waits for one that it leaves (`LeftShared`), and what its Client cannot get
 * (`HandedOn`). The rest is dropped.
 *
 *   taken out ──> given, or dropped ──> done in the Store
 *       └──> its payload is in the Store, wanted only by members that store nothing ──> read, a batch at a time ──> given
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

/** How many deliveries are held while payloads are read, and how many bytes of them; more if a single one is larger. */
const BATCH_DELIVERIES = 256
const BATCH_BYTES = 4 << 20

/** Reads payloads for estates, one batch at a time for all of them, which limits what they hold in RAM. */
export interface EstatePayloads {
  /** Calls `begin` at the turn of this estate, which may be at once; `leave` has to follow. */
  enter(begin: () => void): void
  leave(): void
  /** Calls `done` once each message is loaded or lost; while the Store cannot be read, it is tried again. */
  read(messages: readonly ApplicationMessage[], done: () => void): void
}

/** What an estate works with. */
export interface EstateSide extends HandoverSide {
  /** Absent if nothing is stored. */
  readonly payloads: EstatePayloads | undefined
  /** Continues with that task at the end of this turn. */
  addTask(session: Session, task: Task): void
}

/** The source of the deliveries. */
export interface EstateSource {
  /** Takes one out of the Session. @returns `undefined` if none is left, or none was found with a few looks */
  take(): Delivery | undefined
  /** Whether no more will come. */
  readonly isOver: boolean
  /** The origin to deliver it with, if some members cannot get it. */
  originOf(delivery: Delivery): ReturnedOrigin | undefined
  /** The cause to report for a delivery that nobody has taken. */
  causeOf(cause: DropCause): DropCause
}

/** Causes that are reported as they are. For all others, the cause that brought the delivery here is reported. */
export const AS_IT_IS: ReadonlySet<DropCause> = new Set(['expired', 'damaged'])

/**
 * Everything that an ended Session holds. Others get what was not sent, and QoS 1 that was; never QoS 2 that was sent
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
  /** The bytes charged for the payload that was read. */
  readonly bytes: number
}

export class Estate implements Task {
  readonly #session: Session
  readonly #source: EstateSource
  readonly #side: EstateSide
  readonly #over: (isDivided: boolean) => void
  readonly #handover: Handover
  /** The delivery that waits for its payload, or for its turn to read one. */
  #first: Delivery | undefined = undefined
  /** In reverse order. */
  #batch: Held[] = []
  #isReading = false
  #isEntered = false

  /** @param over called at the end; after a mistake of the broker, before everything is given or dropped */
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

  /** Whether deliveries that were taken out of the Session are still to be handed on. */
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

  /** A mistake of the broker must not keep other estates from reading. */
  #guarded(): boolean {
    try {
      return this.#workOn()
    } catch (error) {
      this.#leave()
      this.#over(false)
      throw error
    }
  }

  /** @returns whether it is finished, or will be resumed by the reader of payloads */
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

  /** Reads the payload of the first delivery, if necessary. @returns whether it has to wait for one */
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

  /** Reads payloads for the first delivery and for the next ones, which stay in order. */
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

  /** Others may hold the same message, and would be charged for its payload, so a copy of it is read. */
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
    // Stored together with what the other member received.
    if (isOthers) this.#session.ledger?.done(this.#session, delivery)
    if (cause !== undefined) this.#side.dropped(this.#session, delivery.message, this.#source.causeOf(cause))
    if (message === delivery.message) return
    this.#side.work.spend(copied(bytes))
    this.#session.memory.add(-bytes)
    message.released()
  }

  /** Whether a delivery has to wait until its payload is in RAM. */
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
