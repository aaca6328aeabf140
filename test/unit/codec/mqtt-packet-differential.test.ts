/**
 * This codec against `mqtt-packet`, which others wrote: what one writes the other must read as the same packet, in both
 * directions and all versions, and what this one accepts of damaged bytes the other must read alike.
 *
 * Packets are compared in their shape (`mqtt-packet.ts`). `differences` is the whole list of exceptions. Each row says
 * why, and is proven by an example: a row that no longer holds fails, and so does a difference without a row. Where
 * `mqtt-packet` merely accepts more (it checks little), no row is needed: the standard's errors are proven elsewhere.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodePacket } from '../../../src/codec/encode.ts'
import { type Packet } from '../../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion, type Sender } from '../../../src/codec/packet-types.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import { ProtocolError } from '../../../src/codec/protocol-error.ts'
import { anyExchange, type Exchange } from './arbitraries.ts'
import { generateTheirs, meaning, parseTheirs, toTheirs } from './mqtt-packet.ts'
import { bytesOf, decode } from './packet-bytes.ts'
import fc from '../../support/property.ts'

interface Difference {
  /** `mqtt-packet` reads what is written here, writes what is read here, or both read the same damaged bytes. */
  readonly where: 'they read' | 'they write' | 'both read'
  readonly what: string
  /** Why ours is right. */
  readonly why: string
  readonly applies: (packet: Packet, version: ProtocolVersion, bytes: Uint8Array) => boolean
  readonly example: Exchange & { readonly bytes?: string }
}

const connect = {
  type: PacketType.CONNECT,
  protocolVersion: 5,
  cleanStart: true,
  keepAlive: 0,
  clientId: 'id',
  properties: {},
} as const

const differences: readonly Difference[] = [
  {
    where: 'they read',
    what: 'of User Properties with one name, a first value that is empty is lost',
    why: 'the same name may appear more than once, and every pair has to be passed on (U-3.3.2.3.7-1)',
    applies: (packet) => allUserProperties(packet).some((pairs) => losesEmptyValue(pairs)),
    example: {
      packet: {
        type: PacketType.DISCONNECT,
        reasonCode: 0,
        properties: {
          userProperties: [
            ['a', ''],
            ['a', 'b'],
          ],
        },
      },
      version: 5,
      sender: 'client',
    },
  },
  {
    where: 'they write',
    what: 'no CONNECT with an empty Client Identifier and Clean Start 0',
    why: '5.0 allows it (§3.1.3.1); before 5.0 it can be written, and is the Server’s to refuse [3.1.1 MQTT-3.1.3-8]',
    applies: (packet) => packet.type === PacketType.CONNECT && packet.clientId === '' && !packet.cleanStart,
    example: { packet: { ...connect, clientId: '', cleanStart: false }, version: 5, sender: 'client' },
  },
  {
    where: 'they write',
    what: 'no CONNECT of 3.1 with an empty Client Identifier',
    why: 'it can be written, and is the Server’s to refuse (3.1 §3.1)',
    applies: (packet, version) => packet.type === PacketType.CONNECT && packet.clientId === '' && version === 3,
    example: { packet: { ...connect, protocolVersion: 3, clientId: '' }, version: 3, sender: 'client' },
  },
  {
    where: 'they write',
    what: 'no CONNECT with a Password and no User Name',
    why: '5.0 allows it (§3.1.2.9)',
    applies: (packet) =>
      packet.type === PacketType.CONNECT && packet.password !== undefined && packet.userName === undefined,
    example: { packet: { ...connect, password: Uint8Array.of(1) }, version: 5, sender: 'client' },
  },
  {
    where: 'both read',
    what: 'a PUBREL, SUBSCRIBE or UNSUBSCRIBE of 3.1 with DUP is refused there',
    why: 'in 3.1 these packets may be sent again, and then have DUP 1 (3.1 §2.1)',
    applies: ({ type }, version, bytes) => version === 3 && (bytes[0]! & 0x08) !== 0 && type !== PacketType.PUBLISH,
    example: {
      packet: { type: PacketType.PUBREL, packetIdentifier: 1, reasonCode: 0, properties: {} },
      version: 3,
      sender: 'client',
      bytes: '6a * 0001',
    },
  },
  {
    where: 'both read',
    what: 'a CONNECT of 3.1 that lacks credentials which its flags announce is refused there',
    why: 'in 3.1 the Remaining Length has precedence over the flags (3.1 §3.1)',
    applies: (packet, version, bytes) => {
      if (packet.type !== PacketType.CONNECT || version !== 3) return false
      const flags = bytes[bytes.indexOf(3, bytes.indexOf(0x70)) + 1]!
      return (
        ((flags & 0x80) !== 0 && packet.userName === undefined) ||
        ((flags & 0x40) !== 0 && packet.password === undefined)
      )
    },
    example: {
      packet: { ...connect, protocolVersion: 3 },
      version: 3,
      sender: 'client',
      bytes: '10 * "MQIsdp" 03 82 0000 "id"',
    },
  },
]

