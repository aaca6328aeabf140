import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../../src/base/errors.ts'
import type { ConfigProblem } from '../../../src/base/errors.ts'
import { loadConfigFile, parseConfig } from '../../../src/config/config-file.ts'
import { formatProblem } from '../../../src/config/config-problems.ts'
import { resolveOptions } from '../../../src/config/options.ts'
import type { ConfigInput, Options } from '../../../src/config/options.ts'
import { problemsOf } from './options-support.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

/** The seed page's example, as printed. */
const SEED = `listeners:
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

function linesOf(text: string): readonly string[] {
  const { input, source } = parseConfig(text, 'sluice.yaml')
  return problemsOf(input, source).map(formatProblem)
}

function optionsOf(text: string): Options {
  const { input, source } = parseConfig(text, 'sluice.yaml')
  return resolveOptions(input as ConfigInput, source)
}

test("the seed's example as printed has one problem for each line that nobody could obey", () => {
  assert.deepEqual(linesOf(SEED), [
    'sluice.yaml:15:9: listeners.my-tcp-ssl-1.capath appears twice in this section; did you mean `cadata` for one of them?',
    'sluice.yaml:24:22: auth.allow-anonymous must be on or off (also yes, no, true, false), got "true / false"',
    'sluice.yaml:27:14: topic-check.enabled must be on or off (also yes, no, true, false), got "true / false"',
    'sluice.yaml:32:20: topic-check.acl.username2 must be a list of topic filters, or a section of publish, subscribe and deny lists, got "..."',
  ])
})

for (const decision of ['true', 'false']) {
  test(`the seed's example, repaired, with everything decided as ${decision}, can work`, () => {
    const repaired = SEED.replace('capath: certificate data', 'cadata: certificate data')
      .replaceAll('true / false', decision)
      .replace('username2: ...', "username2: ['data/#']")
    const options = optionsOf(repaired)
    assert.deepEqual(
      options.listeners.map(({ name, type, host, port, maxConnections, ssl }) => [
        name,
        type,
        `${host}:${port}`,
        maxConnections,
        ssl,
      ]),
      [
        ['my-tcp-1', 'tcp', '127.0.0.1:1883', 50_000, false],
        ['my-tcp-2', 'tcp', '1.2.3.4:1884', 1_000, false],
        ['my-tcp-ssl-1', 'tcp', '127.0.0.1:8885', 50_000, true],
        ['my-ws-1', 'ws', '0.0.0.0:8080', 50_000, false],
      ],
    )
    assert.equal(options.timeoutDisconnectDelay, 2)
    assert.equal(options.auth.allowAnonymous, decision === 'true')
    assert.deepEqual(options.topicCheck!.plugins, ['topic_acl'])
    assert.equal(options.topicCheck!.enabled, decision === 'true')
  })
}

for (const [text, line] of [
  ['max-qos: 3', 'sluice.yaml:1:10: max-qos must be one of 0, 1, 2, got 3'],
  ['\n  max_qos:   3', 'sluice.yaml:2:14: max-qos must be one of 0, 1, 2, got 3'],
  ['maxQoss: 1', 'sluice.yaml:1:1: maxQoss is not a known key here; did you mean `max-qos`?'],
  ['max-qos: 1\nmaxQos: 1', 'sluice.yaml:2:1: maxQos is the same key as `max-qos`; remove one of them'],
  [
    'listeners:\n  a:\n    type: ws',
    'sluice.yaml:2:3: listeners.a.bind is missing; every listener except `default` requires it: `host:port`, such as `127.0.0.1:1883`',
  ],
  [
    'listeners:\n  a: {bind: "[::1]:0", trustedProxies: ["::1", nobody], type: ws}',
    'sluice.yaml:2:48: listeners.a.trusted-proxies.1 must be an IP address or a network such as 10.0.0.0/8, got "nobody"',
  ],
  ['persistence:', 'sluice.yaml:1:1: persistence must be a section with keys, got nothing'],
  ['- a', 'sluice.yaml:1:1: the configuration must be a section with keys, got a list'],
] as const) {
  test(`${JSON.stringify(text)} is answered with line and column`, () => {
    assert.deepEqual(linesOf(text), [line])
  })
}

