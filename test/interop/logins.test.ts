/**
 * Every kind of log-in, right and wrong, over a real Connection, with hashes made by the tools that users have. @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import type { ConfigInput } from '../../src/config/options.ts'
import { createBroker, type Broker } from '../../src/create-broker.ts'
import { WRITABLE_PASSWORD_HASH_KINDS } from '../../src/plugins/password-hash.ts'
import { clientFinal } from '../support/scram-client.ts'
import { sluice } from '../unit/cli/cli-support.ts'
import { run } from './mosquitto.ts'
import { dial } from './mqtt-js.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { clientsOf } from '../support/sessions.ts'

const PASSWORD = 'hünter2 $6$'

/** A broker with that `auth`, in which wrong log-ins are answered at once. */
async function start(auth: ConfigInput['auth']): Promise<{ broker: Broker; url: string }> {
  const listeners = { door: { bind: '127.0.0.1:0' } }
  const broker = await createBroker({ listeners, auth: { ...auth, 'login-delay-after': 1000 } })
  return { broker, url: broker.listeners[0]!.url }
}

/** 0, or the code with which CONNACK refuses. */
async function codeOf(url: string, options: IClientOptions): Promise<number> {
  try {
    await (await dial(url, options)).endAsync()
    return 0
  } catch (error) {
    return (error as { code: number }).code
  }
}

/** By the tool that makes it: the line of a user in a password file. */
const MAKERS: Readonly<Record<string, (folder: string) => Promise<string>>> = {
  ...Object.fromEntries(
    ['sha512crypt', 'sha256crypt', 'bcrypt'].map((kind) => [`mkpasswd ${kind}`, () => mkpasswd(kind)]),
  ),
  ...Object.fromEntries(
    ['sha512', 'sha512-pbkdf2'].map((kind) => [
      `mosquitto_passwd ${kind}`,
      async (folder: string) => {
        const file = join(folder, 'one')
        assert.equal((await run('mosquitto_passwd', ['-H', kind, '-c', '-b', file, 'user', PASSWORD])).code, 0)
        return readFileSync(file, 'utf8').trim().slice('user:'.length)
      },
    ]),
  ),
  ...Object.fromEntries(
    WRITABLE_PASSWORD_HASH_KINDS.filter((kind) => kind !== 'scram-sha-256').map((kind) => [
      `sluice passwd ${kind}`,
      (folder: string) => {
        const { code } = sluice(['passwd', 'own', 'user', '--kind', kind], folder, `${PASSWORD}\n`)
        assert.equal(code, 0)
        return Promise.resolve(readFileSync(join(folder, 'own'), 'utf8').trim().slice('user:'.length))
      },
    ]),
  ),
}

async function mkpasswd(kind: string): Promise<string> {
  return (await run('mkpasswd', ['-m', kind, '-s'], PASSWORD)).out.trim()
}

test('each kind of hash: the right password comes in, a wrong one is refused, in 5.0 and 3.1.1', async () => {
  const folder = scratchFolder()
  const file = join(folder, 'passwords')
  for (const [index, make] of Object.values(MAKERS).entries()) appendFileSync(file, `u${index}:${await make(folder)}\n`)
  const { broker, url } = await start({ 'password-file': file })
  for (const [index, kind] of Object.keys(MAKERS).entries()) {
    const codes = []
    for (const protocolVersion of [5, 4] as const) {
      for (const password of [PASSWORD, 'hunter2 $6$', '']) {
        codes.push(await codeOf(url, { username: `u${index}`, password, protocolVersion }))
      }
    }
    assert.deepEqual(codes, [0, 0x86, 0x86, 0, 4, 4], kind)
  }
  assert.equal(broker.metrics.loginsRefused, 4 * Object.keys(MAKERS).length)
  await broker.close()
})

/** Names that `mosquitto_passwd` takes, with the User Name under which Mosquitto knows them. */
const ODD_NAMES = [
  ['ann', 'ann'],
  ['with space', 'with space'],
  [' blanks around ', 'blanks around'],
  ['jürgen', 'jürgen'],
  ['$7$', '$7$'],
] as const

test('a file that mosquitto_passwd wrote, name by name and then all over again (-U), opens for every name in it', async (t) => {
  const folder = scratchFolder()
  const [one, whole] = [join(folder, 'one'), join(folder, 'whole')]
  writeFileSync(one, '')
  for (const [name] of ODD_NAMES) {
    assert.equal((await run('mosquitto_passwd', ['-b', one, name, PASSWORD])).code, 0)
  }
  writeFileSync(whole, 'ann:plain\r\nbob:with space')
  assert.equal((await run('mosquitto_passwd', ['-U', whole])).code, 0)
  for (const [file, names, password] of [
    [one, ODD_NAMES.map(([, name]) => name), PASSWORD],
    [whole, ['ann'], 'plain'],
    [whole, ['bob'], 'with space'],
  ] as const) {
    const { broker, url } = await start({ 'password-file': file })
    t.after(() => broker.close())
    for (const username of names) assert.equal(await codeOf(url, { username, password }), 0, JSON.stringify(username))
    assert.equal(await codeOf(url, { username: names[0]!, password: 'wrong' }), 4)
  }
})

