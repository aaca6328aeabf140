/**
 * What plugins may answer: whatever it is, a question gets its answer, and a wrong one is a denial that names its
 * plugin.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Access } from '../../../src/access/access.ts'
import type { LateVote } from '../../../src/access/late-vote.ts'
import type { AuthenticationAnswer, Explanation, Plugin } from '../../../src/access/plugin.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { handlingAll } from '../../support/handling-all.ts'
import { CapturedLog, clientOf, ManualClock, requestOf } from '../plugins/support.ts'

const TIMEOUT_MS = 100
const MESSAGE = { topic: 'a', topicName: 'a', qos: 0, retain: false } as const
const ALLOW = { decision: 'allow' } as const

interface World {
  readonly access: Access
  readonly clock: ManualClock
  readonly log: CapturedLog
}

/** The vote of a plugin that misbehaves, and of one that allows everything. */
function worldOf(bad: Partial<Plugin>): World {
  const [clock, log] = [new ManualClock(), new CapturedLog()]
  const good: Plugin = { name: 'good', authenticate: () => ALLOW, mayStay: () => true, mayPublish: () => true }
  const plugins = [good, { name: 'bad', ...bad } as Plugin]
  const access = new Access({ loginPlugins: plugins, topicPlugins: plugins, clock, log, pluginTimeoutMs: TIMEOUT_MS })
  return { access, clock, log }
}

/** Lets promises come to their end, then the time that a plugin has. */
async function decided<Value>(clock: ManualClock, answer: Value | Promise<Value>): Promise<Value> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve))
  clock.advance(TIMEOUT_MS)
  return answer
}

/** What a vote comes to, at once or later. */
async function voted(clock: ManualClock, vote: boolean | Promise<LateVote>): Promise<boolean> {
  const known = await decided<boolean | LateVote>(clock, vote)
  return typeof known === 'boolean' ? known : voted(clock, known.now())
}

/** A throw of what is hard to describe. */
const thrown: Readonly<Record<string, unknown>> = {
  null: null,
  undefined: undefined,
  'a text': 'no',
  'an object without a prototype': Object.create(null),
  'an Error whose stack is a number': Object.assign(new Error('no'), { stack: 7 }),
  'an Error whose message is an object': Object.assign(new Error('no'), { message: {} }),
  'an Error with a stack that throws': Object.defineProperty(new Error('no'), 'stack', { get: raise }),
  'an Error with a message that throws': Object.defineProperty(new Error('no'), 'message', { get: raise }),
  'a Proxy that throws at everything': hostileProxy(),
}

function raise(): never {
  throw new Error('read')
}

/** Throws whatever is done with it. */
function hostileProxy(): object {
  return new Proxy(
    {},
    { get: raise, has: raise, getPrototypeOf: raise, ownKeys: raise, getOwnPropertyDescriptor: raise },
  )
}

/** What is like a promise and is none. */
const thenables: Readonly<Record<string, () => unknown>> = {
  'whose then throws': () => ({ then: raise }),
  'whose then cannot be read': () => Object.defineProperty({}, 'then', { get: raise }),
  'that calls back, then throws': () => ({ then: (resolve: (value: unknown) => void) => (resolve(7), raise()) }),
  'that rejects, then resolves': () => ({
    then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => (reject(null), resolve(true)),
  }),
  'that never calls back': () => ({ then: () => undefined }),
  'that resolves with a Proxy': () => Promise.resolve([hostileProxy()]).then(([proxy]) => ({ decision: proxy })),
  'that is a Promise with a then of its own': () => Object.assign(Promise.resolve(true), { then: raise }),
}

for (const [what, error] of Object.entries(thrown)) {
  for (const [how, fail] of [
    [
      'throws',
      () => {
        throw error
      },
    ],
    ['rejects with', () => Promise.reject(error)],
  ] as const) {
    test(`a plugin that ${how} ${what} has denied, and the log names it`, () =>
      handlingAll(async () => {
        const { access, clock, log } = worldOf({ authenticate: fail, mayPublish: fail, mayStay: fail })
        const result = await decided(clock, access.authenticate(requestOf(), new Map()))
        assert.equal(result.decision, 'deny')
        assert.match(log.lines.join('\n'), /^error plugin bad (failed|timed out after 100 ms) in authenticate/)
        assert.equal(await voted(clock, access.mayPublish(clientOf('u'), MESSAGE)), false)
        assert.equal(await voted(clock, access.mayStay(clientOf('u'), [])), false)
      }))
  }
}

