/**
 * Users and roles of the broker's own store, in a whole broker: what is taken away is gone at once, wherever it was in
 * use.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Directory } from '../../../src/access/directory/directory.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { DisconnectPacket } from '../../../src/codec/packets.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { ConfigError } from '../../../src/base/errors.ts'
import { resolveOptions, type ConfigInput } from '../../../src/config/options.ts'
import { hashPassword } from '../../../src/plugins/password-hash.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settledUntil } from '../../support/until.ts'
import { remove, setRole, setUser } from '../plugins/directory-support.ts'

const hash = await hashPassword('secret', 'mosquitto-pbkdf2')
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
/** Admits every user by its name: these tests are about what follows. */
const byName: Plugin = {
  name: 'by-name',
  authenticate: ({ userName }) => (userName === undefined ? undefined : { decision: 'allow' }),
}

async function start(
  t: TestContext,
  config: ConfigInput = {},
): Promise<{ broker: VirtualBroker; directory: Directory }> {
  const broker = await VirtualBroker.start({ users: {}, ...config })
  t.after(() => broker.close())
  return { broker, directory: serverOf(broker.broker).directory }
}

test('with a section users, nobody comes in who is not a user, and nobody may do what no role allows', async (t) => {
  const { broker, directory } = await start(t)
  assert.equal(broker.connect().connack?.reasonCode, ReasonCode.NotAuthorized)
  setRole(directory, 'meter', 'allow publish power/#')
  setUser(directory, 'ann', { passwordHash: hash, roles: ['meter'] })
  const ann = broker.open()
  ann.connect({ clientId: 'ann', userName: 'ann', password: 'secret' })
  await settledUntil(
    broker,
    'ann is answered',
    () => (ann.connack ??= ann.takeFirst(PacketType.CONNACK) as typeof ann.connack) !== undefined,
  )
  assert.equal(ann.connack?.reasonCode, 0)
  assert.deepEqual([ann.publish('power/l1', 'x', 1), ann.publish('other', 'x', 1)].length, 2)
  const codes = ann.take().flatMap((packet) => (packet.type === PacketType.PUBACK ? [packet.reasonCode] : []))
  assert.deepEqual(codes, [ReasonCode.NoMatchingSubscribers, ReasonCode.NotAuthorized])

  remove(directory, 'user', 'ann')
  await broker.settle()
  assert.equal((ann.takeFirst(PacketType.DISCONNECT) as DisconnectPacket).reasonCode, ReasonCode.NotAuthorized)
})

test('a rule that is taken away ends deliveries on a subscription, what waits in a queue, and a Will', async (t) => {
  const { broker, directory } = await start(t, {
    auth: { plugins: [byName] },
    'topic-check': { plugins: ['acl.store'] },
  })
  setRole(directory, 'all', 'allow publish #', 'allow subscribe #')
  for (const name of ['reader', 'away', 'sensor']) setUser(directory, name, { roles: ['all'] })
  const reader = broker.connect({ clientId: 'reader', userName: 'reader' })
  reader.subscribe('a/#', 1)
  const away = broker.connect({ clientId: 'away', userName: 'away', ...KEPT })
  away.subscribe('a/#', 1)
  away.drop()
  const will = { topicName: 'a/will', payload: Buffer.from('gone'), qos: 1, retain: false, properties: {} } as const
  const sensor = broker.connect({ clientId: 'sensor', userName: 'sensor', will })
  sensor.publish('a/1', 'x', 1)
  assert.deepEqual(reader.takePayloads(), ['x'])

  setUser(directory, 'reader')
  setUser(directory, 'away')
  sensor.publish('a/2', 'y', 1)
  assert.deepEqual(reader.takePayloads(), [])
  const back = broker.connect({ clientId: 'away', userName: 'away', ...KEPT })
  assert.deepEqual(back.takePayloads(), [], 'what waited')

  setUser(directory, 'reader', { roles: ['all'] })
  setUser(directory, 'sensor')
  sensor.drop()
  assert.deepEqual(reader.takePayloads(), [], 'the Will of one that may publish no longer')
})

test('auth.store and acl.store are used by default with users, beside others; without users they are not', () => {
  const plugins = (input: ConfigInput): unknown => {
    const { auth, topicCheck } = resolveOptions({ listeners: {}, ...input })
    return [auth.plugins, topicCheck?.plugins]
  }
  assert.deepEqual(plugins({}), [['auth.anonymous'], undefined])
  assert.deepEqual(plugins({ users: {} }), [['auth.store'], ['acl.store']])
  assert.deepEqual(plugins({ users: {}, auth: { 'allow-anonymous': true }, 'topic-check': { acl: {} } }), [
    ['auth.store', 'auth.anonymous'],
    ['acl.store', 'topic_acl'],
  ])
  assert.deepEqual(plugins({ auth: { plugins: ['auth.store'] } }), [['auth.store'], undefined])
  const open = { listeners: { default: { bind: '0.0.0.0:1883' } } }
  assert.throws(() => resolveOptions(open), ConfigError)
  assert.ok(resolveOptions({ ...open, users: {} }), 'who may log in is said')
})
