import { test } from 'node:test'
import assert from 'node:assert/strict'
import { SeededRandom } from '../../../src/testing/random.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { StoreModel } from '../../../src/testing/store-model.ts'
import { SimulatedDisk } from '../../sim/disk.ts'
import { ModelSession } from '../../sim/facts.ts'
import { Survival, type Past } from '../../sim/survival.ts'

const nothing: Past = {
  sessions: new Map(),
  ended: [],
  retained: new Map(),
  formerRetained: new Map(),
  formerWills: new Set(),
  shared: new Map(),
  isSafe: () => true,
  isRegular: () => true,
}

function complaints(facts: StoreModel, past: Partial<Past>): string[] {
  const said: string[] = []
  const fail = (text: string): void => void said.push(text)
  const survival = new Survival(
    facts,
    { ...nothing, ...past },
    { now: () => 0, wallNow: () => 0, nextSequence: () => 1, fail },
  )
  assert.equal(survival.sessions.size, facts.sessions.size)
  return said
}

function sessionOf(clientId: string): ModelSession {
  const session = new ModelSession(clientId)
  session.expiryMs = 60_000
  session.isSafe = true
  return session
}

test('A Session that a restart loses is noticed, unless nobody was told of it', () => {
  const session = sessionOf('c1')
  const sessions = new Map([['c1', session]])
  assert.deepEqual(complaints(new StoreModel(), { sessions }), ['after the restart the Session of c1 is lost'])
  session.isSafe = false
  assert.deepEqual(complaints(new StoreModel(), { sessions }), [])
})

test('What comes back after its end is noticed: a Session, a Subscription', () => {
  const facts = new StoreModel()
  const record = { sessionNumber: 1, clientId: 'c1', userName: undefined, expiresAtMs: undefined } as const
  facts.apply({ kind: 'session', session: { ...record, protocolVersion: 5, sessionExpiryInterval: 60 } })
  assert.deepEqual(complaints(facts, {}), ['after the restart there is a Session of c1, which had ended'])
  const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const subscription = { topicFilter: 'a', ...options, subscriptionIdentifier: undefined }
  facts.apply({ kind: 'subscribed', sessionNumber: 1, subscription })
  const sessions = new Map([['c1', sessionOf('c1')]])
  assert.deepEqual(complaints(facts, { sessions }), ['after the restart c1 is subscribed to a, which it was not'])
})

test('A simulated disk takes its time, fails, is full, and forgets what was not synced', async () => {
  const clock = new VirtualClock()
  const disk = new SimulatedDisk(new SeededRandom(1))
  const file = await disk.disk.open('file')
  await disk.disk.syncNames()
  await file.append(Uint8Array.of(1))
  await file.sync()
  disk.mostMs = 50
  disk.serve(clock)
  const slow = file.append(Uint8Array.of(2))
  assert.ok(!disk.isQuiet)
  clock.advance(50)
  await slow
  assert.ok(disk.isQuiet)
  disk.mend(0)
  disk.isFailing = true
  await assert.rejects(file.append(Uint8Array.of(3)), /input\/output error/)
  disk.mend(0)
  disk.fill()
  await assert.rejects(file.append(Uint8Array.of(3)), /no space left/)
  disk.end(true)
  assert.equal((await (await disk.disk.open('file')).read(0, 1))[0], 1)
})
