/** A command that queries or controls a running broker, as a row of a table. @module */
import type { OperationName } from '../../broker/host/admin.ts'
import type { Item } from './layout.ts'

/** A parameter that is given without an option. */
export interface Positional {
  readonly name: string
  readonly parameter: string
  /** Only the last one, and only if it is the only one. */
  readonly isOptional?: true
  /** Relative to the folder in which the command runs. */
  readonly isPath?: true
  /** The value is the content of this file, which is JSON. */
  readonly isJsonFile?: true
}

export interface OperatorRow {
  readonly name: string
  readonly operation: OperationName
  /** A view is shown, an action is done. */
  readonly kind: 'view' | 'action'
  /** One line for the list of commands. */
  readonly summary: string
  readonly details: string
  /** In the order in which they are written. */
  readonly positionals?: readonly Positional[]
  /** The columns on a terminal; default: all fields. */
  readonly fields?: readonly string[]
  /** What is said of an empty list. */
  readonly none?: string
  /** What is said if there is nothing of that name. */
  readonly absent?: string
  /** Values that are always passed. */
  readonly preset?: Item
  /** A view whose answer is a file: indented JSON on a terminal and on a pipe. */
  readonly isFile?: true
  /** What an action has done. */
  readonly done?: (parameters: Item, answer: unknown) => string
  /** A view for people, where a line for each field would not do. */
  readonly lines?: (answer: Item) => readonly string[]
  /** An item of a list for people, where a row of a table would cut its sentence. */
  readonly itemLines?: (item: Item) => readonly string[]
  /** An operation that answers why, with the same parameters: its first fact is written before anything else. */
  readonly headline?: 'whyClosed'
  readonly examples: readonly (readonly [line: string, does: string])[]
}
