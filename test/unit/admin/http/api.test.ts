import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROMETHEUS_CONTENT_TYPE } from '../../../../src/index.ts'
import { settled } from '../support.ts'
import { REMOTE, TestApi } from './support.ts'

interface Page {
  readonly items: readonly Readonly<Record<string, unknown>>[]
  readonly cursor?: string
}

test('a view is what broker.admin returns, as JSON', async () => {
  const api = await TestApi.start()
  const { admin } = api.test.broker
  api.test.connect({ clientId: 'a/b c' }).subscribe('x/#', 1)
  api.test.connect({ clientId: 'other' })
  const same = async (path: string, view: Promise<unknown>): Promise<void> => {
    const { status, value } = await api.ask('GET', path)
    assert.deepEqual([status, value], [200, JSON.parse(JSON.stringify(await settled(api.test, view)))], path)
  }
  await same('/overview', admin.overview())
  await same('/listeners', admin.listeners())
  await same('/clients', admin.clients())
  await same('/clients?fields=clientId,address&limit=1', admin.clients({ fields: ['clientId', 'address'], limit: 1 }))
  await same('/clients/a%2Fb%20c', admin.client({ clientId: 'a/b c' }))
  await same('/sessions/a%2Fb%20c/messages', admin.heldMessages({ clientId: 'a/b c' }))
  await same('/subscriptions?topic=x%2F1&isShared=false', admin.subscriptions({ topic: 'x/1', isShared: false }))
  await same('/drops', admin.drops())
  await same('/slow-subscribers', admin.slowSubscribers())
  await same('/configuration', admin.configuration())
  await api.close()
})

test('a list is read page by page: `cursor` of the one before is missing on the last', async () => {
  const api = await TestApi.start()
  const clientIds = Array.from({ length: 25 }, (_, number) => `c${number}`)
  for (const clientId of clientIds) api.test.connect({ clientId })
  const found: unknown[] = []
  let cursor: string | undefined
  do {
    const after = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = (await api.ask('GET', `/clients?limit=10&fields=clientId${after}`)).value as Page
    found.push(...page.items.map(({ clientId }) => clientId))
    cursor = page.cursor
  } while (cursor !== undefined)
  assert.deepEqual(found.map(String).toSorted(), clientIds.toSorted())
  await api.close()
})

test('actions act: publish, also bytes; subscribe for a client; delete retained messages; end a session', async () => {
  const api = await TestApi.start()
  const meter = api.test.connect({ clientId: 'meter' })
  const sub = await api.ask('POST', '/sessions/meter/subscribe', {
    body: { subscriptions: [{ topicFilter: 'a', qos: 1 }] },
  })
  assert.deepEqual([sub.status, sub.value], [200, [{ topicFilter: 'a', reasonCode: 1 }]])
  const published = await api.ask('POST', '/publish', {
    body: {
      topic: 'a',
      payload: { base64: 'AAH/' },
      retain: true,
      properties: { correlationData: { base64: 'Bw==' } },
    },
  })
  assert.deepEqual([published.status, published.text], [204, ''])
  const [message] = meter.take() as unknown as readonly {
    payload: Uint8Array
    properties: { correlationData: Uint8Array }
  }[]
  assert.deepEqual([[...message!.payload], [...message!.properties.correlationData]], [[0, 1, 255], [7]])
  assert.deepEqual((await api.ask('DELETE', '/retained?topicFilter=a')).value, 1)
  assert.deepEqual((await api.ask('DELETE', '/sessions/meter')).value, true)
  assert.equal(meter.isClosed, true)
  await api.close()
})

test('who is not there is answered 404, by views and by actions', async () => {
  const api = await TestApi.start()
  const asked = [
    ['GET', '/clients/x'],
    ['GET', '/sessions/x'],
    ['GET', '/sessions/x/messages'],
    ['POST', '/clients/x/disconnect'],
    ['DELETE', '/sessions/x'],
    ['POST', '/sessions/x/subscribe', { subscriptions: [{ topicFilter: 'a' }] }],
    ['POST', '/sessions/x/unsubscribe', { topicFilters: ['a'] }],
  ] as const
  for (const [method, path, body] of asked) {
    const { status, code, parameter } = await api.problem(method, path, { body })
    assert.deepEqual([status, code, parameter], [404, 'ERR_NOT_FOUND', 'clientId'], path)
  }
  await api.close()
})

