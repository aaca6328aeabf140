/** The console of an operator: who may open one, what it may do, and when it ends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin, PluginContext } from '../../../../src/access/plugin.ts'
import { serverOf } from '../../../../src/broker/broker.ts'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../../src/codec/reason-code.ts'
import { REMOTE, type TestApi } from '../http/support.ts'
import { settled } from '../support.ts'
import { askForConsole, BROWSER, openConsole, pageOf, setUserRole, startConsoles } from './support.ts'

const NOBODY = { 'topic-check': { acl: { nobody: ['#'] } } } as const

test('an operator publishes and subscribes, as a client that everybody sees', async (t) => {
  const api = await startConsoles(t)
  const page = await pageOf(api, 'operator', 'ann')
  const client = await openConsole(api, page)
  assert.equal(client.connack?.reasonCode, 0)
  const clientId = client.connack!.properties.assignedClientIdentifier!
  assert.match(clientId, /^console-[\da-f]{12}$/)
  assert.deepEqual(client.subscribe('a/#', 1).reasonCodes, [1])
  client.publish('a/b', 'hello', 1)
  assert.deepEqual(
    client.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['hello'],
  )
  const view = await api.test.broker.admin.client({ clientId })
  assert.deepEqual([view?.userName, view?.listener, view?.address], ['ann', 'console', REMOTE])
})

test('it needs no rule of the topic check, and is no way to topics that are reserved', async (t) => {
  const api = await startConsoles(t, {}, NOBODY)
  const client = await openConsole(api, await pageOf(api, 'operator'))
  assert.deepEqual(client.subscribe(['a', '$SYS/#']).reasonCodes, [0, 0])
  client.publish('a', 'hello', 1)
  client.publish('$SYS/broker/uptime', '0', 1)
  const codes = client.take().flatMap((packet) => (packet.type === PacketType.PUBACK ? packet.reasonCode : []))
  assert.deepEqual(codes, [ReasonCode.Success, ReasonCode.NotAuthorized])
  const other = api.test.connect({ clientId: 'other' })
  other.publish('a', 'no', 1)
  assert.deepEqual(client.takePayloads(), [], 'the rules hold for everybody else')
})

test('$CONTROL is for administrators alone', async (t) => {
  const topic = '$CONTROL/dynamic-security/v1/response'
  const api = await startConsoles(t, {}, { users: { 'dynamic-security': true } })
  const subscribed = async (role: 'operator' | 'administrator'): Promise<readonly number[]> =>
    (await openConsole(api, await pageOf(api, role))).subscribe(topic).reasonCodes
  assert.deepEqual(await subscribed('operator'), [ReasonCode.NotAuthorized])
  assert.deepEqual(await subscribed('administrator'), [0])
  const { headers } = await api.key('operator')
  const byKey = await openConsole(api, { host: 'localhost', ...headers })
  assert.deepEqual(byKey.subscribe(topic).reasonCodes, [ReasonCode.NotAuthorized])
})

test('whoever may not see payloads publishes, and subscribes to nothing, by no way', async (t) => {
  for (const showPayloads of ['off', 'administrator'] as const) {
    const api = await startConsoles(t, { 'show-payloads': showPayloads })
    const heard = heardOn(api, 'a')
    const client = await openConsole(api, await pageOf(api, 'operator'))
    const { NotAuthorized } = ReasonCode
    assert.deepEqual(client.subscribe(['a', '$share/g/a']).reasonCodes, [NotAuthorized, NotAuthorized])
    client.publish('a', 'hello')
    assert.deepEqual(heard, ['hello'])
    const clientId = client.connack!.properties.assignedClientIdentifier!
    const { headers } = await api.key('operator')
    const asked = { headers, body: { subscriptions: [{ topicFilter: 'a' }] } }
    const { value } = await api.ask('POST', `/sessions/${clientId}/subscribe`, asked)
    assert.deepEqual(value, [{ topicFilter: 'a', reasonCode: NotAuthorized }])
    await settled(api.test, api.test.broker.publish('a', 'secret'))
    assert.deepEqual(client.takePayloads(), [])
  }
})

test('it has no identifier of its own choice, no Will, no other version, no session that stays', async (t) => {
  const api = await startConsoles(t)
  const page = await pageOf(api, 'operator')
  const refused = async (options: Parameters<typeof openConsole>[2]) =>
    (await openConsole(api, page, options)).connack?.reasonCode
  assert.equal(await refused({ clientId: 'meter-7' }), ReasonCode.ClientIdentifierNotValid)
  assert.equal(await refused({ will: { topicName: 'a' } }), ReasonCode.NotAuthorized)
  assert.equal(await refused({ version: 4 }), 1)
  const properties = { authenticationMethod: 'SCRAM-SHA-256' }
  assert.equal(await refused({ properties }), ReasonCode.BadAuthenticationMethod)
  const client = await openConsole(api, page, { properties: { sessionExpiryInterval: 3600 }, keepAlive: 0 })
  assert.equal(client.connack?.properties.sessionExpiryInterval, 0)
  assert.equal(client.connack?.properties.serverKeepAlive, 60, 'a browser that has vanished is noticed')
  client.drop()
  assert.equal((await api.test.broker.admin.sessions({})).items.length, 0)
})

test('nobody else takes over the session of a console, whose subscriptions no rule has granted', async (t) => {
  const api = await startConsoles(t, {}, { 'client-id-ownership': false })
  const client = await openConsole(api, await pageOf(api, 'operator'))
  client.subscribe('secret/#')
  const clientId = client.connack!.properties.assignedClientIdentifier!
  const other = api.test.connect({ clientId, cleanStart: false })
  assert.equal(other.connack?.reasonCode, ReasonCode.ClientIdentifierNotValid)
  assert.equal(client.isClosed, false)
  client.disconnect()
  assert.equal(api.test.connect({ clientId, cleanStart: false }).connack?.sessionPresent, false)
})

test('`why` knows that no rule of the topic check holds for a console', async (t) => {
  const api = await startConsoles(t, { 'show-payloads': 'administrator' }, NOBODY)
  const whyOf = async (role: 'operator' | 'administrator'): Promise<string[]> => {
    const client = await openConsole(api, await pageOf(api, role))
    client.subscribe('a')
    const clientId = client.connack!.properties.assignedClientIdentifier!
    const { facts } = await settled(api.test, api.test.broker.admin.why({ clientId, topic: 'a' }))
    return facts.filter(({ cause }) => cause === 'not authorized').map(({ text }) => text)
  }
  assert.deepEqual(await whyOf('administrator'), [])
  assert.match((await whyOf('operator')).join(), /subscribe.*admin\.show-payloads/)
})

test('a viewer, a page of another site, and a cookie without its token open none', async (t) => {
  const api = await startConsoles(t)
  const statusOf = async (headers: Record<string, string>): Promise<number> =>
    (await askForConsole(api, headers)).status
  const page = await pageOf(api, 'operator')
  assert.equal(await statusOf(await pageOf(api, 'viewer')), 403)
  assert.equal(await statusOf({ ...page, origin: 'https://evil.example' }), 403)
  assert.equal(await statusOf({ ...page, 'sec-fetch-site': 'same-site' }), 403)
  assert.equal(await statusOf({ ...page, host: 'evil.example', origin: 'http://evil.example' }), 421)
  assert.equal(await statusOf({ ...page, 'sec-websocket-protocol': 'mqtt' }), 401)
  const { cookie: _, ...withoutCookie } = page
  assert.equal(await statusOf(withoutCookie), 401)
  assert.equal(await statusOf({ ...BROWSER, 'sec-websocket-protocol': 'mqtt, bearer.sluice_000000000000_x' }), 401)
  assert.equal(await statusOf(page), 101)
})

test('a page with an API key offers that as a subprotocol; its name is shown, and claims no user', async (t) => {
  const api = await startConsoles(t)
  const { headers, keyId } = await api.key('operator')
  const offered = `mqtt, bearer.${headers.authorization.split(' ')[1]}`
  const client = await openConsole(api, { ...BROWSER, 'sec-websocket-protocol': offered })
  const clientId = client.connack!.properties.assignedClientIdentifier!
  const view = await api.test.broker.admin.client({ clientId })
  assert.deepEqual([view?.userName, view?.claimedUserName], [undefined, `key ${keyId} (operator)`])
})

test('it ends when its operator logs out, or has another role, and nothing passes after that', async (t) => {
  const api = await startConsoles(t)
  const heard = heardOn(api, 'a')
  const ways: ((userName: string) => void)[] = [
    () => api.services.logins.endAll(),
    (userName) => setUserRole(api, userName, 'viewer'),
    (userName) => setUserRole(api, userName, undefined),
  ]
  for (const [at, way] of ways.entries()) {
    const userName = `user ${at}`
    const client = await openConsole(api, await pageOf(api, 'operator', userName))
    client.subscribe('b')
    client.publish('a', userName)
    await settled(api.test, api.test.broker.publish('b', 'in time'))
    assert.deepEqual([heard.splice(0), client.takePayloads()], [[userName], ['in time']])
    way(userName)
    client.publish('a', 'too late')
    await settled(api.test, api.test.broker.publish('b', 'too late'))
    assert.deepEqual([heard, client.takePayloads()], [[], []])
    assert.equal(client.isClosed, false)
    api.test.advance(1000)
    assert.equal(client.isClosed, true, 'within a second')
  }
})

test('it ends with its API key, and when a reload changes whether it may see payloads', async (t) => {
  const api = await startConsoles(t)
  const { headers, keyId } = await api.key('operator')
  const byKey = await openConsole(api, { host: 'localhost', ...headers })
  await api.test.broker.admin.deleteApiKey({ keyId })
  api.test.advance(1000)
  assert.equal(byKey.isClosed, true)
  const client = await openConsole(api, await pageOf(api, 'operator'))
  api.reload({ 'show-payloads': 'off' })
  api.test.advance(1000)
  assert.equal(client.isClosed, true)
})

test('plugins that are asked again about logins do not end it, and a ban does', async (t) => {
  let context: PluginContext | undefined
  const nobody = (given: PluginContext): Plugin => {
    context = given
    return { name: 'nobody', authenticate: () => undefined, mayStay: () => false }
  }
  const api = await startConsoles(t, {}, { auth: { plugins: [{ plugin: nobody }] } })
  const client = await openConsole(api, await pageOf(api, 'operator', 'ann'))
  context!.revoked()
  api.test.clock.runTurns()
  assert.equal(client.isClosed, false)
  await api.test.broker.admin.ban({ kind: 'user', value: 'ann' })
  api.test.advance(1000)
  assert.equal(client.isClosed, true)
})

test('`max-consoles-per-caller` and `max-consoles` bound them; each that is refused counts, with an event', async (t) => {
  const api = await startConsoles(t, { 'max-consoles': 3, 'max-consoles-per-caller': 2 })
  const optionOf = async (page: Record<string, string>): Promise<unknown> => {
    const { status, body } = await askForConsole(api, page)
    return status === 429 ? (JSON.parse(String(body[0])) as { option: string }).option : status
  }
  const reached: string[] = []
  api.test.broker.on('limitReached', ({ option }) => void reached.push(option))
  const [ann, bob] = [await pageOf(api, 'operator', 'ann'), await pageOf(api, 'operator', 'bob')]
  const clients = [await openConsole(api, ann), await openConsole(api, ann)]
  assert.equal(await optionOf(ann), 'admin.max-consoles-per-caller')
  await openConsole(api, bob)
  assert.equal(await optionOf(bob), 'admin.max-consoles')
  assert.deepEqual(reached, ['admin.max-consoles-per-caller', 'admin.max-consoles'])
  assert.equal(serverOf(api.test.broker).metrics.adminOverLimit, 2)
  clients[0]!.drop()
  assert.equal(await optionOf(bob), 101)
})

test('with `max-consoles: 0` there are none', async (t) => {
  const api = await startConsoles(t, { 'max-consoles': 0 })
  assert.equal((await askForConsole(api, await pageOf(api, 'administrator'))).status, 429)
})

test('its beginning and its end are actions of its operator', async (t) => {
  const api = await startConsoles(t)
  const actions: object[] = []
  api.test.broker.on(
    'adminAction',
    ({ who, from, what, parameters }) => void actions.push({ who, from, what, parameters }),
  )
  const page = await pageOf(api, 'operator', 'ann')
  actions.length = 0
  const client = await openConsole(api, page)
  const clientId = client.connack!.properties.assignedClientIdentifier!
  client.publish('a', 'hello')
  api.test.advance(5000)
  client.disconnect()
  const by = { who: 'user ann', from: REMOTE }
  assert.deepEqual(actions, [
    { ...by, what: 'consoleOpened', parameters: { clientId, rights: 'all' } },
    { ...by, what: 'consoleClosed', parameters: { clientId, seconds: 5, messagesPublished: 1, messagesDelivered: 0 } },
  ])
})

test('consoles end with the API', async (t) => {
  const api = await startConsoles(t)
  const client = await openConsole(api, await pageOf(api, 'operator'))
  await api.api.close()
  api.test.clock.runTurns()
  assert.equal(client.isClosed, true)
})

test('one that does not read costs its queue, as any client, and no more', async (t) => {
  const limits = { 'max-queued-messages': 10, 'max-queued-messages-connected': 10, 'max-outgoing-bytes': 20_000 }
  const api = await startConsoles(t, {}, limits)
  const client = await openConsole(api, await pageOf(api, 'operator'))
  client.subscribe('flood', 1)
  client.isFrozen = true
  const dropped: string[] = []
  api.test.broker.on('dropped', ({ cause }) => void dropped.push(cause))
  for (let at = 0; at < 200; at++) {
    await settled(api.test, api.test.broker.publish('flood', 'x'.repeat(1000), { qos: 1 }))
  }
  const clientId = client.connack!.properties.assignedClientIdentifier!
  const view = await api.test.broker.admin.client({ clientId })
  assert.ok((view?.queuedMessages ?? 0) <= 10)
  assert.ok(client.unsentBytes < 100_000, `${client.unsentBytes}`)
  assert.ok(dropped.length > 0)
})

/** The payloads that the host program gets on a topic. */
function heardOn(api: TestApi, topic: string): string[] {
  const heard: string[] = []
  api.test.broker.subscribe(topic, (message) => void heard.push(message.text()))
  return heard
}
