/**
 * Nothing touches a Session before its Client is authenticated, whoever asks and however the answer comes (ancestor:
 * C9).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventNames } from '../../../src/reporting/events.ts'
import type { AuthenticationAnswer, Plugin } from '../../../src/access/plugin.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { ConnectOptions, TestClient } from '../../support/test-client.ts'
import { sessionsOf } from '../../support/sessions.ts'

const KEPT = { clientId: 'meter', cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
const OWNER: ConnectOptions = {
  ...KEPT,
  userName: 'ann',
  password: 'right',
  will: { topicName: 'will' },
}

/** Answers by the password, or when the test says so. */
class Judge implements Plugin {
  readonly name = 'judge'
  readonly #later: ((answer: AuthenticationAnswer) => void)[] = []

  authenticate({ userName, password, authenticationMethod }: Parameters<NonNullable<Plugin['authenticate']>>[0]) {
    const said = Buffer.from(password ?? []).toString()
    if (said === 'later') return new Promise<AuthenticationAnswer>((resolve) => this.#later.push(resolve))
    if (said === 'never') return new Promise<AuthenticationAnswer>(() => {})
    if (said === 'broken') throw new Error('the database is gone')
    if (authenticationMethod !== undefined) return { decision: 'continue' } as const
    if (userName !== 'ann' && userName !== 'bob') return undefined
    return { decision: said === 'right' ? 'allow' : 'deny' } as const
  }

  mayPublish(_client: object, { topicName }: { readonly topicName: string }): boolean {
    return topicName !== 'forbidden'
  }

  maySubscribe(): boolean {
    return true
  }

  denyLater(): void {
    for (const answer of this.#later.splice(0)) answer({ decision: 'deny' })
  }
}

const intruders: [title: string, options: ConnectOptions][] = [
  ['a wrong password', { userName: 'ann', password: 'wrong' }],
  ['no password', { userName: 'ann' }],
  ['an unknown user', { userName: 'eve', password: 'right' }],
  ['nobody', {}],
  ['another user, rightly logged in', { userName: 'bob', password: 'right' }],
  ['a log-in that is denied later', { userName: 'ann', password: 'later' }],
  ['a log-in that is never answered', { userName: 'ann', password: 'never' }],
  ['a plugin that throws', { userName: 'ann', password: 'broken' }],
  ['an exchange that is never finished', { properties: { authenticationMethod: 'X' } }],
  ['a Will that may not be', { userName: 'ann', password: 'right', will: { topicName: 'forbidden' } }],
]

async function withOwner(isAway: boolean) {
  const judge = new Judge()
  const broker = await VirtualBroker.start({
    auth: { plugins: [judge], 'login-delay-after': 100 },
    'topic-check': { plugins: [judge] },
    'plugin-timeout': 2,
    'connect-timeout': 3,
  })
  const owner = broker.connect(OWNER)
  owner.subscribe('a', 1)
  if (isAway) owner.disconnect()
  await broker.broker.publish('a', 'first', { qos: 1 })
  broker.clock.runTurns()
  const watcher = broker.connect({ clientId: 'watcher', userName: 'bob', password: 'right' })
  watcher.subscribe('will')
  const told: string[] = []
  for (const name of eventNames.filter((each) => !each.startsWith('packet')))
    broker.broker.on(name, () => told.push(name))
  return { broker, judge, owner, watcher, told }
}

/** Waits for the answer of a plugin that is late, or that its time is over. */
async function untilRefused(broker: VirtualBroker, judge: Judge, intruder: TestClient): Promise<void> {
  await broker.settle()
  judge.denyLater()
  for (let second = 0; second < 4 && !intruder.isClosed; second++) {
    await broker.settle()
    broker.advance(1000)
  }
  await broker.settle()
}

for (const isAway of [false, true]) {
  for (const [title, options] of intruders) {
    test(`${title} does not touch a Session whose Client is ${isAway ? 'away' : 'connected'}, Clean Start or not`, async () => {
      for (const version of options.properties === undefined ? ([3, 4, 5] as const) : [5 as const]) {
        for (const cleanStart of [true, false]) {
          const { broker, judge, owner, watcher, told } = await withOwner(isAway)
          const before = sessionsOf(broker.broker)
          const intruder = broker.open(version)
          intruder.connect({ ...options, clientId: 'meter', cleanStart })
          assert.deepEqual(sessionsOf(broker.broker), before, 'nor while the answer is pending')
          await untilRefused(broker, judge, intruder)
          assert.ok(intruder.isClosed)
          assert.deepEqual(sessionsOf(broker.broker), before)
          assert.deepEqual(told, ['clientRefused'])
          assert.deepEqual(watcher.takePayloads(), [], 'no Will of the owner')

          const back = isAway ? broker.connect(OWNER) : owner
          if (isAway) assert.equal(back.connack?.sessionPresent, true)
          await broker.broker.publish('a', 'second', { qos: 1 })
          broker.clock.runTurns()
          assert.deepEqual(back.takePayloads(), ['first', 'second'])
          await broker.close()
        }
      }
    })
  }
}

test('while a takeover waits for its answer the owner goes on, and after a yes the Session is taken over as it then is', async () => {
  const answers: ((answer: AuthenticationAnswer) => void)[] = []
  const plugin: Plugin = {
    name: 'slow',
    authenticate: ({ password }) =>
      password === undefined ? { decision: 'allow' } : new Promise((resolve) => answers.push(resolve)),
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [plugin] } })
  const owner = broker.connect(KEPT)
  const newcomer = broker.open()
  newcomer.connect({ ...KEPT, password: 'x' })
  owner.subscribe('a', 1)
  await broker.broker.publish('a', 'for the owner', { qos: 1 })
  broker.clock.runTurns()
  assert.deepEqual(
    owner.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['for the owner'],
  )
  answers[0]!({ decision: 'allow' })
  await broker.settle()
  assert.ok(owner.isClosed)
  newcomer.take()
  await broker.broker.publish('a', 'for the newcomer', { qos: 1 })
  broker.clock.runTurns()
  assert.deepEqual(newcomer.takePayloads(), ['for the newcomer'])
  await broker.close()
})
