/** CONNECT: identifiers, limits, log-in, takeover and order of work (§3.1.3, §3.1.4). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthenticationAnswer, ConnectRequest, Plugin } from '../../../src/access/plugin.ts'
import { type ConnackPacket, type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { endOf, resume, SECOND, typesOf, watch } from './support.ts'
import { clientsOf, sessionsOf } from '../../support/sessions.ts'

const CONNECT = {
  type: PacketType.CONNECT,
  protocolVersion: 5,
  cleanStart: true,
  keepAlive: 0,
  clientId: 'c',
  properties: noProperties,
} as const
const PINGREQ = { type: PacketType.PINGREQ } as const
const PUBLISH: PublishPacket = {
  type: PacketType.PUBLISH,
  dup: false,
  qos: 0,
  retain: false,
  topicName: 't',
  packetIdentifier: 0,
  properties: noProperties,
  payload: Buffer.from('x'),
}

const ALNUM = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const loginBy = (authenticate: NonNullable<Plugin['authenticate']>) => ({
  auth: { plugins: [{ name: 'login', authenticate }] },
})

test('A connection on which no CONNECT arrives is closed after connect-timeout [5.0 U-3.1.4-1]', async () => {
  const broker = await VirtualBroker.start({ 'connect-timeout': 10 })
  const silent = broker.open()
  const slow = broker.open()
  slow.sendHex('10 10 0004')
  broker.advance(10 * SECOND - 1)
  assert.deepEqual([endOf(silent), endOf(slow)], ['open', 'open'])
  broker.advance(1)
  assert.deepEqual([endOf(silent), endOf(slow)], ['close', 'close'])
})

test('Client Identifiers of 1 to 23 letters and digits are accepted, every letter and every length [5.0 MQTT-3.1.3-5]', async () => {
  const broker = await VirtualBroker.start()
  const lengths = Array.from({ length: 23 }, (_, at) => 'sluiceMQTT0123456789abc'.slice(0, at + 1))
  for (const clientId of [...ALNUM.split(''), ...lengths, ALNUM.slice(-23)]) {
    assert.equal(broker.connect({ clientId }).connack?.reasonCode, 0, clientId)
  }
})

test('Client Identifiers that are longer or have other characters are accepted too [5.0 U-3.1.3.1-1]', async () => {
  const broker = await VirtualBroker.start({ 'max-connect-packet-size': 131_072 })
  for (const clientId of [
    'a'.repeat(24),
    'a'.repeat(65_535),
    'with blank',
    'a/+/#',
    '$SYS/x',
    'Grüße 中 🎈',
    '\uFEFFx',
  ]) {
    const { connack } = broker.connect({ clientId, cleanStart: false, properties: { sessionExpiryInterval: 60 } })
    assert.equal(connack?.reasonCode, 0)
    assert.ok(sessionsOf(broker.broker).some((session) => session.clientId === clientId))
  }
})

test('U+FEFF is part of a Client Identifier, not a byte order mark to be left out [5.0 MQTT-1.5.4-3]', async () => {
  const broker = await VirtualBroker.start()
  resume(broker, '\uFEFFc', 60).drop()
  assert.equal(resume(broker, 'c', 60).connack?.sessionPresent, false)
  assert.equal(resume(broker, '\uFEFFc', 60).connack?.sessionPresent, true)
})

test('To an empty Client Identifier the Server assigns a unique one and names it in CONNACK [5.0 MQTT-3.1.3-6, MQTT-3.1.3-7, MQTT-3.2.2-16]', async () => {
  const broker = await VirtualBroker.start()
  const assigned = new Set<string>()
  for (let count = 0; count < 50; count++) {
    const { connack } = broker.connect({ clientId: '', cleanStart: count % 2 === 0 })
    assert.equal(connack?.reasonCode, 0)
    assert.equal(connack.sessionPresent, false)
    assigned.add(connack.properties.assignedClientIdentifier!)
  }
  assert.equal(assigned.size, 50)
  assert.deepEqual(new Set(clientsOf(broker.broker).map(({ clientId }) => clientId)), assigned)
})

test('An assigned Client Identifier is as good as one that the Client chose: its Session can be resumed by it [5.0 MQTT-3.1.3-7]', async () => {
  const broker = await VirtualBroker.start()
  const first = broker.connect({ clientId: '', properties: { sessionExpiryInterval: 60 } })
  const clientId = first.connack!.properties.assignedClientIdentifier!
  first.subscribe('t', 1)
  first.drop()
  assert.equal(resume(broker, clientId, 60).connack?.sessionPresent, true)
})

test('An Assigned Client Identifier comes only after an empty Client Identifier [5.0 U-3.2.2.3.7-1]', async () => {
  const broker = await VirtualBroker.start()
  assert.equal(broker.connect({ clientId: 'c' }).connack?.properties.assignedClientIdentifier, undefined)
})

test('A Client Identifier whose Session is somebody else’s is refused with 0x85, and that Session untouched [5.0 MQTT-3.1.3-8]', async () => {
  const broker = await VirtualBroker.start(loginBy(() => ({ decision: 'allow' })))
  const owner = broker.connect({ clientId: 'c', userName: 'owner' })
  const other = broker.connect({ clientId: 'c', userName: 'other' })
  assert.equal(other.connack?.reasonCode, ReasonCode.ClientIdentifierNotValid)
  assert.equal(other.isClosed, true)
  assert.equal(endOf(owner), 'open')
})

test('The second connection of a Client Identifier ends the first with 0x8E, and nobody else’s [5.0 MQTT-3.1.4-3]', async () => {
  const broker = await VirtualBroker.start()
  const bystander = broker.connect({ clientId: 'bystander' })
  const first = broker.connect({ clientId: 'c' })
  const second = broker.connect({ clientId: 'c' })
  assert.equal(endOf(first), ReasonCode.SessionTakenOver)
  assert.equal(second.connack?.reasonCode, 0)
  second.send(PINGREQ)
  assert.deepEqual(typesOf(second.take()), [PacketType.PINGRESP])
  assert.equal(endOf(bystander), 'open')
})

test('Order of work: the older connection’s end, then CONNACK, then what waited [5.0 U-3.1.4-5, MQTT-3.2.0-1]', async () => {
  const broker = await VirtualBroker.start()
  const first = resume(broker, 'c', 60)
  first.subscribe('t', 1)
  broker.connect({ clientId: 'publisher' }).publish('t', 'x', 1)
  const sent: number[] = []
  broker.broker.on('packetSent', ({ packet }) => sent.push(packet.type))
  resume(broker, 'c', 60)
  assert.deepEqual(sent, [PacketType.DISCONNECT, PacketType.CONNACK, PacketType.PUBLISH])
})

test('The Keep Alive watch begins with CONNACK, not with CONNECT [5.0 U-3.1.4-5]', async () => {
  let answer: (value: AuthenticationAnswer) => void = () => {}
  const broker = await VirtualBroker.start(loginBy(() => new Promise((resolve) => (answer = resolve))))
  const client = broker.open()
  client.connect({ keepAlive: 2 })
  broker.advance(2900)
  answer({ decision: 'allow' })
  await broker.settle()
  broker.advance(2999)
  assert.equal(client.isClosed, false)
  broker.advance(1)
  assert.equal(endOf(client), ReasonCode.KeepAliveTimeout)
})

test('What comes behind a refused CONNECT is not processed [5.0 MQTT-3.1.4-6, U-3.1.4-3]', async () => {
  const broker = await VirtualBroker.start(
    loginBy(({ clientId }) => ({ decision: clientId === 'bad' ? 'deny' : 'allow' })),
  )
  const watcher = watch(broker, 't')
  const client = broker.open()
  client.send({ ...CONNECT, clientId: 'bad' }, { ...PUBLISH, retain: true }, PINGREQ)
  assert.deepEqual(typesOf(client.take()), [PacketType.CONNACK])
  assert.equal(client.isClosed, true)
  assert.deepEqual(watcher.take(), [])
  assert.deepEqual(
    [...sessionsOf(broker.broker)].map(({ clientId }) => clientId),
    ['watcher'],
  )
})

test('What comes behind a CONNECT whose log-in is undecided waits, and is dropped with the refusal [5.0 MQTT-3.1.4-6, U-3.1.4-4]', async () => {
  let answer: (value: AuthenticationAnswer) => void = () => {}
  const broker = await VirtualBroker.start(
    loginBy(({ clientId }) =>
      clientId === 'c' ? new Promise((resolve) => (answer = resolve)) : { decision: 'allow' },
    ),
  )
  const watcher = watch(broker, 't')
  const client = broker.open()
  client.send(CONNECT, PUBLISH)
  assert.equal(client.isPaused, true, 'no more is read meanwhile')
  answer({ decision: 'deny' })
  await broker.settle()
  assert.equal(endOf(client), ReasonCode.BadUserNameOrPassword)
  assert.deepEqual(watcher.take(), [])
})

test('What comes behind a CONNECT whose log-in is undecided is processed after CONNACK [5.0 U-3.1.4-3, MQTT-3.2.0-1]', async () => {
  let answer: (value: AuthenticationAnswer) => void = () => {}
  const broker = await VirtualBroker.start(loginBy(() => new Promise((resolve) => (answer = resolve))))
  const client = broker.open()
  client.send(CONNECT, PINGREQ, { ...PUBLISH, qos: 1, packetIdentifier: 1 })
  assert.deepEqual(client.take(), [])
  answer({ decision: 'allow' })
  await broker.settle()
  assert.deepEqual(typesOf(client.take()), [PacketType.CONNACK, PacketType.PINGRESP, PacketType.PUBACK])
  assert.equal(client.isPaused, false)
})

test('User Name and Password, any bytes, serve the log-in; a Password alone is fine [5.0 U-3.1.3.5-1, MQTT-3.1.2-19]', async () => {
  const asked: ConnectRequest[] = []
  const broker = await VirtualBroker.start(loginBy((request) => (asked.push(request), { decision: 'allow' })))
  const password = Uint8Array.of(0x00, 0xff, 0xed, 0xa0, 0x80)
  assert.equal(broker.connect({ clientId: 'a', password }).connack?.reasonCode, 0)
  assert.equal(broker.connect({ clientId: 'b', userName: 'ü', password }).connack?.reasonCode, 0)
  assert.deepEqual(
    asked.map(({ userName, password: bytes }) => [userName, bytes && [...bytes]]),
    [
      [undefined, [...password]],
      ['ü', [...password]],
    ],
  )
})

test('Without an Authentication Method a log-in is judged by what CONNECT, TLS and the network tell [5.0 U-4.12-1]', async () => {
  const asked: ConnectRequest[] = []
  const broker = await VirtualBroker.start(loginBy((request) => (asked.push(request), { decision: 'allow' })))
  const peer = { address: '198.51.100.7', encrypted: true, certificateUserName: 'device-7' }
  broker.connect({ clientId: 'c', userName: 'u', password: 'p', peer })
  const { clientId, userName, address, encrypted, certificateUserName, authenticationMethod } = asked[0]!
  assert.deepEqual(
    { clientId, userName, address, encrypted, certificateUserName, authenticationMethod },
    { clientId: 'c', userName: 'u', ...peer, authenticationMethod: undefined },
  )
})

test('A failed log-in or a limit ends the attempt, with the code in CONNACK [5.0 MQTT-3.1.4-2, MQTT-3.2.2-7]', async () => {
  const codeOf = async (config: object, attempts = 1): Promise<number | undefined> => {
    const broker = await VirtualBroker.start(config)
    let connack: ConnackPacket | undefined
    for (let count = 0; count < attempts; count++) {
      const client = broker.connect({ clientId: `c${count}` })
      connack = client.connack
      assert.equal(client.isClosed, connack?.reasonCode !== 0)
    }
    return connack?.reasonCode
  }
  assert.equal(await codeOf(loginBy(() => ({ decision: 'deny' }))), ReasonCode.BadUserNameOrPassword)
  const banned = { decision: 'deny', reasonCode: ReasonCode.Banned } as const
  assert.equal(await codeOf(loginBy(() => banned)), ReasonCode.Banned)
  assert.equal(await codeOf(loginBy(() => undefined)), ReasonCode.NotAuthorized)
  assert.equal(await codeOf({ 'max-connections': 1 }, 2), ReasonCode.ServerBusy)
  assert.equal(await codeOf({ 'max-connect-rate': 1 }, 2), ReasonCode.ConnectionRateExceeded)
})

test('A Will whose topic its Client may not publish to, or that is no Topic Name, is refused [5.0 MQTT-3.1.4-2]', async () => {
  const broker = await VirtualBroker.start({ 'topic-check': { taboo: ['secret'], plugins: ['topic_taboo'] } })
  const codeOf = (topicName: string): number | undefined =>
    broker.connect({ clientId: 'c', will: { topicName } }).connack?.reasonCode
  assert.equal(codeOf('secret'), ReasonCode.NotAuthorized)
  assert.equal(codeOf('$SYS/x'), ReasonCode.NotAuthorized)
  assert.equal(codeOf('a/+'), ReasonCode.ProtocolError)
  assert.equal(codeOf('a/#'), ReasonCode.ProtocolError)
  assert.equal(codeOf(''), ReasonCode.ProtocolError)
  assert.equal(codeOf('open'), 0)
})

test('A Server can check who logs in, who publishes and who subscribes [5.0 U-1.6-1]', async () => {
  const rules: Plugin = {
    name: 'rules',
    authenticate: ({ userName }) => ({ decision: userName === 'known' ? 'allow' : 'deny' }),
    mayPublish: (_client, { topicName }) => topicName === 'mine',
    maySubscribe: (_client, topicFilter) => topicFilter === 'mine',
    mayReceive: () => true,
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [rules] }, 'topic-check': { plugins: [rules] } })
  assert.equal(broker.connect({ userName: 'unknown' }).connack?.reasonCode, ReasonCode.BadUserNameOrPassword)
  const client = broker.connect({ clientId: 'c', userName: 'known' })
  assert.deepEqual(client.subscribe(['mine', 'yours'], 0).reasonCodes, [0, ReasonCode.NotAuthorized])
  client.publish('yours', 'x', 1)
  const [puback] = client.take()
  assert.equal(puback?.type === PacketType.PUBACK && puback.reasonCode, ReasonCode.NotAuthorized)
  client.publish('mine', 'x', 0)
  assert.deepEqual(client.takePayloads(), ['x'])
})
