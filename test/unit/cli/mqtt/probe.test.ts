import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { probe } from '../../../../src/cli/mqtt/probe.ts'
import { createBroker } from '../../../../src/create-broker.ts'
import { TestAuthority } from '../../../support/certificates.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'

const authority = new TestAuthority('Works CA')
const identity = authority.issue({ subject: [['CN', 'server']], names: ['IP:127.0.0.1'] })
const folder = scratchFolder()
const [certfile, keyfile, cafile] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
]
writeFileSync(certfile, identity.certificate)
writeFileSync(keyfile, identity.key)
writeFileSync(cafile, authority.certificate)
const bind = '127.0.0.1:0'

/** @returns the exit code, and of each step its state and name; then all lines */
async function probed(...args: string[]): Promise<readonly [code: number, steps: string[], text: string]> {
  const lines: string[] = []
  const out = (text: string): void => void lines.push(text)
  const terminal = {
    out,
    err: out,
    raw: () => undefined,
    bold: String,
    columns: () => 80,
    isInteractive: false,
    hasColours: false,
  }
  const code = await probe({ options: {}, positionals: [], args, terminal })
  const steps = lines
    .filter((line) => !line.startsWith(' '))
    .map((line) => line.slice(0, 19).replaceAll(/\s+/g, ' ').trim())
  return [code, steps, lines.join('\n')]
}

test('every step to a broker over TCP is a line', async () => {
  await using broker = await createBroker({ listeners: { a: { bind } } })
  const [code, steps, text] = await probed(broker.listeners[0]!.url)
  assert.deepEqual([code, steps], [0, ['ok TCP', 'ok stream', 'ok login', 'ok round trip']])
  assert.match(text, /assigned-client-identifier/)
})

test('a name is resolved first', async () => {
  await using broker = await createBroker({ listeners: { a: { bind } } })
  const [code, steps] = await probed('-h', 'localhost', '-p', `${broker.listeners[0]!.port}`)
  assert.deepEqual([code, steps[0]], [0, 'ok name'])
})

test('TLS and WebSocket are steps, with the certificate and the days that are left', async () => {
  await using broker = await createBroker({ listeners: { a: { bind, type: 'ws', ssl: true, certfile, keyfile } } })
  const [code, steps, text] = await probed(broker.listeners[0]!.url, '--cafile', cafile)
  assert.deepEqual([code, steps], [0, ['ok TCP', 'ok TLS', 'ok WebSocket', 'ok login', 'ok round trip']])
  assert.match(text, /certificate server \(IP Address:127\.0\.0\.1\): \d+ days left/)
})

test('a certificate that is not trusted fails at the step TLS, and is shown', async () => {
  await using broker = await createBroker({ listeners: { a: { bind, ssl: true, certfile, keyfile } } })
  const [code, steps, text] = await probed(broker.listeners[0]!.url)
  assert.deepEqual([code, steps], [1, ['ok TCP', 'failed TLS']])
  assert.match(text, /not trusted: UNABLE_TO_VERIFY_LEAF_SIGNATURE.*certificate server/)
})

test('a refused login fails at the step login, with what to do', async () => {
  await using broker = await createBroker({
    listeners: { a: { bind } },
    auth: { plugins: [{ name: 'refusing', authenticate: () => ({ decision: 'deny' }) }] },
  })
  const [code, steps, text] = await probed(broker.listeners[0]!.url)
  assert.deepEqual([code, steps], [1, ['ok TCP', 'ok stream', 'failed login']])
  assert.match(text, /-u USER/)
})

test('a port where nobody listens fails at the step TCP', async () => {
  const broker = await createBroker({ listeners: { a: { bind } } })
  const { url } = broker.listeners[0]!
  await broker.close()
  const [code, steps, text] = await probed(url)
  assert.deepEqual([code, steps], [1, ['failed TCP']])
  assert.match(text, /ECONNREFUSED/)
})

test('what does not belong to a connection is refused', async () => {
  await assert.rejects(probed('-t', 'a'), /no option -t/)
  await assert.rejects(probed('--nonsense'), /`sluice probe` has no option --nonsense/)
})
