/**
 * Stored deadlines and a clock that goes back, or jumps, across a restart: machines without a battery for it do that.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { silentLogger } from '../../../src/base/log.ts'
import type { BrokerSettings } from '../../../src/broker/broker-settings.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { seed } from '../../support/seed.ts'

const DAY_MS = 86_400_000
const BEGIN_MS = Date.UTC(2026, 0, 1)
const FOREVER = { sessionExpiryInterval: 0xffff_ffff }

function start(disk: MemoryDisk, wallMs: number, settings: BrokerSettings = {}): Promise<VirtualBroker> {
  const clock = new VirtualClock({ wallMs })
  return VirtualBroker.start({ listeners: {}, persistence: {} }, { disk, ...settings }, clock)
}

/** What waits for that client; an empty list if its session is gone. */
async function waiting(broker: VirtualBroker, clientId: string): Promise<PublishPacket[]> {
  const client = broker.connect({ clientId, cleanStart: false, properties: FOREVER })
  const received: PublishPacket[] = []
  for (let round = 0; round < 5; round++) {
    await broker.settle()
    received.push(...client.receiveAll())
  }
  client.drop()
  await broker.settle()
  return received
}

async function prepared(disk: MemoryDisk, wallMs = BEGIN_MS): Promise<VirtualBroker> {
  const broker = await start(disk, wallMs)
  for (const clientId of ['reader', 'watcher']) {
    const reader = broker.connect({ clientId, properties: FOREVER })
    await broker.settle()
    reader.subscribe(clientId === 'reader' ? 'news' : 'will', 1)
    await broker.settle()
    reader.drop()
  }
  const properties = { sessionExpiryInterval: 1000, willDelayInterval: 600 }
  const will = { topicName: 'will', qos: 1, properties: { willDelayInterval: 600 } } as const
  const mortal = broker.connect({ clientId: 'mortal', properties: { sessionExpiryInterval: 1000 }, will })
  await broker.settle()
  mortal.drop()
  assert.ok(properties.willDelayInterval < properties.sessionExpiryInterval)
  const publisher = broker.connect({ clientId: 'publisher' })
  for (const retain of [false, true])
    publisher.publish('news', 'x', 1, { retain, properties: { messageExpiryInterval: 500 } })
  await broker.settle()
  return broker
}

test('a clock a day behind the newest record counts as its time: Message Expiry, Will and Session fall due [5.0 MQTT-3.3.2-6]', async () => {
  const disk = new MemoryDisk()
  await prepared(disk)
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_fields: unknown, text?: string) => void warnings.push(String(text)) }

  const early = await start(disk.kill(), BEGIN_MS - DAY_MS, { logger })
  assert.match(warnings[0]!, /the clock is 86400 s behind/)
  const received = await waiting(early, 'reader')
  assert.deepEqual(
    received.map(({ properties }) => properties.messageExpiryInterval),
    [500, 500],
  )
  const reader = early.connect({ clientId: 'late' })
  reader.subscribe('news')
  const [retained] = reader.take() as PublishPacket[]
  assert.equal(retained?.properties.messageExpiryInterval, 500)

  const next = await start(disk.kill(), BEGIN_MS - DAY_MS)
  next.advance(501_000)
  await next.settle()
  assert.deepEqual(await waiting(next, 'reader'), [])
  assert.equal(next.broker.metrics.retainedExpired, 1)
  next.advance(100_000)
  await next.settle()
  assert.equal(next.broker.metrics.willsPublished, 1)
  next.advance(400_000)
  await next.settle()
  assert.equal(next.broker.metrics.sessionsExpired, 1)
  await next.close()
})

test('what is stored while the clock is behind lives as long as it was given, also when NTP has put the clock right meanwhile', async () => {
  const first = new MemoryDisk()
  await (await prepared(first)).close()
  const disk = first.kill()
  const behind = await start(disk, BEGIN_MS - DAY_MS)
  await waiting(behind, 'reader')
  behind.clock.setWall(BEGIN_MS + 3_600_000)
  behind.connect({ clientId: 'p' }).publish('news', 'y', 1, { properties: { messageExpiryInterval: 500 } })
  await behind.settle()

  const right = await start(disk.kill(), BEGIN_MS + 3_600_000 + 200_000)
  const [message] = await waiting(right, 'reader')
  assert.equal(message?.properties.messageExpiryInterval, 300)
  await right.close()
})

test('a clock that never goes on between restarts does not make anything live for ever', async () => {
  let disk = new MemoryDisk()
  await prepared(disk)
  for (let restart = 0; restart < 6; restart++) {
    disk = disk.kill()
    const broker = await start(disk, 0)
    broker.advance(90_000)
    // Something is stored, so that the next start knows how late it was.
    void broker.broker.publish('tick', String(restart), { retain: true })
    await broker.settle()
  }
  const last = await start(disk.kill(), 0)
  assert.deepEqual(await waiting(last, 'reader'), [])
  await last.close()
})

test(`over random jumps of the clock across restarts no Message Expiry goes out larger than given, nor lives longer than it in one run (TEST_SEED=${seed}) [5.0 MQTT-3.3.2-6]`, async () => {
  for (let run = 0; run < 25; run++) {
    const random = new SeededRandom(seed + run)
    let disk = new MemoryDisk()
    let wallMs = BEGIN_MS
    let broker = await start(disk, wallMs)
    const reader = broker.connect({ clientId: 'reader', properties: FOREVER })
    await broker.settle()
    reader.subscribe('news/#', 1)
    await broker.settle()
    reader.drop()
    /** By topic: what was given, and since when it has been in the running broker, both in seconds. */
    const sent = new Map<string, { readonly given: number; inRun: number }>()
    for (let step = 0; step < 12; step++) {
      const given = 1 + random.integer(400)
      const topicName = `news/${step}`
      const publisher = broker.connect({ clientId: 'publisher' })
      const properties = { messageExpiryInterval: given }
      publisher.publish(topicName, 'x', 1, { retain: true, properties })
      await broker.settle()
      sent.set(topicName, { given, inRun: 0 })
      const seconds = random.integer(200)
      broker.advance(seconds * 1000)
      await broker.settle()
      for (const message of sent.values()) message.inRun += seconds
      check(broker, sent, `run ${run}, step ${step}`)
      if (!random.chance(0.6)) continue
      disk = random.chance(0.5) ? disk.kill() : disk.crash()
      wallMs = broker.clock.wallNow() + random.pick([-400 * DAY_MS, -DAY_MS, -5000, 0, 5000, 300_000])
      broker = await start(disk, wallMs)
      for (const message of sent.values()) message.inRun = 0
      check(broker, sent, `run ${run}, restarted after step ${step}`)
    }
    for (const { topicName, properties } of await waiting(broker, 'reader')) {
      const { given, inRun } = sent.get(topicName)!
      assert.ok(properties.messageExpiryInterval! <= given - inRun, `TEST_SEED=${seed}, run ${run}: ${topicName}`)
    }
  }
})

/** What a new subscriber reads. */
function check(
  broker: VirtualBroker,
  sent: ReadonlyMap<string, { readonly given: number; readonly inRun: number }>,
  where: string,
): void {
  const client = broker.connect({ clientId: 'now' })
  client.subscribe('news/#')
  for (const packet of client.take()) {
    if (packet.type !== PacketType.PUBLISH) continue
    const { given, inRun } = sent.get(packet.topicName)!
    const left = packet.properties.messageExpiryInterval!
    assert.ok(left > 0 && left <= given - inRun, `TEST_SEED=${seed}, ${where}: ${left} s left of ${given} - ${inRun}`)
  }
}
