/**
 * The options of `sluice pub`, `sub` and `rr` beside those of Debian's mosquitto_pub, mosquitto_sub and mosquitto_rr:
 * each is run with both tools against both brokers, and must give the same standard output and exit code. What differs
 * on purpose is listed in docs/tools.md.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePort } from '../../src/bench/process.ts'
import { flagTable, nameOf, type Tool } from '../../src/cli/mqtt/flag-table.ts'
import { Client } from '../../src/client/client.ts'
import { dial } from '../../src/client/dial.ts'
import { createBroker, type Broker } from '../../src/create-broker.ts'
import { realClock } from '../../src/turn/clock.ts'
import { root } from '../../tools/main.ts'
import { TestAuthority } from '../support/certificates.ts'
import { startSocks } from '../support/proxies.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { PROGRAM } from '../unit/cli/cli-support.ts'
import { run, type Finished } from './mosquitto.ts'
import { Program } from './support.ts'

/** Where the listeners of one broker are. */
interface Place {
  readonly name: string
  readonly tcp: number
  readonly tls: number
  readonly login: number
  readonly socket: string
}

interface Case {
  readonly tool: Tool
  /** The names in the table that it covers. */
  readonly flags: string
  /** `@tcp` and the like stand for what belongs to the broker; `*` for a topic of this case. */
  readonly args: string
  readonly input?: string
  /** The lines may come in another order. */
  readonly isUnordered?: true
  /** Digits are times. */
  readonly hasTimes?: true
}

const folder = scratchFolder()
const at = (name: string): string => join(folder, name)
const AT_TCP = '-h 127.0.0.1 -p @tcp'

