/** The client of the page's console, against the broker itself: every packet that one writes, the other reads. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { MessageList } from '../../../../page/src/console/message-list.ts'
import { MqttClient } from '../../../../page/src/console/mqtt-client.ts'
import type { PublishPacket } from '../../../../page/src/console/packets.ts'
import { bytesOf, excerpt, shown, usualView } from '../../../../page/src/console/payload.ts'
import { noProperties, type Properties } from '../../../../src/codec/properties.ts'
import type { Incoming, Transport } from '../../../../src/protocol/transport.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import { settled } from '../support.ts'
import { askForConsole, pageOf, startConsoles } from './support.ts'

const REQUEST = { qos: 2, noLocal: false, retainAsPublished: true, retainHandling: 0 } as const
const MESSAGE = {
  topicName: 'a/b',
  payload: Buffer.from('hello'),
  qos: 0,
  retain: false,
  properties: noProperties,
} as const

interface Page {
  readonly client: MqttClient
  readonly messages: PublishPacket[]
  readonly ended: number[]
  readonly announced: () => Properties
  /** Lets the broker answer. */
  readonly answerOf: <Value>(call: Promise<Value>) => Promise<Value>
  readonly publish: (topic: string, payload: string) => Promise<unknown>
}

/** @param pieceBytes how what the broker writes is cut up on its way */
async function open(t: TestContext, pieceBytes = Infinity, config: ConfigInput = {}): Promise<Page> {
  const api = await startConsoles(t, {}, config)
  const { upgrade } = await askForConsole(api, await pageOf(api, 'operator'))
  const [messages, ended]: [PublishPacket[], number[]] = [[], []]
  let incoming: Incoming | undefined
  const client = new MqttClient({
    write: (bytes) => incoming?.receive(bytes.slice()),
    answered: (code) => assert.equal(code, 0),
    received: (message) => void messages.push(message),
    disconnected: (code) => void ended.push(code),
  })
  const transport: Transport = {
    write: (bytes) => {
      for (let at = 0; at < bytes.length; at += pieceBytes)
        client.receive(new Uint8Array(bytes.subarray(at, at + pieceBytes)))
      return true
    },
    unsentBytes: 0,
    pauseReading: () => undefined,
    resumeReading: () => undefined,
    end: () => incoming?.lost(),
    destroy: () => incoming?.lost(),
  }
  incoming = upgrade!.accept(transport)
  client.connect()
  api.test.clock.runTurns()
  const answerOf = <Value>(call: Promise<Value>): Promise<Value> => settled(api.test, call)
  const publish = (topic: string, payload: string): Promise<unknown> =>
    answerOf(api.test.broker.publish(topic, payload, { qos: 2 }))
  return { client, messages, ended, announced: () => client.announced, answerOf, publish }
}

for (const pieceBytes of [Infinity, 1, 7]) {
  test(`messages of every QoS come once, whatever pieces they come in (${pieceBytes} bytes)`, async (t) => {
    const { client, messages, announced, answerOf } = await open(t, pieceBytes)
    assert.match(announced().assignedClientIdentifier!, /^console-/)
    const granted = await answerOf(client.subscribe({ ...REQUEST, topicFilter: 'a/#' }, 7))
    assert.equal(granted.reasonCode, 2)
    for (const qos of [0, 1, 2] as const) {
      const { reasonCode } = await answerOf(client.publish({ ...MESSAGE, qos, payload: Buffer.alloc(300, qos) }))
      assert.equal(reasonCode, 0)
    }
    await answerOf(Promise.resolve())
    assert.deepEqual(
      messages.map(({ qos, payload }) => [qos, payload.length, payload[0]]),
      [
        [0, 300, 0],
        [1, 300, 1],
        [2, 300, 2],
      ],
    )
    assert.deepEqual(
      messages.map(({ properties }) => properties.subscriptionIdentifiers),
      [[7], [7], [7]],
    )
    assert.equal((await answerOf(client.unsubscribe('a/#'))).reasonCode, 0)
    assert.equal((await answerOf(client.unsubscribe('a/#'))).reasonCode, 0x11)
  })
}

