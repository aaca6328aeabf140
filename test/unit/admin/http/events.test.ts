/** Live events: what a reader is sent, and what one that does not read costs. */
import assert from 'node:assert/strict'
import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { createBroker } from '../../../../src/index.ts'
import { EventHub } from '../../../../src/admin/http/event-hub.ts'
import { eventQuery } from '../../../../src/admin/http/event-query.ts'
import { liveEvents } from '../../../../src/admin/http/live-events.ts'
import type { AdminRole } from '../../../../src/broker/host/api-key-views.ts'
import { Events } from '../../../../src/reporting/events.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import { TestSink } from '../test-sink.ts'
import { REMOTE, TestApi } from './support.ts'

/** A hub on a broker whose events a test emits itself. */
async function hubOf(): Promise<{ test: VirtualBroker; hub: EventHub; events: Events }> {
  const broker = await VirtualBroker.start()
  const events = new Events(silentLogger)
  return { test: broker, hub: new EventHub(broker.broker, { clock: broker.clock, log: silentLogger, events }), events }
}

const reader = { names: liveEvents, overviewSeconds: 0, maxBytes: 10_000, mayRead: () => true }
const created = (clientId: string) => [{ name: 'sessionCreated', data: { clientId } }]

test('a reader gets the events that it wants, written once they have happened', async () => {
  const { test: broker, hub, events } = await hubOf()
  const [all, some] = [new TestSink(), new TestSink()]
  hub.open(reader, all)
  const end = hub.open({ ...reader, names: ['sessionCreated'] }, some)
  assert.equal(all.text, 'retry: 3000\n\n')
  const secret = { certificate: 'secret' }
  const client = {
    clientId: 'meter\n\ndata: x',
    userName: 'ann',
    address: '',
    listener: 'l',
    protocolVersion: 5 as const,
  }
  events.emit('clientConnected', { client: { ...client, ...secret }, sessionPresent: false, cleanStart: true })
  events.emit('sessionCreated', { clientId: 'meter' })
  assert.equal(all.take().length, 0, 'not within the turn')
  broker.clock.runTurns()
  assert.deepEqual(all.take(), [
    { name: 'clientConnected', data: { client, sessionPresent: false, cleanStart: true } },
    ...created('meter'),
  ])
  assert.deepEqual(some.take(), created('meter'))
  end()
  events.emit('sessionCreated', { clientId: 'other' })
  broker.clock.runTurns()
  assert.deepEqual([all.take(), some.take()], [created('other'), []])
  hub.close()
  assert.equal(all.isClosed, true)
  await broker.close()
})

test('`max-event-buffer-bytes`: what is too much for a reader is lost for it alone, and it is told how much', async () => {
  const { test: broker, hub, events } = await hubOf()
  const [slow, quick] = [new TestSink(), new TestSink()]
  hub.open(reader, slow)
  hub.open(reader, quick)
  slow.waitingBytes = 9_990
  for (const clientId of ['a', 'b']) events.emit('sessionCreated', { clientId })
  broker.clock.runTurns()
  assert.deepEqual([slow.take(), quick.take().length], [[], 2])
  assert.equal(broker.broker.metrics.adminEventsLost, 2)
  slow.waitingBytes = 0
  events.emit('sessionCreated', { clientId: 'c' })
  broker.clock.runTurns()
  assert.deepEqual(slow.take(), [{ name: 'lost', data: { events: 2 } }, ...created('c')])
  hub.close()
  await broker.close()
})

test('a storm of events takes slices of turns, and what does not fit is lost and counted', async () => {
  const { test: broker, hub, events } = await hubOf()
  const sink = new TestSink()
  hub.open({ ...reader, maxBytes: 1e9 }, sink)
  for (let number = 0; number < 5000; number++) events.emit('sessionCreated', { clientId: `client-${number}` })
  broker.clock.runTurns()
  events.emit('sessionCreated', { clientId: 'after' })
  broker.clock.runTurns()
  const sent = sink.take()
  assert.deepEqual(sent.slice(1000), [{ name: 'lost', data: { events: 4000 } }, ...created('after')])
  assert.equal(broker.broker.metrics.adminEventsLost, 4000)
  hub.close()
  await broker.close()
})

test('a silent stream has a heartbeat; a reader that takes nothing for a minute is closed', async () => {
  const { test: broker, hub } = await hubOf()
  const [stuck, alive] = [new TestSink(), new TestSink()]
  hub.open(reader, stuck)
  hub.open(reader, alive)
  stuck.waitingBytes = 9_000
  alive.text = ''
  for (let second = 0; second < 59; second++) broker.advance(1000)
  assert.deepEqual([alive.text, stuck.isClosed], [':\n\n:\n\n:\n\n', false])
  broker.advance(1000)
  assert.deepEqual([stuck.isClosed, alive.isClosed, hub.size], [true, false, 1])
  hub.close()
  await broker.close()
})

test('whoever may no longer read is closed within a second', async () => {
  const { test: broker, hub } = await hubOf()
  const sink = new TestSink()
  let mayRead = true
  hub.open({ ...reader, mayRead: () => mayRead }, sink)
  for (let second = 0; second < 15; second++) broker.advance(1000)
  assert.equal(sink.isClosed, false)
  mayRead = false
  broker.advance(1000)
  assert.deepEqual([sink.isClosed, hub.size], [true, 0])
  await broker.close()
})

