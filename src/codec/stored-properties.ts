/**
 * The properties that an Application Message or a Will can have, as a store keeps them and as brokers may exchange
 * them. There is one row for each; the numbers are the standard's identifiers (§2.2.2.2) and never change. Properties
 * that belong to a single Network Connection (such as Topic Alias) have no row and are not stored.
 *
 * @module
 */
import { noProperties } from './properties.ts'
import type { Properties } from './properties.ts'
import type { ByteReader } from '../base/byte-reader.ts'
import type { ByteWriter } from '../base/byte-writer.ts'

type Form = 'integer' | 'string' | 'bytes' | 'integers' | 'pairs'
type Mutable = { -readonly [Key in keyof Properties]: Properties[Key] }

const rows: readonly (readonly [tag: number, key: keyof Properties, form: Form])[] = [
  [0x01, 'payloadFormatIndicator', 'integer'],
  [0x02, 'messageExpiryInterval', 'integer'],
  [0x03, 'contentType', 'string'],
  [0x08, 'responseTopic', 'string'],
  [0x09, 'correlationData', 'bytes'],
  [0x0b, 'subscriptionIdentifiers', 'integers'],
  [0x18, 'willDelayInterval', 'integer'],
  [0x26, 'userProperties', 'pairs'],
]
const rowOfTag = new Map(rows.map((row) => [row[0], row]))

const write: { readonly [F in Form]: (to: ByteWriter, value: never) => void } = {
  integer: (to, value: number) => to.integer(value),
  string: (to, value: string) => to.string(value),
  bytes: (to, value: Uint8Array) => to.block(value),
  integers: (to, value: readonly number[]) => {
    to.integer(value.length)
    for (const number of value) to.integer(number)
  },
  pairs: (to, value: readonly (readonly [string, string])[]) => {
    to.integer(value.length)
    for (const [name, text] of value) {
      to.string(name)
      to.string(text)
    }
  },
}

const read: { readonly [F in Form]: (from: ByteReader) => unknown } = {
  integer: (from) => from.integer(),
  string: (from) => from.string(),
  bytes: (from) => from.block(),
  integers: (from) => Array.from({ length: from.integer() }, () => from.integer()),
  pairs: (from) => Array.from({ length: from.integer() }, () => [from.string(), from.string()] as const),
}

/** Whether there may be anything to store. Hot: most messages have no properties, and share one object. */
export function hasProperties(properties: Properties): boolean {
  if (properties === noProperties) return false
  for (const key in properties) if (properties[key as keyof Properties] !== undefined) return true
  return false
}

/** Writes each property as its tag and value, then a 0. */
export function writeProperties(to: ByteWriter, properties: Properties): void {
  for (const [tag, key, form] of rows) {
    const value = properties[key]
    if (value === undefined) continue
    to.byte(tag)
    write[form](to, value as never)
  }
  to.byte(0)
}

export function readProperties(from: ByteReader): Properties {
  const properties: Mutable = {}
  for (let tag = from.byte(); tag !== 0; tag = from.byte()) {
    const row = rowOfTag.get(tag)
    if (row === undefined) throw from.unreadable(`the unknown property ${tag}`)
    Object.assign(properties, { [row[1]]: read[row[2]](from) })
  }
  return properties
}
