/**
 * What the broker remembers of one Connection: its listener, an AUTH exchange under way, and topic decisions, which hold
 * until the permissions change.
 *
 * @module
 */
import { sizeOfText, type MemoryAccount } from '../../base/memory-account.ts'
import type { KnownTopic } from '../../protocol/server-side.ts'
import { MAX_KEPT_BYTES } from '../../topics/match-cache.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { ExchangeStates, Grounds } from '../../access/access.ts'
import type { ListenerState } from './listener-state.ts'
import type { Network } from './lobby.ts'
import type { LoginAttempt } from '../../access/login-attempt.ts'
import type { Options } from '../../config/options.ts'

/** More topics than that from one Connection are asked about anew now and then, and long ones each time that another came between. */
const MAX_REMEMBERED_TOPICS = 256
/** An entry of the table of decisions. */
const DECISION_BYTES = 64

const NO_GROUNDS: Grounds = []

export class ConnectionNotes {
  readonly listener: ListenerState
  /** Whom it is counted for. */
  readonly network: Network
  /** What plugins keep of an AUTH exchange; made for those that have one (§4.12). */
  exchange: ExchangeStates | undefined = undefined
  /** `Access.loginsVersion` at the first step of the exchange. */
  exchangeAsOf = 0
  /** Why its Client was let in. */
  grounds: Grounds = NO_GROUNDS
  /** What held when CONNACK was written: a Client is not at fault for what a reload changed since. */
  announced: Options | undefined = undefined
  /** Of its CONNECT, and of the CONNACK that answered it. */
  cleanStart = true
  sessionPresent = false
  /** When its CONNECT came, in whole milliseconds of the turn's time. */
  connectAtMs = 0
  /** Its login, or the step of an exchange, that is not decided yet. */
  login: LoginAttempt | undefined = undefined
  /** The name that it claims in an exchange. */
  claimedUserName: string | undefined = undefined
  /** Which version of the permissions the decisions were made under. */
  #version = -1
  #lastTopic: KnownTopic | undefined = undefined
  #lastDecision = false
  #decisions: Map<string, boolean> | undefined = undefined
  /** What they are charged with, and to whom. */
  #decisionBytes = 0
  #lastBytes = 0
  #payer: MemoryAccount | undefined = undefined

  constructor(listener: ListenerState, network: Network) {
    this.listener = listener
    this.network = network
  }

  /** What was decided about publishing to that topic; `undefined` if it has to be asked. Hot: runs for every message. */
  recall(topic: KnownTopic, version: number): boolean | undefined {
    if (this.#version !== version) return undefined
    if (this.#lastTopic === topic) return this.#lastDecision
    return this.#decisions?.get(topic.topicName)
  }

  /** @param payer whose account is charged with it; nothing is remembered where that has no room */
  remember(topic: KnownTopic, version: number, decision: boolean, payer: MemoryAccount): void {
    if (this.#version !== version) this.forget()
    this.#version = version
    this.#payer ??= payer
    this.#setLast(topic, decision)
    const bytes = DECISION_BYTES + sizeOfText(topic.topicName)
    if (isLong(topic) || this.#payer.refuses(bytes) !== undefined) return
    if (this.#decisions !== undefined && this.#decisions.size >= MAX_REMEMBERED_TOPICS) this.#forgetDecisions()
    this.#payer.add(bytes)
    this.#decisionBytes += bytes
    this.#decisions ??= new Map()
    this.#decisions.set(topic.topicName, decision)
  }

  /** Short topics are mostly in the cache as well; a long one stays for this Connection alone. */
  #setLast(topic: KnownTopic | undefined, decision: boolean): void {
    this.#payer!.add(-this.#lastBytes)
    this.#lastBytes = 0
    const bytes = topic !== undefined && isLong(topic) ? sizeOfText(topic.topicName) + topic.topicBytes.length : 0
    this.#lastTopic = undefined
    if (bytes > 0 && this.#payer!.refuses(bytes) !== undefined) return
    this.#payer!.add(bytes)
    this.#lastBytes = bytes
    this.#lastTopic = topic
    this.#lastDecision = decision
  }

  #forgetDecisions(): void {
    this.#payer!.add(-this.#decisionBytes)
    this.#decisionBytes = 0
    this.#decisions = undefined
  }

  /** Lets go of all decisions. */
  forget(): void {
    if (this.#payer === undefined) return
    this.#forgetDecisions()
    this.#setLast(undefined, false)
    this.#payer = undefined
  }
}

function isLong({ topicBytes }: KnownTopic): boolean {
  return topicBytes.length > MAX_KEPT_BYTES
}

export function notesOf(connection: Connection): ConnectionNotes {
  return connection.notes as ConnectionNotes
}