test('`overview` is sent every so many seconds', async () => {
  const { test: broker, hub } = await hubOf()
  const sink = new TestSink()
  hub.open({ ...reader, ...eventQuery('overview=2') }, sink)
  broker.connect({ clientId: 'meter' })
  for (let second = 0; second < 5; second++) broker.advance(1000)
  const sent = sink.take()
  assert.deepEqual(
    sent.map(({ name, data }) => [name, data['clients']]),
    [
      ['overview', 1],
      ['overview', 1],
    ],
  )
  hub.close()
  await broker.close()
})

test('a wrong query is refused; `max-event-readers` bounds the readers; nobody reads without a key', async () => {
  const api = await TestApi.start({ 'max-event-readers': 1, 'keys-file': join(scratchFolder(), 'keys.json') })
  for (const [query, parameter] of [
    ['names=published', 'names'],
    ['names=clientConected', 'names'],
    ['names=', 'names'],
    ['names=reloaded&names=reloaded', 'names'],
    ['overview=0', 'overview'],
    ['overview=61', 'overview'],
    ['overview=1e1', 'overview'],
    ['__proto__=1', '__proto__'],
  ]) {
    const problem = await api.problem('GET', `/events?${query}`)
    assert.deepEqual([problem.code, problem.parameter], ['ERR_USAGE', parameter], query)
  }
  assert.equal((await api.problem('POST', '/events')).code, 'ERR_METHOD')
  assert.equal((await api.problem('GET', '/events', { address: REMOTE })).code, 'ERR_UNAUTHORIZED')
  const { headers } = await api.key('viewer')
  const head = { method: 'GET', target: '/api/v1/events', headers: { host: 'localhost', ...headers }, address: REMOTE }
  const answer = await api.api.answer({ ...head, isEncrypted: false }, () => Promise.resolve(new Uint8Array()))
  assert.deepEqual([answer.status, answer.headers['Content-Type']], [200, 'text/event-stream'])
  const end = answer.follow!(new TestSink())
  const { code, option } = await api.problem('GET', '/events')
  assert.deepEqual([code, option], ['ERR_RATE', 'admin.max-event-readers'])
  assert.equal(api.test.broker.metrics.adminOverLimit, 1)
  end()
  assert.equal((await api.ask('GET', '/events')).status, 200)
  await api.close()
})

test('what operators do is an event for administrators only, also for one who was one when the stream began', async () => {
  const { test: broker, hub, events } = await hubOf()
  const [sink, viewer] = [new TestSink(), new TestSink()]
  let role: AdminRole = 'administrator'
  hub.open({ ...reader, mayRead: (needed) => needed === 'viewer' || needed === role }, sink)
  hub.open({ ...reader, mayRead: (needed) => needed === 'viewer' }, viewer)
  const action = { who: 'key x', from: '192.0.2.7', what: 'disconnect', parameters: {}, status: 200, code: undefined }
  events.emit('adminAction', action)
  broker.clock.runTurns()
  assert.deepEqual(
    sink.take().map(({ name, data }) => [name, data['what']]),
    [['adminAction', 'disconnect']],
  )
  role = 'operator'
  events.emit('adminAction', action)
  events.emit('sessionCreated', { clientId: 'a' })
  broker.clock.runTurns()
  assert.deepEqual([sink.take(), viewer.take()], [created('a'), created('a')])
  hub.close()
  await broker.close()

  const api = await TestApi.start({ 'keys-file': join(scratchFolder(), 'keys.json') })
  const { headers } = await api.key('operator')
  const refused = await api.problem('GET', '/events?names=adminAction', { headers, address: REMOTE })
  assert.equal(refused.code, 'ERR_FORBIDDEN')
  assert.equal((await api.ask('GET', '/events?names=adminAction')).status, 200)
  assert.equal((await api.ask('GET', '/events', { headers, address: REMOTE })).status, 200)
  await api.close()
})

test('nobody keeps others from reading: whoever reads most gives way to one who has two fewer, and to nobody else', async () => {
  const api = await TestApi.start({ 'max-event-readers': 3, 'keys-file': join(scratchFolder(), 'keys.json') })
  const [greedy, other] = [(await api.key('viewer')).headers, (await api.key('operator')).headers]
  const sinks: TestSink[] = []
  const read = async (key: { authorization: string }): Promise<number> => {
    const target = '/api/v1/events'
    const head = { method: 'GET', target, headers: { host: 'localhost', ...key }, address: REMOTE, isEncrypted: false }
    const answer = await api.api.answer(head, () => Promise.resolve(new Uint8Array()))
    const sink = new TestSink()
    if (answer.follow !== undefined && sinks.push(sink) > 0) answer.follow(sink)
    return answer.status
  }
  for (const status of [200, 200, 200, 429]) assert.equal(await read(greedy), status)
  assert.equal(await read(other), 200)
  assert.deepEqual(
    [sinks.map(({ isClosed }) => isClosed), sinks[0]!.text.length > 0],
    [[true, false, false, false], true],
  )
  assert.equal(await read(greedy), 429, 'it has more than the other')
  assert.equal(await read(other), 429, 'the other has only one more')
  assert.equal(api.test.broker.metrics.adminOverLimit, 4)
  await api.close()
})

test('over a socket: events arrive as they happen, until the broker closes', async (t) => {
  const socketPath = join(scratchFolder(), 'admin.sock')
  const broker = await createBroker({ listeners: {}, admin: { socket: socketPath } })
  t.after(() => broker.close())
  const asked = request({ socketPath, path: '/api/v1/events?names=reloaded', agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  response.on('error', () => {})
  const isThere = new Promise<void>((resolve) => {
    response.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('event: reloaded\ndata: {"listeners":[]}\n\n')) resolve()
    })
  })
  await broker.reload()
  await isThere
  const closed = new Promise<void>((resolve) => response.once('close', () => resolve()))
  await broker.close()
  await closed
})
