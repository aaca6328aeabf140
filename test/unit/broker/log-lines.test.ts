import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logger } from '../../../src/base/log.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

interface Line {
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** A logger that keeps its lines; with `level` only those that are worth it. */
function capture(level = 'debug'): { readonly lines: Line[]; readonly logger: Logger } {
  const lines: Line[] = []
  const levels = ['debug', 'info', 'warn', 'error']
  const isLevelEnabled = (name: string): boolean => levels.indexOf(name) >= levels.indexOf(level)
  const method = (name: string) => (first: object | string, message?: string) => {
    const fields = typeof first === 'string' ? {} : (first as Line['fields'])
    if (isLevelEnabled(name)) lines.push({ level: name, message: typeof first === 'string' ? first : message!, fields })
  }
  const logger = { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') }
  return { lines, logger: { ...logger, isLevelEnabled } }
}

async function start(config: ConfigInput = {}, level?: string) {
  const { lines, logger } = capture(level)
  const broker = await VirtualBroker.start({ auth: { 'allow-anonymous': true }, ...config }, { logger })
  return { broker, lines, messages: () => lines.map(({ level: name, message }) => `${name} ${message}`) }
}

const PEER = { address: '192.0.2.7', port: 50_312 }

test('a client that connects and leaves is a line each, at info: who, how, from where; why, for how long, how much', async () => {
  const { broker, lines, messages } = await start()
  const meter = broker.connect({ clientId: 'meter', keepAlive: 60, peer: PEER })
  meter.subscribe('a')
  meter.publish('a', 'x', 1)
  meter.publish('b', 'x')
  broker.advance(5000)
  meter.send({ type: PacketType.DISCONNECT, reasonCode: 0, properties: {} })
  broker
    .connect({ clientId: 'old', version: 4, keepAlive: 0, cleanStart: false, peer: { ...PEER, address: '::1' } })
    .drop()
  assert.deepEqual(messages(), [
    'info meter connected: MQTT 5.0, anonymous, from 192.0.2.7:50312 through attached, Keep Alive 60 s, Clean Start 1, Session Present 0',
    'info meter disconnected: disconnected by client; after 5 s, 2 messages in, 1 out',
    'info old connected: MQTT 3.1.1, anonymous, from [::1]:50312 through attached, Keep Alive 0 s, Clean Session 0, Session Present 0',
    'info old disconnected: connection lost, closed without DISCONNECT; after 0 s, 0 messages in, 0 out',
  ])
  assert.deepEqual(lines[0]!.fields, {
    clientId: 'meter',
    userName: undefined,
    claimedUserName: undefined,
    version: '5.0',
    ...PEER,
    listener: 'attached',
    keepAlive: 60,
    cleanStart: true,
    sessionPresent: false,
  })
  assert.deepEqual([lines[1]!.fields['messagesIn'], lines[1]!.fields['messagesOut']], [2, 1])
  await broker.close()
})

test('what a client says of itself is escaped and cut in these lines', async () => {
  const { broker, lines } = await start()
  broker.connect({ clientId: `a\u0085${'x'.repeat(1000)}`, peer: PEER }).drop()
  for (const { message } of lines) assert.match(message, /^a\\u0085x{198}… \(\d+ more\) /)
  await broker.close()
})

test('a connection that is refused is a line, and equal ones are summed up; one without a byte is at debug, and refuses nobody', async () => {
  const { broker, messages } = await start({ 'max-connections-per-address': 1, auth: { plugins: ['auth.anonymous'] } })
  const refusals: string[] = []
  broker.broker.on('clientRefused', ({ detail }) => refusals.push(detail))
  broker.open(5, PEER).drop()
  const guess = (): void => {
    const client = broker.open(5, PEER)
    client.connect({ clientId: 'x' })
    client.drop()
  }
  for (let at = 0; at < 3; at++) guess()
  const idle = broker.open(5, PEER)
  assert.ok(broker.open(5, PEER).isClosed)
  idle.sendHex('10')
  idle.drop()
  broker.advance(10_000)
  const detail = refusals[0]!
  const tooMany = 'it has 1 connections (max-connections-per-address)'
  assert.deepEqual(refusals, [detail, detail, detail, 'closed without DISCONNECT'])
  assert.deepEqual(messages(), [
    'debug a connection from 192.0.2.7 was closed before it sent anything',
    `info refused a connection from 192.0.2.7: ${detail}`,
    `info refused a connection from 192.0.2.7: ${tooMany}`,
    'info refused a connection from 192.0.2.7: closed without DISCONNECT',
    `info 2 more in the last 10 s: refused a connection from 192.0.2.7: ${detail}`,
  ])
  await broker.close()
})

const ACL = {
  'topic-check': { acl: { anonymous: { publish: ['free'], subscribe: ['free'], deny: ['secret'] } } },
}

test('what a client may not do is a line with the rule that decided it, summed up by user, address and action', async () => {
  const { broker, messages } = await start({ ...ACL })
  const meter = broker.connect({ clientId: 'meter', peer: PEER })
  for (let at = 0; at < 5; at++) meter.publish(`b/${at}`, 'x', 1)
  meter.publish('$SYS/x', 'x', 1)
  meter.subscribe('$share/g/secret')
  await broker.settle()
  broker.advance(10_000)
  const who = 'denied meter (anonymous, from 192.0.2.7)'
  const [, ...told] = messages()
  assert.deepEqual(told, [
    `info ${who} to publish to b/0: topic_acl: nothing in topic-check.acl.anonymous allows it`,
    `info ${who} to subscribe to $share/g/secret: topic_acl: topic-check.acl.anonymous.deny: deny secret`,
    `info 5 more like this in the last 10 s: ${who} to publish to b/0: topic_acl: nothing in topic-check.acl.anonymous allows it`,
  ])
  await broker.close()
})

test('a message that a client may not have any longer is a line, too', async () => {
  const plugin = {
    name: 'own',
    maySubscribe: () => true,
    mayReceive: (_client: unknown, topic: string) => topic !== 'a/b',
  }
  const { broker, messages } = await start({ 'topic-check': { plugins: [plugin] } })
  broker.connect({ clientId: 'meter', peer: PEER }).subscribe('a/+')
  for (let at = 0; at < 3; at++) await broker.broker.publish('a/b', 'x')
  await broker.settle()
  const line = 'denied meter (anonymous, from 192.0.2.7) a message of a/b: own: the plugin gives no reason'
  assert.deepEqual(messages().slice(1), [`info ${line}`])
  broker.advance(10_000)
  assert.equal(messages().at(-1), `info 2 more like this in the last 10 s: ${line}`)
  await broker.close()
})

test('a code that is nobody’s decision speaks for itself', async () => {
  const { broker, messages } = await start({ 'max-subscriptions': 1 })
  const meter = broker.connect({ clientId: 'meter', peer: PEER })
  meter.subscribe(['a', 'b'])
  assert.equal(messages().at(-1), 'info denied meter (anonymous, from 192.0.2.7) to subscribe to b: Quota exceeded')
  await broker.close()
})

test('two clients that fight for one identifier are two lines, and a sum of each', async () => {
  const { broker, lines, messages } = await start()
  const told: string[] = []
  broker.broker.on('clientDisconnected', ({ cause }) => told.push(cause))
  for (let at = 0; at < 6; at++) broker.connect({ clientId: 'meter', version: 4, peer: { ...PEER, port: 1000 + at } })
  assert.deepEqual(told, Array<string>(5).fill('session taken over'), 'every event is emitted')
  const connected = (port: number): string =>
    `meter connected: MQTT 3.1.1, anonymous, from 192.0.2.7:${port} through attached, Keep Alive 0 s, Clean Session 1, Session Present 0`
  const ended =
    'meter disconnected: session taken over, another connection used its client identifier; after 0 s, 0 messages in, 0 out'
  const second = `${connected(1001)}; it takes over from another connection`
  assert.deepEqual(messages(), [`info ${connected(1000)}`, `info ${ended}`, `info ${second}`])
  broker.advance(10_000)
  assert.deepEqual(messages().slice(3), [
    `info 4 more like this in the last 10 s: ${ended}`,
    `info 4 more like this in the last 10 s: ${second}`,
  ])
  assert.equal(lines.at(-1)!.fields['more'], 4)
  await broker.close()
})

test('an address whose logins are slowed is a line, and further ones of it are summed up', async () => {
  const plugin = { name: 'own', authenticate: () => ({ decision: 'deny' }) as const }
  const { broker, messages } = await start({ auth: { plugins: [plugin], 'login-delay-after': 2 } })
  const penalties: number[] = []
  broker.broker.on('loginPenalty', ({ delayMs }) => penalties.push(delayMs))
  const guess = (): void => {
    const client = broker.open(5, PEER)
    client.connect({ clientId: 'x', userName: 'ann', password: Buffer.from('wrong') })
    broker.advance(1000)
    client.drop()
  }
  for (let at = 0; at < 4; at++) guess()
  assert.deepEqual(penalties, [250, 500, 1000])
  const slowed = (): string[] => messages().filter((line) => line.includes('slowed'))
  const line =
    'logins from 192.0.2.7 are slowed: 2 wrong ones in a row, the last as ann; the next one is checked after 250 ms'
  assert.deepEqual(slowed(), [`info ${line}`])
  broker.advance(10_000)
  assert.deepEqual(slowed(), [`info ${line}`, `info 2 more like this in the last 10 s: ${line}`])
  await broker.close()
})

test('a message for which there is no room is not called denied: the line says which limit is reached', async () => {
  const { broker, messages } = await start({ 'max-retained-messages': 1 })
  const meter = broker.connect({ clientId: 'meter', peer: PEER })
  const details: string[] = []
  broker.broker.on('publishRefused', ({ detail }) => details.push(detail))
  for (const topic of ['a', 'b', 'c']) meter.publish(topic, 'x', 1, { retain: true })
  const why = 'there are 1 retained messages (max-retained-messages)'
  assert.deepEqual(details, [why, why])
  const line = `no room for a message of meter (anonymous, from 192.0.2.7) to b: ${why}`
  assert.deepEqual(messages().slice(1), [`info ${line}`])
  broker.advance(10_000)
  assert.equal(messages().at(-1), `info 1 more like this in the last 10 s: ${line}`)
  await broker.close()
})

test('connections, refusals and denials can be switched off, also by a reload; nothing is put together for a level that is off', async () => {
  const act = (broker: VirtualBroker): void => {
    const meter = broker.connect({ clientId: 'meter', peer: PEER })
    meter.subscribe('b')
    meter.drop()
    broker.open(5, PEER).sendHex('2000')
  }
  const off = { ...ACL, log: { connections: 'off', refusals: 'off', denials: 'off' } } as const
  const { broker, messages } = await start(off)
  act(broker)
  await broker.settle()
  assert.deepEqual(messages(), [])
  await broker.broker.reload({ listeners: {}, 'sys-interval': 0, auth: { 'allow-anonymous': true }, ...ACL })
  act(broker)
  await broker.settle()
  assert.equal(messages().length, 4)
  await broker.close()

  const quiet = await start(ACL, 'warn')
  act(quiet.broker)
  await quiet.broker.settle()
  assert.deepEqual([quiet.messages(), quiet.broker.clock.waitingTimers], [[], 0])
  await quiet.broker.close()
})
