import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { resolveOptions } from '../../../src/config/options.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { messageAt, problemsOf } from '../broker/options-support.ts'

const TLS = { bind: '[::1]:0', ssl: 'on', certfile: 'c', keyfile: 'k' } as const
const OPEN = { auth: { 'allow-anonymous': true } } as const

test('nothing at all is one listener on 127.0.0.1:1883 for anonymous Clients of this machine [5.0 U-4.2-1]', () => {
  const options = resolveOptions()
  assert.deepEqual(
    options.listeners.map(({ name, type, host, port }) => ({ name, type, host, port })),
    [{ name: 'default', type: 'tcp', host: '127.0.0.1', port: 1883 }],
  )
  assert.deepEqual([options.auth.plugins, options.auth.allowAnonymous], [['auth.anonymous'], true])
  assert.equal(options.topicCheck, undefined)
  assert.equal(options.persistence, undefined)
  assert.equal(options.baseFolder, resolve('.'))
  assert.deepEqual(options.warnings, [])
})

test('`listeners: {}` opens none, and needs no word about who may come in', () => {
  assert.deepEqual(resolveOptions({ listeners: {} }).listeners, [])
})

test('`default` is inherited by the others, and is itself opened only when it is the only one', () => {
  const { listeners, warnings } = resolveOptions({
    maxQos: 1,
    receiveMaximum: 7,
    listeners: {
      default: { type: 'ws', 'max-connections': 50, 'receive-maximum': 8, bind: '127.0.0.1:1' },
      a: { bind: '127.0.0.1:0' },
      b: { bind: '127.0.0.1:0', type: 'tcp', max_connections: 3, receiveMaximum: 9 },
    },
  })
  assert.deepEqual(
    listeners.map(({ name, type, maxConnections, maxQos, receiveMaximum }) => [
      name,
      type,
      maxConnections,
      maxQos,
      receiveMaximum,
    ]),
    [
      ['a', 'ws', 50, 1, 8],
      ['b', 'tcp', 3, 1, 9],
    ],
  )
  assert.deepEqual(
    warnings.map(({ path }) => path),
    ['listeners.default.bind'],
  )
  const [only] = resolveOptions({ listeners: { default: { bind: '[::1]:0' } } }).listeners
  assert.deepEqual([only!.host, only!.port], ['::1', 0])
})

test('the limit of Connections at the top and the one of a listener are two', () => {
  const options = resolveOptions({ maxConnections: 9, listeners: { default: {} } })
  assert.deepEqual([options.maxConnections, options.listeners[0]!.maxConnections], [9, 0])
})

test('every listener but `default` needs a bind of its own', () => {
  const input = { listeners: { default: { bind: ':1' }, a: {}, b: { type: 'unix' } }, ...OPEN }
  assert.match(messageAt(input, 'listeners.a.bind'), /^is missing.*127\.0\.0\.1:1883/)
  assert.match(messageAt(input, 'listeners.b.bind'), /^is missing.*path of its socket/)
})

test('a bind is host:port, [v6]:port or :port, and a path for a Unix domain socket', () => {
  const input = { listeners: { a: { bind: ':1' }, b: { bind: '[::1]:2' }, c: { bind: 'x.example:3' } }, ...OPEN }
  const unix = { listeners: { u: { type: 'unix', bind: 'run/mqtt.sock' } } } as const
  assert.deepEqual(
    [...resolveOptions(input).listeners, ...resolveOptions(unix).listeners].map(({ host, port, path }) => [
      host,
      port,
      path,
    ]),
    [
      ['', 1, ''],
      ['::1', 2, ''],
      ['x.example', 3, ''],
      ['', 0, resolve('run/mqtt.sock')],
    ],
  )
})

test('two listeners cannot have one address, unless the system chooses it', () => {
  const twice = (bind: string) => ({ listeners: { a: { bind }, b: { bind } }, ...OPEN })
  assert.match(messageAt(twice('127.0.0.1:1883'), 'listeners.b.bind'), /is already used by `listeners\.a`/)
  assert.deepEqual(problemsOf(twice('127.0.0.1:0')), [])
})

