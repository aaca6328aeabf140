/**
 * Other brokers that refuse, hang, lie and misbehave: each is a state with a sentence and a next try, and nothing is
 * lost.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Packet, PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../../src/codec/properties.ts'
import { BridgedBrokers, type BridgesInput } from '../../support/bridged.ts'
import { listLogger } from '../../support/list-logger.ts'
import { accepting, acknowledgement, ScriptedRemote, type Script } from '../../support/scripted-remote.ts'
import { publishPacket } from '../../support/publish-packet.ts'

type Bridge = BridgesInput[string]

const CLOUD: Bridge = {
  url: 'mqtt://far',
  clientId: 'plant',
  out: [{ filter: 'up/#', qos: 2, remotePrefix: 'site/' }],
  in: [{ filter: 'down/#', qos: 2 }],
}

/** A broker with a bridge to a remote that follows that script. */
async function bridged(script: Script, more: Bridge = {}) {
  const net = new BridgedBrokers()
  const log = listLogger()
  const remote = new ScriptedRemote(net.clock, script, more.protocol === '3.1.1' ? 4 : 5)
  net.others.set('far', (attempt) => remote.dial(attempt))
  const near = await net.start('near', { cloud: { ...CLOUD, ...more } }, {}, { logger: log })
  const view = () => near.bridges.views[0]!
  return { net, remote, near, view, log, sensor: near.connect({ clientId: 'sensor' }) }
}

function publishesIn(packets: readonly Packet[]): PublishPacket[] {
  return packets.filter((packet) => packet.type === PacketType.PUBLISH)
}

function when(type: number, ...answers: Packet[]): Script {
  return (packet) => (packet.type === type ? answers : [])
}

const refusal: Packet = { type: PacketType.CONNACK, sessionPresent: false, reasonCode: 0x87, properties: noProperties }
const refusedSuback: Script = (packet) => {
  if (packet.type !== PacketType.SUBSCRIBE) return []
  const { packetIdentifier } = packet
  return [{ type: PacketType.SUBACK, packetIdentifier, reasonCodes: [0x87], properties: noProperties }]
}

const FAULTS: readonly (readonly [name: string, script: Script, reason: RegExp])[] = [
  ['refuses the login', when(PacketType.CONNECT, refusal), /refused the login: Not authorized/],
  ['does not answer the CONNECT', () => [], /did not answer the CONNECT in time/],
  ['resets the connection', (_, remote) => (remote.reset(), []), /connection was lost: read ECONNRESET/],
  [
    'refuses a subscription',
    accepting(noProperties, refusedSuback),
    /refused the subscription to down\/#: Not authorized/,
  ],
  [
    'does not answer a SUBSCRIBE',
    accepting(noProperties, (packet) => (packet.type === PacketType.SUBSCRIBE ? [{ type: PacketType.PINGRESP }] : [])),
    /did not answer a SUBSCRIBE in time/,
  ],
  [
    'answers with a packet that does not fit',
    accepting(noProperties, (packet) =>
      packet.type === PacketType.PUBLISH ? [acknowledgement(PacketType.PUBACK, packet.packetIdentifier)] : [],
    ),
    /answered with a packet that does not fit/,
  ],
  [
    'ends the connection with a reason',
    accepting(noProperties, (packet) =>
      packet.type === PacketType.PUBLISH
        ? [{ type: PacketType.DISCONNECT, reasonCode: 0x97, properties: { reasonString: 'enough' } }]
        : [],
    ),
    /ended the connection: Quota exceeded \(enough\)/,
  ],
]

for (const [name, script, reason] of FAULTS) {
  test(`a remote that ${name}: the bridge says why, tries again, and keeps what waits`, async () => {
    const { net, view, sensor, near } = await bridged(script)
    sensor.publish('up/a', 'x', 2)
    sensor.receiveAll()
    const reasons = new Set<string>()
    near.broker.on('bridgeChanged', (event) => void (event.state === 'waiting' && reasons.add(event.reason)))
    net.clock.advance(120_000)
    assert.ok(
      [...reasons].some((each) => reason.test(each)),
      [...reasons].join(),
    )
    assert.equal(view().queuedMessages, 1)
    const before = net.dialled.length
    net.clock.advance(120_000)
    assert.ok(net.dialled.length > before)
    await net.close()
  })
}

for (const [code, reported, reason] of [
  [
    'ECONNREFUSED',
    'connect ECONNREFUSED 192.0.2.1:1883',
    'Port 1883 of far refuses connections (connect ECONNREFUSED 192.0.2.1:1883)',
  ],
  ['ENOTFOUND', 'getaddrinfo ENOTFOUND far', 'The name far is unknown (getaddrinfo ENOTFOUND far)'],
  [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'self-signed certificate',
    'The certificate of the other broker is not trusted; `cafile` names the CA to trust (self-signed certificate)',
  ],
  ['EOTHER', 'something else', 'something else'],
] as const) {
  test(`a connection that fails with ${code}: the reason is a sentence`, async () => {
    const net = new BridgedBrokers()
    net.others.set('far', (attempt) => attempt.failed(Object.assign(new Error(reported), { code })))
    const near = await net.start('near', { cloud: CLOUD })
    assert.equal(near.bridges.views[0]!.reason, reason)
    await net.close()
  })
}

