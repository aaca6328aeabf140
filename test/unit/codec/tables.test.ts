/** The tables against the standard's facts, written down here a second time in another form. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType, packetTypes } from '../../../src/codec/packet-types.ts'
import {
  largestOfType,
  holderRules,
  propertyTable,
  type PropertyRow,
  rowNumbers,
} from '../../../src/codec/property-table.ts'
import {
  connectReturnCodes,
  isReasonCodeAllowed,
  ReasonCode,
  type ReasonCodePacket,
  reasonCodeName,
  reasonCodes,
  toReturnCode,
} from '../../../src/codec/reason-code.ts'

test('packet types: value, name, sender, flags, Packet Identifier (tables 2-1 and 2-2) [5.0 MQTT-2.1.3-1]', () => {
  const facts = packetTypes.map(({ value, name, sentBy, flags, packetIdentifier, hasProperties }) =>
    [value, name, sentBy, flags?.toString(2) ?? '-', packetIdentifier, hasProperties ? 'properties' : ''].join(' '),
  )
  assert.deepEqual(facts, [
    '1 CONNECT client 0 never properties',
    '2 CONNACK server 0 never properties',
    '3 PUBLISH both - qos properties',
    '4 PUBACK both 0 always properties',
    '5 PUBREC both 0 always properties',
    '6 PUBREL both 10 always properties',
    '7 PUBCOMP both 0 always properties',
    '8 SUBSCRIBE client 10 always properties',
    '9 SUBACK server 0 always properties',
    '10 UNSUBSCRIBE client 10 always properties',
    '11 UNSUBACK server 0 always properties',
    '12 PINGREQ client 0 never ',
    '13 PINGRESP server 0 never ',
    '14 DISCONNECT both 0 never properties',
    '15 AUTH both 0 never properties',
  ])
  assert.deepEqual(
    packetTypes.filter((row) => row.since > 3).map((row) => row.name),
    ['AUTH'],
  )
})

test('properties: which identifiers each packet may have (table 2-4)', () => {
  const facts: Record<string, string> = {
    CONNECT: '11 15 16 17 19 21 22 26 27',
    WILL: '01 02 03 08 09 18 26',
    CONNACK: '11 12 13 15 16 1a 1c 1f 21 22 24 25 26 27 28 29 2a',
    PUBLISH: '01 02 03 08 09 0b 23 26',
    PUBACK: '1f 26',
    PUBREC: '1f 26',
    PUBREL: '1f 26',
    PUBCOMP: '1f 26',
    SUBSCRIBE: '0b 26',
    SUBACK: '1f 26',
    UNSUBSCRIBE: '26',
    UNSUBACK: '1f 26',
    DISCONNECT: '11 1c 1f 26',
    AUTH: '15 16 1f 26',
  }
  const found = Object.entries(holderRules).map(([holder, { rows }]) => [
    holder,
    rows.map(({ id }) => id.toString(16).padStart(2, '0')).join(' '),
  ])
  assert.deepEqual(Object.fromEntries(found), facts)
  for (const { rows, allowed } of Object.values(holderRules)) {
    assert.equal(
      rows.reduce((mask, row) => mask | (1 << propertyTable.indexOf(row)), 0),
      allowed,
    )
  }
})

test('properties: identifier, type and field of all 27 (table 2-4)', () => {
  const types: Record<string, string> = {
    Byte: '01 payloadFormatIndicator, 17 requestProblemInformation, 19 requestResponseInformation, 24 maximumQoS, 25 retainAvailable, 28 wildcardSubscriptionAvailable, 29 subscriptionIdentifierAvailable, 2a sharedSubscriptionAvailable',
    'Two Byte Integer': '13 serverKeepAlive, 21 receiveMaximum, 22 topicAliasMaximum, 23 topicAlias',
    'Four Byte Integer':
      '02 messageExpiryInterval, 11 sessionExpiryInterval, 18 willDelayInterval, 27 maximumPacketSize',
    'Variable Byte Integer': '0b subscriptionIdentifiers',
    'UTF-8 Encoded String':
      '03 contentType, 08 responseTopic, 12 assignedClientIdentifier, 15 authenticationMethod, 1a responseInformation, 1c serverReference, 1f reasonString',
    'Binary Data': '09 correlationData, 16 authenticationData',
    'UTF-8 String Pair': '26 userProperties',
  }
  for (const [type, fact] of Object.entries(types)) {
    const rows = propertyTable.filter((row) => row.type === type)
    assert.equal(rows.map(({ id, key }) => `${id.toString(16).padStart(2, '0')} ${key}`).join(', '), fact)
  }
  assert.equal(propertyTable.length, 27)
  assert.equal(new Set(propertyTable.map(({ key }) => key)).size, 27)
  assert.deepEqual(
    propertyTable.map(({ id }) => rowNumbers[id]),
    [...propertyTable.keys()],
  )
})

test('properties: which may repeat, and where', () => {
  const repeatable = propertyTable.filter((row) => row.repeatableIn.length > 0)
  assert.deepEqual(
    repeatable.map(({ id, repeatableIn }) => [id, repeatableIn.length]),
    [
      [0x0b, 1],
      [0x26, 14],
    ],
  )
  assert.deepEqual(repeatable[0]!.repeatableIn, ['PUBLISH'])
})

test('properties: values narrower than their type, and the Reason Code of a breach', () => {
  const isTypes = ({ type, maximum }: PropertyRow): boolean => maximum === (largestOfType[type] ?? 0)
  const narrow = propertyTable.filter((row) => row.minimum > 0 || !isTypes(row))
  const facts = narrow.map((row) => {
    const maximum = isTypes(row) ? 'type' : row.maximum
    return `${row.id.toString(16)}: ${row.minimum} to ${maximum}, else ${row.breach.toString(16)}`
  })
  const flags = ['1', '17', '19', '24', '25', '28', '29', '2a'].map((id) => `${id}: 0 to 1, else 82`)
  const notZero = ['b', '21', '27'].map((id) => `${id}: 1 to type, else 82`)
  assert.deepEqual(new Set(facts), new Set([...flags, ...notZero, '23: 1 to type, else 94']))
})

const codesOf: Record<ReasonCodePacket, string> = {
  CONNACK: '00 80 81 82 83 84 85 86 87 88 89 8a 8c 90 95 97 99 9a 9b 9c 9d 9f',
  PUBACK: '00 10 80 83 87 90 91 97 99',
  PUBREC: '00 10 80 83 87 90 91 97 99',
  PUBREL: '00 92',
  PUBCOMP: '00 92',
  SUBACK: '00 01 02 80 83 87 8f 91 97 9e a1 a2',
  UNSUBACK: '00 11 80 83 87 8f 91',
  DISCONNECT: '00 04 80 81 82 83 87 89 8b 8d 8e 8f 90 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2',
  AUTH: '00 18 19',
}
/** Codes that only the Server may send; the others of the packet are the Client's too. */
const serverOnly: Partial<Record<ReasonCodePacket, string>> = {
  PUBACK: '10',
  PUBREC: '10',
  DISCONNECT: '87 89 8b 8d 8e 8f 9a 9c 9d 9e 9f a0 a1 a2',
  AUTH: '00',
}
const clientOnly: Partial<Record<ReasonCodePacket, string>> = { DISCONNECT: '04', AUTH: '19' }

