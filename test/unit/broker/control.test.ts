/** `$CONTROL/dynamic-security/v1`: who may use it, who gets the answers, and every way in which somebody else might. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setAdminServices, type AdminServices } from '../../../src/admin/admin-services.ts'
import { AuditLog } from '../../../src/admin/http/audit-log.ts'
import { silentLogger } from '../../../src/base/log.ts'
import type { Directory } from '../../../src/access/directory/directory.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { PublishPacket } from '../../../src/codec/packets.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import type { TestClient } from '../../support/test-client.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from '../admin/support.ts'
import { remove, setGroup, setRole, setUser } from '../plugins/directory-support.ts'

const TOPIC = '$CONTROL/dynamic-security/v1'
const RESPONSE = `${TOPIC}/response`
/** Admits every user by its name: these tests are about what follows. */
const byName: Plugin = { name: 'by-name', authenticate: () => ({ decision: 'allow' }) }

async function start(
  t: TestContext,
  config: ConfigInput = {},
  disk?: MemoryDisk,
): Promise<{ broker: VirtualBroker; directory: Directory }> {
  const users = { 'dynamic-security': true }
  const all = { users, auth: { plugins: [byName] }, ...(disk !== undefined && { persistence: {} }), ...config }
  const broker = await VirtualBroker.start(all, disk === undefined ? {} : { disk })
  t.after(() => broker.close())
  const { directory } = serverOf(broker.broker)
  if (directory.isEmpty) {
    setRole(directory, 'administrator')
    setUser(directory, 'root', { roles: ['administrator'] })
  }
  return { broker, directory }
}

/** Sends commands. @returns the answer, and the code of PUBACK */
async function send(broker: VirtualBroker, client: TestClient, ...commands: readonly object[]) {
  client.take()
  client.publish(TOPIC, JSON.stringify({ commands }), 1)
  const packets = client.take()
  const isAcknowledged = (): boolean => packets.some(({ type }) => type === PacketType.PUBACK)
  while (!isAcknowledged()) {
    await broker.settle()
    packets.push(...client.take())
  }
  const acknowledged = packets.find(({ type }) => type === PacketType.PUBACK)
  const answer = packets.find(({ type }) => type === PacketType.PUBLISH) as PublishPacket | undefined
  const text = answer === undefined ? undefined : Buffer.from(answer.payload).toString()
  return {
    code: acknowledged?.type === PacketType.PUBACK ? acknowledged.reasonCode : undefined,
    topic: answer?.topicName,
    responses: text === undefined ? undefined : (JSON.parse(text) as { responses: object[] }).responses,
  }
}

test('commands that change something are actions of an operator: an event for each, without secrets', async (t) => {
  const { broker } = await start(t)
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  const actions: unknown[] = []
  broker.broker.on('adminAction', ({ who, what, parameters, status }) => {
    actions.push([who, what, parameters, status])
  })
  await send(
    broker,
    root,
    createRole,
    { command: 'createRole', rolename: 'meter', textname: 'x' },
    { command: 'listRoles' },
    { command: 'nonsense', rolename: 'x' },
    { command: 'setClientPassword', username: 'root', password: 5 },
  )
  assert.deepEqual(actions, [
    ['user root', '$CONTROL createRole', { rolename: 'meter' }, 200],
    ['user root', '$CONTROL createRole', { rolename: 'meter' }, 400],
    ['user root', '$CONTROL setClientPassword', { username: 'root' }, 400],
  ])
})