test('with files to be checked, what a configuration names must be there', () => {
  const folder = scratchFolder()
  const text = `listeners:
  a:
    bind: '[::1]:0'
    ssl: on
    certfile: server.crt
    keyfile: missing.key
    capath: server.crt
    cafile: .
    certificates: [{certfile: server.crt, keyfile: other.key}]
persistence: {path: made-when-needed}
`
  writeFileSync(join(folder, 'server.crt'), '')
  const { input, source } = parseConfig(text, join(folder, 'sluice.yaml'))
  assert.equal(resolveOptions(input as ConfigInput, source).listeners[0]!.keyfile, join(folder, 'missing.key'))
  assert.throws(
    () => resolveOptions(input as ConfigInput, source, { checkFiles: true }),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(
        error.problems.map(({ line, message }) => `${line}: ${message.replaceAll(folder, '.')}`),
        [
          '6: names ./missing.key, which does not exist',
          '7: names ./server.crt, which is not a folder',
          '8: names ., which is a folder',
          '9: names ./other.key, which does not exist',
        ],
      )
      return true
    },
  )
})

test('problems come in the order of the file', () => {
  const lines = linesOf('sys-interval: -1\nlisteners: {a: {bind: 1}}\nmax-qos: 3\nauth: 1\n')
  assert.deepEqual(
    lines.map((line) => Number(line.split(':')[1])),
    [1, 2, 3, 4],
  )
})

for (const [what, text, hint] of [
  ['an IPv6 address without quotes', 'listeners:\n  a:\n    bind: [::1]:1883\n', /:3:16: .*'\[::1\]:1883'/],
  ['an asterisk without quotes', 'listeners:\n  a:\n    bind: *:1883\n', /bind: '\*:1883', or bind: :1883/],
  ['a bad indentation', 'listeners:\n  a: 1\n b: 2\n', /:3:1: the configuration is not valid YAML/],
  ['an alias of nothing', 'auth: *nobody\n', /the configuration is not valid YAML/],
] as const) {
  test(`${what} is no YAML, and the answer says where`, () => {
    assert.throws(
      () => parseConfig(text, 'sluice.yaml'),
      (error) => error instanceof ConfigError && hint.test(error.message) && error.problems.length > 0,
    )
  })
}

test('an empty file is a configuration of defaults', () => {
  assert.equal(optionsOf('').listeners[0]!.port, 1883)
  assert.equal(optionsOf('# nothing yet\n').listeners[0]!.port, 1883)
})

test("relative paths count from the file's folder", () => {
  const { input, source } = parseConfig('auth: {password-file: users}\npersistence: {}\n', '/etc/sluice/sluice.yaml')
  const options = resolveOptions(input as ConfigInput, source)
  assert.equal(options.baseFolder, '/etc/sluice')
  assert.equal(options.auth.passwordFile, '/etc/sluice/users')
  assert.equal(options.persistence!.path, '/etc/sluice/sluice-data')
})

test('a file that cannot be read is a sentence about the file', () => {
  const folder = scratchFolder()
  const problemOf = (path: string): ConfigProblem => {
    try {
      loadConfigFile(path)
    } catch (error) {
      assert.ok(error instanceof ConfigError && error.code === 'ERR_CONFIG')
      return error.problems[0]!
    }
    throw new assert.AssertionError({ message: `${path} was read` })
  }
  assert.equal(
    formatProblem(problemOf(join(folder, 'none'))),
    `${join(folder, 'none')}: the configuration does not exist`,
  )
  assert.match(problemOf(folder).message, /is a folder, not a file/)

  const file = join(folder, 'sluice.yaml')
  writeFileSync(file, 'max-qos: 1\n')
  const { input, source } = loadConfigFile(file)
  assert.deepEqual([input, source.file, source.folder], [{ 'max-qos': 1 }, file, folder])
})

function withEnvironment(text: string, environment: Readonly<Record<string, string>>): Options {
  const { input, source } = parseConfig(text, 'sluice.yaml', environment)
  return resolveOptions(input as ConfigInput, source)
}

test('every interface may be written *:port, :port or by its address', () => {
  for (const bind of ["'*:1884'", ':1884']) {
    const [listener] = optionsOf(`listeners: { a: { bind: ${bind}, allow-anonymous: on } }`).listeners
    assert.deepEqual([listener!.host, listener!.port], ['', 1884], bind)
  }
  assert.match(linesOf("listeners: { a: { bind: '*.example:1884' } }")[0]!, /bind must be host:port/)
})

