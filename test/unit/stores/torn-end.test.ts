/** What a power cut leaves behind the last turn that was durable: blocks that older files had there, which are no turns of the journal. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadModel } from '../../../src/testing/store-contract.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import type { Change } from '../../../src/stores/store.ts'
import { memoryStore } from '../../contract/store-beds.ts'

const options = { segmentBytes: 1 << 20, checkpointBytes: 1 << 30 }
const headerBytes = 64

/** One turn with so many sessions and messages that their numbers are far ahead of the turns'. */
function* crowd(): Generator<Change> {
  for (let number = 1; number <= 100; number++) {
    const expiry = { sessionExpiryInterval: 3600, expiresAtMs: undefined }
    const session = { sessionNumber: number, clientId: `client-${number}`, userName: undefined, protocolVersion: 5 }
    yield { kind: 'session', session: { ...session, ...expiry } } as Change
    const common = { topicName: `state/${number}`, qos: 1, retain: true, properties: {}, publisher: '' } as const
    const message = { ...common, messageNumber: number, payload: Buffer.alloc(10), expiresAtMs: undefined }
    yield { kind: 'message', message }
    yield { kind: 'retained', topicName: message.topicName, messageNumber: number }
  }
}

/** A store with a checkpoint and a segment since; and what is in it. */
async function made(): Promise<{ disk: MemoryDisk; journal: string; checkpoint: string; picture: string }> {
  const disk = new MemoryDisk()
  const store = memoryStore(disk, options)
  await store.load(() => undefined)
  await store.write([...crowd()], 'disk')
  await store.compact()
  await store.write([{ kind: 'retained-cleared', topicName: 'state/1' }], 'disk')
  await store.write([{ kind: 'retained-cleared', topicName: 'state/2' }], 'disk')
  await store.close()
  const names = await disk.list()
  const [checkpoint, journal] = [names.find((name) => name.startsWith('checkpoint-'))!, names.at(-1)!]
  const model = await loadModel(memoryStore(disk.kill(), options))
  return { disk, journal, checkpoint, picture: model.picture() }
}

async function append(disk: MemoryDisk, name: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(name)
  await file.append(bytes)
  await file.sync()
  await disk.syncNames()
}

for (const repair of [false, true]) {
  test(`records of a checkpoint behind the last turn are no turns, and prove no damage (${repair ? 'a repair' : 'a start'})`, async () => {
    const { disk: whole, journal, checkpoint, picture } = await made()
    const turns = Buffer.from(whole.contents(journal))
    const records = Buffer.from(whole.contents(checkpoint)).subarray(headerBytes)
    const next = journal.replace(/\d+/, (digits) => String(Number(digits) + 1).padStart(8, '0'))
    const tornEnds: Readonly<Record<string, readonly [name: string, bytes: Uint8Array]>> = {
      'where the next turn was to begin': [journal, records],
      'behind zeros': [journal, Buffer.concat([Buffer.alloc(300), records])],
      'behind the half of a turn': [journal, Buffer.concat([turns.subarray(headerBytes, headerBytes + 50), records])],
      'in a new segment, behind zeros in place of its header': [
        next,
        Buffer.concat([Buffer.alloc(headerBytes), records]),
      ],
    }
    for (const [where, [name, bytes]] of Object.entries(tornEnds)) {
      const disk = whole.kill()
      await append(disk, name, bytes)
      const store = memoryStore(disk, { ...options, repair })
      assert.equal((await loadModel(store)).picture(), picture, where)
      assert.deepEqual(store.damage, [], where)
      await store.write([{ kind: 'retained-cleared', topicName: 'nothing' }], 'disk')
      await store.close()
      const again = memoryStore(disk, options)
      assert.equal((await loadModel(again)).picture(), picture, `${where}, opened again`)
      await again.close()
    }
  })
}
