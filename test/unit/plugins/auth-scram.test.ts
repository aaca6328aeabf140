import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Access, type ExchangeStates, type LoginResult } from '../../../src/access/access.ts'
import type { ConnectRequest } from '../../../src/access/plugin.ts'
import authScram from '../../../src/plugins/auth-scram.ts'
import { hashPassword } from '../../../src/plugins/password-hash.ts'
import {
  deriveScramCredentials,
  formatScramCredentials,
  parseScramCredentials,
} from '../../../src/plugins/scram-credentials.ts'
import { clientFinal } from '../../support/scram-client.ts'
import { CapturedLog, contextOf, ManualClock, requestOf } from './support.ts'

test('the Client of these tests does what the example of RFC 7677 §3 does', () => {
  const { message, verifier } = clientFinal(
    'pencil',
    'n=user,r=rOprNGfwEbeRWgbNEkqO',
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  )
  assert.match(message, /,p=dHzbZapWIk4jUhN\+Ute9ytag9zjfMHgsqmmiz7AndVQ=$/)
  assert.equal(verifier, 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
})

interface Setup {
  readonly access: Access
  readonly log: CapturedLog
}

async function setUp(t: TestContext, lines?: string): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-scram-'))
  const salt = Buffer.from('0123456789abcdef')
  const pencil = formatScramCredentials(deriveScramCredentials('pencil', salt, 4096))
  await writeFile(join(folder, 'scram'), lines ?? `# users\nuser:${pencil}\na,b=c:${pencil}\n`)
  const [clock, log] = [new ManualClock(), new CapturedLog()]
  const plugin = await authScram(contextOf({ scram: { file: 'scram' } }, { baseFolder: folder, clock, log }))
  t.after(async () => {
    await plugin.close?.()
    await rm(folder, { recursive: true })
  })
  return { access: new Access({ loginPlugins: [plugin], topicPlugins: undefined, clock, log }), log }
}

interface Attempt {
  readonly password?: string
  readonly header?: string
  readonly bare?: string
  readonly channel?: string
  readonly change?: (message: string) => string
  readonly request?: Partial<ConnectRequest>
}

interface Outcome {
  readonly serverFirst: string
  readonly result: LoginResult
  readonly verifier: string
}

/** Runs both steps; a refusal at the first is the result. */
async function logIn({ access }: Setup, attempt: Attempt): Promise<Outcome> {
  const { password = 'pencil', header = 'n,,', bare = 'n=user,r=nonce', channel, change = (text) => text } = attempt
  const states: ExchangeStates = new Map()
  const step = (text: string): Promise<LoginResult> | LoginResult =>
    access.authenticate(
      requestOf(undefined, undefined, {
        authenticationMethod: 'SCRAM-SHA-256',
        authenticationData: Buffer.from(text),
        ...attempt.request,
      }),
      states,
    )
  const first = await step(header + bare)
  if (first.decision !== 'continue') return { serverFirst: '', result: first, verifier: '' }
  const serverFirst = Buffer.from(first.authenticationData!).toString()
  const { message, verifier } = clientFinal(password, bare, serverFirst, channel)
  return { serverFirst, result: await step(change(message)), verifier }
}

test('SCRAM-SHA-256: the right password logs in, and the Server proves that it knows the user', async (t) => {
  const { result, verifier } = await logIn(await setUp(t), {})
  assert.ok(result.decision === 'allow')
  assert.equal(result.userName, 'user')
  assert.equal(Buffer.from(result.authenticationData!).toString(), verifier)
})

const right: [title: string, attempt: Attempt][] = [
  ['y, for a Client that could bind to a channel', { header: 'y,,', channel: Buffer.from('y,,').toString('base64') }],
  ['the same authorization name', { header: 'n,a=user,', channel: Buffer.from('n,a=user,').toString('base64') }],
  ['a name with =2C and =3D', { bare: 'n=a=2Cb=3Dc,r=nonce' }],
  ['the same User Name in CONNECT', { request: { userName: 'user' } }],
  ['re-authentication', { request: { reAuthentication: true, userName: 'user' } }],
]
for (const [title, attempt] of right) {
  test(`SCRAM-SHA-256: ${title}: allowed`, async (t) => {
    assert.equal((await logIn(await setUp(t), attempt)).result.decision, 'allow')
  })
}

