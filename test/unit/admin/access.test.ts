/** Users, groups, roles, rules and bans through `broker.admin`, and the file of them. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { NEW_USER } from '../../../src/admin/access/access-changes.ts'
import { finish } from '../../../src/base/slices.ts'
import type { Admin } from '../../../src/broker/host/admin.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import { verifyPassword } from '../../../src/plugins/password-hash.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

/** The operations, each with the turns that it needs. */
async function made(t: TestContext): Promise<{ broker: VirtualBroker; admin: Admin }> {
  const broker = await VirtualBroker.start({ users: {} })
  t.after(() => broker.close())
  const admin = new Proxy(broker.broker.admin, {
    get: (all, name) => (parameters?: object) =>
      settled(broker, (all[name as keyof Admin] as (given?: object) => Promise<unknown>)(parameters)),
  })
  return { broker, admin }
}

test('a user is made and changed field by field; a password becomes hashes that are never shown', async (t) => {
  const { broker, admin } = await made(t)
  await admin.putRole({ name: 'meter', rules: [{ action: 'publish', effect: 'allow', topic: 'power/%c' }] })
  await admin.putGroup({ name: 'devices', roles: ['meter'], textName: 'Devices' })
  const ann = await admin.putUser({ userName: 'ann', password: 'sécret', groups: ['devices'], textName: 'Ann' })
  const expected = {
    userName: 'ann',
    disabled: false,
    clientId: undefined,
    hasPassword: true,
    hasScram: true,
    roles: [],
  }
  const groups = [{ name: 'devices', priority: 0 }]
  assert.deepEqual(ann, { ...expected, version: ann.version, groups, textName: 'Ann', textDescription: '' })
  const hash = serverOf(broker.broker).directory.get('user', 'ann')!.entry.passwordHash!
  assert.match(hash, /^\$argon2id\$/)
  assert.ok(await verifyPassword(Buffer.from('sécret'), hash))

  const again = await admin.putUser({ userName: 'ann', clientId: 'c1', roles: [{ name: 'meter', priority: 5 }] })
  assert.deepEqual([again.clientId, again.hasPassword, again.groups, again.textName], ['c1', true, groups, 'Ann'])
  assert.ok(again.version > ann.version)
  assert.equal((await admin.putUser({ userName: 'ann', clientId: '' })).clientId, undefined)
  assert.deepEqual((await admin.users({ role: 'meter' })).items.length, 1)
  assert.deepEqual((await admin.users({ group: 'nobody' })).items, [])
  assert.equal(JSON.stringify(await admin.users()).includes('argon2'), false)
})

test('a change that is based on another version changes nothing', async (t) => {
  const { admin } = await made(t)
  const { version } = await admin.putRole({ name: 'r', ifVersion: 0 })
  await assert.rejects(admin.putRole({ name: 'r', ifVersion: 0 }), { code: 'ERR_VERSION' })
  await assert.rejects(admin.deleteRole({ name: 'r', ifVersion: version - 1 }), { code: 'ERR_VERSION' })
  assert.equal(await admin.deleteRole({ name: 'r', ifVersion: version }), true)
  assert.equal(await admin.deleteRole({ name: 'r' }), false)
  assert.equal(await admin.role({ name: 'r' }), undefined)
})

test('rules are added, replaced and removed one at a time', async (t) => {
  const { admin } = await made(t)
  const rule = { name: 'r', action: 'subscribe', effect: 'allow', topic: 'a/#' } as const
  await assert.rejects(admin.putRule(rule), { code: 'ERR_USAGE', message: /there is no role r/ })
  await admin.putRole({ name: 'r' })
  await admin.putRule(rule)
  const { rules } = await admin.putRule({ ...rule, effect: 'deny', priority: 3 })
  assert.deepEqual(rules, [{ action: 'subscribe', effect: 'deny', topic: 'a/#', priority: 3, literal: false }])
  assert.equal(await admin.deleteRule({ name: 'r', action: 'publish', topic: 'a/#' }), false)
  assert.equal(await admin.deleteRule({ name: 'r', action: 'subscribe', topic: 'a/#' }), true)
  assert.deepEqual((await admin.role({ name: 'r' }))?.rules, [])
})

