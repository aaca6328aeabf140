/**
 * The configuration example of the ancestor's manual: as printed, and with only the repairs without which it cannot
 * work.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfigFile } from '../../src/config/config-file.ts'
import type { ConfigInput } from '../../src/config/options.ts'
import { createBroker, type Broker } from '../../src/create-broker.ts'
import { TestAuthority } from '../support/certificates.ts'
import { sluice } from '../unit/cli/cli-support.ts'
import { publish, receiveOne, run } from './mosquitto.ts'
import { dial, echo, openFrom } from './mqtt-js.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

const AS_PRINTED = `listeners:
    default:
        max-connections: 50000
        type: tcp
    my-tcp-1:
        bind: 127.0.0.1:1883
    my-tcp-2:
        bind: 1.2.3.4:1884
        max-connections: 1000
    my-tcp-ssl-1:
        bind: 127.0.0.1:8885
        ssl: on
        cafile: /some/cafile
        capath: /some/folder
        capath: certificate data
        certfile: /some/certfile
        keyfile: /some/key
    my-ws-1:
        bind: 0.0.0.0:8080
        type: ws
timeout-disconnect-delay: 2
auth:
    plugins: ['auth.anonymous'] #List of plugins to activate for authentication among all registered plugins
    allow-anonymous: true / false
    password-file: "/some/passwd_file"
topic-check:
    enabled: true / false  # Set to False if topic filtering is not needed
    plugins: ['topic_acl'] #List of plugins to activate for topic filtering among all registered plugins
    acl:
        # username: [list of allowed topics]
        username1: ['repositories/+/master', 'calendar/#', 'data/memes']  # List of topics on which client1 can publish and subscribe
        username2: ...
        anonymous: []  # List of topics on which an anonymous client can publish and subscribe
`

/** Three authorities, one for each key that names one. */
const [ofFile, ofFolder, ofData, stranger] = ['file', 'folder', 'data', 'stranger'].map(
  (name) => new TestAuthority(name),
)

interface Decisions {
  readonly allowAnonymous: boolean
  readonly enabled: boolean
}

/** A folder with the files that the page names, and the page's example with its repairs in it. */
function repaired({ allowAnonymous, enabled }: Decisions): string {
  const folder = scratchFolder()
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  mkdirSync(join(folder, 'folder'))
  write('folder/ca.pem', ofFolder!.certificate)
  const server = ofFile!.issue({ subject: [['CN', 'server']], names: ['IP:127.0.0.1', 'DNS:localhost'] })
  const { out } = sluice(['passwd', 'passwords', 'username1'], folder, 'secret\n')
  assert.match(out, /username1 added/)
  const repairs: [printed: string, repair: string][] = [
    ['127.0.0.1:1883', '127.0.0.1:0'],
    ['1.2.3.4:1884', '127.0.0.2:0'],
    ['127.0.0.1:8885', '127.0.0.1:0'],
    ['0.0.0.0:8080', '0.0.0.0:0'],
    ['/some/cafile', write('ca.pem', ofFile!.certificate)],
    ['/some/folder', join(folder, 'folder')],
    ['capath: certificate data', `cadata: ${JSON.stringify(ofData!.certificate)}`],
    ['/some/certfile', write('cert.pem', server.certificate)],
    ['/some/key', write('key.pem', server.key)],
    ['allow-anonymous: true / false', `allow-anonymous: ${allowAnonymous}`],
    ['/some/passwd_file', join(folder, 'passwords')],
    ['enabled: true / false', `enabled: ${enabled}`],
    ['username2: ...', "username2: ['calendar/#']"],
  ]
  let text = AS_PRINTED
  for (const [printed, repair] of repairs) {
    assert.ok(text.includes(printed), printed)
    text = text.replace(printed, repair)
  }
  write('sluice.yaml', text)
  return folder
}

async function start(folder: string, change: (input: Record<string, object>) => void = () => {}): Promise<Broker> {
  const { input, source } = loadConfigFile(join(folder, 'sluice.yaml'))
  change(input as Record<string, object>)
  return createBroker(input as ConfigInput, { source })
}

/** Where each listener is; what listens on every interface is reached on the loopback. */
function urlsOf(broker: Broker): Record<string, string> {
  return Object.fromEntries(broker.listeners.map(({ name, url }) => [name, url.replace('0.0.0.0', '127.0.0.1')]))
}

