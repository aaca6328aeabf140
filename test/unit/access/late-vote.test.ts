import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Access } from '../../../src/access/access.ts'
import { LateVote, type Vote } from '../../../src/access/late-vote.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { CapturedLog, clientOf, ManualClock } from '../plugins/support.ts'

type Answer = boolean | undefined

/** Answers at once what `answer` is, or later if that is `undefined` and it `isSlow`. */
class Voter implements Plugin {
  readonly name: string
  answer: Answer
  isSlow: boolean
  asked = 0
  readonly waiting: ((answer: Answer) => void)[] = []

  constructor(name: string, answer?: Answer, isSlow = answer === undefined) {
    this.name = name
    this.answer = answer
    this.isSlow = isSlow
  }

  mayPublish(): Answer | Promise<Answer> {
    this.asked++
    return this.isSlow ? new Promise((resolve) => this.waiting.push(resolve)) : this.answer
  }
}

const MESSAGE = { topic: 'a', topicName: 'a', qos: 0, retain: false } as const

function worldOf(...topicPlugins: Plugin[]) {
  const [clock, log] = [new ManualClock(), new CapturedLog()]
  const access = new Access({ loginPlugins: [], topicPlugins, clock, log, pluginTimeoutMs: 100 })
  const ask = (): Vote => access.mayPublish(clientOf('u'), MESSAGE)
  return { access, clock, log, ask }
}

/** The vote once all of its answers are there. */
async function late(vote: Vote): Promise<LateVote> {
  assert.ok(vote instanceof Promise)
  return vote
}

test('a plugin that takes its time when it is asked again is waited for: what it said before the change is over', async () => {
  const [cached, service] = [new Voter('cached', true), new Voter('service')]
  const { access, ask } = worldOf(cached, service)
  const first = ask()
  service.waiting.pop()!(undefined)
  cached.isSlow = true
  access.changed()
  const again = (await late(first)).now()
  assert.ok(again instanceof Promise, 'it is asked again, and has not answered yet')
  cached.waiting.pop()!(false)
  assert.equal((await again).now(), false)
  assert.deepEqual([cached.asked, service.asked], [2, 1])
})

test('a slow plugin that has reported a change of its own meanwhile is asked again; a change of others leaves its answer', async () => {
  const [store, service] = [new Voter('store', true), new Voter('service')]
  const { access, ask } = worldOf(store, service)
  const [one, other] = [ask(), ask()]
  for (const answer of service.waiting.splice(0)) answer(true)
  access.changed()
  assert.equal((await late(one)).now(), true)
  access.changed(service)
  const again = (await late(other)).now()
  assert.equal(service.asked, 3)
  service.waiting.pop()!(false)
  assert.equal((await late(again)).now(), false)
})

test('while a slow plugin changes all the time, its vote ends as a deny after three more rounds', async () => {
  const service = new Voter('service')
  const { access, ask } = worldOf(service)
  let vote = ask()
  while (vote instanceof Promise) {
    assert.ok(service.asked <= 5)
    access.changed(service)
    service.waiting.pop()!(true)
    vote = (await vote).now()
  }
  assert.equal(vote, false)
  assert.equal(service.asked, 5)
})

test('a deny that is given at once decides at once, and slow plugins are not even asked', () => {
  for (const isFirst of [true, false]) {
    const [service, store] = [new Voter('service'), new Voter('store', false)]
    const { ask, clock, log } = isFirst ? worldOf(service, store) : worldOf(store, service)
    assert.deepEqual([ask(), ask(), ask()], [false, false, false])
    assert.equal(service.asked, 1, 'nobody knew that it is slow')
    clock.advance(99)
    service.waiting.pop()!(true)
    assert.deepEqual(log.lines, [])
  }
})

test('a deny that comes late decides without the other late answers, which change nothing; one that is too late is logged', async () => {
  const [one, other] = [new Voter('one'), new Voter('other')]
  const { ask, clock, log } = worldOf(one, other)
  const vote = ask()
  one.waiting.pop()!(false)
  const known = await late(vote)
  assert.equal(known.now(), false)
  clock.advance(100)
  await Promise.resolve()
  assert.equal(known.now(), false)
  assert.match(log.lines.join(), /^error plugin other timed out after 100 ms in mayPublish/)
  assert.equal(clock.waiting, 0)
})

test('not more than 1,000 answers are left behind: with more, a vote waits for all of its own', async () => {
  const [one, other] = [new Voter('one'), new Voter('other')]
  const { ask } = worldOf(one, other)
  const votes = Array.from({ length: 1001 }, ask)
  for (const answer of one.waiting.splice(0)) answer(false)
  let decided = 0
  for (const vote of votes) void late(vote).then(() => decided++)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(decided, 1000)
  for (const answer of other.waiting.splice(0)) answer(true)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(decided, 1001)
  const last = ask()
  one.waiting.pop()!(false)
  assert.equal((await late(last)).now(), false, 'there is room again')
})
