/**
 * Who comes in with which certificate through which listener, and as whom: mqtts and wss, over real Connections.
 * @module
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { IClientOptions } from 'mqtt'
import type { ListenerInput } from '../../src/config/options.ts'
import type { Plugin } from '../../src/access/plugin.ts'
import { createBroker, type Broker } from '../../src/create-broker.ts'
import { TestAuthority, type Identity } from '../support/certificates.ts'
import { publish } from './mosquitto.ts'
import { dial } from './mqtt-js.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { clientsOf } from '../support/sessions.ts'

const authority = new TestAuthority('Works CA')
const server = authority.issue({ subject: [['CN', 'server']], names: ['IP:127.0.0.1'] })
const CN = [['CN', 'pump-7']] as const
const SHOWN = {
  none: undefined,
  good: authority.issue({ subject: [['O', 'Works'], ...CN], names: ['DNS:pump-7.works.example'] }),
  nameless: authority.issue({ subject: [['O', 'Works']] }),
  expired: authority.issue({ subject: CN, expired: true }),
  revoked: authority.issue({ subject: CN, names: ['DNS:stolen.works.example'] }),
  foreign: new TestAuthority('Another CA').issue({ subject: CN }),
} as const satisfies Record<string, Identity | undefined>
type Shown = keyof typeof SHOWN

/** In as somebody, `null` for in without a name; absent is turned away. */
type Admitted = Readonly<Partial<Record<Shown, string | null>>>

const CA = { cafile: 'ca.pem', crlfile: 'crl.pem' } as const
const LISTENERS: Readonly<Record<string, readonly [input: ListenerInput, admitted: Admitted]>> = {
  off: [{}, { none: null, good: null, nameless: null, expired: null, revoked: null, foreign: null }],
  optional: [CA, { none: null, good: null, nameless: null }],
  required: [
    { ...CA, 'client-certificates': 'required' },
    { good: null, nameless: null },
  ],
  cn: [
    { ...CA, 'certificate-user-name': 'cn' },
    { none: null, good: 'pump-7', nameless: null },
  ],
  subject: [
    { ...CA, 'certificate-user-name': 'subject' },
    { none: null, good: 'CN=pump-7,O=Works', nameless: 'O=Works' },
  ],
  san: [
    { ...CA, 'certificate-user-name': 'san' },
    { none: null, good: 'pump-7.works.example', nameless: null },
  ],
}

function files(): string {
  const folder = scratchFolder()
  for (const [name, text] of Object.entries({
    'cert.pem': server.certificate,
    'key.pem': server.key,
    'ca.pem': authority.certificate,
    'crl.pem': authority.revoke(SHOWN.revoked),
    'good.pem': SHOWN.good.certificate,
    'good.key': SHOWN.good.key,
  })) {
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const dialWith = (url: string, shown: Identity | undefined, options: IClientOptions = {}) =>
  dial(url, {
    protocolVersion: 5,
    ca: authority.certificate,
    ...(shown !== undefined && { cert: shown.certificate, key: shown.key }),
    ...options,
  })

/** The User Name of whoever is in; `undefined` when nobody is. */
async function outcome(broker: Broker, url: string, shown: Identity | undefined): Promise<string | null | undefined> {
  try {
    const client = await dialWith(url, shown)
    const userName = clientsOf(broker)[0]?.userName ?? null
    await client.endAsync()
    return userName
  } catch {
    return undefined
  }
}

for (const type of ['tcp', 'ws'] as const) {
  test(`certificate × listener over ${type === 'tcp' ? 'mqtts' : 'wss'}: who comes in, and as whom`, async () => {
    const folder = files()
    const pathsOf = (input: ListenerInput): ListenerInput =>
      Object.fromEntries(
        Object.entries(input).map(([key, value]) => [
          key,
          key.endsWith('file') ? join(folder, value as string) : value,
        ]),
      )
    const shared = pathsOf({ certfile: 'cert.pem', keyfile: 'key.pem' })
    const listeners = Object.fromEntries(
      Object.entries(LISTENERS).map(([name, [input]]) => [
        name,
        { bind: '127.0.0.1:0', type, ssl: true, ...shared, ...pathsOf(input) },
      ]),
    )
    await using broker = await createBroker({ listeners, auth: { 'allow-anonymous': true } })
    for (const { name, url, counters: before } of broker.listeners) {
      const admitted = LISTENERS[name]![1]
      for (const [title, shown] of Object.entries(SHOWN)) {
        const expected = admitted[title as Shown]
        assert.deepEqual(await outcome(broker, url, shown), expected, `${title} at ${name}`)
      }
      const turnedAway = Object.keys(SHOWN).length - Object.keys(admitted).length
      assert.equal(before.failedHandshakes, 0)
      assert.equal(broker.listeners.find((one) => one.name === name)?.counters.failedHandshakes, turnedAway, name)
    }
  })
}

test('a certificate names its Client alone: another User Name in CONNECT is refused, also with a right password', async () => {
  const folder = files()
  const at = (name: string): string => join(folder, name)
  const tls = { ssl: true, certfile: at('cert.pem'), keyfile: at('key.pem'), cafile: at('ca.pem') }
  const everybody: Plugin = { name: 'everybody', authenticate: () => ({ decision: 'allow' }) }
  await using broker = await createBroker({
    listeners: { door: { bind: '127.0.0.1:0', ...tls, 'certificate-user-name': 'cn' } },
    auth: { plugins: ['auth.certificate', everybody] },
  })
  const { url } = broker.listeners[0]!
  await assert.rejects(dialWith(url, SHOWN.good, { username: 'admin', password: 'right' }), { code: 0x86 })
  await (await dialWith(url, SHOWN.good, { username: 'pump-7' })).endAsync()
  const shown = ['--cafile', at('ca.pem'), '--cert', at('good.pem'), '--key', at('good.key')]
  assert.deepEqual(await publish(url, 'a', 'x', ...shown), { code: 0, out: '', err: '' })
  assert.notEqual((await publish(url, 'a', 'x', '-u', 'admin', ...shown)).code, 0)
})