test('what is not valid is refused with the reason, and nothing is changed', async (t) => {
  const { admin } = await made(t)
  const refused = (call: Promise<unknown>, message: RegExp) => assert.rejects(call, { code: 'ERR_USAGE', message })
  await refused(admin.putUser({ userName: '' }), /userName must not be empty/)
  await refused(admin.putUser({ userName: 'a\u0000' }), /control characters/)
  await refused(admin.putUser({ userName: 'x'.repeat(1025) }), /at most 1024 characters/)
  await refused(admin.putUser({ userName: 'a', password: '' }), /1 to 1024 bytes/)
  await refused(admin.putUser({ userName: 'a', roles: ['nope'] }), /there is no role nope/)
  await refused(admin.putUser({ userName: 'a', groups: ['g', 'g'] }), /must name nothing twice/)
  await refused(admin.putUser({ userName: 'a', roles: [{ name: 'r', priority: 1.5 }] }), /priority must be a whole/)
  await refused(
    admin.putRole({ name: 'r', rules: [{ action: 'publish', effect: 'allow', topic: 'a/#/b' }] }),
    /not a topic filter/,
  )
  await refused(
    admin.putRole({ name: 'r', rules: [{ action: 'subscribe', effect: 'allow', topic: '$share/g/a' }] }),
    /without \$share/,
  )
  await refused(
    admin.putRole({ name: 'r', rules: [{ effect: 'allow', topic: 'a' } as never] }),
    /action must be one of/,
  )
  await refused(admin.putDefaultAccess({ anonymousGroup: 'nope' }), /there is no group nope/)
  await refused(admin.ban({ kind: 'address', value: '10.0.0.0/8' }), /an address must be/)
  await refused(admin.ban({ kind: 'network', value: '10.0.0.1' }), /a network must be/)
  for (const list of [admin.users(), admin.roles(), admin.bans()]) assert.deepEqual((await list).items, [])
})

test('lists come in pages in the order in which their entries were made', async (t) => {
  const { admin } = await made(t)
  for (const name of ['c', 'a', 'd', 'b']) await admin.putRole({ name })
  const first = await admin.roles({ limit: 3 })
  assert.deepEqual(
    first.items.map(({ name }) => name),
    ['c', 'a', 'd'],
  )
  await admin.deleteRole({ name: 'd' })
  const next = await admin.roles({ limit: 3, cursor: first.cursor })
  assert.deepEqual([next.items.map(({ name }) => name), next.cursor], [['b'], undefined])
})

test('the default access is set field by field', async (t) => {
  const { admin } = await made(t)
  const none = { publish: 'deny', receive: 'allow', subscribe: 'deny', unsubscribe: 'allow', anonymousGroup: undefined }
  assert.deepEqual(await admin.defaultAccess(), { version: 0, ...none })
  await admin.putGroup({ name: 'guests' })
  const set = await admin.putDefaultAccess({ publish: 'allow', anonymousGroup: 'guests' })
  assert.deepEqual(set, { ...none, version: set.version, publish: 'allow', anonymousGroup: 'guests' })
  await admin.deleteGroup({ name: 'guests' })
  assert.equal((await admin.defaultAccess()).anonymousGroup, undefined)
  assert.equal((await admin.putDefaultAccess({ anonymousGroup: '' })).publish, 'allow')
})

