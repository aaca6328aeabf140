import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Address, serverUrlOf, urlOfAddress } from '../../../src/client/address.ts'
import { Client } from '../../../src/client/client.ts'
import type { ClientError } from '../../../src/client/client-error.ts'
import { dial } from '../../../src/client/dial.ts'
import { proxyOf } from '../../../src/client/proxy.ts'
import { createBroker } from '../../../src/create-broker.ts'
import { realClock } from '../../../src/turn/clock.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { startHttpProxy, startSocks } from '../../support/proxies.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

const authority = new TestAuthority('Works CA')
const identity = authority.issue({ subject: [['CN', 'localhost']], names: ['IP:127.0.0.1', 'DNS:localhost'] })

/** Sends itself a message of QoS 2. @returns the payload that came back, or the error */
function roundTrip(address: Address, payload: Uint8Array): Promise<Buffer | ClientError> {
  return new Promise((resolve) => {
    const client = new Client(
      {},
      {
        dial: (attempt) => dial(address, attempt),
        connected: () =>
          client.subscribe([{ topicFilter: 'a', qos: 2 }], () => void client.publish('a', payload, { qos: 2 })),
        disconnected: (error) => error !== undefined && resolve(error),
        received: (message) => {
          resolve(Buffer.from(message.payload))
          return 0
        },
        acknowledged: () => client.end(),
      },
      realClock,
    )
    client.start()
  })
}

const bind = '127.0.0.1:0'
const folder = scratchFolder()
const [certfile, keyfile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
writeFileSync(certfile, identity.certificate)
writeFileSync(keyfile, identity.key)
const LISTENERS = {
  mqtt: { bind },
  mqtts: { bind, ssl: true, certfile, keyfile },
  ws: { bind, type: 'ws' },
  wss: { bind, type: 'ws', ssl: true, certfile, keyfile },
  unix: { bind: join(folder, 'socket'), type: 'unix' },
} as const

for (const [name, listener] of Object.entries(LISTENERS)) {
  test(`${name}: a message of a megabyte goes to the broker and comes back`, async () => {
    await using broker = await createBroker({ listeners: { [name]: listener } })
    const { address } = serverUrlOf(broker.listeners[0]!.url)
    const payload = Buffer.alloc(1_000_000, 'x')
    const came = await roundTrip({ ...address, tls: { ca: [authority.certificate] } }, payload)
    assert.ok(!(came instanceof Error), String(came))
    assert.ok(came.equals(payload))
  })
}

for (const name of ['mqtts', 'wss'] as const) {
  test(`${name}: a certificate of an unknown authority is refused`, async () => {
    await using broker = await createBroker({ listeners: { [name]: LISTENERS[name] } })
    const came = await roundTrip(serverUrlOf(broker.listeners[0]!.url).address, Buffer.from('x'))
    assert.ok(came instanceof Error)
    assert.equal(came.code, 'ERR_CLIENT_UNREACHABLE')
    assert.match(came.message, /certificate/)
  })
}

test('a port where nobody listens is reported with the reason of the system', async () => {
  const broker = await createBroker({ listeners: { a: { bind } } })
  const { address } = serverUrlOf(broker.listeners[0]!.url)
  await broker.close()
  const came = await roundTrip(address, Buffer.from('x'))
  assert.ok(came instanceof Error)
  assert.equal(came.code, 'ERR_CLIENT_UNREACHABLE')
  assert.match(came.message, /ECONNREFUSED/)
})

for (const [kind, startProxy] of [
  ['socks5h', startSocks],
  ['http', startHttpProxy],
] as const) {
  for (const [name, listener] of Object.entries(LISTENERS).filter(([each]) => each !== 'unix')) {
    test(`${name} through a proxy (${kind}), which resolves the name`, async () => {
      await using broker = await createBroker({ listeners: { [name]: listener } })
      await using proxy = await startProxy(['ann', 'p@ss'])
      const { address } = serverUrlOf(broker.listeners[0]!.url)
      const way = { ...address, host: 'localhost', tls: { ca: [authority.certificate] } }
      const through = proxyOf(`${kind}://ann:p%40ss@127.0.0.1:${proxy.port}`)
      const came = await roundTrip({ ...way, proxy: through }, Buffer.from('hi'))
      assert.ok(!(came instanceof Error), String(came))
      assert.equal(came.toString(), 'hi')
      assert.deepEqual(proxy.targets, [`localhost:${address.port}`])
    })
  }

  test(`a proxy (${kind}) that refuses a login, or none, is reported`, async () => {
    await using proxy = await startProxy(['ann', 'secret'])
    const address: Address = { transport: 'tcp', host: 'a.example', port: 1883 }
    for (const login of ['', 'ann:wrong@']) {
      const through = proxyOf(`${kind}://${login}127.0.0.1:${proxy.port}`)
      const came = await roundTrip({ ...address, proxy: through }, Buffer.from('x'))
      assert.ok(came instanceof Error)
      assert.match(came.message, /the proxy (?:requires a login|refused)/)
    }
  })
}

test('what a SOCKS proxy answers is reported in words', async () => {
  await using proxy = await startSocks()
  const address: Address = { transport: 'tcp', host: 'refused.example', port: 1883 }
  const through = proxyOf(`socks5h://127.0.0.1:${proxy.port}`)
  const came = await roundTrip({ ...address, proxy: through }, Buffer.from('x'))
  assert.ok(came instanceof Error)
  assert.match(came.message, /the proxy refused: connection not allowed/)
})

test('the URL of a proxy', () => {
  assert.deepEqual(proxyOf('http://a:80'), { kind: 'http', host: 'a', port: 80 })
  assert.deepEqual(proxyOf('http://a'), { kind: 'http', host: 'a', port: 3128 })
  assert.deepEqual(proxyOf('socks5h://u@[::1]'), { kind: 'socks5', host: '::1', port: 1080, userName: 'u' })
  assert.throws(() => proxyOf('ftp://ann:secret@a'), /begins with socks5h:.*got ftp:\/\/a$/)
})

const URLS: readonly (readonly [text: string, address: Address, userName?: string, password?: string])[] = [
  ['mqtt://example.com', { transport: 'tcp', host: 'example.com', port: 1883 }],
  ['mqtts://ann:a%40b@example.com:8884', { transport: 'tls', host: 'example.com', port: 8884 }, 'ann', 'a@b'],
  ['ws://[::1]:8080', { transport: 'ws', host: '::1', port: 8080, path: '/mqtt' }],
  ['wss://example.com/a?b=1', { transport: 'wss', host: 'example.com', port: 443, path: '/a?b=1' }],
  ['unix:/run/sluice', { transport: 'unix', host: '', port: 0, path: '/run/sluice' }],
  ['unix:///run/sluice', { transport: 'unix', host: '', port: 0, path: '/run/sluice' }],
]
for (const [text, address, userName, password] of URLS) {
  test(`${text} is read`, () => {
    assert.deepEqual(serverUrlOf(text), { address, userName, password })
  })
}

test('an address is written as a URL again', () => {
  for (const url of ['mqtt://a:1883', 'mqtts://[::1]:8883', 'wss://a:443/mqtt', 'unix:/a']) {
    assert.equal(urlOfAddress(serverUrlOf(url).address), url)
  }
})

test('another URL is an error that does not repeat the password', () => {
  for (const text of ['http://ann:secret@example.com', 'mqtt://', 'nonsense', 'unix:']) {
    assert.throws(() => serverUrlOf(text), { code: 'ERR_USAGE' })
    assert.throws(
      () => serverUrlOf(text),
      (error: Error) => !error.message.includes('secret'),
    )
  }
})
