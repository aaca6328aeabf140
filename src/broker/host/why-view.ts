/** Answers to "why": a short list of facts. The deciding one comes first. @module */

/**
 * How a fact is known. `recorded`: it was recorded when it happened. `derived`: it follows from what holds now.
 * `unknown`: nothing is known about it, because nothing was recorded then.
 */
export type Certainty = 'recorded' | 'derived' | 'unknown'

/** One fact of an answer. */
export interface WhyFact {
  readonly certainty: Certainty
  /** A short name that does not change, such as `queue full`. */
  readonly cause: string
  /** A sentence. */
  readonly text: string
  /** When it happened, in milliseconds since 1970; `undefined` for what holds now. */
  readonly atMs: number | undefined
}

/** The facts that answer a question, the deciding one first. */
export interface WhyView {
  readonly facts: readonly WhyFact[]
}

/** A question about a message or a client. */
export interface WhyQuery {
  /** Client identifier. */
  readonly clientId?: string | undefined
  /** Of a message that the client should have received. Without it, the question is why the client is not connected. */
  readonly topic?: string | undefined
  /** Instead of a client identifier: the user name, or the IP address, of logins that were refused. */
  readonly userName?: string | undefined
  readonly address?: string | undefined
  /** About when, in milliseconds since 1970, give or take a minute. Default: the last time. */
  readonly at?: number | undefined
}

/** A question about logins that were refused. */
export type WhyRefusedQuery = Pick<WhyQuery, 'clientId' | 'userName' | 'address'>

/** A hint for the operator: something that is allowed and probably not meant. */
export interface HintView {
  /** A short name that does not change, such as `one identifier, two clients`. */
  readonly name: string
  /** One sentence: what was seen, and what to do. */
  readonly text: string
  /** The page that explains it, within the manual. */
  readonly link: string
  /** The clients concerned, a few of them. */
  readonly clientIds: readonly string[]
}
