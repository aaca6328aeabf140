import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import type { Interception, Plugin } from '../../../src/access/plugin.ts'
import type { Packet, PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../../src/codec/packet-types.ts'
import type { ApplicationMessage } from '../../../src/protocol/application-message.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import type { Logger, LogMethod } from '../../../src/base/log.ts'
import { RECEIVED_BYTES } from '../../../src/protocol/memory-sizes.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

type Intercept = NonNullable<Plugin['intercept']>

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const
const UPPER: Plugin = {
  name: 'upper',
  intercept: (_client, message) => ({ decision: 'replace', payload: message.text().toUpperCase() }),
}

function intercepting(intercept: Intercept, more: ConfigInput = {}): ConfigInput {
  return { intercept: { plugins: [{ name: 'guard', intercept }] }, ...more }
}

/** A plugin whose answers come when the test says so. */
function deferred() {
  const answers: ((answer: Interception | undefined) => void)[] = []
  const asked: string[] = []
  const intercept: Intercept = (_client, message) => {
    asked.push(message.text())
    return new Promise((resolve) => answers.push(resolve))
  }
  return { intercept, asked, answer: (value?: Interception) => answers.shift()!(value) }
}

/** A Logger that keeps the sentences with their levels, and the errors that belong to them. */
function levelLogger(): Logger & { readonly lines: { level: string; message: string; fields: object }[] } {
  const lines: { level: string; message: string; fields: object }[] = []
  const at =
    (level: string): LogMethod =>
    (first: object | string, second?: string) => {
      lines.push({ level, message: second ?? (first as string), fields: typeof first === 'object' ? first : {} })
    }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function reasonsOf(packets: readonly Packet[]): (readonly [PacketType, number])[] {
  return packets.map((packet) => [packet.type, (packet as { reasonCode?: number }).reasonCode ?? 0] as const)
}

function topicsOf(client: TestClient): string[] {
  return client.receiveAll().map(({ topicName, payload }) => `${topicName}=${Buffer.from(payload).toString()}`)
}

function watch(broker: VirtualBroker): string[] {
  const told: string[] = []
  broker.broker.on('publishRefused', ({ topic, qos, reasonCode, detail }: BrokerEvents['publishRefused']) => {
    told.push(`refused ${topic} at ${qos}: 0x${reasonCode.toString(16)} ${detail}`)
  })
  broker.broker.on('dropped', ({ clientId, message, cause }: BrokerEvents['dropped']) => {
    told.push(`dropped ${clientId} ${message.topicName}: ${cause}`)
  })
  return told
}

// ---- who is asked ----

for (const [place, config] of [
  ['in the section intercept', { intercept: { plugins: [UPPER] } }],
  ['among the plugins of the top level', { plugins: [UPPER] }],
  ['in both, once', { plugins: [UPPER], intercept: { plugins: [UPPER] } }],
] as const) {
  test(`a plugin intercepts messages that is listed ${place}`, async () => {
    const broker = await VirtualBroker.start(config)
    const client = broker.connect()
    client.subscribe('#')
    client.publish('a', 'text')
    assert.deepEqual(client.takePayloads(), ['TEXT'])
    assert.equal(broker.broker.metrics.publishesReplaced, 1)
    await broker.close()
  })
}

test('a plugin that is listed for topics or logins alone intercepts nothing', async () => {
  const all: Plugin = {
    ...UPPER,
    authenticate: () => ({ decision: 'allow' }),
    mayPublish: () => true,
    maySubscribe: () => true,
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [all] }, 'topic-check': { plugins: [all] } })
  const client = broker.connect()
  client.subscribe('#')
  client.publish('a', 'text')
  assert.deepEqual(client.takePayloads(), ['text'])
  await broker.close()
})

test('options beside intercept.plugins are those of its plugins, and an empty section is a warning', async () => {
  const factory = ({ options }: { options: Readonly<Record<string, unknown>> }): Plugin => ({
    name: 'suffix',
    intercept: (_client, message) => ({ decision: 'replace', payload: message.text() + String(options['suffix']) }),
  })
  const broker = await VirtualBroker.start({ intercept: { plugins: [factory], suffix: '!' } })
  const client = broker.connect()
  client.subscribe('#')
  client.publish('a', 'text')
  assert.deepEqual(client.takePayloads(), ['text!'])
  await broker.broker.reload({ listeners: {}, intercept: {} })
  assert.deepEqual(
    broker.broker.options.warnings.map(({ path }) => path),
    ['intercept'],
  )
  client.publish('a', 'text')
  assert.deepEqual(client.takePayloads(), ['text'])
  await broker.close()
})

test('each plugin sees what the one before has made, and one that stops the message is the last', async () => {
  const seen: string[] = []
  const step = (name: string, answer: (text: string) => Interception | undefined, later: boolean): Plugin => ({
    name,
    intercept: (_client, message) => {
      seen.push(`${name}:${message.topic}=${message.text()}`)
      const made = answer(message.text())
      return later ? Promise.resolve(made) : made
    },
  })
  for (const later of [false, true]) {
    seen.length = 0
    const broker = await VirtualBroker.start({
      intercept: {
        plugins: [
          step('one', (text) => ({ decision: 'replace', payload: `${text}1`, topic: 'b' }), later),
          step('two', () => undefined, false),
          step('three', (text) => ({ decision: 'replace', payload: `${text}3` }), later),
          step('four', (text) => (text.startsWith('bad') ? { decision: 'drop' } : undefined), later),
          step('five', () => undefined, later),
        ],
      },
    })
    const client = broker.connect()
    client.subscribe('#')
    client.publish('a', 'good')
    client.publish('a', 'bad')
    await broker.settle()
    assert.deepEqual(topicsOf(client), ['b=good13'])
    const expected = ['one:a=good', 'two:b=good1', 'three:b=good1', 'four:b=good13', 'five:b=good13']
    const dropped = ['one:a=bad', 'two:b=bad1', 'three:b=bad1', 'four:b=bad13']
    assert.deepEqual(seen, [...expected, ...dropped])
    await broker.close()
  }
})

