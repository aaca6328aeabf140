import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { eventNames } from '../../../src/broker/events.ts'
import type { ConfigInput } from '../../../src/broker/options.ts'
import { hashPassword } from '../../../src/plugins/password-hash.ts'
import { TestBroker } from '../../support/test-broker.ts'
import type { ConnectOptions } from '../../support/test-client.ts'
import { CapturedLog } from './support.ts'

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZXRlciIsImV4cCI6OTk5OTk5OTk5OX0.c2lnbmF0dXJlc2lnbmF0dXJl'
const SHARED_SECRET = 'shared-secret-shared-secret-shared'
const HEADER_SECRET = 'header-secret'
const SECRETS = /hunter2|hunter3|eyJ|c2lnb|shared-secret|header-secret|\$6\$|\$2b\$|SCRAM-SHA-256\$/

const scramData = { authenticationMethod: 'SCRAM-SHA-256', authenticationData: Buffer.from('n,,n=bob,r=hunter3') }

const logins: [title: string, options: ConnectOptions][] = [
  ['a right password', { userName: 'bob', password: 'hunter2' }],
  ['a wrong password', { userName: 'bob', password: 'hunter3' }],
  ['a password for nobody', { userName: 'eve', password: 'hunter3' }],
  ['a token that is refused', { userName: 'x', password: TOKEN }],
  ['a token as the User Name', { userName: TOKEN }],
  ['a password to a plugin that throws it back', { userName: 'thrower', password: 'hunter3' }],
  ['an AUTH exchange', { properties: scramData }],
]

/** Has the secrets in the message, as a careless plugin does. */
const thrower = {
  name: 'thrower',
  authenticate: ({ userName, password }: { userName: string | undefined; password: Uint8Array | undefined }) => {
    if (userName === 'thrower') throw new Error(`cannot parse ${Buffer.from(password ?? []).toString()}`)
    return undefined
  },
}

test('no password, token or key shows in a log line or an event, whatever becomes of the log-in', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-secrets-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = (name: string): string => join(folder, name)
  await writeFile(path('passwords'), `bob:${await hashPassword('hunter2', 'sha512-crypt')}\n`)
  await writeFile(path('scram'), `bob:${await hashPassword('hunter2', 'scram-sha-256')}\n`)
  await writeFile(path('secret'), SHARED_SECRET)
  const auth: ConfigInput['auth'] = {
    plugins: ['auth.file', 'auth.jwt', 'auth.http', 'auth.scram', thrower],
    'password-file': path('passwords'),
    jwt: { 'secret-file': path('secret') },
    http: { url: 'http://127.0.0.1:1/', headers: { authorization: HEADER_SECRET } },
    scram: { file: path('scram') },
  }
  const told: string[] = []
  const logger = new CapturedLog()
  const plugins = ['event_logger_plugin', 'packet_logger_plugin']
  const broker = await TestBroker.start({ auth, plugins }, { logger })
  for (const name of eventNames) broker.broker.on(name, (event) => told.push(`${name} ${inspect(event, { depth: 9 })}`))

  for (const [title, options] of logins) {
    const [lines, events] = [logger.lines.length, told.length]
    const client = broker.connect(options)
    for (let n = 0; n < 1000 && client.packets.length === 0; n++) await broker.settle()
    const news = [...logger.lines.slice(lines), ...told.slice(events).filter((text) => !text.startsWith('packet'))]
    assert.ok(news.length > 0, `${title}: something is told`)
    assert.doesNotMatch(news.join('\n'), SECRETS, title)
    client.destroy()
  }
  await broker.close()
  assert.doesNotMatch(logger.lines.join('\n'), SECRETS)
})