test('every property of a message goes there and back', async (t) => {
  const { client, messages, answerOf } = await open(t)
  await answerOf(client.subscribe({ ...REQUEST, topicFilter: 'a/b' }, undefined))
  const properties: Properties = {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 4_000_000_000,
    contentType: 'text/plain',
    responseTopic: 'antwort/ä',
    correlationData: new Uint8Array([0, 255]),
    userProperties: [
      ['name', 'one'],
      ['name', 'two'],
    ],
  }
  await answerOf(client.publish({ ...MESSAGE, qos: 1, retain: true, properties }))
  assert.deepEqual({ ...messages[0]!.properties }, properties)
  assert.deepEqual([messages[0]!.topicName, messages[0]!.retain], ['a/b', true])
})

test('what is refused has its Reason Code, and what is too large is not sent', async (t) => {
  const { client, answerOf } = await open(t, Infinity, { 'max-packet-size': 2000 })
  assert.equal((await answerOf(client.publish({ ...MESSAGE, topicName: '$SYS/a', qos: 2 }))).reasonCode, 0x87)
  await assert.rejects(
    client.publish({ ...MESSAGE, qos: 1, payload: Buffer.alloc(3000) }),
    /3\d{3} bytes.* at most 2000/,
  )
  const topicName = 'x'.repeat(70_000)
  await assert.rejects(client.publish({ ...MESSAGE, topicName }), /at most 65535/)
})

test('what was not answered fails when the connection is lost', async (t) => {
  const { client } = await open(t)
  const published = client.publish({ ...MESSAGE, qos: 1 })
  client.lost()
  await assert.rejects(published, /ended before/)
  await assert.rejects(client.publish(MESSAGE), /not connected/)
})

test('the list keeps the newest messages, by number and by size', () => {
  const list = new MessageList(10, 20_000)
  const message = { ...MESSAGE, dup: false, packetIdentifier: 0 }
  for (let at = 0; at < 1000; at++) list.add({ ...message, topicName: `t/${at}` }, at)
  assert.deepEqual([list.received, list.newest.length, list.newest[0]?.topicName], [1000, 10, 't/999'])
  for (let at = 0; at < 5; at++) list.add({ ...message, payload: Buffer.alloc(9000) }, at)
  assert.equal(list.newest.filter(({ payload }) => payload.length === 9000).length, 2)
  list.add({ ...message, payload: Buffer.alloc(50_000) }, 0)
  assert.equal(list.newest.length, 0, 'one alone can be too large')
  list.clear()
  assert.deepEqual([list.received, list.newest], [0, []])
})

test('payloads are read as they were written', () => {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
  assert.equal(text(bytesOf('ä', 'text')), 'Ã¤')
  assert.equal(text(bytesOf('0x41 42\n43', 'hex')), 'ABC')
  assert.equal(text(bytesOf('QUJD', 'base64')), 'ABC')
  assert.equal(text(bytesOf('{"a": 1}', 'json')), '{"a": 1}')
  for (const [written, format] of [
    ['abc', 'hex'],
    ['xy', 'hex'],
    ['???', 'base64'],
    ['{', 'json'],
  ] as const) {
    assert.throws(() => bytesOf(written, format))
  }
})

test('payloads are shown as what they are', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
  assert.deepEqual(
    ['{"a":1}', 'plain', '21.5', '\xff\xfe', 'a\0b', '{not json'].map((text) => usualView(bytes(text))),
    ['json', 'text', 'text', 'hex', 'hex', 'text'],
  )
  assert.equal(shown(bytes('{"a":1}'), 'json'), '{\n  "a": 1\n}')
  assert.equal(shown(bytes('plain'), 'json'), undefined)
  assert.match(shown(bytes('hello'), 'hex')!, /^00000000 {2}68 65 6c 6c 6f +hello$/)
  assert.equal(excerpt(bytes('a\n  b')), 'a b')
  assert.equal(excerpt(bytes('\xff\x00')), 'ff 00')
})
