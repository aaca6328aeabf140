import assert from 'node:assert/strict'
import { LateVote, NO_VOTE } from '../../../src/access/late-vote.ts'
import { test } from 'node:test'
import { Access } from '../../../src/access/access.ts'
import type { AuthenticationAnswer, Plugin } from '../../../src/access/plugin.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { CapturedLog, clientOf, ManualClock, requestOf } from '../plugins/support.ts'

const world = () => ({ clock: new ManualClock(), log: new CapturedLog() })

const accessOf = (loginPlugins: Plugin[], topicPlugins?: Plugin[], { clock, log } = world()): Access =>
  new Access({ loginPlugins, topicPlugins, clock, log, pluginTimeoutMs: 100 })

const login = (name: string, answer: AuthenticationAnswer | undefined): Plugin => ({ name, authenticate: () => answer })
const topic = (name: string, answer: boolean | undefined): Plugin => ({
  name,
  stable: true,
  mayPublish: () => answer,
  maySubscribe: () => answer,
  mayReceive: () => answer,
})

const ALLOW = { decision: 'allow' } as const
const DENY = { decision: 'deny' } as const
const message = { topic: 'a', topicName: 'a', qos: 0, retain: false } as const

async function voted(vote: boolean | Promise<LateVote>): Promise<boolean> {
  const known = await vote
  return typeof known === 'boolean' ? known : voted(known.now())
}

test('log-in: one deny decides, otherwise one allow is needed, nobody answering means no (C3, C6)', () => {
  const votes: [answers: (AuthenticationAnswer | undefined)[], expected: string, reasonCode?: ReasonCode][] = [
    [[], 'deny', ReasonCode.BadUserNameOrPassword],
    [[undefined], 'deny', ReasonCode.BadUserNameOrPassword],
    [[undefined, undefined], 'deny', ReasonCode.BadUserNameOrPassword],
    [[ALLOW], 'allow'],
    [[ALLOW, undefined], 'allow'],
    [[undefined, ALLOW], 'allow'],
    [[ALLOW, DENY], 'deny', ReasonCode.BadUserNameOrPassword],
    [[DENY, ALLOW], 'deny', ReasonCode.BadUserNameOrPassword],
    [[ALLOW, { ...DENY, reasonCode: ReasonCode.Banned }], 'deny', ReasonCode.Banned],
    [[{ decision: 'continue' }, DENY], 'deny', ReasonCode.BadUserNameOrPassword],
    [[{ decision: 'continue' }, ALLOW], 'deny', ReasonCode.NotAuthorized],
  ]
  for (const [answers, expected, reasonCode] of votes) {
    const access = accessOf(answers.map((answer, index) => login(`p${index}`, answer)))
    const result = access.authenticate(requestOf('u', 'p'), new Map())
    assert.ok(!(result instanceof Promise))
    assert.equal(result.decision, expected, JSON.stringify(answers))
    if (result.decision === 'deny') assert.equal(result.reasonCode, reasonCode)
  }
})

test('log-in: a deny counts as one, whichever plugin fails before or behind it: guesses are not free while a service is down', () => {
  const down: Plugin = {
    name: 'down',
    authenticate: () => {
      throw new Error('no connection')
    },
  }
  for (const plugins of [
    [down, login('no', DENY)],
    [login('no', DENY), down],
  ]) {
    const result = accessOf(plugins).authenticate(requestOf('u', 'p'), new Map())
    assert.ok(!(result instanceof Promise) && result.decision === 'deny')
    assert.deepEqual([result.reasonCode, result.cause], [ReasonCode.BadUserNameOrPassword, 'no: denied'])
  }
})

test('log-in: an exchange needs an Authentication Method in CONNECT; it goes on beside an allow', () => {
  const access = accessOf([login('a', { decision: 'continue' }), login('b', ALLOW)])
  const [asked, plain] = ['METHOD', undefined].map((authenticationMethod) =>
    access.authenticate(requestOf(undefined, undefined, { authenticationMethod }), new Map()),
  )
  assert.deepEqual(asked, { decision: 'continue', authenticationData: undefined, claimedUserName: undefined })
  assert.equal((plain as { decision: string }).decision, 'deny')
})

test('log-in: every plugin is asked, also after a deny', () => {
  const asked: string[] = []
  const plugin = (name: string, answer: AuthenticationAnswer): Plugin => ({
    name,
    authenticate: () => {
      asked.push(name)
      return answer
    },
  })
  void accessOf([plugin('a', DENY), plugin('b', ALLOW)]).authenticate(requestOf(), new Map())
  assert.deepEqual(asked, ['a', 'b'])
})