test('an address that contains another listener’s is a mistake, which names both', () => {
  const both = (a: string, b: string) => ({ listeners: { a: { bind: a }, b: { bind: b } }, ...OPEN })
  for (const [a, b] of [
    ['0.0.0.0:1883', '127.0.0.1:1883'],
    ['[::1]:1883', '[::]:1883'],
    [':1883', '127.0.0.1:1883'],
    ['0.0.0.0:1883', ':1883'],
  ] as const) {
    assert.match(messageAt(both(a, b), 'listeners.b.bind'), /overlaps the address of `listeners\.a`/)
  }
  assert.deepEqual(problemsOf(both('[::]:1883', 'x.example:1883')), [], 'which address a name is, is not known yet')
  assert.match(messageAt(both('[::1]:1883', '[0:0::1]:1883'), 'listeners.b.bind'), /is already used by/)
})

test('[::] takes IPv4 as well, unless another listener has an IPv4 address with its port', () => {
  const onlyV6 = (...binds: string[]) =>
    resolveOptions({
      listeners: Object.fromEntries(binds.map((bind, at) => [`l${at}`, { bind }])),
      ...OPEN,
    }).listeners.map(({ ipv6Only }) => ipv6Only)
  assert.deepEqual(onlyV6('[::]:1883'), [false])
  assert.deepEqual(onlyV6('[::]:1883', '0.0.0.0:1883'), [true, false])
  assert.deepEqual(onlyV6('127.0.0.1:1883', '[0::0]:1883'), [false, true])
  assert.deepEqual(onlyV6('[::]:1883', '0.0.0.0:1884'), [false, false])
  assert.deepEqual(onlyV6('[::]:0', '0.0.0.0:0'), [false, false])
})

for (const bind of ['127.0.0.1:1883', '127.8.9.1:1883', '[::1]:1883', 'localhost:1883', '[::ffff:127.0.0.1]:1883']) {
  test(`without auth, anonymous Clients may come in at ${bind}`, () => {
    assert.equal(resolveOptions({ listeners: { a: { bind } } }).auth.allowAnonymous, true)
  })
}

for (const bind of [
  ':1883',
  '0.0.0.0:1883',
  '[::]:1883',
  '192.168.1.1:1883',
  'broker.example:1883',
  '128.0.0.1:1883',
]) {
  test(`without auth, ${bind} is an error that names the two lines either of which would settle it`, () => {
    const message = messageAt({ listeners: { a: { bind } } }, 'listeners.a.bind')
    assert.match(message, /auth: \{allow-anonymous: true\}\n.*auth: \{password-file: FILE\}/)
    assert.deepEqual(problemsOf({ listeners: { a: { bind } }, ...OPEN }), [])
    assert.deepEqual(problemsOf({ listeners: { a: { bind } }, auth: { passwordFile: 'x' } }), [])
    assert.deepEqual(problemsOf({ listeners: { a: { bind, 'allow-anonymous': 'yes' } } }), [])
    assert.equal(problemsOf({ listeners: { a: { bind, 'allow-anonymous': 'no' } } }).length, 1)
  })
}

test('a Unix domain socket is of this machine', () => {
  assert.deepEqual(problemsOf({ listeners: { a: { type: 'unix', bind: 'x' } } }), [])
})

test('allow-anonymous is off unless written, once there is an auth section', () => {
  assert.equal(resolveOptions({ auth: { passwordFile: 'x' } }).auth.allowAnonymous, false)
  assert.equal(resolveOptions({ auth: { allowAnonymous: 'yes' } }).auth.allowAnonymous, true)
})

for (const [written, plugins] of [
  [{ passwordFile: 'x' }, ['auth.file']],
  [{ allowAnonymous: true }, ['auth.anonymous']],
  [{ passwordFile: 'x', allowAnonymous: true }, ['auth.file', 'auth.anonymous']],
  [{}, []],
  [{ passwordFile: 'x', plugins: ['auth_anonymous', 'auth_file'] }, ['auth.anonymous', 'auth.file']],
  [{ plugins: ['./mine.js'] }, ['./mine.js']],
  [{ jwt: { 'key-file': 'k' }, scram: { file: 'x' } }, ['auth.jwt', 'auth.scram']],
  [{ http: { url: 'http://localhost/' }, allowAnonymous: true }, ['auth.http', 'auth.anonymous']],
] as const) {
  test(`auth ${JSON.stringify(written)} asks ${JSON.stringify(plugins)}`, () => {
    assert.deepEqual(resolveOptions({ auth: written }).auth.plugins, plugins)
  })
}

