import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { accessOperations } from '../../../../src/admin/access-operations.ts'
import { accessTable } from '../../../../src/cli/operator/access-table.ts'
import { act } from '../../../../src/cli/operator/list-command.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { operated, run, type Operated } from './support.ts'

test('every operation for users, groups, roles, rules and bans has a command', () => {
  // `sluice explain` also answers without a broker.
  const named = new Set<string>([...accessTable.map(({ operation }) => operation), 'explain'])
  assert.deepEqual([...named].toSorted(), Object.keys(accessOperations).toSorted())
})

test('users, groups and roles are added, listed, changed and removed', async () => {
  await using world = await operated()
  assert.equal((await world.show('roles')).out, 'there is no role')
  assert.equal((await world.show('put-role', 'meter', '--text-name', 'Meters')).out, 'the role "meter" was stored')
  const rule = await world.show('put-rule', 'meter', 'allow', 'publish', 'power/%c/#', '--priority', '2')
  assert.equal(rule.out, 'the role "meter" has the rule allow publish power/%c/#')
  assert.equal((await world.show('put-group', 'site', '--roles', 'meter')).out, 'the group "site" was stored')
  const priorities = '[{"name":"site","priority":3}]'
  assert.equal((await world.show('put-user', 'ann', '--roles', 'meter', '--groups', priorities)).code, 0)

  const lines = async (...args: string[]) => (await world.show(...args)).out.split('\n')
  const [head, line] = await lines('users', '--role', 'meter')
  assert.match(head!, /^USER +DISABLED +HAS PASSWORD +CLIENT +ROLES +GROUPS +TEXT NAME$/)
  assert.match(line!, /^ann +no +no +- +meter +site \(priority 3\)$/)
  assert.match((await lines('roles'))[1]!, /^meter +allow publish power\/%c\/# \(priority 2\) +Meters$/)
  assert.match((await lines('groups'))[1]!, /^site +meter$/)
  const [ann] = (await world.run('users')).values
  assert.deepEqual(ann!['groups'], [{ name: 'site', priority: 3 }])

  assert.equal((await world.show('put-user', 'ann', '--roles', '', '--disabled', 'yes')).code, 0)
  const [changed] = (await world.run('user', 'ann')).values
  assert.deepEqual([changed!['roles'], changed!['disabled']], [[], true])
  assert.equal(
    (await world.show('delete-rule', 'meter', 'publish', 'power/%c/#')).out,
    'the role "meter" no longer has the rule about publish power/%c/#',
  )
  for (const [command, name] of [
    ['delete-user', 'ann'],
    ['delete-group', 'site'],
    ['delete-role', 'meter'],
  ] as const) {
    assert.equal((await world.show(command, name)).code, 0)
  }
  assert.equal((await world.show('users')).out, 'there is no user')
})

test('what is not there is a sentence and exit code 1, what is wrong exit code 2', async () => {
  await using world = await operated()
  await world.run('put-role', 'meter')
  for (const [args, code, message] of [
    [['user', 'x'], 1, 'there is no user "x"; `sluice users` lists all'],
    [['delete-user', 'x'], 1, 'there is no user "x"; `sluice users` lists all'],
    [['delete-group', 'x'], 1, 'there is no group "x"; `sluice groups` lists all'],
    [['delete-role', '$&'], 1, 'there is no role "$&"; `sluice roles` lists all'],
    [
      ['delete-rule', 'meter', 'publish', 'a'],
      1,
      'the role "meter" has no such rule; `sluice role ROLE` lists its rules',
    ],
    [['unban', 'user', 'x'], 1, 'there is no such ban; `sluice bans` lists all'],
    [['ban', 'ip', '10.0.0.1'], 2, 'KIND must be one of client-id, user, address, network, got ip.'],
    [['ban', 'client-id'], 2, '`sluice ban` requires KIND VALUE; VALUE is missing.'],
    [['put-user', 'ann', '--roles', '[x'], 2, '--roles begins like a list in JSON, but is none: [x'],
    [['put-user', 'ann', '--client-id'], 2, '--client-id requires a value: --client-id TEXT.'],
  ] as const) {
    const ran = await world.show(...args)
    assert.deepEqual([ran.code, ran.err.split('\n')[0]], [code, message], args.join(' '))
  }
})

/** Runs `put-user` with a standard input that has `input`. */
async function putUser(world: Operated, input: string): Promise<{ readonly code: number; readonly out: string }> {
  const out: string[] = []
  const print = (text: string) => void out.push(text)
  const terminal = {
    ...{ out: print, err: print, raw: () => undefined, bold: String, columns: () => 80 },
    ...{ isInteractive: false, hasColours: false },
  }
  const stdin = new PassThrough()
  stdin.end(input)
  const row = accessTable.find(({ name }) => name === 'put-user')!
  const options = { password: 'true', socket: world.socket }
  const code = await act(row, { options, positionals: ['ann'], terminal }, { stdin, stderr: new PassThrough() })
  return { code, out: out.join('\n') }
}

test('a password is read from standard input, and never printed', async () => {
  await using world = await operated()
  const { code, out } = await putUser(world, 'top secret\n')
  assert.equal(code, 0)
  assert.doesNotMatch(out, /top secret/)
  const { done, userName, answer } = JSON.parse(out) as { answer: { hasPassword: boolean } } & Record<string, unknown>
  assert.deepEqual([done, userName, answer.hasPassword], ['put-user', 'ann', true])
  await assert.rejects(putUser(world, ''), {
    code: 'ERR_PASSWORD',
    message: 'no password was given; nothing was changed',
  })
})

test('a password as an argument is refused, and not repeated', async () => {
  for (const args of [
    ['put-user', 'ann', '--password', 'top-secret'],
    ['put-user', '--password', 'top-secret', 'ann'],
    ['put-user', 'ann', '--password=top-secret'],
  ]) {
    const { code, out, err } = await run([...args, '--socket', '/nowhere/admin.sock'], false)
    assert.equal(code, 2)
    assert.doesNotMatch(out + err, /top-secret/)
  }
})

test('bans are made, listed with their end, and ended', async () => {
  await using world = await operated()
  assert.equal((await world.show('bans')).out, 'nothing is banned')
  assert.equal((await world.show('ban', 'client-id', 'meter-1')).out, 'client-id "meter-1" is banned')
  const scans = await world.show('ban', 'network', '203.0.113.7/24', '--seconds', '86400', '--reason', 'scans')
  assert.equal(scans.out, 'network "203.0.113.0/24" is banned')
  const [head, first, second] = (await world.show('bans')).out.split('\n')
  assert.match(head!, /^KIND +VALUE +REASON +CREATED AT +UNTIL$/)
  assert.match(first!, /^client-id +meter-1 +.* ago +-$/)
  assert.match(second!, /^network +203\.0\.113\.0\/24 +scans +.* ago +in \d+ (h|d)$/)
  const { values } = await world.run('bans')
  assert.deepEqual(
    values.map(({ kind, value }) => [kind, value]),
    [
      ['client-id', 'meter-1'],
      ['network', '203.0.113.0/24'],
    ],
  )
  assert.equal((await world.show('unban', 'client-id', 'meter-1')).out, 'client-id "meter-1" is no longer banned')
  assert.equal((await world.run('bans')).values.length, 1)
})

test('a file is exported, compared and imported', async () => {
  await using world = await operated()
  await world.run('put-role', 'viewer')
  await world.run('put-rule', 'viewer', 'allow', 'subscribe', 'a/#')
  await world.run('put-user', 'ann', '--roles', 'viewer')
  const { out } = await world.run('export-access')
  assert.match(out, /^\{\n {2}"format": "sluice-access"/)

  const file = join(scratchFolder(), 'access.json')
  writeFileSync(file, out)
  assert.equal((await world.show('access-diff', file)).out, 'nothing changes')
  writeFileSync(file, out.replace('a/#', 'b/#'))
  const expected = [
    'changed: role viewer',
    '',
    'ann',
    '  + allow subscribe b/# (priority 0)',
    '  - allow subscribe a/# (priority 0)',
  ]
  assert.deepEqual((await world.show('access-diff', file)).out.split('\n'), expected)
  assert.match((await world.show('role', 'viewer')).out, /allow subscribe a\/#/, 'nothing has changed')
  const [difference] = (await world.run('access-diff', file)).values
  assert.deepEqual([difference!['dryRun'], difference!['differencesInAll']], [true, 1])

  assert.deepEqual((await world.show('import-access', file)).out.split('\n'), expected)
  assert.match((await world.show('role', 'viewer')).out, /allow subscribe b\/#/)
  const [done] = (await world.run('import-access', file, '--dry-run', 'yes')).values
  assert.deepEqual(Object.keys(done!), ['done', 'dryRun', 'answer'])
})

test('a file that cannot be read is a sentence that does not quote it', async () => {
  const file = join(scratchFolder(), 'access.json')
  writeFileSync(file, '{"passwordHash": $argon2id$secret')
  const broken = await run(['import-access', file, '--socket', '/nowhere/admin.sock'], false)
  assert.deepEqual([broken.code, broken.err.split('\n')[0]], [2, `${file} is not JSON.`])
  const missing = await run(['import-access', `${file}.txt`, '--socket', '/nowhere/admin.sock'], false)
  assert.match(missing.err, /access\.json\.txt cannot be read: ENOENT/)
})

test('a file that is longer than the broker reads is a sentence that names the option', async () => {
  await using world = await operated()
  const file = join(scratchFolder(), 'access.json')
  const users = Array.from({ length: 5000 }, (_, at) => ({ userName: `user-${at}`, textDescription: 'x'.repeat(1000) }))
  writeFileSync(file, JSON.stringify({ format: 'sluice-access', version: 1, users }))
  const { code, err } = await world.run('import-access', file)
  assert.equal(code, 1)
  assert.match(err, /admin\.max-request-bytes/)
})