test('log-in: the name comes from the plugin, else from CONNECT; the earliest expiry holds', () => {
  const access = accessOf([
    login('a', { decision: 'allow', expiresAtMs: 300 }),
    login('b', { decision: 'allow', userName: 'renamed', expiresAtMs: 200 }),
  ])
  assert.deepEqual(access.authenticate(requestOf('typed', 'p'), new Map()), {
    decision: 'allow',
    userName: 'renamed',
    authenticationData: undefined,
    expiresAtMs: 200,
    grounds: [
      { plugin: 'a', evidence: true },
      { plugin: 'b', evidence: true },
    ],
  })
  const result = accessOf([login('a', ALLOW)]).authenticate(requestOf('typed', 'p'), new Map())
  assert.equal((result as { userName: string }).userName, 'typed')
})

test('log-in: an Authentication Method that no plugin answers for is 0x8C [5.0 MQTT-4.12.0-1]', () => {
  const result = accessOf([login('a', undefined)]).authenticate(
    requestOf('u', 'p', { authenticationMethod: 'NONE' }),
    new Map(),
  )
  assert.deepEqual(result, {
    decision: 'deny',
    reasonCode: ReasonCode.BadAuthenticationMethod,
    cause: 'no plugin supports this Authentication Method',
  })
})

test('log-in: each step of an exchange gets what its plugin left in the step before', () => {
  const seen: unknown[] = []
  const counting: Plugin = {
    name: 'counting',
    authenticate: ({ exchangeState }) => {
      seen.push(exchangeState)
      const step = ((exchangeState as number | undefined) ?? 0) + 1
      if (step === 3) return { decision: 'allow', authenticationData: Buffer.from('end') }
      return { decision: 'continue', exchangeState: step, authenticationData: Buffer.from([step]) }
    },
  }
  const access = accessOf([login('other', undefined), counting])
  const states = new Map()
  const steps = [1, 2, 3].map(() =>
    access.authenticate(requestOf(undefined, undefined, { authenticationMethod: 'X' }), states),
  )
  assert.deepEqual(seen, [undefined, 1, 2])
  assert.deepEqual(
    steps.map((step) => (step as { decision: string }).decision),
    ['continue', 'continue', 'allow'],
  )
})

test('log-in: two plugins that both lead an exchange are a deny that names them', () => {
  const access = accessOf([login('a', { decision: 'continue' }), login('b', { decision: 'continue' })])
  const result = access.authenticate(requestOf(), new Map())
  assert.match((result as { cause: string }).cause, /plugins a and b both try to conduct/)
})

const failing: Record<string, Plugin['authenticate'] & {}> = {
  throws: () => {
    throw new TypeError('hunter2 is not a function')
  },
  rejects: () => Promise.reject(new SyntaxError('hunter2')),
  'answers nonsense': () => true as unknown as undefined,
  'answers nonsense later': () => Promise.resolve({ decision: 'perhaps' } as unknown as undefined),
}
for (const [title, authenticate] of Object.entries(failing)) {
  test(`a plugin that ${title} is a deny and one logged error without what the Client sent (C3)`, async () => {
    const parts = world()
    const access = accessOf([login('good', ALLOW), { name: 'bad', authenticate }], [], parts)
    const result = await access.authenticate(requestOf('u', 'hunter2'), new Map())
    assert.equal(result.decision, 'deny')
    assert.equal(parts.log.lines.length, 1)
    assert.match(parts.log.lines[0]!, /^error plugin bad failed in authenticate/)
    assert.doesNotMatch(JSON.stringify([result, parts.log.lines]), /hunter2/)
  })
}

test('a plugin that outlasts its time is a deny; its late answer changes nothing', async () => {
  const parts = world()
  let answerLate: (answer: AuthenticationAnswer) => void = () => undefined
  const late: Plugin = { name: 'late', authenticate: () => new Promise((resolve) => (answerLate = resolve)) }
  const waiting = accessOf([login('good', ALLOW), late], [], parts).authenticate(requestOf(), new Map())
  assert.ok(waiting instanceof Promise)
  parts.clock.advance(99)
  assert.equal(parts.log.lines.length, 0)
  parts.clock.advance(1)
  answerLate(ALLOW)
  const result = await waiting
  assert.equal(result.decision === 'deny' && result.cause, 'plugin late timed out after 100 ms')
  assert.match(
    parts.log.lines.join(),
    /^error plugin late timed out after 100 ms in authenticate, which counts as a deny/,
  )
  assert.equal(parts.clock.waiting, 0)
})

test('an answer that a plugin gives up because it is closed is a deny, and no error in the log', async () => {
  const parts = world()
  let giveUp = (): void => {}
  const plugin: Plugin = {
    name: 'closing',
    authenticate: () => new Promise((_resolve, reject) => (giveUp = () => reject(new Error('given up')))),
    close: () => giveUp(),
  }
  const access = accessOf([plugin], undefined, parts)
  const decision = access.authenticate(requestOf('u', 'p'), new Map())
  await access.close()
  assert.equal((await decision).decision, 'deny')
  assert.deepEqual(
    parts.log.lines.filter((line) => line.startsWith('error')),
    [],
  )
})