test('the audit log has who gets which roles, groups and rules by a command', async (t) => {
  const { broker } = await start(t)
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  const actions: unknown[] = []
  broker.broker.on('adminAction', ({ parameters }) => actions.push(parameters))
  const acls = [{ acltype: 'publishClientSend', topic: '#', allow: true, priority: 1 }]
  const roles = [{ rolename: 'administrator', priority: 3 }]
  const clients = [{ username: 'ann' }]
  const defaults = [{ acltype: 'subscribe', allow: true }]
  await send(
    broker,
    root,
    { command: 'createRole', rolename: 'meter', acls },
    { command: 'createClient', username: 'ann', password: 'secret', roles },
    { command: 'modifyClient', username: 'ann', roles: [null, { password: 'secret' }], disabled: true },
    { command: 'createGroup', groupname: 'g', roles, clients },
    { command: 'setDefaultACLAccess', acls: defaults },
    { command: 'modifyGroup', groupname: 'g', clients: Array.from({ length: 200 }, () => clients[0]) },
  )
  assert.deepEqual(actions, [
    { rolename: 'meter', acls },
    { username: 'ann', roles },
    { username: 'ann', disabled: true, roles: [{}, {}] },
    { groupname: 'g', roles, clients },
    { acls: defaults },
    { groupname: 'g', clients: '(200 entries)' },
  ])
})

test('a list of the default access with something that is no object is answered', async (t) => {
  const { broker } = await start(t)
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  const acls = [null, 5, { acltype: 'subscribe', allow: true }]
  const { responses } = await send(broker, root, { command: 'setDefaultACLAccess', acls })
  assert.deepEqual(responses, [{ command: 'setDefaultACLAccess' }])
})

test('what a command sets can be exported and imported again: what an import does not accept, a command does not either', async (t) => {
  const { broker } = await start(t)
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  const long = 'x'.repeat(1025)
  const many = Array.from({ length: 101 }, (_, at) => `r${at}`)
  await send(broker, root, ...many.map((rolename) => ({ command: 'createRole', rolename })))
  await send(broker, root, ...many.map((groupname) => ({ command: 'createGroup', groupname })))
  const ann = { username: 'ann', roles: many.slice(1).map((rolename) => ({ rolename })) }
  const { responses } = await send(
    broker,
    root,
    { command: 'createRole', rolename: 'a', textname: long },
    { command: 'createGroup', groupname: 'a', textdescription: '\ud800' },
    { command: 'createClient', username: 'a', clientid: long },
    { command: 'setClientId', username: 'root', clientid: '\ud800' },
    { command: 'createClient', username: 'a', roles: many.map((rolename) => ({ rolename })) },
    { command: 'createClient', ...ann },
    { command: 'addClientRole', username: 'ann', rolename: 'r0' },
    ...many.map((groupname) => ({ command: 'addGroupClient', groupname, username: 'ann' })),
    { command: 'modifyGroup', groupname: 'r100', clients: [{ username: 'ann' }] },
  )
  const failed = responses!.flatMap((each) => ('error' in each ? [each.error] : []))
  assert.deepEqual(failed, [
    'Invalid/missing textname',
    'Invalid/missing textdescription',
    'Invalid/missing clientid',
    'Invalid/missing clientid',
    '101 roles, and at most 100 are possible',
    '101 roles, and at most 100 are possible',
    '101 groups, and at most 100 are possible',
    '101 groups, and at most 100 are possible',
  ])
  const { admin } = broker.broker
  const file = await settled(broker, admin.exportAccess())
  const { changed } = await settled(broker, admin.importAccess({ file, dryRun: true }))
  assert.deepEqual(changed, [])
})

const createRole = { command: 'createRole', rolename: 'meter' }

