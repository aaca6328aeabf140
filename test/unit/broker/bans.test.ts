/** Bans in a whole broker: who is kept out, who is disconnected, and who never is. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Directory } from '../../../src/access/directory/directory.ts'
import type { BanKind } from '../../../src/access/directory/entries.ts'
import { banName } from '../../../src/access/directory/bans.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from '../admin/support.ts'
import { deriveScramCredentials, formatScramCredentials } from '../../../src/plugins/scram-credentials.ts'
import { clientFinal } from '../../support/scram-client.ts'
import { remove, setGroup, setRole, setUser } from '../plugins/directory-support.ts'

const byName: Plugin = { name: 'by-name', authenticate: () => ({ decision: 'allow' }) }

async function start(
  t: TestContext,
  config: ConfigInput = {},
): Promise<{ broker: VirtualBroker; directory: Directory }> {
  const broker = await VirtualBroker.start({ auth: { plugins: [byName] }, ...config })
  t.after(() => broker.close())
  return { broker, directory: serverOf(broker.broker).directory }
}

function ban(directory: Directory, kind: BanKind, value: string, untilMs?: number): void {
  const entry = { kind, value, reason: 'noise', createdAtMs: 0, untilMs }
  directory.carryOut([{ type: 'ban', name: banName(kind, value), entry }])
}

const code = (broker: VirtualBroker, ...options: Parameters<VirtualBroker['connect']>): number | undefined =>
  broker.connect(...options).connack?.reasonCode

for (const [kind, value] of [
  ['client-id', 'x'],
  ['user', 'ann'],
  ['address', '192.0.2.7'],
  ['network', '192.0.2.0/28'],
] as const) {
  test(`a ban of a ${kind} ends the connection that is open, keeps it out, and nobody else; its session stays`, async (t) => {
    const { broker, directory } = await start(t)
    const banned = { clientId: 'x', userName: 'ann', peer: { address: '192.0.2.7' }, cleanStart: false }
    const kept = { ...banned, properties: { sessionExpiryInterval: 1000 } }
    const [client, other] = [
      broker.connect(kept),
      broker.connect({ clientId: 'y', userName: 'bob', peer: { address: '198.51.100.1' } }),
    ]
    ban(directory, kind, value)
    await broker.settle()
    const end = client.takeFirst(PacketType.DISCONNECT)
    assert.equal(end?.type === PacketType.DISCONNECT && end.reasonCode, ReasonCode.NotAuthorized)
    assert.equal(other.isClosed, false)
    assert.equal(code(broker, kept), ReasonCode.Banned)
    assert.equal(code(broker, { ...kept, version: 4 }), 5, 'the code of 3.1.1')
    assert.equal(broker.broker.metrics.connectsBanned, 2)
    remove(directory, 'ban', banName(kind, value))
    assert.equal(broker.connect(kept).connack?.sessionPresent, true)
  })
}

test('a ban ends by itself', async (t) => {
  const { broker, directory } = await start(t)
  ban(directory, 'client-id', 'x', broker.clock.wallNow() + 1000)
  assert.equal(code(broker, { clientId: 'x' }), ReasonCode.Banned)
  broker.advance(1000)
  assert.equal(code(broker, { clientId: 'x' }), 0)
})

test('a login that is under way when its user is banned does not come in', async (t) => {
  let allow = (): void => undefined
  const slow: Plugin = {
    name: 'slow',
    authenticate: () => new Promise((resolve) => (allow = () => resolve({ decision: 'allow' }))),
  }
  const { broker, directory } = await start(t, { auth: { plugins: [slow] } })
  const client = broker.connect({ clientId: 'x', userName: 'ann' })
  ban(directory, 'user', 'ann')
  allow()
  await broker.settle()
  assert.equal(client.takeFirst(PacketType.CONNACK)?.type, PacketType.CONNACK)
  assert.equal(client.isClosed, true)
})

test('no ban locks the last administrator out, and one of an origin none of them', async (t) => {
  const { broker, directory } = await start(t)
  setRole(directory, 'administrator')
  for (const name of ['root', 'other']) setUser(directory, name, { roles: ['administrator'] })
  const { admin } = broker.broker
  await settled(broker, admin.ban({ kind: 'network', value: '0.0.0.0/0' }))
  assert.equal(code(broker, { clientId: 'a', userName: 'root' }), 0)
  assert.equal(code(broker, { clientId: 'b', userName: 'ann' }), ReasonCode.Banned)
  await settled(broker, admin.ban({ kind: 'user', value: 'other' }))
  assert.equal(code(broker, { clientId: 'b', userName: 'other' }), ReasonCode.Banned)
  await assert.rejects(
    settled(broker, admin.ban({ kind: 'user', value: 'root' })),
    /last user with the role administrator/,
  )
  remove(directory, 'user', 'root')
  assert.equal(code(broker, { clientId: 'b', userName: 'other' }), 0, 'the ban that was made before does not lock out')
})

test('who only claims to be an administrator is asked for the password, and comes in as nobody else', async (t) => {
  const guest: Plugin = {
    name: 'guest',
    authenticate: ({ userName }) =>
      userName === 'root' ? { decision: 'allow', anonymous: true } : { decision: 'deny' },
  }
  const { broker, directory } = await start(t, { auth: { plugins: [guest] } })
  setRole(directory, 'administrator')
  setUser(directory, 'root', { roles: ['administrator'] })
  ban(directory, 'network', '192.0.2.0/24')
  assert.equal(code(broker, { clientId: 'a', userName: 'root' }), ReasonCode.Banned)
})

/** The first step of SCRAM-SHA-256 as ann, and the last; @returns the code of CONNACK */
async function scramLogin(broker: VirtualBroker, user: string, address: string): Promise<number | undefined> {
  const method = { authenticationMethod: 'SCRAM-SHA-256' }
  const bare = `n=${user},r=abc`
  const client = broker.open(5, { address })
  client.connect({ clientId: user, properties: { ...method, authenticationData: Buffer.from(`n,,${bare}`) } })
  const challenge = client.takeFirst(PacketType.AUTH)
  if (challenge?.type !== PacketType.AUTH) return client.connack?.reasonCode
  const step = Buffer.from(challenge.properties.authenticationData!).toString()
  const { message } = clientFinal('secret', bare, step)
  const reasonCode = ReasonCode.ContinueAuthentication
  const properties = { ...method, authenticationData: Buffer.from(message) }
  client.send({ type: PacketType.AUTH, reasonCode, properties })
  await broker.settle()
  const connack = client.takeFirst(PacketType.CONNACK)
  return connack?.type === PacketType.CONNACK ? connack.reasonCode : undefined
}