test('a plugin that fails all the time is logged once a second, with a count', () => {
  const parts = world()
  const bad: Plugin = {
    name: 'bad',
    mayPublish: () => {
      throw new Error('broken')
    },
  }
  const access = accessOf([], [bad], parts)
  for (let n = 0; n < 50; n++) assert.equal(access.mayPublish(clientOf('u'), message), false)
  assert.equal(parts.log.lines.length, 1)
  parts.clock.advance(1000)
  void access.mayPublish(clientOf('u'), message)
  assert.match(parts.log.lines[1]!, /"failuresSinceLastLine":49/)
})

test('who may stay: one no decides, and a plugin that throws counts as one', async () => {
  const staying = (name: string, mayStay: Plugin['mayStay'] & {}): Plugin => ({ ...login(name, ALLOW), mayStay })
  const yes = staying('yes', () => true)
  const unsure = staying('unsure', () => undefined)
  const broken = staying('broken', () => {
    throw new Error('x')
  })
  const may = (...plugins: Plugin[]) => accessOf(plugins).mayStay(clientOf('u'), [{ plugin: 'let it in', evidence: 7 }])
  assert.equal(may(yes, unsure), true)
  assert.equal(may(unsure), false)
  assert.equal(may(unsure, login('let it in', ALLOW)), true, 'it lacks the question, and let the Client in')
  assert.equal(may(unsure, login('another one', ALLOW)), false, 'it lacks the question, and had no part in it')
  const told: unknown[] = []
  const telling = (name: string) => staying(name, (_client, evidence) => (told.push(evidence), true))
  assert.equal(may(telling('let it in'), telling('another one')), true)
  assert.deepEqual(told, [7, undefined], 'each gets its own evidence')
  const later = staying('later', () => Promise.resolve(true))
  const laterNo = staying('later no', () => Promise.resolve(false))
  assert.equal(await voted(may(later, unsure)), true)
  assert.equal(await voted(may(later, laterNo)), false)
  assert.equal(
    may(
      yes,
      staying('no', () => false),
    ),
    false,
  )
  assert.equal(may(yes, broken), false)
})

test('topics: the same vote, answered at once when plugins answer at once', () => {
  const votes: [answers: (boolean | undefined)[], expected: boolean][] = [
    [[undefined], false],
    [[true], true],
    [[true, undefined], true],
    [[true, false], false],
    [[false, true], false],
  ]
  for (const [answers, expected] of votes) {
    const access = accessOf(
      [],
      answers.map((answer, index) => topic(`p${index}`, answer)),
    )
    assert.equal(access.mayPublish(clientOf('u'), message), expected)
    assert.equal(access.maySubscribe(clientOf('u'), 'a/#', 1), expected)
    assert.equal(access.mayReceive(clientOf('u'), 'a'), expected)
  }
})

test('topics: an answer that comes later is a promise of the same decision', async () => {
  const later: Plugin = { name: 'later', mayPublish: () => Promise.resolve(true) }
  assert.equal(await voted(accessOf([], [later]).mayPublish(clientOf('u'), message)), true)
  assert.equal(await voted(accessOf([], [later, topic('no', undefined)]).mayPublish(clientOf('u'), message)), true)
})

test('topics: what was answered at once is asked again if something has changed by the time that it counts; late answers stand', async () => {
  let [answer, asked, askedLater]: [boolean | undefined, number, number] = [true, 0, 0]
  const store: Plugin = { name: 'store', mayPublish: () => (asked++, answer) }
  const service: Plugin = { name: 'service', mayPublish: () => (askedLater++, Promise.resolve(undefined)) }
  const access = accessOf([], [service, store])
  const vote = await access.mayPublish(clientOf('u'), message)
  assert.ok(vote instanceof LateVote)
  assert.deepEqual([vote.now(), asked], [true, 1], 'nothing has changed')
  answer = false
  access.changed()
  assert.deepEqual([vote.now(), asked, askedLater], [false, 2, 1])
  answer = true
  assert.equal(vote.now(), true)
  assert.deepEqual([vote.isOvertaken(access), vote.isOvertaken(accessOf([], []))], [false, true])
  assert.deepEqual([NO_VOTE.now(), NO_VOTE.isOvertaken(access)], [false, false])
})

test('topics: no topic-check section asks nobody and allows all (C7)', () => {
  const access = accessOf([topic('no', false)])
  assert.equal(access.checksTopics, false)
  assert.equal(access.checksReceive, false)
  assert.equal(access.stable, true)
  assert.equal(access.mayPublish(clientOf('u'), message), true)
  assert.equal(access.maySubscribe(clientOf('u'), '#', 0), true)
  assert.equal(access.mayReceive(clientOf('u'), 'a'), true)
})

