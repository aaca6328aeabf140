/** What a repair reports: what is lost, whose it was, and what is left. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { MemoryDisk } from '../../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import { VirtualClock } from '../../../support/virtual-clock.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 0xffff_ffff } }

async function start(disk: MemoryDisk, warnings: string[] = [], repair = false): Promise<VirtualBroker> {
  const logger = { ...silentLogger, warn: (_: object | string, text?: string) => void warnings.push(text ?? '') }
  const clock = new VirtualClock()
  const started = VirtualBroker.start({ listeners: {}, persistence: {} }, { disk, logger, repair }, clock)
  let isOver = false
  void Promise.allSettled([started]).then(() => (isOver = true))
  // A repair moves what is readable to other files, with pauses for others.
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(1)
  }
  return started
}

async function filled(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  for (const clientId of ['meter-1', 'meter-2']) {
    const meter = broker.connect({ clientId, ...KEPT })
    await broker.settle()
    meter.subscribe(`to/${clientId}`, 1)
    await broker.settle()
    meter.drop()
  }
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const text of ['first of one', 'second of one', 'third of one']) sensor.publish('to/meter-1', text, 1)
  sensor.publish('to/meter-2', 'only of two', 1)
  sensor.publish('state/good', 'retained good', 1, { retain: true })
  sensor.publish('state/bad', 'retained bad', 1, { retain: true })
  await broker.settle()
  // Damage at the very end would be taken for a record that a crash has cut short.
  sensor.publish('state/last', 'later', 1, { retain: true })
  await broker.settle()
  await broker.close()
  return disk
}

async function flip(disk: MemoryDisk, text: string): Promise<void> {
  for (const name of await disk.list()) {
    const at = Buffer.from(disk.contents(name)).indexOf(text)
    if (at >= 0) disk.damage(name, at, Uint8Array.of(disk.contents(name)[at]! ^ 1))
  }
}

test('a repair reports which sessions and topics have lost messages, and counts what it has kept', async () => {
  const disk = await filled()
  for (const text of ['first of one', 'third of one', 'only of two', 'retained bad']) await flip(disk, text)
  const warnings: string[] = []
  const broker = await start(disk, warnings, true)
  const lost = warnings.flatMap((line) => /lost: .*$/.exec(line)?.[0] ?? [])
  assert.deepEqual(lost.toSorted(), [
    'lost: 2 messages that the session of "meter-1" held',
    'lost: a message that the session of "meter-2" held',
    'lost: the retained message of "state/bad"',
  ])
  const summary = warnings.filter((line) => line.startsWith('the store was repaired'))
  assert.equal(summary.length, 1)
  assert.match(
    summary[0]!,
    /^the store was repaired, with \d+ findings \(see above\); kept: sessions 2, subscriptions 2, messages that wait for clients 1, retained messages 2$/,
  )
  await broker.close()
})

test('a repair of a store without damage reports nothing', async () => {
  const warnings: string[] = []
  const broker = await start(await filled(), warnings, true)
  assert.deepEqual(warnings, [])
  await broker.close()
})