test('an administrator may log in from a banned network by SCRAM or a certificate, which name the user later than CONNECT', async (t) => {
  const { broker, directory } = await start(t, { users: {}, auth: { plugins: ['auth.store', 'auth.certificate'] } })
  const scram = formatScramCredentials(deriveScramCredentials('secret', Buffer.from('salt-of-16-bytes'), 4096))
  setRole(directory, 'administrator')
  setUser(directory, 'root', { roles: ['administrator'], scram })
  setUser(directory, 'ann', { scram })
  const address = '203.0.113.7'
  assert.equal(await scramLogin(broker, 'ann', address), 0)
  ban(directory, 'network', '0.0.0.0/0')
  assert.equal(await scramLogin(broker, 'root', address), 0)
  assert.equal(await scramLogin(broker, 'root', `::ffff:${address}`), 0)
  assert.equal(await scramLogin(broker, 'ann', address), ReasonCode.Banned)
  assert.equal(await scramLogin(broker, 'nobody', address), ReasonCode.Banned)
  const named = (certificateUserName: string) => ({ clientId: 'c', peer: { address, certificateUserName } })
  assert.equal(code(broker, named('root')), 0)
  assert.equal(code(broker, named('ann')), ReasonCode.Banned)

  ban(directory, 'user', 'root')
  assert.equal(await scramLogin(broker, 'root', address), 0, 'the last one, whatever bans there are')
  setUser(directory, 'other', { roles: ['administrator'] })
  assert.equal(await scramLogin(broker, 'root', address), ReasonCode.Banned)
})

/** Everything that somebody may ban to lock out the only administrator. */
const lockouts: readonly (readonly [BanKind, string])[] = [
  ['client-id', 'console'],
  ['address', '203.0.113.7'],
  ['address', '::ffff:203.0.113.7'],
  ['network', '203.0.113.0/24'],
  ['network', '0.0.0.0/0'],
  ['network', '::/0'],
  ['network', '::ffff:0.0.0.0/96'],
  ['network', '::ffff:203.0.113.0/120'],
]

