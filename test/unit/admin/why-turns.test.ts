/** Questions about very many or very long filters leave others their turns. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverOf } from '../../../src/broker/broker.ts'
import { SHARE_UNITS } from '../../../src/base/work.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

/** A comparison of a short filter with a topic takes about 20 µs, one of a filter of 64 KiB about 250 µs. */
const COMPARISON_UNITS = 100
const LONG_COMPARISON_UNITS = 1000

/** @returns how often a question gave way to others */
async function pausesOf(broker: VirtualBroker, ask: () => Promise<unknown>): Promise<number> {
  const { turn } = serverOf(broker.broker)
  const share = turn.share.bind(turn)
  let pauses = 0
  turn.share = (owner) => {
    pauses++
    return share(owner)
  }
  await settled(broker, ask())
  return pauses
}

function many(count: number, filter: (at: number) => string): string[] {
  return Array.from({ length: count }, (_, at) => filter(at))
}

test('why: the filters of a client with many subscriptions are compared a share of a turn at a time', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ clientId: 'meter' })
  client.subscribe(many(5000, (at) => `site/${at}/sensor/temperature`))
  const pauses = await pausesOf(broker, () => broker.broker.admin.why({ clientId: 'meter', topic: 'plant/oven' }))
  assert.ok(pauses >= Math.floor((5000 * COMPARISON_UNITS) / SHARE_UNITS), `${pauses} pauses`)
  await broker.close()
})

test('hints: a filter is compared with many topics a share of a turn at a time, however long it is', async () => {
  const broker = await VirtualBroker.start()
  broker.connect({ clientId: 'meter', keepAlive: 60 }).subscribe(`+/${'x'.repeat(60_000)}`)
  for (let from = 0; from < 1000; from += 10) {
    const sensor = broker.connect({ clientId: `sensor-${from}`, keepAlive: 60 })
    for (let at = from; at < from + 10; at++) sensor.publish(`plant/${at}`, 'x')
  }
  const pauses = await pausesOf(broker, () => broker.broker.admin.hints())
  assert.ok(pauses >= Math.floor((1000 * LONG_COMPARISON_UNITS) / SHARE_UNITS), `${pauses} pauses`)
  await broker.close()
})