test('bans have a canonical value, a reason and an end, and are gone from the list when they are over', async (t) => {
  const { broker, admin } = await made(t)
  const forever = await admin.ban({ kind: 'network', value: '10.1.2.3/8', reason: 'noise' })
  assert.deepEqual([forever.value, forever.reason, forever.untilMs], ['10.0.0.0/8', 'noise', undefined])
  const short = await admin.ban({ kind: 'client-id', value: 'x', seconds: 60 })
  assert.equal(short.untilMs, short.createdAtMs + 60_000)
  assert.equal((await admin.bans()).items.length, 2)
  broker.advance(60_000)
  assert.deepEqual(
    (await admin.bans()).items.map(({ kind }) => kind),
    ['network'],
  )
  assert.equal(await admin.unban({ kind: 'client-id', value: 'x' }), false)
  assert.equal(await admin.unban({ kind: 'network', value: '10.0.0.0/8' }), true)
  assert.equal(serverOf(broker.broker).directory.all('ban').size, 0, 'those that are over are forgotten')
})

test('a client identifier or user name with control characters is banned like any other, and unbanned', async (t) => {
  const { admin } = await made(t)
  for (const kind of ['client-id', 'user'] as const) {
    assert.equal((await admin.ban({ kind, value: 'a\u0001\n' })).value, 'a\u0001\n')
    assert.equal(await admin.unban({ kind, value: 'a\u0001\n' }), true)
    await assert.rejects(admin.ban({ kind, value: '' }), { message: 'value must not be empty' })
  }
})

test('the file that is exported makes another broker the same, with credentials only if asked for', async (t) => {
  const [one, other] = [await made(t), await made(t)]
  const { admin } = one
  await admin.putRole({ name: 'r', rules: [{ action: 'publish', effect: 'deny', topic: 'a', priority: 2 }] })
  await admin.putGroup({ name: 'g', roles: ['r'] })
  await admin.putUser({ userName: 'ann', password: 'x', groups: [{ name: 'g', priority: 7 }], disabled: true })
  await admin.putDefaultAccess({ subscribe: 'allow', anonymousGroup: 'g' })
  const plain = await admin.exportAccess()
  assert.equal(JSON.stringify(plain).includes('argon2'), false)
  const file = JSON.parse(JSON.stringify(await admin.exportAccess({ credentials: true }))) as object
  const { added } = await other.admin.importAccess({ file })
  assert.deepEqual(added.toSorted(), ['group g', 'role r', 'user ann'])
  assert.deepEqual(JSON.stringify(await other.admin.exportAccess({ credentials: true })), JSON.stringify(file))
  const again = await other.admin.importAccess({ file: JSON.parse(JSON.stringify(plain)) as object })
  assert.deepEqual([again.added, again.changed, again.removed], [[], [], []], 'a user keeps its credentials')
})

test('an explanation names the decision, the role, the group and the rule; the client need not exist', async (t) => {
  const { admin } = await made(t)
  await admin.putRole({ name: 'meter', rules: [{ action: 'publish', effect: 'allow', topic: 'power/%u/#' }] })
  await admin.putGroup({ name: 'devices', roles: ['meter'] })
  await admin.putUser({ userName: 'ann', groups: ['devices'] })
  const allowed = await admin.explain({ action: 'publish', topic: 'power/ann/l1', userName: 'ann' })
  assert.equal(allowed.decision, 'allow')
  assert.match(allowed.explanations[0]!.rule, /meter.*devices|devices.*meter/)
  const denied = await admin.explain({ action: 'publish', topic: 'power/bob/l1', userName: 'ann' })
  assert.equal(denied.decision, 'deny')
  assert.deepEqual(
    denied.explanations.map(({ decision }) => decision),
    ['no opinion'],
  )
  await assert.rejects(admin.explain({ action: 'publish', topic: 'a/#' }), { code: 'ERR_USAGE' })
})

