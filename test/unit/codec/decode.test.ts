import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodePacket } from '../../../src/codec/decode.ts'
import { Decoder } from '../../../src/codec/decoder.ts'
import { packetTypes, type ProtocolVersion, type Sender } from '../../../src/codec/packet-types.ts'
import { allVersions, assertRefused, bytesOf, decode, frame, plain, refusalOf } from './packet-bytes.ts'
import { samples } from './samples.ts'
import fc from '../../support/property.ts'

const senders: readonly Sender[] = ['client', 'server']

/** The body of a packet in notation. */
function bodyOf(notation: string): Uint8Array {
  const decoder = new Decoder()
  decoder.push(bytesOf(notation))
  assert.ok(decoder.next())
  return Uint8Array.from(decoder.bytes.subarray(decoder.bodyStart, decoder.end))
}

for (const { name, version, sender, bytes, packet } of samples) {
  test(`reads ${name}`, () => {
    assert.deepEqual(decode(bytes, version, sender), plain(packet))
  })
}

test('a packet whose body is cut at any byte is malformed, unless it is a shorter valid one', () => {
  for (const { name, version, sender, bytes, validCuts, validFrom } of samples) {
    const body = bodyOf(bytes)
    const firstByte = bytesOf(bytes)[0]!
    for (let length = 0; length < body.length; length++) {
      const cut = frame(firstByte, body.subarray(0, length))
      const code = refusalOf(() => decode(cut, version, sender))
      const where = `${name} cut at ${length}`
      if (validCuts.includes(length) || length >= validFrom) assert.equal(code, undefined, where)
      // Without a filter, a code or a method nothing is malformed, yet something is missing.
      else assert.ok(code === 0x81 || code === 0x82, where)
    }
  }
})

test('a packet of which any last part is still to come is waited for', () => {
  for (const { bytes } of samples) {
    const whole = bytesOf(bytes)
    for (let length = 0; length < whole.length; length++) {
      const decoder = new Decoder()
      decoder.push(whole.subarray(0, length))
      assert.equal(decoder.next(), false)
      decoder.push(whole.subarray(length))
      assert.equal(decoder.next(), true)
    }
  }
})

test('bytes left over at the end are malformed (§6)', () => {
  for (const { name, version, sender, bytes, packet } of samples) {
    // A payload, a list of codes and what may be left off the end go on with any byte.
    const isOpen = packet.type === 3 || packet.type === 9 || (packet.type === 11 && version === 5)
    const mayGoOn = version === 5 && [4, 5, 6, 7, 14].includes(packet.type) && Object.keys(packet).length > 0
    if (isOpen || (mayGoOn && bodyOf(bytes).length < 4)) continue
    const longer = frame(bytesOf(bytes)[0]!, [...bodyOf(bytes), 0])
    const code = refusalOf(() => decode(longer, version, sender))
    assert.equal(code, 0x81, name)
  }
})

test('whatever is done to a packet, it decodes or is refused, and nothing else happens', () => {
  const bent = fc.record({
    sample: fc.constantFrom(...samples),
    flips: fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
    keep: fc.nat(60),
  })
  fc.assert(
    fc.property(bent, ({ sample, flips, keep }) => {
      const body = bodyOf(sample.bytes)
      for (const [at, mask] of flips) if (at < body.length) body[at]! ^= mask
      const bytes = frame(bytesOf(sample.bytes)[0]!, body.subarray(0, keep))
      const refusal = refusalOf(() => decode(bytes, sample.version, sample.sender))
      assert.ok(refusal === undefined || refusal >= 0x81)
    }),
    { numRuns: 3000 },
  )
})

test('fixed header flags other than the reserved ones are malformed [5.0 MQTT-2.1.3-1] [3.1.1 MQTT-2.2.2-2] [5.0 MQTT-3.6.1-1]', () => {
  for (const { name, version, sender, bytes, packet } of samples) {
    const { flags } = packetTypes[packet.type - 1]!
    if (flags === undefined) continue
    for (let wrong = 0; wrong < 16; wrong++) {
      if (wrong === flags) continue
      const isRepeat: boolean = version === 3 && flags === 0b0010 && wrong === 0b1010 // 3.1 sends these again with DUP 1
      const code = refusalOf(() => decode(frame((packet.type << 4) | wrong, bodyOf(bytes)), version, sender))
      assert.equal(code, isRepeat ? undefined : 0x81, `${name} with flags ${wrong.toString(2)}`)
    }
  }
})