function allUserProperties(packet: Packet): NonNullable<Properties['userProperties']>[] {
  const holders: readonly Properties[] = [
    ...('properties' in packet ? [packet.properties] : []),
    ...(packet.type === PacketType.CONNECT && packet.will !== undefined ? [packet.will.properties] : []),
  ]
  return holders.map(({ userProperties }) => userProperties ?? [])
}

function losesEmptyValue(pairs: readonly (readonly [name: string, value: string])[]): boolean {
  const firsts = new Map<string, string>()
  return pairs.some(([name, value]) => {
    const first = firsts.get(name)
    if (first === undefined) firsts.set(name, value)
    return first === ''
  })
}

function assertTheyRead({ packet, version }: Exchange): void {
  const read = parseTheirs(encodePacket(packet, version), version)
  if (read instanceof Error) assert.fail(`mqtt-packet refuses it: ${read.message}`)
  assert.deepEqual(meaning(read), meaning(toTheirs(packet, version)))
}

function assertTheyWrite({ packet, version, sender }: Exchange): void {
  const written = generateTheirs(toTheirs(packet, version), version)
  if (written instanceof Error) assert.fail(`mqtt-packet cannot write it: ${written.message}`)
  assert.deepEqual(meaning(toTheirs(decode(written, version, sender), version)), meaning(toTheirs(packet, version)))
}

function assertBothRead(bytes: Uint8Array, packet: Packet, version: ProtocolVersion): void {
  const theirs = parseTheirs(bytes, version)
  if (theirs instanceof Error) assert.fail(`mqtt-packet refuses it: ${theirs.message}`)
  assert.deepEqual(meaning(theirs), meaning(toTheirs(packet, version)))
}

function isExplained(
  where: Difference['where'],
  packet: Packet,
  version: ProtocolVersion,
  bytes = new Uint8Array(0),
): boolean {
  return differences.some((row) => row.where === where && row.applies(packet, version, bytes))
}

test('mqtt-packet reads every packet that is written here, in all versions', () => {
  fc.assert(
    fc.property(anyExchange, (exchange) => {
      if (!isExplained('they read', exchange.packet, exchange.version)) assertTheyRead(exchange)
    }),
    { numRuns: 3000 },
  )
})

test('every packet that mqtt-packet writes is read here, in all versions', () => {
  fc.assert(
    fc.property(anyExchange, (exchange) => {
      if (!isExplained('they write', exchange.packet, exchange.version)) assertTheyWrite(exchange)
    }),
    { numRuns: 3000 },
  )
})

const damage = fc.record({ at: fc.nat(), value: fc.nat(255) })

test('whatever is accepted here of damaged bytes, mqtt-packet reads as the same packet', () => {
  fc.assert(
    fc.property(anyExchange, fc.array(damage, { minLength: 1, maxLength: 2 }), ({ packet, version, sender }, many) => {
      const bytes = Uint8Array.from(encodePacket(packet, version))
      for (const { at, value } of many) bytes[at % bytes.length] = value
      const read = decodeOrRefuse(bytes, version, sender)
      if (read === undefined) return
      const spoken = read.type === PacketType.CONNECT ? read.protocolVersion : version
      if (isExplained('they read', read, spoken) || isExplained('both read', read, spoken, bytes)) return
      assertBothRead(bytes, read, spoken)
    }),
    { numRuns: 10_000 },
  )
})

function decodeOrRefuse(bytes: Uint8Array, version: ProtocolVersion, sender: Sender): Packet | undefined {
  try {
    return decode(bytes, version, sender)
  } catch (error) {
    // An AssertionError: not one whole packet any more.
    if (error instanceof ProtocolError || error instanceof assert.AssertionError) return undefined
    throw error
  }
}

for (const { where, what, why, applies, example } of differences) {
  test(`a difference that still holds where ${where}: ${what}`, () => {
    const { packet, version, sender } = example
    const bytes = example.bytes === undefined ? new Uint8Array(0) : bytesOf(example.bytes)
    assert.ok(applies(packet, version, bytes), 'the example is a case of this row')
    const compare = {
      'they read': () => assertTheyRead(example),
      'they write': () => assertTheyWrite(example),
      'both read': () => {
        assert.deepEqual(decode(bytes, version, sender), packet)
        assertBothRead(bytes, packet, version)
      },
    }[where]
    assert.throws(compare, assert.AssertionError, `no difference any more: ${why}`)
  })
}
