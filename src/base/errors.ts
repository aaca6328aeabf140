/**
 * Errors say who is to blame: the caller (`ConfigError`, `UsageError`), the world (`StoreError`, `PluginError`) or us
 * (`invariant`, which is loud). The peer's errors live one floor up (`codec/protocol-error.ts`), because they speak MQTT.
 *
 * Each has a stable `code`; a message names the value, the limit, the place and the way out.
 *
 * @module
 */

/** What every error of this project is. `code` is stable across releases; the message is for people. */
export class SluiceError extends Error {
  /** Stable name of the kind of error, such as `ERR_CONFIG`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }
}

/** One thing that is wrong with a configuration, and where. */
export interface ConfigProblem {
  /** The key, such as `listeners.my-tcp-1.bind`; empty for the whole. */
  readonly path: string
  /** What is wrong and what would do, without the place. */
  readonly message: string
  readonly file?: string
  /** Counted from 1. */
  readonly line?: number
  /** Counted from 1. */
  readonly column?: number
}

/** The caller's configuration cannot work: thrown before the first port opens, with everything that is wrong. */
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

/** The caller used a function or a command wrongly. */
export class UsageError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_USAGE', message, options)
  }
}

/** The disk or the store behind it failed; `cause` has the operating system's word. */
export class StoreError extends SluiceError {}

/** A plugin threw, or outlasted its time. */
export class PluginError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_PLUGIN', message, options)
  }
}

/** Our own mistake. Loud, because silence would hide it. */
export class InvariantError extends SluiceError {
  constructor(message: string) {
    super('ERR_INVARIANT', message)
  }
}

/**
 * Says what must hold here whatever the peer, the caller or the world did.
 *
 * @throws {InvariantError} when it does not
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