test('an administrator is answered, and nobody else sees it, whatever they have subscribed to', async (t) => {
  const { broker, directory } = await start(t)
  setRole(directory, 'all', 'allow subscribe #', 'allow subscribe $CONTROL/#', 'allow receive #')
  setUser(directory, 'other', { roles: ['administrator', 'all'] })
  setUser(directory, 'ann', { roles: ['all'] })
  const other = broker.connect({ clientId: 'other', userName: 'other' })
  assert.deepEqual(other.subscribe('$CONTROL/#', 1).reasonCodes, [1])
  const ann = broker.connect({ clientId: 'ann', userName: 'ann' })
  assert.deepEqual(ann.subscribe('#', 1).reasonCodes, [1])
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  const sent = await send(broker, root, { ...createRole, correlationData: 'c' }, { command: 'nope' })
  const responses = [
    { command: 'createRole', correlationData: 'c' },
    { command: 'nope', error: 'Unknown command' },
  ]
  assert.deepEqual(sent, { code: 0, topic: RESPONSE, responses })
  assert.ok(directory.get('role', 'meter'))
  assert.deepEqual([other.takePayloads(), ann.takePayloads()], [[], []])
})

test('without users.dynamic-security nobody may publish or subscribe below $CONTROL/', async (t) => {
  const { broker, directory } = await start(t, { users: {} })
  setRole(directory, 'administrator', 'allow publish $CONTROL/#', 'allow subscribe $CONTROL/#')
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  assert.deepEqual(root.subscribe(RESPONSE, 1).reasonCodes, [ReasonCode.NotAuthorized])
  assert.deepEqual((await send(broker, root, createRole)).code, ReasonCode.NotAuthorized)
})

/** Everything that somebody who is no administrator may try, with the broadest rules that there are. */
const attacks: Readonly<
  Record<string, (broker: VirtualBroker, eve: TestClient, directory: Directory) => Promise<void> | void>
> = {
  'a rule or default for everything': async (broker, eve) => {
    assert.equal((await send(broker, eve, createRole)).code, ReasonCode.NotAuthorized)
  },
  'a subscription, a shared one, and one by wildcards': (_, eve) => {
    const refused = [ReasonCode.NotAuthorized]
    for (const filter of [RESPONSE, '$CONTROL/#', '$CONTROL', '$CONTROL/+/v1/response', '$share/g/$CONTROL/#']) {
      assert.deepEqual(eve.subscribe(filter, 1).reasonCodes, refused, filter)
    }
  },
  'a retained message': (_, eve) => {
    eve.publish(TOPIC, JSON.stringify({ commands: [createRole] }), 1, { retain: true })
    const answer = eve.takeFirst(PacketType.PUBACK)
    assert.equal(answer?.type === PacketType.PUBACK && answer.reasonCode, ReasonCode.NotAuthorized)
  },
  'a Will': (broker) => {
    const will = { topicName: TOPIC, payload: Buffer.from('{}'), qos: 1, retain: false, properties: {} } as const
    for (const userName of ['eve', 'root']) {
      assert.equal(broker.connect({ clientId: 'w', userName, will }).connack?.reasonCode, ReasonCode.NotAuthorized)
    }
  },
  'a group of the same name as one that gave the role': async (broker, eve, directory) => {
    setGroup(directory, 'staff', 'administrator')
    setUser(directory, 'eve', { groups: ['staff'] })
    remove(directory, 'group', 'staff')
    setGroup(directory, 'staff')
    assert.equal((await send(broker, eve, createRole)).code, ReasonCode.NotAuthorized)
  },
  'a role that was deleted and made again': async (broker, eve, directory) => {
    setUser(directory, 'eve', { roles: ['administrator'] })
    remove(directory, 'role', 'administrator')
    setRole(directory, 'administrator')
    assert.equal((await send(broker, eve, createRole)).code, ReasonCode.NotAuthorized)
  },
  'a user that is disabled, and let in by another plugin': async (broker, eve, directory) => {
    setUser(directory, 'eve', { roles: ['administrator'], disabled: true })
    const again = broker.connect({ clientId: 'again', userName: 'eve' })
    assert.notEqual(again.connack, undefined)
    assert.equal((await send(broker, eve, createRole)).code, ReasonCode.NotAuthorized)
  },
  'the anonymous group': async (broker, _, directory) => {
    setGroup(directory, 'guests', 'administrator')
    const defaults = directory.defaults
    const anonymousGroup = { name: 'guests', id: directory.get('group', 'guests')!.id, priority: 0 }
    directory.carryOut([{ type: 'defaults', name: 'default', entry: { ...defaults, anonymousGroup } }])
    const guest = broker.connect({ clientId: 'guest' })
    assert.equal((await send(broker, guest, createRole)).code, ReasonCode.NotAuthorized)
  },
}