test('as printed, `sluice check` names each line that cannot work', () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'seed.yaml'), AS_PRINTED)
  const { code, out, err } = sluice(['check', '--config', 'seed.yaml'], folder)
  assert.deepEqual([code, out], [1, ''])
  const named = [...err.matchAll(/^seed\.yaml:(\d+):\d+: (\S+) (.*)$/gm)].map(([, line, key, message]) => [
    AS_PRINTED.split('\n')[Number(line) - 1]!.trim().split(':', 1)[0],
    key,
    message,
  ])
  const missing = (path: string): string => `names ${path}, which does not exist`
  const notBoolean = 'must be on or off (also yes, no, true, false), got "true / false"'
  assert.deepEqual(named, [
    ['cafile', 'listeners.my-tcp-ssl-1.cafile', missing('/some/cafile')],
    [
      'capath',
      'listeners.my-tcp-ssl-1.capath',
      'appears twice in this section; did you mean `cadata` for one of them?',
    ],
    ['certfile', 'listeners.my-tcp-ssl-1.certfile', missing('/some/certfile')],
    ['keyfile', 'listeners.my-tcp-ssl-1.keyfile', missing('/some/key')],
    ['allow-anonymous', 'auth.allow-anonymous', notBoolean],
    ['password-file', 'auth.password-file', `${missing('/some/passwd_file')}; \`sluice passwd FILE USER\` creates it`],
    ['enabled', 'topic-check.enabled', notBoolean],
    [
      'username2',
      'topic-check.acl.username2',
      'must be a list of topic filters, or a section of publish, subscribe and deny lists, got "..."',
    ],
  ])
})

test('repaired, it can work, and `sluice check` warns of the password file that nobody asks for', () => {
  const folder = repaired({ allowAnonymous: true, enabled: true })
  const { code, out, err } = sluice(['check', '--config', 'sluice.yaml'], folder)
  assert.equal(code, 0, err)
  assert.match(err, /^warning: sluice\.yaml:\d+:\d+: auth\.password-file is not used: .*does not list `auth\.file`\n$/)
  for (const name of ['my-tcp-1', 'my-tcp-2', 'my-tcp-ssl-1', 'my-ws-1'])
    assert.match(out, new RegExp(`  ${name} would`))
})

test("Debian's clients and MQTT.js reach each listener, with TLS and with WebSocket; inheritance is as the page says", async () => {
  const folder = repaired({ allowAnonymous: true, enabled: false })
  await using broker = await start(folder, ({ listeners }) => {
    const { type: _, ...secure } = (listeners as Record<string, Record<string, string>>)['my-tcp-ssl-1']!
    Object.assign(listeners!, { 'with-both': { ...secure, type: 'ws' } })
  })
  assert.deepEqual(
    broker.options.listeners.map(({ name, type, ssl, maxConnections, timeoutDisconnectDelay }) => [
      name,
      ...[type, ssl, maxConnections, timeoutDisconnectDelay],
    ]),
    [
      ['my-tcp-1', 'tcp', false, 50_000, 2],
      ['my-tcp-2', 'tcp', false, 1000, 2],
      ['my-tcp-ssl-1', 'tcp', true, 50_000, 2],
      ['my-ws-1', 'ws', false, 50_000, 2],
      ['with-both', 'ws', true, 50_000, 2],
    ],
  )
  const urls = urlsOf(broker)
  for (const [name, url] of Object.entries(urls)) {
    for (const protocolVersion of [4, 5] as const) {
      const options = { protocolVersion, ca: ofFile!.certificate }
      assert.equal(await echo(url, options, `seed/${name}`, name), name)
    }
  }
  const cafile = join(folder, 'ca.pem')
  for (const [name, ...tls] of [['my-tcp-1'], ['my-tcp-2'], ['my-tcp-ssl-1', '--cafile', cafile]] as const) {
    for (const version of ['mqttv31', 'mqttv311', 'mqttv5']) {
      const options = [...tls, '-V', version, '-i', `${name}-${version}`]
      const published = await publish(urls[name]!, `seed/${name}`, version, '-r', ...options)
      assert.deepEqual(published, { code: 0, out: '', err: '' })
      assert.equal((await receiveOne(urls[name]!, `seed/${name}`, ...options)).out, `${version}\n`)
    }
  }
})

test('a page of an origin that is not listed does not get in; a program, which has none, does', async () => {
  const folder = repaired({ allowAnonymous: true, enabled: false })
  await using broker = await start(folder, ({ listeners }) => {
    Object.assign((listeners as Record<string, object>)['my-ws-1']!, { 'allowed-origins': ['https://app.example'] })
  })
  const url = urlsOf(broker)['my-ws-1']!
  assert.equal(await openFrom('https://app.example', url), 101)
  for (const origin of ['https://bad.example', 'http://app.example', 'https://app.example.bad', 'null']) {
    assert.equal(await openFrom(origin, url), 403, origin)
  }
  assert.equal(broker.listeners.find(({ name }) => name === 'my-ws-1')?.counters.refusedUpgrades, 4)
  await using asPrinted = await start(folder)
  assert.equal(await openFrom('https://app.example', urlsOf(asPrinted)['my-ws-1']!), 403, 'none is listed')
})