for (const [what, make] of Object.entries(thenables)) {
  test(`a plugin that answers with a thenable ${what} has denied, in its time, and the log names it`, () =>
    handlingAll(async () => {
      const ask = (): Promise<never> => make() as Promise<never>
      const { access, clock, log } = worldOf({ authenticate: ask, mayPublish: ask, mayStay: ask })
      const result = await decided(clock, access.authenticate(requestOf(), new Map()))
      assert.equal(result.decision, 'deny')
      assert.equal(await voted(clock, access.mayPublish(clientOf('u'), MESSAGE)), false)
      assert.equal(await voted(clock, access.mayStay(clientOf('u'), [])), false)
      assert.match(log.lines.join('\n'), /^error plugin bad (failed|timed out after 100 ms) in authenticate/)
      assert.equal(clock.waiting, 0, 'no timer is left')
    }))
}

/** A log-in that a wrong answer would let in, or would break. */
const wrongLogins: readonly (readonly [what: string, answer: unknown, problem: RegExp])[] = [
  ['no object', true, /the answer must be an object/],
  ['null', null, /the answer must be an object/],
  ['a list', [ALLOW], /decision/],
  ['a decision that there is not', { decision: 'yes' }, /decision must be 'allow', .*, got .*yes/],
  ['a decision that cannot be read', Object.defineProperty({}, 'decision', { get: raise }), /raise/],
  ['a Proxy', hostileProxy(), /raise/],
  ['a user name that is a number', { ...ALLOW, userName: 7 }, /userName must be .*, got a number/],
  ['a user name that is null', { ...ALLOW, userName: null }, /userName must be .*, got null/],
  ['a user name with half a surrogate pair', { ...ALLOW, userName: 'a\ud800' }, /userName/],
  ['a user name that no packet could hold', { ...ALLOW, userName: 'a'.repeat(70_000) }, /userName/],
  ['anonymous as a text', { ...ALLOW, anonymous: 'no' }, /anonymous must be true or false, got a string/],
  ['data as a text', { ...ALLOW, authenticationData: 'x' }, /authenticationData must be a Uint8Array/],
  ['data that no packet can hold', { ...ALLOW, authenticationData: new Uint8Array(65_536) }, /authenticationData/],
  ['an end as a Date', { ...ALLOW, expiresAtMs: new Date(0) }, /expiresAtMs must be a number/],
  ['an end that is NaN', { ...ALLOW, expiresAtMs: NaN }, /expiresAtMs must be a number/],
  [
    'a check that is no function',
    { decision: 'check', check: 7 },
    /check must be a function|'continue', got \\?"check/,
  ],
  ['a decoy by text', { decision: 'check', check: () => ALLOW, isDecoy: 'no' }, /isDecoy|'continue', got \\?"check/],
  ['a step with data as a text', { decision: 'continue', authenticationData: 'x' }, /authenticationData/],
  ['a step with a name as a number', { decision: 'continue', userName: 7 }, /userName/],
]

for (const [what, answer, problem] of wrongLogins) {
  for (const [how, wrap] of [
    ['at once', (value: unknown) => value],
    ['later', (value: unknown) => new Promise((resolve) => setImmediate(resolve, value))],
    ['by a check', (value: unknown) => ({ decision: 'check', check: () => value })],
  ] as const) {
    test(`a log-in answered ${how} with ${what} is denied, and the log says what is wrong`, () =>
      handlingAll(async () => {
        const authenticate = (): AuthenticationAnswer => wrap(answer) as AuthenticationAnswer
        const { access, clock, log } = worldOf({ authenticate })
        const result = await decided(clock, access.authenticate(requestOf(), new Map()))
        assert.ok(result.decision === 'deny')
        assert.equal(result.reasonCode, ReasonCode.ServerUnavailable)
        assert.match(log.lines[0]!, /^error plugin bad (failed|timed out after 100 ms) in authenticate/)
        if (how !== 'by a check') assert.match(log.lines[0]!, problem)
      }))
  }
}

test('a denial with a wrong cause or code is a denial like any other, so that guessing is slowed, and is logged', async () => {
  for (const extra of [{ cause: new Error('x') }, { reasonCode: '0x87' }, { reasonCode: null }]) {
    const { access, log } = worldOf({ authenticate: () => ({ decision: 'deny', ...extra }) as never })
    const result = await access.authenticate(requestOf('u', 'p'), new Map())
    assert.ok(result.decision === 'deny')
    assert.equal(result.reasonCode, ReasonCode.BadUserNameOrPassword)
    assert.match(log.lines[0]!, /^error plugin bad failed in authenticate.*(cause|reasonCode) must be/)
  }
})

test('an answer is read once: one that says something else the second time is not believed', async () => {
  let reads = 0
  const shifty = {
    decision: 'allow',
    get userName() {
      return reads++ === 0 ? 'ann' : 7
    },
  }
  const { access } = worldOf({ authenticate: () => shifty as never })
  const result = await access.authenticate(requestOf('ann', 'p'), new Map())
  assert.ok(result.decision === 'allow')
  assert.equal(result.userName, 'ann')
  assert.equal(reads, 1)
})

for (const answer of [null, 1, 'true', {}, NaN, () => true]) {
  test(`a topic question answered with ${inspect(answer)} is denied, at once and later`, async () => {
    const wrong = answer as never
    const { access, clock, log } = worldOf({
      mayPublish: () => wrong,
      maySubscribe: () => Promise.resolve(wrong),
      mayReceive: () => wrong,
    })
    assert.equal(await access.mayPublish(clientOf('u'), MESSAGE), false)
    assert.equal(await voted(clock, access.maySubscribe(clientOf('u'), 'a', 0)), false)
    assert.equal(access.mayReceive(clientOf('u'), 'a'), false)
    assert.match(log.lines[0]!, /^error plugin bad failed in mayPublish.*the answer must be true, false or undefined/)
  })
}

test('mayReceive answered by a thenable whose then throws is denied, and nothing is left unhandled', () =>
  handlingAll(async () => {
    for (const make of Object.values(thenables)) {
      const { access } = worldOf({ mayReceive: () => make() as never })
      assert.equal(access.mayReceive(clientOf('u'), 'a'), false)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }))

const QUESTION = { client: clientOf('u'), action: 'publish', topic: 'a' } as const
const wrongExplanations: readonly unknown[] = [
  null,
  'allow',
  {},
  { plugin: 'bad', decision: 'yes', rule: 'x' },
  { plugin: 'bad', decision: 'allow', rule: 7 },
  { plugin: 7, decision: 'allow', rule: 'x' },
  hostileProxy(),
]
for (const [index, answer] of wrongExplanations.entries()) {
  test(`explain answered with rubbish (${index}) counts as a deny of that plugin`, () =>
    handlingAll(async () => {
      const { access } = worldOf({ mayPublish: () => true, explain: () => answer as Explanation })
      const { decision, explanations } = await access.explain(QUESTION)
      assert.equal(decision, 'deny')
      assert.deepEqual(explanations[1], {
        plugin: 'bad',
        decision: 'deny',
        rule: 'the plugin failed, which counts as a deny',
      })
    }))
}

for (const [what, close] of Object.entries<() => unknown>({
  'throws null': () => {
    throw null as unknown as Error
  }, // eslint-disable-line
  'throws a Proxy': () => {
    throw hostileProxy() as Error
  }, // eslint-disable-line
  'never ends': () => new Promise(() => undefined),
  'is a thenable that throws': () => ({ then: raise }),
})) {
  test(`a plugin whose close ${what}: the others are closed, in time`, () =>
    handlingAll(async () => {
      const [clock, log] = [new ManualClock(), new CapturedLog()]
      const order: string[] = []
      const plugins: Plugin[] = [
        { name: 'first', close: () => void order.push('first') },
        { name: 'bad', close: () => close() as undefined },
        { name: 'last', close: () => void order.push('last') },
      ]
      const access = new Access({ loginPlugins: plugins, topicPlugins: [], clock, log, pluginTimeoutMs: TIMEOUT_MS })
      await decided(clock, access.close())
      assert.deepEqual(order, ['last', 'first'])
      assert.match(log.lines.join('\n'), /^error plugin bad (failed|timed out after 100 ms) in close/)
    }))
}

test('a plugin whose name can be read no more is denied all the same', () =>
  handlingAll(async () => {
    const bad = Object.defineProperty({ mayPublish: raise }, 'name', { get: raise }) as unknown as Plugin
    const [clock, log] = [new ManualClock(), new CapturedLog()]
    const access = new Access({ loginPlugins: [], topicPlugins: [bad], clock, log })
    assert.equal(await access.mayPublish(clientOf('u'), MESSAGE), false)
    assert.match(log.lines[0]!, /failed in mayPublish/)
  }))