const CASES: readonly Case[] = [
  { tool: 'pub', flags: '--host --port --topic --message --debug', args: `${AT_TCP} -t * -m hi -d` },
  ...['mqttv31', 'mqttv311', 'mqttv5', '31', '311', '5'].map((version): Case => ({
    tool: 'pub',
    flags: '--protocol-version --qos --id',
    args: `${AT_TCP} -t * -m hi -d -q 2 -V ${version} -i me`,
  })),
  { tool: 'pub', flags: '--url', args: '-L mqtt://127.0.0.1:@tcp/* -m hi -d' },
  { tool: 'pub', flags: '--unix', args: '--unix @socket -t * -m hi -d' },
  { tool: 'pub', flags: '-A', args: `${AT_TCP} -A 127.0.0.1 -t * -m hi -d` },
  { tool: 'pub', flags: '--username --pw', args: '-h 127.0.0.1 -p @login -u ann -P secret -t * -m hi -d -q 1' },
  { tool: 'pub', flags: '--username --pw', args: '-h 127.0.0.1 -p @login -u ann -P wrong -t * -m hi -d -V 5' },
  { tool: 'pub', flags: '--url --username', args: '-L mqtt://ann:secret@127.0.0.1:@login/* -m hi -d -q 1' },
  { tool: 'pub', flags: '--quiet', args: '-h 127.0.0.1 -p @login -t * -m hi --quiet' },
  { tool: 'pub', flags: '--keepalive', args: `${AT_TCP} -t * -m hi -d -k 30` },
  { tool: 'pub', flags: '--disable-clean-session', args: `${AT_TCP} -t * -m hi -d -c -i me -V 5` },
  { tool: 'pub', flags: '-x --session-expiry-interval', args: `${AT_TCP} -t * -m hi -d -x 10 -i me -V 5` },
  { tool: 'pub', flags: '--file', args: `${AT_TCP} -t * -f @file -d` },
  { tool: 'pub', flags: '--file', args: `${AT_TCP} -t * -f /nonexistent` },
  { tool: 'pub', flags: '--stdin-file', args: `${AT_TCP} -t * -s -d`, input: 'a\nb\n' },
  { tool: 'pub', flags: '--stdin-line', args: `${AT_TCP} -t * -l -d`, input: 'a\nb\n\nc' },
  {
    tool: 'pub',
    flags: '--stdin-line -M --max-inflight',
    args: `${AT_TCP} -t * -l -d -q 1 -M 1`,
    input: 'a\nb\nc\n',
    isUnordered: true,
  },
  { tool: 'pub', flags: '--stdin-line', args: `${AT_TCP} -t * -l -q 2 -d`, input: 'a\nb\nc\n', isUnordered: true },
  { tool: 'pub', flags: '--null-message --retain', args: `${AT_TCP} -t * -n -r -d` },
  { tool: 'pub', flags: '--repeat --repeat-delay', args: `${AT_TCP} -t * -m x --repeat 3 --repeat-delay 0 -q 1 -d` },
  { tool: 'pub', flags: '--repeat', args: `${AT_TCP} -t * -m x --repeat 3 -d` },
  {
    tool: 'pub',
    flags: '--property',
    args: `${AT_TCP} -V 5 -t * -m x -d -D publish content-type text -D connect receive-maximum 5`,
  },
  { tool: 'pub', flags: '--nodelay', args: `${AT_TCP} -t * -m x -d --nodelay` },
  {
    tool: 'pub',
    flags: '--will-topic --will-payload --will-qos --will-retain',
    args: `${AT_TCP} -t * -m x -d --will-topic w --will-payload p --will-qos 1 --will-retain`,
  },
  { tool: 'pub', flags: '--cafile', args: '-h localhost -p @tls --cafile @ca -t * -m x -d' },
  { tool: 'pub', flags: '--url --cafile', args: '-L mqtts://localhost:@tls/* --cafile @ca -m x -d' },
  { tool: 'pub', flags: '--capath', args: '-h localhost -p @tls --capath @capath -t * -m x -d' },
  {
    tool: 'pub',
    flags: '--cert --key --keyform',
    args: '-h localhost -p @tls --cafile @ca --cert @cert --key @key --keyform pem -t * -m x -d',
  },
  { tool: 'pub', flags: '--insecure', args: '-h 127.0.0.1 -p @tls --cafile @ca --insecure -t * -m x -d' },
  { tool: 'pub', flags: '--tls-version', args: '-h localhost -p @tls --cafile @ca --tls-version tlsv1.2 -t * -m x -d' },
  {
    tool: 'pub',
    flags: '--ciphers',
    args: '-h localhost -p @tls --cafile @ca --tls-version tlsv1.2 --ciphers ECDHE-ECDSA-AES128-GCM-SHA256 -t * -m x -d',
  },
  { tool: 'pub', flags: '--tls-alpn', args: '-h localhost -p @tls --cafile @ca --tls-alpn mqtt -t * -m x -d' },
  ...[
    '-q 3',
    '-V mqttv6',
    '-k 2',
    '-c',
    '--foo',
    'extra',
    '-t a/#',
    '-D publish nonsense x',
    '-P x',
    '-n -m x',
    '--cert x',
    '-i a -I b',
  ].map((wrong): Case => ({ tool: 'pub', flags: '--property', args: `${AT_TCP} -t * -m x ${wrong}` })),
  { tool: 'sub', flags: '-C --topic', args: `${AT_TCP} -t kept/# -C 2` },
  { tool: 'sub', flags: '--verbose --url', args: `-L mqtt://127.0.0.1:@tcp/kept/# -v -C 2` },
  { tool: 'sub', flags: '-N', args: `${AT_TCP} -t kept/# -C 2 -N` },
  { tool: 'sub', flags: '-N --verbose', args: `${AT_TCP} -t kept/# -C 2 -N -v` },
  { tool: 'sub', flags: '-W', args: `${AT_TCP} -t * -W 1` },
  {
    tool: 'sub',
    flags: '-E --topic --unsubscribe --debug',
    args: `${AT_TCP} -t * -t b -U c -q 1 -E -d -V 5`,
    isUnordered: true,
  },
  { tool: 'sub', flags: '--filter-out', args: `${AT_TCP} -t kept/# -T kept/text -v -C 1` },
  { tool: 'sub', flags: '-R', args: `${AT_TCP} -t kept/# -R -W 1` },
  { tool: 'sub', flags: '--retained-only', args: `${AT_TCP} -t kept/# -v --retained-only -C 2` },
  { tool: 'sub', flags: '--remove-retained', args: `${AT_TCP} -t gone/# -v --remove-retained -T gone/x -W 1` },
  {
    tool: 'sub',
    flags: '--retain-as-published',
    args: `${AT_TCP} -V 5 -t kept/# --retain-as-published -F %r%t -C 2 -d -i me`,
  },
  { tool: 'sub', flags: '--disable-clean-session --id -x', args: `${AT_TCP} -t * -c -i kept-* -V 5 -q 1 -x 60 -E -d` },
  { tool: 'sub', flags: '--id-prefix', args: `${AT_TCP} -t * -I me- -E` },
  {
    tool: 'sub',
    flags: '--property',
    args: `${AT_TCP} -V 5 -t kept/# -D subscribe subscription-identifier 7 -F %S%t -C 2`,
  },
  ...[
    '%t|%q|%r|%m|%l|%p',
    '%x|%X|%%|\\t|\\\\|\\a',
    '%5q|%-5q|%10t|%-10t|%.2t|%3l|%03m|%-4l|%5m',
    '%.3p|%20p|%-20p|%05l|%5x|%-9X',
    '%C|%D|%E|%F|%A|%R|%P|%S',
    '%10C|%-10C|%.2C|%4E|%04E|%3F|%10R|%-10R|%9D',
  ].map((format): Case => ({ tool: 'sub', flags: '-F', args: `${AT_TCP} -V 5 -q 1 -t kept/# -C 2 -F ${format}` })),
  {
    tool: 'sub',
    flags: '-F',
    args: `${AT_TCP} -t kept/# -C 2 -F %I|%U|@Y-@m-@dT@H:@M:@S@z|@s|@j|@y|@C|@D|@T|@R|@e|@k|@I|@l|@u|@w|@U|@V|@W|@G|@g|@F`,
    hasTimes: true,
  },
  { tool: 'sub', flags: '-F', args: `${AT_TCP} -t kept/# -C 2 -F @A|@a|@B|@b|@h|@p|@P|@n|@t|@Z` },
  { tool: 'sub', flags: '-F', args: `${AT_TCP} -V 5 -q 1 -t kept/# -C 2 -F %j`, hasTimes: true },
  { tool: 'sub', flags: '-F', args: `${AT_TCP} -t kept/# -C 2 -F %J`, hasTimes: true },
  { tool: 'sub', flags: '--pretty', args: `${AT_TCP} -V 5 -t kept/# -C 2 -F %J --pretty`, hasTimes: true },
  ...['%Q', '%', '@', '\\', '\\q'].map((format): Case => ({
    tool: 'sub',
    flags: '-F',
    args: `${AT_TCP} -t a -F ${format}`,
  })),
  ...[
    '-t a/#/b',
    '-U a/#/b -t a',
    '-T a/#/b -t a',
    '-C 0 -t a',
    '-W 0 -t a',
    '-m x -t a',
    '--random-filter 0 -t a',
    '-M 1',
  ].map((wrong): Case => ({ tool: 'sub', flags: '--topic', args: `${AT_TCP} ${wrong}` })),
  { tool: 'rr', flags: '-e --topic --message', args: `${AT_TCP} -t echo/* -e * -m hi` },
  { tool: 'rr', flags: '--verbose --protocol-version', args: `${AT_TCP} -t echo/* -e * -m hi -v -V mqttv311 -q 1` },
  { tool: 'rr', flags: '-F --json', args: `${AT_TCP} -t echo/* -e * -m hi -F %t|%p|%q -q 2` },
  { tool: 'rr', flags: '-W --null-message', args: `${AT_TCP} -t * -e b -n -W 1` },
  ...['-m hi -t a', '-t a -e b/#', '-t a -e b'].map((wrong): Case => ({
    tool: 'rr',
    flags: '-e',
    args: `${AT_TCP} ${wrong}`,
  })),
]