// ---- what it may make of a message ----

for (const version of [3, 4, 5] as ProtocolVersion[]) {
  for (const qos of [0, 1, 2] as const) {
    test(`topic, payload and properties are replaced, and QoS ${qos} stays, protocol ${version}`, async () => {
      const broker = await VirtualBroker.start(
        intercepting((client, message) => ({
          decision: 'replace',
          topic: `${client.clientId}/${message.topic}`,
          payload: Buffer.from(`<${message.text()}>`),
          properties: { userProperties: [['seen', 'yes']], contentType: 'text' },
        })),
      )
      const reader = broker.connect({ clientId: 'reader' })
      reader.subscribe('#', 2)
      const old = broker.connect({ clientId: 'old', version: 4 })
      old.subscribe('#', 2)
      broker.connect({ clientId: 'sensor', version }).publish('a', '1', qos, {
        properties: version === 5 ? { contentType: 'other', messageExpiryInterval: 9 } : {},
      })
      const [received] = reader.receiveAll() as [PublishPacket]
      assert.deepEqual(
        [received.topicName, Buffer.from(received.payload).toString(), received.qos, received.properties],
        ['sensor/a', '<1>', qos, { userProperties: [['seen', 'yes']], contentType: 'text' }],
      )
      assert.deepEqual(topicsOf(old), ['sensor/a=<1>'])
      await broker.close()
    })
  }
}

test('what a replacement leaves out stays: payload, properties with their expiry, RETAIN', async () => {
  const broker = await VirtualBroker.start(intercepting(() => ({ decision: 'replace', topic: 'b' })))
  const reader = broker.connect()
  reader.subscribe('#', 1, { retainAsPublished: true })
  reader.publish('a', 'text', 1, {
    retain: true,
    properties: { messageExpiryInterval: 9, correlationData: Buffer.from([1, 2]) },
  })
  const [received] = reader.receiveAll() as [PublishPacket]
  assert.deepEqual([received.topicName, Buffer.from(received.payload).toString(), received.retain], ['b', 'text', true])
  assert.equal(received.properties.messageExpiryInterval, 9)
  assert.deepEqual([...received.properties.correlationData!], [1, 2])
  await broker.close()
})

test('a message that the plugin keeps stays as it was, though the chunk that it came in is used again', async () => {
  const kept: { readonly text: () => string; readonly payload: Buffer; readonly properties: object }[] = []
  const broker = await VirtualBroker.start(
    intercepting((_client, message) => {
      const { payload, properties } = message
      kept.push({ text: () => message.text(), payload, properties })
      return undefined
    }),
  )
  const client = broker.connect()
  client.publish('a', 'text', 0, { properties: { contentType: 'x' } })
  client.publish('a', 'more')
  assert.deepEqual(
    kept.map(({ text, payload, properties }) => [text(), payload.toString(), properties]),
    [
      ['text', 'text', { contentType: 'x' }],
      ['more', 'more', {}],
    ],
  )
  await broker.close()
})

test('a plugin that writes into a message changes nothing of it: not what is sent, retained, or in the properties', async () => {
  const kept: Buffer[] = []
  const broker = await VirtualBroker.start(
    intercepting((_client, message) => {
      message.payload.fill(0)
      message.properties.correlationData!.fill(0)
      Object.assign(message.properties, { contentType: 'written' })
      kept.push(message.payload)
      return undefined
    }),
  )
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  const correlationData = Buffer.from([1, 2])
  for (const payload of ['small', 'x'.repeat(100_000)]) {
    broker.connect().publish('a', payload, 0, { retain: true, properties: { contentType: 'text', correlationData } })
    for (const bytes of kept) bytes.fill(0)
    const late = broker.connect({ clientId: 'late' })
    late.subscribe('#')
    for (const client of [reader, late]) {
      const [received] = client.receiveAll() as [PublishPacket]
      assert.equal(Buffer.from(received.payload).toString(), payload)
      assert.equal(received.properties.contentType, 'text')
      assert.deepEqual([...received.properties.correlationData!], [1, 2])
    }
  }
  await broker.close()
})

test('what is made of a message does not keep the memory of the old one', async () => {
  const broker = await VirtualBroker.start(intercepting(() => ({ decision: 'replace', payload: 'new' })))
  const bytes: number[] = []
  broker.broker.on('published', ({ message }) => {
    const { propertyList } = message as ApplicationMessage
    bytes.push(propertyList.bytes.buffer.byteLength)
  })
  broker.connect().publish('a', 'x'.repeat(10_000), 0, { properties: { contentType: 'text' } })
  assert.ok(bytes[0]! < 100, String(bytes))
  await broker.close()
})