test('topics: deliveries are asked about only where a plugin answers that', () => {
  const access = accessOf([], [{ name: 'p', mayPublish: () => true }])
  assert.equal(access.checksTopics, true)
  assert.equal(access.checksReceive, false)
  assert.equal(access.mayReceive(clientOf('u'), 'a'), true)
})

test('topics: a plugin that throws, or promises where an answer is due at once, denies a delivery', async () => {
  const parts = world()
  const promising = { name: 'promising', mayReceive: () => Promise.reject(new Error('late')) } as unknown as Plugin
  assert.equal(accessOf([], [topic('yes', true), promising], parts).mayReceive(clientOf('u'), 'a'), false)
  await Promise.resolve()
  assert.match(parts.log.lines[0]!, /promising failed in mayReceive/)
})

test('answers are stable only if every plugin says so; changed() moves the version and tells listeners', () => {
  assert.equal(accessOf([], [topic('a', true), { name: 'b', mayPublish: () => true }]).stable, false)
  const access = accessOf([], [topic('a', true)])
  assert.equal(access.stable, true)
  let told = 0
  const stop = access.onChanged(() => told++)
  const versions = [access.version]
  for (const step of [() => {}, stop]) {
    step()
    access.changed()
    versions.push(access.version)
  }
  assert.deepEqual([new Set(versions).size, told], [3, 1])
})

test('explain: the same vote, each plugin with its rule; one without explain is asked the question itself', async () => {
  const explaining: Plugin = {
    name: 'explaining',
    mayPublish: () => true,
    explain: () => ({ plugin: 'explaining', decision: 'allow', rule: 'line 3' }),
  }
  const question = { client: clientOf('u'), action: 'publish', topic: 'a' } as const
  assert.deepEqual(await accessOf([], [explaining, topic('silent', false)]).explain(question), {
    decision: 'deny',
    explanations: [
      { plugin: 'explaining', decision: 'allow', rule: 'line 3' },
      { plugin: 'silent', decision: 'deny', rule: 'the plugin gives no reason' },
    ],
  })
  assert.equal((await accessOf([]).explain(question)).decision, 'allow')
})

test('explain: a Shared Subscription counts by its filter, $SYS is closed to publishers, nonsense is an error', async () => {
  const asked: string[] = []
  const plugin: Plugin = {
    name: 'p',
    maySubscribe: (_, topicFilter) => Boolean(asked.push(topicFilter)),
    mayPublish: () => true,
  }
  const access = accessOf([], [plugin])
  const ask = (action: 'publish' | 'subscribe', topicText: string) =>
    access.explain({ client: clientOf('u'), action, topic: topicText })
  assert.equal((await ask('subscribe', '$share/g/a/+')).decision, 'allow')
  assert.deepEqual(asked, ['a/+'])
  assert.deepEqual((await ask('publish', '$SYS/broker/uptime')).explanations, [
    { plugin: 'topic-check', decision: 'deny', rule: 'below $SYS/ only a bridge may publish, and only its own state' },
  ])
  const bridge = { ...clientOf('u'), clientId: 'house', bridge: true } as const
  const own = { client: bridge, action: 'publish', topic: '$SYS/broker/connection/house/state' } as const
  assert.equal((await access.explain(own)).decision, 'allow', 'the state of a bridge is put to the plugins')
  assert.equal((await access.explain({ ...own, topic: '$SYS/broker/connection/barn/state' })).decision, 'deny')
  await assert.rejects(ask('publish', 'a/+'), /cannot ask who may publish "a\/\+": /)
  await assert.rejects(ask('subscribe', 'a/#/b'), /cannot ask who may subscribe "a\/#\/b": # must be the last/)
  await assert.rejects(ask('subscribe', '$share/g'), /must follow the ShareName/)
})

test('close: plugins close last made first, and one that hangs or throws holds nobody up', async () => {
  const parts = world()
  const closed: string[] = []
  const plugin = (name: string, close?: () => Promise<void>): Plugin => ({
    name,
    close: () => {
      closed.push(name)
      return close?.()
    },
  })
  const hanging = plugin('hanging', () => new Promise(() => undefined))
  const access = accessOf([plugin('first'), hanging, plugin('bad', () => Promise.reject(new Error('x')))], [], parts)
  const closing = access.close()
  while (parts.clock.waiting === 0 || closed.length < 2) await Promise.resolve()
  parts.clock.advance(100)
  await closing
  assert.deepEqual(closed, ['bad', 'hanging', 'first'])
  assert.equal(parts.log.lines.length, 2)
})
