import { test } from 'node:test'
import type { PropertyRow } from '../../../src/codec/property-table.ts'
import { RULES, Court, VERSION_NAMES } from './court.ts'
import { bytesOfSample, propertiesField, replaceField, samplesOf, type Property, type Sample } from './samples.ts'

/** Text that a longer string begins with: long strings are checked in another way than short ones. */
const LONG: readonly number[] = [0xc3, 0xa4, ...Array.from({ length: 600 }, () => 0x61)]

/** What no string may be (§1.5.4). */
const BAD: readonly (readonly [title: string, bytes: readonly number[]])[] = [
  ['U+0000', [0x00]],
  ['U+0000 behind text', [0x61, 0x00]],
  ['U+0000 behind U+00E4', [0xc3, 0xa4, 0x00, 0x61]],
  ['U+D800', [0xed, 0xa0, 0x80]],
  ['U+DFFF', [0xed, 0xbf, 0xbf]],
  ['a pair of surrogates, each by itself', [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['an overlong U+0000', [0xc0, 0x80]],
  ['an overlong form of three bytes', [0xe0, 0x80, 0xaf]],
  ['a lone tail', [0x80]],
  ['a cut character', [0x61, 0xe2, 0x82]],
  ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['a byte that UTF-8 does not have', [0x61, 0xff]],
  ['U+0000 behind much text', [...LONG, 0x00]],
  ['U+D800 behind much text', [...LONG, 0xed, 0xa0, 0x80]],
  ['a cut character behind much text', [...LONG, 0xe2, 0x82]],
]

const withLength = (bytes: readonly number[]): number[] => [bytes.length >> 8, bytes.length & 0xff, ...bytes]

/** The values of a property in which one string is these bytes; none where it has no string. */
function badValues({ type }: PropertyRow, bytes: readonly number[]): readonly (readonly number[])[] {
  if (type === 'UTF-8 Encoded String') return [withLength(bytes)]
  const good = withLength([0x61])
  return type === 'UTF-8 String Pair'
    ? [
        [...withLength(bytes), ...good],
        [...good, ...withLength(bytes)],
      ]
    : []
}

/** The packet with these bytes in one of its strings, for each of its strings. */
function* broken(sample: Sample, bytes: readonly number[]): Iterable<Sample> {
  for (const [at, { name, kind, holder, properties }] of sample.fields.entries()) {
    if (kind === 'text' && name !== 'Protocol Name') yield replaceField(sample, at, { bytes: withLength(bytes) })
    for (const [index, { row }] of (properties ?? []).entries()) {
      for (const value of badValues(row, bytes)) {
        const all = properties!.map((one, position): Property => (position === index ? { row, value } : one))
        yield replaceField(sample, at, propertiesField(holder!, all))
      }
    }
  }
}

for (const version of [3, 4, 5] as const) {
  for (const [title, bytes] of BAD) {
    test(`${VERSION_NAMES[version]}: ${title} in any string of any packet${RULES[version]}`, async () => {
      const court = await Court.open()
      for (const sample of samplesOf(version)) {
        for (const faulty of broken(sample, bytes)) {
          court.refuses(version, bytesOfSample(faulty), 0x81, sample.name === 'CONNECT')
        }
      }
      await court.close()
    })
  }

  test(`${VERSION_NAMES[version]}: a Topic Name with a wildcard, or empty, and a filter that is none${RULES[version]}`, async () => {
    const court = await Court.open()
    for (const sample of samplesOf(version)) {
      for (const [at, { name }] of sample.fields.entries()) {
        const isName = name === 'Topic Name' || name === 'Will Topic'
        const texts = isName ? ['+', '#', 'a/+', 'a#'] : name === 'Topic Filter' ? ['', 'a+', '+a', 'a#', '#/a'] : []
        for (const text of texts) {
          const faulty = replaceField(sample, at, { bytes: withLength([...Buffer.from(text)]) })
          court.refuses(version, bytesOfSample(faulty), 0x82, sample.name === 'CONNECT')
        }
      }
    }
    await court.close()
  })
}
