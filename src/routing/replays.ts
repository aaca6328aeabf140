/**
 * Sends retained messages to new subscriptions (§3.3.1.3).
 *
 *   SUBACK ──> owed: filter, filter … ──> search of the first ──> one message after the other, as fast as they are taken
 *
 * A million messages for one filter are neither gathered nor sent at once: a replay holds its place in the tree, reads each
 * message when it is sent, works a share at a time, and waits while its receiver has not taken what it was sent. Each receiver
 * has one replay, whatever it subscribed to; that of a Session waits with it while its Client is away, and goes on where it was.
 * Of a Session that is stored, what is owed is stored too (`stores/store.ts`, `ReplayRecord`): the Topic Name that was reached,
 * in the turn of the entries that have been queued up to it. So after a restart each message comes once as well.
 *
 * A Subscription gets each message once: what is retained after it was made reaches it as it is published, and is not replayed.
 *
 * @module
 */
import type { MaybePromise } from '../base/maybe-promise.ts'
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

/** Nodes of the tree that are visited before the budget is looked at. */
const STEP_NODES = 64

/** A Subscription that retained messages are owed to. */
export interface Owed {
  readonly subscription: Subscription
  /** Number of the message that was retained last when it was made. */
  readonly upToNumber: number
  /** The same as the Store numbers messages, which is what holds after a restart; absent where nothing is stored. */
  readonly upToMessageNumber?: number | undefined
  /** Before a restart it had come to that Topic Name, or, where this is empty, had not begun. */
  readonly after?: string
  /** Of its Session, which one it was made on: QoS 0 is owed to that one only. Absent for the host program, and after a restart. */
  readonly connectionNumber?: number
  /** Whether the Store knows that something is owed to its Topic Filter, or will. */
  isStored?: boolean
}

/** Keeps what is owed to a Session that is stored. */
export interface ReplayLedger {
  /** It has come to that Topic Name, which is empty at the beginning. */
  replay(owed: Owed, afterTopicName: string): void
  replayEnded(owed: Owed): void
}

/** Who gets them: a Session, or a subscription of the host program. */
export interface ReplayReceiver {
  /** Whom the work is done for. */
  readonly owner: object
  /** Charged with what it is owed. */
  readonly memory?: MemoryAccount
  /** Absent where it does not outlive the process. */
  readonly ledger?: ReplayLedger | undefined
  /** False while it is away or has not taken what it was sent; `Replays.hasRoom` has to follow. */
  readonly takesMore: boolean
  /** Whether that Subscription still holds, and may be sent anything. */
  wants(owed: Owed): boolean
  send(message: ApplicationMessage, owed: Owed): void
  /** Its publisher may not publish there any longer. Absent where that does not matter. */
  withhold?(message: ApplicationMessage): void
}

/** Whether the publisher of a retained message may still publish it. */
export type MayReplay = (message: ApplicationMessage) => MaybePromise<boolean>

/** What replays work with. */
export interface ReplaysParts {
  readonly retained: RetainedMessages
  readonly turn: Turn
  readonly answers: Answers
  readonly mayReplay: MayReplay
}

/** A message whose publisher a plugin thinks about, or has decided about. */
interface Asked {
  readonly message: ApplicationMessage
  readonly owed: Owed
  answer: boolean | undefined
}

class Replay implements Task {
  isInLine = false
  readonly receiver: ReplayReceiver
  /** By Topic Filter: to subscribe again takes the place of what was owed before. */
  readonly #owed = new Map<string, Owed>()
  /** New ones, of which the Store was not told. */
  #unrecorded: Owed[] = []
  #present: Owed | undefined = undefined
  #search: TopicSearch<RetainedEntry> | OrderedSearch<RetainedEntry> | undefined = undefined
  /** The Topic Name that the present one has come to, and the one that the Store was told last. */
  #after = ''
  #recordedAfter = ''
  /** What its receiver is charged with for the search. */
  #searchBytes = 0
  #asked: Asked | undefined = undefined
  readonly #retained: RetainedMessages
  readonly #turn: Turn
  readonly #answers: Answers
  readonly #mayReplay: MayReplay
  /** Resumes it, since an answer has come. */
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

