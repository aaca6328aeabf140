/** Links that are cut at any moment, brokers that are killed: nothing is lost, QoS 2 comes once, and order is kept. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QoS } from '../../../src/codec/packet-types.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import { BridgedBrokers, type BridgesInput } from '../../support/bridged.ts'
import { seed } from '../../support/seed.ts'
import type { TestClient } from '../../support/test-client.ts'

const MESSAGES = 60

function bridges(protocol: '5.0' | '3.1.1'): BridgesInput {
  const [up, down] = [{ filter: 'up/#', qos: 2 } as const, { filter: 'down/#', qos: 2 } as const]
  return { cloud: { url: 'mqtt://far', clientId: 'plant', protocol, out: [up], in: [down], maxInflightMessages: 8 } }
}

function textsOf(client: TestClient, into: string[]): void {
  for (const { payload } of client.receiveAll()) into.push(Buffer.from(payload).toString())
}

for (const protocol of ['5.0', '3.1.1'] as const) {
  for (let round = 0; round < 6; round++) {
    test(`${protocol}, round ${round}: over links that are cut, QoS 2 comes exactly once in both directions, in order`, async () => {
      const random = new SeededRandom(seed + round)
      const net = new BridgedBrokers()
      const far = await net.start('far')
      const near = await net.start('near', bridges(protocol))
      const [there, here] = [far.connect({ clientId: 'there' }), near.connect({ clientId: 'here' })]
      there.subscribe('up/#', 2)
      here.subscribe('down/#', 2)
      const [up, down]: [string[], string[]] = [[], []]
      for (let at = 0; at < MESSAGES; at++) {
        const qos = 2 as QoS
        here.publish('up/a', String(at), qos)
        there.publish('down/a', String(at), qos)
        textsOf(here, down)
        textsOf(there, up)
        for (const link of net.links) link.conditions.delayMs = () => random.integer(5)
        net.clock.advance(random.integer(8))
        if (random.integer(6) === 0) net.cut()
        if (random.integer(5) === 0) net.clock.advance(random.integer(3000))
      }
      for (let more = 0; more < 20; more++) {
        net.reconnect()
        textsOf(here, down)
        textsOf(there, up)
      }
      const all = Array.from({ length: MESSAGES }, (_, at) => String(at))
      assert.deepEqual([up, down], [all, all])
      assert.equal(near.bridges.views[0]!.queuedMessages, 0)
      await net.close()
    })
  }
}