test('a view that has not changed is answered 304 to its ETag', async () => {
  const api = await TestApi.start()
  api.test.connect({ clientId: 'a' })
  const path = '/clients?fields=clientId'
  const { headers } = await api.ask('GET', path)
  const tag = headers['ETag']!
  assert.match(tag, /^"[\w-]{22}"$/)
  for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const again = await api.ask('GET', path, { headers: { 'if-none-match': known } })
    assert.deepEqual([again.status, again.text, again.headers['ETag']], [304, '', tag])
  }
  api.test.connect({ clientId: 'b' })
  assert.equal((await api.ask('GET', path, { headers: { 'if-none-match': tag } })).status, 200)
  await api.close()
})

test('HEAD is GET without the body', async () => {
  const api = await TestApi.start()
  const { status } = await api.ask('HEAD', '/overview')
  assert.equal(status, 200)
  await api.close()
})

test('/health/live and /health/ready are open to everybody and say nothing else', async () => {
  const api = await TestApi.start()
  for (const path of ['//health/live', '//health/ready']) {
    const { status, text } = await api.ask('GET', path, { address: REMOTE })
    assert.deepEqual([status, text], [200, '{"status":"ok"}'])
  }
  assert.equal((await api.problem('GET', '//health/store', { address: REMOTE })).code, 'ERR_NOT_FOUND')
  assert.equal((await api.problem('POST', '//health/live', { address: REMOTE })).code, 'ERR_METHOD')
  await api.close()
  for (const path of ['//health/live', '//health/ready']) {
    const { status, text } = await api.ask('GET', path, { address: REMOTE })
    assert.deepEqual([status, text], [503, '{"status":"unavailable"}'])
  }
  assert.equal((await api.problem('GET', '/overview')).code, 'ERR_UNAVAILABLE')
})

test('/metrics are the figures for Prometheus; `metrics-networks` may read them without a login', async () => {
  const api = await TestApi.start({ 'metrics-networks': ['198.51.100.0/24'] })
  const { status, headers, text } = await api.ask('GET', '//metrics')
  assert.deepEqual([status, headers['Content-Type']], [200, PROMETHEUS_CONTENT_TYPE])
  assert.match(text, /^sluice_clients_connected 0$/m)
  assert.equal((await api.ask('GET', '//metrics', { address: '198.51.100.7' })).status, 200)
  assert.equal((await api.problem('GET', '//metrics', { address: REMOTE })).code, 'ERR_UNAUTHORIZED')
  assert.equal((await api.problem('GET', '/overview', { address: '198.51.100.7' })).code, 'ERR_UNAUTHORIZED')
  await api.close()
})

test('a page of a thousand clients is written in slices, so that others are served meanwhile', async () => {
  const api = await TestApi.start()
  for (let number = 0; number < 1000; number++) api.test.connect({ clientId: `client-${number}` })
  let turns = 0
  let isAnswered = false
  const head = { method: 'GET', target: '/api/v1/clients?limit=1000', headers: {}, address: '', isEncrypted: false }
  const answer = api.api.answer(head, () => Promise.resolve(new Uint8Array())).finally(() => (isAnswered = true))
  while (!isAnswered) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    api.test.clock.runTurns()
    turns++
  }
  assert.equal((JSON.parse((await answer).body.join('')) as Page).items.length, 1000)
  assert.ok(turns >= 4, `${turns} turns`)
  await api.close()
})

test('every answer tells browsers to keep out', async () => {
  const api = await TestApi.start()
  for (const { headers } of [await api.ask('GET', '/overview'), await api.ask('GET', '/nothing')]) {
    assert.equal(headers['X-Content-Type-Options'], 'nosniff')
    assert.equal(headers['Cache-Control'], 'private, no-cache')
    assert.match(headers['Content-Security-Policy']!, /default-src 'none'/)
    assert.equal(headers['Access-Control-Allow-Origin'], undefined)
  }
  await api.close()
})
