/** Traces: their limits, who may start and see them, and readers that are slow or vanish. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import type { PublishPacket } from '../../../../src/codec/packets.ts'
import { serverOf } from '../../../../src/broker/broker.ts'
import { tracesOf } from '../../../../src/admin/trace/trace-calls.ts'
import type { EventSink } from '../../../../src/admin/http/request.ts'
import type { BrokerEvents } from '../../../../src/access/broker-events.ts'
import { CONTROL_TOPIC } from '../../../../src/access/control-topics.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { TestSink } from '../test-sink.ts'
import { TracedBroker } from './support.ts'

const operator = { name: 'key 1 (one)', role: 'operator' } as const
const second = { name: 'key 2 (two)', role: 'operator' } as const
const administrator = { name: 'key 3 (three)', role: 'administrator' } as const
const limited = (options: Record<string, unknown>) => ({
  admin: { socket: join(scratchFolder(), 'admin.sock'), ...options },
})

function read(traced: TracedBroker, sink: EventSink, after = 0): () => void {
  const traces = tracesOf(traced.test.broker)
  const trace = traces.all.find(({ traceId }) => traceId === traced.view!.traceId)!
  return traces.read(trace, { after, maxBytes: 100_000, mayRead: () => true }, sink)
}

function endings(traced: TracedBroker): BrokerEvents['traceEnded'][] {
  const ended: BrokerEvents['traceEnded'][] = []
  traced.test.broker.on('traceEnded', (event) => ended.push(event))
  return ended
}

test('a trace ends by its seconds, and says so; it can be read for another minute', async () => {
  const traced = await TracedBroker.start()
  const ended = endings(traced)
  const { traceId } = await traced.trace({ clientId: 'client', seconds: 5 })
  traced.test.connect()
  traced.test.advance(6000)
  assert.deepEqual(ended, [{ traceId, cause: 'seconds', records: 4, recordsLost: 0 }])
  assert.equal((await traced.now())?.end, 'seconds')
  assert.equal((await traced.records()).length, 4)
  traced.test.advance(61_000)
  assert.equal(await traced.now(), undefined)
  assert.equal(await traced.call('traceRecords', { traceId }), undefined)
  await traced.close()
})

test('a trace ends by its records, and by its bytes', async () => {
  const traced = await TracedBroker.start(limited({ 'max-trace-bytes': 65_536 }))
  const ended = endings(traced)
  const client = traced.test.connect()
  await traced.trace({ clientId: 'client', records: 3 })
  for (let count = 0; count < 5; count++) client.publish('t', 'x')
  assert.deepEqual([ended.at(-1)?.cause, (await traced.records()).length], ['records', 3])
  await traced.trace({ clientId: 'client' })
  for (let count = 0; count < 20; count++) client.publish('t'.repeat(10_000), 'x')
  assert.equal(ended.at(-1)?.cause, 'bytes')
  await traced.close()
})

test('records beyond the rate are lost, counted, reported once, and leave a gap in the numbers', async () => {
  const traced = await TracedBroker.start(limited({ 'max-trace-rate': 10 }))
  const limits: object[] = []
  traced.test.broker.on('limitReached', (event) => limits.push(event))
  const client = traced.test.connect()
  const { traceId } = await traced.trace({ clientId: 'client' })
  for (let count = 0; count < 20; count++) client.publish('t', 'x')
  traced.test.advance(1000)
  client.publish('t', 'x')
  const { records, recordsLost } = (await traced.now())!
  assert.deepEqual([records, recordsLost], [43, 31])
  assert.deepEqual(
    (await traced.records()).map(({ seq }) => seq),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 42, 43],
  )
  assert.deepEqual(limits, [{ option: 'admin.max-trace-rate', owner: `trace ${traceId}` }])
  assert.equal(serverOf(traced.test.broker).metrics.traceRecordsLost, 31)
  await traced.close()
})

test('only so many traces at a time, and so many of one caller', async () => {
  const traced = await TracedBroker.start(limited({ 'max-traces': 3 }))
  const start = (caller: typeof operator | typeof second) => traced.trace({ clientId: 'a' }, caller)
  await start(operator)
  const { traceId } = await start(operator)
  await assert.rejects(start(operator), { code: 'ERR_BUSY', message: /max-traces-per-caller/ })
  await start(second)
  await assert.rejects(start(second), {
    code: 'ERR_BUSY',
    message: /3 traces go on already, the limit of admin\.max-traces/,
  })
  assert.equal(serverOf(traced.test.broker).metrics.tracesRefused, 2)
  assert.equal(await traced.call('stopTrace', { traceId }, operator), true)
  await start(second)
  await traced.close()
})

test('an operator sees, reads and stops its own traces; an administrator all', async () => {
  const traced = await TracedBroker.start()
  const { traceId } = await traced.trace({ clientId: 'a' }, operator)
  const seenBy = async (caller: typeof operator | typeof second | typeof administrator): Promise<number> =>
    (await traced.call<readonly object[]>('traces', {}, caller)).length
  assert.deepEqual([await seenBy(operator), await seenBy(second), await seenBy(administrator)], [1, 0, 1])
  assert.equal(await traced.call('traceRecords', { traceId }, second), undefined)
  assert.equal(await traced.call('stopTrace', { traceId }, second), false)
  assert.equal(await traced.call('stopTrace', { traceId }, administrator), true)
  assert.equal(await traced.call('stopTrace', { traceId }, administrator), false, 'it has ended')
  await traced.close()
})

test('payloads take admin.show-payloads and the role that it names', async () => {
  const off = await TracedBroker.start()
  await assert.rejects(off.trace({ clientId: 'a', payloadBytes: 1 }, administrator), {
    code: 'ERR_FORBIDDEN',
    message: /admin\.show-payloads is off/,
  })
  await off.trace({ clientId: 'a', payloadBytes: 1 }) // the host program
  await off.close()
  const some = await TracedBroker.start(limited({ 'show-payloads': 'administrator' }))
  await assert.rejects(some.trace({ clientId: 'a', payloadBytes: 1 }, operator), { code: 'ERR_FORBIDDEN' })
  await some.trace({ clientId: 'client', payloadBytes: 3 }, administrator)
  some.test.connect().publish('t', 'hello')
  const packet = (await some.records()).find((record) => record.packet?.type === 'PUBLISH')?.packet
  assert.deepEqual(packet?.['payload'], { bytes: 5, base64: Buffer.from('hel').toString('base64') })
  await some.close()
})

test('a trace with payloads ends once a reload no longer lets its caller see them', async () => {
  const configuration = limited({ 'show-payloads': 'operator' })
  const traced = await TracedBroker.start(configuration)
  await traced.trace({ clientId: 'a' }, operator)
  await traced.trace({ clientId: 'a', payloadBytes: 1 }, operator)
  await traced.trace({ clientId: 'a', payloadBytes: 1 }) // the host program
  traced.test.advance(1000)
  assert.equal(tracesOf(traced.test.broker).running.length, 3)
  const { admin } = configuration
  await traced.test.broker.reload({ admin: { ...admin, 'show-payloads': 'administrator' } })
  traced.test.advance(1000)
  assert.deepEqual(
    tracesOf(traced.test.broker).running.map(({ caller, limits }) => [caller.name, limits.payloadBytes]),
    [
      [operator.name, 0],
      ['host program', 1],
    ],
  )
  await traced.close()
})

test('commands of administrators, which have passwords in them, are never shown', async () => {
  const traced = await TracedBroker.start(limited({ 'show-payloads': 'operator' }))
  await traced.trace({ clientId: 'client', payloadBytes: 1000 }, operator)
  const client = traced.test.connect({ version: 5 })
  const command = JSON.stringify({ commands: [{ command: 'setClientPassword', username: 'ann', password: 'secret' }] })
  const publish = (topic: string, payload: string, topicAlias?: number): void =>
    void client.publish(topic, payload, 0, { properties: { userProperties: [['a', payload]], topicAlias } })
  publish(CONTROL_TOPIC, command)
  publish(CONTROL_TOPIC, command, 1)
  publish('', command, 1)
  publish('t', 'open', 1)
  publish('', 'open', 1)
  const packets = (await traced.records()).flatMap(({ packet }) => (packet?.type === 'PUBLISH' ? [packet] : []))
  assert.doesNotMatch(JSON.stringify(packets), /secret/)
  const open = Buffer.from('open').toString('base64')
  const shown = packets.map(({ payload }) => (payload as { base64?: string }).base64)
  assert.deepEqual(shown, [undefined, undefined, undefined, open, open])
  await traced.close()
})

function limitsReached(traced: TracedBroker): BrokerEvents['limitReached'][] {
  const reached: BrokerEvents['limitReached'][] = []
  traced.test.broker.on('limitReached', (event) => reached.push(event))
  return reached
}

test('nothing is made of a packet for which there is no room at max-trace-rate', async (t) => {
  const traced = await TracedBroker.start(limited({ 'max-trace-rate': 5 }))
  t.after(() => traced.close())
  traced.test.connect()
  await traced.trace({ clientId: 'client' })
  const { packets, sessions } = serverOf(traced.test.broker)
  const { connection } = sessions.get('client')!
  let reads = 0
  const packet = {
    type: PacketType.PUBLISH,
    topicName: 't',
    get payload() {
      reads++
      return new Uint8Array()
    },
  }
  for (let count = 0; count < 100; count++) packets.tap!.sent(connection!, packet as unknown as PublishPacket)
  assert.ok(reads > 0 && reads <= 5, `${reads} reads`)
  assert.ok(traced.test.broker.metrics.traceRecordsLost >= 95)
})

test('at most so many connections are followed; the others are counted', async () => {
  const traced = await TracedBroker.start(limited({ 'max-trace-clients': 2 }))
  const reached = limitsReached(traced)
  await traced.trace({ userName: 'ann' })
  for (const clientId of ['a', 'b', 'c']) traced.test.connect({ clientId, userName: 'ann' })
  const { connections, connectionsLeftOut } = (await traced.now())!
  assert.deepEqual([connections, connectionsLeftOut > 0], [2, true])
  assert.deepEqual([...new Set((await traced.records()).map(({ clientId }) => clientId))], ['a', 'b'])
  assert.ok(traced.test.broker.metrics.traceClientsLeftOut > 0)
  assert.deepEqual(reached, [{ option: 'admin.max-trace-clients', owner: `trace ${traced.view!.traceId}` }])
  await traced.close()
})

test('a trace that nobody reads ends after two minutes, one whose reader has left after ten seconds', async () => {
  const traced = await TracedBroker.start()
  const ended = endings(traced)
  await traced.trace({ clientId: 'a', seconds: 3600 })
  traced.test.advance(119_000)
  assert.equal(ended.length, 0)
  await traced.records()
  traced.test.advance(119_000)
  assert.equal(ended.length, 0, 'it was read')
  const leave = read(traced, new TestSink())
  traced.test.advance(600_000)
  assert.equal(ended.length, 0, 'it is read')
  leave()
  traced.test.advance(11_000)
  assert.equal(ended[0]?.cause, 'abandoned')
  await traced.close()
})

test('a reader gets the header, each record, and the end; one that comes back goes on where it was', async () => {
  const traced = await TracedBroker.start()
  const client = traced.test.connect()
  await traced.trace({ clientId: 'client' })
  const sink = new TestSink()
  const leave = read(traced, sink)
  client.publish('t', 'x')
  traced.test.clock.runTurns()
  leave()
  client.publish('u', 'x')
  const again = new TestSink()
  read(traced, again, 3)
  await traced.call('stopTrace', { traceId: traced.view!.traceId })
  traced.test.clock.runTurns()
  assert.deepEqual(sink.names, ['trace', 'record', 'record', 'record'])
  assert.deepEqual(again.names, ['trace', 'record', 'record', 'end'])
  assert.match(again.text, /^id: 4$/m)
  assert.match(again.text, /data: \{"end":"stopped","records":5,"recordsLost":0\}/)
  assert.equal(again.isClosed, true)
  await traced.close()
})

test('a reader that takes nothing costs its buffer, sees the gap afterwards, and is closed after a minute', async () => {
  const traced = await TracedBroker.start(limited({ 'max-trace-buffer-bytes': 65_536, 'max-trace-rate': 100_000 }))
  const reached = limitsReached(traced)
  const client = traced.test.connect()
  await traced.trace({ clientId: 'client' })
  const sink = new TestSink()
  read(traced, sink)
  traced.test.clock.runTurns()
  sink.waitingBytes = 100_000
  const before = sink.text.length
  for (let count = 0; count < 2000; count++) client.publish('t', 'x')
  traced.test.clock.runTurns()
  assert.equal(sink.text.length, before)
  const trace = tracesOf(traced.test.broker).running[0]!
  assert.ok(trace.buffer.bytes <= 65_536)
  sink.waitingBytes = 0
  traced.test.advance(2000)
  assert.equal(sink.names[2], 'lost')
  const [, lost] = /event: lost\ndata: \{"records":(\d+)\}/.exec(sink.text)!
  assert.equal(traced.test.broker.metrics.traceRecordsOverwritten, Number(lost))
  assert.deepEqual(reached, [{ option: 'admin.max-trace-buffer-bytes', owner: `trace ${traced.view!.traceId}` }])
  sink.waitingBytes = 100_000
  traced.test.advance(61_000)
  assert.equal(sink.isClosed, true)
  await traced.close()
})

test('the end of the broker ends its traces, and their readers are told', async () => {
  const traced = await TracedBroker.start()
  await traced.trace({ clientId: 'client' })
  const sink = new TestSink()
  read(traced, sink)
  traced.test.clock.runTurns()
  await traced.close()
  assert.match(sink.text, /data: \{"end":"broker closed"/)
  assert.equal(sink.isClosed, true)
})

test('a record that is too long is shown by its size', async () => {
  const traced = await TracedBroker.start({ 'max-packet-size': 1_000_000 })
  const client = traced.test.connect()
  await traced.trace({ clientId: 'client' })
  client.subscribe(Array.from({ length: 6 }, (_, index) => `${index}${'x'.repeat(60_000)}`))
  const lines = await traced.lines()
  assert.ok(lines.some((line) => /SUBSCRIBE \(\d+ bytes, too long to show\)/.test(line)))
  await traced.close()
})
