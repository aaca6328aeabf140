/**
 * Sends retained messages to new subscriptions (§3.3.1.3).
 *
 *   SUBACK ──> owed: filter, filter … ──> search of the first ──> one message after the other, as fast as they are taken
 *
 * A million messages for one filter are neither gathered nor sent at once: a replay keeps its place in the tree, reads
 * each message when it is sent, works a share at a time, and waits while its receiver has not taken what it was sent.
 * Each receiver has one replay for all its subscriptions. A Session's replay waits with it while its Client is away,
 * and continues where it was. For a Session that is stored, the replay is stored too (`stores/store.ts`,
 * `ReplayRecord`): the Topic Name that was reached, in the same turn as the entries queued up to it. So each message
 * comes once, even across a restart.
 *
 * A Subscription gets each message once: a message that is retained later reaches it when it is published, and is not
 * replayed.
 *
 * @module
 */
import { NO_VOTE } from '../access/late-vote.ts'
import type { LateReplay, MayReplay } from './may-replay.ts'
import { sizeOfText, type MemoryAccount } from '../base/memory-account.ts'
import { copied, Work } from '../base/work.ts'
import { OWED_BYTES, SEARCH_LEVEL_BYTES } from '../protocol/memory-sizes.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Subscription } from '../protocol/subscription.ts'
import type { OrderedSearch } from '../topics/ordered-search.ts'
import type { TopicSearch } from '../topics/topic-search.ts'
import type { RetainedEntry, RetainedMessages } from './retained.ts'
import type { Answers } from '../turn/answers.ts'
import type { Task, Turn } from '../turn/turn.ts'

/** Nodes of the tree that are visited between two checks of the budget. */
const STEP_NODES = 64

/** A Subscription for which retained messages are still to be sent. */
export interface Owed {
  readonly subscription: Subscription
  /** The number of the message that was retained last when the Subscription was made. */
  readonly upToNumber: number
  /** The same in the numbers of the Store, which are valid after a restart; absent if nothing is stored. */
  readonly upToMessageNumber?: number | undefined
  /** The Topic Name that was reached before a restart; empty if it had not begun. */
  readonly after?: string
  /**
   * The number of the Session's Connection on which it was made: only that one gets QoS 0. Absent for the host program,
   * and after a restart.
   */
  readonly connectionNumber?: number
  /** Whether the Store has a record for its Topic Filter, or will get one. */
  isStored?: boolean
}

/** Stores the position of a replay, for a Session that is stored. */
export interface ReplayLedger {
  /** Records that it has reached that Topic Name, which is empty at the beginning. */
  replay(owed: Owed, afterTopicName: string): void
  replayEnded(owed: Owed): void
}

/** The receiver of retained messages: a Session, or a subscription of the host program. */
export interface ReplayReceiver {
  readonly owner: object
  /** Charged for its replay. */
  readonly memory?: MemoryAccount
  /** Absent if the receiver does not outlive the process. */
  readonly ledger?: ReplayLedger | undefined
  /** False while it is away or has not taken what it was sent; `Replays.hasRoom` has to follow. */
  readonly takesMore: boolean
  /** Whether that Subscription still exists and may be sent anything. */
  wants(owed: Owed): boolean
  send(message: ApplicationMessage, owed: Owed): void
  /** Called for a message whose publisher may no longer publish there. Absent if that does not matter. */
  withhold?(message: ApplicationMessage): void
}

export interface ReplaysParts {
  readonly retained: RetainedMessages
  readonly turn: Turn
  readonly answers: Answers
  readonly mayReplay: MayReplay
}

/** A message about whose publisher a plugin was asked. */
interface Asked {
  readonly message: ApplicationMessage
  readonly owed: Owed
  answer: LateReplay | undefined
}

class Replay implements Task {
  isInLine = false
  readonly receiver: ReplayReceiver
  /** By Topic Filter: subscribing again replaces what was still to be sent. */
  readonly #owed = new Map<string, Owed>()
  /** New ones that are not recorded in the Store yet. */
  #unrecorded: Owed[] = []
  #present: Owed | undefined = undefined
  #search: TopicSearch<RetainedEntry> | OrderedSearch<RetainedEntry> | undefined = undefined
  /** The Topic Name that the present search has reached, and the one that was recorded last. */
  #after = ''
  #recordedAfter = ''
  /** The bytes that its receiver is charged with for the search. */
  #searchBytes = 0
  #asked: Asked | undefined = undefined
  readonly #retained: RetainedMessages
  readonly #turn: Turn
  readonly #answers: Answers
  readonly #mayReplay: MayReplay
  readonly #answered: () => void

  constructor(receiver: ReplayReceiver, { retained, turn, answers, mayReplay }: ReplaysParts, answered: () => void) {
    this.receiver = receiver
    this.#retained = retained
    this.#turn = turn
    this.#answers = answers
    this.#mayReplay = mayReplay
    this.#answered = answered
  }

