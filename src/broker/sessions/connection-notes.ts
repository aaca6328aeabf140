/**
 * What the broker remembers of a Connection: its listener, an AUTH exchange in progress, and decisions about topics,
 * which are valid until the permissions change.
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

/**
 * The most topics of a Connection that are remembered. Beyond it, plugins are asked again now and then; about long
 * topics, whenever another one came between.
 */
const MAX_REMEMBERED_TOPICS = 256
/** The memory of an entry in the table of decisions. */
const DECISION_BYTES = 64

const NO_GROUNDS: Grounds = []

export class ConnectionNotes {
  readonly listener: ListenerState
  /** The network for which it is counted. */
  readonly network: Network
  /** What plugins keep about an AUTH exchange (§4.12); made only for a Connection that has one. */
  exchange: ExchangeStates | undefined = undefined
  /** The value of `Access.loginsVersion` at the first step of the exchange. */
  exchangeAsOf = 0
  /** Why its login was accepted. */
  grounds: Grounds = NO_GROUNDS
  /** The options when CONNACK was written: a Client is not at fault for what a reload has changed since. */
  announced: Options | undefined = undefined
  /** Clean Start of its CONNECT, and Session Present of the CONNACK. */
  cleanStart = true
  sessionPresent = false
  /** When its CONNECT came, in whole milliseconds of the time of the turn. */
  connectAtMs = 0
  /** Its undecided login or step of an exchange. */
  login: LoginAttempt | undefined = undefined
  /** The name that it claims in an exchange. */
  claimedUserName: string | undefined = undefined
  /** The version of the permissions under which the decisions were made. */
  #version = -1
  #lastTopic: KnownTopic | undefined = undefined
  #lastDecision = false
  #decisions: Map<string, boolean> | undefined = undefined
  /** The bytes charged for the decisions, and the account. */
  #decisionBytes = 0
  #lastBytes = 0
  #payer: MemoryAccount | undefined = undefined

  constructor(listener: ListenerState, network: Network) {
    this.listener = listener
    this.network = network
  }

  /**
   * The decision about publishing to that topic; `undefined` if plugins have to be asked. Hot: runs for every message.
   */
  recall(topic: KnownTopic, version: number): boolean | undefined {
    if (this.#version !== version) return undefined
    if (this.#lastTopic === topic) return this.#lastDecision
    return this.#decisions?.get(topic.topicName)
  }

  /** @param payer the account to charge; without room there, nothing is remembered */
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

  /** Short topics are usually in the cache as well; a long one is kept for this Connection alone. */
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

  /** Forgets all decisions. */
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

/** Whether it is the broker's own connection, such as the local end of a bridge. */
export function isOwn(connection: Connection): boolean {
  return notesOf(connection).listener.isOwn
}
