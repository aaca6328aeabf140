import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestBroker } from '../../../../src/testing/index.ts'
import { TestBroker } from '../../../support/test-broker.ts'

test('eachSession goes through very many Sessions, a share at a time', async () => {
  const broker = await TestBroker.start({ 'max-connections': 0, 'max-memory': 0 })
  const count = 12_000
  for (let at = 0; at < count; at++) broker.connect({ clientId: `c${at}` })
  const turns = broker.broker.metrics.turns
  const seen = new Set<string>()
  const walk = broker.broker.eachSession()
  for (;;) {
    const next = walk.next()
    // Whoever waits for a turn gets it.
    await Promise.resolve()
    broker.clock.runTurns()
    const { done, value } = await next
    if (done === true) break
    seen.add(value.clientId)
  }
  assert.equal(seen.size, count)
  assert.ok(broker.broker.metrics.turns > turns)
  await broker.close()
})

test('eachSession ends in the event loop as it is, and lists what sessions() lists', async () => {
  const broker = await createTestBroker()
  const clientIds: string[] = []
  for await (const { clientId } of broker.eachSession()) clientIds.push(clientId)
  assert.deepEqual(
    clientIds,
    broker.sessions().map(({ clientId }) => clientId),
  )
  await broker.close()
})
