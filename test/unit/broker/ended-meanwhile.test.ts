/** Plugins that are asked, and listeners that are told, may end the Sessions at hand: nothing of them stays behind. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { sessionsOf } from '../../support/sessions.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const

/** Ends two Sessions once, when a test says from when on. */
class Ender {
  isDue = false
  broker: VirtualBroker | undefined = undefined

  end(): void {
    if (!this.isDue) return
    this.isDue = false
    for (const clientId of ['reader', 'sensor']) void this.broker!.broker.endSession(clientId)
  }
}

/** The plugin, as one question of which ends Sessions. */
function asked(ender: Ender, question: string): Plugin {
  const answers = {
    mayPublish: true,
    maySubscribe: true,
    mayReceive: true,
    intercept: undefined,
    transformDelivery: undefined,
  } as const
  const ask = ([name, answer]: [string, boolean | undefined]) => {
    return [name, () => (name === question && ender.end(), answer)]
  }
  return { name: 'ender', stable: question === 'mayPublish', ...Object.fromEntries(Object.entries(answers).map(ask)) }
}

function expectNothing({ broker }: VirtualBroker, memory: number, title: string): void {
  assert.deepEqual(sessionsOf(broker), [], title)
  assert.equal(broker.memory.bytes, memory, title)
  for (const name of ['subscriptions', 'queuedMessages', 'queuedBytes', 'inflightOut'] as const) {
    assert.equal(broker.figure(name)!.value, 0, `${title}: ${name}`)
  }
  assert.equal(broker.metrics.internalErrors, 0, title)
}

for (const place of [
  'mayPublish',
  'mayReceive',
  'intercept',
  'transformDelivery',
  'published',
  'delivered',
  'retained',
] as const) {
  test(`${place} ends publisher and receiver in the middle of a message`, async () => {
    for (const qos of [0, 1, 2] as const) {
      const ender = new Ender()
      const broker = await VirtualBroker.start({ plugins: [asked(ender, place)], 'max-closed-connections': 0 })
      ender.broker = broker
      if (place === 'published' || place === 'delivered' || place === 'retained') {
        broker.broker.on(place, () => ender.end())
      }
      const memory = broker.broker.memory.bytes
      const reader = broker.connect({ clientId: 'reader', ...KEPT })
      reader.subscribe(['a', '#'], 2)
      const sensor = broker.connect({ clientId: 'sensor', ...KEPT })
      sensor.subscribe('a', 2)
      ender.isDue = true
      sensor.publish('a', '1', qos, { retain: place === 'retained' })
      assert.ok(reader.isClosed && sensor.isClosed)
      await broker.broker.publish('a', '', { retain: true })
      await broker.settle()
      expectNothing(broker, memory, `QoS ${qos}`)
      await broker.close()
    }
  })
}

for (const place of ['maySubscribe', 'subscribed'] as const) {
  for (const call of ['SUBSCRIBE', 'subscribeFor'] as const) {
    test(`${place} ends the Session in the middle of a ${call}`, async () => {
      const ender = new Ender()
      const broker = await VirtualBroker.start({ plugins: [asked(ender, place)], 'max-closed-connections': 0 })
      ender.broker = broker
      if (place === 'subscribed') broker.broker.on(place, () => ender.end())
      await broker.broker.publish('b', 'retained', { retain: true, qos: 1 })
      broker.clock.runTurns()
      const memory = broker.broker.memory.bytes
      const reader = broker.connect({ clientId: 'reader', ...KEPT })
      reader.subscribe('a', 1)
      ender.isDue = true
      const subscriptions = ['a', 'b', 'c'].map((topicFilter) => ({ topicFilter, qos: 1 }) as const)
      if (call === 'subscribeFor') {
        const result = broker.broker.subscribeFor('reader', subscriptions)
        await broker.settle()
        assert.equal(await result, undefined)
      } else {
        const rest = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
        const requests = subscriptions.map((each) => ({ ...each, ...rest }))
        reader.send({ type: PacketType.SUBSCRIBE, packetIdentifier: 9, subscriptions: requests, properties: {} })
      }
      await broker.settle()
      assert.ok(reader.isClosed)
      expectNothing(broker, memory, call)
      await broker.close()
    })
  }
}

test('mayReceive ends the member that it is asked about: the message goes to another', async () => {
  const ender = new Ender()
  const broker = await VirtualBroker.start({ plugins: [asked(ender, 'mayReceive')] })
  ender.broker = broker
  const [, , other] = ['reader', 'sensor', 'other'].map((clientId) => {
    const member = broker.connect({ clientId, ...KEPT })
    member.subscribe('$share/group/a', 1)
    return member
  })
  ender.isDue = true
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.publish('a', '1', 1)
  publisher.publish('a', '2', 1)
  assert.deepEqual(other!.takePayloads(), ['1', '2'])
  assert.equal(broker.broker.metrics.internalErrors, 0)
  await broker.close()
})
