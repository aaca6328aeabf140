/**
 * Fields of views: what they have in JSON. A field is described by a function for its type, and the compiler sees that
 * it is the type of the view, with `undefined` and `null` where the view has them.
 *
 *   userName: orAbsent(text()), queuedBytes: integer('bytes'), state: among('sent', 'queued')
 *
 * What is `undefined` in a program is absent in JSON.
 *
 * @module
 */

/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>

/** The description of a field with values of that type. */
export interface Field<Value> {
  readonly schema: Schema
  readonly isOptional: boolean
  /** Never set: it makes fields of different types different for the compiler. */
  readonly holds?: (value: Value) => Value
}

/** Every field of a view, once. */
export type Fields<View> = { readonly [Key in keyof View]-?: Field<View[Key]> }

export type Unit = 'bytes' | 'seconds' | 'milliseconds' | 'days' | 'milliseconds since 1970' | 'per second'

function field<Value>(schema: Schema): Field<Value> {
  return { schema, isOptional: false }
}

function unitOf(unit: Unit | undefined): Schema {
  return unit === undefined ? {} : { 'x-unit': unit }
}

export function text(): Field<string> {
  return field({ type: 'string' })
}

export function bool(): Field<boolean> {
  return field({ type: 'boolean' })
}

/** A whole number. */
export function integer(unit?: Unit, limits: Schema = { minimum: 0 }): Field<number> {
  return field({ type: 'integer', ...limits, ...unitOf(unit) })
}

/** A number that may have a fraction. */
export function decimal(unit?: Unit): Field<number> {
  return field({ type: 'number', minimum: 0, ...unitOf(unit) })
}

/** Milliseconds since 1970, which may have a fraction. */
export function time(): Field<number> {
  return field({ type: 'number', 'x-unit': 'milliseconds since 1970' })
}

/** One of these values. */
export function among<const Value extends string | number>(...values: readonly Value[]): Field<Value> {
  return field({ type: typeof values[0] === 'number' ? 'integer' : 'string', enum: values })
}

/** One of the keys of a table that has all of them. */
export function keyOf<Value extends string>(table: Readonly<Record<Value, unknown>>): Field<Value> {
  return field({ type: 'string', enum: Object.keys(table) })
}

export function list<Value>(of: Field<Value>): Field<readonly Value[]> {
  return field({ type: 'array', items: of.schema })
}

/** An object with these fields. */
export function object<View extends object>(fields: Fields<View>): Field<View> {
  return field(schemaOfFields(fields))
}

/** An object whose keys are not known in advance. */
export function map<Value extends object>(values: Schema = {}): Field<Value> {
  return field({ type: 'object', additionalProperties: values })
}

/** One that is `undefined` in a program, and absent in JSON, if there is none. */
export function orAbsent<Value>(of: Field<Value>): Field<Value | undefined> {
  return { schema: of.schema, isOptional: true }
}

/** One that is `null` if there is none. */
export function orNull<Value>({ schema }: Field<Value>): Field<Value | null> {
  return field({ ...schema, type: [schema['type'], 'null'] })
}

/** The schema of a view. @param isPartial whether a request may select fields, so that none is certain */
export function schemaOfFields(fields: object, isPartial = false): Schema {
  const entries = Object.entries(fields) as [string, Field<unknown>][]
  const required = isPartial ? [] : entries.flatMap(([name, { isOptional }]) => (isOptional ? [] : [name]))
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    ...(required.length > 0 && { required }),
  }
}