  /** Whether that is owed after a restart too: QoS 0 ends with its Connection. */
  #isKept({ subscription }: Owed): boolean {
    return subscription.qos > 0 && this.receiver.ledger !== undefined
  }

  forget(topicFilter: string): void {
    this.#over(this.#takeOut(topicFilter))
  }

  /** @returns what was owed to that filter */
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

  /** Nothing of that is owed any more. */
  #over(owed: Owed | undefined): void {
    if (owed?.isStored === true) this.receiver.ledger?.replayEnded(owed)
  }

  /** Its receiver is gone, and all that is stored of it. */
  cancel(): void {
    for (const owed of this.#owed.values()) this.receiver.memory?.add(-sizeOf(owed))
    this.#owed.clear()
    this.#unrecorded = []
    this.#asked = undefined
    this.#stop()
  }

  /** Its receiver has lost its Connection: what that alone was owed is not kept. */
  disconnected(): void {
    if (this.#present === undefined || this.receiver.wants(this.#present)) return
    this.#asked = undefined
    this.#finish()
  }

  /** What is searched for at present is owed no more. */
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

  /** A search may be as deep as topics are, and wait for days. */
  #charge(): void {
    const search = this.#search
    const bytes = search === undefined ? 0 : OWED_BYTES + sizeOfSearch(search) + sizeOfText(this.#after)
    if (bytes !== this.#searchBytes) this.receiver.memory?.add(bytes - this.#searchBytes)
    this.#searchBytes = bytes
  }

  /** Works on as far as the share, and the receiver, let it. @returns whether it is to be resumed only when there is room */
  resume(): boolean {
    const isWaiting = this.#guarded()
    this.#charge()
    this.record()
    return isWaiting
  }

  /** A mistake of our own ends the slice, and leaves the line. */
  #guarded(): boolean {
    try {
      return this.#workOn()
    } catch (error) {
      this.isInLine = false
      throw error
    }
  }

  /** To the Store with what is owed, and how far the present one has come. What is over by now was never owed. */
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

  #wait(asked: Asked, may: Promise<boolean>): void {
    this.#asked = asked
    this.#answers.when(may, false, this.receiver.owner, (yes) => {
      asked.answer = yes
      if (this.#asked === asked) this.#answered()
    })
  }

  /** What took its place meanwhile has reached the Subscription as it was published. */
  #settle({ message, owed, answer }: Asked): void {
    this.#asked = undefined
    const isPresent = this.#retained.get(message.topicName) === message
    if (isPresent && this.receiver.wants(owed)) this.#decided(message, owed, answer === true)
  }
}

/** Whether that message was retained before the Subscription was made. */
function isOwed(
  { number, message }: RetainedEntry,
  { upToNumber, upToMessageNumber = Infinity, after }: Owed,
): boolean {
  // Entries were numbered anew at the restart; messages have kept their numbers.
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
   * Sends what is retained to a Subscription: at once as far as the share reaches, then as fast as it is taken.
   *
   * @param key what `hasRoom`, `forget` and `end` name the receiver by
   * @param receiver makes it, if it has nothing owed at the moment
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

  /** Nothing is retained; something was, when the Store was told of it. */
  #nothing(key: object, receiver: () => ReplayReceiver, owed: readonly Owed[]): void {
    for (const one of owed) {
      this.forget(key, one.subscription.topicFilter)
      if (one.isStored === true) receiver().ledger?.replayEnded(one)
    }
  }

  /** That receiver takes more. */
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

  /** That Topic Filter is owed nothing any more. */
  forget(key: object, topicFilter: string): void {
    const replay = this.#replays.get(key)
    if (replay === undefined) return
    replay.forget(topicFilter)
    if (!replay.isInLine) this.#left(key, replay)
  }

  /** That receiver has lost its Connection. */
  disconnected(key: object): void {
    const replay = this.#replays.get(key)
    if (replay === undefined) return
    replay.disconnected()
    if (!replay.isInLine) this.#left(key, replay)
  }

  /** That receiver is gone. */
  end(key: object): void {
    this.#replays.get(key)?.cancel()
    this.#replays.delete(key)
  }
}
