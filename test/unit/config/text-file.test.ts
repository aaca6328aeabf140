/** Text files as editors write them: whichever mark stands before the text, each reader reads the same. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfigFile } from '../../../src/config/config-file.ts'
import { resolveOptions } from '../../../src/config/options.ts'
import { decodeText, LineProblems } from '../../../src/config/text-file.ts'
import { loadCertificates } from '../../../src/listeners/certificates.ts'
import aclFile from '../../../src/plugins/acl-file.ts'
import authFile from '../../../src/plugins/auth-file.ts'
import authJwt from '../../../src/plugins/auth-jwt.ts'
import authScram from '../../../src/plugins/auth-scram.ts'
import { updatePasswordFile, parsePasswordFile } from '../../../src/plugins/password-file.ts'
import { hashPassword } from '../../../src/plugins/password-hash.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { clientOf, contextOf, decisionOf, requestOf } from '../plugins/support.ts'

const HASH =
  '$6$QXm8KdpCNYJoIlOd$28FEVdysZpgTzvlVcQKovAtF9wyRYH5BwgCHOaDp7KAx+q86fPauiOgz5c1KQS+OINeWZ7znha0fQ00w/5QilQ=='
const PASSWORD = 'hünter2'

/** By what an editor calls it: how it writes a text. */
const MARKS: Readonly<Record<string, (text: string) => Uint8Array>> = {
  'UTF-8 without a mark': (text) => Buffer.from(text),
  'UTF-8 with a byte order mark': (text) => Buffer.from(`\ufeff${text}`),
  'UTF-16, little end first': (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'UTF-16, big end first': (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
}

const authority = new TestAuthority('Works CA')
const server = authority.issue({ names: ['DNS:localhost'] })

/** By the file: what its first line means to the reader of that file. @returns true when it was understood */
const READERS: Readonly<Record<string, (write: (name: string, text: string) => string) => Promise<boolean>>> = {
  'a configuration': async (write) => {
    const { input } = loadConfigFile(write('sluice.yaml', 'max-qos: 1\n'))
    return resolveOptions(input as object).maxQos === 1
  },
  'a password file': async (write) => {
    const path = write('passwords', `ann:${HASH}\n`)
    const plugin = await authFile(contextOf({ passwordFile: path }))
    const alive = setInterval(() => undefined, 60_000)
    const decision = await decisionOf(plugin, requestOf('ann', PASSWORD))
    await plugin.close?.()
    clearInterval(alive)
    return decision === 'allow'
  },
  'a file of rules': async (write) => {
    const plugin = await aclFile(contextOf({ aclFile: write('rules', 'user ann\ntopic a\n') }))
    await plugin.close?.()
    return plugin.mayReceive?.(clientOf('ann'), 'a') === true
  },
  'a file for SCRAM': async (write) => {
    const file = write('scram', `ann:${await hashPassword('pencil', 'scram-sha-256')}\n`)
    const plugin = await authScram(contextOf({ scram: { file } }))
    await plugin.close?.()
    return true
  },
  'a public key': async (write) => {
    const { publicKey } = generateKeyPairSync('ed25519')
    const keyFile = write('key', publicKey.export({ type: 'spki', format: 'pem' }) as string)
    await (await authJwt(contextOf({ jwt: { keyFile } }))).close?.()
    return true
  },
  'certificates, their key, a CA and a revocation list': async (write) => {
    const files = {
      certfile: write('cert.pem', server.certificate),
      keyfile: write('key.pem', server.key),
      cafile: write('ca.pem', authority.certificate),
      crlfile: write('crl.pem', authority.revoke()),
    }
    const [options] = resolveOptions({ listeners: { tls: { bind: '127.0.0.1:0', ssl: true, ...files } } }).listeners
    return (await loadCertificates(options!)).summary.length === 1
  },
}

for (const [mark, encode] of Object.entries(MARKS)) {
  for (const [file, isUnderstood] of Object.entries(READERS)) {
    test(`${file}, saved as ${mark}, is read from its first letter on`, async () => {
      const folder = scratchFolder()
      const write = (name: string, text: string): string => {
        writeFileSync(join(folder, name), encode(text))
        return join(folder, name)
      }
      assert.equal(await isUnderstood(write), true)
    })
  }
}

test('a byte order mark is no part of the text', () => {
  for (const encode of Object.values(MARKS)) assert.equal(decodeText(encode('ann:x')), 'ann:x')
})

test('`sluice passwd` changes the first user of a file with a byte order mark, and writes no second line', async () => {
  const path = join(scratchFolder(), 'passwords')
  writeFileSync(path, MARKS['UTF-8 with a byte order mark']!(`ann:${HASH}\r\nbob:${HASH}\r\n`))
  assert.equal(await updatePasswordFile(path, 'ann', 'x'), true)
  assert.equal(await updatePasswordFile(path, 'bob', undefined), true)
  assert.equal(decodeText(await import('node:fs').then(({ readFileSync }) => readFileSync(path))), 'ann:x\n')
})

test('a name in another encoding than UTF-8 would match nobody: the line is named instead', async () => {
  const folder = scratchFolder()
  const path = join(folder, 'passwords')
  writeFileSync(path, Buffer.from(`ann:${HASH}\njürgen:${HASH}\n`, 'latin1'))
  await assert.rejects(
    authFile(contextOf({ passwordFile: path })),
    /passwords, line 2 is not UTF-8 text; save the file as UTF-8/,
  )
  writeFileSync(path, Buffer.from('# Käse\nmax-qos: 1\n', 'latin1'))
  assert.throws(() => loadConfigFile(path), { code: 'ERR_CONFIG', message: /line 1 is not UTF-8/ })
})

test('words around a certificate may be in any encoding', async () => {
  const folder = scratchFolder()
  const [certfile, keyfile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certfile, Buffer.from(`Subject: Zürich\n${server.certificate}`, 'latin1'))
  writeFileSync(keyfile, server.key)
  const input = { listeners: { tls: { bind: '127.0.0.1:0', ssl: true, certfile, keyfile } } }
  assert.equal((await loadCertificates(resolveOptions(input).listeners[0]!)).summary.length, 1)
})

test('all bad lines of a file are named, so that one look mends them; of very many, how many more there are', () => {
  const text = ['hunter2', `ann:${HASH}`, 'bob:hunter2', `ann:${HASH}`].join('\n')
  assert.throws(() => parsePasswordFile(text), {
    code: 'ERR_CONFIG_FILE',
    message:
      'line 1 does not have the form user:hash; `sluice passwd FILE USER` writes such a line\nline 3 has a hash of an unknown kind; `sluice passwd FILE USER` writes a line that works\nline 4 repeats the user of line 2',
  })
  const problems = new LineProblems()
  for (let line = 1; line <= 150; line++) problems.add(line, 'is bad')
  assert.throws(() => problems.throwIfAny(), /^ConfigError: line 1 is bad\n[^]*line 100 is bad\nand 50 further lines$/)
})