test('Reason Codes: which packets carry each, and who may send it [5.0 MQTT-3.2.2-8] [5.0 MQTT-3.14.2-1] [5.0 MQTT-3.15.2-1]', () => {
  assert.equal(reasonCodes.length, 43)
  assert.equal(new Set(reasonCodes.map(({ code }) => code)).size, 43)
  for (const [packet, codes] of Object.entries(codesOf) as [ReasonCodePacket, string][]) {
    for (let code = 0; code <= 0xff; code++) {
      const digits = code.toString(16).padStart(2, '0')
      const listed = codes.includes(digits)
      const byServer = listed && !(clientOnly[packet] ?? '').includes(digits)
      const byClient = listed && !(serverOnly[packet] ?? '').includes(digits)
      assert.equal(isReasonCodeAllowed(PacketType[packet], code, 'server'), byServer, `${packet} ${digits} by Server`)
      assert.equal(isReasonCodeAllowed(PacketType[packet], code, 'client'), byClient, `${packet} ${digits} by Client`)
    }
  }
})

test('Reason Codes: the constants and the table have the same codes', () => {
  assert.deepEqual(
    [...new Set(Object.values(ReasonCode))],
    reasonCodes.map(({ code }) => code),
  )
})

test('Reason Codes: names, also where a packet has its own', () => {
  assert.equal(reasonCodeName(0x00), 'Success')
  assert.equal(reasonCodeName(0x00, 'SUBACK'), 'Granted QoS 0')
  assert.equal(reasonCodeName(0x00, 'DISCONNECT'), 'Normal disconnection')
  assert.equal(reasonCodeName(0x8e, 'DISCONNECT'), 'Session taken over')
  assert.equal(reasonCodeName(0x05), '0x05')
  for (const [name, code] of Object.entries(ReasonCode)) {
    if (code === 0) continue
    assert.equal(reasonCodeName(code).replaceAll(/\W/g, '').toLowerCase(), name.toLowerCase())
  }
})

test('return codes: what 3.1.1 says for a Reason Code, or nothing [3.1.1 MQTT-3.2.2-6]', () => {
  const said: readonly (readonly [number, number])[] = reasonCodes.flatMap(({ code }) => {
    const returnCode = toReturnCode(code)
    return returnCode === undefined ? [] : [[code, returnCode] as const]
  })
  const facts = '00:0 84:1 85:2 86:4 87:5 88:3 89:3 8a:5 97:3 9c:3 9d:3 9f:3'
  assert.equal(said.map(([code, value]) => `${code.toString(16).padStart(2, '0')}:${value}`).join(' '), facts)
  assert.equal(connectReturnCodes.length, 6)
})
