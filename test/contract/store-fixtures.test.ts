/** Stores that earlier releases wrote, opened by this one: see `test/fixtures/stores/README.md`. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type PublishPacket } from '../../src/codec/packets.ts'
import { PacketType } from '../../src/codec/packet-types.ts'
import { changeKinds, readChange } from '../../src/stores/change-codec.ts'
import { decodeHeader, headerBytes, RecordKind } from '../../src/stores/frame.ts'
import { FrameReader } from '../../src/stores/frame-reader.ts'
import { MemoryDisk } from '../../src/stores/memory-disk.ts'
import { recordReader } from '../../src/stores/record-reader.ts'
import { kindOfName } from '../../src/stores/segment-files.ts'
import type { Change, ReplayRecord } from '../../src/stores/store.ts'
import { dumpStore } from '../../src/stores/store-tools.ts'
import { loadModel } from '../../src/testing/store-contract.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { root } from '../../tools/main.ts'
import { payloadOf } from '../fixtures/stores/payloads.ts'
import { VirtualBroker } from '../support/virtual-broker.ts'
import { memoryStore } from './store-beds.ts'

const folder = join(root, 'test/fixtures/stores')
const releases = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())

/** A copy in memory, which a store may write to. */
async function diskOf(release: string): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  for (const name of readdirSync(join(folder, release)).filter((each) => each.endsWith('.log'))) {
    const file = await disk.open(name)
    await file.append(readFileSync(join(folder, release, name)))
    await file.sync()
  }
  await disk.syncNames()
  return disk
}

function factsOf(release: string): Record<string, unknown>[] {
  const lines = readFileSync(join(folder, release, 'facts.jsonl'), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line) => normal(JSON.parse(line) as Record<string, unknown>))
}

/** 0.1.0 had a Will's delay twice: among its properties as well, with which it does not travel (§3.3.2.3). */
function normal(fact: Record<string, unknown>): Record<string, unknown> {
  const will = fact['will'] as { willDelayInterval: number; properties: Record<string, unknown> } | undefined
  const { willDelayInterval: again = will?.willDelayInterval, ...properties } = will?.properties ?? {}
  assert.equal(again, will?.willDelayInterval)
  return will === undefined ? fact : { ...fact, will: { ...will, properties } }
}

/** As `sluice store dump` prints it. */
function asJson(fact: Change): Record<string, unknown> {
  const text = JSON.stringify(fact, function (this: Readonly<Record<string, unknown>>, key, value: unknown) {
    const original = this[key]
    return original instanceof Uint8Array ? Buffer.from(original).toString('base64') : value
  })
  return JSON.parse(text) as Record<string, unknown>
}

/** Of `actual`, what `expected` has: later versions may know more of a fact. */
function asFarAs(expected: unknown, actual: unknown): unknown {
  if (Array.isArray(expected) && Array.isArray(actual)) return actual.map((one, at) => asFarAs(expected[at], one))
  if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || actual === null) return actual
  const known = Object.keys(expected).filter((key) => key in actual)
  return Object.fromEntries(
    known.map((key) => [
      key,
      asFarAs((expected as Record<string, unknown>)[key], (actual as Record<string, unknown>)[key]),
    ]),
  )
}

/** Every record in the release's files, as it lies there: also of what was over when the broker was killed. */
async function recordsOf(release: string): Promise<{ kind: RecordKind; changes: Change[] }[]> {
  const disk = await diskOf(release)
  const records: { kind: RecordKind; changes: Change[] }[] = []
  for (const name of await disk.list()) {
    const [file, kind] = [await disk.open(name), kindOfName(name)!]
    const header = decodeHeader(kind, await file.read(0, headerBytes))
    assert.ok(typeof header === 'object', name)
    const reader = new FrameReader(file, kind, file.size, header.salt, false)
    for (let record = await reader.next(); record !== undefined; record = await reader.next()) {
      const [changes, bytes] = [[] as Change[], recordReader().reset(record.meta)]
      while (record.frame.kind !== RecordKind.end && !bytes.atEnd) changes.push(readChange(bytes))
      records.push({ kind: record.frame.kind, changes })
    }
  }
  return records
}

const newest = (
  await Promise.all(releases.map(async ({ name }) => ({ name, ms: await newestRecordMs(name) })))
).toSorted((one, other) => other.ms - one.ms)[0]!.name

test(`every kind of Change, and of record, is in the newest of them (${newest})`, async () => {
  const records = await recordsOf(newest)
  const kinds = new Set(records.flatMap(({ changes }) => changes.map(({ kind }) => kind)))
  assert.deepEqual(
    changeKinds.filter((kind) => !kinds.has(kind)),
    [],
    'README.md beside the fixtures says how to make one',
  )
  const recordKinds = new Set(records.map(({ kind }) => kind))
  assert.deepEqual(
    Object.values(RecordKind).filter((kind) => !recordKinds.has(kind)),
    [],
  )
  const marks = records.filter(({ kind, changes }) => kind === RecordKind.turn && changes.length === 0)
  assert.ok(marks.length > 0, 'a turn that says that those before it are durable')
})

