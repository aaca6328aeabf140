/**
 * What a broker is deployed with: its unit for systemd, its first configuration, and the question whether it is alive.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectAsync } from 'mqtt'
import { parse } from 'yaml'
import { UsageError } from '../../../src/base/errors.ts'
import { loadConfigFile } from '../../../src/config/config-file.ts'
import { resolveOptions } from '../../../src/config/options.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { ping } from '../../../src/cli/ping.ts'
import { createBroker } from '../../../src/create-broker.ts'
import { root } from '../../../tools/main.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0
/** Of `systemd-analyze security`, from 0 to 10: what it calls OK ends at 2. */
const MOST_EXPOSURE = 2

/** The unit with a program that is there on every machine that runs this. */
function unitFile(): { readonly folder: string; readonly text: string } {
  const folder = scratchFolder()
  const text = readFileSync(join(root, 'ops/sluice.service'), 'utf8')
  writeFileSync(join(folder, 'sluice.service'), text.replaceAll(/(?<=^Exec\w+=)sluice /gm, `${process.execPath} `))
  return { folder, text }
}

function analyze(...args: readonly string[]): { readonly code: number | null; readonly said: string } {
  const { folder } = unitFile()
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { cwd: folder, encoding: 'utf8' })
  return { code: status, said: `${stdout}${stderr}` }
}

test('systemd finds no fault with the unit', { skip: !hasAnalyze }, () => {
  assert.deepEqual(analyze('verify', '--man=no', './sluice.service'), { code: 0, said: '' })
})

test('the unit shuts the broker in', { skip: !hasAnalyze }, () => {
  const { said } = analyze('security', '--offline=true', '--no-pager', './sluice.service')
  const exposure = /Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1]
  assert.ok(Number(exposure) <= MOST_EXPOSURE, said)
})

test('the unit hears of each step from a child of the program, and starts what `sluice check` has seen', () => {
  const { text } = unitFile()
  for (const line of ['Type=notify', 'NotifyAccess=all', 'WatchdogSec=30', 'KillMode=mixed']) {
    assert.ok(text.split('\n').includes(line), line)
  }
})

for (const [environment, bind, path] of [
  [{}, '127.0.0.1:1883', '/var/lib/sluice'],
  [{ SLUICE_BIND: ':1884', STATE_DIRECTORY: '/srv/mqtt' }, ':1884', '/srv/mqtt'],
] as const) {
  test(`the configuration that comes with both, with ${JSON.stringify(environment)}`, () => {
    const folder = scratchFolder()
    const file = join(folder, 'sluice.yaml')
    copyFileSync(join(root, 'ops/sluice.yaml'), file)
    writeFileSync(join(folder, 'passwords'), '')
    const { input, source } = loadConfigFile(file, environment)
    const { listeners, persistence, auth } = resolveOptions(input as ConfigInput, source, { checkFiles: true })
    assert.deepEqual([`${listeners[0]!.host}:${listeners[0]!.port}`, persistence!.path], [bind, path])
    assert.equal(auth.allowAnonymous, false)
  })
}

test('compose.yaml mounts what the image reads and writes', () => {
  const { services } = parse(readFileSync(join(root, 'compose.yaml'), 'utf8')) as {
    services: { broker: { volumes: string[]; read_only: boolean } }
  }
  const image = readFileSync(join(root, 'Dockerfile'), 'utf8')
  const targets = services.broker.volumes.map((each) => each.split(':')[1]!)
  assert.ok(services.broker.read_only)
  assert.ok(targets.includes(/^VOLUME (.*)$/m.exec(image)![1]!))
  assert.ok(targets.some((target) => image.includes(`"${target}/sluice.yaml"`)))
})