/** What cannot be compared: the broker or the reason stands in docs/tools.md. */
const NOT_COMPARED = ['--random-filter', '--tls-engine', '--tls-engine-kpass-sha1', '-S', '--version']
/** Compared by tests of their own. */
const COMPARED_APART = ['--proxy', '--psk', '--psk-identity', '--tls-use-os-certs']

const authority = new TestAuthority('Works CA')
const server = authority.issue({ subject: [['CN', 'localhost']], names: ['DNS:localhost'] })
const device = authority.issue({ subject: [['CN', 'device']] })
const places: Place[] = []
let broker: Broker
let pskPort = 0
const programs: Program[] = []
const answerers: Client[] = []

before(async () => {
  for (const [name, text] of Object.entries({
    'ca.pem': authority.certificate,
    'server.pem': server.certificate,
    'server-key.pem': server.key,
    'device.pem': device.certificate,
    'device-key.pem': device.key,
    text: 'of a file\n',
  })) {
    writeFileSync(at(name), text)
  }
  await run('mkdir', [at('authorities')])
  await run('cp', [at('ca.pem'), at('authorities/ca.pem')])
  await run('openssl', ['rehash', at('authorities')])
  await run('mosquitto_passwd', ['-c', '-b', at('users'), 'ann', 'secret'])
  places.push(await startSluice(), await startMosquitto())
  for (const place of places) await prepare(place)
})