for (const [what, attack] of Object.entries(attacks)) {
  test(`nobody becomes an administrator by ${what}`, async (t) => {
    const { broker, directory } = await start(t)
    setRole(
      directory,
      'all',
      ...['publish', 'subscribe', 'receive'].flatMap((action) => [`allow ${action} #`, `allow ${action} $CONTROL/#`]),
    )
    const allow = { publish: 'allow', receive: 'allow', subscribe: 'allow', unsubscribe: 'allow' } as const
    directory.carryOut([{ type: 'defaults', name: 'default', entry: { ...allow, anonymousGroup: undefined } }])
    setUser(directory, 'eve', { roles: ['all'] })
    const eve = broker.connect({ clientId: 'eve', userName: 'eve' })
    await attack(broker, eve, directory)
    await broker.settle()
    assert.equal(directory.get('role', 'meter'), undefined)
    assert.equal(directory.isAdministrator('eve'), false)
  })
}

test('a plugin cannot move a message of another topic to $CONTROL/, and a bridge has no more rights', async (t) => {
  const mover: Plugin = { name: 'mover', intercept: () => ({ decision: 'replace', topic: TOPIC }) }
  const { broker, directory } = await start(t, { intercept: { plugins: [mover] }, 'topic-check': { enabled: false } })
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  root.publish('a', JSON.stringify({ commands: [createRole] }), 1)
  await broker.settle()
  const answer = root.takeFirst(PacketType.PUBACK)
  assert.equal(answer?.type === PacketType.PUBACK && answer.reasonCode, ReasonCode.NotAuthorized)
  const bridge = broker.connect({ clientId: 'bridge', userName: 'eve', version: 4 })
  bridge.publish(TOPIC, JSON.stringify({ commands: [createRole] }), 1)
  await broker.settle()
  assert.equal(directory.get('role', 'meter'), undefined)
})

test('a Will that a plugin moves to $CONTROL/ does not go out, and a message of somebody else moved there is no command', async (t) => {
  const mover: Plugin = { name: 'mover', intercept: () => ({ decision: 'replace', topic: TOPIC }) }
  const { broker, directory } = await start(t, { intercept: { plugins: [mover] }, 'topic-check': { enabled: false } })
  const payload = Buffer.from(JSON.stringify({ commands: [createRole] }))
  const will = { topicName: 'last', payload, qos: 1, retain: true, properties: {} } as const
  for (const userName of ['root', 'eve']) {
    const client = broker.connect({ clientId: userName, userName, will })
    client.publish('a', payload, 1, { retain: true })
    client.drop()
    await broker.settle()
  }
  assert.equal(directory.get('role', 'meter'), undefined)
  const reader = broker.connect({ clientId: 'reader', userName: 'root' })
  assert.deepEqual(reader.subscribe('$CONTROL/#', 1).reasonCodes, [1])
  assert.deepEqual(reader.takePayloads(), [], 'nothing is retained there')
  assert.equal(broker.broker.metrics.internalErrors, 0)
})

test('the host program, and with it an operator of the HTTP API, publishes nothing below $CONTROL/', async (t) => {
  const { broker, directory } = await start(t)
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  root.subscribe('$CONTROL/#', 1)
  root.take()
  const text = JSON.stringify({ commands: [createRole] })
  for (const topic of [TOPIC, RESPONSE, '$CONTROL', '$CONTROL/other/v1']) {
    await assert.rejects(broker.broker.publish(topic, text, { retain: true }), { code: 'ERR_USAGE' })
    await assert.rejects(settled(broker, broker.broker.admin.publish({ topic, payload: text })), { code: 'ERR_USAGE' })
  }
  await broker.settle()
  assert.equal(directory.get('role', 'meter'), undefined)
  assert.deepEqual(root.take(), [])
  assert.ok(broker.broker.publish('$CONTROLLER', text), 'another topic')
})

