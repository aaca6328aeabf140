/**
 * Refused logins in answers to "why": those of the client itself, and those of others who name its client identifier.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import type { WhyFact, WhyQuery } from '../../../src/broker/host/why-view.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

async function why(broker: VirtualBroker, query: WhyQuery): Promise<readonly WhyFact[]> {
  return (await settled(broker, broker.broker.admin.why(query))).facts
}

/** Accepts one password. */
const guard: Plugin = {
  name: 'guard',
  authenticate: ({ password }) =>
    String(password) === 'right' ? { decision: 'allow' } : { decision: 'deny', cause: 'wrong password' },
}

function causesOf(facts: readonly WhyFact[]): string[] {
  return facts.map(({ cause }) => cause)
}

for (const isConnected of [true, false])
  test(`refusals of strangers are one fact behind those of the client, which is ${isConnected ? '' : 'not '}connected`, async (t) => {
    const broker = await VirtualBroker.start({ auth: { plugins: [guard] } })
    t.after(() => broker.close())
    const login = async (password: string, last: number): Promise<void> => {
      const peer = { address: `192.0.2.${last}` }
      const meter = broker.connect({ clientId: 'meter', userName: 'ann', password, peer })
      await broker.settle()
      if (!isConnected && password === 'right') meter.drop()
      broker.advance(2000)
    }
    await login('right', 7)
    for (const last of [8, 9, 8, 8, 9, 8, 8]) await login('wrong', last)
    const facts = await why(broker, { clientId: 'meter' })
    assert.deepEqual(
      causesOf(facts),
      isConnected
        ? ['connected', 'others refused']
        : ['connection lost', 'session ended', 'no session', 'others refused'],
    )
    assert.match(
      facts.at(-1)!.text,
      /^7 refused connections under the identifier "meter" from 2 addresses .*wrong pass/,
    )
  })

test('refusals from where the client has been connected come first, five of them one by one', async (t) => {
  const broker = await VirtualBroker.start({ auth: { plugins: [guard] } })
  t.after(() => broker.close())
  const login = async (password: string, userName: string): Promise<void> => {
    const meter = broker.connect({ clientId: 'meter', userName, password })
    await broker.settle()
    if (password === 'right') meter.drop()
    broker.advance(60_000)
  }
  await login('right', 'ann')
  for (let at = 0; at < 7; at++) await login('wrong', `user-${at}`)
  const facts = await why(broker, { clientId: 'meter' })
  const refused = Array.from({ length: 5 }, () => 'refused')
  const own = ['connection lost', 'session ended', 'no session']
  assert.deepEqual(causesOf(facts), [...refused, 'refused earlier', ...own])
  assert.match(facts[0]!.text, /user "user-6"/)
  assert.match(facts[5]!.text, /^Before, 2 refused connections from 192\.0\.2\.1/)
})

test('a second device with a wrong password at the address of one that is connected is somebody else', async (t) => {
  const broker = await VirtualBroker.start({ auth: { plugins: [guard] } })
  t.after(() => broker.close())
  for (const password of ['right', 'wrong']) {
    broker.connect({ clientId: 'meter', userName: 'ann', password })
    await broker.settle()
    broker.advance(1000)
  }
  assert.deepEqual(causesOf(await why(broker, { clientId: 'meter' })), ['connected', 'others refused'])
})

test('how much of a long name and reason is left out is counted once', async (t) => {
  const cause = 'x'.repeat(1000)
  const denier: Plugin = { name: 'denier', authenticate: () => ({ decision: 'deny', cause }) }
  const broker = await VirtualBroker.start({ auth: { plugins: [denier] } })
  t.after(() => broker.close())
  const clientId = `${'c'.repeat(300)}\u001b`
  broker.connect({ clientId, userName: 'u'.repeat(300) })
  await broker.settle()
  const [first] = await why(broker, { clientId })
  assert.match(first!.text, /"c{200}… \(101 more\)" of user "u{200}… \(100 more\)" from .*x+… \(\d{3} more\)/)
})
