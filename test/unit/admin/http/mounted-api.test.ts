/** The API on the HTTP server of the host program: its path, and what is believed of what the program passes on. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createBroker, type AdminHandlerOptions, type Broker } from '../../../../src/index.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'

type Ask = (
  path: string,
  more?: { method?: string; headers?: object; body?: string },
) => Promise<{ status: number; headers: IncomingMessage['headers']; text: string }>

async function mount(
  t: TestContext,
  options: AdminHandlerOptions = { path: '/broker' },
  before: (request: IncomingMessage, response: ServerResponse) => void = () => undefined,
  admin: ConfigInput['admin'] = {},
): Promise<{ broker: Broker; ask: Ask; key: string }> {
  const keys = join(scratchFolder(), 'keys.json')
  const broker = await createBroker({
    listeners: {},
    admin: { bind: 'off', socket: 'off', 'keys-file': keys, ...admin },
  })
  const handle = broker.adminHandler(options)
  const server = createServer((asked, response) => {
    before(asked, response)
    handle(asked, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await broker.close()
  })
  const { port } = server.address() as AddressInfo
  const ask: Ask = async (path, { method = 'GET', headers = {}, body } = {}) => {
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' }
    const asked = request({ host: '127.0.0.1', port, path, method, agent: false, headers: { ...type, ...headers } })
    asked.end(body)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
    return { status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() }
  }
  const { key } = await broker.admin.createApiKey({ name: 'x', role: 'administrator' })
  return { broker, ask, key }
}

test('it is served below its path and nowhere else, with the locks of the API', async (t) => {
  const { ask, key } = await mount(t)
  const headers = { Authorization: `Bearer ${key}` }
  assert.equal((await ask('/broker/health/live')).status, 200)
  assert.equal((await ask('/broker/api/v1/overview')).status, 401)
  assert.equal((await ask('/broker/metrics')).status, 401)
  assert.equal((await ask('/broker/api/v1/overview?x=1', { headers })).status, 400)
  assert.equal((await ask('/broker/api/v1/overview', { headers })).status, 200)
  const body = '{"topic":"a","payload":"b"}'
  assert.equal((await ask('/broker/api/v1/publish', { method: 'POST', headers, body })).status, 204)
  for (const path of [
    ...['/', '/api/v1/overview', '/brokers/api/v1/overview', '/broker%2fapi/v1/overview', '/Broker/api/v1/overview'],
    ...['/x/../broker/api/v1/overview', '//broker/api/v1/overview', '/broker/../api/v1/overview'],
  ]) {
    assert.equal((await ask(path, { headers })).status, 404, path)
  }
  const { status, headers: answered } = await ask('/broker?x')
  assert.deepEqual([status, answered.location], [308, './broker/'])
})

test('nobody is the local administrator, whatever a request says about itself', async (t) => {
  const { ask } = await mount(t, { path: '/broker', addressOf: () => '' })
  for (const headers of [
    { 'X-Forwarded-For': '' },
    { 'X-Forwarded-For': '127.0.0.1', 'X-Real-IP': '127.0.0.1', Forwarded: 'for=127.0.0.1' },
    { 'X-Client-Cert': 'x', 'X-SSL-Client-Verify': 'SUCCESS' },
  ]) {
    assert.equal((await ask('/broker/api/v1/overview', { headers })).status, 401)
    const reset = { method: 'POST', headers, body: '{"password":"x"}' }
    assert.equal((await ask('/broker/api/v1/users/ann/reset', reset)).status, 401)
  }
})

test('only the program says where a request comes from', async (t) => {
  const from = (asked: IncomingMessage): string => String(asked.headers['x-mine'])
  const admin = { 'metrics-networks': ['192.0.2.1'] }
  const { ask } = await mount(t, { path: '/broker', addressOf: from }, undefined, admin)
  assert.equal((await ask('/broker/metrics', { headers: { 'X-Mine': '192.0.2.1' } })).status, 200)
  assert.equal((await ask('/broker/metrics', { headers: { 'X-Mine': '192.0.2.2' } })).status, 401)
  assert.equal(
    (await ask('/broker/metrics', { headers: { 'X-Mine': 'nonsense', 'X-Forwarded-For': '192.0.2.1' } })).status,
    401,
  )
})

test('names of the server have to be allowed, and pages of others are refused', async (t) => {
  const { ask } = await mount(t, { path: '/broker', isEncrypted: true }, undefined, {
    'allowed-hosts': ['example.com'],
  })
  const status = async (headers: object) => (await ask('/broker/health/live', { headers })).status
  assert.equal(await status({ Host: 'evil.example', 'X-Forwarded-Host': 'example.com' }), 421)
  assert.equal(await status({ Host: 'example.com', Origin: 'https://example.com' }), 200)
  assert.equal(await status({ Host: 'example.com', Origin: 'http://example.com' }), 403)
})

test('a link leads to where the program says, and logs in there', async (t) => {
  const { broker, ask } = await mount(t, { path: '/broker', isEncrypted: true, url: 'https://localhost/broker/' })
  const { urls } = await broker.admin.createLoginLink()
  const [url, token] = urls[0]!.split('/#token=')
  assert.equal(url, 'https://localhost/broker')
  const headers = { Host: 'localhost', Origin: 'https://localhost' }
  const body = JSON.stringify({ token })
  const got = await ask('/broker/api/v1/login', { method: 'POST', headers, body })
  assert.equal(got.status, 200)
  assert.match(got.headers['set-cookie']![0]!, /^__Host-sluice-login=.*; Secure$/)
})

test('behind a framework that cuts off the path; a body that was read before is a sentence', async (t) => {
  const cut = (asked: IncomingMessage): void => {
    Object.assign(asked, { originalUrl: asked.url })
    asked.url = asked.url!.replace(/^\/broker\/?/, '/')
  }
  const { ask, key } = await mount(t, {}, cut)
  assert.equal((await ask('/broker/health/live')).status, 200)
  assert.deepEqual((await ask('/broker')).headers.location, './broker/')
  const headers = { Authorization: `Bearer ${key}` }
  assert.equal((await ask('/broker/api/v1/overview', { headers })).status, 200)
})

test('while there is no API it is answered 503; a reload brings it back', async (t) => {
  const { broker, ask } = await mount(t)
  await broker.reload({ listeners: {} })
  assert.equal((await ask('/broker/health/live')).status, 503)
  await broker.reload({ listeners: {}, admin: { bind: 'off', socket: 'off' } })
  assert.equal((await ask('/broker/health/live')).status, 200)
  await broker.close()
  assert.equal((await ask('/broker/health/live')).status, 503)
})

test('options that cannot be are refused', async (t) => {
  const { broker } = await mount(t)
  for (const [options, message] of [
    [{ path: 'broker' }, /path must be one such as \/broker, got "broker"/],
    [{ path: '/a?b' }, /path must be/],
    [{ url: 'ftp://x' }, /url must be an http or https address/],
    [{ paht: '/x' }, /adminHandler has no option "paht"; did you mean path\?/],
  ] as const) {
    assert.throws(() => broker.adminHandler(options as AdminHandlerOptions), { code: 'ERR_USAGE', message })
  }
})
