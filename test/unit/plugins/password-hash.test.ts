import assert from 'node:assert/strict'
import { passwordHashKind } from '../../../src/access/credential-forms.ts'
import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { passwd } from '../../../src/cli/passwd.ts'
import { updatePasswordFile } from '../../../src/plugins/password-file.ts'
import { hashPassword, verifyPassword, WRITABLE_PASSWORD_HASH_KINDS } from '../../../src/plugins/password-hash.ts'

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-passwd-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

for (const kind of WRITABLE_PASSWORD_HASH_KINDS.filter((each) => each !== 'scram-sha-256')) {
  test(`hashPassword: what it makes of kind ${kind} is of that kind, salted, and verifies`, async () => {
    const hash = await hashPassword('hünter2', kind)
    assert.equal(passwordHashKind(hash), kind)
    assert.notEqual(await hashPassword('hünter2', kind), hash)
    assert.equal(await verifyPassword(Buffer.from('hünter2'), hash), true)
    assert.equal(await verifyPassword(Buffer.from('hunter2'), hash), false)
  })
}

// Solar Designer's test vectors for crypt_blowfish; of the last one, bcrypt reads the first 72 bytes.
for (const [password, salted] of [
  ['', 'CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy'],
  ['U*U', 'CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['U*U*', 'CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK'],
  ['U*U*U', 'XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
  [
    '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored',
    'abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui',
  ],
] as const) {
  test(`verifyPassword: bcrypt of ${JSON.stringify(password)} is what every other tool makes of it`, async () => {
    for (const version of ['2a', '2b', '2y']) {
      const hash = `$${version}$05$${salted}`
      assert.equal(await verifyPassword(Buffer.from(password), hash), true, version)
      assert.equal(await verifyPassword(Buffer.from(`x${password}`), hash), false, version)
    }
  })
}

test('hashPassword: Argon2id unless said otherwise; an empty or an endless password is refused without being quoted', async () => {
  assert.equal(passwordHashKind(await hashPassword('p')), 'argon2id')
  await assert.rejects(hashPassword(''), { name: 'UsageError' })
  await assert.rejects(hashPassword('hunter2'.repeat(200)), (error: Error) => !error.message.includes('hunter2'))
})

test('passwordHashKind: the two kinds that begin with $6$ are told apart, and what is none is none', () => {
  assert.equal(passwordHashKind(`$6$rounds=1000$abc$${'a'.repeat(86)}`), 'sha512-crypt')
  assert.equal(passwordHashKind(`$6$abc+$${'a'.repeat(86)}==`), 'mosquitto-sha512')
  for (const text of ['', 'x', '$1$abc$def', '$6$', '$6$abc$tooshort', `$7$0$abc$${'a'.repeat(86)}==`, '$2b$99$x']) {
    assert.equal(passwordHashKind(text), undefined, text)
  }
})

test('updatePasswordFile: a new file is for its owner only; lines are added, replaced in place, removed', async (t) => {
  const path = join(await folderOf(t), 'passwords')
  assert.equal(await updatePasswordFile(path, 'a', '1'), false)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  await writeFile(path, '# who\n\na:1\nab:2')
  assert.equal(await updatePasswordFile(path, 'a', '3'), true)
  assert.equal(await updatePasswordFile(path, 'c', '4'), false)
  assert.equal(await readFile(path, 'utf8'), '# who\n\na:3\nab:2\nc:4\n')
  assert.equal(await updatePasswordFile(path, 'a', undefined), true)
  assert.equal(await updatePasswordFile(path, 'nobody', undefined), false)
  assert.equal(await readFile(path, 'utf8'), '# who\n\nab:2\nc:4\n')
})

test('updatePasswordFile: keeps the mode, follows a link, leaves nothing behind', async (t) => {
  const folder = await folderOf(t)
  const [path, link] = [join(folder, 'real'), join(folder, 'link')]
  await writeFile(path, '')
  await chmod(path, 0o640)
  await symlink(path, link)
  await updatePasswordFile(link, 'a', '1')
  assert.equal(await readFile(path, 'utf8'), 'a:1\n')
  assert.equal((await stat(path)).mode & 0o777, 0o640)
  assert.deepEqual((await readdir(folder)).sort(), ['link', 'real'])
})

test('updatePasswordFile: a file keeps its owner, also when root writes it', async (t) => {
  const path = join(await folderOf(t), 'passwords')
  await writeFile(path, '')
  const own = process.getuid!()
  const owner = own === 0 ? 4711 : own // nobody else may give a file away
  await chown(path, owner, process.getgid!())
  await updatePasswordFile(path, 'a', '1')
  assert.equal((await stat(path)).uid, owner)
})

for (const user of ['', 'a:b', '#a', 'a\nb', 'a\u0000']) {
  test(`updatePasswordFile: refuses the user name ${JSON.stringify(user)}`, async (t) => {
    await assert.rejects(updatePasswordFile(join(await folderOf(t), 'p'), user, '1'), { name: 'UsageError' })
  })
}

interface Ran {
  readonly outcome: string
  readonly shown: string
}

/** Runs the command with what somebody types. */
async function runPasswd(
  path: string,
  typed: readonly string[],
  options: Record<string, string> = { kind: 'bcrypt' },
  isTTY = true,
): Promise<Ran> {
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const stderr = new PassThrough()
  let shown = ''
  // Types each answer when it is asked for, as a person does.
  const answers = [...typed]
  stderr.on('data', (chunk: Buffer) => {
    shown += String(chunk)
    if (!String(chunk).endsWith(': ')) return
    const answer = answers.shift()
    if (answer === undefined) stdin.end()
    else stdin.write(answer)
  })
  if (!isTTY) stdin.end(answers.join(''))
  const terminal = { out: (text: string) => void (shown += text) }
  const outcome = await passwd({ options, positionals: [path, 'bob'], terminal }, { stdin, stderr }).then(
    (code) => `exit ${code}`,
    (error: Error) => error.message,
  )
  return { outcome, shown }
}

test('sluice passwd: asks twice on a terminal and shows neither', async (t) => {
  const path = join(await folderOf(t), 'passwords')
  const { outcome, shown } = await runPasswd(path, ['hunter2\r', 'hunter2\r'])
  assert.equal(outcome, 'exit 0')
  assert.equal(shown.replace(path, 'FILE'), 'Password for bob: \nRepeat password: \nbob added to FILE')
  const [, hash] = (await readFile(path, 'utf8')).trim().split(':')
  assert.equal(await verifyPassword(Buffer.from('hunter2'), hash!), true)
})

test('sluice passwd: two different passwords, Ctrl+C and end of input change nothing', async (t) => {
  const path = join(await folderOf(t), 'passwords')
  assert.match((await runPasswd(path, ['hunter2\r', 'hunter3\r'])).outcome, /differ; nothing was changed/)
  assert.match((await runPasswd(path, ['hun\u0003'])).outcome, /cancelled; nothing was changed/)
  assert.match((await runPasswd(path, [])).outcome, /no password was given/)
  await assert.rejects(stat(path))
})

test('sluice passwd: without a terminal the first line of standard input is the password', async (t) => {
  const path = join(await folderOf(t), 'passwords')
  assert.equal((await runPasswd(path, ['hunter2\nmore\n'], {}, false)).outcome, 'exit 0')
  const [, hash] = (await readFile(path, 'utf8')).trim().split(':')
  assert.equal(passwordHashKind(hash!), 'argon2id')
  assert.equal(await verifyPassword(Buffer.from('hunter2'), hash!), true)
})

test('sluice passwd: --delete takes a user out without asking; an unknown --kind is wrong usage', async (t) => {
  const path = join(await folderOf(t), 'passwords')
  await writeFile(path, 'bob:x\n')
  assert.match((await runPasswd(path, [], { delete: 'true' })).shown, /bob removed from/)
  assert.match((await runPasswd(path, [], { delete: 'true' })).outcome, /bob is not in .*; nothing was changed/)
  assert.equal(await readFile(path, 'utf8'), '')
  assert.match((await runPasswd(path, [], { kind: 'md5' })).outcome, /--kind must be one of argon2id, .*, got md5/)
})

test('sluice passwd: a file of SCRAM lines gets another one, and no file gets lines of both kinds', async (t) => {
  const path = join(await folderOf(t), 'passwords')
  await runPasswd(path, ['hunter2\n'], { kind: 'scram-sha-256' }, false)
  assert.equal((await runPasswd(path, ['hunter3\n'], {}, false)).outcome, 'exit 0')
  const text = await readFile(path, 'utf8')
  assert.match(text, /^bob:SCRAM-SHA-256\$[^\n]*\n$/)
  const { outcome } = await runPasswd(path, ['hunter2\n'], { kind: 'bcrypt' }, false)
  assert.match(
    outcome,
    /passwords contains SCRAM-SHA-256 lines for auth\.scram, which cannot be mixed with --kind bcrypt/,
  )
  assert.equal(await readFile(path, 'utf8'), text)
  const hashes = join(await folderOf(t), 'hashes')
  await runPasswd(hashes, ['hunter2\n'], { kind: 'sha256-crypt' }, false)
  const refused = await runPasswd(hashes, ['hunter2\n'], { kind: 'scram-sha-256' }, false)
  assert.match(
    refused.outcome,
    /contains password hashes for auth\.file, which cannot be mixed with --kind scram-sha-256/,
  )
})

test('sluice passwd: an empty password, and a user to remove who is not there, are errors in plain words', async (t) => {
  const path = join(await folderOf(t), 'passwords')
  assert.equal((await runPasswd(path, ['\n'], {}, false)).outcome, 'the password must not be empty')
  const { outcome } = await runPasswd(path, [], { delete: '' }, false)
  assert.equal(outcome, `bob is not in ${path}; nothing was changed`)
  await assert.rejects(stat(path), { code: 'ENOENT' }, 'no file is made for it')
})