test('a host that does not answer at all is given up in time, and its attempt is stopped', async () => {
  const net = new BridgedBrokers()
  let stops = 0
  net.others.set('far', (attempt) => attempt.whenOver(() => stops++))
  const near = await net.start('near', { cloud: { ...CLOUD, connectTimeout: 5 } })
  net.clock.advance(5000)
  assert.equal(stops, 1)
  assert.match(near.bridges.views[0]!.reason!, /No network connection could be opened in time/)
  await net.close()
})

test('a remote that allows QoS 1: QoS 2 is lowered, and the exchange here is finished', async () => {
  const { net, remote, view, sensor } = await bridged(accepting({ maximumQoS: 1 }))
  sensor.publish('up/a', 'x', 2)
  sensor.receiveAll()
  assert.deepEqual(
    publishesIn(remote.packets).map(({ topicName, qos }) => [topicName, qos]),
    [['site/up/a', 1]],
  )
  assert.equal(view().queuedMessages, 0)
  await net.close()
})

test('a remote that allows QoS 0: messages are sent, and do not stay', async () => {
  const { net, remote, view, sensor } = await bridged(accepting({ maximumQoS: 0 }), { in: [] })
  for (const qos of [1, 2] as const) sensor.publish('up/a', 'x', qos)
  sensor.receiveAll()
  assert.deepEqual(
    publishesIn(remote.packets).map(({ qos }) => qos),
    [0, 0],
  )
  assert.equal(view().queuedMessages, 0)
  await net.close()
})

test('Receive Maximum 3 of a remote that does not acknowledge: three are in flight, the rest waits', async () => {
  const silent: Script = (packet) => (packet.type === PacketType.PUBLISH ? [{ type: PacketType.PINGRESP }] : [])
  const { net, remote, view, sensor } = await bridged(accepting({ receiveMaximum: 3 }, silent))
  for (let at = 0; at < 10; at++) sensor.publish('up/a', String(at), 1)
  assert.deepEqual([publishesIn(remote.packets).length, view().queuedMessages], [3, 10])
  await net.close()
})

test('Maximum Packet Size: what is larger is dropped and counted, and the rest follows', async () => {
  const { net, remote, view, sensor } = await bridged(accepting({ maximumPacketSize: 200 }))
  for (const [at, qos] of ([1, 2, 1] as const).entries()) sensor.publish('up/a', at < 2 ? 'x'.repeat(300) : 'y', qos)
  sensor.receiveAll()
  assert.deepEqual(
    publishesIn(remote.packets).map(({ payload }) => Buffer.from(payload).toString()),
    ['y'],
  )
  assert.deepEqual([view().out.dropped, view().queuedMessages], [{ 'too large': 2 }, 0])
  await net.close()
})

test('Retain Available 0: messages are sent with RETAIN 0', async () => {
  const { net, remote, sensor } = await bridged(accepting({ retainAvailable: 0 }))
  sensor.publish('up/a', 'x', 1, { retain: true })
  assert.deepEqual(
    publishesIn(remote.packets).map(({ retain }) => retain),
    [false],
  )
  await net.close()
})

test('a message that the remote refuses is counted, and the next ones follow', async () => {
  const refusing: Script = (packet) =>
    packet.type === PacketType.PUBLISH && packet.packetIdentifier % 2 === 1
      ? [acknowledgement(packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packet.packetIdentifier, 0x87)]
      : []
  const { net, view, sensor } = await bridged(accepting(noProperties, refusing))
  for (const qos of [1, 2, 2, 1] as const) sensor.publish('up/a', 'x', qos)
  sensor.receiveAll()
  assert.deepEqual([view().out.refused, view().queuedMessages, view().out.messages], [2, 0, 4])
  await net.close()
})

test('all properties cross; the Response Topic is rewritten, and the Message Expiry counts down while it waits', async () => {
  const { net, near, remote, sensor } = await bridged(accepting(), { paused: true })
  const properties: Properties = {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 100,
    contentType: 'text/plain',
    responseTopic: 'down/answer',
    correlationData: new Uint8Array([99]),
    userProperties: [
      ['a', '1'],
      ['a', '2'],
    ],
  }
  sensor.publish('up/a', 'x', 1, { properties })
  sensor.publish('up/b', 'y', 1, { properties: { responseTopic: 'up/answer' } })
  net.clock.advance(40_000)
  near.bridges.setPaused('cloud', false)
  net.clock.runTurns()
  const [first, second] = publishesIn(remote.packets)
  const via = ['via', 'plant'] as const
  const userProperties = [...properties.userProperties!, via]
  assert.deepEqual({ ...first!.properties }, { ...properties, messageExpiryInterval: 60, userProperties })
  assert.deepEqual({ ...second!.properties }, { responseTopic: 'site/up/answer', userProperties: [via] })
  await net.close()
})

