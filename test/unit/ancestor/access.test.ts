/** The ancestor's defects of log-in and permissions: none of them lives here. Names quote its code's review. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { sessionsOf } from '../../support/sessions.ts'

const everybody: Plugin = { name: 'everybody', authenticate: () => ({ decision: 'allow' }) }

/** What each filter gets: true where it is granted. */
function grants(client: TestClient, ...filters: string[]): boolean[] {
  return client.subscribe(filters).reasonCodes.map((code) => code < 0x80)
}

async function withAcl(acl: Record<string, string[]>) {
  const broker = await VirtualBroker.start({ auth: { plugins: [everybody] }, 'topic-check': { acl } })
  const connect = (userName: string): TestClient => broker.connect({ clientId: userName, userName })
  return { broker, connect }
}

test('C6: allow-anonymous false admits anyone who sends any user name: it admits nobody', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: ['auth.anonymous'], 'allow-anonymous': false } })
  for (const options of [{}, { userName: 'x' }, { userName: 'x', password: 'y' }]) {
    const code = 'userName' in options ? ReasonCode.BadUserNameOrPassword : ReasonCode.NotAuthorized
    assert.equal(broker.connect(options).connack?.reasonCode, code)
  }
  await broker.close()
})

test('C6: a refused Client gets no CONNACK and stays registered: it gets one, and leaves nothing behind', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: ['auth.anonymous'], 'allow-anonymous': false } })
  for (const [version, code] of [
    [4, 5],
    [5, ReasonCode.NotAuthorized],
  ] as const) {
    const client = broker.connect({ version })
    assert.deepEqual([client.connack?.reasonCode, client.isClosed], [code, true])
  }
  assert.deepEqual(sessionsOf(broker.broker), [])
  await broker.close()
})

test('C7: topic_taboo compares exactly, so that `#` or `data/+` walks around it: both are denied', async () => {
  const broker = await VirtualBroker.start({ 'topic-check': { plugins: ['topic_taboo'] } })
  const filters = ['prohibited', '#', 'data/+', 'data/classified', '+/classified', 'data/open']
  assert.deepEqual(grants(broker.connect(), ...filters), [false, false, false, false, false, true])
  await broker.close()
})

test("C7: publish is never checked: publish, subscribe, delivery and Will are, and $SYS is nobody's to publish", async () => {
  const { broker, connect } = await withAcl({ ann: ['a/#', '$SYS/#'], bob: ['b'] })
  const ann = connect('ann')
  ann.subscribe('a/#')
  const bob = connect('bob')
  bob.publish('a/b', 'denied', 1)
  assert.equal((bob.take()[0] as { reasonCode: number }).reasonCode, ReasonCode.NotAuthorized)
  ann.publish('a/b', 'allowed')
  assert.deepEqual(ann.takePayloads(), ['allowed'])
  assert.deepEqual(grants(bob, 'a/b', 'b'), [false, true])
  const will = broker.connect({ clientId: 'will', userName: 'bob', will: { topicName: 'a/b' } })
  assert.equal(will.connack?.reasonCode, ReasonCode.NotAuthorized)
  ann.publish('$SYS/broker/version', 'mine', 1)
  assert.equal((ann.take()[0] as { reasonCode: number }).reasonCode, ReasonCode.NotAuthorized)
  await broker.close()
})

test('C7: a denied PUBLISH of 3.1.1 is acknowledged all the same, or the device sends it for ever', async () => {
  const { broker } = await withAcl({ bob: [] })
  const old = broker.connect({ version: 4, userName: 'bob' })
  old.publish('a', 'x', 1)
  assert.equal(old.take().length, 1)
  assert.ok(!old.isClosed)
  await broker.close()
})

test('C7: `topic-check.enabled: false` does not disable: it does', async () => {
  for (const enabled of [false, 'off'] as const) {
    const broker = await VirtualBroker.start({ 'topic-check': { enabled, plugins: ['topic_acl'], acl: {} } })
    assert.deepEqual(grants(broker.connect(), '#'), [true])
    await broker.close()
  }
})

test('C7: allowed `a/+` admits `a/#`, allowed `+` admits `#`, allowed `a/#` refuses `a`: the other way round', async () => {
  const { broker, connect } = await withAcl({ plus: ['a/+'], one: ['+'], hash: ['a/#'] })
  assert.deepEqual(grants(connect('plus'), 'a/+', 'a/b', 'a/#'), [true, true, false])
  assert.deepEqual(grants(connect('one'), '+', 'x', '#'), [true, true, false])
  assert.deepEqual(grants(connect('hash'), 'a', 'a/#', 'a/+/c', '#'), [true, true, true, false])
  await broker.close()
})

test('C7: an unknown user is denied, `anonymous` is the entry of those without a name, and there is an explanation', async () => {
  const acl = { ann: ['a'], anonymous: ['open'] }
  const broker = await VirtualBroker.start({ auth: { plugins: [everybody] }, 'topic-check': { acl } })
  assert.deepEqual(grants(broker.connect({ userName: 'eve' }), 'a', 'open'), [false, false])
  assert.deepEqual(grants(broker.connect({ clientId: 'nameless' }), 'a', 'open'), [false, true])
  const { decision, explanations } = await broker.broker.explain({ userName: 'eve', action: 'publish', topic: 'a' })
  assert.equal(decision, 'deny')
  assert.match(explanations[0]!.rule, /no entry eve/)
  await broker.close()
})