test('what plugins look at is counted as work of the turn', async () => {
  const workOf = async (config: ConfigInput): Promise<number> => {
    const broker = await VirtualBroker.start(config)
    broker.connect().publish('a', 'x'.repeat(30_000))
    const { mostTurnWork } = broker.broker.metrics
    await broker.close()
    return mostTurnWork
  }
  const plain = await workOf({})
  const intercepted = await workOf(intercepting(() => undefined))
  assert.ok(intercepted > plain, `${intercepted} with a plugin, ${plain} without one`)
})

test('a Topic Alias stands for the topic in the packet, whatever a plugin makes of it [5.0 MQTT-3.3.2-12]', async () => {
  const broker = await VirtualBroker.start(
    intercepting((_client, { topic }) => (topic === 'a' ? { decision: 'replace', topic: 'b' } : undefined)),
  )
  const client = broker.connect()
  client.subscribe('#')
  client.publish('a', '1', 0, { properties: { topicAlias: 1 } })
  client.publish('', '2', 0, { properties: { topicAlias: 1 } })
  client.publish('c', '3', 0, { properties: { topicAlias: 1 } })
  client.publish('', '4', 0, { properties: { topicAlias: 1 } })
  assert.deepEqual(topicsOf(client), ['b=1', 'b=2', 'c=3', 'c=4'])
  await broker.close()
})

test('a retained message is set, replaced and cleared under the topic that the plugin gives it', async () => {
  const broker = await VirtualBroker.start(
    intercepting((_client, { topic }) => ({ decision: 'replace', topic: `kept/${topic}` })),
  )
  const sensor = broker.connect({ clientId: 'sensor' })
  const read = (): string[] => {
    const reader = broker.connect({ clientId: 'reader' })
    reader.subscribe('#')
    return topicsOf(reader)
  }
  sensor.publish('a', '1', 1, { retain: true })
  assert.deepEqual(read(), ['kept/a=1'])
  sensor.publish('a', '2', 1, { retain: true })
  assert.deepEqual(read(), ['kept/a=2'])
  sensor.publish('a', '', 1, { retain: true })
  assert.deepEqual(read(), [])
  await broker.close()
})

