/**
 * Certificates that have run out, or soon will, are reported by `sluice check`, at start, at a reload and daily;
 * encrypted keys.
 */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Clock } from '../../../src/base/clock.ts'
import type { ListenerInput } from '../../../src/config/options.ts'
import { checkListenerFiles, openListener } from '../../../src/listeners/listener.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { sluice } from '../cli/cli-support.ts'
import { ManualClock } from '../plugins/support.ts'
import { listenerOptions, RecordingHost } from './recording-host.ts'

const DAY_MS = 86_400_000
const END_MS = Date.parse('2049-12-31T23:59:59Z')
const authority = new TestAuthority('Works CA')
const server = authority.issue({ subject: [['CN', 'server']], names: ['DNS:localhost'] })
const expired = authority.issue({ subject: [['CN', 'old']], expired: true })

/** Stands at the same time until it is moved. */
class WallClock extends ManualClock implements Clock {
  #startMs: number

  constructor(startMs: number) {
    super()
    this.#startMs = startMs
  }

  override wallNow(): number {
    return this.#startMs + this.now()
  }
}

class HostAt extends RecordingHost {
  declare readonly clock: WallClock

  constructor(wallMs: number) {
    super(new WallClock(wallMs))
  }

  get warnings(): string[] {
    return this.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  }
}

function write(files: Readonly<Record<string, string>>): Record<string, string> {
  const folder = scratchFolder()
  return Object.fromEntries(
    Object.entries(files).map(([key, content]) => {
      writeFileSync(join(folder, `${key}.pem`), content)
      return [key, join(folder, `${key}.pem`)]
    }),
  )
}

async function open(t: TestContext, wallMs: number, input: ListenerInput) {
  const host = new HostAt(wallMs)
  const options = listenerOptions({ ssl: true, ...input })
  const listener = await openListener(options, host)
  t.after(() => listener.close())
  return { host, listener, options }
}

test('an expired certificate is reported with its days at start, at a reload and every day', async (t) => {
  const files = write({ certfile: expired.certificate, keyfile: expired.key })
  const { host, listener, options } = await open(t, Date.parse('2021-01-11T12:00:00Z'), files)
  const said = (days: number): string =>
    `Listener \`test\`: the certificate CN=old in ${files['certfile']} expired ${days} days ago (2021-01-01T00:00:00.000Z): clients that verify it cannot connect`
  assert.deepEqual(host.warnings, [said(10)])
  host.clock.advance(DAY_MS)
  host.clock.advance(DAY_MS)
  assert.deepEqual(host.warnings, [said(10), said(11), said(12)])
  await listener.reload(options)
  assert.deepEqual(host.warnings.slice(3), [said(12)])
  host.clock.advance(DAY_MS)
  assert.deepEqual(host.warnings.slice(4), [said(13)], 'and the door from before says nothing any more')
  await listener.close()
  host.clock.advance(DAY_MS)
  assert.equal(host.warnings.length, 5)
})

test('a certificate that is renewed is judged anew', async (t) => {
  const files = write({ certfile: server.certificate, keyfile: server.key })
  const { host } = await open(t, END_MS - DAY_MS, files)
  const renewed = authority.issue({ subject: [['CN', 'renewed']], expired: true })
  for (const [key, content] of [
    ['certfile', renewed.certificate],
    ['keyfile', renewed.key],
  ] as const) {
    writeFileSync(`${files[key]}.new`, content)
    renameSync(`${files[key]}.new`, files[key]!)
  }
  host.clock.advance(60_000)
  await host.line(/renewed certificates/)
  assert.match(host.warnings.at(-1)!, /CN=renewed .* expired/)
})

const IN_TIME: readonly [title: string, wallMs: number, days: number | undefined, expected: RegExp | undefined][] = [
  [
    'two weeks before the end',
    END_MS - 13.5 * DAY_MS,
    undefined,
    /CN=server in .* expires in 13 days \(2049-12-31T23:59:59.000Z\)$/,
  ],
  ['longer before the end', END_MS - 15 * DAY_MS, undefined, undefined],
  ['longer before the end, told to', END_MS - 15 * DAY_MS, 30, /expires in 15 days/],
  ['in the last hour', END_MS - 3_600_000, undefined, /expires in less than a day/],
  ['in the last hour, told not to', END_MS - 3_600_000, 0, undefined],
  [
    'before the beginning',
    Date.parse('2019-12-30T00:00:00Z'),
    undefined,
    /becomes valid in 2 days \(2020-01-01T00:00:00.000Z\): clients/,
  ],
]
for (const [title, wallMs, days, expected] of IN_TIME) {
  test(`a certificate ${title} is ${expected === undefined ? 'nothing to report' : 'reported'}`, async (t) => {
    const files = write({ certfile: server.certificate, keyfile: server.key })
    const { host } = await open(t, wallMs, { ...files, ...(days !== undefined && { certificateWarningDays: days }) })
    assert.equal(host.warnings.length, expected === undefined ? 0 : 1, host.warnings.join('\n'))
    if (expected !== undefined) assert.match(host.warnings[0]!, expected)
  })
}