test('a dry run says who gains and loses what, and changes nothing', async (t) => {
  const { admin } = await made(t)
  await admin.putRole({ name: 'r', rules: [{ action: 'publish', effect: 'allow', topic: 'a' }] })
  await admin.putUser({ userName: 'ann', roles: ['r'] })
  await admin.putUser({ userName: 'bob', roles: ['r'] })
  const before = await admin.exportAccess()
  const rules = [{ action: 'publish', effect: 'allow', topic: 'b' }]
  const file = {
    format: 'sluice-access',
    version: 1,
    roles: [{ name: 'r', rules }],
    users: [{ userName: 'ann', roles: ['r'] }],
  }
  const dry = await admin.importAccess({ file, dryRun: true, replace: true })
  assert.deepEqual([dry.added, dry.changed, dry.removed], [[], ['role r'], ['user bob']])
  assert.deepEqual(dry.differences, [
    { userName: 'ann', gains: ['allow publish b (priority 0)'], loses: ['allow publish a (priority 0)'] },
    { userName: 'bob', gains: [], loses: ['allow publish a (priority 0)'] },
  ])
  assert.deepEqual(await admin.exportAccess(), before)
  const wet = await admin.importAccess({ file, replace: true })
  assert.deepEqual(wet, { ...dry, dryRun: false })
  assert.equal(await admin.user({ userName: 'bob' }), undefined)
})

test('a dry run says that another order of the same rules decides otherwise', async (t) => {
  const { admin } = await made(t)
  const rule = (effect: string, topic: string) => ({ action: 'publish', effect, topic })
  const ranked = (priorities: Readonly<Record<string, number>>) =>
    Object.entries(priorities).map(([name, priority]) => ({ name, priority }))
  const users = (one: object, two: object) => [
    { userName: 'ann', roles: one },
    { userName: 'bob', roles: two },
  ]
  const file = {
    ...{ format: 'sluice-access', version: 1 },
    roles: [
      { name: 'may', rules: [rule('allow', 'x'), rule('allow', 'y')] },
      { name: 'also', rules: [rule('allow', 'x')] },
      { name: 'not', rules: [rule('deny', 'x')] },
    ],
    users: users(ranked({ may: 2, not: 1 }), ranked({ may: 2, also: 1 })),
  }
  await admin.importAccess({ file })
  const other = { ...file, users: users(ranked({ may: 1, not: 2 }), ranked({ may: 1, also: 2 })) }
  const { changed, differences } = await admin.importAccess({ file: other, dryRun: true })
  assert.deepEqual(changed, ['user ann', 'user bob'])
  assert.deepEqual(differences, [
    {
      userName: 'ann',
      gains: ['deny publish x (priority 0), before rules that it came after'],
      loses: ['x', 'y'].map((topic) => `allow publish ${topic} (priority 0), after rules that it came before`),
    },
  ])
})

test('a file with one mistake changes nothing at all', async (t) => {
  const { admin } = await made(t)
  const users = [{ userName: 'ann' }, { userName: 'bob', roles: ['nope'] }]
  await assert.rejects(
    admin.importAccess({ file: { format: 'sluice-access', version: 1, users } }),
    /there is no role nope/,
  )
  await assert.rejects(
    admin.importAccess({ file: { format: 'other', version: 1 } }),
    /file must have format sluice-access/,
  )
  assert.deepEqual((await admin.users()).items, [])
})

test('a hash of no known kind, such as one from an example, is refused with the name of its user', async (t) => {
  const { admin } = await made(t)
  const file = (user: object) => ({ format: 'sluice-access', version: 1, users: [{ userName: 'root', ...user }] })
  const refused = (user: object, message: RegExp) =>
    assert.rejects(admin.importAccess({ file: file(user) }), { code: 'ERR_USAGE', message })
  await refused(
    { passwordHash: '$argon2id$v=19$…' },
    /"root": passwordHash is of no known kind; `sluice passwd` makes one/,
  )
  await refused({ passwordHash: 'secret' }, /no known kind/)
  await refused({ scram: 'SCRAM-SHA-1$x' }, /"root": scram must have the form SCRAM-SHA-256/)
  const client = { username: 'ann', password: 'x', salt: 'y', iterations: 1, roles: [] }
  const { notes } = await admin.importAccess({ file: { clients: [client], roles: [] } })
  assert.deepEqual(notes, ['user ann has a password that cannot be read, and has none here'])
})

/** A file with so many users. */
function fileOf(count: number): { readonly users: readonly object[] } & Record<string, unknown> {
  const users = Array.from({ length: count }, (_, at) => ({ userName: `user-${at}`, roles: ['r'] }))
  return { format: 'sluice-access', version: 1, roles: [{ name: 'r' }], users }
}

