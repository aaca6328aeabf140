/** Properties (§2.2.2), by the table that the broker itself reads. @module */
import type { Properties } from '../../../src/codec/properties.ts'
import { propertyTable, type PropertyHolder, type PropertyRow } from '../../../src/codec/property-table.ts'
import { ByteReader, ByteWriter, MalformedPacket } from './bytes.ts'

type Value = number | string | Uint8Array | readonly [string, string]

/** @param holder the packet, which has only some of them */
export function writeProperties(writer: ByteWriter, properties: Properties, holder: PropertyHolder): void {
  const all = new ByteWriter()
  for (const row of propertyTable) {
    if (!row.holders.includes(holder)) continue
    for (const value of valuesOf(properties[row.key])) writeValue(all.variable(row.id), row, value)
  }
  const { bytes } = all
  writer.variable(bytes.length).raw(bytes)
}

export function readProperties(reader: ByteReader): Properties {
  const all = new ByteReader(reader.take(reader.variable()))
  const properties: Record<string, unknown> = {}
  while (!all.isAtEnd) {
    const id = all.variable()
    const row = propertyTable.find((each) => each.id === id)
    if (row === undefined) throw new MalformedPacket()
    const value = readValue(all, row)
    const before = properties[row.key] as readonly Value[] | undefined
    properties[row.key] = isList(row) ? [...(before ?? []), value] : value
  }
  return properties
}

function isList({ key }: PropertyRow): boolean {
  return key === 'userProperties' || key === 'subscriptionIdentifiers'
}

function valuesOf(value: Properties[keyof Properties]): readonly Value[] {
  if (value === undefined) return []
  return Array.isArray(value) ? (value as readonly Value[]) : [value as Value]
}

function writeValue(writer: ByteWriter, { type }: PropertyRow, value: Value): void {
  if (type === 'Byte') writer.integer(value as number, 1)
  else if (type === 'Two Byte Integer') writer.integer(value as number, 2)
  else if (type === 'Four Byte Integer') writer.integer(value as number, 4)
  else if (type === 'Variable Byte Integer') writer.variable(value as number)
  else if (type === 'UTF-8 Encoded String') writer.text(value as string)
  else if (type === 'Binary Data') writer.binary(value as Uint8Array)
  else for (const text of value as readonly [string, string]) writer.text(text)
}

function readValue(reader: ByteReader, { type }: PropertyRow): Value {
  if (type === 'Byte') return reader.integer(1)
  if (type === 'Two Byte Integer') return reader.integer(2)
  if (type === 'Four Byte Integer') return reader.integer(4)
  if (type === 'Variable Byte Integer') return reader.variable()
  if (type === 'UTF-8 Encoded String') return reader.text()
  // Its own bytes: those of the frame are let go.
  return type === 'Binary Data' ? reader.binary().slice() : [reader.text(), reader.text()]
}