  get isOver(): boolean {
    return this.#asked === undefined && this.#search === undefined && this.#owed.size === 0
  }

  get #isPending(): boolean {
    return this.#asked !== undefined && this.#asked.answer === undefined
  }

  owe(owed: Owed): void {
    const { topicFilter } = owed.subscription
    const before = this.#takeOut(topicFilter)
    if (before?.isStored === true) owed.isStored = true
    this.#owed.set(topicFilter, owed)
    this.receiver.memory?.add(sizeOf(owed))
    if (owed.after === undefined && this.#isKept(owed)) this.#unrecorded.push(owed)
  }

  /** Whether it survives a restart: QoS 0 ends with its Connection. */
  #isKept({ subscription }: Owed): boolean {
    return subscription.qos > 0 && this.receiver.ledger !== undefined
  }

  forget(topicFilter: string): void {
    this.#over(this.#takeOut(topicFilter))
  }

  #takeOut(topicFilter: string): Owed | undefined {
    const present = this.#present
    if (present?.subscription.topicFilter === topicFilter) {
      this.#asked = undefined
      this.#stop()
    }
    const owed = this.#owed.get(topicFilter)
    if (owed === undefined) return present?.subscription.topicFilter === topicFilter ? present : undefined
    this.#owed.delete(topicFilter)
    this.receiver.memory?.add(-sizeOf(owed))
    return owed
  }

  #over(owed: Owed | undefined): void {
    if (owed?.isStored === true) this.receiver.ledger?.replayEnded(owed)
  }

  /** Ends the replay, because its receiver is gone, with everything that is stored of it. */
  cancel(): void {
    for (const owed of this.#owed.values()) this.receiver.memory?.add(-sizeOf(owed))
    this.#owed.clear()
    this.#unrecorded = []
    this.#asked = undefined
    this.#stop()
  }

  /** Its receiver has lost its Connection: messages for that Connection alone are not kept. */
  disconnected(): void {
    if (this.#present === undefined || this.receiver.wants(this.#present)) return
    this.#asked = undefined
    this.#finish()
  }

  #finish(): void {
    this.#over(this.#present)
    this.#stop()
  }

  #stop(): void {
    this.#search?.end()
    this.#search = undefined
    this.#present = undefined
    this.#charge()
  }

  /** Charges for a search, which may be as deep as topics are, and wait for days. */
  #charge(): void {
    const search = this.#search
    const bytes = search === undefined ? 0 : OWED_BYTES + sizeOfSearch(search) + sizeOfText(this.#after)
    if (bytes !== this.#searchBytes) this.receiver.memory?.add(bytes - this.#searchBytes)
    this.#searchBytes = bytes
  }

  /**
   * Continues as far as the share and the receiver allow. @returns whether it is only to be resumed when there is room
   */
  resume(): boolean {
    const isWaiting = this.#guarded()
    this.#charge()
    this.record()
    return isWaiting
  }

  /** After a mistake of the broker, the slice ends and the replay leaves the line. */
  #guarded(): boolean {
    try {
      return this.#workOn()
    } catch (error) {
      this.isInLine = false
      throw error
    }
  }

  /**
   * Records what is still to be sent, and how far the present search has come. Entries that are finished by now are not
   * recorded.
   */
  record(): void {
    const { ledger } = this.receiver
    for (const owed of this.#unrecorded) {
      if (this.#owed.get(owed.subscription.topicFilter) === owed) this.#recordOne(owed, '')
    }
    this.#unrecorded = []
    const present = this.#present
    if (present === undefined || ledger === undefined || !this.#isKept(present)) return
    if (present.isStored === true && this.#after === this.#recordedAfter) return
    this.#recordOne(present, this.#after)
    this.#recordedAfter = this.#after
  }

  #recordOne(owed: Owed, after: string): void {
    owed.isStored = true
    this.receiver.ledger?.replay(owed, after)
  }

  #workOn(): boolean {
    const { work } = this.#turn
    while (!this.isOver && !this.#isPending && this.receiver.takesMore) {
      if (work.isSpent) return false
      if (this.#asked !== undefined) this.#settle(this.#asked)
      else if (this.#search === undefined) this.#next()
      else this.#step(this.#search)
    }
    this.isInLine = false
    return true
  }

  #next(): void {
    const [topicFilter, owed] = this.#owed.entries().next().value!
    this.#takeOut(topicFilter)
    if (!this.receiver.wants(owed)) {
      this.#over(owed)
      return
    }
    this.#present = owed
    this.#after = owed.after ?? ''
    this.#recordedAfter = this.#after
    this.#turn.work.spend(Work.subscription)
    this.#search = this.#isKept(owed)
      ? this.#retained.searchInOrder(topicFilter, this.#after)
      : this.#retained.search(topicFilter)
  }

  #step(search: TopicSearch<RetainedEntry> | OrderedSearch<RetainedEntry>): void {
    const owed = this.#present!
    const { visited } = search
    const isMore = this.receiver.wants(owed) && search.step(STEP_NODES)
    this.#turn.work.spend((search.visited - visited) * Work.node + 1)
    if (!isMore) this.#finish()
    else if (search.value !== undefined && isOwed(search.value, owed)) this.#send(search.value, owed)
  }

  #send({ message }: RetainedEntry, owed: Owed): void {
    if (message.isExpired(this.#turn.now())) return
    this.#turn.work.spend(Work.delivery + copied(message.size))
    const may = this.receiver.withhold === undefined || this.#mayReplay(message)
    if (may instanceof Promise) this.#wait({ message, owed, answer: undefined }, may)
    else this.#decided(message, owed, may)
  }

  #decided(message: ApplicationMessage, owed: Owed, may: boolean): void {
    this.#after = message.topicName
    if (may) this.receiver.send(message, owed)
    else this.receiver.withhold?.(message)
  }

  #wait(asked: Asked, may: Promise<LateReplay>): void {
    this.#asked = asked
    this.#answers.when<LateReplay>(may, NO_VOTE, this.receiver.owner, (vote) => {
      asked.answer = vote
      if (this.#asked === asked) this.#answered()
    })
  }

  /** A message that has replaced it meanwhile has reached the Subscription when it was published. */
  #settle({ message, owed, answer }: Asked): void {
    this.#asked = undefined
    const isPresent = this.#retained.get(message.topicName) === message
    if (!isPresent || !this.receiver.wants(owed)) return
    const may = answer!.now()
    if (may instanceof Promise) this.#wait({ message, owed, answer: undefined }, may)
    else this.#decided(message, owed, may)
  }
}