test('an import of more than 5,000 changes is refused with how to split it; a dry run is not', async (t) => {
  const { broker, admin } = await made(t)
  const file = fileOf(5000)
  await assert.rejects(admin.importAccess({ file }), {
    code: 'ERR_LIMIT',
    message: /changes 5001 entries, and one may change 5000: import several files/,
  })
  assert.equal(serverOf(broker.broker).directory.isEmpty, true)
  assert.equal((await admin.importAccess({ file, dryRun: true })).added.length, 5001)
  await admin.importAccess({ file: { ...file, users: file.users.slice(0, 2000) } })
  assert.equal((await admin.importAccess({ file })).added.length, 3000, 'what is there already does not count')
})

test('a large import is worked at in many turns, and readers see all of it or nothing', async (t) => {
  const { broker } = await made(t)
  const { directory } = serverOf(broker.broker)
  const seen: number[] = []
  let isDone = false
  const importing = broker.broker.admin.importAccess({ file: fileOf(4000) }).finally(() => (isDone = true))
  const look = (): void => {
    seen.push(directory.all('user').size)
    if (!isDone) setImmediate(look)
  }
  look()
  await settled(broker, importing)
  assert.ok(seen.length > 10, `seen ${seen.length} times`)
  assert.deepEqual([...new Set(seen)], [0, 4000])
})

test('one import is at work at a time', async (t) => {
  const { broker, admin } = await made(t)
  const first = admin.importAccess({ file: fileOf(4000) })
  await assert.rejects(admin.importAccess({ file: fileOf(1) }), {
    code: 'ERR_LIMIT',
    message: /another import is at work/,
  })
  await first
  assert.deepEqual((await admin.importAccess({ file: fileOf(1) })).added, [])
  assert.equal(serverOf(broker.broker).metrics.directoryRefusedAtLimit, 1)
})

test('an import begins again if a user is changed meanwhile, and gives up if that never ends', async (t) => {
  const { broker, admin } = await made(t)
  const { directory } = serverOf(broker.broker)
  /** Adds users while the next plans are prepared. */
  const interfere = (...names: string[]): void => {
    const prepare = directory.prepare.bind(directory)
    directory.prepare = function* (plan) {
      const name = names.shift()
      if (name !== undefined) directory.commit(finish(prepare([{ type: 'user', name, entry: NEW_USER }])))
      return yield* prepare(plan)
    }
  }
  interfere('ann')
  const { removed } = await admin.importAccess({ file: fileOf(3), replace: true })
  assert.deepEqual(removed, ['user ann'], 'the plan that was carried out knew of ann')
  assert.deepEqual([...directory.all('user').keys()], ['user-0', 'user-1', 'user-2'])
  interfere('b', 'c', 'd', 'e', 'f')
  await assert.rejects(admin.importAccess({ file: fileOf(4) }), { code: 'ERR_VERSION' })
  assert.equal(directory.get('user', 'user-3'), undefined)
})

test('a file of Mosquitto that names something twice, or more than can be exported again, is refused', async (t) => {
  const { admin } = await made(t)
  const many = Array.from({ length: 101 }, (_, at) => ({ rolename: `r${at}`, groupname: `r${at}` }))
  const ann = { username: 'ann' }
  for (const [file, message] of [
    [{ clients: [ann, ann] }, /^clients has "ann" twice/],
    [{ clients: [], roles: [many[0], many[0]] }, /^roles has "r0" twice/],
    [{ clients: [], groups: [many[0], many[0]] }, /^groups has "r0" twice/],
    [{ clients: [{ ...ann, roles: [many[0], many[0]] }], roles: many }, /^roles of user ann must name nothing twice/],
    [{ clients: [{ ...ann, roles: many }], roles: many }, /^roles of user ann must be at most 100, got 101/],
    [{ clients: [], groups: [{ groupname: 'g', roles: many }], roles: many }, /^roles of group g must be at most 100/],
    [{ clients: [ann], groups: many.map((group) => ({ ...group, clients: [ann] })) }, /^groups of user ann must be/],
  ] as const) {
    await assert.rejects(admin.importAccess({ file }), { message })
  }
  assert.deepEqual((await admin.users()).items, [])
})

