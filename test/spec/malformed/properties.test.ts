import { test } from 'node:test'
import { propertyTable, type PropertyHolder, type PropertyRow } from '../../../src/codec/property-table.ts'
import { withLength } from '../../unit/codec/packet-bytes.ts'
import { Court } from './court.ts'
import {
  bytesOfSample,
  clientRows,
  propertiesField,
  replaceField,
  samplesOf,
  valueOf,
  type Property,
  type Sample,
} from './samples.ts'

/** A packet of 5.0 and where its properties of that holder stand. */
const HOLDERS = samplesOf(5).flatMap((sample) =>
  sample.fields.flatMap(({ holder }, at) => (holder === undefined ? [] : [{ sample, holder, at }])),
)

type Place = (typeof HOLDERS)[number]

const nameOf = ({ sample, holder }: Place): string => `${holder} (0x${sample.firstByte.toString(16)})`

/** The packet with these properties instead, all of them right in themselves but for what the test is about. */
function withProperties({ sample, holder, at }: Place, properties: readonly Property[]): Sample {
  return replaceField(sample, at, propertiesField(holder, properties))
}

const one = (row: PropertyRow): Property => ({ row, value: valueOf(row) })

/** What has to be there whatever else is: the method. */
function needed(holder: PropertyHolder): Property[] {
  return clientRows(holder)
    .filter(({ key }) => key === 'authenticationMethod')
    .map(one)
}

for (const place of HOLDERS) {
  const { sample, holder, at } = place
  const isConnect = sample.name === 'CONNECT'
  const rows = clientRows(holder)

  test(`${nameOf(place)}: every property that may not stand there is malformed [U-2.2.2.2-1] [5.0 MQTT-4.13.1-1]`, async () => {
    const court = await Court.open()
    for (const row of propertyTable) {
      if (rows.includes(row)) continue
      const code = row.holders.includes(holder) ? 0x82 : 0x81
      court.refuses(5, bytesOfSample(withProperties(place, [...needed(holder), one(row)])), code, isConnect)
    }
    await court.close()
  })

  test(`${nameOf(place)}: every identifier that no property has is malformed [U-2.2.2.2-1] [5.0 MQTT-4.13.1-1]`, async () => {
    const court = await Court.open()
    for (let id = 0; id < 128; id++) {
      if (propertyTable.some((row) => row.id === id)) continue
      court.refuses(
        5,
        bytesOfSample(replaceField(sample, at, { bytes: withLength([id, 0, 0, 0, 0]) })),
        0x81,
        isConnect,
      )
    }
    // An identifier is a Variable Byte Integer: longer ones, needlessly long ones, endless ones.
    for (const id of [[0x80, 0x01], [0xff, 0xff, 0xff, 0x7f], [0xa6, 0x00], [0x80, 0x80, 0x80, 0x80, 0x01], [0x80]]) {
      court.refuses(5, bytesOfSample(replaceField(sample, at, { bytes: withLength(id) })), 0x81, isConnect)
    }
    await court.close()
  })

  test(`${nameOf(place)}: every property alone; every one twice is a Protocol Error unless it may repeat [5.0 MQTT-4.13.1-1]`, async () => {
    const court = await Court.open()
    for (const row of rows) {
      const others = needed(holder).filter(({ row: known }) => known !== row)
      if (holder === 'CONNECT' && row.key === 'authenticationData') {
        court.refuses(5, bytesOfSample(withProperties(place, [one(row)])), 0x82, true)
      }
      court.takes(5, bytesOfSample(withProperties(place, [...others, one(row)])))
      const twice = bytesOfSample(withProperties(place, [...others, one(row), one(row)]))
      if (row.repeatableIn.includes(holder)) court.takes(5, twice)
      else court.refuses(5, twice, 0x82, isConnect)
    }
    await court.close()
  })

  test(`${nameOf(place)}: every value beyond its limits, and every value cut short [5.0 MQTT-4.13.1-1]`, async () => {
    const court = await Court.open()
    for (const row of rows) {
      const others = needed(holder).filter(({ row: known }) => known !== row)
      for (const value of beyond(row)) {
        const bytes = bytesOfSample(withProperties(place, [...others, { row, value }]))
        court.refuses(5, bytes, row.breach, isConnect)
      }
      for (let length = 0; length < valueOf(row).length; length++) {
        const value = valueOf(row).slice(0, length)
        court.refuses(5, bytesOfSample(withProperties(place, [...others, { row, value }])), 0x81, isConnect)
      }
    }
    await court.close()
  })
}

/** Values that the wire can carry and the standard forbids. */
function beyond({ type, minimum, maximum }: PropertyRow): readonly (readonly number[])[] {
  const zero = {
    Byte: [0],
    'Two Byte Integer': [0, 0],
    'Four Byte Integer': [0, 0, 0, 0],
    'Variable Byte Integer': [0],
  }
  if (minimum > 0 && type in zero) return [zero[type as keyof typeof zero]]
  return type === 'Byte' && maximum === 1 ? [[2], [0x80], [0xff]] : []
}

test('A Response Topic is a Topic Name: empty or with a wildcard it is a Protocol Error, in PUBLISH and in the Will [5.0 MQTT-4.7.3-1] [5.0 MQTT-3.3.2-14]', async () => {
  const court = await Court.open()
  const row = propertyTable.find(({ key }) => key === 'responseTopic')!
  for (const place of HOLDERS.filter(({ holder }) => holder === 'PUBLISH' || holder === 'WILL')) {
    for (const text of ['', '+', '#', 'a/#', 'a+']) {
      const value = [0, text.length, ...Buffer.from(text)]
      const bytes = bytesOfSample(withProperties(place, [{ row, value }]))
      court.refuses(5, bytes, 0x82, place.sample.name === 'CONNECT')
    }
  }
  await court.close()
})