test('a Shared Subscription takes turns over what plugins have made, and No Local goes by the publisher', async () => {
  const broker = await VirtualBroker.start(intercepting(() => ({ decision: 'replace', topic: 'b' })))
  const members = ['one', 'two'].map((clientId) => broker.connect({ clientId }))
  for (const member of members) member.subscribe('$share/group/b', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.subscribe('b', 0, { noLocal: true })
  for (const text of ['1', '2', '3', '4']) sensor.publish('a', text, 1)
  assert.deepEqual(members.map(topicsOf), [
    ['b=1', 'b=3'],
    ['b=2', 'b=4'],
  ])
  assert.deepEqual(topicsOf(sensor), [])
  await broker.close()
})

// ---- refused and dropped ----

for (const version of [3, 4, 5] as ProtocolVersion[]) {
  for (const qos of [0, 1, 2] as const) {
    test(`a refusal is acknowledged with its Reason Code, counted and told, QoS ${qos}, protocol ${version}`, async () => {
      const broker = await VirtualBroker.start(
        intercepting(() => ({ decision: 'refuse', reasonCode: ReasonCode.PayloadFormatInvalid, cause: 'no JSON' })),
      )
      const told = watch(broker)
      const client = broker.connect({ version })
      client.subscribe('#')
      client.publish('a', '1', qos)
      const code = version === 5 ? ReasonCode.PayloadFormatInvalid : 0
      const answer = qos === 0 ? [] : [[qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, code]]
      assert.deepEqual(reasonsOf(client.take()), answer)
      assert.deepEqual(told, [`refused a at ${qos}: 0x99 refused by plugin guard: no JSON`])
      const { publishesRefused, publishDroppedIn } = broker.broker.metrics
      assert.deepEqual([publishesRefused, publishDroppedIn], [1, qos === 0 ? 1 : 0])
      await broker.close()
    })

    test(`a drop is acknowledged as success and counted by its cause, QoS ${qos}, protocol ${version}`, async () => {
      const broker = await VirtualBroker.start(intercepting(() => ({ decision: 'drop' })))
      const told = watch(broker)
      const client = broker.connect({ version })
      client.subscribe('#')
      client.publish('a', '1', qos, { retain: true })
      const answer = qos === 0 ? [] : [[qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, 0]]
      assert.deepEqual(reasonsOf(client.take()), answer)
      assert.deepEqual(told, ['dropped  a: dropped by plugin'])
      assert.equal(broker.broker.metrics.dropped['dropped by plugin'], 1)
      assert.equal(broker.broker.figure('retainedMessages')!.value, 0)
      await broker.close()
    })
  }
}

test('a refusal without a Reason Code is Not authorized, and the log says which plugin refused and why', async () => {
  const logger = levelLogger()
  const broker = await VirtualBroker.start(
    intercepting(() => ({ decision: 'refuse', cause: 'closed\non Sundays' })),
    { logger },
  )
  const client = broker.connect()
  client.publish('a', '1', 1)
  assert.deepEqual(reasonsOf(client.take()), [[PacketType.PUBACK, ReasonCode.NotAuthorized]])
  const line = logger.lines.find(({ message }) => message.includes('to publish to a'))
  assert.match(line!.message, /refused by plugin guard: closed\\u000aon Sundays$/)
  await broker.close()
})

// ---- rubbish ----

const RUBBISH: readonly [string, () => unknown][] = [
  ['throws', () => assert.fail('secret-payload')],
  ['rejects', () => Promise.reject(new Error('secret-payload'))],
  ['rejects with no Error', () => Promise.reject('text' as unknown as Error)],
  ['is true', () => true],
  ['is null', () => null],
  ['is an empty object', () => ({})],
  ['allows', () => ({ decision: 'allow' })],
  ['has a topic with a wildcard', () => ({ decision: 'replace', topic: 'a/#' })],
  ['has an empty topic', () => ({ decision: 'replace', topic: '' })],
  ['has a topic that is no text', () => ({ decision: 'replace', topic: 1 })],
  ['has a topic that is too long', () => ({ decision: 'replace', topic: 'a'.repeat(65_536) })],
  ['has half a surrogate pair in its topic', () => ({ decision: 'replace', topic: '\ud800' })],
  ['has an object as payload', () => ({ decision: 'replace', payload: { text: 'x' } })],
  ['has a payload of null', () => ({ decision: 'replace', payload: null })],
  ['has a property of another packet', () => ({ decision: 'replace', properties: { receiveMaximum: 1 } })],
  ['has a Topic Alias', () => ({ decision: 'replace', properties: { topicAlias: 'x' } })],
  ['has a Response Topic with a wildcard', () => ({ decision: 'replace', properties: { responseTopic: 'a/+' } })],
  [
    'has User Properties that are no pairs',
    () => ({ decision: 'replace', properties: { userProperties: { a: 'b' } } }),
  ],
  ['changes the QoS', () => ({ decision: 'replace', qos: 0 })],
  ['has a misspelt key', () => ({ decision: 'replace', topicName: 'b' })],
  ['refuses with a success', () => ({ decision: 'refuse', reasonCode: 0 })],
  ['refuses with 0x10', () => ({ decision: 'refuse', reasonCode: 0x10 })],
  ['refuses with the code of another packet', () => ({ decision: 'refuse', reasonCode: 0x8e })],
  ['refuses with a text', () => ({ decision: 'refuse', reasonCode: '0x87' })],
  ['refuses for a cause that is no text', () => ({ decision: 'refuse', cause: {} })],
  [
    'throws when it is read',
    () => ({
      get decision(): never {
        throw new Error('secret-payload')
      },
    }),
  ],
  ['is a thenable whose then throws', () => ({ then: () => assert.fail('secret-payload') })],
]

for (const [title, answer] of RUBBISH) {
  test(`a plugin whose answer ${title} has refused the message with 0x83, and the log names it`, async () => {
    const logger = levelLogger()
    const intercept = (_client: unknown, message: { text: () => string }): unknown =>
      message.text() === 'bad' ? answer() : undefined
    const broker = await VirtualBroker.start(intercepting(intercept as Intercept), { logger })
    const told = watch(broker)
    const client = broker.connect()
    client.subscribe('#')
    client.publish('a', 'bad', 1)
    client.publish('a', 'good', 1)
    await broker.settle()
    const answers = client.take().filter(({ type }) => type === PacketType.PUBACK)
    assert.deepEqual(reasonsOf(answers), [
      [PacketType.PUBACK, ReasonCode.ImplementationSpecificError],
      [PacketType.PUBACK, 0],
    ])
    assert.deepEqual(told, ['refused a at 1: 0x83 plugin guard failed'])
    const lines = logger.lines.filter(({ level }) => level === 'error')
    assert.equal(lines.length, 1, JSON.stringify(lines))
    assert.match(lines[0]!.message, /^plugin guard failed in intercept, which counts as a refusal/)
    assert.doesNotMatch(JSON.stringify(lines), /secret-payload/)
    await broker.close()
  })
}

test('a plugin that is late has refused the message, and its late answer changes nothing', async () => {
  const { intercept, answer } = deferred()
  const broker = await VirtualBroker.start(intercepting(intercept, { 'plugin-timeout': 2 }))
  const told = watch(broker)
  const client = broker.connect()
  client.subscribe('#')
  client.publish('a', '1', 1)
  broker.advance(2000)
  await broker.settle()
  assert.deepEqual(told, ['refused a at 1: 0x83 plugin guard timed out after 2000 ms'])
  assert.deepEqual(reasonsOf(client.take()), [[PacketType.PUBACK, ReasonCode.ImplementationSpecificError]])
  answer({ decision: 'replace', payload: 'late' })
  await broker.settle()
  assert.deepEqual(client.take(), [])
  await broker.close()
})

// ---- permissions ----

for (const later of [false, true]) {
  test(`the right to publish is asked before the plugin, and for a changed topic again after it, later: ${later}`, async () => {
    const asked: string[] = []
    const rules: Plugin = {
      name: 'rules',
      maySubscribe: () => true,
      mayPublish: (_client, { topicName }) => {
        asked.push(topicName)
        const may = topicName !== 'forbidden' && topicName !== 'first'
        return later ? Promise.resolve(may) : may
      },
    }
    const intercept: Intercept = (_client, { topic }) => {
      asked.push(`(${topic})`)
      const [to] = topic.split('/').slice(1)
      const made = to === undefined ? undefined : ({ decision: 'replace', topic: to } as const)
      return later ? Promise.resolve(made) : made
    }
    const broker = await VirtualBroker.start(intercepting(intercept, { 'topic-check': { plugins: [rules] } }))
    const told = watch(broker)
    const client = broker.connect()
    client.subscribe('#')
    client.publish('first', '1', 1)
    client.publish('x/forbidden', '2', 1)
    client.publish('x/good', '3', 1)
    client.publish('same', '4', 1)
    await broker.settle()
    assert.deepEqual(asked, [
      'first',
      'x/forbidden',
      '(x/forbidden)',
      'forbidden',
      'x/good',
      '(x/good)',
      'good',
      'same',
      '(same)',
    ])
    const packets = client.take()
    const answers = packets.filter(({ type }) => type === PacketType.PUBACK)
    assert.deepEqual(
      reasonsOf(answers).map(([, code]) => code),
      [ReasonCode.NotAuthorized, ReasonCode.NotAuthorized, 0, 0],
    )
    assert.deepEqual(
      packets.flatMap((packet) => (packet.type === PacketType.PUBLISH ? [packet.topicName] : [])),
      ['good', 'same'],
    )
    assert.deepEqual(told, ['refused first at 1: 0x87 Not authorized', 'refused forbidden at 1: 0x87 Not authorized'])
    await broker.close()
  })
}

test('a plugin cannot move a message below $SYS/, nor deeper than max-topic-levels', async () => {
  const broker = await VirtualBroker.start(
    intercepting((_client, message) => ({ decision: 'replace', topic: message.text() }), { 'max-topic-levels': 3 }),
  )
  const client = broker.connect()
  client.publish('a', '$SYS/broker/version', 1)
  client.publish('a', '1/2/3/4', 1)
  client.publish('a', '1/2/3', 1)
  assert.deepEqual(
    reasonsOf(client.take()).map(([, code]) => code),
    [ReasonCode.NotAuthorized, ReasonCode.TopicNameInvalid, ReasonCode.NoMatchingSubscribers],
  )
  await broker.close()
})

// ---- order ----

test("a promise keeps its Connection's order, the acknowledgement waits for it, and others go on", async () => {
  const { intercept, answer, asked } = deferred()
  const broker = await VirtualBroker.start(
    intercepting((client, message) => (client.clientId === 'slow' ? intercept(client, message) : undefined)),
  )
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  const slow = broker.connect({ clientId: 'slow' })
  slow.publish('a', '1', 1)
  slow.publish('a', '2', 1)
  slow.send({ type: PacketType.PINGREQ })
  broker.connect({ clientId: 'quick' }).publish('b', '3', 1)
  await broker.settle()
  assert.deepEqual([reader.takePayloads(), slow.take(), asked], [['3'], [], ['1']])
  answer({ decision: 'replace', payload: 'one' })
  await broker.settle()
  assert.deepEqual([reader.takePayloads(), asked], [['one'], ['1', '2']])
  assert.deepEqual(
    slow.take().map(({ type }) => type),
    [PacketType.PUBACK],
  )
  answer()
  await broker.settle()
  assert.deepEqual(reader.takePayloads(), ['2'])
  assert.deepEqual(
    slow.take().map(({ type }) => type),
    [PacketType.PUBACK, PacketType.PINGRESP],
  )
  await broker.close()
})

test('what waits for a plugin is charged to its user, and to nobody once it is answered or its Client has gone', async () => {
  const { intercept, answer } = deferred()
  const broker = await VirtualBroker.start(intercepting(intercept, { 'max-closed-connections': 0 }))
  const before = broker.broker.memory.bytes
  const client = broker.connect()
  const connected = broker.broker.memory.bytes
  client.publish('a', 'x'.repeat(10_000), 1)
  assert.ok(broker.broker.memory.bytes >= connected + 10_000)
  answer({ decision: 'replace', payload: 'y'.repeat(20_000) })
  await broker.settle()
  assert.equal(broker.broker.memory.bytes, connected)
  client.publish('a', 'x'.repeat(10_000), 1)
  client.drop()
  answer()
  await broker.settle()
  assert.equal(broker.broker.memory.bytes, before)
  await broker.close()
})

test('a message without memory to wait in is not waited for: the next Connection of its Session is served', async () => {
  const { intercept, answer } = deferred()
  const broker = await VirtualBroker.start(intercepting(intercept, { 'max-memory-per-user': 200_000 }))
  const first = broker.connect({ clientId: 'sensor', version: 4, cleanStart: false })
  first.publish('a', 'x'.repeat(300_000), 1)
  assert.ok(first.isClosed, 'so that its Client keeps the message')
  const second = broker.connect({ clientId: 'sensor', version: 4, cleanStart: false })
  second.publish('a', 'small', 1)
  answer()
  answer()
  await broker.settle()
  assert.deepEqual(reasonsOf(second.take()), [[PacketType.PUBACK, 0]])
  await broker.close()
})

test('a queue holds what the plugin has made, and is charged with that', async () => {
  const broker = await VirtualBroker.start(
    intercepting((_client, message) => ({
      decision: 'replace',
      topic: 'b',
      payload: 'z'.repeat(Number(message.text())),
      properties: { contentType: 'text' },
    })),
  )
  const reader = broker.connect({ clientId: 'reader', ...KEPT })
  reader.subscribe('#', 1)
  reader.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  const empty = broker.broker.memory.bytes
  sensor.publish('a', '50000', 1)
  const held = broker.broker.memory.bytes - empty
  assert.ok(held > 50_000 && held < 51_500, String(held))
  const back = broker.connect({ clientId: 'reader', ...KEPT })
  const [received] = back.receiveAll() as [PublishPacket]
  assert.deepEqual([received.topicName, received.payload.length], ['b', 50_000])
  back.disconnect()
  await broker.close()
})

for (const later of [false, true]) {
  test(`what a plugin moves to a topic that is stored waits for a Store that is behind, later: ${later}`, async () => {
    const moved = { decision: 'replace', topic: 'stored' } as const
    const broker = await VirtualBroker.start(
      intercepting((_client, { topic }) => (topic !== 'fast' ? undefined : later ? Promise.resolve(moved) : moved), {
        persistence: { durability: 'disk', topics: { fast: 'memory' } },
        'max-uncommitted-bytes': 100_000,
      }),
      { disk: new MemoryDisk() },
    )
    broker.connect({ clientId: 'reader', ...KEPT }).subscribe('stored', 1)
    await broker.settle()
    const { turn } = serverOf(broker.broker)
    const client = broker.connect({ version: 4 })
    let mostBytes = 0
    const sent = Array.from({ length: 20 }, () => {
      const packetIdentifier = client.publish('fast', 'x'.repeat(30_000), 1)
      mostBytes = Math.max(mostBytes, turn.uncommittedBytes)
      return packetIdentifier
    })
    for (let round = 0; round < 20; round++) {
      mostBytes = Math.max(mostBytes, turn.uncommittedBytes)
      await broker.settle()
    }
    assert.ok(mostBytes > 30_000 && mostBytes < 200_000, `${mostBytes} bytes`)
    const acknowledged = client.take().map((packet) => (packet as { packetIdentifier: number }).packetIdentifier)
    assert.deepEqual(acknowledged, sent)
    await broker.close()
  })
}

const SENSOR = { clientId: 'sensor', ...KEPT } as const
/** Remembers no connection that has ended, which would be charged. */
const FORGETFUL = { 'max-closed-connections': 0 } as const

/** A broker with a disk that is stuck, until `mend`, and a plugin that moves what comes to a topic that is stored. */
async function behindStore() {
  const asked: string[] = []
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start(
    intercepting(
      (_client, { topic }) => {
        if (topic !== 'fast') return undefined
        asked.push(topic)
        return { decision: 'replace', topic: 'stored' }
      },
      { persistence: { durability: 'disk', topics: { fast: 'memory' } }, 'max-uncommitted-bytes': 65_536 },
    ),
    { disk },
  )
  const reader = broker.connect({ clientId: 'reader', ...KEPT })
  reader.subscribe('stored', 2)
  await broker.settle()
  let mend = (): void => {}
  const held = new Promise<void>((resolve) => (mend = resolve))
  const [sensor, filler] = [broker.connect(SENSOR), broker.connect({ clientId: 'filler' })]
  await broker.settle()
  disk.options.before = (operation) => (operation === 'sync' ? held : undefined)
  for (let count = 0; count < 3; count++) filler.publish('stored', Buffer.alloc(40_000), 1)
  const mended = async (): Promise<void> => {
    mend()
    delete disk.options.before
    await broker.settle()
  }
  return { broker, reader, sensor, asked, mended }
}

test('a QoS 2 message that waits for the Store is intercepted once, though its Client comes back [5.0 MQTT-4.3.3-10]', async () => {
  const { broker, reader, sensor: first, asked, mended } = await behindStore()
  const before = broker.broker.memory.bytes
  first.publish('fast', 'x'.repeat(3000), 2, { packetIdentifier: 7 })
  assert.deepEqual([first.isPaused, asked], [true, ['fast']])
  assert.ok(broker.broker.memory.bytes >= before + 3000, 'charged while it waits')
  first.drop()
  const second = broker.connect(SENSOR)
  await broker.settle()
  second.publish('fast', 'x'.repeat(3000), 2, { packetIdentifier: 7, dup: true })
  await mended()
  second.take()
  second.publish('fast', 'x'.repeat(3000), 2, { packetIdentifier: 7, dup: true })
  await broker.settle()
  assert.deepEqual(reasonsOf(second.take()), [[PacketType.PUBREC, 0]])
  assert.deepEqual(asked, ['fast'])
  const lengths = reader.receiveAll().map(({ payload }) => payload.length)
  assert.deepEqual(lengths.filter((length) => length === 3000).length, 1)
  second.disconnect(0, { sessionExpiryInterval: 0 })
  await broker.close()
})

test('one of a Session that has ended by then goes nowhere, and leaves no memory charged', async () => {
  const { broker, reader, mended } = await behindStore()
  const before = broker.broker.memory.bytes
  const visitor = broker.connect({ clientId: 'visitor' })
  visitor.publish('fast', 'x'.repeat(3000), 2)
  visitor.drop()
  assert.ok(broker.broker.memory.bytes >= before + 3000)
  await mended()
  assert.equal(reader.receiveAll().filter(({ payload }) => payload.length === 3000).length, 0)
  assert.ok(broker.broker.memory.bytes < before + 3000)
  await broker.close()
})

test('what is stored is what the plugin has made', async () => {
  const disk = new MemoryDisk()
  const config = intercepting(() => ({ decision: 'replace', topic: 'b', payload: 'made' }), {
    persistence: { durability: 'disk' },
  })
  const first = await VirtualBroker.start(config, { disk })
  const reader = first.connect({ clientId: 'reader', ...KEPT })
  reader.subscribe('#', 1)
  await first.settle()
  reader.drop()
  const sensor = first.connect({ clientId: 'sensor' })
  sensor.publish('a', 'given', 1, { retain: true })
  await first.settle()
  await first.close()
  const second = await VirtualBroker.start(config, { disk })
  const back = second.connect({ clientId: 'reader', ...KEPT })
  await second.settle()
  assert.deepEqual(topicsOf(back), ['b=made'])
  const other = second.connect({ clientId: 'other' })
  other.subscribe('#')
  await second.settle()
  assert.deepEqual(topicsOf(other), ['b=made'])
  await second.close()
})

// ---- QoS 2 ----

test('a QoS 2 message is intercepted once, also when its PUBLISH is sent again [5.0 MQTT-4.3.3-10]', async () => {
  const { intercept, answer, asked } = deferred()
  const broker = await VirtualBroker.start(intercepting(intercept))
  const client = broker.connect()
  client.subscribe('#')
  client.publish('a', '1', 2, { packetIdentifier: 7 })
  client.publish('a', '1', 2, { packetIdentifier: 7, dup: true })
  answer()
  await broker.settle()
  client.publish('a', '1', 2, { packetIdentifier: 7, dup: true })
  await broker.settle()
  assert.deepEqual(asked, ['1'])
  assert.deepEqual(
    client
      .take()
      .map(({ type }) => type)
      .toSorted((one, other) => one - other),
    [PacketType.PUBLISH, PacketType.PUBREC, PacketType.PUBREC, PacketType.PUBREC],
  )
  await broker.close()
})

for (const when of [
  'before its Client is back',
  'after its Client is back',
  'after a reload took the plugin away',
] as const) {
  test(`a QoS 2 message outlives its Connection: plugins answer ${when}, and it arrives once [5.0 MQTT-4.4.0-1]`, async () => {
    const { intercept, answer, asked } = deferred()
    const broker = await VirtualBroker.start(intercepting(intercept, FORGETFUL))
    const reader = broker.connect({ clientId: 'reader' })
    reader.subscribe('#')
    const first = broker.connect(SENSOR)
    first.publish('a', '1', 2, { packetIdentifier: 7 })
    first.drop()
    const memory = broker.broker.memory.bytes
    if (when.startsWith('before')) answer({ decision: 'replace', payload: 'one' })
    if (when.includes('reload')) await broker.broker.reload({ listeners: {}, ...FORGETFUL })
    await broker.settle()
    const second = broker.connect(SENSOR)
    second.publish('a', '1', 2, { packetIdentifier: 7, dup: true })
    await broker.settle()
    if (!when.startsWith('before')) {
      assert.deepEqual(second.take(), [])
      answer({ decision: 'replace', payload: 'one' })
      await broker.settle()
    }
    assert.deepEqual([asked, reader.takePayloads()], [['1'], ['one']])
    assert.deepEqual(reasonsOf(second.take()), [[PacketType.PUBREC, 0]])
    second.acknowledge(PacketType.PUBREL, 7)
    assert.deepEqual(reasonsOf(second.take()), [[PacketType.PUBCOMP, 0]])
    assert.equal(broker.broker.figure('inflightIn')!.value, 0)
    second.drop()
    // Its Session stays charged for a step of Packet Identifiers.
    const bytes = broker.broker.memory.bytes - 16 * RECEIVED_BYTES
    assert.ok(bytes < memory, `${bytes} of ${memory}`)
    await broker.close()
  })
}

test('a QoS 2 message that is refused while its Client was away and is back gets that answer; no plugin is asked again', async () => {
  const { intercept, answer, asked } = deferred()
  const broker = await VirtualBroker.start(intercepting(intercept))
  const first = broker.connect(SENSOR)
  first.publish('a', '1', 2, { packetIdentifier: 7 })
  first.drop()
  const lost = broker.connect(SENSOR)
  lost.publish('a', '1', 2, { packetIdentifier: 7, dup: true })
  lost.drop()
  const third = broker.connect(SENSOR)
  third.publish('a', '1', 2, { packetIdentifier: 7, dup: true })
  answer({ decision: 'refuse', reasonCode: ReasonCode.QuotaExceeded })
  await broker.settle()
  assert.deepEqual([asked, reasonsOf(third.take())], [['1'], [[PacketType.PUBREC, ReasonCode.QuotaExceeded]]])
  third.publish('a', '2', 2, { packetIdentifier: 7 })
  answer()
  await broker.settle()
  assert.deepEqual(asked, ['1', '2'])
  await broker.close()
})

test('another message of the Session waits until the earlier one is decided, and then passes through plugins itself', async () => {
  const { intercept, answer, asked } = deferred()
  const broker = await VirtualBroker.start(intercepting(intercept))
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  const first = broker.connect(SENSOR)
  first.publish('a', '1', 2, { packetIdentifier: 7 })
  first.drop()
  const second = broker.connect(SENSOR)
  second.publish('a', '2', 1, { packetIdentifier: 7 })
  await broker.settle()
  assert.deepEqual(asked, ['1'])
  answer()
  await broker.settle()
  assert.deepEqual([asked, reader.takePayloads(), second.take()], [['1', '2'], ['1'], []])
  answer()
  await broker.settle()
  assert.deepEqual([reader.takePayloads(), reasonsOf(second.take())], [['2'], [[PacketType.PUBACK, 0]]])
  await broker.close()
})

test('a QoS 2 message whose Session has ended when plugins answer goes nowhere; at QoS 0 and 1 it counts', async () => {
  for (const qos of [0, 1, 2] as const) {
    const { intercept, answer } = deferred()
    const broker = await VirtualBroker.start(intercepting(intercept))
    const reader = broker.connect({ clientId: 'reader' })
    reader.subscribe('#')
    const first = broker.connect(SENSOR)
    first.publish('a', '1', qos)
    first.drop()
    broker.connect({ clientId: 'sensor' })
    answer()
    await broker.settle()
    assert.deepEqual(reader.takePayloads(), qos === 2 ? [] : ['1'])
    await broker.close()
  }
})

test('what plugins have decided while the Client was away is stored: after a restart the message is known', async () => {
  const { intercept, answer, asked } = deferred()
  const disk = new MemoryDisk()
  const config = intercepting(intercept, { persistence: { durability: 'disk' } })
  const before = await VirtualBroker.start(config, { disk })
  const first = before.connect(SENSOR)
  await before.settle()
  first.publish('a', '1', 2, { packetIdentifier: 7, retain: true })
  first.drop()
  answer()
  await before.settle()
  await before.close()
  const after = await VirtualBroker.start(config, { disk })
  const second = after.connect(SENSOR)
  await after.settle()
  second.take()
  second.publish('a', '1', 2, { packetIdentifier: 7, dup: true, retain: true })
  await after.settle()
  assert.deepEqual([asked, reasonsOf(second.take())], [['1'], [[PacketType.PUBREC, 0]]])
  await after.close()
})

// ---- Wills ----

for (const later of [false, true]) {
  test(`a Will is intercepted when it is due: changed, refused, dropped, moved where it may not be, later: ${later}`, async () => {
    const rules: Plugin = {
      name: 'rules',
      maySubscribe: () => true,
      mayPublish: (_c, m) => m.topicName !== 'forbidden',
    }
    const asked: string[] = []
    const answers: Readonly<Record<string, Interception | undefined>> = {
      changed: { decision: 'replace', topic: 'new', payload: 'other' },
      passed: undefined,
      refused: { decision: 'refuse' },
      dropped: { decision: 'drop' },
      moved: { decision: 'replace', topic: 'forbidden' },
      system: { decision: 'replace', topic: '$SYS/a' },
    }
    const intercept: Intercept = (client, { topic }) => {
      asked.push(`${client.clientId} ${topic}`)
      return later ? Promise.resolve(answers[topic]) : answers[topic]
    }
    const broker = await VirtualBroker.start(intercepting(intercept, { 'topic-check': { plugins: [rules] } }))
    const told = watch(broker)
    const wills: string[] = []
    broker.broker.on('willPublished', ({ topic }) => wills.push(topic))
    const reader = broker.connect({ clientId: 'reader' })
    reader.subscribe('#', 1)
    for (const topicName of Object.keys(answers)) {
      broker.connect({ clientId: topicName, will: { topicName, qos: 1, payload: Buffer.from('gone') } }).drop()
      assert.equal(asked.at(-1), `${topicName} ${topicName}`)
    }
    await broker.settle()
    assert.deepEqual(topicsOf(reader).toSorted(), ['new=other', 'passed=gone'])
    assert.deepEqual(wills, ['new', 'passed'])
    assert.deepEqual(told.toSorted(), [
      'dropped  dropped: dropped by plugin',
      'refused $SYS/a at 1: 0x87 Not authorized',
      'refused forbidden at 1: 0x87 Not authorized',
      'refused refused at 1: 0x87 refused by plugin guard',
    ])
    await broker.close()
  })
}

test('messages of the host program and $SYS are nobody to intercept', async () => {
  const asked: string[] = []
  const broker = await VirtualBroker.start(
    intercepting(
      (_client, { topic }) => {
        asked.push(topic)
        return undefined
      },
      { 'sys-interval': 1 },
    ),
  )
  await broker.broker.publish('a', '1')
  broker.advance(5000)
  assert.deepEqual(asked, [])
  await broker.close()
})

// ---- the house around it ----

test('a reload takes the plugin away, and an answer that comes after it still counts', async () => {
  const { intercept, answer } = deferred()
  const broker = await VirtualBroker.start(intercepting(intercept))
  const client = broker.connect()
  client.subscribe('#')
  client.publish('a', '1', 1)
  await broker.broker.reload({ listeners: {} })
  assert.equal(serverOf(broker.broker).work.isSpent, false)
  answer({ decision: 'replace', payload: 'made' })
  await broker.settle()
  client.publish('a', '2', 1)
  assert.deepEqual(client.takePayloads(), ['made', '2'])
  await broker.close()
})

test('answers that come after the broker has closed change nothing', async () => {
  const { intercept, answer } = deferred()
  const broker = await VirtualBroker.start(intercepting(intercept, { persistence: { durability: 'disk' } }), {
    disk: new MemoryDisk(),
  })
  const published: unknown[] = []
  broker.broker.on('published', (event) => published.push(event))
  broker.connect().publish('a', '1', 1, { retain: true })
  await broker.close()
  answer()
  await broker.settle()
  assert.deepEqual(published, [])
})

test('a plugin may end the Client whose message it looks at, and publish in the middle of it', async () => {
  const broker = await VirtualBroker.start(
    intercepting((client, message) => {
      if (message.text() !== 'end') return undefined
      void broker.broker.publish('told', 'by plugin')
      void broker.broker.disconnect(client.clientId)
      return undefined
    }),
  )
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  for (const qos of [0, 1, 2] as const) {
    const client = broker.connect({ clientId: 'client' })
    client.publish('a', 'end', qos)
    assert.ok(client.isClosed)
    assert.deepEqual(topicsOf(reader), ['told=by plugin', 'a=end'])
  }
  assert.equal(broker.broker.metrics.internalErrors, 0)
  await broker.close()
})