test('a listener that lets in anonymous Clients makes auth.anonymous one of those asked', () => {
  const listeners = { a: { bind: ':1883', allowAnonymous: true } }
  assert.deepEqual(resolveOptions({ listeners, auth: { passwordFile: 'x' } }).auth.plugins, [
    'auth.file',
    'auth.anonymous',
  ])
})

test('a listener that takes User Names from certificates makes auth.certificate one of those asked', () => {
  const listeners = { a: { ...TLS, cafile: 'ca', 'certificate-user-name': 'cn' } } as const
  assert.deepEqual(resolveOptions({ listeners, auth: { passwordFile: 'x' } }).auth.plugins, [
    'auth.file',
    'auth.certificate',
  ])
})

test('a plugin that is an object of the program stays the very object, with what its class gives it', () => {
  class Guard {
    readonly name = 'guard'
    authenticate() {
      return undefined
    }
  }
  const guard = new Guard()
  const options = resolveOptions({ listeners: {}, auth: { plugins: [guard] }, topicCheck: { plugins: [guard] } })
  assert.equal(options.auth.plugins[0], guard)
  assert.equal(options.topicCheck?.plugins[0], guard)
})

test('a plugin without a name is told that it needs one', () => {
  const input = { auth: { plugins: [{ authenticate: () => undefined }] } } as unknown as ConfigInput
  assert.match(
    messageAt(input, 'auth.plugins.0.plugin'),
    /is missing; an object that is a plugin itself needs a `name`/,
  )
  assert.match(messageAt(input, 'auth.plugins.0.authenticate'), /the known keys are plugin, options/)
})

test('sections of plugins are read like any other', () => {
  const jwt = { 'key-file': 'k', 'require-expiry': 'off', algorithms: ['ES256'] } as const
  const { auth } = resolveOptions({ auth: { jwt } })
  assert.deepEqual([auth.jwt!.keyFile, auth.jwt!.requireExpiry, auth.jwt!.userNameClaim], [resolve('k'), false, 'sub'])
  assert.match(messageAt({ auth: { http: { urls: 'x' } } }, 'auth.http.urls'), /did you mean `url`/)
})

test('what listeners say about anonymous Clients is gathered for auth.anonymous', () => {
  const listeners = { a: { bind: '[::1]:0', allowAnonymous: 'no' }, b: { bind: '[::1]:0' } } as const
  const { auth } = resolveOptions({ listeners })
  assert.deepEqual([auth.allowAnonymous, auth.allowAnonymousOn], [true, { a: false }])
})

test('a plugin may have options of its own, which are its own business', () => {
  const plugins = [{ plugin: 'topic_acl', options: { acl: {} } }] as const
  assert.deepEqual(resolveOptions({ topicCheck: { plugins } }).topicCheck!.plugins, plugins)
  assert.equal(problemsOf({ topicCheck: { plugins, unheard: 1 } }).length, 1)
})

for (const [input, path] of [
  [{ auth: {} }, 'auth'],
  [{ auth: { plugins: ['auth.anonymous'] } }, 'auth'],
  [{ auth: { plugins: ['auth.anonymous'], allowAnonymous: true, passwordFile: 'x' } }, 'auth.password-file'],
  [{ auth: { plugins: ['auth.file'], allowAnonymous: true, passwordFile: 'x' } }, 'auth.allow-anonymous'],
  [{ topicCheck: {} }, 'topic-check'],
  [{ topicCheck: { plugins: ['topic_taboo'], acl: {} } }, 'topic-check.acl'],
  [{ auth: { plugins: ['auth.file'], passwordFile: 'x', jwt: {} } }, 'auth.jwt'],
] as const) {
  test(`${JSON.stringify(input)} lets in fewer than it seems to: a warning at ${path}`, () => {
    assert.deepEqual(
      resolveOptions(input).warnings.map((warning) => warning.path),
      [path],
    )
  })
}