for (const { name: release } of releases) {
  describe(`a store that ${release} wrote`, () => {
    test('gives back every fact that the release itself saw in it', async () => {
      const facts: Record<string, unknown>[] = []
      await dumpStore(await diskOf(release), (fact) => facts.push(asJson(fact)))
      const expected = factsOf(release)
      assert.deepEqual(
        facts.map((fact, at) => asFarAs(expected[at], fact)),
        expected,
      )
    })

    test('has its payloads, is written to, folded, and opened again', async () => {
      const disk = await diskOf(release)
      const store = memoryStore(disk)
      const model = await loadModel(store)
      for (const { topicName, payload } of model.messages.values()) {
        assert.deepEqual(Buffer.from(payload), Buffer.from(payloadOf(topicName)), topicName)
      }
      await store.compact()
      await store.close()
      const again = memoryStore(disk)
      assert.equal((await loadModel(again)).picture(), model.picture())
      await again.close()
    })

    test('serves its clients as though they had never been away', async () => {
      const clock = new VirtualClock({ wallMs: await newestRecordMs(release) })
      const config = { listeners: {}, persistence: {} }
      const broker = await VirtualBroker.start(config, { disk: await diskOf(release) }, clock)
      const forever = { sessionExpiryInterval: 0xffff_ffff }
      const back = async (clientId: string): Promise<PublishPacket[]> => {
        const client = broker.connect({ clientId, cleanStart: false, properties: forever })
        const received: PublishPacket[] = []
        for (let round = 0; round < 20; round++) {
          await broker.settle()
          received.push(...client.receiveAll())
        }
        return received
      }
      const expected = factsOf(release)
      for (const fact of expected.filter(({ kind }) => kind === 'session')) {
        const { sessionNumber, clientId, userName } = fact['session'] as Record<string, unknown>
        if (userName !== undefined) continue
        const entries = expected
          .filter(({ kind }) => kind === 'queued')
          .map(({ entry }) => entry as Record<string, unknown>)
          .filter((entry) => entry['sessionNumber'] === sessionNumber && entry['messageNumber'] !== 0)
        const queued = entries.map(({ messageNumber }) => topicOf(expected, messageNumber))
        const topics = [
          ...queued,
          ...owedTo(expected, sessionNumber).filter((topicName) => !queued.includes(topicName)),
        ]
        // What a will adds behind it is not in the fixture.
        const received = (await back(clientId as string)).filter(({ topicName }) => !topicName.startsWith('will/'))
        assert.deepEqual(received.map(({ topicName }) => topicName).toSorted(), topics.toSorted(), String(clientId))
        for (const { topicName, payload } of received) assert.deepEqual(payload, Uint8Array.from(payloadOf(topicName)))
      }
      const reader = broker.connect({ clientId: 'reader' })
      reader.subscribe('#')
      await broker.settle()
      const retained = reader.take().filter(({ type }) => type === PacketType.PUBLISH) as PublishPacket[]
      const states = expected.filter(({ kind }) => kind === 'retained').map(({ topicName }) => topicName as string)
      assert.ok(states.every((topicName) => retained.some((packet) => packet.topicName === topicName)))
      assert.ok(
        retained.some(({ topicName }) => topicName === 'will/mortal'),
        'its session ended with its connection',
      )
      await broker.close()
    })
  })
}

/** Of a session that a replay is owed to: what is retained for it. What the replay has come past is queued. */
function owedTo(facts: readonly Record<string, unknown>[], sessionNumber: unknown): string[] {
  const replays = facts
    .filter(({ kind }) => kind === 'replay')
    .map(({ replay }) => replay as ReplayRecord)
    .filter((replay) => replay.sessionNumber === sessionNumber)
  const retained = facts.filter(({ kind }) => kind === 'retained').map(({ topicName }) => topicName as string)
  return retained.filter((topicName) =>
    replays.some(({ topicFilter }) => topicName.startsWith(topicFilter.slice(0, -1))),
  )
}

function topicOf(facts: readonly Record<string, unknown>[], messageNumber: unknown): string {
  const messages = facts
    .filter(({ kind }) => kind === 'message')
    .map(({ message }) => message as Record<string, unknown>)
  return messages.find((message) => message['messageNumber'] === messageNumber)!['topicName'] as string
}

async function newestRecordMs(release: string): Promise<number> {
  const store = memoryStore(await diskOf(release))
  const loaded = await store.load(() => undefined)
  await store.close()
  return loaded.newestRecordMs
}
