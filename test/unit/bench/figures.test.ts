import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare, verdict } from '../../../bench/comparison.ts'
import { guarded } from '../../../bench/guarded.ts'
import { Latencies } from '../../../src/bench/driver/latency.ts'
import { webSocketReader } from '../../../src/bench/driver/raw-connection.ts'
import type { Measurement } from '../../../src/bench/driver/measurement.ts'
import { readOptions } from '../../../bench/options.ts'
import { targetOf } from '../../../src/bench/choice.ts'
import { plot } from '../../../bench/plot.ts'
import { duration } from '../../../src/bench/progress.ts'
import { bars, ratioTo, resultTables, significant, type Result } from '../../../src/bench/results.ts'
import { median, medianOfKnown, spread } from '../../../src/bench/statistics.ts'
import { markdownTable, textTable } from '../../../src/bench/table.ts'
import { bytesFromStatus, processorTimeFromStat, readUsage } from '../../../src/bench/usage.ts'
import { workloads } from '../../../src/bench/workloads.ts'

function measurement(parts: Partial<Measurement>): Measurement {
  return {
    messages: 1000,
    seconds: 2,
    brokerMicroseconds: 1,
    generatorMicroseconds: 0.1,
    limitedBy: undefined,
    latency: { p50: 10, p99: 20, p999: 30 },
    peakBytes: 1_048_576,
    lost: 0,
    ...parts,
  }
}

function result(broker: string, ...costs: number[]): Result {
  return {
    workload: workloads[0]!,
    broker,
    runs: costs.map((brokerMicroseconds) => measurement({ brokerMicroseconds })),
  }
}

test('percentiles are right within the width of a bucket', () => {
  const latencies = new Latencies()
  for (let microseconds = 1; microseconds <= 100_000; microseconds++) latencies.record(microseconds / 1000, 1)
  for (const share of [0.001, 0.01, 0.5, 0.99, 0.999]) {
    const found = latencies.percentile(share)
    assert.ok(Math.abs(found / (share * 100_000) - 1) < 0.035, `${share}: ${found}`)
  }
  latencies.reset()
  assert.ok(Number.isNaN(latencies.percentile(0.5)))
})

test('a weight stands for that many messages, and no latency is too large', () => {
  const latencies = new Latencies()
  latencies.record(0.005, 99)
  latencies.record(1e12, 1)
  assert.equal(latencies.percentile(0.5), 5)
  assert.ok(latencies.percentile(1) > 2e9)
})

test('median and spread of runs, of which some may be unknown', () => {
  assert.equal(median([5, 1, 3]), 3)
  assert.equal(medianOfKnown([undefined, 4, NaN, 2]), 3)
  assert.equal(medianOfKnown([undefined]), undefined)
  assert.equal(spread([9, 10, 11]), 0.2)
  assert.equal(spread([0, 0]), 0)
})

test('the guard judges the median of the pairs, with a tolerance of 15 %', () => {
  assert.deepEqual(compare([1.3, 1.1, 9]), { ratio: 1.3, least: 1.1, most: 9 })
  assert.deepEqual(
    [1.14, 1.16, 0.88, 0.86].map((ratio) => verdict(ratio, 1)),
    ['same', 'worse', 'same', 'better'],
  )
})

test('tables align, drop columns without a value and escape bars', () => {
  const columns = [
    { title: 'row', align: 'left' },
    { title: 'empty', align: 'left' },
    { title: 'n', align: 'right' },
  ] as const
  const rows = [
    ['a|b', '', '1'],
    ['c', '', '100'],
  ]
  assert.equal(textTable(columns, rows), 'row    n\na|b    1\nc    100\n')
  assert.equal(markdownTable(columns, rows), '| row | n |\n| --- | --: |\n| a\\|b | 1 |\n| c | 100 |\n')
})

test('ratios compare medians within a row, beside their goal', () => {
  const results = [result('sluice', 0.2, 0.4, 0.25), result('mosquitto', 5, 7, 4)]
  assert.equal(ratioTo(results, results[0]!, 'mosquitto'), 0.05)
  assert.equal(ratioTo(results, results[0]!, 'aedes'), undefined)
  const [table] = resultTables(results)
  assert.ok(table!.rows[0]!.includes('0.050 ≤ 0.083'))
  const slow = [result('sluice', 3), result('mosquitto', 6)]
  assert.ok(resultTables(slow)[0]!.rows[0]!.includes('0.500 > (!) 0.083'))
})

test('a row says who was the limit, what was lost and why it failed', () => {
  const runs = [measurement({ limitedBy: 'generator', lost: 1500 })]
  const [table] = resultTables([{ workload: workloads[0]!, broker: 'sluice', runs, error: 'it broke' }])
  assert.equal(table!.rows[0]!.at(-1), 'it broke; generator is the limit; 1,500 messages lost')
})

test('a paced row says when the pace was not kept', () => {
  const workload = workloads.find(({ name }) => name === '1-450')!
  const notes = [42_000, 45_000].map((perSecond) => {
    const runs = [measurement({ messages: 2 * perSecond })]
    return resultTables([{ workload, broker: 'sluice', runs }])[0]!.rows[0]!.at(-1)
  })
  assert.deepEqual(notes, ['did not keep the pace', ''])
})

