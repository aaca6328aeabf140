import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Directory,
  type DirectoryChange,
  type DirectoryRecord,
  type Step,
} from '../../../../src/access/directory/directory.ts'
import type { Reference, UserEntry } from '../../../../src/access/directory/entries.ts'

const labels = { textName: '', textDescription: '' }
const limits = { maxUsers: 3, maxGroups: 3, maxRoles: 3, maxRules: 3, maxBans: 3 }

function userStep(name: string, parts: Partial<UserEntry> = {}): Step {
  const entry = { ...labels, disabled: false, clientId: undefined, passwordHash: undefined, scram: undefined }
  return { type: 'user', name, entry: { ...entry, roles: [], groups: [], ...parts } }
}

function roleStep(name: string, topics: readonly string[] = []): Step {
  const rule = { action: 'publish', effect: 'allow', priority: 0, literal: false } as const
  return { type: 'role', name, entry: { ...labels, rules: topics.map((topic) => ({ ...rule, topic })) } }
}

function made(...plan: readonly Step[]): { directory: Directory; records: Map<string, DirectoryRecord> } {
  const directory = new Directory(() => 1000)
  directory.begin(limits)
  const records = new Map<string, DirectoryRecord>()
  directory.keeper = {
    check: () => undefined,
    set: (record) => void records.set(`${record.type} ${record.name}`, record),
    remove: (type, name) => void records.delete(`${type} ${name}`),
  }
  directory.carryOut(plan)
  return { directory, records }
}

function reference(directory: Directory, type: 'role' | 'group', name: string): Reference {
  return { name, id: directory.get(type, name)!.id, priority: 0 }
}

test('what is kept comes back as it was, with its versions', () => {
  const { directory, records } = made(userStep('ann', { scram: 'größe' }), roleStep('meter', ['a/#']))
  const again = new Directory(() => 0)
  again.begin(limits)
  for (const record of records.values()) again.load(record)
  for (const type of ['user', 'role'] as const) {
    assert.equal(JSON.stringify([...again.all(type)]), JSON.stringify([...directory.all(type)]))
  }
  assert.equal(again.ruleCount, 1)
  const [version] = again.carryOut([userStep('bob')])
  assert.ok(version! > directory.get('role', 'meter')!.version, 'versions go on, though the clock is behind')
})

test('a record of a type that a later version has made is left alone', () => {
  const { directory } = made()
  directory.load({ type: 'tenant', name: 'x', version: 5000, content: 'not even JSON' })
  assert.ok(directory.carryOut([userStep('ann')])[0]! > 5000)
})

test('a role that is deleted and made again gives nobody what the old one gave', () => {
  const { directory } = made(roleStep('administrator'), {
    type: 'group',
    name: 'staff',
    entry: { ...labels, roles: [] },
  })
  const [role, group] = [reference(directory, 'role', 'administrator'), reference(directory, 'group', 'staff')]
  directory.carryOut([userStep('ann', { roles: [role] })])
  assert.equal(directory.isAdministrator('ann'), true)
  directory.carryOut([{ type: 'role', name: 'administrator', entry: undefined }])
  directory.carryOut([roleStep('administrator')])
  assert.equal(directory.isAdministrator('ann'), false)

  const [newRole] = [reference(directory, 'role', 'administrator')]
  directory.carryOut([{ type: 'group', name: 'staff', entry: { ...labels, roles: [newRole] } }])
  directory.carryOut([userStep('ann', { groups: [group] })])
  assert.equal(directory.isAdministrator('ann'), true, 'by a group')
  directory.carryOut([userStep('ann', { groups: [group], disabled: true })])
  assert.equal(directory.isAdministrator('ann'), false, 'a disabled user has no role')
  assert.equal(directory.isAdministrator(undefined), false)
})

test('a plan is carried out as a whole: not if one version is wrong, one limit is exceeded, or the store is full', () => {
  const { directory, records } = made(userStep('ann'))
  const before = [...records.values()]
  const version = directory.get('user', 'ann')!.version
  const refused = (code: string, plan: readonly Step[]): void => {
    assert.throws(() => directory.carryOut(plan), { code })
    assert.deepEqual([...records.values()], before)
    assert.equal(directory.all('user').size, 1)
  }
  refused('ERR_VERSION', [userStep('bob'), { ...userStep('ann'), ifVersion: version + 1 }])
  refused('ERR_VERSION', [userStep('bob'), { ...userStep('ann'), ifVersion: 0 }])
  refused('ERR_LIMIT', [userStep('b'), userStep('c'), userStep('d')])
  refused('ERR_LIMIT', [roleStep('a', ['1', '2']), roleStep('b', ['3', '4'])])
  directory.keeper = {
    ...directory.keeper,
    check: (bytes) => {
      if (bytes > 0) throw Object.assign(new Error('full'), { code: 'ERR_STORE_FULL' })
    },
  }
  refused('ERR_STORE_FULL', [userStep('bob')])
  directory.carryOut([{ ...userStep('ann'), entry: undefined, ifVersion: version } as Step])
  assert.equal(records.size, 0, 'what takes away needs no room')
})

test('a limit that was lowered lets what there is be changed and removed, and nothing be added', () => {
  const { directory } = made(userStep('a'), userStep('b'))
  directory.limits = { ...limits, maxUsers: 1 }
  directory.carryOut([userStep('a', { disabled: true })])
  directory.carryOut([{ type: 'user', name: 'a', entry: undefined } as Step, userStep('c')])
  assert.throws(() => directory.carryOut([userStep('d')]), { code: 'ERR_LIMIT' })
})

test('listeners learn whether rules or logins have changed, once for each plan', () => {
  const { directory } = made(userStep('ann'), roleStep('meter'))
  const changes: DirectoryChange[] = []
  directory.onChanged((change) => changes.push(change))
  directory.carryOut([userStep('ann', { passwordHash: 'x' }), roleStep('meter')])
  directory.carryOut([userStep('ann', { passwordHash: 'x', roles: [reference(directory, 'role', 'meter')] })])
  const ban = { kind: 'user', value: 'ann', reason: '', createdAtMs: 0, untilMs: undefined } as const
  directory.carryOut([{ type: 'ban', name: 'user:ann', entry: ban }])
  directory.carryOut([{ type: 'ban', name: 'user:ann', entry: undefined }])
  assert.deepEqual(changes, [
    { rules: true, logins: true },
    { rules: true, logins: false },
    { rules: false, logins: true },
    { rules: false, logins: false },
  ])
})
