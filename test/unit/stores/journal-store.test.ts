import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { InvariantError, StoreError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import type { JournalStore } from '../../../src/stores/journal-store.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import type { Change } from '../../../src/stores/store.ts'
import { copyStore, dumpStore } from '../../../src/stores/store-tools.ts'
import { memoryStore, tiny } from '../../contract/store-beds.ts'
import { loadModel } from '../../../src/testing/store-contract.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import { RandomTurns } from '../../../src/testing/random-turns.ts'
import { StoreModel } from '../../../src/testing/store-model.ts'

const huge = { segmentBytes: 1 << 30, checkpointBytes: 1 << 30 }

async function filled(
  disk: MemoryDisk,
  turns: number,
  options: typeof tiny,
  seed = 7,
): Promise<{ store: JournalStore; made: RandomTurns }> {
  const store = memoryStore(disk, options)
  await store.load(() => undefined)
  const made = new RandomTurns(new SeededRandom(seed), new StoreModel())
  for (let turn = 0; turn < turns; turn++) {
    await store.write(made.next(), 'disk')
    // Lets timers fire, on which maintenance waits.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { store, made }
}

function isError(code: string, ...says: string[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StoreError)
    assert.equal(error.code, code, error.message)
    for (const part of says) assert.ok(error.message.includes(part), error.message)
    return true
  }
}

test('a turn that was torn at the very end is cut off; the ones before it are there', async () => {
  const running = new MemoryDisk()
  const { store, made } = await filled(running, 20, huge)
  const before = made.model.picture()
  await store.write(made.next(), 'disk')
  const disk = running.kill()
  await store.close()
  const file = await disk.open('journal-00000001.log')
  await file.cut(file.size - 1)
  const again = memoryStore(disk, huge)
  assert.equal((await loadModel(again)).picture(), before)
  await again.close()
})

test('what a start found unsynced is synced before anything relies on it: a power cut after a crash loses nothing', async () => {
  const killed = new MemoryDisk()
  const { store, made } = await filled(killed, 20, huge)
  await store.write(made.next(), 'process')
  const disk = killed.kill()
  const again = memoryStore(disk, huge)
  await again.load(() => undefined)
  assert.equal((await loadModel(memoryStore(disk.crash(), huge))).picture(), made.model.picture())
  await again.write(made.next(), 'disk')
  assert.equal((await loadModel(memoryStore(disk.crash(), huge))).picture(), made.model.picture())
  await again.close()
})

test('damage in the middle of a segment is an error that names the file, the place and the choices', async () => {
  const disk = new MemoryDisk()
  const { store } = await filled(disk, 20, huge)
  await store.close()
  disk.damage('journal-00000001.log', 500, Uint8Array.of(1, 2, 3, 4))
  const before = disk.contents('journal-00000001.log')
  const again = memoryStore(disk, huge)
  await assert.rejects(
    again.load(() => undefined),
    isError('ERR_STORE_DAMAGED', 'journal-00000001.log is damaged at byte', 'backup', '--repair'),
  )
  await again.close()
  assert.deepEqual(disk.contents('journal-00000001.log'), before)
})

test('damage in a payload, in a checkpoint, or of a missing file is an error too', async () => {
  for (const damage of [
    (disk: MemoryDisk, names: readonly string[]) => disk.remove(names.at(-2)!),
    async (disk: MemoryDisk, names: readonly string[]) => disk.damage(names[0]!, 100, Uint8Array.of(9, 9, 9)),
    async (disk: MemoryDisk, names: readonly string[]) => disk.damage(names.at(-2)!, 110, Uint8Array.of(9, 9, 9)),
  ]) {
    const disk = new MemoryDisk()
    const { store, made } = await filled(disk, 20, { segmentBytes: 3000, checkpointBytes: 1 << 30 })
    await store.compact()
    for (let turn = 0; turn < 40; turn++) {
      await store.write(made.next(), 'disk')
      await new Promise((resolve) => setImmediate(resolve))
    }
    await store.close()
    const names = await disk.list()
    assert.ok(names[0]!.startsWith('checkpoint-'))
    await damage(disk, names)
    const again = memoryStore(disk)
    await assert.rejects(
      again.load(() => undefined),
      isError('ERR_STORE_DAMAGED', 'Choices'),
    )
    await again.close()
  }
})

test('a checkpoint that is missing is what the error names, and no segment that it covered', async () => {
  const disk = new MemoryDisk()
  const { store } = await filled(disk, 20, { ...huge, segmentBytes: 3000 })
  await store.compact()
  await store.close()
  const again = memoryStore(disk, huge)
  await again.load(() => undefined)
  await again.close()
  const names = await disk.list()
  await disk.remove(names.find((name) => name.startsWith('checkpoint-'))!)
  const refused = memoryStore(disk, huge)
  await assert.rejects(
    refused.load(() => undefined),
    (error: Error) =>
      isError('ERR_STORE_DAMAGED', '--repair')(error) &&
      /^the checkpoint before journal-\d+\.log, or journal-\d+\.log, is missing\. /.test(error.message),
  )
  await refused.close()
})

test('a repair keeps what is readable, reports the rest, and sets the damaged file aside', async () => {
  const disk = new MemoryDisk()
  const { store, made } = await filled(disk, 40, huge)
  await store.close()
  const size = disk.contents('journal-00000001.log').length
  disk.damage('journal-00000001.log', Math.floor(size / 2), Uint8Array.of(1, 2, 3, 4))
  const repaired = memoryStore(disk, { ...huge, repair: true })
  const model = await loadModel(repaired)
  assert.ok(repaired.damage.length > 0)
  assert.equal(repaired.damage[0]!.name, 'journal-00000001.log')
  const said = repaired.damage.map(({ name, offset, what }) => `${name} ${offset} ${what}`)
  assert.deepEqual(said, [...new Set(said)], 'a file that is read several times has each damage once')
  const kept = [...model.sessions.keys()]
  assert.ok(kept.length > 0 && kept.every((number) => made.model.sessions.has(number) || number <= 12))
  await repaired.close()
  assert.ok((await disk.list()).includes('journal-00000001.log.damaged'))
  const again = memoryStore(disk)
  assert.equal((await loadModel(again)).picture(), model.picture())
  await again.close()
})

/** @returns whether a start has read the damaged payload, which the journal's end does, and has refused for its sake */
async function damageAfterFolding(seed: number): Promise<boolean> {
  const disk = new MemoryDisk()
  const { store, made } = await filled(disk, 20, huge, seed)
  const message = {
    topicName: 'damaged',
    qos: 1,
    retain: true,
    properties: {},
    publisher: '',
    expiresAtMs: undefined,
  } as const
  await store.write(
    [
      { kind: 'message', message: { ...message, messageNumber: 1000, payload: Buffer.from('find me: precious') } },
      { kind: 'retained', topicName: 'damaged', messageNumber: 1000 },
    ],
    'disk',
  )
  await store.close()
  const folding = memoryStore(disk, { ...huge, segmentBytes: 1600 })
  await folding.load(() => undefined)
  await folding.compact()
  await folding.close()
  const name = (await disk.list()).find((each) => Buffer.from(disk.contents(each)).includes('find me'))!
  disk.damage(name, Buffer.from(disk.contents(name)).indexOf('find me'), Buffer.from('lost'))

  const plain = memoryStore(disk, huge)
  const refusal = await plain
    .load(() => undefined)
    .then(
      () => undefined,
      (error: unknown) => error,
    )
  if (refusal === undefined) assert.deepEqual(await plain.read([1000, 1001]), [undefined, undefined])
  else assert.ok(isError('ERR_STORE_DAMAGED', 'payload of message 1000 is corrupt', '--repair')(refusal))
  await plain.close()

  const repaired = memoryStore(disk, { ...huge, repair: true })
  const model = await loadModel(repaired)
  assert.ok(repaired.damage.some(({ what }) => what.includes('payload of message 1000')))
  await repaired.close()
  assert.equal(model.retained.has('damaged'), false)
  assert.equal(model.picture(), made.model.picture())
  return refusal !== undefined
}

test('a damaged payload shows when it is read, and a repair drops its message alone, wherever folding has left it', async () => {
  let refused = 0
  for (let seed = 1; seed <= 30; seed++) if (await damageAfterFolding(seed)) refused++
  assert.ok(refused > 0 && refused < 30, `${refused} of 30 starts have read it`)
})

test('damage that comes to light while the store runs keeps no other segment, and its own only as long as its message lives', async () => {
  const disk = new MemoryDisk()
  const errors: string[] = []
  const log = { ...silentLogger, error: (...all: unknown[]) => void errors.push(String(all.at(-1))) }
  const store = memoryStore(disk, { segmentBytes: 2000, checkpointBytes: 1 << 30, log })
  await store.load(() => undefined)
  const common = {
    topicName: 't',
    qos: 1,
    retain: true,
    properties: {},
    publisher: '',
    expiresAtMs: undefined,
  } as const
  for (let number = 1; number <= 60; number++) {
    const payload = Buffer.alloc(200, `payload ${number}.`)
    const topicName = `t/${number}`
    await store.write(
      [
        { kind: 'message', message: { ...common, topicName, messageNumber: number, payload } },
        { kind: 'retained', topicName, messageNumber: number },
      ],
      'disk',
    )
    await new Promise((resolve) => setImmediate(resolve))
  }
  const names = (await disk.list()).filter((name) => Buffer.from(disk.contents(name)).includes('payload 11.payload'))
  disk.damage(names[0]!, Buffer.from(disk.contents(names[0]!)).indexOf('payload 11.'), Buffer.from('lost'))
  const cleared = Array.from({ length: 60 }, (_, at) => at + 1).filter((number) => number % 10 !== 1)
  await store.write(
    cleared.map((number) => ({ kind: 'retained-cleared', topicName: `t/${number}` }) as const),
    'disk',
  )
  await store.compact()
  assert.ok(errors.some((error) => error.includes('payload of message 11 is corrupt')))
  const left = (await disk.list()).filter((name) => name.startsWith('journal-'))
  assert.deepEqual(
    left.filter((name) => name === names[0]),
    [names[0]],
  )
  assert.ok(store.metrics.segmentsRewritten > 0)
  const kept = [1, 21, 31, 41, 51]
  assert.deepEqual(
    (await store.read(kept)).map((payload) => Buffer.from(payload!).toString().slice(0, 10)),
    kept.map((number) => `payload ${number}.payload`.slice(0, 10)),
  )
  await store.write([{ kind: 'retained-cleared', topicName: 't/11' }], 'disk')
  await store.compact()
  assert.ok(!(await disk.list()).includes(names[0]!))
  await store.close()
})

test('a file of a later version is refused and not touched, also by a repair', async () => {
  const disk = new MemoryDisk()
  const { store } = await filled(disk, 3, huge)
  await store.close()
  const later = Buffer.from(disk.contents('journal-00000001.log').slice(0, 64))
  later.writeUInt32LE(99, 8)
  later.writeUInt32LE(crc32(later.subarray(0, 60)), 60)
  disk.damage('journal-00000001.log', 0, later)
  const before = disk.contents('journal-00000001.log')
  for (const repair of [false, true]) {
    const again = memoryStore(disk, { repair })
    await assert.rejects(
      again.load(() => undefined),
      isError('ERR_STORE_VERSION', 'journal-00000001.log', 'Choices'),
    )
    await again.close()
    assert.deepEqual(disk.contents('journal-00000001.log'), before)
  }
})

test('a repair loses of a turn with a damaged payload that message alone', async () => {
  const disk = new MemoryDisk()
  const store = memoryStore(disk, huge)
  await store.load(() => undefined)
  const common = {
    topicName: 't',
    qos: 1,
    retain: true,
    properties: {},
    publisher: '',
    expiresAtMs: undefined,
  } as const
  const turn = (numbers: readonly number[]): Change[] =>
    numbers.flatMap((messageNumber): Change[] => {
      const topicName = `t/${messageNumber}`
      const payload = Buffer.from(`payload ${messageNumber}.`)
      return [
        { kind: 'message', message: { ...common, topicName, messageNumber, payload } },
        { kind: 'retained', topicName, messageNumber },
      ]
    })
  await store.write(turn([1, 2, 3]), 'disk')
  await store.write(turn([4]), 'disk')
  await store.close()
  const at = Buffer.from(disk.contents('journal-00000001.log')).indexOf('payload 2.')
  disk.damage('journal-00000001.log', at, Buffer.from('P'))
  const plain = memoryStore(disk, huge)
  await assert.rejects(
    plain.load(() => undefined),
    isError('ERR_STORE_DAMAGED', 'payload of message 2 is corrupt', '--repair'),
  )
  await plain.close()
  const repaired = memoryStore(disk, { ...huge, repair: true })
  const model = await loadModel(repaired)
  assert.deepEqual([...model.retained.keys()].toSorted(), ['t/1', 't/3', 't/4'])
  await repaired.close()
})

test('sound turns behind one that is torn, none of them known to be durable, are cut off by a start and kept by a repair', async () => {
  const whole = new MemoryDisk()
  const { store, made } = await filled(whole, 10, huge)
  const before = made.model.picture()
  const end = whole.contents('journal-00000001.log').length
  const written = [1, 2, 3].map(() => Promise.resolve(store.write([{ kind: 'session', session: lonely }], 'disk')))
  await Promise.all(written)
  const [cut, kept] = [whole.kill(), whole.kill()]
  await store.close()
  cut.damage('journal-00000001.log', end, new Uint8Array(10))
  const plain = memoryStore(cut, huge)
  assert.equal((await loadModel(plain)).picture(), before)
  await plain.close()
  kept.damage('journal-00000001.log', end, new Uint8Array(10))
  const repaired = memoryStore(kept, { ...huge, repair: true })
  assert.ok((await loadModel(repaired)).sessions.has(lonely.sessionNumber))
  await repaired.close()
})

const lonely = {
  sessionNumber: 999,
  clientId: 'lonely',
  userName: undefined,
  protocolVersion: 5,
  sessionExpiryInterval: 100,
  expiresAtMs: undefined,
} as const

test('checkpoints fold the journal, dead segments go, sparse ones are rewritten', async () => {
  const disk = new MemoryDisk()
  const { store, made } = await filled(disk, 600, tiny)
  await store.compact()
  const { checkpoints, segmentsRemoved, segmentsRewritten } = store.metrics
  assert.ok(checkpoints > 3 && segmentsRemoved > 3 && segmentsRewritten > 0)
  const { diskBytes, liveBytes } = store.stats()
  assert.ok(diskBytes < liveBytes * 5 + 20_000, `${diskBytes} bytes on disk for ${liveBytes}`)
  await store.close()
  const again = memoryStore(disk)
  assert.equal((await loadModel(again)).picture(), made.model.picture())
  await again.close()
})

test('a backup is made while the store goes on, and is a store; a second one needs another place', async () => {
  const disk = new MemoryDisk()
  const { store, made } = await filled(disk, 100, tiny)
  const target = new MemoryDisk()
  const before = made.model.picture()
  const backup = store.backup(target)
  const pictures = [before]
  for (let turn = 0; turn < 30; turn++) {
    await store.write(made.next(), 'disk')
    pictures.push(made.model.picture())
  }
  await backup
  const copy = memoryStore(target)
  assert.ok(pictures.includes((await loadModel(copy)).picture()))
  await copy.close()
  await assert.rejects(copyStore(disk, target), isError('ERR_STORE_NOT_EMPTY'))
  await store.close()
})

test('a dump tells every fact without changing anything', async () => {
  const disk = new MemoryDisk()
  const { store, made } = await filled(disk, 100, tiny)
  const before = await disk.list()
  const model = new StoreModel()
  await dumpStore(disk, (fact: Change) => model.apply(fact))
  assert.deepEqual([...model.sessions.keys()], [...made.model.sessions.keys()])
  assert.equal(model.retained.size, made.model.retained.size)
  assert.deepEqual(await disk.list(), before)
  await store.close()
})

test('turns that come while a commit runs are one append and one sync', async () => {
  const disk = new MemoryDisk({ before: () => new Promise((resolve) => setImmediate(resolve)) })
  const { store, made } = await filled(disk, 1, huge)
  const { commits } = store.metrics
  await Promise.all(Array.from({ length: 50 }, () => Promise.resolve(store.write(made.next(), 'disk'))))
  assert.ok(store.metrics.commits - commits <= 2)
  assert.ok(store.metrics.maxBatchTurns >= 49)
  await store.close()
})

test('an entry whose number does not count up is our own mistake, and loud', async () => {
  const disk = new MemoryDisk()
  const store = memoryStore(disk)
  await store.load(() => undefined)
  const entry = { sessionNumber: 1, entryNumber: 1, messageNumber: 1, qos: 1, retain: false } as const
  const full = { ...entry, subscriptionIdentifiers: [], sharedFilter: undefined }
  assert.throws(() => store.write([{ kind: 'queued', entry: full }], 'disk'), InvariantError)
  await store.close()
})

test('a payload that is a copy of a journal is never taken for one', async () => {
  const disk = new MemoryDisk()
  const { store } = await filled(disk, 30, huge)
  await store.close()
  const stolen = disk.contents('journal-00000001.log')
  const other = new MemoryDisk()
  const target = memoryStore(other, {
    ...huge,
    clock: { ...targetClock(), randomBytes: () => Uint8Array.of(9, 9, 9, 9) },
  })
  await target.load(() => undefined)
  const message = {
    topicName: 't',
    qos: 1,
    retain: true,
    properties: {},
    publisher: '',
    expiresAtMs: undefined,
  } as const
  await target.write(
    [
      { kind: 'message', message: { ...message, messageNumber: 1, payload: stolen } },
      { kind: 'retained', topicName: 't', messageNumber: 1 },
    ],
    'process',
  )
  // Torn so that the record is not sound, but all of its payload is there.
  const torn = other.kill()
  await target.close()
  const file = await torn.open('journal-00000001.log')
  await file.cut(file.size - 1)
  const again = memoryStore(torn, huge)
  const model = await loadModel(again)
  assert.equal(model.retained.size, 0)
  await again.close()
})

function targetClock(): ConstructorParameters<typeof JournalStore>[0]['clock'] {
  return {
    now: () => 0,
    wallNow: () => 0,
    setTimer: () => ({ cancel: () => undefined }),
    atEndOfTurn: (run) => void setImmediate(run),
    randomBytes: (length) => new Uint8Array(length),
    random: () => 0,
  }
}

test('files are copied in the order of their numbers, also beyond eight digits', async () => {
  const order: string[] = []
  const from = new MemoryDisk()
  const { store } = await filled(from, 5, huge)
  await store.close()
  await from.rename('journal-00000001.log', 'journal-99999999.log')
  await (await from.open('journal-100000000.log')).append(new Uint8Array(0))
  from.options.before = (operation, name) => void (operation === 'open' && order.push(name))
  await copyStore(from, new MemoryDisk()).catch(() => undefined)
  assert.deepEqual(order.slice(0, 2), ['journal-99999999.log', 'journal-100000000.log'])
})

test('turns that are written one after another at `process` share buffers until they are synced', async (context) => {
  const store = memoryStore(new MemoryDisk(), huge)
  await store.load(() => undefined)
  const made = new RandomTurns(new SeededRandom(7), new StoreModel())
  const allocated = context.mock.method(Buffer, 'allocUnsafeSlow')
  for (let turn = 0; turn < 200; turn++) await store.write(made.next(), 'process')
  const large = allocated.mock.calls.filter((call) => call.arguments[0] >= 65_536)
  assert.ok(large.length <= 20, `${large.length} buffers for 200 turns`)
  await store.close()
})