test('three digits count, whatever the size', () => {
  assert.deepEqual([0.1234, 1.234, 12.34, 123.4, NaN, undefined].map(significant), [
    '0.123',
    '1.23',
    '12.3',
    '123',
    '',
    '',
  ])
})

test('the plot is well-formed, with a bar and a number for each broker in each row', () => {
  const shown = [
    ...bars([result('sluice', 0.3), result('a<b&c', 6)]),
    { row: 'none', broker: 'sluice', microseconds: 0 },
  ]
  const svg = plot(shown, 'machine & date')
  const open: string[] = []
  for (const [, closing, name, selfClosing] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (closing === '/') assert.equal(open.pop(), name)
    else if (selfClosing === '') open.push(name!)
  }
  assert.deepEqual(open, [])
  assert.equal(svg.replaceAll(/<[^<>]*>/g, '').match(/[<>]|&(?!amp;|lt;|gt;)/), null)
  assert.ok(svg.includes('>0.300<') && svg.includes('>6.00<') && svg.includes('a&lt;b&amp;c'))
  assert.ok(!svg.includes('NaN') && !svg.includes('Infinity'))
  assert.ok(plot([], '').endsWith('</svg>\n'))
})

test("the operating system's accounts are read as they are written", () => {
  assert.equal(processorTimeFromStat('7 (a) b) S 1 1 1 0 -1 0 0 0 0 0 12 3 9 9 20 0'), 150_000)
  assert.equal(bytesFromStatus('VmPeak:\t 9 kB\nVmHWM:\t    2 kB\n', 'VmHWM'), 2048)
  assert.equal(bytesFromStatus('', 'VmHWM'), 0)
  assert.equal(readUsage(0x7fffffff), undefined)
})

test('addresses and options are checked before anything starts', () => {
  assert.deepEqual(targetOf('wss://me:p%40ss@[::1]:9000/mqtt'), {
    transport: 'wss',
    host: '::1',
    port: 9000,
    path: '/mqtt',
    userName: 'me',
    password: 'p@ss',
  })
  assert.throws(() => targetOf('http://example.org'), /--url must begin with/)
  assert.throws(() => readOptions(['--rows', '1-1,nothing']), /unknown row nothing/)
  assert.throws(() => readOptions(['--seconds', '0']), /--seconds must be a number above 0/)
  assert.throws(() => readOptions(['--what']), /--what/)
  assert.deepEqual(
    readOptions(['--rows', '50-1,1-1', '--peers', 'none']).rows.map((row) => row.name),
    ['50-1', '1-1'],
  )
  assert.deepEqual(readOptions(['--peers', 'none']).peers, [])
})

test('row names are all different, and each row fits on the wire', () => {
  assert.equal(new Set(workloads.map(({ name }) => name)).size, workloads.length)
  for (const { name, shape } of workloads) {
    if (!('pace' in shape) || !('window' in shape.pace)) continue
    assert.ok(shape.pace.batch <= shape.pace.window && shape.pace.window < 65_535, name)
  }
})

test('time left is said in words', () => {
  assert.deepEqual([0.2, 59, 61, 600].map(duration), ['1 s', '59 s', '2 min', '10 min'])
})

test('frames of a WebSocket server are stripped, whatever the chunks', () => {
  const payloads = [5, 126, 70_000].map((length, index) => Buffer.alloc(length, index + 1))
  const stream = Buffer.concat([
    Buffer.from([0x82, 5]),
    payloads[0]!,
    Buffer.from([0x82, 126, 0, 126]),
    payloads[1]!,
    Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]),
    payloads[2]!,
  ])
  for (const size of [1, 7, 1000, stream.length]) {
    const received: Buffer[] = []
    const reader = webSocketReader((bytes, start, end) => received.push(Buffer.from(bytes.subarray(start, end))))
    for (let at = 0; at < stream.length; at += size) {
      const chunk = stream.subarray(at, at + size)
      reader(chunk, 0, chunk.length)
    }
    assert.deepEqual(Buffer.concat(received), Buffer.concat(payloads))
  }
})

test('the guard watches rows that exist, each compared with a row that exists', () => {
  const names = new Set(workloads.map(({ name }) => name))
  for (const { row, reference } of guarded) assert.ok(names.has(row) && names.has(reference), `${row}, ${reference}`)
})

test('what connecting costs is compared by processor time, and a start shows its milliseconds', () => {
  const held = { count: 10, perSecond: NaN, bytesEach: 1, processorMicrosecondsEach: 30, idleShare: undefined }
  const named = (name: string): Result['workload'] => workloads.find((workload) => workload.name === name)!
  const of = (name: string, broker: string, each: number, startMs?: number): Result => ({
    workload: named(name),
    broker,
    runs: [
      measurement({ messages: 0, held: { ...held, processorMicrosecondsEach: each }, ...(startMs && { startMs }) }),
    ],
  })
  const [ours, peer] = [of('drops', 'sluice', 30), of('drops', 'mosquitto', 20)]
  assert.equal(ratioTo([ours, peer], ours, 'mosquitto'), 1.5)
  const [table] = resultTables([of('start', 'sluice', 100_000, 151.2)])
  const cells = table!.rows[0]!
  assert.equal(cells[table!.columns.findIndex(({ title }) => title === 'start ms')], '151')
  assert.equal(cells[table!.columns.findIndex(({ title }) => title === 'made/s')], '')
})
