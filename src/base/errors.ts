/**
 * Errors show who is to blame: the caller (`ConfigError`, `UsageError`), the environment (`StoreError`, `PluginError`)
 * or a bug of ours (`invariant`, which is loud). Errors of the peer are defined one floor up
 * (`codec/protocol-error.ts`), because they use MQTT terms.
 *
 * Each has a stable `code`; a message names the value, the limit, the place and the remedy.
 *
 * @module
 */

/** The base class of all errors of this project. `code` is stable across releases; the message is for people. */
export class SluiceError extends Error {
  /** Stable name of the kind of error, such as `ERR_CONFIG`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }
}

/** One error in a configuration, with its place. */
export interface ConfigProblem {
  /** The key, such as `listeners.my-tcp-1.bind`; empty for the whole configuration. */
  readonly path: string
  /** The problem and how to solve it, without the place. */
  readonly message: string
  readonly file?: string
  /** Counted from 1. */
  readonly line?: number
  /** Counted from 1. */
  readonly column?: number
}

/** The configuration cannot work: thrown before the first port is opened, with all problems. */
export class ConfigError extends SluiceError {
  readonly problems: readonly ConfigProblem[]

  constructor(
    code: string,
    message: string,
    options?: ErrorOptions & { readonly problems?: readonly ConfigProblem[] },
  ) {
    super(code, message, options)
    this.problems = options?.problems ?? [{ path: '', message }]
  }
}

/** The caller used a function or a command incorrectly. */
export class UsageError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_USAGE', message, options)
  }
}

/** The disk or the store failed; `cause` is the operating system's error. */
export class StoreError extends SluiceError {}

/** A plugin threw, or exceeded its time. */
export class PluginError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_PLUGIN', message, options)
  }
}

/** A bug of ours. Loud, because silence would hide it. */
export class InvariantError extends SluiceError {
  constructor(message: string) {
    super('ERR_INVARIANT', message)
  }
}

/**
 * Asserts a condition that must hold whatever the peer, the caller or the environment does.
 *
 * @throws {InvariantError} if it does not
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