/** Whether that message was retained before the Subscription was made. */
function isOwed(
  { number, message }: RetainedEntry,
  { upToNumber, upToMessageNumber = Infinity, after }: Owed,
): boolean {
  // Entries get new numbers at a restart; messages keep theirs.
  return number <= upToNumber && (after === undefined || message.messageNumber <= upToMessageNumber)
}

function sizeOf({ after = '' }: Owed): number {
  return OWED_BYTES + sizeOfText(after)
}

function sizeOfSearch({ levels, nameBytes }: TopicSearch<RetainedEntry> | OrderedSearch<RetainedEntry>): number {
  return levels * SEARCH_LEVEL_BYTES + nameBytes
}

export class Replays {
  readonly #parts: ReplaysParts
  readonly #replays = new Map<object, Replay>()

  constructor(parts: ReplaysParts) {
    this.#parts = parts
  }

  /**
   * Sends retained messages to Subscriptions: at once as far as the share allows, then as fast as they are taken.
   *
   * @param key identifies the receiver for `hasRoom`, `forget` and `end`
   * @param receiver makes the receiver, if it has no replay at the moment
   */
  owe(key: object, receiver: () => ReplayReceiver, owed: readonly Owed[]): void {
    if (owed.length === 0) return
    if (this.#parts.retained.count === 0) return this.#nothing(key, receiver, owed)
    let replay = this.#replays.get(key)
    if (replay === undefined) {
      replay = new Replay(receiver(), this.#parts, () => this.hasRoom(key))
      this.#replays.set(key, replay)
    }
    for (const one of owed) replay.owe(one)
    if (!replay.isInLine) this.#resume(key, replay)
    replay.record()
  }

  /** Ends entries because nothing is retained; something was when they were recorded. */
  #nothing(key: object, receiver: () => ReplayReceiver, owed: readonly Owed[]): void {
    for (const one of owed) {
      this.forget(key, one.subscription.topicFilter)
      if (one.isStored === true) receiver().ledger?.replayEnded(one)
    }
  }

  hasRoom(key: object): void {
    const replay = this.#replays.get(key)
    if (replay !== undefined && !replay.isInLine) this.#resume(key, replay)
  }

  #resume(key: object, replay: Replay): void {
    replay.isInLine = true
    const task = { resume: () => replay.resume() && this.#left(key, replay) }
    if (!task.resume()) this.#parts.turn.addTask(replay.receiver.owner, task)
  }

  #left(key: object, replay: Replay): true {
    if (replay.isOver && this.#replays.get(key) === replay) this.#replays.delete(key)
    return true
  }

  /** Ends what is to be sent for that Topic Filter. */
  forget(key: object, topicFilter: string): void {
    const replay = this.#replays.get(key)
    if (replay === undefined) return
    replay.forget(topicFilter)
    if (!replay.isInLine) this.#left(key, replay)
  }

  /** Called when that receiver has lost its Connection. */
  disconnected(key: object): void {
    const replay = this.#replays.get(key)
    if (replay === undefined) return
    replay.disconnected()
    if (!replay.isInLine) this.#left(key, replay)
  }

  end(key: object): void {
    this.#replays.get(key)?.cancel()
    this.#replays.delete(key)
  }
}
