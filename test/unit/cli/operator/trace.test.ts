/** `sluice trace`: a table on a terminal, lines of JSON on a pipe, a file that can be replayed. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectAsync } from 'mqtt'
import { trace } from '../../../../src/cli/operator/trace.ts'
import { streamEvents, type StreamEvent } from '../../../../src/cli/operator/event-stream.ts'
import type { Broker } from '../../../../src/create-broker.ts'
import { replayTrace } from '../../../../src/testing/index.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { until } from '../../../support/until.ts'
import { operated } from './support.ts'

async function isTraced(broker: Broker): Promise<void> {
  await until('traces are read', async () => (await broker.admin.traces()).some(({ readers }) => readers > 0))
}

async function publishAndLeave(broker: Broker): Promise<void> {
  const client = await connectAsync(broker.listeners[0]!.url, {
    clientId: 'meter',
    protocolVersion: 5,
    reconnectPeriod: 0,
  })
  await client.publishAsync('power', '230', { qos: 1 })
  await client.endAsync()
}

test('on a pipe: the header, a line for each record, and the end; the file has the same and can be replayed', async () => {
  await using world = await operated()
  const file = join(scratchFolder(), 'trace.jsonl')
  const [piped, filed] = [
    world.run('trace', 'meter', '--records', '9'),
    world.run('trace', 'meter', '--records', '9', '--file', file),
  ]
  await until(
    'traces are read',
    async () => (await world.broker.admin.traces()).filter(({ readers }) => readers > 0).length === 2,
  )
  await publishAndLeave(world.broker)
  const { code, values } = await piped
  assert.equal(code, 0)
  assert.equal(values[0]!['format'], 'sluice-trace')
  assert.deepEqual(
    values.slice(1, 10).map(({ seq }) => seq),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  )
  assert.deepEqual(values.at(-1), { end: 'records', records: 9, recordsLost: 0 })
  assert.deepEqual([(await filed).code, (await filed).out], [0, ''])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, 11)
  assert.deepEqual(await replayTrace(file), { packets: 3, differences: [] })
})

test('on a terminal: a line for each record, with time, connection and client', async () => {
  await using world = await operated()
  const running = world.show('trace', '--user-name', 'nobody', '--address', '127.0.0.1', '--seconds', '600')
  await isTraced(world.broker)
  const client = await connectAsync(world.broker.listeners[0]!.url, {
    clientId: 'meter',
    username: 'nobody',
    reconnectPeriod: 0,
  })
  const [{ traceId } = { traceId: '' }] = await world.broker.admin.traces()
  const stopped = await world.show('stop-trace', traceId)
  await client.endAsync()
  assert.equal(stopped.out, `the trace "${traceId}" has ended`)
  const { code, out } = await running
  const lines = out.split('\n')
  assert.equal(code, 0)
  assert.equal(lines[0], 'following for 600 s; Ctrl-C ends it')
  assert.match(lines[1]!, /^TIME +CON +CLIENT +WHAT$/)
  assert.match(lines[2]!, /^\d\d:\d\d:\d\d\.\d{3} {4}1 {2}meter +-> CONNECT 3\.1\.1, client "meter", Clean Session 1/)
  assert.match(lines.at(-1)!, /^the trace has ended: it was stopped; \d records$/)
})

test('without a condition, with a file that exists, or for payloads that are off, it says what to do', async () => {
  await using world = await operated()
  assert.match((await world.run('trace')).err, /needs CLIENT, --user-name, --address or --topic-filter/)
  const file = join(scratchFolder(), 'there.jsonl')
  writeFileSync(file, '')
  assert.match((await world.run('trace', 'a', '--file', file)).err, /there\.jsonl exists already; choose another name/)
  const { code, err } = await world.run('trace', '--topic-filter', 'a/#/b')
  assert.equal(code, 2)
  assert.match(err, /is no topic filter/)
  assert.equal((await world.show('traces')).out, 'there is no trace')
})

test('a trace that is refused leaves no file behind', async () => {
  await using world = await operated()
  const file = join(scratchFolder(), 'trace.jsonl')
  const refused = await world.run('trace', 'a', '--payload-bytes', '10', '--file', file)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /payloads are not shown, because admin\.show-payloads is off/)
  assert.equal(existsSync(file), false)
})

test('Ctrl-C stops the trace, and what it holds is still printed', async () => {
  await using world = await operated()
  const out: string[] = []
  const terminal = {
    ...{ out: (line: string) => void out.push(line), err: (line: string) => void out.push(line), raw: () => undefined },
    ...{ bold: String, columns: () => 120, isInteractive: true, hasColours: false },
  }
  let interrupt = (): void => undefined
  const running = trace({ options: { socket: world.socket }, positionals: ['meter'], terminal }, (end) => {
    interrupt = end
    return () => undefined
  })
  await isTraced(world.broker)
  await publishAndLeave(world.broker)
  interrupt()
  assert.equal(await running, 0)
  assert.match(out.at(-1)!, /^the trace has ended: it was stopped; \d+ records$/)
  assert.ok(out.some((line) => line.includes('-> PUBLISH "power", QoS 1')))
})

test('a broker that closes ends the trace and the command', async () => {
  const world = await operated()
  const running = world.run('trace', 'meter')
  await isTraced(world.broker)
  await world.broker.close()
  const { code, values } = await running
  assert.deepEqual([code, values.at(-1)?.['end']], [0, 'broker closed'])
})

test('events are found however the stream is cut', async () => {
  const text = 'retry: 3000\n\n:\n\nevent: trace\ndata: {}\n\nevent: record\nid: 7\ndata: {"a":"b"}\n\n'
  for (let size = 1; size < text.length; size++) {
    const pieces = async function* (): AsyncGenerator<string> {
      for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size)
    }
    const found: StreamEvent[] = []
    for await (const event of streamEvents(pieces())) found.push(event)
    assert.deepEqual(found, [
      { name: 'trace', data: '{}' },
      { name: 'record', data: '{"a":"b"}' },
    ])
  }
})
