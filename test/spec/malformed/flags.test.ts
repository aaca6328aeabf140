import { test } from 'node:test'
import { PacketType, packetTypes } from '../../../src/codec/packet-types.ts'
import { RULES, Court, VERSION_NAMES } from './court.ts'
import { bytesOfSample, replaceField, samplesOf, type Sample } from './samples.ts'

const VERSIONS = [3, 4, 5] as const

function withFirstByte(sample: Sample, firstByte: number): Uint8Array {
  return bytesOfSample({ ...sample, firstByte })
}

/** 3.1 lets PUBREL, SUBSCRIBE and UNSUBSCRIBE have DUP 1. */
function isRight({ version }: Sample, flags: number, right: number): boolean {
  return flags === right || (version === 3 && right === 0b0010 && flags === 0b1010)
}

for (const version of VERSIONS) {
  for (const sample of samplesOf(version).filter(({ name }) => name !== 'PUBLISH')) {
    test(`${VERSION_NAMES[version]} ${sample.name}: every reserved bit of the fixed header${RULES[version]}`, async () => {
      const court = await Court.open()
      const right = sample.firstByte & 0x0f
      for (let flags = 0; flags < 16; flags++) {
        const bytes = withFirstByte(sample, (sample.firstByte & 0xf0) | flags)
        if (isRight(sample, flags, right)) court.takes(version, bytes)
        else court.refuses(version, bytes, 0x81, sample.name === 'CONNECT')
      }
      await court.close()
    })
  }

  test(`${VERSION_NAMES[version]} PUBLISH: QoS 3 with any DUP and RETAIN; DUP 1 at QoS 0${RULES[version]}`, async () => {
    const court = await Court.open()
    const [atQoS0, atQoS1] = samplesOf(version).filter(({ name }) => name === 'PUBLISH')
    for (const firstByte of [0x36, 0x37, 0x3e, 0x3f]) court.refuses(version, withFirstByte(atQoS1!, firstByte), 0x81)
    for (const firstByte of [0x38, 0x39]) court.refuses(version, withFirstByte(atQoS0!, firstByte), 0x82)
    await court.close()
  })

  test(`${VERSION_NAMES[version]} CONNECT: every false combination of Connect Flags${RULES[version]}`, async () => {
    const court = await Court.open()
    const sample = samplesOf(version).find(({ name }) => name === 'CONNECT')!
    const at = sample.fields.findIndex(({ name }) => name === 'Connect Flags')
    // Without Will, User Name and Password their fields would be left over: a fault as well, of the same code.
    for (let flags = 0; flags < 256; flags++) {
      const bytes = bytesOfSample(replaceField(sample, at, { bytes: [flags] }))
      const isReserved = (flags & 1) !== 0
      const hasWill = (flags & 0b100) !== 0
      const isWillFalse = (flags & 0b1_1000) === 0b1_1000 || (!hasWill && (flags & 0b11_1000) !== 0)
      if (isReserved || isWillFalse) court.refuses(version, bytes, 0x81, true)
    }
    await court.close()
  })

  test(`${VERSION_NAMES[version]} SUBSCRIBE: every false Subscription Options${RULES[version]}`, async () => {
    const court = await Court.open()
    const sample = samplesOf(version).find(({ name }) => name === 'SUBSCRIBE')!
    for (const [at, field] of sample.fields.entries()) {
      if (field.name !== 'Subscription Options') continue
      for (let options = 0; options < 256; options++) {
        const bytes = bytesOfSample(replaceField(sample, at, { bytes: [options] }))
        const code = version < 5 ? (options > 2 ? 0x81 : 0) : optionsFault(options)
        if (code === 0) court.takes(version, bytes)
        else court.refuses(version, bytes, code)
      }
    }
    await court.close()
  })

  test(`${VERSION_NAMES[version]}: packet type 0, types that only a Server sends, a second CONNECT${RULES[version]}`, async () => {
    const court = await Court.open()
    for (let flags = 0; flags < 16; flags++) court.refuses(version, Uint8Array.of(flags, 0), 0x81)
    for (const { name, value, flags } of packetTypes) {
      if (['CONNACK', 'SUBACK', 'UNSUBACK', 'PINGRESP'].includes(name)) {
        court.refuses(version, Uint8Array.of((value << 4) | flags!, 2, 0, 1), 0x82)
      }
    }
    const connect = samplesOf(version).find(({ name }) => name === 'CONNECT')!
    court.refuses(version, bytesOfSample(connect), 0x82)
    if (version < 5) court.refuses(version, Uint8Array.of(PacketType.AUTH << 4, 0), 0x81)
    await court.close()
  })
}

/** The Reason Code for Subscription Options of 5.0; 0 where they are right. */
function optionsFault(options: number): number {
  if ((options & 0b1100_0000) !== 0) return 0x81
  return (options & 0b11) === 3 || (options & 0b11_0000) === 0b11_0000 ? 0x82 : 0
}

test(`Any packet but CONNECT as the first is answered by the close alone${RULES[4]}${RULES[5]}`, async () => {
  const court = await Court.open()
  for (const version of VERSIONS) {
    for (const sample of samplesOf(version)) {
      if (sample.name !== 'CONNECT') court.refuses(version, bytesOfSample(sample), undefined, true)
    }
  }
  for (let type = 0; type < 16; type++) {
    if (type !== PacketType.CONNECT) court.refuses(5, Uint8Array.of(type << 4, 0), undefined, true)
  }
  await court.close()
})
