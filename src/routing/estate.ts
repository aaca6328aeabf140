/**
 * What an ended Session leaves behind: to the other members of its Shared Subscriptions goes all that was not sent, and QoS 1 that
 * was; never QoS 2 that was sent [5.0 MQTT-4.8.2-5]. The rest is dropped.
 *
 *   taken out ──> given, or dropped
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

/** What is said of a drop as it is; of all others, that the Session has ended. */
const AS_IT_IS: ReadonlySet<DropCause> = new Set(['expired', 'damaged'])

/** A delivery that was taken out, with its message or a copy whose payload is read. */
interface Held {
  readonly delivery: Delivery
  readonly message: ApplicationMessage
  /** What is charged for the payload that is read. */
  readonly bytes: number
}

export class Estate implements Task {
  readonly #session: Session
  readonly #remains: Iterator<Delivery, void>
  readonly #side: EstateSide
  readonly #divided: () => void
  readonly #handover: Handover
  /** It waits for a payload, or for its turn to read any. */
  #first: Delivery | undefined = undefined
  /** The last one first. */
  #batch: Held[] = []
  #isReading = false
  #isEntered = false

  /** @param divided called at the end of the work, unless that is over with `begin` */
  constructor(session: Session, side: EstateSide, divided: () => void) {
    this.#session = session
    this.#remains = session.remains()
    this.#side = side
    this.#divided = divided
    this.#handover = new Handover(side)
  }

  get #isDivided(): boolean {
    return !this.holdsTaken && this.#session.isEmpty
  }

  /** Whether something that was taken out of the Session is still to be given. */
  get holdsTaken(): boolean {
    return this.#first !== undefined || this.#batch.length > 0
  }

  /** Does the first slice. @returns whether that was all */
  begin(): boolean {
    if (!this.#guarded()) this.#side.addTask(this.#session, this)
    return this.#isDivided
  }

  resume(): boolean {
    const isOut = this.#guarded()
    if (this.#isDivided) this.#divided()
    return isOut
  }

  /** A mistake of our own must not keep others from reading. */
  #guarded(): boolean {
    try {
      return this.#workOn()
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  /** @returns whether it is over, or will be resumed by those who read */
  #workOn(): boolean {
    const { work } = this.#side
    while (!work.isSpent) {
      if (this.#mustWait()) return true
      const held = this.#batch.pop() ?? this.#take()
      if (held === undefined) return true
      this.#giveAway(held)
      if (this.#batch.length === 0 && this.#first === undefined) this.#leave()
    }
    return this.#isDivided
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
      const next = this.#remains.next()
      if (next.done === true) break
      this.#side.work.spend(Work.entry)
      const held = this.#held(next.value, isForOthers(next.value))
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
    const next = this.#remains.next()
    if (next.done === true) return undefined
    this.#side.work.spend(Work.entry)
    return { delivery: next.value, message: next.value.message, bytes: 0 }
  }

  #giveAway({ delivery, message, bytes }: Held): void {
    const isOthers = isForOthers(delivery)
    const cause = isOthers ? this.#handover.give(message, delivery.shared!) : 'session ended'
    if (isOthers && cause !== undefined && this.#waits(delivery, message, cause)) return
    // Stored together with what the other member was given.
    if (isOthers) this.#session.ledger?.done(this.#session, delivery)
    if (cause !== undefined)
      this.#side.dropped(this.#session, delivery.message, AS_IT_IS.has(cause) ? cause : 'session ended')
    if (message === delivery.message) return
    this.#side.work.spend(copied(bytes))
    this.#session.memory.add(-bytes)
    message.released()
  }

  /** Whether it has to wait until its payload is in RAM. */
  #waits(delivery: Delivery, message: ApplicationMessage, cause: DropCause): boolean {
    if (cause !== 'no member' || this.#side.payloads === undefined) return false
    if (!this.#handover.wouldGoLoaded(message, delivery.shared!)) return false
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