interface Answer {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function pinged(url: string | undefined, options: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const [out, err]: [string[], string[]] = [[], []]
  const terminal = {
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
    raw: () => undefined,
    bold: String,
    columns: () => 80,
    isInteractive: false,
    hasColours: false,
  }
  const code = await ping({ options, positionals: url === undefined ? [] : [url], terminal })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

test('ping --count measures round trips', async () => {
  await using broker = await createBroker({ listeners: { a: { bind: '127.0.0.1:0' } } })
  const { url } = broker.listeners[0]!
  const { code, out } = await pinged(url, { count: '5' })
  assert.equal(code, 0)
  assert.match(out, /is alive\n5 round trips: [\d.]+ ms at best, [\d.]+ ms in the middle, [\d.]+ ms at worst$/)
  await assert.rejects(pinged(url, { count: '0' }), /--count must be an integer from 1/)
})

for (const type of ['tcp', 'ws'] as const) {
  test(`ping: a broker that answers by ${type} is alive`, async () => {
    await using broker = await createBroker({ listeners: { a: { bind: '127.0.0.1:0', type } } })
    const causes: string[] = []
    broker.on('clientDisconnected', ({ cause }) => causes.push(cause))
    const { url } = broker.listeners[0]!
    const { code, out } = await pinged(url)
    assert.deepEqual([code, out], [0, `${url} is alive`])
    assert.deepEqual(causes, ['disconnected by client'])
  })
}

test('ping: what is no address of a broker is refused by its own name', async () => {
  await assert.rejects(pinged('foo'), /^UsageError: The URL of a broker must begin with mqtt:\/\/, .*, got foo$/)
})

test('ping: a broker that refuses a login without a user name is alive; with a wrong one, the question has failed', async () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'users'), '')
  const auth = { passwordFile: join(folder, 'users'), penaltyExempt: ['127.0.0.1'] }
  await using broker = await createBroker({ listeners: { a: { bind: '127.0.0.1:0' } }, auth })
  const { url } = broker.listeners[0]!
  assert.deepEqual(await pinged(url), {
    code: 0,
    out: `${url} is alive, and refuses a login without a user name`,
    err: '',
  })
  const { code, err } = await pinged(url.replace('//', '//ann:secret@'))
  assert.equal(code, 1)
  assert.match(err, /^mqtt:\/\/127\.0\.0\.1:\d+ does not answer: it refused the CONNECT with code [45]$/)
})

test('ping: a broker that takes nobody in at the moment is alive: a restart would disconnect everyone else', async () => {
  const config = { listeners: { a: { bind: '127.0.0.1:0' } }, maxConnections: 1 }
  await using broker = await createBroker(config)
  const { url } = broker.listeners[0]!
  const client = await connectAsync(url)
  const { code, out } = await pinged(url)
  await client.endAsync()
  assert.deepEqual([code, out], [0, `${url} is alive, and refuses new clients for the moment`])
})

test('ping: nobody there, and somebody who is silent, are not alive', async () => {
  const silent = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const late = await pinged(`mqtt://127.0.0.1:${port}`, { timeout: '0.2' })
  assert.equal(late.code, 1)
  assert.match(late.err, /does not answer: could not wait for a packet of type 2 within 200 ms$/)
  silent.close()
  await once(silent, 'close')
  const { code, err } = await pinged(`mqtt://127.0.0.1:${port}`)
  assert.equal(code, 1)
  assert.match(err, /does not answer: could not connect .*ECONNREFUSED/)
})

test('ping --config asks the first listener that a client of this machine can reach', async () => {
  await using broker = await createBroker({ listeners: { a: { bind: '127.0.0.1:0' } } })
  const port = new URL(broker.listeners[0]!.url).port
  const file = join(scratchFolder(), 'sluice.yaml')
  writeFileSync(
    file,
    `listeners:\n  u: { bind: x.sock, type: unix }\n  p: { bind: ':1', proxy-protocol: on, trusted-proxies: [10.0.0.1] }\n  a: { bind: ':${port}' }\nauth: { allow-anonymous: on }\n`,
  )
  assert.deepEqual((await pinged(undefined, { config: file })).out, `mqtt://127.0.0.1:${port} is alive`)
  writeFileSync(file, 'listeners:\n  u: { bind: x.sock, type: unix }\n')
  await assert.rejects(pinged(undefined, { config: file }), /No listener of .* can be reached/)
  await assert.rejects(pinged('mqtt://x', { config: file }), UsageError)
  await assert.rejects(pinged('mqtt://x', { timeout: '-1' }), UsageError)
})
