/** A User Name that no plugin knows, where anonymous Clients may log in. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { resolveOptions, type ConfigInput } from '../../../src/config/options.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { ConnectOptions } from '../../support/test-client.ts'
import { clientsOf } from '../../support/sessions.ts'

const passwords = join(scratchFolder(), 'passwords')
writeFileSync(
  passwords,
  'bob:$6$QXm8KdpCNYJoIlOd$28FEVdysZpgTzvlVcQKovAtF9wyRYH5BwgCHOaDp7KAx+q86fPauiOgz5c1KQS+OINeWZ7znha0fQ00w/5QilQ==\n',
)

async function start(t: TestContext, config: ConfigInput = {}): Promise<VirtualBroker> {
  // Wrong log-ins are answered at once.
  const auth = config.auth && { auth: { ...config.auth, 'login-delay-after': 1000 } }
  const broker = await VirtualBroker.start({ ...config, ...auth })
  // The thread that checks passwords does not keep the process alive, and here nothing else does.
  const alive = setInterval(() => undefined, 60_000)
  t.after(() => {
    clearInterval(alive)
    return broker.close()
  })
  return broker
}

/** @returns the code of CONNACK, which comes later where a password is checked */
async function codeOf(broker: VirtualBroker, options: ConnectOptions): Promise<number> {
  const client = broker.connect(options)
  for (;;) {
    const packet = client.connack ?? client.takeFirst(PacketType.CONNACK)
    if (packet?.type === PacketType.CONNACK) return packet.reasonCode
    await broker.settle()
  }
}

const other: Plugin = { name: 'other', authenticate: () => undefined }

const open = { 'allow-anonymous': true } as const
const DEFAULTS: readonly [title: string, config: ConfigInput, isLetIn: boolean][] = [
  ['without an auth section', {}, true],
  ['with `allow-anonymous` alone', { auth: open }, true],
  ['with the plugin listed alone', { auth: { ...open, plugins: ['auth_anonymous'] } }, true],
  ['beside a password file', { auth: { ...open, 'password-file': passwords } }, false],
  ['beside a plugin of the host program', { auth: { ...open, plugins: ['auth.anonymous', other] } }, false],
  ['beside one at the top level that answers about log-ins', { auth: open, plugins: [other] }, false],
  ['beside one at the top level that only logs', { auth: open, plugins: ['event_logger_plugin'] }, true],
  [
    'beside a password file, told so',
    { auth: { ...open, 'password-file': passwords, 'unknown-user-names': 'as-anonymous' } },
    true,
  ],
  ['alone, told not to', { auth: { ...open, 'unknown-user-names': 'refuse' } }, false],
  [
    'where anonymous Clients may not log in',
    { auth: { 'password-file': passwords, 'unknown-user-names': 'as-anonymous' } },
    false,
  ],
]
for (const [title, config, isLetIn] of DEFAULTS) {
  test(`a User Name that no plugin knows is ${isLetIn ? 'let in' : 'refused'} ${title}`, async (t) => {
    const broker = await start(t, config)
    for (const version of [5, 4] as const) {
      for (const userName of ['eve', '']) {
        const code = await codeOf(broker, { version, userName, password: 'secret' })
        assert.equal(code, isLetIn ? 0 : version === 5 ? 0x86 : 4, `${version} ${userName}`)
      }
    }
    assert.equal(await codeOf(broker, { password: 'a Password alone' }), isLetIn ? 0 : 0x86)
  })
}

test('each listener by the plugins that it asks: alone there, `auth.anonymous` lets names in', () => {
  const { auth } = resolveOptions({
    listeners: {
      inside: { bind: '127.0.0.1:0', 'auth-plugins': ['auth.anonymous'] },
      outside: { bind: '127.0.0.1:0' },
    },
    auth: { ...open, 'password-file': passwords },
  })
  assert.equal(auth.unknownUserNames, 'refuse')
  assert.deepEqual(auth.unknownUserNamesOn, { inside: 'as-anonymous' })
})