test('a plugin of ours without the key that it cannot do without is an error', () => {
  assert.match(messageAt({ topicCheck: { plugins: ['topic_acl'] } }, 'topic-check.acl'), /`topic_acl` requires it/)
  assert.match(messageAt({ topicCheck: { plugins: ['acl.file'] } }, 'topic-check.acl-file'), /`acl.file` requires it/)
  assert.match(messageAt({ auth: { plugins: ['auth_file'] } }, 'auth.password-file'), /`auth.file` requires it/)
  assert.deepEqual(problemsOf({ topicCheck: { plugins: ['topic_acl'], enabled: false } }), [])
  assert.deepEqual(problemsOf({ topicCheck: { plugins: ['topic_taboo'] } }), [])
})

test('topic-check is on unless it says otherwise, and asks those whose lists are given', () => {
  assert.deepEqual(resolveOptions({ topicCheck: { acl: { ann: ['a'] }, aclFile: '/x' } }).topicCheck, {
    enabled: true,
    plugins: ['topic_acl', 'acl.file'],
    acl: { ann: ['a'] },
    aclFile: resolve('/x'),
    retainedCheck: 'off',
  })
  assert.equal(resolveOptions({ topicCheck: { enabled: 'off' } }).topicCheck!.enabled, false)
})

test('names of users and listeners are never respelled', () => {
  const acl = { some_user: ['a'], 'some-user': ['b'], someUser: ['c'] }
  assert.deepEqual(resolveOptions({ topicCheck: { acl } }).topicCheck!.acl, acl)
  const listeners = { my_tcp: { bind: '[::1]:0' }, 'my-tcp': { bind: '[::1]:0' } }
  assert.deepEqual(
    resolveOptions({ listeners }).listeners.map(({ name }) => name),
    ['my_tcp', 'my-tcp'],
  )
})

test('a plugin that is not ours may have keys of its own, but none that looks like one of ours misspelt', () => {
  const plugins = ['./mine.js']
  const mine = { plugins, 'token-service': { url: 'x' } }
  assert.deepEqual((resolveOptions({ auth: mine }).auth as unknown as Record<string, unknown>)['tokenService'], {
    url: 'x',
  })
  assert.match(
    messageAt({ auth: { plugins, 'password-fil': 'x' } }, 'auth.password-fil'),
    /did you mean `password-file`/,
  )
  assert.match(messageAt({ auth: { 'token-service': {} } }, 'auth.token-service'), /^is not a known key/)
})

test('a key in any other spelling is none', () => {
  for (const written of ['Max-Qos', 'MAX_QOS', 'max-Qos', 'maxqos']) {
    assert.match(messageAt({ [written]: 1 }, written), /did you mean `max-qos`\?/)
  }
})

test('an unknown key that is known elsewhere is told where it belongs', () => {
  assert.match(messageAt({ 'password-file': 'x' }, 'password-file'), /it belongs under `auth`/)
  assert.match(messageAt({ bind: ':1' }, 'bind'), /it belongs to a listener/)
  assert.match(messageAt({ auth: { 'max-qos': 1 } }, 'auth.max-qos'), /it belongs to the top level or to a listener/)
})

test('booleans are on, off, yes, no, true or false', () => {
  for (const on of ['on', 'yes', 'true', true] as const) assert.equal(resolveOptions({ retain: on }).retain, true)
  for (const off of ['off', 'no', 'false', false] as const) assert.equal(resolveOptions({ retain: off }).retain, false)
})

test('protocol versions are written as people say them', () => {
  assert.deepEqual(resolveOptions({ protocolVersions: [5, '3.1.1', 3.1] }).protocolVersions, [5, 4, 3])
})

test('a choice that looks like a number may be written as one', () => {
  const secure = { ssl: true, certfile: 'c', keyfile: 'k', minTlsVersion: 1.3 }
  const [listener] = resolveOptions({ listeners: { default: secure } } as unknown as ConfigInput).listeners
  assert.equal(listener!.minTlsVersion, '1.3')
})

