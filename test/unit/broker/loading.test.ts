/**
 * Nothing but loading happens until loading is done. A store is started at every moment at which something in it falls
 * due, with the clock moving on at every operation of the disk, so that each deadline also comes while the store is
 * half loaded.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Disk, DiskFile } from '../../../src/base/disk.ts'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { Broker } from '../../../src/create-broker.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { openNodeDisk } from '../../../src/stores/node-disk.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { sessionsOf } from '../../support/sessions.ts'

const BEGIN = Date.UTC(2026, 0, 1)
const NEVER = 0xffff_ffff
/** Seconds after the stop at which something falls due: see `fill`. */
const DUE = { retained: 10, queued: 12, will: 14, session: 16 } as const
const LAST = 20

/** Calls `before` ahead of every operation: time passes while a disk works. */
function watched(disk: Disk, before: () => void): Disk {
  const file = (inner: DiskFile): DiskFile => ({
    get size() {
      return inner.size
    },
    append: (bytes) => (before(), inner.append(bytes)),
    sync: () => (before(), inner.sync()),
    read: (at, length) => (before(), inner.read(at, length)),
    cut: (size) => (before(), inner.cut(size)),
    close: () => inner.close(),
  })
  return {
    open: async (name) => (before(), file(await disk.open(name))),
    list: () => (before(), disk.list()),
    remove: (name) => (before(), disk.remove(name)),
    rename: (from, to) => (before(), disk.rename(from, to)),
    syncNames: () => (before(), disk.syncNames()),
  }
}

/** @param before called ahead of every operation of the disk, as long as the broker starts */
async function startAt(
  wallMs: number,
  disk: Disk,
  before: (clock: VirtualClock, broker: Broker) => void = () => {},
): Promise<VirtualBroker> {
  const clock = new VirtualClock({ wallMs })
  const seen = watched(disk, () => broker.state === 'starting' && before(clock, broker))
  // The clock is not real, but a disk may be: its time must not end before the disk has done its part.
  const persistence = { durability: 'disk', 'close-timeout': 86_400 } as const
  const config = { listeners: {}, 'sys-interval': 0, persistence } as const
  const broker: Broker = new Broker(config, { clock, disk: seen })
  await broker.start()
  return new VirtualBroker(broker, clock)
}

/** Until everything is stored that was recorded so far, however slow the disk is. */
async function stored(broker: VirtualBroker): Promise<void> {
  let isStored = false
  void broker.broker.publish('nobody/reads/this', '').then(() => (isStored = true))
  while (!isStored) await broker.settle()
  await broker.settle()
}

/** Everything that has a deadline, all of it stored, and then a stop. */
async function fill(disk: Disk): Promise<void> {
  const broker = await startAt(BEGIN, disk)
  const keep = (seconds: number) => ({ sessionExpiryInterval: seconds })
  const join = async (...options: Parameters<VirtualBroker['connect']>) => {
    const client = broker.connect(...options)
    await stored(broker)
    return client
  }
  const watcher = await join({ clientId: 'watcher', cleanStart: false, properties: keep(NEVER) })
  watcher.subscribe('will/#', 1)
  await stored(broker)
  watcher.drop()
  const reader = await join({ clientId: 'reader', cleanStart: false, properties: keep(NEVER) })
  reader.subscribe('queue/#', 1)
  await stored(broker)
  reader.drop()
  void broker.broker.publish('kept/for-ever', 'still here', { retain: true })
  for (let count = 0; count < 3; count++) {
    const properties = { messageExpiryInterval: DUE.retained + count }
    void broker.broker.publish(`kept/short/${count}`, 'gone soon', { retain: true, properties })
    void broker.broker.publish('queue/short', 'gone soon', {
      qos: 1,
      properties: { messageExpiryInterval: DUE.queued },
    })
  }
  void broker.broker.publish('queue/long', 'still here', { qos: 1 })
  const willOf = (clientId: string, willDelayInterval: number) => {
    return { topicName: `will/${clientId}`, qos: 1, properties: { willDelayInterval } } as const
  }
  const late = await join({ clientId: 'late', properties: keep(NEVER), will: willOf('late', DUE.will) })
  const ending = await join({ clientId: 'ending', properties: keep(DUE.session), will: willOf('ending', 1000) })
  const mortal = await join({ clientId: 'mortal', will: willOf('mortal', 0) })
  late.drop()
  ending.drop()
  await stored(broker)
  assert.equal(mortal.isClosed, false)
  await broker.close()
}

