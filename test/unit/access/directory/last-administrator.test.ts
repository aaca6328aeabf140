import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Directory, Step } from '../../../../src/access/directory/directory.ts'
import { takesLastAdministrator } from '../../../../src/access/directory/last-administrator.ts'
import { emptyDirectory, reference, setGroup, setRole, setUser } from '../../plugins/directory-support.ts'

/** Ann has the role directly, the users of `staff` by their group. */
function filled(...staff: readonly string[]): Directory {
  const directory = emptyDirectory()
  for (const name of ['administrator', 'reader']) setRole(directory, name)
  setGroup(directory, 'staff', 'administrator')
  setGroup(directory, 'guests', 'reader')
  setUser(directory, 'ann', { roles: ['administrator'] })
  for (const name of staff) setUser(directory, name, { groups: ['staff'] })
  setUser(directory, 'gone', { roles: ['administrator'], disabled: true })
  setUser(directory, 'guest', { groups: ['guests'] })
  return directory
}

const gone = (type: 'user' | 'group' | 'role', name: string): Step => ({ type, name, entry: undefined })

function user(directory: Directory, name: string, changes: object): Step {
  return { type: 'user', name, entry: { ...directory.get('user', name)!.entry, ...changes } }
}

function group(directory: Directory, name: string, ...roles: readonly string[]): Step {
  const entry = {
    ...directory.get('group', name)!.entry,
    roles: roles.map((role) => reference(directory, 'role', role)),
  }
  return { type: 'group', name, entry }
}

const role = { name: 'administrator', priority: 0, id: 0 }

test('a plan takes the last administrator away by users, roles or groups, and by what they are given', () => {
  const cases: readonly (readonly [what: string, staff: readonly string[], plan: (of: Directory) => Step[]])[] = [
    ['the user is removed', [], () => [gone('user', 'ann')]],
    ['the user is disabled', [], (of) => [user(of, 'ann', { disabled: true })]],
    ['the user loses the role', [], (of) => [user(of, 'ann', { roles: [] })]],
    ['the role is removed', ['bob'], () => [gone('role', 'administrator')]],
    ['the group of the others is removed with the user', ['bob'], () => [gone('group', 'staff'), gone('user', 'ann')]],
    ['the group loses the role', ['bob'], (of) => [group(of, 'staff'), gone('user', 'ann')]],
    ['all leave', ['bob', 'cid'], () => ['ann', 'bob', 'cid'].map((name) => gone('user', name))],
  ]
  for (const [what, staff, plan] of cases) {
    const directory = filled(...staff)
    assert.equal(takesLastAdministrator(directory, plan(directory)), true, what)
  }
})

test('and does not, if anybody is left, or comes', () => {
  const cases: readonly (readonly [what: string, staff: readonly string[], plan: (of: Directory) => Step[]])[] = [
    ['another one has it by a group', ['bob'], () => [gone('user', 'ann')]],
    ['another user is removed', [], () => [gone('user', 'guest')]],
    ['the group of nobody is removed', [], () => [gone('group', 'staff')]],
    ['another one gets it', [], (of) => [gone('user', 'ann'), user(of, 'guest', { roles: [role] })]],
    ['one who is disabled is enabled', [], (of) => [gone('user', 'ann'), user(of, 'gone', { disabled: false })]],
    ['a group with users gets it', [], (of) => [gone('user', 'ann'), group(of, 'guests', 'administrator')]],
    ['a role keeps its name', [], () => [{ type: 'role', name: 'administrator', entry: { ...NO_LABELS, rules: [] } }]],
    ['a user keeps the role by the group', [], (of) => [user(of, 'ann', { roles: [], groups: [staffOf(of)] })]],
  ]
  for (const [what, staff, plan] of cases) {
    const directory = filled(...staff)
    assert.equal(takesLastAdministrator(directory, plan(directory)), false, what)
  }
})

const NO_LABELS = { textName: '', textDescription: '' }
const staffOf = (directory: Directory) => reference(directory, 'group', 'staff')

test('where nobody has the role, nothing takes it', () => {
  const directory = emptyDirectory()
  setRole(directory, 'administrator')
  setUser(directory, 'ann')
  assert.equal(takesLastAdministrator(directory, [gone('role', 'administrator'), gone('user', 'ann')]), false)
})