test('cafile, capath and cadata all say whose client certificates are good; showing none is good as well', async () => {
  const folder = repaired({ allowAnonymous: true, enabled: false })
  await using broker = await start(folder)
  const url = urlsOf(broker)['my-tcp-ssl-1']!
  for (const [authority, isGood] of [
    [ofFile, true],
    [ofFolder, true],
    [ofData, true],
    [stranger, false],
  ] as const) {
    const { certificate: cert, key } = authority!.issue({ subject: [['CN', 'device']] })
    const dialled = dial(url, { ca: ofFile!.certificate, cert, key })
    if (isGood) await (await dialled).endAsync()
    else await assert.rejects(dialled)
  }
  await (await dial(url, { ca: ofFile!.certificate })).endAsync()
  assert.equal(broker.listeners.find(({ name }) => name === 'my-tcp-ssl-1')?.counters.failedHandshakes, 1)
})

test('with `enabled: true` an anonymous Client may do nothing, as its list says', async () => {
  await using broker = await start(repaired({ allowAnonymous: true, enabled: true }))
  for (const url of Object.values(urlsOf(broker))) {
    const client = await dial(url, { protocolVersion: 5, ca: ofFile!.certificate })
    await assert.rejects(client.publishAsync('data/memes', 'x', { qos: 1 }), { code: 0x87 })
    const granted = await client.subscribeAsync('data/memes').catch((error: unknown) => error)
    assert.match(String(granted), /Not authorized|135/i)
    await client.endAsync()
  }
  const { err } = await receiveOne(urlsOf(broker)['my-tcp-1']!, 'data/memes')
  assert.match(err, /denied/i)
})

test('with `allow-anonymous: false` nobody comes in, whatever else is sent (C6)', async () => {
  const folder = repaired({ allowAnonymous: false, enabled: false })
  // So that the test need not wait for the answers.
  await using broker = await start(folder, ({ auth }) => Object.assign(auth!, { 'login-delay-after': 100 }))
  for (const url of Object.values(urlsOf(broker))) {
    for (const who of [{}, { username: 'username1', password: 'secret' }, { username: 'anyone' }]) {
      const code = 'username' in who ? 0x86 : 0x87
      await assert.rejects(dial(url, { protocolVersion: 5, ca: ofFile!.certificate, ...who }), { code })
    }
  }
})

test('with auth.file in the list, username1 may use what its list covers, and a password is looked at (C6, C7)', async () => {
  const folder = repaired({ allowAnonymous: true, enabled: true })
  await using broker = await start(folder, ({ auth }) => {
    Object.assign(auth!, { plugins: ['auth.anonymous', 'auth.file'] })
  })
  const url = urlsOf(broker)['my-tcp-1']!
  const asUser = ['-u', 'username1', '-P', 'secret']
  for (const topicName of ['repositories/x/master', 'calendar/2026/may', 'data/memes']) {
    assert.equal((await publish(url, topicName, 'x', '-r', ...asUser)).code, 0)
    assert.equal((await receiveOne(url, topicName, ...asUser)).out, 'x\n')
  }
  for (const topicFilter of ['repositories/#', 'repositories/x/y/master', '#', '$SYS/#']) {
    assert.match((await receiveOne(url, topicFilter, ...asUser)).err, /denied/i, topicFilter)
  }
  const wrong = await publish(url, 'data/memes', 'x', '-u', 'username1', '-P', 'wrong')
  assert.notEqual(wrong.code, 0)
  assert.match(wrong.err, /not authori[sz]ed|bad user ?name/i)
  const explained = await broker.explain({ userName: 'username1', action: 'subscribe', topic: 'calendar/#' })
  assert.deepEqual(explained.explanations, [
    { plugin: 'topic_acl', decision: 'allow', rule: 'topic-check.acl.username1: allow calendar/#' },
  ])
})

test("mosquitto's own file of passwords works unchanged", async () => {
  const folder = repaired({ allowAnonymous: true, enabled: false })
  const file = join(folder, 'passwords')
  writeFileSync(file, '')
  assert.equal((await run('mosquitto_passwd', ['-b', file, 'meter', 'hünter2'])).code, 0)
  await using broker = await start(folder, ({ auth }) => Object.assign(auth!, { plugins: ['auth.file'] }))
  const url = urlsOf(broker)['my-tcp-1']!
  assert.equal((await publish(url, 'a', 'x', '-u', 'meter', '-P', 'hünter2')).code, 0)
  assert.notEqual((await publish(url, 'a', 'x', '-u', 'meter', '-P', 'hunter2')).code, 0)
})