test('a packet from the side that does not send it is a Protocol Error (§6)', () => {
  const others = samples.filter((each) => packetTypes[each.packet.type - 1]!.sentBy !== 'both')
  for (const { version, sender, bytes } of others) {
    assertRefused(bytes, version, sender === 'client' ? 'server' : 'client', 0x82)
  }
})

test('before 5.0 a Server sends no DISCONNECT, and nobody AUTH', () => {
  for (const version of [3, 4] as const) {
    assertRefused('e0 *', version, 'server', 0x82)
    for (const sender of senders) assertRefused('f0 *', version, sender, 0x81)
  }
})

test('before 5.0 acknowledgements and DISCONNECT end behind their first fields', () => {
  for (const version of [3, 4] as const) {
    for (const firstByte of ['40', '50', '62', '70', 'b0']) {
      assertRefused(`${firstByte} * 0001 00`, version, firstByte === 'b0' ? 'server' : 'client', 0x81)
    }
    assertRefused('e0 * 00', version, 'client', 0x81)
  }
})

test('Packet Identifier 0 is a Protocol Error [5.0 MQTT-2.2.1-3] [3.1.1 MQTT-2.3.1-1]', () => {
  for (const { version, sender, bytes, packet } of samples) {
    if (packet.type === 3 || !('packetIdentifier' in packet)) continue
    const body = bodyOf(bytes)
    body.set([0, 0])
    assertRefused(frame(bytesOf(bytes)[0]!, body), version, sender, 0x82)
  }
  for (const version of allVersions) {
    for (const firstByte of ['32', '34']) assertRefused(`${firstByte} * "a" 0000 00`, version, 'client', 0x82)
  }
})

// Strings

/** One packet for every string field that CONNECT's samples and the others have, with the string left open. */
const stringFields: readonly (readonly [field: string, version: ProtocolVersion, sender: Sender, packet: string])[] = [
  ['Client Identifier [5.0 MQTT-3.1.3-4]', 5, 'client', '10 * "MQTT" 05 02 0000 00 S'],
  ['Client Identifier [3.1.1 MQTT-3.1.3-4]', 4, 'client', '10 * "MQTT" 04 02 0000 S'],
  ['Will Topic [5.0 MQTT-3.1.3-11]', 5, 'client', '10 * "MQTT" 05 06 0000 00 "" 00 S 0000'],
  ['Will Topic [3.1.1 MQTT-3.1.3-10]', 4, 'client', '10 * "MQTT" 04 06 0000 "" S 0000'],
  ['User Name [5.0 MQTT-3.1.3-12]', 5, 'client', '10 * "MQTT" 05 82 0000 00 "" S'],
  ['User Name [3.1.1 MQTT-3.1.3-11]', 4, 'client', '10 * "MQTT" 04 82 0000 "" S'],
  ['Topic Name [5.0 MQTT-3.3.2-1]', 5, 'client', '30 * S 00'],
  ['Topic Name [3.1.1 MQTT-3.3.2-1]', 4, 'client', '30 * S'],
  ['Topic Filter of SUBSCRIBE [5.0 MQTT-3.8.3-1]', 5, 'client', '82 * 0001 00 S 00'],
  ['Topic Filter of SUBSCRIBE [3.1.1 MQTT-3.8.3-1]', 4, 'client', '82 * 0001 S 00'],
  ['Topic Filter of UNSUBSCRIBE [5.0 MQTT-3.10.3-1]', 5, 'client', 'a2 * 0001 00 S'],
  ['Topic Filter of UNSUBSCRIBE [3.1.1 MQTT-3.10.3-1]', 4, 'client', 'a2 * 0001 S'],
  ['Content Type [5.0 MQTT-3.3.2-19]', 5, 'client', '30 * "a" {03 S}'],
  ['Response Topic [5.0 MQTT-3.3.2-13]', 5, 'client', '30 * "a" {08 S}'],
  ['name of a User Property [5.0 MQTT-1.5.7-1]', 5, 'client', '30 * "a" {26 S "v"}'],
  ['value of a User Property [5.0 MQTT-1.5.7-1]', 5, 'client', '30 * "a" {26 "n" S}'],
  ['Reason String', 5, 'server', 'e0 * 8e {1f S}'],
]

for (const [field, version, sender, packet] of stringFields) {
  test(`bad UTF-8 is malformed: ${field}`, () => {
    assert.equal(
      refusalOf(() => decode(packet.replace('S', '0003 616263'), version, sender)),
      undefined,
    )
    assertRefused(packet.replace('S', '0003 eda080'), version, sender, 0x81) // a surrogate
    assertRefused(packet.replace('S', '0003 610062'), version, sender, 0x81) // U+0000
    assertRefused(packet.replace('S', '0003 61c3c3'), version, sender, 0x81)
    assertRefused(packet.replace('S', '00ff 616263'), version, sender, 0x81) // runs past the end
  })
}