/** What has to be so once every deadline is over, whenever the start was. */
async function assertAllCame(broker: VirtualBroker, at: string): Promise<void> {
  broker.advance(LAST * 1000)
  await stored(broker)
  assert.equal(broker.broker.metrics.internalErrors, 0, at)
  assert.deepEqual(
    sessionsOf(broker.broker)
      .map(({ clientId }) => clientId)
      .toSorted(),
    ['late', 'reader', 'watcher'],
    at,
  )
  assert.deepEqual(await payloadsOf(broker, 'watcher'), ['will/ending', 'will/late', 'will/mortal'], at)
  assert.deepEqual(await payloadsOf(broker, 'reader'), ['queue/long'], at)
  const fresh = broker.connect({ clientId: 'fresh' })
  fresh.subscribe('kept/#')
  await stored(broker)
  assert.deepEqual(topicsOf(fresh.take() as PublishPacket[]), ['kept/for-ever'], at)
}

async function payloadsOf(broker: VirtualBroker, clientId: string): Promise<string[]> {
  const client = broker.connect({ clientId, cleanStart: false, properties: { sessionExpiryInterval: NEVER } })
  await stored(broker)
  const received = client.receiveAll()
  // Payloads are read from the disk, which takes as long as it takes.
  for (let round = 0; round < 500 && (round === 0 || received.length === 0); round++) {
    await stored(broker)
    received.push(...client.receiveAll())
  }
  client.drop()
  await stored(broker)
  return topicsOf(received)
}

function topicsOf(packets: readonly PublishPacket[]): string[] {
  return packets
    .filter(({ type }) => type === PacketType.PUBLISH)
    .map(({ topicName }) => topicName)
    .toSorted()
}

/** A copy: a start writes. */
async function copyOf(disk: MemoryDisk): Promise<MemoryDisk> {
  await disk.syncNames()
  return disk.crash()
}

test('a start at every moment at which something stored falls due brings all of it about, once', async () => {
  const filled = new MemoryDisk()
  await fill(filled)
  for (let afterMs = (DUE.retained - 1) * 1000; afterMs <= LAST * 1000; afterMs += 500) {
    const broker = await startAt(BEGIN + afterMs, await copyOf(filled))
    await assertAllCame(broker, `started ${afterMs} ms after the stop`)
    await broker.close()
  }
})

test('a deadline that passes at any operation of the disk while the store loads waits until it has loaded', async () => {
  const filled = new MemoryDisk()
  await fill(filled)
  let operations = 0
  const counted = await startAt(BEGIN, await copyOf(filled), () => operations++)
  await counted.close()
  for (const seconds of Object.values(DUE)) {
    for (let at = 1; at <= operations; at++) {
      let operation = 0
      const broker = await startAt(BEGIN + seconds * 1000 - 2500, await copyOf(filled), (clock) => {
        // Timers fire and turns end in the middle of the load, as they do in a process.
        if (++operation === at) clock.advance(5000)
        else clock.advance(1)
      })
      await assertAllCame(broker, `${seconds} s passed at operation ${at} of ${operations}`)
      await broker.close()
    }
  }
})

test('a folder on a real disk whose deadlines pass while it loads starts', async () => {
  const folder = scratchFolder()
  const first = await openNodeDisk(folder)
  await fill(first)
  await first.close()
  const again = await openNodeDisk(folder)
  let operation = 0
  const broker = await startAt(BEGIN + 9000, again, (clock) => clock.advance(operation++ * 250))
  await assertAllCame(broker, 'real disk')
  await broker.close()
  await again.close()
})

test('while a store loads, the host program can neither publish, subscribe, attach nor reload', async () => {
  const filled = new MemoryDisk()
  await fill(filled)
  const refused = new Set<string>()
  const attempts: Record<string, (broker: Broker) => unknown> = {
    publish: (broker) => broker.publish('queue/early', 'x', { qos: 1 }),
    subscribe: (broker) => broker.subscribe('#'),
    accept: (broker) => broker.accept({} as never, { listener: 'attached', address: '', encrypted: false }),
    reload: (broker) => broker.reload({ listeners: {} }),
    sessions: (broker) => sessionsOf(broker),
  }
  const broker = await startAt(BEGIN, await copyOf(filled), (_clock, starting) => {
    for (const [name, attempt] of Object.entries(attempts)) {
      const attempted = new Promise((resolve) => resolve(attempt(starting)))
      void assert.rejects(attempted, (error: Error) => refused.add(`${name}: ${error.message}`).size > 0)
    }
  })
  await stored(broker)
  assert.deepEqual(
    [...refused].toSorted(),
    Object.keys(attempts)
      .map((name) => `${name}: the broker is starting; wait until start() has resolved`)
      .toSorted(),
  )
  await broker.close()
})
