/**
 * A damaged checkpoint: a repair keeps every record around the damage, and the file, and reports the rest in numbers.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadModel } from '../../../src/testing/store-contract.ts'
import type { StoreModel } from '../../../src/testing/store-model.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import type { Change } from '../../../src/stores/store.ts'
import { memoryStore } from '../../contract/store-beds.ts'

const options = { segmentBytes: 1 << 20, checkpointBytes: 1 << 30 }
const sessions = 3
const queued = 300
/** So many are lost with one record of a checkpoint with few messages. */
const lostAtMost = 8
const retained = 20
const headerBytes = 64

function message(messageNumber: number): Change {
  const common = { topicName: `state/${messageNumber}`, qos: 1, retain: false, properties: {}, publisher: '' } as const
  return {
    kind: 'message',
    message: { ...common, messageNumber, payload: Buffer.alloc(100), expiresAtMs: undefined },
  }
}

function* changes(queued: number): Generator<Change> {
  for (let sessionNumber = 1; sessionNumber <= sessions; sessionNumber++) {
    const expiry = { sessionExpiryInterval: 3600, expiresAtMs: undefined }
    yield {
      kind: 'session',
      session: {
        sessionNumber,
        clientId: `client-${sessionNumber}`,
        userName: undefined,
        protocolVersion: 5,
        ...expiry,
      },
    }
    const rest = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    yield {
      kind: 'subscribed',
      sessionNumber,
      subscription: { ...rest, topicFilter: 'state/#', subscriptionIdentifier: undefined },
    }
  }
  for (let number = 1; number <= queued; number++) {
    yield message(number)
    const rest = { qos: 1, retain: false, subscriptionIdentifiers: [], sharedFilter: undefined } as const
    const sessionNumber = 1 + (number % sessions)
    yield { kind: 'queued', entry: { ...rest, sessionNumber, entryNumber: number, messageNumber: number } }
  }
  for (let number = queued + 1; number <= queued + retained; number++) {
    yield message(number)
    yield { kind: 'retained', topicName: `state/${number}`, messageNumber: number }
  }
}

/** A store of one checkpoint, and segments before it. */
async function folded(
  given = options,
  turns: Iterable<readonly Change[]> = [...changes(queued)].map((change) => [change]),
): Promise<{ disk: MemoryDisk; name: string }> {
  const disk = new MemoryDisk()
  const store = memoryStore(disk, given)
  await store.load(() => undefined)
  for (const turn of turns) await store.write(turn, 'memory')
  await store.compact()
  await store.close()
  return { disk, name: (await disk.list()).find((each) => each.startsWith('checkpoint-'))! }
}

function counts(model: StoreModel): { sessions: number; subscriptions: number; queued: number; retained: number } {
  const each = [...model.sessions.values()]
  return {
    sessions: each.length,
    subscriptions: each.reduce((sum, { subscriptions }) => sum + subscriptions.size, 0),
    queued: each.reduce((sum, { entries }) => sum + entries.size, 0),
    retained: model.retained.size,
  }
}

function numberBefore(noun: string, text: string): number {
  return Number(new RegExp(`(\\d+) ${noun}`).exec(text)?.[1] ?? 0)
}