test('U+FEFF stays in every string [5.0 MQTT-1.5.4-3]', () => {
  const packet = decode('30 * 0004 efbbbf61', 4, 'client')
  assert.equal(packet.type === 3 && packet.topicName, '\ufeffa')
})

// PUBLISH

test('PUBLISH with QoS 3 is malformed [5.0 MQTT-3.3.1-4] [3.1.1 MQTT-3.3.1-4]', () => {
  for (const version of allVersions) {
    for (const firstByte of ['36', '37', '3e', '3f'])
      assertRefused(`${firstByte} * "a" 0001 00`, version, 'client', 0x81)
  }
})

test('PUBLISH with DUP at QoS 0 is a Protocol Error [5.0 MQTT-3.3.1-2] [3.1.1 MQTT-3.3.1-2]', () => {
  for (const version of allVersions) {
    for (const firstByte of ['38', '39']) assertRefused(`${firstByte} * "a" 00`, version, 'client', 0x82)
  }
})

test('a wildcard in a Topic Name is a Protocol Error [5.0 MQTT-3.3.2-2] [3.1.1 MQTT-3.3.2-2]', () => {
  for (const version of allVersions) {
    for (const topic of ['#', '+', 'a/+/b', 'a#']) assertRefused(`30 * "${topic}" 00`, version, 'client', 0x82)
  }
})

test('an empty Topic Name needs a Topic Alias [5.0 U-3.3.2.1-1] [3.1.1 MQTT-4.7.3-1]', () => {
  for (const version of allVersions) assertRefused('30 * "" 00', version, 'client', 0x82)
  const packet = decode('30 * "" {23 0001}', 5, 'client')
  assert.equal(packet.type === 3 && packet.properties.topicAlias, 1)
})

// SUBSCRIBE, UNSUBSCRIBE and their answers

test('SUBSCRIBE and UNSUBSCRIBE without a Topic Filter are Protocol Errors [5.0 MQTT-3.8.3-2] [5.0 MQTT-3.10.3-2] [3.1.1 MQTT-3.8.3-3]', () => {
  for (const firstByte of ['82', 'a2']) {
    for (const version of [3, 4] as const) assertRefused(`${firstByte} * 0001`, version, 'client', 0x82)
    assertRefused(`${firstByte} * 0001 00`, 5, 'client', 0x82)
  }
})

test('before 5.0 the byte behind a filter is 0, 1 or 2 [3.1.1 MQTT-3.8.3-4]', () => {
  for (const version of [3, 4] as const) {
    for (let byte = 3; byte <= 0xff; byte++) {
      assertRefused(bytesOf(`82 * 0001 "a" ${byte.toString(16).padStart(2, '0')}`), version, 'client', 0x81)
    }
  }
})

test('Subscription Options: every byte is taken or refused as its bits say [5.0 MQTT-3.8.3-5] [5.0 U-3.8.3.1-1]', () => {
  for (let byte = 0; byte <= 0xff; byte++) {
    const expected = byte > 0x3f ? 0x81 : (byte & 3) === 3 || (byte & 0x30) === 0x30 ? 0x82 : undefined
    const notation = `82 * 0001 00 "a" ${byte.toString(16).padStart(2, '0')}`
    assert.equal(
      refusalOf(() => decode(notation, 5, 'client')),
      expected,
      notation,
    )
  }
})

test('No Local with a Shared Subscription is a Protocol Error [5.0 MQTT-3.8.3-4]', () => {
  assertRefused('82 * 0001 00 "$share/g/a" 04', 5, 'client', 0x82)
  assert.equal(
    refusalOf(() => decode('82 * 0001 00 "$shared/g/a" 04', 5, 'client')),
    undefined,
  )
})

test('SUBACK has only codes that its version has [3.1.1 MQTT-3.9.3-2]', () => {
  for (let code = 0; code <= 0xff; code++) {
    const notation = `90 * 0001 ${code.toString(16).padStart(2, '0')}`
    assert.equal(
      refusalOf(() => decode(notation, 3, 'server')),
      code <= 2 ? undefined : notSubackCode(code),
    )
    assert.equal(
      refusalOf(() => decode(notation, 4, 'server')),
      code <= 2 || code === 0x80 ? undefined : notSubackCode(code),
    )
  }
})

