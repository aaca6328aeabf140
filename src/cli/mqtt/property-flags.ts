/**
 * `-D PACKET NAME VALUE`: properties of 5.0 by the names that Mosquitto's tools use, which are those of the standard in
 * lower case with dashes. Which property may be in which packet is read from the codec's own table.
 *
 * @module
 */
import { UsageError } from '../../base/errors.ts'
import type { Properties } from '../../codec/properties.ts'
import { type PropertyHolder, type PropertyRow, propertyTable } from '../../codec/property-table.ts'

/** The packets that have flags. */
const HOLDERS: Readonly<Record<string, PropertyHolder>> = {
  connect: 'CONNECT',
  publish: 'PUBLISH',
  subscribe: 'SUBSCRIBE',
  unsubscribe: 'UNSUBSCRIBE',
  disconnect: 'DISCONNECT',
  auth: 'AUTH',
  will: 'WILL',
}

/** Properties by packet. */
export type PropertySets = Readonly<Partial<Record<PropertyHolder, Properties>>>

type Mutable = { -readonly [Key in keyof Properties]: Properties[Key] }

/** The name of a property on the command line and in JSON, such as `content-type`. */
export function propertyName({ name }: PropertyRow): string {
  return name.toLowerCase().replaceAll(' ', '-')
}

/**
 * Reads the values of `-D`, of which a `user-property` has one more.
 *
 * @param given packet, name and value; for a `user-property` packet, name, name and value
 * @throws {UsageError} for an unknown packet or name, one that does not belong to the packet, or a wrong value
 *
 * @example
 * propertySetsOf([['publish', 'content-type', 'text/plain']]).PUBLISH // { contentType: 'text/plain' }
 */
export function propertySetsOf(given: readonly (readonly string[])[]): PropertySets {
  const sets: Partial<Record<PropertyHolder, Mutable>> = {}
  for (const [packet = '', name = '', value = '', second = ''] of given) {
    const holder = HOLDERS[packet]
    if (holder === undefined) {
      throw new UsageError(`-D takes one of ${Object.keys(HOLDERS).join(', ')} as the packet, got ${packet}.`)
    }
    const row = propertyTable.find((candidate) => propertyName(candidate) === name)
    if (row === undefined) throw new UsageError(`-D: there is no property ${name}.`)
    if (!row.holders.includes(holder)) throw new UsageError(`-D: ${packet} has no property ${name}.`)
    const set = (sets[holder] ??= {})
    if (row.key === 'userProperties') set.userProperties = [...(set.userProperties ?? []), [value, second]]
    else if (row.key === 'subscriptionIdentifiers') set.subscriptionIdentifiers = [numberOf(row, value)]
    else Object.assign(set, { [row.key]: valueOf(row, value) })
  }
  return sets
}

function valueOf(row: PropertyRow, text: string): string | number | Uint8Array {
  if (row.type === 'UTF-8 Encoded String') return text
  if (row.type === 'Binary Data') return Buffer.from(text)
  return numberOf(row, text)
}

function numberOf(row: PropertyRow, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < row.minimum || value > row.maximum) {
    throw new UsageError(
      `-D: ${propertyName(row)} must be an integer from ${row.minimum} to ${row.maximum}, got ${text}.`,
    )
  }
  return value
}
