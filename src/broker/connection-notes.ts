/**
 * What the broker remembers of one Connection: its listener, an AUTH exchange under way, and topic decisions, which hold
 * until the permissions change.
 *
 * @module
 */
import type { KnownTopic } from '../protocol/server-side.ts'
import type { Connection } from '../protocol/connection.ts'
import type { ExchangeStates, Grounds } from './access.ts'
import { Holders } from './holders.ts'
import type { Network, Newcomer } from './lobby.ts'
import type { LoginAttempt } from './login-attempt.ts'
import type { ListenerOptions, Options } from './options.ts'

/** More topics than that from one Connection are asked about anew now and then. */
const MAX_REMEMBERED_TOPICS = 256
/** Of longer ones, in characters, only the last is remembered: so many of them would be 16 MB a Connection. */
const MAX_REMEMBERED_LENGTH = 512

const NO_GROUNDS: Grounds = []

/** One listener's options and counts. */
export class ListenerState {
  options: ListenerOptions
  /** Connections that were accepted by CONNACK 0x00. */
  connected = 0
  /** Streams that have not come so far. */
  readonly newcomers: Holders<Newcomer> = new Holders<Newcomer>()

  constructor(options: ListenerOptions) {
    this.options = options
  }
}

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
  /** Its login, or the step of an exchange, that is not decided yet. */
  login: LoginAttempt | undefined = undefined
  /** The name that it claims in an exchange. */
  claimedUserName: string | undefined = undefined
  /** Which version of the permissions the decisions were made under. */
  #version = -1
  #lastTopic: KnownTopic | undefined = undefined
  #lastDecision = false
  #decisions: Map<string, boolean> | undefined = undefined

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

  remember(topic: KnownTopic, version: number, decision: boolean): void {
    if (this.#version !== version) this.#decisions = undefined
    this.#version = version
    this.#lastTopic = topic
    this.#lastDecision = decision
    if (topic.topicName.length > MAX_REMEMBERED_LENGTH) return
    this.#decisions ??= new Map()
    if (this.#decisions.size >= MAX_REMEMBERED_TOPICS) this.#decisions.clear()
    this.#decisions.set(topic.topicName, decision)
  }
}

export function notesOf(connection: Connection): ConnectionNotes {
  return connection.notes as ConnectionNotes
}
