/** Revocation lists: which client certificates they turn away, and what start and `sluice check` say of them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { checkListenerFiles, openListener, type Listener } from '../../../src/listeners/listener.ts'
import { marksOf, parseRevocationLists, RevocationList } from '../../../src/listeners/revocation-list.ts'
import { TestAuthority, type Identity } from '../../support/certificates.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { listenerOptions, RecordingHost } from './recording-host.ts'

const root = new TestAuthority('Root CA')
const works = new TestAuthority('Works CA', root)
const other = new TestAuthority('Other CA')
const server = root.issue({ subject: [['CN', 'server']], names: ['DNS:localhost'] })
const device = works.issue({ subject: [['CN', 'pump-7']] })
const stolen = works.issue({ subject: [['CN', 'stolen']] })
const foreign = other.issue({ subject: [['CN', 'pump-7']] })

interface Case {
  readonly title: string
  readonly authorities: readonly TestAuthority[]
  readonly lists: readonly string[]
  /** By device: `in`, or why it is turned away. */
  readonly outcomes: readonly (readonly [identity: Identity, outcome: string])[]
  /** What is said at start. */
  readonly warnings: readonly RegExp[]
}

const NOT_LOOKED_UP = /`crlfile` contains no list of CN=Root CA: revocations of the CAs below it are not checked$/
const cases: readonly Case[] = [
  {
    title: 'the list of the issuing CA alone turns revoked devices away, and lets the others in',
    authorities: [root, works],
    lists: [works.revoke(stolen)],
    outcomes: [
      [device, 'in'],
      [stolen, 'CERT_REVOKED'],
    ],
    warnings: [NOT_LOOKED_UP],
  },
  {
    title: 'where a device sends its CA along, its list is found as well',
    authorities: [root],
    lists: [works.revoke(stolen)],
    outcomes: [
      [device, 'in'],
      [stolen, 'CERT_REVOKED'],
    ],
    warnings: [/contains no list of CN=Root CA: clients with its certificates are refused$/],
  },
  {
    title: 'with the list of the root, a CA that was revoked takes its devices with it',
    authorities: [root, works],
    lists: [works.revoke(), root.revoke(works)],
    outcomes: [[device, 'CERT_REVOKED']],
    warnings: [],
  },
  {
    title: 'the lists of a whole chain let good devices in',
    authorities: [root, works],
    lists: [works.revoke(stolen), root.revoke()],
    outcomes: [
      [device, 'in'],
      [stolen, 'CERT_REVOKED'],
    ],
    warnings: [],
  },
  {
    title: 'a device of a CA without a list cannot be looked up',
    authorities: [root, works, other],
    lists: [works.revoke()],
    outcomes: [
      [device, 'in'],
      [foreign, 'UNABLE_TO_GET_CRL'],
    ],
    warnings: [NOT_LOOKED_UP, /no list of CN=Other CA: clients with its certificates are refused$/],
  },
  {
    title: 'a list that somebody else signed under the name of the CA is no list of it',
    authorities: [root, works],
    lists: [new TestAuthority('Works CA').revoke()],
    outcomes: [[device, 'UNABLE_TO_GET_CRL']],
    warnings: [NOT_LOOKED_UP, /no list of CN=Works CA: clients with its certificates are refused$/],
  },
  {
    title: 'of two lists the newer one counts',
    authorities: [root, works],
    lists: [works.list([], { issued: '210101000000Z' }), works.list([device]), root.revoke()],
    outcomes: [[device, 'in']],
    warnings: [],
  },
  {
    title: 'a list past its time turns everyone away, and start says so',
    authorities: [root, works],
    lists: [works.list([], { expires: '210101000000Z' }), root.revoke()],
    outcomes: [[device, 'CRL_HAS_EXPIRED']],
    warnings: [
      /the revocation list of CN=Works CA in `crlfile` expired \d{4,} days ago \(2021-01-01T00:00:00.000Z\): clients/,
    ],
  },
  {
    title: 'a list with a meaning of its own is for OpenSSL to look into, which needs all of the chain',
    authorities: [root, works],
    lists: [works.list([stolen], { isForDevicesOnly: true }), root.revoke()],
    outcomes: [
      [device, 'in'],
      [stolen, 'CERT_REVOKED'],
    ],
    warnings: [/`crlfile` must contain a list for every CA in a client's chain, .* critical extension 2\.5\.29\.28$/],
  },
]

async function open(t: TestContext, authorities: readonly TestAuthority[], lists: readonly string[]) {
  const folder = scratchFolder()
  const write = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const options = listenerOptions({
    ssl: true,
    certfile: write('cert.pem', server.certificate),
    keyfile: write('key.pem', server.key),
    cafile: write('ca.pem', authorities.map(({ certificate }) => certificate).join('')),
    crlfile: write('crl.pem', lists.join('')),
    clientCertificates: 'required',
  })
  const host = new RecordingHost()
  const listener = await openListener(options, host)
  t.after(() => listener.close())
  host.onAccept = ({ transport }) => {
    transport.write(Buffer.from('in'))
    transport.end()
  }
  return { host, listener, options }
}

function dial(t: TestContext, { port }: Listener, { certificate, key }: Identity, session?: Buffer): TLSSocket {
  const cert = certificate + works.certificate
  const sent = { cert, key, ca: root.certificate, servername: 'localhost', ...(session && { session }) }
  const socket = connect({ host: '127.0.0.1', port: port!, ...sent })
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  return socket
}

for (const { title, authorities, lists, outcomes, warnings } of cases) {
  test(`crlfile: ${title}`, async (t) => {
    const { host, listener, options } = await open(t, authorities, lists)
    for (const [identity, expected] of outcomes) {
      const answer = await text(dial(t, listener, identity)).catch(() => '')
      const outcome = answer === '' ? String(host.lines.at(-1)?.fields['cause']) : answer
      assert.equal(outcome, expected === 'in' ? 'in' : `client certificate: ${expected}`)
    }
    const logged = host.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
    assert.deepEqual(await checkListenerFiles(options), logged)
    assert.equal(logged.length, warnings.length, logged.join('\n'))
    for (const [index, warning] of warnings.entries()) assert.match(logged[index]!, warning)
    for (const line of logged) assert.match(line, /^Listener `test`: /)
  })
}

test('crlfile: a resumed TLS session is looked up again, with the CA that the first one brought along', async (t) => {
  const { host, listener } = await open(t, [root], [works.revoke(stolen)])
  host.onAccept = () => true
  const first = dial(t, listener, device)
  const [session] = (await once(first.resume(), 'session')) as [Buffer]
  const second = dial(t, listener, device, session)
  await once(second, 'secureConnect')
  assert.equal(second.isSessionReused(), true)
  await host.connection(1)
})

/** A CA of OpenSSL's own making. @returns its certificate, one that it has revoked, and its list */
function openssl(algorithm: readonly string[], digest = 'default'): [X509Certificate, X509Certificate, string] {
  const folder = scratchFolder()
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  for (const name of ['ca', 'device']) run('genpkey', ...algorithm, '-out', `${name}.key`)
  mkdirSync(join(folder, 'new'))
  writeFileSync(join(folder, 'index.txt'), '')
  writeFileSync(join(folder, 'serial'), '00C0FFEE00C0FFEE00C0FFEE\n')
  writeFileSync(
    join(folder, 'ca.cnf'),
    '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=new\ncertificate=ca.pem\nprivate_key=ca.key\n' +
      `default_md=${digest}\ndefault_days=30\ndefault_crl_days=30\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n`,
  )
  run('req', '-x509', '-new', '-key', 'ca.key', '-subj', '/CN=Tool CA', '-days', '30', '-out', 'ca.pem')
  run('req', '-new', '-key', 'device.key', '-subj', '/CN=device', '-out', 'device.csr')
  run('ca', '-batch', '-config', 'ca.cnf', '-in', 'device.csr', '-out', 'device.pem')
  run('ca', '-config', 'ca.cnf', '-revoke', 'device.pem', '-crl_reason', 'keyCompromise')
  run('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'crl.pem')
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  return [new X509Certificate(read('ca.pem')), new X509Certificate(read('device.pem')), read('crl.pem')]
}

for (const [kind, algorithm, digest] of [
  ['RSA', ['-algorithm', 'RSA'], 'default'],
  ['RSA with SHA-512', ['-algorithm', 'RSA'], 'sha512'],
  ['P-384', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], 'default'],
  ['Ed25519', ['-algorithm', 'ed25519'], 'default'],
] as const) {
  test(`a list that OpenSSL has signed by ${kind} is read as it was meant`, () => {
    const [ca, revoked, pem] = openssl(algorithm, digest)
    const [list, ...rest] = parseRevocationLists(pem)
    assert.equal(rest.length, 0)
    assert.equal(list!.issuer, marksOf(ca).subject)
    assert.equal(list!.isSignedBy(ca), true)
    assert.equal(list!.isSignedBy(revoked), false)
    assert.equal(list!.has(marksOf(revoked).serial), true)
    assert.equal(list!.has(marksOf(ca).serial), false)
    const now = Date.now()
    assert.ok(list!.issuedAtMs <= now && now < list!.expiresAtMs! && list!.expiresAtMs! < now + 31 * 86_400_000)
  })
}

test('a list that was cut short or changed anywhere is never read as another list that is signed', () => {
  const der = Buffer.from(works.revoke(stolen).replaceAll(/-----[^-]*-----|\n/g, ''), 'base64')
  const ca = new X509Certificate(works.certificate)
  const isSound = (bytes: Buffer): boolean => {
    try {
      return new RevocationList(bytes).isSignedBy(ca)
    } catch (error) {
      assert.ok(error instanceof Error)
      return false
    }
  }
  assert.equal(isSound(der), true)
  for (let at = 0; at < der.length; at++) {
    assert.equal(isSound(der.subarray(0, at)), false, `cut at ${at}`)
    const changed = Buffer.from(der)
    changed[at]! ^= 0x01
    const list = (() => {
      try {
        return new RevocationList(changed)
      } catch {
        return undefined
      }
    })()
    // What follows the list, and how its signature is named, is not signed; what it says then is still the same.
    if (list?.isSignedBy(ca) === true)
      assert.equal(list.has(marksOf(new X509Certificate(stolen.certificate)).serial), true)
  }
})