const wrong: [title: string, attempt: Attempt, cause: RegExp][] = [
  ['a wrong password', { password: 'hunter2' }, /wrong password/],
  ['a user who does not exist', { bare: 'n=nobody,r=nonce' }, /unknown user/],
  ['a first message that is too long to keep', { bare: `n=user,r=${'n'.repeat(1024)}` }, /longer than 1024 characters/],
  ['no SCRAM message at all', { header: '', bare: '' }, /not a SCRAM client-first-message/],
  ['channel binding', { header: 'p=tls-unique,,' }, /channel binding/],
  ['another authorization name', { header: 'n,a=admin,' }, /acting for another user/],
  ['a bad escape', { bare: 'n=us=er,r=nonce' }, /=2C nor =3D/],
  ['a mandatory extension', { bare: 'm=x,n=user,r=nonce' }, /not a SCRAM client-first-message/],
  ['another User Name in CONNECT', { request: { userName: 'admin' } }, /name different users/],
  ['another channel at the end', { channel: 'eSws' }, /client-final-message/],
  ['a nonce cut short', { change: (text) => text.replace(/r=[^,]+/, 'r=nonce') }, /client-final-message/],
  ['a nonce made longer', { change: (text) => text.replace(/(r=[^,]+)/, '$1x') }, /nonce differs from that/],
  ['no proof', { change: (text) => text.replace(/,p=.*/, '') }, /client-final-message/],
  ['a short proof', { change: (text) => text.replace(/p=.*/, 'p=AAAA') }, /client-final-message/],
]
for (const [title, attempt, cause] of wrong) {
  test(`SCRAM-SHA-256: ${title}: denied`, async (t) => {
    const setup = await setUp(t)
    const { result } = await logIn(setup, attempt)
    assert.ok(result.decision === 'deny')
    assert.match(result.cause, cause)
    assert.doesNotMatch(JSON.stringify([result, setup.log.lines]), /hunter2|pencil/)
  })
}

test('SCRAM-SHA-256: a user who does not exist is told a salt like any other, the same each time', async (t) => {
  const setup = await setUp(t)
  const shape = ({ serverFirst }: Outcome): string => serverFirst.replace(/^r=[^,]+,/, '')
  const [first, second] = [await logIn(setup, { bare: 'n=nobody,r=a' }), await logIn(setup, { bare: 'n=nobody,r=b' })]
  assert.equal(shape(first), shape(second))
  assert.equal(shape(first).length, shape(await logIn(setup, {})).length)
})

test('SCRAM-SHA-256: another method, or none, is no business of the plugin', async (t) => {
  const { access } = await setUp(t)
  assert.equal((await access.authenticate(requestOf('user', 'pencil'), new Map())).decision, 'deny')
  const other = requestOf(undefined, undefined, { authenticationMethod: 'SCRAM-SHA-1' })
  assert.match(JSON.stringify(await access.authenticate(other, new Map())), /no plugin supports this/)
})

test('SCRAM credentials: hashPassword writes what the file reads; a bad line is named by number', async (t) => {
  const text = await hashPassword('pencil', 'scram-sha-256')
  assert.equal(formatScramCredentials(parseScramCredentials(text)!), text)
  assert.equal((await logIn(await setUp(t, `user:${text}`), {})).result.decision, 'allow')
  await assert.rejects(setUp(t, '\nuser:hunter2'), {
    message: /scram, line 2 does not have the form user:SCRAM-SHA-256/,
  })
  await assert.rejects(authScram(contextOf({})), /requires the section `auth.scram`/)
})
