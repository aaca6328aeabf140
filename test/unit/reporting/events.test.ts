import assert from 'node:assert/strict'
import { type EventEmitter, on, once } from 'node:events'
import { mock, test } from 'node:test'
import type { PluginEvents } from '../../../src/access/plugin.ts'
import { InvariantError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { Events } from '../../../src/reporting/events.ts'
import { ApplicationMessage } from '../../../src/protocol/application-message.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

/** What Node calls an EventEmitter is all that `events.once` and `events.on` use of it. */
function emitterOf(events: unknown): EventEmitter {
  return events as EventEmitter
}

test('a listener added by `once` is called once, and can be removed before', () => {
  const events = new Events(silentLogger)
  const calls: number[] = []
  const removed = (): void => void calls.push(0)
  events.once('published', removed)
  events.once('closing', removed)
  events.once('closing', ({ connections }) => void calls.push(connections))
  events.off('published', removed)
  events.off('closing', removed)
  assert.equal(events.hasListener.published, false)
  events.emit('closing', { connections: 1 })
  events.emit('closing', { connections: 2 })
  assert.deepEqual(calls, [1])
})

test('a function that was added twice is called twice; `off` takes away the latest', () => {
  const events = new Events(silentLogger)
  let calls = 0
  const listener = (): void => void calls++
  events.on('closing', listener)
  events.once('closing', listener)
  events.emit('closing', { connections: 0 })
  assert.equal(calls, 2)
  events.emit('closing', { connections: 0 })
  assert.equal(calls, 3)
  events.removeListener('closing', listener)
  events.removeListener('closing', listener)
  events.emit('closing', { connections: 0 })
  assert.equal(calls, 3)
})

test('listeners that come and go while an event is emitted change the next one only', () => {
  const events = new Events(silentLogger)
  const calls: string[] = []
  const late = (): void => void calls.push('late')
  events.once('closing', () => {
    calls.push('first')
    events.on('closing', late)
    events.off('closing', second)
    events.emit('closing', { connections: 0 })
  })
  const second = (): void => void calls.push('second')
  events.on('closing', second)
  events.emit('closing', { connections: 0 })
  assert.deepEqual(calls, ['first', 'late', 'second'])
})

test('`error` always carries an Error, and throws nothing where nobody listens', () => {
  const events = new Events(silentLogger)
  events.failed('a', new RangeError('x'))
  const errors: Error[] = []
  const causes: unknown[] = []
  events.addListener('error', (error) => errors.push(error))
  events.on('internalError', ({ error }) => causes.push(error))
  events.failed('a', 'a text')
  const thrown = new RangeError('y')
  events.failed('a', thrown)
  assert.ok(errors[0] instanceof InvariantError)
  assert.equal(errors[0].message, '"a text" was thrown')
  assert.deepEqual([errors[1], causes], [thrown, ['a text', thrown]])
})

test('a mistake of the broker is an `error` to the host program, and rejects `events.once`', async () => {
  const broker = await VirtualBroker.start()
  const subscriber = broker.connect({ clientId: 'subscriber' })
  subscriber.subscribe('a')
  mock.method(ApplicationMessage.prototype, 'frame', () => {
    throw new RangeError('offset is out of bounds')
  })
  const waiting = assert.rejects(once(emitterOf(broker.broker), 'closed'), /offset is out of bounds/)
  broker.connect({ clientId: 'publisher' }).publish('a', 'x')
  mock.restoreAll()
  await waiting
  await broker.close()
})

for (const side of ['the host program', 'a plugin']) {
  test(`Node’s events.once and events.on serve ${side}, and leave no listener behind`, async () => {
    let context: PluginEvents | undefined
    const plugin = ({ events }: { events?: PluginEvents | undefined }): { name: string } => {
      context = events
      return { name: 'listens' }
    }
    const broker = await VirtualBroker.start({ auth: { allowAnonymous: true, plugins: ['auth.anonymous', plugin] } })
    const events = side === 'a plugin' ? context! : broker.broker
    const removed = mock.method(events, 'removeListener')
    const connected = once(emitterOf(events), 'clientConnected')
    broker.connect({ clientId: 'a' })
    const [first] = (await connected) as [{ client: { clientId: string } }]
    assert.equal(first.client.clientId, 'a')

    const subscribed: string[] = []
    const loop = on(emitterOf(events), 'subscribed')
    for (const topicFilter of ['a', 'b']) broker.connect({ clientId: 'c' }).subscribe(topicFilter)
    for await (const [event] of loop) {
      subscribed.push((event as { topicFilter: string }).topicFilter)
      if (subscribed.length === 2) break
    }
    assert.deepEqual(subscribed, ['a', 'b'])
    const names = removed.mock.calls.map((call) => call.arguments[0])
    assert.deepEqual(names.toSorted(), ['error', 'error', 'subscribed'])
    await broker.close()
  })
}