test('an Authentication Method asks for an exchange, and is never let in without one [5.0 MQTT-4.12.0-1]', async (t) => {
  const broker = await start(t)
  assert.equal(await codeOf(broker, { userName: 'eve', properties: { authenticationMethod: 'X' } }), 0x8c)
})

test('a name that a plugin knows is judged by it: a wrong password is refused, a right one is no anonymous Client', async (t) => {
  const config = { auth: { ...open, 'password-file': passwords, 'unknown-user-names': 'as-anonymous' } } as const
  const broker = await start(t, config)
  assert.equal(await codeOf(broker, { userName: 'bob', password: 'wrong' }), 0x86)
  assert.equal(await codeOf(broker, { userName: 'bob', password: 'hünter2' }), 0)
  assert.equal(clientsOf(broker.broker)[0]?.userName, 'bob')
  assert.equal(clientsOf(broker.broker)[0]?.claimedUserName, undefined)
})

test('such a Client is anonymous in every respect: its name is shown as claimed, and decides nothing', async (t) => {
  const broker = await start(t, {
    'topic-check': {
      acl: { eve: ['of-eve/#'], anonymous: ['open/#', 'home/%u/#'] },
      plugins: ['topic_acl', 'topic_taboo'],
    },
  })
  const events: unknown[] = []
  broker.broker.on('clientConnected', ({ client }) => events.push([client.userName, client.claimedUserName]))
  const eve = broker.connect({
    clientId: 'c',
    userName: 'eve',
    cleanStart: false,
    properties: { sessionExpiryInterval: 60 },
  })
  assert.deepEqual(events, [[undefined, 'eve']])
  const [view] = clientsOf(broker.broker)
  assert.deepEqual([view?.userName, view?.claimedUserName], [undefined, 'eve'])
  const codes = ['of-eve/a', 'home/eve/a', 'open/a'].map((topicName) => {
    eve.publish(topicName, 'x', 1)
    const answer = eve.takeFirst(PacketType.PUBACK)
    return answer?.type === PacketType.PUBACK && answer.reasonCode
  })
  assert.deepEqual(codes, [0x87, 0x87, 0x10])
  eve.drop()
  assert.equal(
    broker.connect({ clientId: 'c', cleanStart: false }).connack?.sessionPresent,
    true,
    'its Session is nobody’s',
  )
})

test('`admin` claimed is not `admin`: taboos hold', async (t) => {
  const broker = await start(t, { 'topic-check': { plugins: ['topic_taboo'] } })
  const client = broker.connect({ userName: 'admin' })
  client.publish('top-secret', 'x', 1)
  const answer = client.takeFirst(PacketType.PUBACK)
  assert.equal(answer?.type === PacketType.PUBACK && answer.reasonCode, 0x87)
})

test('a token in the place of a User Name is not shown', async (t) => {
  const broker = await start(t)
  broker.connect({ userName: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZXRlciJ9.c2ln' })
  assert.equal(clientsOf(broker.broker)[0]?.claimedUserName, '(token)')
})

test('after a reload who would no longer be let in is disconnected; anonymous Clients without a name stay', async (t) => {
  const broker = await start(t, { listeners: {}, auth: open })
  const [eve, bob, nobody] = [
    broker.connect({ clientId: 'eve', userName: 'eve' }),
    broker.connect({ clientId: 'bob', userName: 'bob' }),
    broker.connect({ clientId: 'nobody' }),
  ]
  const withFile = { ...open, 'password-file': passwords }
  await broker.broker.reload({ listeners: {}, auth: { ...withFile, 'unknown-user-names': 'as-anonymous' } })
  broker.clock.runTurns()
  assert.deepEqual(
    [eve.isClosed, bob.isClosed, nobody.isClosed],
    [false, true, false],
    'the name bob has a password now',
  )
  await broker.broker.reload({ listeners: {}, auth: withFile })
  broker.clock.runTurns()
  assert.deepEqual([eve.isClosed, nobody.isClosed], [true, false])
})