for (const [written, environment, host, port] of [
  ['${HOST}:1884', { HOST: '127.0.0.1' }, '127.0.0.1', 1884],
  ['${HOST:-127.0.0.2}:${PORT}', { PORT: '1885' }, '127.0.0.2', 1885],
  ['${HOST:-127.0.0.2}:1884', { HOST: '' }, '127.0.0.2', 1884],
  ['"${HOST:-[::1]}:1884"', {}, '::1', 1884],
] as const) {
  test(`bind: ${written} is what the environment makes of it`, () => {
    const [listener] = withEnvironment(`listeners:\n  a:\n    bind: ${written}\n`, environment).listeners
    assert.deepEqual([listener!.host, listener!.port], [host, port])
  })
}

test('a quoted value that is one variable is a number where its option is one, also in { … }', () => {
  const environment = { N: '5', SWITCH: 'true', NAME: '1883' }
  const options = withEnvironment(
    `listeners: { a: { bind: 127.0.0.1:0, max-connections: "\${N}", ssl: '\${SSL:-false}' } }
persistence: { max-bytes: "\${SIZE:-0x100000}", path: "\${NAME}" }
max-qos: "\${QOS:-1}"
retain: "\${SWITCH}"
auth: { allow-anonymous: "\${SWITCH}", password-file: "\${NAME}" }
`,
    environment,
  )
  const [listener] = options.listeners
  assert.deepEqual([listener!.maxConnections, listener!.ssl, options.persistence!.maxBytes], [5, false, 0x100000])
  assert.deepEqual([options.maxQos, options.retain, options.auth.allowAnonymous], [1, true, true])
  assert.deepEqual(
    [options.persistence!.path, options.auth.passwordFile].map((path) => path!.slice(-5)),
    ['/1883', '/1883'],
  )
})

test('a variable in an option that is a text stays text, and a plugin reads what the quotes say', () => {
  const environment = { N: '5', FLAG: 'true' }
  const options = withEnvironment('auth:\n  password-file: ${N}\n', environment)
  assert.match(options.auth.passwordFile!, /\/5$/)
  const { input } = parseConfig('auth: { mine: { quoted: "${N}" } }\nother:\n  plain: ${FLAG}\n', 's.yaml', environment)
  assert.deepEqual(input, { auth: { mine: { quoted: '5' } }, other: { plain: true } })
})

for (const [text, place, written] of [
  ['listeners: { a: { bind: ":1", max-connections: ${N} } }', '1:48', '${N}'],
  ['max-qos: 1\nlisteners: { a: { bind: ${H:-::}:1883, ssl: on } }', '2:25', '${H:-::}'],
  ['auth: {plugins: [${P}, a]}', '1:18', '${P}'],
  ['auth: {plugins: [\n  ${P}\n]}', '2:3', '${P}'],
] as const) {
  test(`${JSON.stringify(text)} is one problem, which names the quotes`, () => {
    const message = `sluice.yaml:${place}: the configuration is not valid YAML: inside { … } and [ … ], a value with ${written} needs quotes, such as "${written}"; its value may still be a number or a boolean`
    assert.throws(() => parseConfig(text, 'sluice.yaml'), { code: 'ERR_CONFIG', message })
  })
}

for (const [text, message] of [
  ['listeners: { a: { bind: *:1883 } }', /^sluice\.yaml:1:25: .*bind: '\*:1883', or bind: :1883$/],
  [
    'max-qos: 1\nlisteners: { a: { bind: *:1883, type: ws } }',
    /^sluice\.yaml:2:25: .*bind: '\*:1883', or bind: :1883$/,
  ],
  ['listeners:\n  a:\n    bind: *:1883', /^sluice\.yaml:3:11: .*bind: '\*:1883', or bind: :1883$/],
  ['listeners: {a: {"bind": *1883}}', /^sluice\.yaml:1:25: .*bind: '\*:1883', or bind: :1883$/],
  ['a: &x 1\nb: *x\nc: [*.example.com]', /^sluice\.yaml:3:5: .*a value that begins with \* needs quotes, unless/],
] as const) {
  test(`${JSON.stringify(text)} is answered with line, column and the quotes`, () => {
    assert.throws(
      () => parseConfig(text, 'sluice.yaml'),
      (error) => {
        assert.ok(error instanceof ConfigError)
        assert.match(error.message, message)
        return true
      },
    )
  })
}