after(async () => {
  for (const client of answerers) client.end()
  for (const program of programs) program.kill('SIGKILL')
  await broker.close({ timeoutMs: 200 })
})

async function startSluice(): Promise<Place> {
  const bind = '127.0.0.1:0'
  const tls = { ssl: true, certfile: at('server.pem'), keyfile: at('server-key.pem'), cafile: at('ca.pem') }
  broker = await createBroker({
    listeners: {
      tcp: { bind, 'allow-anonymous': true },
      tls: { bind, ...tls },
      socket: { type: 'unix', bind: at('sluice') },
    },
  })
  const login = await createBroker({ listeners: { tcp: { bind } }, auth: { 'password-file': at('users') } })
  after(() => login.close({ timeoutMs: 200 }))
  const [tcp, secure] = broker.listeners.map(({ port }) => port!)
  return { name: 'Sluice', tcp: tcp!, tls: secure!, login: login.listeners[0]!.port!, socket: at('sluice') }
}

async function startMosquitto(): Promise<Place> {
  const [tcp, tls, login] = [await freePort(), await freePort(), await freePort()]
  pskPort = await freePort()
  writeFileSync(at('keys'), 'device:a1b2c3\n')
  const lines = [
    // Otherwise it gives up root, and cannot read the files of this test.
    `user ${userInfo().username}`,
    'per_listener_settings true',
    ...[`listener ${tcp} 127.0.0.1`, 'allow_anonymous true'],
    ...[`listener ${tls} 127.0.0.1`, 'allow_anonymous true', `cafile ${at('ca.pem')}`],
    ...[`certfile ${at('server.pem')}`, `keyfile ${at('server-key.pem')}`],
    ...[`listener ${login} 127.0.0.1`, 'allow_anonymous false', `password_file ${at('users')}`],
    ...[`listener ${pskPort} 127.0.0.1`, 'allow_anonymous true', 'psk_hint hint', `psk_file ${at('keys')}`],
    ...[`listener 0 ${at('mosquitto')}`, 'allow_anonymous true'],
  ]
  writeFileSync(at('mosquitto.conf'), `${lines.join('\n')}\n`)
  const program = new Program('mosquitto', ['-c', at('mosquitto.conf')])
  programs.push(program)
  await program.line(/running$/)
  return { name: 'Mosquitto', tcp, tls, login, socket: at('mosquitto') }
}

/** Messages that are there, and somebody who answers. */
async function prepare({ tcp }: Place): Promise<void> {
  const publish = async (...args: string[]): Promise<void> => {
    assert.equal((await run('mosquitto_pub', ['-h', '127.0.0.1', '-p', `${tcp}`, '-q', '1', ...args])).code, 0)
  }
  const properties = ['content-type text/x', 'user-property k v', 'user-property k2 v2', 'response-topic rt']
  const flags = [...properties, 'correlation-data cd', 'payload-format-indicator 1'].flatMap((text) => [
    '-D',
    'publish',
    ...text.split(' '),
  ])
  await publish('-r', '-V', '5', '-t', 'kept/json', '-m', '{"a":1,"b":[1,2.5,"x"],"c":null}', ...flags)
  await publish('-r', '-t', 'kept/text', '-m', 'plain "text" \\ é')
  await publish('-r', '-t', 'gone/x', '-m', 'stays')
  await answerer(tcp)
}

/** Answers every request below `echo/`. */
function answerer(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const client = new Client(
      {},
      {
        dial: (attempt) => dial({ transport: 'tcp', host: '127.0.0.1', port }, attempt),
        connected: () => client.subscribe([{ topicFilter: 'echo/#', qos: 2 }], () => resolve()),
        disconnected: (error) => error !== undefined && reject(error),
        received: ({ topicName, payload }) => {
          const answer = Buffer.from(`answer to ${payload.toString()}`)
          client.publish(topicName.slice('echo/'.length), answer, { qos: 1 })
          return 0
        },
      },
      realClock,
    )
    answerers.push(client)
    client.start()
  })
}

