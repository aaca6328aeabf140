/** The API over TLS, and client certificates as a login. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request as requestPlain, type IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { resolveOptions, type ConfigInput } from '../../../../src/config/options.ts'
import { createBroker, type Broker } from '../../../../src/index.ts'
import { TestAuthority, type Identity } from '../../../support/certificates.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'

const authority = new TestAuthority('Works CA')
const stranger = new TestAuthority('Another CA')
const identity = (): Identity => authority.issue({ subject: [['CN', 'server']], names: ['IP:127.0.0.1'] })

interface Files {
  readonly certfile: string
  readonly keyfile: string
  readonly cafile: string
}

function writeFiles(folder: string, { certificate, key }: Identity): Files {
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  return {
    certfile: write('cert.pem', certificate),
    keyfile: write('key.pem', key),
    cafile: write('ca.pem', authority.certificate),
  }
}

async function serve(
  t: TestContext,
  admin: ConfigInput['admin'],
): Promise<{ broker: Broker; port: number; config: ConfigInput }> {
  let url = ''
  const info = (fields: object | string): void => {
    if (typeof fields === 'object' && 'url' in fields) url = fields.url as string
  }
  const config = { listeners: {}, admin: { bind: '127.0.0.1:0', socket: 'off', ssl: true, ...admin } }
  const broker = await createBroker(config, { logger: { ...silentLogger, info } })
  t.after(() => broker.close())
  assert.match(url, /^https:/)
  return { broker, port: Number(new URL(url).port), config }
}

interface Got {
  readonly status: number
  readonly code: string
  readonly serial: string
}

async function get(port: number, path: string, client: Partial<Identity> = {}, headers = {}): Promise<Got> {
  const { certificate: cert, key } = client
  const ca = authority.certificate
  const asked = request({ host: '127.0.0.1', port, path, ca, cert, key, headers, agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const { serialNumber } = (
    response.socket as unknown as { getPeerCertificate(): { serialNumber: string } }
  ).getPeerCertificate()
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString()
  return { status: response.statusCode!, code: (JSON.parse(text) as { code: string }).code, serial: serialNumber }
}

test('`ssl: on` serves TLS with `certfile` and `keyfile`; an API key is needed as without', async (t) => {
  const folder = scratchFolder()
  const { certfile, keyfile } = writeFiles(folder, identity())
  const { broker, port } = await serve(t, { certfile, keyfile, 'keys-file': join(folder, 'keys.json') })
  const { key } = await broker.admin.createApiKey({ name: 'x', role: 'viewer' })
  assert.equal((await get(port, '/health/live')).status, 200)
  assert.equal((await get(port, '/api/v1/overview')).code, 'ERR_UNAUTHORIZED')
  assert.equal((await get(port, '/api/v1/overview', {}, { Authorization: `Bearer ${key}` })).status, 200)
})

test(
  '`max-connections` with TLS: a request under way does not give way to a newcomer',
  { timeout: 30_000 },
  async (t) => {
    const folder = scratchFolder()
    const { certfile, keyfile } = writeFiles(folder, identity())
    const keys = { 'keys-file': join(folder, 'keys.json') }
    const { broker, port } = await serve(t, { certfile, keyfile, ...keys, 'max-connections': 1 })
    const { key } = await broker.admin.createApiKey({ name: 'x', role: 'viewer' })
    const headers = { Authorization: `Bearer ${key}` }
    const path = '/api/v1/events?overview=1'
    const asked = request({ host: '127.0.0.1', port, path, ca: authority.certificate, headers, agent: false }).end()
    t.after(() => asked.destroy())
    asked.on('error', () => {})
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const newcomer = connect(port, '127.0.0.1').resume()
    newcomer.on('error', () => {})
    await once(newcomer, 'close')
    await once(response, 'data')
    assert.equal(response.destroyed, false)
  },
)

test('a certificate of a CA in `cafile` is a login with `certificate-role`; another one, or none, is none', async (t) => {
  const { cafile, certfile, keyfile } = writeFiles(scratchFolder(), identity())
  const client = authority.issue({ subject: [['CN', 'dashboard']] })
  const { port } = await serve(t, { certfile, keyfile, cafile, 'certificate-role': 'operator' })
  assert.equal((await get(port, '/api/v1/overview', client)).status, 200)
  assert.equal((await get(port, '/api/v1/configuration', client)).code, 'ERR_FORBIDDEN')
  assert.equal((await get(port, '/api/v1/overview')).code, 'ERR_UNAUTHORIZED')
  const foreign = stranger.issue({ subject: [['CN', 'dashboard']] })
  assert.equal((await get(port, '/api/v1/overview', foreign)).code, 'ERR_UNAUTHORIZED')
  const expired = authority.issue({ subject: [['CN', 'dashboard']], expired: true })
  assert.equal((await get(port, '/api/v1/overview', expired)).code, 'ERR_UNAUTHORIZED')
  const wrong = { Authorization: 'Bearer wrong' }
  assert.equal((await get(port, '/api/v1/overview', client, wrong)).code, 'ERR_UNAUTHORIZED', 'a wrong key counts')
})

test('a reload reads the files again', async (t) => {
  const folder = scratchFolder()
  const [first, second] = [identity(), identity()]
  const { certfile, keyfile } = writeFiles(folder, first)
  const { broker, port, config } = await serve(t, { certfile, keyfile })
  const before = (await get(port, '/health/live')).serial
  writeFiles(folder, second)
  await broker.reload(config)
  assert.notEqual((await get(port, '/health/live')).serial, before)
  writeFileSync(certfile, 'nonsense')
  await assert.rejects(broker.reload(config), { code: 'ERR_LISTENER_CERTIFICATE', message: /admin/ })
  assert.equal((await get(port, '/health/live')).status, 200)
})

test('TLS needs its files, and files need TLS; `keyfile-password-file` belongs to an encrypted key', () => {
  const { certfile, keyfile, cafile } = writeFiles(scratchFolder(), identity())
  const problems = (admin: object): unknown[] => {
    try {
      resolveOptions({ admin })
      return []
    } catch (error) {
      return (error as { problems: { path: string }[] }).problems.map(({ path }) => path)
    }
  }
  assert.deepEqual(problems({ bind: ':1', ssl: true, certfile }), ['admin.ssl'])
  assert.deepEqual(problems({ bind: ':1', certfile, keyfile, cafile }), [
    'admin.certfile',
    'admin.keyfile',
    'admin.cafile',
  ])
  assert.deepEqual(problems({ bind: ':1', ssl: true, certfile, keyfile, cafile, 'keyfile-password-file': keyfile }), [])
  const [warning] = resolveOptions({ admin: { bind: ':1' } }).warnings
  assert.match(`${warning!.path} ${warning!.message}`, /^admin\.bind can be reached from other machines without TLS/)
  assert.deepEqual(resolveOptions({ admin: { bind: '127.0.0.1:1' } }).warnings, [])
})

test('`cafile` can come and go with a reload, and without it a certificate is no login', async (t) => {
  const { cafile, certfile, keyfile } = writeFiles(scratchFolder(), identity())
  const client = authority.issue({ subject: [['CN', 'dashboard']] })
  const { broker, port, config } = await serve(t, { certfile, keyfile })
  assert.equal((await get(port, '/api/v1/overview', client)).code, 'ERR_UNAUTHORIZED')
  await broker.reload({ ...config, admin: { ...(config.admin as object), cafile } })
  assert.equal((await get(port, '/api/v1/overview', client)).status, 200)
  await broker.reload(config)
  assert.equal((await get(port, '/api/v1/overview', client)).code, 'ERR_UNAUTHORIZED')
})

test(
  'a stream and a connection of a client certificate end when `cafile` no longer has its CA, and stay while it has',
  { timeout: 30_000 },
  async (t) => {
    const folder = scratchFolder()
    const { cafile, certfile, keyfile } = writeFiles(folder, identity())
    const client = authority.issue({ subject: [['CN', 'dashboard']] })
    const { broker, port, config } = await serve(t, { certfile, keyfile, cafile })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const { certificate: cert, key } = client
    const same = { host: '127.0.0.1', port, ca: authority.certificate, cert, key }
    const overview = async (): Promise<number> => {
      const [response] = (await once(request({ ...same, path: '/api/v1/overview', agent }).end(), 'response')) as [
        IncomingMessage,
      ]
      for await (const _ of response) void _
      return response.statusCode!
    }
    assert.equal(await overview(), 200)
    const streamed = request({ ...same, path: '/api/v1/events?overview=1', agent: false }).end()
    const [stream] = (await once(streamed, 'response')) as [IncomingMessage]
    const ended = once(stream.resume(), 'close')
    let isOver = false
    void ended.then(() => (isOver = true))
    writeFileSync(cafile, `${authority.certificate}\n${stranger.certificate}`)
    await broker.reload(config)
    assert.equal(await overview(), 200, 'its CA is still there')
    for (let count = 0; count < 2; count++) await once(stream, 'data')
    assert.equal(isOver, false)
    writeFileSync(cafile, stranger.certificate)
    await broker.reload(config)
    assert.equal(await overview(), 401)
    await ended
  },
)

test('closing the broker does not wait for a TLS handshake', async (t) => {
  const { certfile, keyfile } = writeFiles(scratchFolder(), identity())
  const { broker, port } = await serve(t, { certfile, keyfile })
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  // The broker has accepted it before the connection that comes after it.
  assert.equal((await get(port, '/health/live')).status, 200)
  const closed = once(socket, 'close')
  await broker.close()
  await closed
})

test('a reload turns TLS on and off and changes the host at the same port, or leaves everything as it was', async (t) => {
  const { certfile, keyfile } = writeFiles(scratchFolder(), identity())
  const { broker, port } = await serve(t, { certfile, keyfile })
  const reload = (bind: string, ssl: boolean, listeners = {}): Promise<unknown> =>
    broker.reload({
      listeners,
      admin: { bind: `${bind}:${port}`, socket: 'off', ...(ssl && { ssl, certfile, keyfile }) },
    })
  const plainStatus = async (): Promise<number | undefined> => {
    const asked = requestPlain({ host: '127.0.0.1', port, path: '/health/live', agent: false }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return response.resume().statusCode
  }
  await reload('127.0.0.1', false)
  assert.equal(await plainStatus(), 200)
  await reload('0.0.0.0', false)
  assert.equal(await plainStatus(), 200)
  await reload('127.0.0.1', true)
  assert.equal((await get(port, '/health/live')).status, 200)
  const foreign = createServer().listen(0, '127.0.0.1')
  t.after(() => foreign.close())
  await once(foreign, 'listening')
  const taken = { bind: `127.0.0.1:${(foreign.address() as AddressInfo).port}` }
  await assert.rejects(reload('127.0.0.1', false, { mqtt: taken }), { code: 'ERR_LISTENER_IN_USE' })
  assert.equal((await get(port, '/health/live')).status, 200)
})
