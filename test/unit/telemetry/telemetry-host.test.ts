import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverOf } from '../../../src/broker/broker.ts'
import { telemetryHost } from '../../../src/broker/telemetry-host.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

test('the topic filter of a delivery is looked for among few subscriptions', async () => {
  const broker = await VirtualBroker.start()
  const { topicFilterFor } = telemetryHost({} as never, serverOf(broker.broker), {} as never)
  const client = broker.connect({ clientId: 'meter' })
  client.subscribe('a/+')
  assert.equal(topicFilterFor('meter', 'a/b'), 'a/+')
  for (let at = 0; at < 10; at++) client.subscribe(`other/${at}`)
  assert.equal(topicFilterFor('meter', 'a/b'), undefined)
  await broker.close()
})
