/**
 * What operators see of a broker with 100,000 clients and 20,000 messages a second: the first page of each view is
 * answered after a number of steps that does not depend on the number of clients. Steps are counted, and no time is
 * measured: `bench/views.ts` does.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverOf } from '../../src/broker/broker.ts'
import { LOOKS } from '../../src/broker/host/session-pages.ts'
import { createBroker, prometheusText, type Broker } from '../../src/index.ts'
import { firstPages } from '../support/admin-views.ts'
import { Crowd } from '../support/crowd.ts'

const CLIENTS = 100_000
const SOCKETS = 15_000
const PER_SECOND = 20_000
/** A page that finds little fetches identifiers three times, the last time more than it looks at. */
const MOST_STEPS = 2 * LOOKS
/** Of an answer as JSON: a page of a hundred. */
const MOST_BYTES = 256 << 10

/** The names and labels of all samples: what `/metrics` has besides numbers. */
function seriesOf(broker: Broker): string[] {
  const lines = prometheusText(broker.figures()).split('\n')
  return lines.map((line) => (line.startsWith('#') ? line : line.replace(/ \S+$/, '')))
}

test('100,000 clients, 20,000 messages a second: no view goes through all sessions, and /metrics is as long as ever', async () => {
  await using crowd = await Crowd.gather({ clients: CLIENTS, sockets: SOCKETS })
  const { broker } = crowd
  assert.equal(broker.figure('clientsConnected')?.value, CLIENTS)
  const { sessions } = serverOf(broker)
  let steps = 0
  const get = sessions.get.bind(sessions)
  const refuse = (): never => assert.fail('a view asks for all sessions')
  Object.assign(sessions, { get: (clientId: string) => (steps++, get(clientId)), all: refuse })
  const before = broker.metrics.publishSent
  crowd.beginLoad(PER_SECOND)
  for (const [name, ask] of Object.entries(firstPages)) {
    steps = 0
    const answer = await ask(broker)
    assert.ok(steps <= MOST_STEPS, `${name}: ${steps} sessions looked at`)
    const { length } = JSON.stringify(answer) ?? ''
    assert.ok(length <= MOST_BYTES, `${name}: ${length} bytes`)
  }
  // The load goes on meanwhile, and reaches those for whom it is meant.
  while (broker.metrics.publishSent - before < PER_SECOND) await new Promise<void>((resolve) => setImmediate(resolve))
  assert.equal(broker.figure('dropped')!.value, 0)
  await using empty = await createBroker({ listeners: {} })
  assert.deepEqual(seriesOf(broker), seriesOf(empty))
})
