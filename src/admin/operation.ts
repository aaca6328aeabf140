/**
 * An operation of `broker.admin` as a row of the table: what every door (program, HTTP, commands) is made from. @module
 */
import type { AdminParameters, OperationName } from '../broker/host/admin.ts'
import type { AdminRole } from '../broker/host/api-key-views.ts'

/** Who may do it, the least first: each may do what those before may. */
export const roles = ['viewer', 'operator', 'administrator'] as const

/** What a parameter may be. */
export type ParameterType = 'text' | 'integer' | 'boolean' | 'list' | 'object' | 'payload'

/** One parameter of an operation. */
export interface ParameterRow {
  /** Where HTTP has it. */
  readonly place: 'path' | 'query' | 'body'
  readonly type: ParameterType
  readonly required: boolean
  readonly description: string
  /** Of an integer. */
  readonly minimum?: number
  readonly maximum?: number
  /** All values there are; of a list, of its entries. */
  readonly values?: readonly (string | number)[]
  /** A password: commands ask for it, and no log shows it. */
  readonly isSecret?: true
}

/** Whether a parameter has to be given follows from its type. */
type IsRequired<Parameters, Name extends keyof Parameters> =
  Record<never, never> extends Pick<Parameters, Name> ? false : true

/** A row for each parameter, no more and no less. */
export type ParameterRows<Parameters> = {
  readonly [Name in keyof Parameters]-?: ParameterRow & { readonly required: IsRequired<Parameters, Name> }
}

/** One operation. */
export interface Operation<Name extends OperationName = OperationName> {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the root of the API, with parameters in braces. */
  readonly path: string
  /** The least role that may do it. */
  readonly role: AdminRole
  readonly parameters: ParameterRows<AdminParameters[Name]>
  /** A parameter with which a view returns secrets, and is recorded in the audit log as an action is. */
  readonly secretsWith?: keyof AdminParameters[Name]
  /** Whether it is only for the program and the Unix domain socket: it lets somebody in who has no other way. */
  readonly isLocal?: true
  /** Name of the type that it returns, for people. */
  readonly answer: string
  readonly description: string
}

export type OperationTable = { readonly [Name in OperationName]: Operation<Name> }