test('nobody is subscribed to $CONTROL/ on behalf of a client that is no administrator', async (t) => {
  const { broker } = await start(t)
  broker.connect({ clientId: 'eve', userName: 'eve' })
  const { admin } = broker.broker
  const results = await settled(
    broker,
    admin.subscribeFor({
      clientId: 'eve',
      subscriptions: [{ topicFilter: RESPONSE }, { topicFilter: '$share/g/$CONTROL/#' }],
    }),
  )
  assert.deepEqual(
    results?.map(({ reasonCode }) => reasonCode),
    [ReasonCode.NotAuthorized, ReasonCode.NotAuthorized],
  )
})

test('a name or client identifier that a rule fills in does not lead to $CONTROL/', async (t) => {
  const { broker, directory } = await start(t)
  setRole(directory, 'own', 'allow publish %u/#', 'allow subscribe %u/#', 'allow subscribe %c/#', 'allow publish %c/v1')
  const [userName, clientId] = ['$CONTROL', '$CONTROL/dynamic-security']
  setUser(directory, userName, { roles: ['own'] })
  const eve = broker.connect({ clientId, userName })
  assert.equal((await send(broker, eve, createRole)).code, ReasonCode.NotAuthorized)
  assert.deepEqual(eve.subscribe(RESPONSE, 1).reasonCodes, [ReasonCode.NotAuthorized])
})

test('a list of all groups with their members goes through the users once', async (t) => {
  const { broker, directory } = await start(t)
  setRole(directory, 'r')
  for (let at = 0; at < 20; at++) setGroup(directory, `g${at}`, 'r')
  for (let at = 30; at > 0; at--) setUser(directory, `u${at % 7}${at}`, { groups: [`g${at % 20}`, 'g0'] })
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  const groups: (object[] | undefined)[] = []
  for (const groupname of ['g0', 'g7']) {
    groups.push((await send(broker, root, { command: 'getGroup', groupname })).responses)
  }
  let passes = 0
  const all = directory.all.bind(directory)
  directory.all = (type) => {
    const copy = new Map(all(type))
    copy[Symbol.iterator] = () => {
      if (type === 'user') passes++
      return copy.entries()
    }
    return copy
  }
  const { responses } = await send(broker, root, { command: 'listGroups', verbose: true })
  const listed = (responses![0] as { data: { groups: { groupname: string }[] } }).data.groups
  const shown = groups.map((each) => (each![0] as { data: { group: { groupname: string } } }).data.group)
  for (const group of shown)
    assert.deepEqual(
      listed.find(({ groupname }) => groupname === group.groupname),
      group,
    )
  assert.deepEqual([listed.length, passes], [20, 1])
})

test('an administrator who takes away its own role has sent its last command', async (t) => {
  const { broker, directory } = await start(t)
  setUser(directory, 'other', { roles: ['administrator'] })
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  const taken = await send(broker, root, { command: 'removeClientRole', username: 'root', rolename: 'administrator' })
  assert.deepEqual(taken.responses, [{ command: 'removeClientRole' }])
  assert.equal((await send(broker, root, createRole)).code, ReasonCode.NotAuthorized)
  assert.equal(directory.get('role', 'meter'), undefined)
})

test('no command takes the role from the last administrator', async (t) => {
  const { broker, directory } = await start(t)
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  const commands = [
    { command: 'deleteClient', username: 'root' },
    { command: 'disableClient', username: 'root' },
    { command: 'deleteRole', rolename: 'administrator' },
    { command: 'removeClientRole', username: 'root', rolename: 'administrator' },
  ]
  const { responses } = await send(broker, root, ...commands)
  for (const response of responses as { error?: string }[])
    assert.match(response.error!, /give it to another user first/)
  assert.equal(directory.isAdministrator('root'), true)
})