test('auth.jwt: a good token comes in under the name it carries; any other is refused', async () => {
  const folder = scratchFolder()
  const secret = Buffer.from('a secret of at least 32 bytes, for HS256')
  writeFileSync(join(folder, 'secret'), secret)
  const { broker, url } = await start({ jwt: { 'secret-file': join(folder, 'secret'), audience: 'sluice' } })
  const token = (audience: string, key: Uint8Array, expires: string): Promise<string> =>
    new SignJWT({ sub: 'meter-7' })
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience(audience)
      .setExpirationTime(expires)
      .sign(key)
  const good = await token('sluice', secret, '1 hour')
  const client = await dial(url, { protocolVersion: 5, username: 'anything', password: good })
  assert.equal(clientsOf(broker)[0]?.userName, 'meter-7')
  await client.endAsync()
  for (const wrong of [
    await token('other', secret, '1 hour'),
    await token('sluice', secret, '1 hour ago'),
    await token('sluice', Buffer.alloc(40, 'x'), '1 hour'),
    `${good}x`,
  ]) {
    assert.equal(await codeOf(url, { protocolVersion: 5, username: 'anything', password: wrong }), 0x86)
  }
  const short = await dial(url, {
    protocolVersion: 5,
    password: await token('sluice', secret, '1 second'),
    username: 'x',
  })
  const told = await new Promise<number | undefined>((resolve) => {
    short.once('disconnect', ({ reasonCode }) => resolve(reasonCode))
  })
  assert.equal(told, 0x87, 'the Connection ends with the token')
  short.end(true)
  await broker.close()
})

test('auth.http: the service decides, and its silence is a no', async () => {
  const service = createServer((request, response) => {
    void text(request).then((asked) => {
      const { userName, password } = JSON.parse(asked) as { userName: string; password: string }
      if (userName === 'silent') return
      const isRight = password === PASSWORD
      response.end(
        JSON.stringify(isRight ? { decision: 'allow', userName: `${userName}@works` } : { decision: 'deny' }),
      )
    })
  })
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  const address = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`
  const { broker, url } = await start({ http: { url: address, 'timeout-ms': 2000 } })
  const client = await dial(url, { username: 'ann', password: PASSWORD })
  assert.equal(clientsOf(broker)[0]?.userName, 'ann@works')
  await client.endAsync()
  const codes = []
  for (const [username, password] of [
    ['ann', 'wrong'],
    ['silent', PASSWORD],
  ] as const) {
    codes.push(await codeOf(url, { protocolVersion: 5, username, password }))
  }
  assert.deepEqual(codes, [0x86, 0x88])
  service.closeAllConnections()
  service.close()
  assert.equal(await codeOf(url, { protocolVersion: 5, username: 'bob', password: PASSWORD }), 0x88)
  await broker.close()
})

/** MQTT.js with our half of the exchange; the last word of the Server, once it is in. */
async function scram(url: string, user: string, password: string): Promise<number> {
  const bare = `n=${user},r=clientnonce`
  let expected = ''
  const authenticationMethod = 'SCRAM-SHA-256'
  const client = connect(url, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    properties: { authenticationMethod, authenticationData: Buffer.from(`n,,${bare}`) },
  })
  client.handleAuth = ({ properties }, answer) => {
    const { message, verifier } = clientFinal(password, bare, String(properties?.authenticationData))
    expected = verifier
    const authenticationData = Buffer.from(message)
    answer(undefined, { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod, authenticationData } })
  }
  return outcomeOf(client, (data) => assert.equal(data, expected, 'the Server knows the password, too'))
}

function outcomeOf(client: MqttClient, check: (authenticationData: string) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    client.once('error', (error) => resolve((error as unknown as { code: number }).code))
    client.once('connect', ({ properties }) => {
      client.end(true)
      try {
        check(String(properties?.authenticationData))
        resolve(0)
      } catch (error) {
        reject(error as Error)
      }
    })
  })
}

test('auth.scram: SCRAM-SHA-256 both ways; a wrong password and an unknown user are refused alike (§4.12)', async () => {
  const folder = scratchFolder()
  assert.equal(sluice(['passwd', 'scram', 'ann', '--kind', 'scram-sha-256'], folder, 'pencil\n').code, 0)
  const { broker, url } = await start({ scram: { file: join(folder, 'scram') } })
  assert.equal(await scram(url, 'ann', 'pencil'), 0)
  assert.deepEqual([await scram(url, 'ann', 'pen'), await scram(url, 'eve', 'pencil')], [0x86, 0x86])
  await broker.close()
})