test('all that has an end is looked at: chains, SNI certificates, CAs and lists; of many CAs the rest is counted', async (t) => {
  const intermediate = new TestAuthority('Middle CA', authority)
  const own = intermediate.issue({ subject: [['CN', 'server']] })
  const many = Array.from({ length: 9 }, (_, index) => new TestAuthority(`CA ${index}`))
  const files = write({
    certfile: own.certificate + intermediate.certificate,
    keyfile: own.key,
    cafile: many.map(({ certificate }) => certificate).join(''),
    crlfile: many.map((one) => one.revoke()).join(''),
  })
  const sni = write({ certfile: server.certificate, keyfile: server.key })
  const { host } = await open(t, END_MS + 3 * DAY_MS, {
    ...files,
    certificates: [{ certfile: sni['certfile']!, keyfile: sni['keyfile']! }],
  })
  const [leaf, chain, byName, ...rest] = host.warnings
  assert.match(leaf!, /the certificate CN=server in .* expired 3 days ago/)
  assert.match(chain!, /the CA certificate CN=Middle CA in .* expired 3 days ago/)
  assert.match(byName!, /the certificate CN=server in .* expired 3 days ago/)
  const authorities = rest.filter((line) => line.includes(': the CA '))
  assert.equal(authorities.length, 5)
  assert.match(authorities[0]!, /the CA CN=CA 0 expired 3 days ago .*: clients with its certificates are refused$/)
  assert.ok(rest.includes('Listener `test`: and the same applies to 4 other CAs'))
  assert.equal(rest.filter((line) => line.includes('the revocation list of')).length, 9)
})

test('`sluice check` reports what has run out, and finds the configuration to work', () => {
  const { certfile, keyfile } = write({ certfile: expired.certificate, keyfile: expired.key })
  const folder = scratchFolder()
  writeFileSync(
    join(folder, 'sluice.yaml'),
    `listeners: { tls: { bind: '127.0.0.1:8883', ssl: on, certfile: ${certfile}, keyfile: ${keyfile} } }\nauth: { allow-anonymous: on }\n`,
  )
  const { code, out, err } = sluice(['check', '--config', 'sluice.yaml'], folder)
  assert.equal(code, 0)
  assert.match(out, /is valid/)
  assert.match(
    err,
    /^warning: Listener `tls`: the certificate CN=old in .* expired \d+ days ago \(2021-01-01T00:00:00.000Z\)/,
  )
})

const PASSWORD = 'pass word'
const ENCRYPTED = {
  'PKCS #8': createPrivateKey(server.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: PASSWORD,
  }) as string,
  'the older form': createPrivateKey(server.key).export({
    type: 'sec1',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: PASSWORD,
  }) as string,
}
for (const [form, keyfile] of Object.entries(ENCRYPTED)) {
  test(`an encrypted key (${form}) is named as such; with its password it works`, async (t) => {
    const files = write({ certfile: server.certificate, keyfile, right: `${PASSWORD}\r\n`, wrong: 'x', empty: '\n' })
    const { certfile, keyfile: path, right, wrong, empty } = files as Record<string, string>
    const tls = { ssl: true, certfile: certfile!, keyfile: path! }
    const fails = (input: ListenerInput, message: RegExp) =>
      assert.rejects(checkListenerFiles(listenerOptions({ ...tls, ...input })), { name: 'ConfigError', message })
    await fails({}, /`keyfile` .* is encrypted; set `keyfile-password-file` to a file with its password/)
    await fails({ keyfilePasswordFile: wrong! }, /`keyfile` .* cannot be decrypted with the password in .*wrong\.pem/)
    await fails(
      { keyfilePasswordFile: empty! },
      /`keyfile-password-file` .*empty\.pem has an empty first line, where the password is expected/,
    )
    const { host } = await open(t, Date.now(), { ...tls, keyfilePasswordFile: right! })
    assert.deepEqual(host.warnings, [])
    const one = { certfile: certfile!, keyfile: path!, 'keyfile-password-file': right! }
    await checkListenerFiles(listenerOptions({ ...tls, 'keyfile-password-file': right!, certificates: [one] }))
  })
}