test('commands that change something are refused while `audit-failure: refuse` holds, and views never are', async (t) => {
  const admin = { 'audit-failure': 'refuse', socket: 'off' } as const
  const { broker, directory } = await start(t, { admin })
  const audit = new AuditLog('/nowhere/audit.jsonl', 1e6, silentLogger, () => {}, append)
  let isFull = true
  function append(): Promise<void> {
    return isFull ? Promise.reject(new Error('no space left')) : Promise.resolve()
  }
  setAdminServices(broker.broker, { audit } as AdminServices)
  audit.record({ time: '', who: '', from: '', what: '', status: 200 })
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  const { responses } = await send(broker, root, createRole, { command: 'listRoles' })
  const [refused, listed] = responses as { error?: string }[]
  assert.match(refused!.error!, /the action has not been done: cannot write \/nowhere\/audit\.jsonl: no space left/)
  assert.equal(listed!.error, undefined)
  assert.equal(directory.get('role', 'meter'), undefined)
  isFull = false
  assert.deepEqual((await send(broker, root, createRole)).responses, [{ command: 'createRole' }])
})

test('the connection of an administrator may end before the answer: the command is carried out, and nothing breaks', async (t) => {
  const { broker, directory } = await start(t)
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  root.publish(TOPIC, JSON.stringify({ commands: [createRole] }), 1)
  root.drop()
  while (directory.get('role', 'meter') === undefined) await broker.settle()
  assert.equal(broker.connect({ clientId: 'root', userName: 'root' }).connack?.reasonCode, 0)
  assert.equal(broker.broker.metrics.internalErrors, 0)
})

test('kill at any moment: what was answered is kept, and of a command that changes several entries all or nothing', async (t) => {
  const seed = Number(process.env['SEED'] ?? 1)
  const random = new SeededRandom(seed)
  const disk = new MemoryDisk()
  const { broker } = await start(t, {}, disk)
  const root = broker.connect({ clientId: 'root', userName: 'root' })
  await send(broker, root, { command: 'createClient', username: 'a' }, { command: 'createClient', username: 'b' })
  const answered = new Set<string>()
  for (let round = 0; round < 40; round++) {
    const [role, group] = [`role-${round}`, `group-${round}`]
    const clients = [{ username: 'a' }, { username: 'b' }]
    const commands = [
      { command: 'createRole', rolename: role },
      { command: 'createGroup', groupname: group, roles: [{ rolename: role }], clients },
    ]
    root.publish(TOPIC, JSON.stringify({ commands }), 1)
    for (let turns = random.integer(3); turns > 0; turns--) await broker.settle()
    if (round % 8 === 0) await check(disk.kill(), answered, `SEED=${seed}, round ${round}`)
    while (root.takeFirst(PacketType.PUBACK) === undefined) await broker.settle()
    answered.add(group)
  }
  await check(disk.kill(), answered, `SEED=${seed}, at the end`)
})

async function check(disk: MemoryDisk, answered: ReadonlySet<string>, message: string): Promise<void> {
  const broker = await VirtualBroker.start({ users: {}, persistence: {} }, { disk })
  const { directory } = serverOf(broker.broker)
  const groups = directory.all('group')
  for (const group of answered) assert.ok(groups.has(group), `${message}: ${group}`)
  for (const group of groups.keys()) {
    assert.ok(directory.get('role', group.replace('group', 'role')), message)
    for (const user of ['a', 'b']) {
      assert.ok(
        directory.get('user', user)!.entry.groups.some(({ name }) => name === group),
        `${message}: ${user}`,
      )
    }
  }
  await broker.close()
}