/** A code that no version has in SUBACK is a Protocol Error, one that only 5.0 has is malformed before it. */
function notSubackCode(code: number): number {
  return [0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2].includes(code) ? 0x81 : 0x82
}

// CONNACK, DISCONNECT, AUTH and Reason Codes

test('CONNACK flags: bits 7 to 1 are reserved; Session Present goes with success only [5.0 MQTT-3.2.2-1] [5.0 MQTT-3.2.2-6]', () => {
  for (let flags = 2; flags <= 0xff; flags++) {
    assertRefused(frame(0x20, [flags, 0, 0]), 5, 'server', 0x81)
    assertRefused(frame(0x20, [flags, 0]), 4, 'server', 0x81)
  }
  assertRefused('20 * 01 00', 3, 'server', 0x81)
  assertRefused('20 * 01 05', 4, 'server', 0x82)
  assertRefused('20 * 01 87 00', 5, 'server', 0x82)
})

test('CONNACK before 5.0 has a return code of 0 to 5', () => {
  for (const version of [3, 4] as const) {
    assert.equal(
      refusalOf(() => decode('20 * 00 05', version, 'server')),
      undefined,
    )
    assertRefused('20 * 00 06', version, 'server', 0x81)
  }
})

/** First byte and what stands before and behind the code, for each packet that carries one. */
const codeCarriers: readonly (readonly [packet: string, codes: string, sender: Sender, notation: string])[] = [
  ['CONNACK', '00 80 81 82 83 84 85 86 87 88 89 8a 8c 90 95 97 99 9a 9b 9c 9d 9f', 'server', '20 * 00 C 00'],
  ['PUBACK', '00 10 80 83 87 90 91 97 99', 'server', '40 * 0001 C'],
  ['PUBACK', '00 10 80 83 87 90 91 97 99', 'client', '40 * 0001 C'],
  ['PUBREC', '00 10 80 83 87 90 91 97 99', 'server', '50 * 0001 C'],
  ['PUBREC', '00 10 80 83 87 90 91 97 99', 'client', '50 * 0001 C'],
  ['PUBREL', '00 92', 'client', '62 * 0001 C'],
  ['PUBCOMP', '00 92', 'client', '70 * 0001 C'],
  ['SUBACK', '00 01 02 80 83 87 8f 91 97 9e a1 a2', 'server', '90 * 0001 00 C'],
  ['UNSUBACK', '00 11 80 83 87 8f 91', 'server', 'b0 * 0001 00 C'],
  ['DISCONNECT', '00 04 80 81 82 83 90 93 94 95 96 97 98 99 9b', 'client', 'e0 * C'],
  [
    'DISCONNECT',
    '00 80 81 82 83 87 89 8b 8d 8e 8f 90 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2',
    'server',
    'e0 * C',
  ],
  ['AUTH', '18 19', 'client', 'f0 * C {15 "m"}'],
  ['AUTH', '00 18', 'server', 'f0 * C {15 "m"}'],
]

for (const [packet, codes, sender, notation] of codeCarriers) {
  test(`Reason Codes of ${packet} from the ${sender}: any other is a Protocol Error`, () => {
    for (let code = 0; code <= 0xff; code++) {
      const digits = code.toString(16).padStart(2, '0')
      const expected = codes.includes(digits) ? undefined : 0x82
      assert.equal(
        refusalOf(() => decode(notation.replace('C', digits), 5, sender)),
        expected,
        digits,
      )
    }
  })
}

test('AUTH without an Authentication Method is a Protocol Error, in every form [5.0 U-3.15-1]', () => {
  for (const notation of ['f0 * 18 00', 'f0 * 18', 'f0 * 18 {16 0001 00}']) assertRefused(notation, 5, 'client', 0x82)
  assertRefused('f0 *', 5, 'server', 0x82)
})

test('what is decoded holds no view on the bytes, but for the payload of a PUBLISH', () => {
  for (const { version, sender, bytes, packet } of samples) {
    const chunk = bytesOf(bytes)
    const decoder = new Decoder()
    decoder.push(chunk)
    assert.ok(decoder.next())
    const decoded = decodePacket(chunk, decoder.firstByte, decoder.bodyStart, decoder.end, version, sender)
    const before = plain(decoded)
    chunk.fill(0)
    if (packet.type === 3) assert.ok('payload' in decoded && decoded.payload.every((byte) => byte === 0))
    else assert.deepEqual(plain(decoded), before)
  }
})
