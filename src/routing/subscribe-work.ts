/**
 * One SUBSCRIBE on its way to its SUBACK. It may hold very many filters, each of which costs a walk through the tree
 * and a question to plugins, so it is processed in slices. The Connection's next packets wait until it is finished.
 *
 *   1. every filter is checked, so that a forbidden one is found before anything is granted
 *   2. filter by filter: plugins are asked, the Subscription is made        the same as that many SUBSCRIBEs [5.0 MQTT-3.8.4-5]
 *
 * If the Connection ends meanwhile, the Subscriptions made so far stay, as after that many SUBSCRIBEs without their
 * SUBACK, and so do their retained messages.
 *
 * @module
 */
import { NO_VOTE, type LateVote, type Vote } from '../access/late-vote.ts'
import { scanned, Work, type WorkBudget } from '../base/work.ts'
import type { SubscribePacket, SubscriptionRequest } from '../codec/packets.ts'
import type { ReasonCode } from '../codec/reason-code.ts'
import type { CheckedFilter } from './checked-filter.ts'
import type { Owed } from './replays.ts'
import type { SubscribeOrigin } from './subscribe-origin.ts'
import type { Task } from '../turn/turn.ts'

/** The most questions of one SUBSCRIBE that wait for plugins at the same time. */
const ASKED_AT_ONCE = 64

/** One filter of a SUBSCRIBE that passed the form checks. */
export interface CheckedRequest extends CheckedFilter {
  readonly request: SubscriptionRequest
  readonly levels: number
  /** A Reason Code that is decided before plugins are asked. */
  readonly refused: ReasonCode | undefined
}

/** The filters of a SUBSCRIBE, and its properties. */
export type SubscribeRequest = Pick<SubscribePacket, 'subscriptions' | 'properties'>

/**
 * Answers for the next filters; `undefined` for one that was given at once, and is asked for again when its turn comes.
 */
export type LateVotes = (LateVote | undefined)[]

/** The steps for each filter. */
export interface SubscribeSide {
  readonly work: WorkBudget
  /** @throws {ProtocolError} if the standard or CONNACK forbids it */
  check(origin: SubscribeOrigin, request: SubscriptionRequest): CheckedRequest
  ask(origin: SubscribeOrigin, checked: CheckedRequest): Vote
  /** Whether a vote that took time is still one of the plugins that decide now. */
  isOvertaken(vote: LateVote): boolean
  /** Makes the Subscription, and notes in `owed` if retained messages follow. @returns its code in SUBACK */
  grant(work: SubscribeWork, checked: CheckedRequest, allowed: boolean): number
  /** Continues once plugins have answered. */
  answered(
    work: SubscribeWork,
    answers: Promise<LateVotes>,
    otherwise: LateVotes,
    run: (answers: LateVotes) => void,
  ): void
  /** Continues in the line of work. */
  addTask(owner: object, task: Task): void
  /** Called once all filters are processed, if not at once. */
  finished(work: SubscribeWork): void
  /** Called if its origin has ended meanwhile. */
  abandoned(work: SubscribeWork): void
}

export class SubscribeWork implements Task {
  readonly origin: SubscribeOrigin
  readonly packet: SubscribeRequest
  readonly reasonCodes: number[] = []
  /** Subscriptions for which retained messages follow. */
  readonly owed: Owed[] = []
  readonly #side: SubscribeSide
  readonly #checked: CheckedRequest[] = []
  /** Answers of plugins for the next filters, if they were not given at once. */
  #answers: LateVotes = []

  constructor(side: SubscribeSide, origin: SubscribeOrigin, packet: SubscribeRequest) {
    this.#side = side
    this.origin = origin
    this.packet = packet
  }

  /** Processes filters as far as the share allows. @returns whether all are done; otherwise `finished` follows */
  begin(): boolean {
    const state = this.#step()
    if (state === 'spent') this.#side.addTask(this.origin.session, this)
    else if (state === 'over') this.#side.abandoned(this)
    return state === 'done'
  }

  resume(): boolean {
    if (this.origin.isOver) {
      this.#side.abandoned(this)
      return true
    }
    let isDone = true
    this.origin.guard(() => {
      const state = this.#step()
      isDone = state !== 'spent'
      if (state === 'done') this.#side.finished(this)
      else if (state === 'over') this.#side.abandoned(this)
    })
    return isDone
  }

  #step(): 'done' | 'spent' | 'waits' | 'over' {
    const { work } = this.#side
    while (this.#checked.length < this.packet.subscriptions.length) {
      if (work.isSpent) return 'spent'
      this.#checkNext()
    }
    while (this.reasonCodes.length < this.#checked.length) {
      if (work.isSpent) return 'spent'
      const state = this.#grantNext()
      if (state !== 'granted') return state
    }
    return 'done'
  }

  #checkNext(): void {
    const request = this.packet.subscriptions[this.#checked.length]!
    this.#side.work.spend(Work.entry + 4 * scanned(request.topicFilter.length))
    this.#checked.push(this.#side.check(this.origin, request))
  }

  /** Plugins and listeners to events may end the Session, or its Connection, while they are called. */
  #grantNext(): 'granted' | 'waits' | 'over' {
    const at = this.reasonCodes.length
    const checked = this.#checked[at]!
    const allowed = this.#late() ?? this.#ask(checked)
    if (this.origin.isOver) return 'over'
    if (typeof allowed !== 'boolean') {
      this.#wait(at, allowed)
      return 'waits'
    }
    this.#side.work.spend(Work.subscription + checked.levels * Work.node)
    this.reasonCodes.push(this.#side.grant(this, checked, allowed))
    return this.origin.isOver ? 'over' : 'granted'
  }

  /**
   * The late answer for the next filter, by what holds now; `undefined` if there is none, or a reload has replaced the
   * plugins.
   */
  #late(): Vote | undefined {
    const vote = this.#answers.shift()
    return vote === undefined || this.#side.isOvertaken(vote) ? undefined : vote.now()
  }

  #ask(checked: CheckedRequest): Vote {
    return checked.refused === undefined ? this.#side.ask(this.origin, checked) : true
  }

  /** Asks about the next filters too, so that many answers take no longer than one. */
  #wait(at: number, first: Promise<LateVote>): void {
    const others = this.#checked.slice(at + 1, at + ASKED_AT_ONCE).map((checked) => this.#ask(checked))
    const asked = [first, ...others].map((answer) => Promise.resolve(typeof answer === 'boolean' ? undefined : answer))
    const denied = asked.map(() => NO_VOTE)
    this.#side.answered(this, Promise.all(asked), denied, (answers) => {
      this.#answers = answers
      if (!this.resume()) this.#side.addTask(this.origin.session, this)
    })
  }
}
