import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Access } from '../../../src/access/access.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import authHttp from '../../../src/plugins/auth-http.ts'
import { answerOf, answerTo, CapturedLog, contextOf, decisionOf, ManualClock, requestOf } from './support.ts'

interface Asked {
  readonly body: Record<string, unknown>
  readonly headers: IncomingMessage['headers']
}

interface Setup {
  readonly plugin: Plugin
  readonly access: Access
  readonly clock: ManualClock
  readonly log: CapturedLog
  readonly asked: Asked[]
  /** Connections that were made. */
  connections: number
}

type Answer = (response: ServerResponse) => void
const say =
  (answer: unknown, status = 200): Answer =>
  (response) => {
    response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  }

/** Writes as long as somebody reads. */
function endless(response: ServerResponse): void {
  response.on('error', () => undefined)
  const piece = Buffer.alloc(65_536, 'x')
  const write = (): void => {
    if (response.destroyed) return
    if (response.write(piece)) setImmediate(write)
    else response.once('drain', write)
  }
  write()
}

/** A log-in service on a port that the system chose. */
async function setUp(t: TestContext, answer: Answer, options: Record<string, unknown> = {}): Promise<Setup> {
  const [clock, log, asked] = [new ManualClock(), new CapturedLog(), [] as Asked[]]
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
      asked.push({ body, headers: request.headers })
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/login`
  const plugin = authHttp(contextOf({ http: { url, ...options } }, { clock, log }))
  t.after(async () => {
    await plugin.close?.()
    server.closeAllConnections()
    server.close()
  })
  const access = new Access({ loginPlugins: [plugin], topicPlugins: undefined, clock, log })
  const setup: Setup = { plugin, access, clock, log, asked, connections: 0 }
  server.on('connection', () => setup.connections++)
  return setup
}

test('auth.http: posts what is known of the log-in as JSON, with the headers that are given', async (t) => {
  const { plugin, asked } = await setUp(t, say({ decision: 'allow' }), { headers: { 'x-key': 'k' } })
  assert.deepEqual(await answerTo(plugin, requestOf('u', 'pä')), { decision: 'allow' })
  assert.deepEqual(asked[0]?.body, {
    clientId: 'c1',
    userName: 'u',
    address: '127.0.0.1',
    listener: 'default',
    encrypted: false,
    protocolVersion: 5,
    password: 'pä',
  })
  assert.equal(asked[0]?.headers['x-key'], 'k')
  assert.equal(asked[0]?.headers['content-type'], 'application/json')
})

test('auth.http: a password that is not UTF-8 travels as base64', async (t) => {
  const { plugin, asked } = await setUp(t, say({ decision: 'allow' }))
  await answerOf(plugin, requestOf('u', Buffer.from([0xff])))
  assert.equal(asked[0]?.body['passwordBase64'], '/w==')
  assert.equal(asked[0]?.body['password'], undefined)
})

const answers: [title: string, answer: Answer, expected: unknown][] = [
  [
    'allow with a name and an end',
    say({ decision: 'allow', userName: 'x', expiresAtMs: 5, more: 1 }),
    { decision: 'allow', userName: 'x', expiresAtMs: 5 },
  ],
  ['deny', say({ decision: 'deny' }), { decision: 'deny', cause: 'the login service denied it' }],
  ['status 401', say('', 401), { decision: 'deny', cause: 'the login service denied it' }],
  ['status 403', say('whatever', 403), { decision: 'deny', cause: 'the login service denied it' }],
  ['no opinion', say({ decision: 'no opinion' }), undefined],
]
for (const [title, answer, expected] of answers) {
  test(`auth.http: the answer ${title}`, async (t) => {
    const { plugin } = await setUp(t, answer)
    assert.deepEqual(await answerTo(plugin, requestOf('u', 'p')), expected)
  })
}

const failures: [title: string, answer: Answer, message: RegExp][] = [
  ['status 500', say('hunter2', 500), /answered with status 500/],
  ['a redirection', (response) => response.writeHead(302, { location: '/' }).end(), /answered with status 302/],
  ['no JSON', say('hunter2'), /gave an invalid answer/],
  ['no decision', say({ ok: true }), /gave an invalid answer/],
  [
    'too much',
    say('x'.repeat(70_000)),
    /login answered with more than 65536 bytes; .* raise auth.http.max-answer-bytes/,
  ],
  ['too much, in pieces', (response) => endless(response), /more than 65536 bytes/],
  ['a cut connection', (response) => response.destroy(), /ECONNRESET/],
]
for (const [title, answer, message] of failures) {
  test(`auth.http: ${title} fails closed and is logged without the password`, async (t) => {
    const { access, log } = await setUp(t, answer)
    const result = await access.authenticate(requestOf('u', 'hunter2'), new Map())
    assert.equal(result.decision, 'deny')
    assert.match(log.lines[0]!, message)
    assert.doesNotMatch(JSON.stringify([result, log.lines]), /hunter2/)
  })
}

test('auth.http: max-answer-bytes: what comes beyond it is not read', async (t) => {
  let sent = 0
  const answer: Answer = (response) => {
    endless(response)
    response.on('close', () => (sent = response.socket?.bytesWritten ?? 0))
  }
  const { access, log } = await setUp(t, answer, { maxAnswerBytes: 1000 })
  assert.equal((await access.authenticate(requestOf('u', 'p'), new Map())).decision, 'deny')
  assert.match(log.lines[0]!, /more than 1000 bytes/)
  assert.ok(sent < 32 * 2 ** 20, `${sent} bytes were sent`)
})

test('auth.http: an allow with an overlong user name counts, and is not remembered', async (t) => {
  const userName = 'n'.repeat(2000)
  const { plugin, asked } = await setUp(t, say({ decision: 'allow', userName }))
  for (let n = 0; n < 2; n++) assert.equal(await decisionOf(plugin, requestOf('u', 'p')), 'allow')
  assert.equal(asked.length, 2)
})

test('auth.http: silence fails closed after timeout-ms', async (t) => {
  const setup = await setUp(t, () => setup.clock.advance(200), { timeoutMs: 200 })
  const result = await setup.access.authenticate(requestOf('u', 'p'), new Map())
  assert.equal(result.decision, 'deny')
  assert.match(setup.log.lines[0]!, /did not answer within 200 ms/)
})

test('auth.http: a service that cannot be reached fails closed', async () => {
  const plugin = authHttp(contextOf({ http: { url: 'http://me:hunter2@127.0.0.1:1/login?key=hunter2' } }))
  await assert.rejects(answerOf(plugin, requestOf('u', 'p')), {
    code: 'ERR_PLUGIN',
    message: 'the login service at http://127.0.0.1:1/login cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
  })
})

test('auth.http: connections to the service are kept open', async (t) => {
  const setup = await setUp(t, say({ decision: 'deny' }))
  for (let n = 0; n < 5; n++) await answerOf(setup.plugin, requestOf('u', 'p'))
  assert.equal(setup.asked.length, 5)
  assert.equal(setup.connections, 1)
})

test('auth.http: an allow is remembered for cache-ms, a deny never', async (t) => {
  let decision = 'allow'
  const { plugin, clock, asked } = await setUp(t, (response) => say({ decision })(response), { cacheMs: 100 })
  await answerOf(plugin, requestOf('u', 'p'))
  assert.equal((await plugin.authenticate!(requestOf('u', 'p')))?.decision, 'allow', 'answered at once')
  decision = 'deny'
  assert.equal(await decisionOf(plugin, requestOf('u', 'other')), 'deny')
  clock.advance(100)
  assert.equal(await decisionOf(plugin, requestOf('u', 'p')), 'deny')
  assert.equal(await decisionOf(plugin, requestOf('u', 'p')), 'deny')
  assert.equal(asked.length, 4)
})

test('auth.http: max-pending questions are under way at one time, others wait for their turn', async (t) => {
  const open: ServerResponse[] = []
  let arrived = (): void => undefined
  const keep: Answer = (response) => {
    open.push(response)
    arrived()
  }
  const { access, asked } = await setUp(t, keep, { maxPending: 1, cacheMs: 0 })
  const logIn = async (name: string) => (await access.authenticate(requestOf(name, 'p'), new Map())).decision
  const first = new Promise<void>((resolve) => (arrived = resolve))
  const decisions = ['a', 'b', 'c'].map(logIn)
  await first
  await new Promise(setImmediate)
  assert.equal(asked.length, 1)
  arrived = () => say({ decision: 'allow' })(open.at(-1)!)
  arrived()
  assert.deepEqual(await Promise.all(decisions), ['allow', 'allow', 'allow'])
})

test('auth.http: a CONNECT that claims nothing, or with an Authentication Method, is not asked about', async (t) => {
  const { plugin, asked } = await setUp(t, say({ decision: 'allow' }))
  assert.equal(await decisionOf(plugin, requestOf()), undefined)
  assert.equal(await decisionOf(plugin, requestOf('u', 'p', { authenticationMethod: 'X' })), undefined)
  assert.equal(asked.length, 0)
  assert.equal(await decisionOf(plugin, requestOf(undefined, undefined, { certificateUserName: 'm' })), 'allow')
})

test('auth.http: options that cannot work are an error at start that quotes no value', () => {
  const make = (http: unknown) => () => authHttp(contextOf({ http }))
  assert.throws(make(undefined), /requires the section `auth.http`/)
  assert.throws(make({ url: 'ftp://hunter2' }), (error: Error) => {
    return error.message === 'auth.http.url: expected an http or https address'
  })
  assert.throws(make({ url: 'http://a', headers: { a: 1 } }), /auth.http.headers.a: expected string/)
  assert.throws(make({ url: 'http://a', timeout: 1 }), /auth.http.timeout: unknown key/)
})

test('auth.http: max-connections: so many requests go out side by side, the others after them', async (t) => {
  const open: ServerResponse[] = []
  let arrived = (): void => undefined
  const keep: Answer = (response) => {
    open.push(response)
    arrived()
  }
  const setup = await setUp(t, keep, { maxConnections: 2, cacheMs: 0 })
  const both = new Promise<void>((resolve) => (arrived = () => open.length === 2 && resolve()))
  const decisions = ['a', 'b', 'c', 'd'].map((name) => decisionOf(setup.plugin, requestOf(name, 'p')))
  await both
  arrived = () => say({ decision: 'allow' })(open.at(-1)!)
  for (const response of open.slice()) say({ decision: 'allow' })(response)
  assert.deepEqual(await Promise.all(decisions), ['allow', 'allow', 'allow', 'allow'])
  assert.equal(setup.connections, 2)
})

test('auth.http: recheck-url decides who stays, without the password; recheck-ms asks for it again and again', async (t) => {
  let answer = say({ decision: 'allow' })
  let revocations = 0
  const [clock, log, asked] = [new ManualClock(), new CapturedLog(), [] as Record<string, unknown>[]]
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      asked.push(JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>)
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const http = { url: `${url}login`, recheckUrl: `${url}stay`, recheckMs: 5000 }
  const plugin = authHttp(contextOf({ http }, { clock, log, revoked: () => void revocations++ }))
  t.after(async () => {
    await plugin.close?.()
    server.closeAllConnections()
    server.close()
  })
  const client = { clientId: 'c', userName: 'u', address: '::1', listener: 'l', protocolVersion: 5 } as const
  const allowed = await answerOf(plugin, requestOf('u', 'p'))
  const evidence = allowed?.decision === 'allow' ? allowed.evidence : undefined
  assert.equal(await plugin.mayStay!(client, evidence), true)
  assert.deepEqual(asked.at(-1), client)
  answer = say({ decision: 'no opinion' })
  assert.equal(await plugin.mayStay!(client, evidence), undefined)
  answer = say('', 403)
  assert.equal(await plugin.mayStay!(client, evidence), false)
  answer = say('', 500)
  assert.equal(await plugin.mayStay!(client, evidence), true, 'a service that fails takes nobody’s login away')
  assert.equal(log.lines.length, 1)
  assert.equal(await plugin.mayStay!(client, undefined), undefined, 'another plugin let it in')
  assert.equal(await plugin.mayStay!(client, { url: 'http://127.0.0.1/another' }), undefined)
  clock.advance(5000)
  clock.advance(5000)
  assert.equal(revocations, 2)
})