/** The arguments of a case; each has a topic of its own. */
function argumentsOf({ args }: Case, number: number, place: Place, tool: string): string[] {
  const values: Readonly<Record<string, string>> = {
    '@tcp': `${place.tcp}`,
    '@tls': `${place.tls}`,
    '@login': `${place.login}`,
    '@socket': place.socket,
    '@file': at('text'),
    '@capath': at('authorities'),
    '@ca': at('ca.pem'),
    '@cert': at('device.pem'),
    '@key': at('device-key.pem'),
  }
  const topic = `case${number}${tool}`
  return args
    .split(' ')
    .map((word) =>
      word
        .replace(/@(?:tcp|tls|login|socket|file|capath|ca|cert|key)$|@(?:tcp|tls|login)(?=\/)/, (name) => values[name]!)
        .replace('*', topic),
    )
}

function comparable({ code, out }: Finished, { isUnordered, hasTimes }: Case): Pick<Finished, 'code' | 'out'> {
  let text = out.replaceAll(/Client \S+ /g, 'Client ID ').replaceAll(/case\d+(?:ours|theirs)/g, 'TOPIC')
  if (hasTimes) text = text.replaceAll(/\d/g, '0')
  if (isUnordered) text = text.split('\n').toSorted().join('\n')
  return { code, out: text }
}

/** One after the other, since they may have the same client identifier. */
async function compare(one: Case, number: number, place: Place): Promise<void> {
  const ours = await run(process.execPath, [PROGRAM, one.tool, ...argumentsOf(one, number, place, 'ours')], one.input)
  const theirs = await run(`mosquitto_${one.tool}`, argumentsOf(one, number, place, 'theirs'), one.input)
  const what = `against ${place.name}: ${ours.err || 'no error'}; theirs: ${theirs.err || 'no error'}`
  assert.deepEqual(comparable(ours, one), comparable(theirs, one), what)
}

for (const [number, one] of CASES.entries()) {
  test(`${number}: ${one.tool} ${one.args}`, { timeout: 60_000 }, async () => {
    await Promise.all(places.map((place) => compare(one, number, place)))
  })
}

test('a pre-shared key opens the TLS listener of Mosquitto, with both tools', { timeout: 60_000 }, async () => {
  const args = [
    '-h',
    '127.0.0.1',
    '-p',
    `${pskPort}`,
    '--psk',
    'a1b2c3',
    '--psk-identity',
    'device',
    '-t',
    'a',
    '-m',
    'x',
  ]
  const [ours, theirs] = await Promise.all([
    run(process.execPath, [PROGRAM, 'pub', ...args, '-d']),
    run('mosquitto_pub', [...args, '-d']),
  ])
  assert.equal(ours.code, 0, ours.err)
  assert.deepEqual([ours.out, ours.code], [theirs.out, theirs.code])
})

test('a SOCKS proxy is used by both tools', { timeout: 60_000 }, async () => {
  await using proxy = await startSocks(['ann', 'secret'])
  const url = `socks5h://ann:secret@127.0.0.1:${proxy.port}`
  for (const { tcp } of places) {
    const args = ['-h', 'localhost', '-p', `${tcp}`, '--proxy', url, '-t', 'a', '-m', 'x', '-d']
    const ours = await run(process.execPath, [PROGRAM, 'pub', ...args])
    const theirs = await run('mosquitto_pub', args)
    assert.equal(ours.code, 0, ours.err)
    assert.deepEqual([ours.out, ours.code], [theirs.out, theirs.code])
  }
  assert.equal(proxy.targets.length, 2 * places.length)
})

test('authorities that the system does not trust are refused, by both tools', { timeout: 60_000 }, async () => {
  for (const { tls } of places) {
    const args = ['-h', 'localhost', '-p', `${tls}`, '--tls-use-os-certs', '-t', 'a', '-m', 'x', '--quiet']
    const ours = await run(process.execPath, [PROGRAM, 'pub', ...args])
    assert.deepEqual(ours, { code: 8, out: '', err: '' })
    // 1 or 8: it depends on whether the handshake fails within its first call.
    assert.notEqual((await run('mosquitto_pub', args)).code, 0)
  }
})

test('every flag of Mosquitto’s tools is compared, or its difference is explained', () => {
  const compared = new Set([...CASES.flatMap(({ flags }) => flags.split(' ')), ...COMPARED_APART])
  const page = readFileSync(join(root, 'docs/tools.md'), 'utf8')
  for (const row of flagTable) {
    const name = nameOf(row)
    if (compared.has(name)) continue
    assert.ok(!row.isMosquittos || NOT_COMPARED.includes(name), `${name} is not compared`)
    assert.ok(page.includes(name), `docs/tools.md does not mention ${name}`)
  }
})