test('a variable may be a number or a switch where it stands without quotes, and never YAML', () => {
  const options = withEnvironment('max-qos: ${QOS}\nretain: ${RETAIN}\nauth: { password-file: "${FILE}" }\n', {
    QOS: '1',
    RETAIN: 'off',
    FILE: 'x, allow-anonymous: true }\nmax-keep-alive: 1 # ${QOS}',
  })
  assert.deepEqual([options.maxQos, options.retain, options.maxKeepAlive], [1, false, optionsOf('').maxKeepAlive])
  assert.match(options.auth.passwordFile!, /\/x, allow-anonymous: true \}\nmax-keep-alive: 1 # \$\{QOS\}$/)
})

test('$${NAME} is the text, and keys are left as they are', () => {
  const { input } = parseConfig('topic-check: { acl: { "${USER}": ["$${a}/${LEVEL}"] } }', 'sluice.yaml', {
    LEVEL: 'b',
  })
  assert.deepEqual(input, { 'topic-check': { acl: { '${USER}': ['${a}/b'] } } })
})

test('a variable that is not set is named with its place and the way out, and nothing follows from it', () => {
  const { input, source } = parseConfig(
    'listeners:\n  a:\n    bind: ${HOST}:${PORT}\nmaxQos: ${QOS\nauth:\n  plugins:\n    - auth.anonymous\n    - ${PLUGIN}\n',
    'sluice.yaml',
    {},
  )
  assert.deepEqual(problemsOf(input, source).map(formatProblem), [
    'sluice.yaml:3:11: listeners.a.bind names the environment variable HOST, which is not set; set it, or write ${HOST:-default}; names the environment variable PORT, which is not set; set it, or write ${PORT:-default}',
    'sluice.yaml:4:9: max-qos has ${QOS, which is not a variable; write ${NAME} or ${NAME:-default}, or $${ for a literal ${',
    'sluice.yaml:8:7: auth.plugins.1 names the environment variable PLUGIN, which is not set; set it, or write ${PLUGIN:-default}',
  ])
})

test('a section takes the keys of another one by a merge key, its own count first, and mistakes have the place of what was merged', () => {
  const text =
    'listeners:\n  a: &base\n    bind: 127.0.0.1:1\n    max-qos: 1\n    receive-maximum: 5\n  b:\n    <<: *base\n    bind: 127.0.0.1:2\n    max-qos: 2\n'
  const [a, b] = optionsOf(text).listeners
  assert.deepEqual([a!.port, a!.maxQos, a!.receiveMaximum], [1, 1, 5])
  assert.deepEqual([b!.port, b!.maxQos, b!.receiveMaximum], [2, 2, 5])
  const wrong = linesOf(text.replace('receive-maximum: 5', 'receive-maximum: 0'))
  assert.deepEqual(
    wrong.map((line) => line.split(' ', 2).join(' ')),
    ['sluice.yaml:5:22: listeners.a.receive-maximum', 'sluice.yaml:5:22: listeners.b.receive-maximum'],
  )
})

for (const [text, answer] of [
  [
    'listeners: { a: { bind: "127.0.0.1:1", tls: on } }',
    /listeners\.a\.tls is not a known key here; it is called `ssl` here$/,
  ],
  ['tls: on', /^sluice\.yaml:1:1: tls .*it is called `ssl` and belongs to a listener, under `listeners`$/],
  ['port: 1883', /it is called `bind` and belongs to a listener, under `listeners`$/],
  [
    'listeners: { a: { bind: "127.0.0.1:1", type: tls } }',
    /type must be one of tcp, ws, unix, got "tls"; for TLS write `type: tcp` and `ssl: on` with `certfile` and `keyfile`$/,
  ],
  ['listeners: { a: { bind: "127.0.0.1:1", type: wss } }', /for TLS write `type: ws` and `ssl: on`/],
  ['listeners: { a: { bind: "127.0.0.1:1", type: websockets } }', /got "websockets"; did you mean ws\?$/],
] as const) {
  test(`what other servers call it leads to our key: ${text}`, () => {
    assert.match(linesOf(text)[0]!, answer)
  })
}
