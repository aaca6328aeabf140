/** A trace of a broker, replayed: the same answers, or where they differ; and files that are no traces. */
import assert from 'node:assert/strict'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { replayTrace, replayTraceText, TraceFileError } from '../../../src/testing/index.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { fileOf, TracedBroker } from '../admin/trace/support.ts'

test('clients that subscribe, publish at each QoS, come back and are taken over: no difference', async () => {
  const traced = await TracedBroker.start()
  await traced.trace({ address: '192.0.2.0/24' })
  const keeps = { cleanStart: false, properties: { sessionExpiryInterval: 600 } }
  const reader = traced.test.connect({ clientId: 'reader', version: 4, keepAlive: 30, cleanStart: false })
  reader.subscribe('power/#', 2)
  const meter = traced.test.connect({ clientId: 'meter', ...keeps })
  meter.publish('power/l1', '230')
  meter.publish('power/l1', '231', 1, { retain: true })
  reader.acknowledge(PacketType.PUBACK, 1)
  const identifier = meter.publish('power/l2', '232', 2)
  meter.acknowledge(PacketType.PUBREL, identifier)
  reader.acknowledge(PacketType.PUBREC, 2)
  reader.acknowledge(PacketType.PUBCOMP, 2)
  reader.unsubscribe('power/#', 'nothing')
  traced.test.connect({ clientId: 'meter', ...keeps }).subscribe('power/l1', 1)
  traced.test.advance(60_000)
  assert.equal(reader.isClosed, true, 'its Keep Alive is over')
  const replay = await replayTraceText(await fileOf(traced))
  assert.deepEqual(replay.differences, [])
  assert.equal(replay.packets, 13)
  await traced.close()
})

test('messages of others, retained ones and clients that were connected before are put in place', async () => {
  const traced = await TracedBroker.start()
  const other = traced.test.connect({ clientId: 'other' })
  other.publish('state', 'on', 1, { retain: true })
  const meter = traced.test.connect({ clientId: 'meter' })
  meter.subscribe('orders', 1)
  await traced.trace({ clientId: 'meter' })
  meter.subscribe('state', 1)
  other.publish('orders', 'one', 1)
  other.publish('orders', 'two', 0)
  assert.deepEqual((await replayTraceText(await fileOf(traced))).differences, [])
  await traced.close()
})

test('a broker that behaves in another way: each difference has its line and both packets', async () => {
  const traced = await TracedBroker.start()
  await traced.trace({ clientId: 'meter' })
  const meter = traced.test.connect({ clientId: 'meter' })
  meter.subscribe('a/b', 1)
  meter.publish('a/b', 'x', 1)
  const text = await fileOf(traced)
  const { differences } = await replayTraceText(text, { config: { 'max-topic-levels': 1 } })
  const subackLine = text.split('\n').findIndex((line) => line.includes('"SUBACK"')) + 1
  assert.deepEqual(differences[0], {
    line: subackLine,
    clientId: 'meter',
    connection: 1,
    expected: 'SUBACK 1, Granted QoS 1 (0x01)',
    got: 'SUBACK 1, Quota exceeded (0x97)',
  })
  assert.ok(
    differences.some(({ expected, got }) => expected?.startsWith('PUBLISH "a/b"') === true && got === undefined),
  )
  await traced.close()
})

test('passwords are not in the trace, and can be given', async () => {
  const traced = await TracedBroker.start()
  await traced.trace({ clientId: 'meter' })
  traced.test.connect({ clientId: 'meter', userName: 'ann', password: 'right' })
  const text = await fileOf(traced)
  const seen: string[] = []
  const plugin = {
    name: 'by password',
    authenticate: ({ password }: { readonly password: Uint8Array | undefined }) => {
      seen.push(Buffer.from(password ?? []).toString())
      return { decision: 'allow' as const, userName: 'ann' }
    },
  }
  await replayTraceText(text, { config: { plugins: [plugin] }, passwords: { ann: 'right' } })
  await replayTraceText(text, { config: { plugins: [plugin] } })
  assert.deepEqual(seen, ['right', '\0\0\0\0\0'])
  await traced.close()
})

const header = '{"format":"sluice-trace","version":1,"startedAtMs":0}'
const connect = '{"type":"CONNECT","protocolVersion":4,"cleanStart":true,"keepAlive":0,"clientId":"a","properties":{}}'
const record = (rest: string): string => `{"seq":1,"atMs":0,"clientId":"a",${rest}}`

for (const [what, text, line, reason] of [
  ['is empty', '', 0, /is empty/],
  ['is something else', 'hello\nworld', 1, /is not JSON/],
  ['is a list', '[]', 1, /must be an object/],
  ['is JSON of something else', '{"a":1}', 1, /is not the header of a trace: format must be sluice-trace/],
  ['is of a later version', header.replace('"version":1', '"version":2'), 1, /version must be 1, is 2; .*newer/],
  ['has no start', '{"format":"sluice-trace","version":1}', 1, /startedAtMs/],
  ['is cut off', `${header}\n${record(`"event":"queued","details":{}`)}\n{"seq":2,"at`, 3, /is cut off/],
  ['is damaged within', `${header}\n{"seq\n${record('"event":"x","details":{}')}`, 2, /is not JSON/],
  [
    'goes back',
    `${header}\n${`${record('"event":"x","details":{}')}\n`.repeat(2)}`,
    3,
    /seq must be a whole number above 1/,
  ],
  ['goes on after its end', `${header}\n{"end":"stopped"}\n${record('"event":"x","details":{}')}`, 3, /after the end/],
  ['has no time', `${header}\n{"seq":1,"clientId":"a"}`, 2, /atMs/],
  ['has no client', `${header}\n{"seq":1,"atMs":0}`, 2, /clientId/],
  ['has an empty record', `${header}\n{"seq":1,"atMs":0,"clientId":"a"}`, 2, /a packet or an event/],
  [
    'has an unknown packet',
    `${header}\n${record('"connection":1,"direction":"sent","packet":{"type":"HELLO"}')}`,
    2,
    /must be a Control Packet/,
  ],
  ['has no direction', `${header}\n${record(`"connection":1,"packet":${connect}`)}`, 2, /direction must be/],
  ['has no connection', `${header}\n${record(`"direction":"sent","packet":${connect}`)}`, 2, /must have a connection/],
  [
    'has a packet that cannot be',
    `${header}\n${record('"connection":1,"direction":"received","packet":{"type":"CONNECT","protocolVersion":4}')}`,
    2,
    /cannot be replayed/,
  ],
  ['follows a topic', header.replace('}', ',"topicFilter":"#"}'), 1, /follows messages of a topic/],
] as const) {
  test(`a file that ${what} is refused with the line and the reason`, async () => {
    await assert.rejects(replayTraceText(text, {}, 'trace.jsonl'), (error: unknown) => {
      assert.ok(error instanceof TraceFileError)
      assert.deepEqual([error.code, error.line], ['ERR_TRACE_FILE', line])
      assert.match(error.message, reason)
      assert.match(error.message, /^trace\.jsonl/)
      return true
    })
  })
}

test('a file that is too large is refused before it is read, one that is not there by the system', async () => {
  const file = join(scratchFolder(), 'trace.jsonl')
  writeFileSync(file, header)
  truncateSync(file, 67_108_865)
  await assert.rejects(replayTrace(file), { code: 'ERR_TRACE_FILE', message: /has 67108865 bytes; at most 67108864/ })
  await assert.rejects(replayTrace(`${file}.no`), { code: 'ENOENT' })
})