test('a bridge whose session is taken away here connects again', async () => {
  const { net, near, view } = await bridged(accepting())
  await near.broker.disconnect('$bridge/cloud')
  net.clock.runTurns()
  assert.match(view().reason!, /session of the bridge at this broker has lost its connection/)
  net.reconnect()
  assert.deepEqual([view().state, view().connections], ['connected', 2])
  await net.close()
})

test('more than the bridge sends at once does not stop it', async () => {
  const { net, remote, sensor } = await bridged(accepting())
  for (let at = 0; at < 5; at++) sensor.publish('up/a', Buffer.alloc(300_000), at % 2 === 0 ? 0 : 1)
  assert.equal(publishesIn(remote.packets).length, 5)
  await net.close()
})

/** A remote that sends these messages after it has answered the SUBSCRIBE. */
function sending(messages: readonly Packet[]): Script {
  return accepting(noProperties, (packet) => {
    if (packet.type !== PacketType.SUBSCRIBE) return []
    const { packetIdentifier } = packet
    return [{ type: PacketType.SUBACK, packetIdentifier, reasonCodes: [2], properties: noProperties }, ...messages]
  })
}

function incoming(qos: 0 | 1 | 2, packetIdentifier: number, bytes: number): PublishPacket {
  return publishPacket(`down/${bytes}`, Buffer.alloc(bytes, 'x'), { qos, packetIdentifier })
}

function answersIn(packets: readonly Packet[]): (readonly [number, number])[] {
  return packets.flatMap((packet) =>
    packet.type >= PacketType.PUBACK && packet.type <= PacketType.PUBCOMP && 'packetIdentifier' in packet
      ? [[packet.type, packet.packetIdentifier] as const]
      : [],
  )
}

test('max-packet-size is announced to the remote in 5.0; it is that of the broker by default', async () => {
  for (const [more, expected] of [
    [{ maxPacketSize: 2000 }, 2000],
    [{}, 16_777_216],
  ] as const) {
    const { net, remote } = await bridged(accepting(), more)
    const [connect] = remote.packets
    assert.equal(connect?.type === PacketType.CONNECT && connect.properties.maximumPacketSize, expected)
    await net.close()
  }
})

test('a packet above max-packet-size in 5.0 ends the connection with a sentence, and there is a next try', async () => {
  const { net, near, view } = await bridged(sending([incoming(1, 1, 3000)]), { maxPacketSize: 2000 })
  assert.equal(view().state, 'waiting')
  assert.match(view().reason!, /^The other broker sent a packet of \d+ bytes; `max-packet-size` of the bridge is 2000$/)
  assert.ok(view().nextAttemptAtMs! > 0)
  assert.equal(near.broker.metrics.bridgeMessagesIn, 0)
  await net.close()
})

test('a SUBACK above max-packet-size ends the connection with a sentence before 5.0 as well', async () => {
  const long: Script = ({ type }) =>
    type === PacketType.SUBSCRIBE
      ? [
          {
            type: PacketType.SUBACK,
            packetIdentifier: 1,
            reasonCodes: new Array<number>(2000).fill(0),
            properties: noProperties,
          },
        ]
      : []
  const { net, view } = await bridged(accepting(noProperties, long), { maxPacketSize: 1024, protocol: '3.1.1' })
  assert.equal(view().state, 'waiting')
  assert.match(view().reason!, /sent a packet of 2005 bytes; `max-packet-size` of the bridge is 1024/)
  await net.close()
})

test('a message above max-packet-size before 5.0 is acknowledged, dropped, counted and logged, and the rest follows', async () => {
  const messages = [
    incoming(1, 1, 3000),
    incoming(2, 2, 200_000),
    incoming(0, 0, 4000),
    incoming(1, 3, 10),
    incoming(2, 4, 3001),
  ]
  const released: Script = (packet) =>
    packet.type === PacketType.PUBREC ? [acknowledgement(PacketType.PUBREL, packet.packetIdentifier)] : []
  const script: Script = (packet, remote) => {
    const answers = released(packet, remote)
    return answers.length > 0 ? answers : sending(messages)(packet, remote)
  }
  const { net, near, remote, view, log } = await bridged(script, { maxPacketSize: 2000, protocol: '3.1.1' })
  net.clock.advance(1000)
  assert.deepEqual([view().state, view().connections], ['connected', 1])
  assert.deepEqual([view().in.messages, view().in.dropped], [1, { 'too large': 4 }])
  assert.deepEqual(
    answersIn(remote.packets).sort(([a, b], [c, d]) => a - c || b - d),
    [
      [PacketType.PUBACK, 1],
      [PacketType.PUBACK, 3],
      [PacketType.PUBREC, 2],
      [PacketType.PUBREC, 4],
      [PacketType.PUBCOMP, 2],
      [PacketType.PUBCOMP, 4],
    ],
  )
  assert.equal(near.broker.metrics.bridgeMessagesDropped, 4)
  const line = log.lines.find((each) => each.includes('3000'))
  assert.match(
    line ?? '',
    /bridge cloud: a message of \d+ bytes .*"down\/3000" was dropped, since `max-packet-size` of the bridge is 2000/,
  )
  await net.close()
})
