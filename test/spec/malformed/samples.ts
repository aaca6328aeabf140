/**
 * One right packet of each type that a Client sends, in each version, field by field, so that tests can break it in
 * every place. What may stand in it comes from the codec's own tables.
 *
 *   first byte | Remaining Length | field | field | …       a field of properties is a list of properties in turn
 *
 * @module
 */
import { type PacketName, PacketType, packetTypes, type ProtocolVersion } from '../../../src/codec/packet-types.ts'
import { holderRules, type PropertyHolder, type PropertyRow } from '../../../src/codec/property-table.ts'
import { stringBytes, withLength } from '../../unit/codec/packet-bytes.ts'

/** The Authentication Method of every 5.0 Client here. */
export const METHOD = 'M'

export interface Property {
  readonly row: PropertyRow
  readonly value: readonly number[]
}

export interface Field {
  readonly name: string
  /** `text` and `binary` begin with two bytes of length. */
  readonly kind: 'bytes' | 'text' | 'binary' | 'properties' | 'payload'
  readonly bytes: readonly number[]
  /** Of a field of properties. */
  readonly holder?: PropertyHolder
  readonly properties?: readonly Property[]
  /** What a packet is worth that ends behind this field: right, or wrong with that Reason Code; 0x81 if not said. */
  readonly endsHere?: 'right' | number
}

export interface Sample {
  readonly name: PacketName
  readonly version: ProtocolVersion
  readonly firstByte: number
  readonly fields: readonly Field[]
}

/** The bytes of a packet. */
export function bytesOfSample({ firstByte, fields }: Pick<Sample, 'firstByte' | 'fields'>): Uint8Array {
  return Uint8Array.from([firstByte, ...withLength(fields.flatMap(({ bytes }) => bytes))])
}

/** The same packet with another field in that place. */
export function replaceField(sample: Sample, at: number, field: Partial<Field>): Sample {
  return { ...sample, fields: sample.fields.map((one, index) => (index === at ? { ...one, ...field } : one)) }
}

/** A value that a property may have. */
export function valueOf(row: PropertyRow): readonly number[] {
  switch (row.type) {
    case 'Byte':
      return [1]
    case 'Two Byte Integer':
      return [0, 1]
    case 'Four Byte Integer':
      // The one that may not be 0 is Maximum Packet Size: room for all that the Server says.
      return [0, row.minimum, 0, 0]
    case 'Variable Byte Integer':
      return [1]
    case 'UTF-8 Encoded String':
      return stringBytes(row.key === 'authenticationMethod' ? METHOD : 'v')
    case 'Binary Data':
      return [0, 2, 0xff, 0]
    case 'UTF-8 String Pair':
      return [...stringBytes('n'), ...stringBytes('v')]
  }
}

export function propertyBytes(properties: readonly Property[]): number[] {
  return withLength(properties.flatMap(({ row, value }) => [row.id, ...value]))
}

/** The properties that a Client may send there: a Subscription Identifier in PUBLISH is the Server's alone. */
export function clientRows(holder: PropertyHolder): readonly PropertyRow[] {
  return holderRules[holder].rows.filter(({ key }) => holder !== 'PUBLISH' || key !== 'subscriptionIdentifiers')
}

export function propertiesField(
  holder: PropertyHolder,
  properties: readonly Property[],
  endsHere?: 'right' | number,
): Field {
  const field = { name: `${holder} properties`, kind: 'properties', holder, properties } as const
  return { ...field, bytes: propertyBytes(properties), ...(endsHere !== undefined && { endsHere }) }
}

function allProperties(holder: PropertyHolder, endsHere?: 'right' | number): Field {
  const properties = clientRows(holder).map((row) => ({ row, value: valueOf(row) }))
  return propertiesField(holder, properties, endsHere)
}

function bytes(name: string, values: readonly number[], endsHere?: 'right' | number): Field {
  return { name, kind: 'bytes', bytes: values, ...(endsHere !== undefined && { endsHere }) }
}

function text(name: string, value: string, endsHere?: 'right' | number): Field {
  return { name, kind: 'text', bytes: stringBytes(value), ...(endsHere !== undefined && { endsHere }) }
}

function connectFields(version: ProtocolVersion): Field[] {
  const is5 = version === 5
  return [
    text('Protocol Name', version === 3 ? 'MQIsdp' : 'MQTT'),
    bytes('Protocol Version', [version]),
    // User Name, Password, Will Retain, Will QoS 1, Will Flag, Clean Start.
    bytes('Connect Flags', [0b1110_1110]),
    bytes('Keep Alive', [0, 0]),
    ...(is5 ? [allProperties('CONNECT')] : []),
    text('Client Identifier', 'faulty'),
    ...(is5 ? [allProperties('WILL')] : []),
    text('Will Topic', 'will'),
    // In 3.1 the Remaining Length has precedence over the flags of User Name and Password.
    { name: 'Will Payload', kind: 'binary', bytes: [0, 2, 0, 0xff], ...(version === 3 && { endsHere: 'right' }) },
    text('User Name', 'user', version === 3 ? 'right' : undefined),
    { name: 'Password', kind: 'binary', bytes: [0, 2, 0, 0xff], endsHere: 'right' },
  ]
}

function bodyOf(name: PacketName, version: ProtocolVersion, qos: number): Field[] {
  const is5 = version === 5
  const identifier = (endsHere?: 'right' | number): Field => bytes('Packet Identifier', [0, 9], endsHere)
  switch (name) {
    case 'CONNECT':
      return connectFields(version)
    case 'PUBLISH':
      return [
        text('Topic Name', 'faults', !is5 && qos === 0 ? 'right' : undefined),
        ...(qos > 0 ? [identifier(is5 ? undefined : 'right')] : []),
        ...(is5 ? [allProperties('PUBLISH', 'right')] : []),
        { name: 'Payload', kind: 'payload', bytes: [0, 1], endsHere: 'right' },
      ]
    case 'SUBSCRIBE':
      return [
        identifier(is5 ? undefined : 0x82),
        ...(is5 ? [allProperties('SUBSCRIBE', 0x82)] : []),
        text('Topic Filter', 'faults/+'),
        bytes('Subscription Options', [1], 'right'),
        text('Topic Filter', 'faults'),
        bytes('Subscription Options', [2], 'right'),
      ]
    case 'UNSUBSCRIBE':
      return [
        identifier(is5 ? undefined : 0x82),
        ...(is5 ? [allProperties('UNSUBSCRIBE', 0x82)] : []),
        text('Topic Filter', 'faults/+', 'right'),
        text('Topic Filter', 'faults', 'right'),
      ]
    case 'PINGREQ':
      return []
    case 'DISCONNECT':
    case 'AUTH':
      return is5
        ? [
            bytes('Reason Code', [name === 'AUTH' ? 0x19 : 0x04], name === 'AUTH' ? 0x82 : 'right'),
            allProperties(name, 'right'),
          ]
        : []
    default:
      return [
        identifier('right'),
        ...(is5 ? [bytes('Reason Code', [0], 'right'), allProperties(name as PropertyHolder, 'right')] : []),
      ]
  }
}

/** Every packet that a Client of that version sends; PUBLISH at every QoS. */
export function samplesOf(version: ProtocolVersion): Sample[] {
  return packetTypes
    .filter(({ sentBy, since }) => sentBy !== 'server' && since <= version)
    .flatMap(({ name, value, flags }) =>
      (value === PacketType.PUBLISH ? [0, 1, 2] : [0]).map((qos) => ({
        name,
        version,
        firstByte: (value << 4) | (flags ?? qos << 1),
        fields: bodyOf(name, version, qos),
      })),
    )
}
