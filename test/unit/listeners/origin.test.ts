/** Which `Origin` may open a WebSocket at which `Host`. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { resolveOptions } from '../../../src/config/options.ts'
import { Broker } from '../../../src/create-broker.ts'
import { OriginRules, type OriginOptions } from '../../../src/listeners/origin.ts'

const CLOSED: OriginOptions = { allowedOrigins: [], allowedHosts: [], admitsAnonymous: false }
const OPEN: OriginOptions = { ...CLOSED, admitsAnonymous: true }

type Case = readonly [
  title: string,
  options: OriginOptions,
  origin: string | undefined,
  host: string | undefined,
  isAllowed: boolean,
]

const listed = (...allowedOrigins: string[]): OriginOptions => ({ ...CLOSED, allowedOrigins })
const hosts = (...allowedHosts: string[]): OriginOptions => ({ ...OPEN, allowedHosts })

const cases: readonly Case[] = [
  ['without an Origin it is no page', OPEN, undefined, 'broker.example', true],
  ['without an Origin, and without a Host', OPEN, undefined, undefined, true],
  // What clients send that are no browsers.
  ['paho for Python and asyncio-mqtt', OPEN, 'https://127.0.0.1:8080', '127.0.0.1:8080', true],
  ['paho for C', OPEN, 'http://localhost:8080', 'localhost:8080', true],
  ['paho for Go', OPEN, 'ws://192.168.1.5:8080', '192.168.1.5:8080', true],
  ['paho for Python at the port that https implies', CLOSED, 'https://broker.example:443', 'broker.example:443', true],
  ['paho for Python at port 80', CLOSED, 'https://broker.example:80', 'broker.example:80', true],
  // Pages of the same server.
  ['a page of this host and port', CLOSED, 'http://broker.example:8080', 'broker.example:8080', true],
  ['a page of this host, ports implied', CLOSED, 'https://broker.example', 'broker.example', true],
  ['a page of this host, one port implied', CLOSED, 'http://broker.example', 'broker.example:80', true],
  ['another spelling of the same', CLOSED, 'http://BROKER.example:8080', 'Broker.Example:8080', true],
  ['an IPv6 address', OPEN, 'http://[::1]:8080', '[::1]:8080', true],
  ['another port of this host', CLOSED, 'http://broker.example:8081', 'broker.example:8080', false],
  ['another host', CLOSED, 'http://other.example:8080', 'broker.example:8080', false],
  ['a host that begins alike', CLOSED, 'http://broker.example.evil:8080', 'broker.example:8080', false],
  ['a Host that hides another', CLOSED, 'http://evil', 'broker.example@evil', false],
  ['no Host', CLOSED, 'http://broker.example', undefined, false],
  ['a page without an origin', CLOSED, 'null', 'broker.example', false],
  ['a page without an origin, and a Host of that name', CLOSED, 'null', 'null', false],
  ['what is no origin', CLOSED, 'broker.example:8080', 'broker.example:8080', false],
  // DNS rebinding: a foreign name for our address.
  ['a foreign name where anonymous Clients may log in', OPEN, 'http://evil.example:8080', 'evil.example:8080', false],
  ['a foreign name where nobody may without showing something', CLOSED, 'http://evil.example', 'evil.example', true],
  ['a name that begins like an address', OPEN, 'http://127.0.0.1.evil.example', '127.0.0.1.evil.example', false],
  ['a name that begins like localhost', OPEN, 'http://localhost.evil.example', 'localhost.evil.example', false],
  ['an address', OPEN, 'http://192.0.2.7', '192.0.2.7', true],
  ['localhost', OPEN, 'http://localhost:8080', 'LOCALHOST:8080', true],
  ['a name that is allowed', hosts('Broker.example'), 'http://broker.example:8080', 'broker.EXAMPLE:8080', true],
  ['another name than the one that is allowed', hosts('broker.example'), 'http://evil.example', 'evil.example', false],
  [
    'an allowed name, and a page of another host',
    hosts('broker.example'),
    'http://evil.example',
    'broker.example',
    false,
  ],
  // What is listed.
  ['a listed origin', listed('https://app.example'), 'https://app.example', 'broker.example', true],
  [
    'a listed origin, its port written out',
    listed('https://app.example:443'),
    'https://app.example',
    'broker.example',
    true,
  ],
  ['a listed origin of another scheme', listed('https://app.example'), 'http://app.example', 'broker.example', false],
  [
    'a listed origin where anonymous Clients may log in',
    { ...OPEN, allowedOrigins: ['https://app.example'] },
    'https://app.example',
    'broker.example',
    true,
  ],
  ['null, listed', listed('null'), 'null', 'broker.example', true],
  ['any', listed('*'), 'https://anything.example', 'broker.example', true],
  ['any, with null', listed('*'), 'null', 'broker.example', true],
  ['a subdomain', listed('https://*.app.example'), 'https://a.app.example', 'broker.example', true],
  ['a subdomain of a subdomain', listed('https://*.app.example'), 'https://a.b.app.example', 'broker.example', true],
  ['the domain of the subdomains', listed('https://*.app.example'), 'https://app.example', 'broker.example', false],
  ['nothing before the dot', listed('https://*.app.example'), 'https://.app.example', 'broker.example', false],
  ['a domain that ends alike', listed('https://*.app.example'), 'https://evilapp.example', 'broker.example', false],
  [
    'a subdomain at another port',
    listed('https://*.app.example'),
    'https://a.app.example:8443',
    'broker.example',
    false,
  ],
  [
    'a subdomain at the listed port',
    listed('https://*.app.example:8443'),
    'https://a.app.example:8443',
    'broker.example',
    true,
  ],
  ['a subdomain of another scheme', listed('https://*.app.example'), 'http://a.app.example', 'broker.example', false],
  ['a page in an app', listed('capacitor://localhost'), 'capacitor://localhost', 'broker.example', true],
]
for (const [title, options, origin, host, isAllowed] of cases) {
  test(`Origin ${origin} at Host ${host} (${title}) ${isAllowed ? 'may' : 'may not'}`, () => {
    assert.equal(new OriginRules(options).refusal(origin, host) === undefined, isAllowed)
  })
}

test('a refusal names the Origin and the key that would let it in; headers are quoted, and cut', () => {
  const closed = new OriginRules(CLOSED).refusal('https://app.example\u001b[2J', 'broker.example')
  assert.equal(
    closed,
    'Origin "https://app.example\\u001b[2J" is not in `allowed-origins` and does not match the Host, which is "broker.example"',
  )
  const rebound = new OriginRules(OPEN).refusal('http://evil.example', 'evil.example')
  assert.match(
    rebound!,
    /^Host "evil\.example" is not in `allowed-hosts`, which is required because anonymous clients may log in and a page of Origin "http:\/\/evil\.example" is/,
  )
  assert.ok(new OriginRules(CLOSED).refusal('x'.repeat(10_000), 'y'.repeat(10_000))!.length < 600)
})

test('whether anonymous Clients may log in is known for each listener, and follows its own keys', () => {
  const { listeners } = resolveOptions({
    listeners: {
      inherits: { bind: '127.0.0.1:0' },
      closed: { bind: '127.0.0.1:0', 'allow-anonymous': false },
      asksNoOne: { bind: '127.0.0.1:0', 'auth-plugins': [] },
    },
    auth: { 'allow-anonymous': true },
  })
  const known = listeners.map(({ name, admitsAnonymous }) => [name, admitsAnonymous])
  assert.deepEqual(known, [
    ['inherits', true],
    ['closed', false],
    ['asksNoOne', false],
  ])
  assert.equal(resolveOptions().listeners[0]!.admitsAnonymous, true)
  assert.equal(resolveOptions({ auth: { plugins: [{ name: 'own' }] } }).listeners[0]!.admitsAnonymous, false)
})

test('a mount is told the same, and follows a reload', async () => {
  const broker = new Broker({ listeners: {}, auth: { plugins: [{ name: 'own', authenticate: () => undefined }] } })
  await broker.start()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const mounted = broker.mount(server, { allowedHosts: ['ours.example'] })
  const { port } = server.address() as AddressInfo
  const statusAt = async (name: string): Promise<number> => {
    const headers = { Host: name, Origin: `http://${name}`, Connection: 'Upgrade', Upgrade: 'websocket' }
    const request = get({ port, host: '127.0.0.1', path: '/mqtt', headers })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode!
  }
  // 400: beyond the Origin, what is missing is the subprotocol.
  assert.deepEqual([await statusAt('evil.example'), await statusAt('ours.example')], [400, 400])
  await broker.reload({ listeners: {}, auth: { 'allow-anonymous': true } })
  assert.deepEqual([await statusAt('evil.example'), await statusAt('ours.example')], [403, 400])
  assert.throws(() => broker.mount(server, { allowedOrigins: ['app.example'] }), { code: 'ERR_CONFIG' })
  mounted.close()
  await broker.close()
  server.close()
})