for (const [kind, value] of lockouts) {
  test(`the only administrator logs in past a ban of ${kind} ${value}, in IPv4 and mapped to IPv6, and stays connected`, async (t) => {
    const { broker, directory } = await start(t)
    setRole(directory, 'administrator')
    setGroup(directory, 'staff', 'administrator')
    setUser(directory, 'root', { groups: ['staff'] })
    setUser(directory, 'gone', { roles: ['administrator'], disabled: true })
    const from = (address: string) => ({ clientId: 'console', userName: 'root', peer: { address } })
    const client = broker.connect(from('203.0.113.7'))
    await settled(broker, broker.broker.admin.ban({ kind, value }))
    await broker.settle()
    assert.equal(client.isClosed, false)
    for (const address of ['203.0.113.7', '::ffff:203.0.113.7', '::ffff:cb00:7107', '2001:db8::1', '']) {
      assert.equal(code(broker, from(address)), 0, address)
    }
    const admin = settled(broker, broker.broker.admin.ban({ kind: 'user', value: 'root' }))
    await assert.rejects(admin, /last user with the role administrator/)
  })
}

test('a network of IPv4 addresses in the form of IPv6 is the same network', async (t) => {
  const { broker } = await start(t)
  const { admin } = broker.broker
  const made = await settled(broker, admin.ban({ kind: 'network', value: '::ffff:203.0.113.9/120' }))
  assert.equal(made.value, '203.0.113.0/24')
  for (const address of ['203.0.113.7', '::ffff:203.0.113.7']) {
    assert.equal(code(broker, { clientId: 'x', peer: { address } }), ReasonCode.Banned)
  }
  const wide = settled(broker, admin.ban({ kind: 'network', value: '::ffff:203.0.113.0/24' }))
  await assert.rejects(wide, /a network must be written as/, 'which is no network of IPv4 addresses')
})

test('flapping-connects: a client identifier that logs in too often is banned for a time; nobody can have that of another banned', async (t) => {
  const bans = { 'flapping-connects': 3, 'flapping-window': 10, 'flapping-ban': 60 }
  const picky: Plugin = {
    name: 'picky',
    authenticate: ({ userName }) => ({ decision: userName === 'eve' ? 'deny' : 'allow' }),
  }
  const { broker } = await start(t, { bans, auth: { plugins: [picky] } })
  const from = (address: string, userName = 'ann') => ({ clientId: 'x', userName, peer: { address } })
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']) {
    assert.notEqual(code(broker, from(address, 'eve')), ReasonCode.Banned)
  }
  assert.equal(code(broker, from('192.0.2.5')), 0)
  assert.equal(code(broker, from('192.0.2.6')), 0)
  broker.advance(10_000)
  assert.equal(code(broker, from('192.0.2.5')), 0)
  assert.equal(code(broker, from('192.0.2.6')), 0)
  assert.equal(code(broker, from('192.0.2.7')), 0, 'the one that is too much')
  assert.equal(code(broker, from('192.0.2.8')), ReasonCode.Banned)
  assert.equal(broker.broker.metrics.flappingBans, 1)
  broker.advance(60_000)
  assert.equal(code(broker, from('192.0.2.8')), 0)
})

test('flapping-connects: an address that sends too many CONNECT packets is banned, an IPv6 one with its network', async (t) => {
  const { broker, directory } = await start(t, { bans: { 'flapping-connects': 3 } })
  for (const clientId of ['a', 'b', 'c']) code(broker, { clientId, peer: { address: `2001:db8::${clientId}` } })
  assert.deepEqual([...directory.all('ban').keys()], ['network:2001:db8::/64'])
  assert.equal(code(broker, { clientId: 'd', peer: { address: '2001:db8::d' } }), ReasonCode.Banned)
  assert.equal(code(broker, { clientId: 'd', peer: { address: '2001:db8:0:1::d' } }), 0)
  for (let at = 0; at < 9; at++)
    assert.equal(code(broker, { clientId: `u${at}`, peer: { address: '' } }), 0, 'a socket file')
})
