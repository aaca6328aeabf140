import { test } from 'node:test'
import { isReasonCodeAllowed } from '../../../src/codec/reason-code.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { withLength } from '../../unit/codec/packet-bytes.ts'
import { RULES, Court, VERSION_NAMES } from './court.ts'
import { bytesOfSample, replaceField, samplesOf, type Field, type Sample } from './samples.ts'

/**
 * 0x10 is the Server's to send (§3.4.2.1); from a Client it does no harm, and closing would bring the message again for
 * ever.
 */
const TOLERATES_NO_SUBSCRIBERS: ReadonlySet<number> = new Set([PacketType.PUBACK, PacketType.PUBREC])

const bodyOf = ({ fields }: Sample): number[] => fields.flatMap(({ bytes }) => bytes)

/** The packet's first `length` bytes of body, with the right Remaining Length for them. */
function cut(sample: Sample, length: number): Uint8Array {
  return Uint8Array.from([sample.firstByte, ...withLength(bodyOf(sample).slice(0, length))])
}

/** What a packet is worth whose body ends there; `undefined`: nobody can know yet which version it is. */
function worth(sample: Sample, length: number): 'right' | number | undefined {
  let at = 0
  for (const { name, kind, bytes, endsHere } of sample.fields) {
    if (sample.name === 'CONNECT' && length <= at && name === 'Protocol Version') return undefined
    if (kind === 'payload' && length >= at) return 'right'
    at += bytes.length
    if (length < at) return sample.name === 'CONNECT' && name === 'Protocol Name' ? undefined : 0x81
    if (length === at) return behind(sample, name, endsHere)
  }
  return 0x81
}

function behind({ name }: Sample, field: string, endsHere: Field['endsHere']): 'right' | number | undefined {
  return name === 'CONNECT' && field === 'Protocol Name' ? undefined : (endsHere ?? 0x81)
}

/** An empty body: some packets are right without one. */
function worthOfNothing({ name, fields }: Sample): 'right' | number | undefined {
  if (fields.length === 0 || name === 'DISCONNECT') return 'right'
  if (name === 'AUTH') return 0x82
  return name === 'CONNECT' ? undefined : 0x81
}

for (const version of [3, 4, 5] as const) {
  for (const sample of samplesOf(version)) {
    const title = `${VERSION_NAMES[version]} ${sample.name} (0x${sample.firstByte.toString(16)})`
    const isConnect = sample.name === 'CONNECT'
    const body = bodyOf(sample)

    test(`${title} that ends at each byte, with a Remaining Length that says so${RULES[version]}`, async () => {
      const court = await Court.open()
      for (let length = 0; length < body.length; length++) {
        const expected = length === 0 ? worthOfNothing(sample) : worth(sample, length)
        if (expected === 'right') court.takes(version, cut(sample, length))
        else court.refuses(version, cut(sample, length), expected, isConnect)
      }
      await court.close()
    })

    test(`${title} whose stream ends at each byte: no answer and no effect${RULES[version]}`, async () => {
      const court = await Court.open()
      const bytes = bytesOfSample(sample)
      for (let length = 0; length < bytes.length; length++) court.waits(version, bytes.subarray(0, length), isConnect)
      await court.close()
    })

    if (sample.name !== 'PUBLISH') {
      test(`${title} with bytes left over${RULES[version]}`, async () => {
        const court = await Court.open()
        for (const surplus of [[0], [0xff], [1, 0]]) {
          const bytes = Uint8Array.from([sample.firstByte, ...withLength([...body, ...surplus])])
          court.refuses(version, bytes, 0x81, isConnect)
        }
        await court.close()
      })
    }

    test(`${title}: each length in it too long, and each Property Length too short${RULES[version]}`, async () => {
      const court = await Court.open()
      for (const [at, field] of sample.fields.entries()) {
        for (const bytes of wrongLengths(field)) {
          const isNameless = isConnect && field.name === 'Protocol Name'
          court.refuses(
            version,
            bytesOfSample(replaceField(sample, at, { bytes })),
            isNameless ? undefined : 0x81,
            isConnect,
          )
        }
      }
      await court.close()
    })

    test(`${title}: a Remaining Length without end, and one with a needless byte${RULES[version]}`, async () => {
      const court = await Court.open()
      const endless = Uint8Array.of(sample.firstByte, 0x80, 0x80, 0x80, 0x80, 0x01)
      court.refuses(version, endless, isConnect ? undefined : 0x81, isConnect)
      const [first, ...rest] = bytesOfSample(sample)
      const last = rest.findIndex((byte) => byte < 0x80)
      const needless = Uint8Array.from([first!, ...rest.slice(0, last), rest[last]! | 0x80, 0, ...rest.slice(last + 1)])
      if (version === 5) court.refuses(version, needless, 0x81, isConnect)
      else court.takes(version, needless)
      await court.close()
    })

    const identifierAt = sample.fields.findIndex(({ name }) => name === 'Packet Identifier')
    if (identifierAt >= 0) {
      test(`${title} with Packet Identifier 0${RULES[version]}`, async () => {
        const court = await Court.open()
        court.refuses(version, bytesOfSample(replaceField(sample, identifierAt, { bytes: [0, 0] })), 0x82)
        await court.close()
      })
    }

    const reasonAt = sample.fields.findIndex(({ name }) => name === 'Reason Code')
    if (reasonAt >= 0) {
      test(`${title} with each Reason Code that a Client does not send${RULES[version]}`, async () => {
        const court = await Court.open()
        for (let code = 0; code < 256; code++) {
          if (isReasonCodeAllowed((sample.firstByte >> 4) as PacketType, code, 'client')) continue
          if (code === 0x10 && TOLERATES_NO_SUBSCRIBERS.has(sample.firstByte >> 4)) continue
          court.refuses(version, bytesOfSample(replaceField(sample, reasonAt, { bytes: [code] })), 0x82)
        }
        await court.close()
      })
    }
  }
}

/** The field with a length that runs past the packet's end, or into what follows; all of them are malformed. */
function wrongLengths({ kind, bytes }: Field): readonly (readonly number[])[] {
  if (kind === 'text' || kind === 'binary') return [[0xff, 0xff, ...bytes.slice(2)]]
  if (kind !== 'properties') return []
  const size = bytes[0]! < 0x80 ? 1 : 2
  const content = bytes.slice(size)
  const as = (length: number): number[] => [...withLength({ length }).slice(0, size), ...content]
  // One too long takes in a byte 0x00, which no property begins with; one too short cuts the last value.
  return [
    as(content.length + 1),
    as(content.length - 1),
    [0xff, 0xff, 0xff, 0x7f, ...content],
    [0x80, 0x80, 0x80, 0x80, 0x01, ...content],
  ]
}
