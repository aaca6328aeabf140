/** The history of figures, in virtual time: what is kept of a second, an hour and a month, and what of it is stored. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { HistoryView } from '../../../src/broker/host/history-view.ts'
import { historyFigures } from '../../../src/admin/history/history-table.ts'
import { SampleRing } from '../../../src/admin/history/sample-ring.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { TestApi } from './http/support.ts'

async function view(api: TestApi, query = ''): Promise<HistoryView> {
  return (await api.ask('GET', `/history${query}`)).value as HistoryView
}

function pass(api: TestApi, seconds: number): void {
  for (let second = 0; second < seconds; second++) api.test.advance(1000)
}

test('a second has what is connected at its end, and what came in it, each second', async () => {
  const api = await TestApi.start()
  pass(api, 1)
  const publisher = api.test.connect({ clientId: 'meter' })
  for (let at = 0; at < 5; at++) publisher.publish('power', '230')
  pass(api, 2)
  const { span, atMs, figures } = await view(api)
  assert.equal(span, 'hour')
  assert.equal(atMs.length, 2)
  assert.equal(atMs[1]! - atMs[0]!, 1000)
  assert.deepEqual(figures.clients, [1, 1])
  assert.deepEqual(figures.messagesReceived, [5, 0])
  assert.deepEqual(Object.keys(figures), historyFigures)
  await api.close()
})

test('an hour is kept, and no more; with fewer points than seconds, neighbours are averaged', async () => {
  const api = await TestApi.start()
  pass(api, 3700)
  assert.equal((await view(api, '?points=3600')).atMs.length, 3600)
  const { atMs } = await view(api, '?points=60')
  assert.equal(atMs.length, 60)
  assert(atMs.every((at, index) => index === 0 || at - atMs[index - 1]! === 60_000))
  assert.equal((await api.problem('GET', '/history?points=1')).parameter, 'points')
  assert.equal((await api.problem('GET', '/history?span=year')).parameter, 'span')
  await api.close()
})

test('of each hour the month has its average, which is stored, and there again after the next start', async () => {
  const path = join(scratchFolder(), 'history.json')
  const first = await TestApi.start({ 'history-file': path })
  first.test.connect({ clientId: 'meter' })
  pass(first, 3601)
  await first.close()
  assert.equal((JSON.parse(readFileSync(path, 'utf8')) as { rows: unknown[] }).rows.length, 1)

  const second = await TestApi.start({ 'history-file': path })
  pass(second, 61)
  await second.close()
  const third = await TestApi.start({ 'history-file': path })
  pass(third, 1)
  // It waits until the file is read.
  await third.services.history.close()
  const { span, figures } = await view(third, '?span=month')
  assert.equal(span, 'month')
  assert.deepEqual(figures.clients, [1, 0], 'the second broker had run for a minute')
  await third.close()
})

test('a file that cannot be read is kept under another name, which the log names once; the month begins anew', async () => {
  const path = join(scratchFolder(), 'history.json')
  for (const text of ['{"version":2}', '{"version":1,"figu', '']) {
    writeFileSync(path, text)
    const api = await TestApi.start({ 'history-file': path })
    pass(api, 3601)
    await api.close()
    const warnings = api.log.lines.filter((line) => line.includes('the history of figures'))
    assert.equal(warnings.length, 1, warnings.join('\n'))
    assert.match(
      warnings[0]!,
      /cannot be read: .*; it is kept as .*history\.json\.unreadable, and the month begins anew/,
    )
    assert.equal(readFileSync(`${path}.unreadable`, 'utf8'), text)
    assert.equal((JSON.parse(readFileSync(path, 'utf8')) as { rows: unknown[] }).rows.length, 1)
    assert.equal(existsSync(`${path}.new`), false)
  }
})

test('where an unreadable file cannot be renamed either, nothing takes its place', async () => {
  const folder = scratchFolder()
  const path = join(folder, 'history.json')
  writeFileSync(path, 'something else')
  mkdirSync(join(`${path}.unreadable`, 'full'), { recursive: true })
  const api = await TestApi.start({ 'history-file': path })
  pass(api, 3601)
  await api.close()
  assert.match(
    api.log.lines.join('\n'),
    /history\.json cannot be read: .*; it stays as it is, and no figures are stored/,
  )
  assert.equal(readFileSync(path, 'utf8'), 'something else')
})

test('with `history-file: off` nothing is stored', async () => {
  assert.deepEqual((await TestApi.start({ 'history-file': 'off' })).services.history.path, '')
})

test('the memory that it takes is charged to the broker, and given back', async () => {
  const api = await TestApi.start()
  const before = api.test.broker.memory.bytes
  pass(api, 1)
  const charged = api.test.broker.memory.bytes - before
  assert.equal(charged, (3600 + 744) * (historyFigures.length + 1) * 8)
  await api.services.history.close()
  assert.equal(api.test.broker.memory.bytes, before)
  await api.test.close()
})

test('a ring forgets its oldest rows, and averages those that are asked for', () => {
  const ring = new SampleRing(3, 1)
  for (const at of [1, 2, 3, 4, 5]) ring.add(at * 1000, [at * 10])
  assert.equal(ring.length, 3)
  assert.deepEqual([...ring.row(0)], [3000, 30])
  assert.deepEqual(ring.average(1, 3), [5000, 45])
})