for (const [listener, key, message] of [
  [{ ssl: 'on', keyfile: 'k' }, 'certfile', /requires `certfile` and `keyfile`/],
  [{ ssl: 'on', certfile: 'c' }, 'keyfile', /requires `certfile` and `keyfile`/],
  [{ certfile: 'c' }, 'certfile', /no effect here without `ssl: on`/],
  [{ 'client-certificates': 'required' }, 'client-certificates', /no effect here without `ssl: on`/],
  [{ ...TLS, 'client-certificates': 'required' }, 'client-certificates', /set `cafile`, `capath` or `cadata`/],
  [{ ...TLS, 'certificate-user-name': 'cn' }, 'certificate-user-name', /requires client certificates/],
  [{ ...TLS, crlfile: 'x' }, 'crlfile', /requires the CA/],
  [{ ...TLS, type: 'unix', bind: 'x' }, 'ssl', /cannot be on for a Unix domain socket/],
  [{ 'websocket-path': '/mqtt' }, 'websocket-path', /without `type: ws`/],
  [{ 'allowed-origins': ['*'] }, 'allowed-origins', /without `type: ws`/],
  [{ 'trusted-proxies': ['::1'] }, 'trusted-proxies', /without `proxy-protocol: on` or `type: ws`/],
  [{ 'proxy-protocol': 'on' }, 'proxy-protocol', /requires `trusted-proxies`/],
  [{ type: 'unix', bind: 'x', 'tcp-keepalive': 5 }, 'tcp-keepalive', /without `type: tcp`/],
] as const) {
  test(`listener ${JSON.stringify(listener)} cannot work`, () => {
    const input = { listeners: { a: { bind: '[::1]:0', ...listener } } }
    assert.match(messageAt(input, `listeners.a.${key}`), message)
    assert.equal(problemsOf(input).length, 1)
  })
}

test('what is inherited without effect is no error: `default` may hold certificates for those that speak TLS', () => {
  const { bind: _, ssl: __, ...files } = TLS
  const listeners = { default: files, plain: { bind: '[::1]:0' }, secure: { bind: '[::1]:0', ssl: true } }
  assert.deepEqual(problemsOf({ listeners }), [])
})

test('with a CA, client certificates are optional unless something else is said', () => {
  const asked = (more: object) =>
    resolveOptions({ listeners: { a: { ...TLS, ...more } } }).listeners[0]!.clientCertificates
  assert.equal(asked({}), 'off')
  assert.equal(asked({ cafile: 'ca' }), 'optional')
  assert.equal(asked({ cadata: 'PEM' }), 'optional')
  assert.equal(asked({ capath: 'ca', 'client-certificates': 'required' }), 'required')
})

test('certificates by SNI have absolute paths, and keys in any spelling', () => {
  const files = { certfile: 'x.crt', keyfile: 'x.key' }
  for (const name of ['server-name', 'server_name', 'serverName'] as const) {
    const input: ConfigInput = { listeners: { a: { ...TLS, certificates: [{ [name]: 'x.example', ...files }] } } }
    assert.deepEqual(resolveOptions(input).listeners[0]!.certificates, [
      { serverName: 'x.example', certfile: resolve('x.crt'), keyfile: resolve('x.key') },
    ])
  }
  const twice = [{ 'server-name': 'x.example', serverName: 'y.example', ...files }]
  assert.deepEqual(problemsOf({ listeners: { a: { ...TLS, certificates: twice } } }), [
    {
      path: 'listeners.a.certificates.0.serverName',
      message: 'is the same key as `server-name`; remove one of them',
    },
  ])
})

test('everything that is wrong is told at once, and nothing that only follows from it', () => {
  const input = {
    maxQos: 3,
    auth: 'on',
    listeners: { a: { bind: 1883, ssl: 'maybe' }, b: { bind: '0.0.0.0:1' }, c: [] },
    persistence: { path: 5 },
  }
  assert.deepEqual(
    problemsOf(input)
      .map(({ path }) => path)
      .toSorted(),
    ['auth', 'listeners.a.bind', 'listeners.a.ssl', 'listeners.c', 'max-qos', 'persistence.path'],
  )
})

test('what holds secrets is never shown', () => {
  const input = { listeners: { a: { ...TLS, cadata: ['-----BEGIN secret'] } } }
  assert.doesNotMatch(JSON.stringify(problemsOf(input)), /secret/)
  const cloud = { url: 'ws://127.0.0.1', clientId: 'plant', headers: 'Authorization: Bearer secret' }
  assert.doesNotMatch(JSON.stringify(problemsOf({ bridges: { cloud } })), /secret/)
})

test('a configuration that is no section at all says so', () => {
  for (const wrong of [5, 'listeners', [], null]) {
    assert.match(problemsOf(wrong)[0]!.message, /^must be a section with keys/)
  }
})