test('a role of Mosquitto makes nobody an administrator if a deny is in front of its allow', async (t) => {
  const { broker, admin } = await made(t)
  const acl = (topic: string, allow: boolean, priority: number) => ({
    ...{ acltype: 'publishClientSend', topic, allow, priority },
  })
  const file = {
    clients: [
      { username: 'yes', roles: [{ rolename: 'all' }] },
      { username: 'no', roles: [{ rolename: 'some' }] },
      { username: 'neither', roles: [{ rolename: 'all' }, { rolename: 'none', priority: 2 }] },
      { username: 'first', roles: [{ rolename: 'all', priority: 3 }, { rolename: 'none' }] },
      { username: 'member', groups: [{ groupname: 'g' }] },
    ],
    groups: [{ groupname: 'g', roles: [{ rolename: 'none' }, { rolename: 'all' }] }],
    roles: [
      { rolename: 'all', acls: [acl('$CONTROL/#', true, 0)] },
      { rolename: 'some', acls: [acl('$CONTROL/#', true, 0), acl('$CONTROL/dynamic-security/#', false, 5)] },
      { rolename: 'none', acls: [acl('$CONTROL/+/v1', false, 0)] },
    ],
  }
  await admin.importAccess({ file })
  const { directory } = serverOf(broker.broker)
  assert.deepEqual([...directory.administrators], ['yes', 'first'])
})

test("the file of Mosquitto's dynamic security plugin is taken over, and its administrators are administrators", async (t) => {
  const { broker, admin } = await made(t)
  const salt = '05hQiv2HwBdT4FdA'
  const password = 'zgIosOLBW4/BreVoLcMx8Vi1kTyGhLdUu7a++HhiHML5E+KYNM2MNQN3s0sp+FgusET5WBQVs8/sUcBKqh8XPA=='
  const acl = (acltype: string, topic: string) => ({ acltype, topic, allow: true })
  const file = {
    clients: [
      { username: 'admin', textName: 'Boss', password, salt, iterations: 101, roles: [{ rolename: 'admin' }] },
      { username: 'meter', disabled: true, clientid: 'm1', roles: [] },
    ],
    groups: [
      { groupname: 'g', roles: [{ rolename: 'reader', priority: 4 }], clients: [{ username: 'meter', priority: 2 }] },
    ],
    roles: [
      {
        rolename: 'admin',
        acls: [acl('publishClientSend', '$CONTROL/dynamic-security/#'), acl('subscribePattern', '#')],
      },
      { rolename: 'reader', acls: [{ ...acl('subscribeLiteral', 'a/+'), priority: 3 }] },
    ],
    defaultACLAccess: { publishClientSend: false, publishClientReceive: true, subscribe: true, unsubscribe: true },
  }
  const { notes } = await admin.importAccess({ file })
  assert.deepEqual(notes, [
    'user admin gets the role administrator, because a role of it may publish to $CONTROL/dynamic-security/v1',
  ])
  const { directory } = serverOf(broker.broker)
  assert.deepEqual([directory.isAdministrator('admin'), directory.isAdministrator('meter')], [true, false])
  assert.ok(await verifyPassword(Buffer.from('pw'), directory.get('user', 'admin')!.entry.passwordHash!))
  const meter = (await admin.user({ userName: 'meter' }))!
  assert.deepEqual([meter.disabled, meter.clientId, meter.groups], [true, 'm1', [{ name: 'g', priority: 2 }]])
  const [rule] = (await admin.role({ name: 'reader' }))!.rules
  assert.deepEqual(rule, { action: 'subscribe', literal: true, topic: 'a/+', priority: 3, effect: 'allow' })
  assert.equal((await admin.defaultAccess()).subscribe, 'allow')
})