test('a byte that is damaged anywhere in a checkpoint costs one record at most, which is counted, and the file is kept', async () => {
  const { disk: whole, name } = await folded()
  const size = whole.contents(name).length
  for (let at = headerBytes; at < size; at += 53) {
    const disk = whole.kill()
    disk.damage(name, at, Uint8Array.of(disk.contents(name)[at]! ^ 0xff))
    const damaged = disk.contents(name)
    const repaired = memoryStore(disk, { ...options, repair: true })
    const model = await loadModel(repaired)
    const found = counts(model)
    const report = repaired.damage.map(({ what }) => what).join('\n')
    await repaired.close()
    const where = `byte ${at} of ${size}: ${report}`
    assert.deepEqual([found.sessions, found.subscriptions], [sessions, sessions], where)
    const lost = queued + retained - found.queued - found.retained
    assert.ok(lost <= lostAtMost, where)
    const isCounted = /lost with the damaged records|no data was lost/.test(report)
    assert.ok(isCounted || report.includes('its end is missing'), where)
    const reported = numberBefore('queued messages', report) + numberBefore('retained messages', report)
    if (isCounted) assert.equal(reported, lost, where)
    else assert.equal(lost, 0, where)
    assert.deepEqual(disk.contents(`${name}.damaged`), damaged, where)
    const again = memoryStore(disk, options)
    assert.equal((await loadModel(again)).picture(), model.picture(), where)
    await again.close()
  }
})

test('of many messages, a damaged byte costs one in 128 at most, and never more than 64', async () => {
  for (const messages of [2000, 9000]) {
    const { disk: whole, name } = await folded({ ...options, segmentBytes: 1 << 24 }, [[...changes(messages)]])
    const size = whole.contents(name).length
    for (const place of [0.5, 0.97]) {
      const disk = whole.kill()
      const at = Math.floor(size * place)
      disk.damage(name, at, Uint8Array.of(disk.contents(name)[at]! ^ 0xff))
      const repaired = memoryStore(disk, { ...options, repair: true })
      const found = counts(await loadModel(repaired))
      await repaired.close()
      const lost = messages + retained - found.queued - found.retained
      assert.ok(lost > 0 && lost <= Math.min(Math.max(lostAtMost, messages / 128), 64), `${lost} of ${messages}`)
    }
  }
})

test('a checkpoint that was cut short: what lies before the cut is kept, and every segment with its payloads', async () => {
  const { disk, name } = await folded()
  const file = await disk.open(name)
  await file.cut(Math.floor(file.size / 2))
  await file.close()
  const repaired = memoryStore(disk, { ...options, repair: true })
  const found = counts(await loadModel(repaired))
  const report = repaired.damage.map(({ what }) => what).join('\n')
  await repaired.close()
  assert.deepEqual([found.sessions, found.subscriptions], [sessions, sessions])
  assert.ok(found.queued > queued / 4 && found.queued < queued, String(found.queued))
  assert.match(report, /its end is missing/)
  assert.match(report, /does not record how much is lost/)
})

/** Damages both copies of the sessions, which lie in the first record and in the last but one. */
async function withoutSessions(segmentBytes: number): Promise<{ disk: MemoryDisk; name: string }> {
  const { disk, name } = await folded({ ...options, segmentBytes })
  const bytes = Buffer.from(disk.contents(name))
  for (const at of [bytes.indexOf('client-1'), bytes.lastIndexOf('client-1')])
    disk.damage(name, at, Buffer.from('CLIENT'))
  return { disk, name }
}

test('sessions that are lost for good are counted, with what was queued for them; the rest is kept', async () => {
  const { disk } = await withoutSessions(options.segmentBytes)
  const repaired = memoryStore(disk, { ...options, repair: true })
  const found = counts(await loadModel(repaired))
  const report = repaired.damage.map(({ what }) => what).join('\n')
  await repaired.close()
  assert.deepEqual(found, { sessions: 0, subscriptions: 0, queued: 0, retained })
  assert.match(report, /lost with the damaged records: 3 sessions, 3 subscriptions, 300 queued messages$/)
})

test('sessions that a segment before the checkpoint still has are restored from there, with what is queued for them', async () => {
  const { disk } = await withoutSessions(1 << 14)
  const repaired = memoryStore(disk, { ...options, repair: true })
  const found = counts(await loadModel(repaired))
  const report = repaired.damage.map(({ what }) => what).join('\n')
  await repaired.close()
  assert.deepEqual(found, { sessions, subscriptions: sessions, queued, retained })
  assert.match(report, /3 sessions were restored from older files/)
  assert.match(report, /no data was lost/)
})
