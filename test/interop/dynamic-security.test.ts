/**
 * Mosquitto's dynamic security: the same session of Debian's `mosquitto_ctrl`, and the same commands as they are sent,
 * against Debian's Mosquitto and against us. What differs is listed with the reason. Both brokers listen on a socket
 * file, so that no port can be taken.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createBroker } from '../../src/create-broker.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { run, type Finished } from './mosquitto.ts'
import { Program } from './support.ts'

const PLUGIN = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/mosquitto_dynamic_security.so`
const ADMIN = ['-u', 'admin', '-P', 'secret'] as const

/** A broker that `mosquitto_ctrl dynsec init` made a file for. @returns the path of its socket */
type Start = (t: TestContext, folder: string, file: string) => Promise<string>

const startMosquitto: Start = async (t, folder, file) => {
  const socket = join(folder, 'mosquitto.sock')
  const lines = [
    ...[`listener 0 ${socket}`, 'allow_anonymous false', 'user root', 'log_type all'],
    ...[`plugin ${PLUGIN}`, `plugin_opt_config_file ${file}`],
  ]
  writeFileSync(join(folder, 'mosquitto.conf'), lines.join('\n'))
  const program = new Program('mosquitto', ['-c', join(folder, 'mosquitto.conf'), '-v'])
  t.after(() => program.kill('SIGKILL'))
  await program.line(/ running$/)
  return socket
}

const startOurs: Start = async (t, folder, file) => {
  const socket = join(folder, 'sluice.sock')
  const broker = await createBroker({
    listeners: { local: { type: 'unix', bind: socket } },
    users: { 'initial-file': file, 'dynamic-security': true },
    persistence: { path: join(folder, 'data') },
  })
  t.after(() => broker.close({ timeoutMs: 200 }))
  return socket
}

async function both(t: TestContext): Promise<{ readonly theirs: string; readonly ours: string }> {
  const start = async (begin: Start): Promise<string> => {
    const folder = scratchFolder()
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'dynamic-security.json')
    const made = await run('mosquitto_ctrl', ['dynsec', 'init', file, 'admin', 'secret'])
    assert.equal(made.code, 0, made.err)
    return begin(t, folder, file)
  }
  return { theirs: await start(startMosquitto), ours: await start(startOurs) }
}

/** What `mosquitto_ctrl` prints, without its warning about encryption. */
async function control(socket: string, ...command: string[]): Promise<Pick<Finished, 'code' | 'out'>> {
  const { code, out, err } = await run('mosquitto_ctrl', ['--unix', socket, ...ADMIN, 'dynsec', ...command])
  const said = err.split('\n').filter((line) => line !== '' && !/^(Warning: You are running|This means all)/.test(line))
  return { code, out: [out, ...said].join('\n').trim() }
}

/** Every command of `mosquitto_ctrl dynsec`, from nothing to a client that is denied. */
const session: readonly (readonly string[])[] = [
  ['getDefaultACLAccess'],
  ['setDefaultACLAccess', 'subscribe', 'allow'],
  ['setDefaultACLAccess', 'subscribe', 'deny'],
  ['createRole', 'meter'],
  ['createRole', 'meter'],
  ['createRole', 'reader'],
  ['addRoleACL', 'meter', 'publishClientSend', 'power/%c/#', 'allow', '5'],
  ['addRoleACL', 'meter', 'publishClientSend', 'power/%c/secret', 'deny', '9'],
  ['addRoleACL', 'meter', 'publishClientReceive', 'power/#', 'allow'],
  ['addRoleACL', 'meter', 'publishClientReceive', 'power/#', 'allow'],
  ['addRoleACL', 'reader', 'subscribeLiteral', 'power/+/+', 'allow'],
  ['addRoleACL', 'reader', 'subscribePattern', 'power/#', 'allow', '3'],
  ['addRoleACL', 'reader', 'unsubscribePattern', '#', 'allow'],
  ['addRoleACL', 'reader', 'unsubscribeLiteral', 'x', 'deny'],
  ['addRoleACL', 'nobody', 'publishClientSend', 'x', 'allow'],
  ['removeRoleACL', 'reader', 'unsubscribeLiteral', 'x'],
  ['removeRoleACL', 'reader', 'unsubscribeLiteral', 'x'],
  ['getRole', 'meter'],
  ['getRole', 'reader'],
  ['getRole', 'nobody'],
  ['createClient', 'm1', '-c', 'm1', '-p', 'one'],
  ['createClient', 'm1', '-p', 'one'],
  ['createClient', 'viewer', '-p', 'two'],
  ['createGroup', 'readers'],
  ['createGroup', 'readers'],
  ['addGroupRole', 'readers', 'reader', '2'],
  ['addGroupRole', 'readers', 'nobody'],
  ['addGroupClient', 'readers', 'viewer', '4'],
  ['addGroupClient', 'readers', 'viewer'],
  ['addClientRole', 'm1', 'meter', '7'],
  ['addClientRole', 'nobody', 'meter'],
  ['getClient', 'm1'],
  ['getClient', 'viewer'],
  ['getGroup', 'readers'],
  ['listClients'],
  ['listClients', '1', '1'],
  ['listGroups'],
  ['listGroups', '1', '0'],
  ['listRoles'],
  ['setClientPassword', 'viewer', 'three'],
  ['setClientId', 'm1', 'm-one'],
  ['getClient', 'm1'],
  ['setClientId', 'm1'],
  ['disableClient', 'm1'],
  ['getClient', 'm1'],
  ['enableClient', 'm1'],
  ['getAnonymousGroup'],
  ['setAnonymousGroup', 'readers'],
  ['getAnonymousGroup'],
  ['removeGroupClient', 'readers', 'viewer'],
  ['removeGroupRole', 'readers', 'reader'],
  ['getGroup', 'readers'],
  ['removeClientRole', 'm1', 'meter'],
  ['getClient', 'm1'],
  ['deleteClient', 'viewer'],
  ['deleteClient', 'viewer'],
  ['createGroup', 'spare'],
  ['deleteGroup', 'spare'],
  ['deleteGroup', 'spare'],
  ['deleteRole', 'reader'],
  ['deleteRole', 'reader'],
  ['listClients'],
  ['listGroups'],
]

test('each command that mosquitto_ctrl has help for is in that session, and each that its plugin has is compared below', async () => {
  const help = (await run('mosquitto_ctrl', ['dynsec', 'help'])).out
  const offered = [...help.matchAll(/^[A-Z].*: +([a-z]+[A-Z]\w*)/gm)].map(([, command]) => command!)
  assert.ok(offered.length >= 28, help)
  const tried = new Set(session.map(([command]) => command))
  assert.deepEqual(
    offered.filter((command) => !tried.has(command)),
    [],
  )
  const served = readFileSync(PLUGIN, 'latin1').match(
    /\b(?:add|create|delete|disable|enable|get|list|modify|remove|set)[A-Z][A-Za-z]+(?=\0)/g,
  )!
  const compared = new Set([...commands, ...deletions].map(([given]) => (given as { command?: string }).command))
  assert.ok(served.length >= 33, served.join())
  assert.deepEqual(
    served.filter((command) => !compared.has(command)),
    [],
  )
})

test(
  'mosquitto_ctrl dynsec prints the same with us as with Mosquitto, for each of its commands',
  { timeout: 120_000 },
  async (t) => {
    const { theirs, ours } = await both(t)
    for (const command of session) {
      const [expected, { code, out }] = [await control(theirs, ...command), await control(ours, ...command)]
      // Here administrators have a role of that name.
      const actual = { code, out: command[0] === 'listRoles' ? out.replace('administrator\n', '') : out }
      assert.deepEqual(actual, expected, command.join(' '))
    }
  },
)

test(
  'a client of dynamic security may do what its roles say, and loses it with them',
  { timeout: 120_000 },
  async (t) => {
    const { ours } = await both(t)
    for (const command of session.slice(0, 30)) await control(ours, ...command)
    const publish = async (topic: string): Promise<number> =>
      (
        await run('mosquitto_pub', [
          '--unix',
          ours,
          '-V',
          '5',
          '-i',
          'm1',
          '-u',
          'm1',
          '-P',
          'one',
          '-q',
          '1',
          '-t',
          topic,
          '-m',
          'x',
        ])
      ).err.includes('Not authorized')
        ? 0x87
        : 0
    assert.deepEqual(
      [await publish('power/m1/l1'), await publish('power/m1/secret'), await publish('power/m2/l1')],
      [0, 0x87, 0x87],
    )
    await control(ours, 'removeClientRole', 'm1', 'meter')
    assert.equal(await publish('power/m1/l1'), 0x87)
  },
)

interface Difference {
  readonly theirs: object
  readonly ours: object
  readonly reason: string
}

type Compared = readonly [command: unknown, difference?: Difference]

const create = { command: 'createClient', username: 'ann' }
/** Commands as they are sent, each with what differs. */
const commands: readonly Compared[] = [
  [5],
  [{}],
  [{ command: 'nope', correlationData: 'x' }],
  [{ command: 'createClient' }],
  [{ ...create, password: 5 }],
  [{ ...create, textname: 5 }],
  [{ ...create, roles: 'x' }],
  [{ ...create, roles: [{ rolename: 'nobody' }] }],
  [{ ...create, groups: [{ groupname: 'nobody' }] }],
  [{ command: 'createClient', username: 'a\u0001b' }],
  [{ ...create, password: 'x', textname: 'Ann', textdescription: 'd', clientid: 'c', correlationData: 'c1' }],
  [create],
  [
    {
      command: 'createRole',
      rolename: 'r',
      textname: 'R',
      acls: [{ acltype: 'publishClientSend', topic: 'a', allow: true, priority: 5 }],
    },
  ],
  [
    { command: 'createRole', rolename: 'odd', acls: [{ acltype: 'nope', topic: 'x', allow: true }] },
    {
      theirs: { command: 'createRole' },
      ours: { command: 'createRole', error: 'Unknown acltype' },
      reason: 'a rule that is left out without a word would be missed only when it is needed',
    },
  ],
  [
    { command: 'createRole', rolename: 'odd2', acls: [{ acltype: 'publishClientSend', topic: 'a/#/b', allow: true }] },
    {
      theirs: { command: 'createRole' },
      ours: { command: 'createRole', error: 'Invalid ACL topic' },
      reason: 'the same: addRoleACL refuses that topic in both',
    },
  ],
  [{ command: 'modifyRole', rolename: 'r', textdescription: 'D', acls: [{ acltype: 'subscribeLiteral', topic: 'b' }] }],
  [{ command: 'modifyRole', rolename: 'nobody' }],
  [{ command: 'getRole', rolename: 'r' }],
  [{ command: 'addRoleACL', rolename: 'r', acltype: 'zz', topic: 'x', allow: true }],
  [{ command: 'addRoleACL', rolename: 'r', acltype: 'publishClientSend' }],
  [{ command: 'addRoleACL', rolename: 'r', topic: 'x' }],
  [{ command: 'removeRoleACL', rolename: 'r', acltype: 'zz', topic: 'x' }],
  [{ command: 'addClientRole', username: 'ann', rolename: 'r' }],
  [
    { command: 'addClientRole', username: 'ann', rolename: 'r' },
    {
      theirs: { command: 'addClientRole', error: 'Internal error' },
      ours: { command: 'addClientRole', error: 'Client already has this role' },
      reason: 'says what is wrong',
    },
  ],
  [{ command: 'addClientRole', username: 'ann' }],
  [{ command: 'addClientRole', rolename: 'r' }],
  [{ command: 'removeClientRole', username: 'ann', rolename: 'nobody' }],
  [{ command: 'createGroup', groupname: 'g', textname: 'G', roles: [{ rolename: 'r', priority: 3 }] }],
  [{ command: 'createGroup', groupname: 'h', roles: [{ rolename: 'nobody' }] }],
  [{ command: 'addGroupRole', groupname: 'g', rolename: 'r' }],
  [{ command: 'addGroupClient', groupname: 'g' }],
  [{ command: 'addGroupClient', groupname: 'g', username: 'ann', priority: 4 }],
  [{ command: 'getGroup', groupname: 'g' }],
  [{ command: 'modifyGroup', groupname: 'g', textname: 'G2', clients: [{ username: 'ann' }] }],
  [{ command: 'modifyGroup' }],
  [{ command: 'listGroups', verbose: true }],
  [
    {
      command: 'modifyClient',
      username: 'ann',
      textname: 'A2',
      clientid: 'c3',
      password: 'zz',
      roles: [{ rolename: 'r', priority: 1 }],
    },
  ],
  [{ command: 'modifyClient', username: 'ann', password: '' }],
  [{ command: 'getClient', username: 'ann' }],
  [{ command: 'setClientPassword', username: 'ann' }],
  [{ command: 'setClientPassword', username: 'ann', password: '' }],
  [{ command: 'setClientId', username: 'ann', clientid: '' }],
  [{ command: 'disableClient', username: 'nobody' }],
  [{ command: 'setDefaultACLAccess' }],
  [
    {
      command: 'setDefaultACLAccess',
      acls: [
        { acltype: 'publishClientSend', allow: true },
        { acltype: 'zz', allow: true },
      ],
    },
  ],
  [{ command: 'getDefaultACLAccess' }],
  [{ command: 'setAnonymousGroup' }],
  [{ command: 'setAnonymousGroup', groupname: 'nobody' }],
  [{ command: 'setAnonymousGroup', groupname: 'g' }],
  [{ command: 'getAnonymousGroup' }],
  [{ command: 'disableClient', username: 'ann' }],
  [{ command: 'getClient', username: 'ann' }],
  [{ command: 'enableClient', username: 'ann' }],
  [{ command: 'enableClient' }],
  [
    { command: 'listRoles', count: 1, offset: 1 },
    {
      theirs: { command: 'listRoles', data: { totalCount: 4, roles: ['odd'] } },
      ours: { command: 'listRoles', data: { totalCount: 3, roles: ['administrator'] } },
      reason: 'has the role of administrators, and lacks the roles that were refused above',
    },
  ],
  [{ command: 'listClients', verbose: true, count: 1, offset: 1 }],
  [{ command: 'removeRoleACL', rolename: 'r', acltype: 'subscribeLiteral', topic: 'b' }],
  [{ command: 'removeRoleACL', rolename: 'r', acltype: 'subscribeLiteral', topic: 'b' }],
  [{ command: 'removeGroupRole', groupname: 'g', rolename: 'r' }],
  [{ command: 'removeGroupRole', groupname: 'g', rolename: 'r' }],
  [{ command: 'removeGroupRole', groupname: 'nobody', rolename: 'r' }],
  [{ command: 'removeGroupClient', groupname: 'g', username: 'ann' }],
  [{ command: 'removeGroupClient', groupname: 'g', username: 'ann' }],
  [{ command: 'removeGroupClient', groupname: 'nobody', username: 'ann' }],
  [{ command: 'removeClientRole', username: 'ann', rolename: 'r' }],
  [{ command: 'removeClientRole', username: 'ann', rolename: 'r' }],
  [{ command: 'removeClientRole', username: 'nobody', rolename: 'r' }],
  [{ command: 'listClients', count: -1 }],
  [{ command: 'listClients', count: 'x' }],
  [
    { command: 'getClient', username: 'admin' },
    {
      theirs: {
        command: 'getClient',
        data: {
          client: { username: 'admin', textname: 'Dynsec admin user', roles: [{ rolename: 'admin' }], groups: [] },
        },
      },
      ours: {
        command: 'getClient',
        data: {
          client: {
            ...{ username: 'admin', textname: 'Dynsec admin user' },
            ...{ roles: [{ rolename: 'admin' }, { rolename: 'administrator' }], groups: [] },
          },
        },
      },
      reason: 'no rule makes an administrator here, only the role of that name',
    },
  ],
]

/**
 * In a message of their own: Mosquitto 2.0.11 answers with what it has freed if something is shown and deleted by one
 * message.
 */
const deletions: readonly Compared[] = [
  [{ command: 'createGroup', groupname: 'strangers' }],
  // Mosquitto 2.0.11 crashes if the group of clients without a name is deleted.
  [{ command: 'setAnonymousGroup', groupname: 'strangers' }],
  [{ command: 'deleteGroup', groupname: 'g' }],
  [{ command: 'deleteGroup', groupname: 'g' }],
  [{ command: 'deleteGroup' }],
  [{ command: 'getAnonymousGroup' }],
  [{ command: 'deleteRole', rolename: 'r' }],
  [{ command: 'deleteRole', rolename: 'r' }],
  [{ command: 'deleteClient', username: 'nobody' }],
  [{ command: 'deleteClient', username: 'ann' }],
  [{ command: 'getClient', username: 'ann' }],
]

test(
  'the answers to commands as they are sent are those of Mosquitto, but for what is listed',
  { timeout: 120_000 },
  async (t) => {
    const { theirs, ours } = await both(t)
    const ask = async (socket: string, payload: string): Promise<string> => {
      const topic = '$CONTROL/dynamic-security/v1'
      const options = ['--unix', socket, ...ADMIN, '-t', topic, '-e', `${topic}/response`, '-W', '60', '-m', payload]
      const { out, err } = await run('mosquitto_rr', options)
      assert.equal(err, '')
      return out
    }
    for (const payload of ['no JSON', '{}', '{"commands":{}}', '{"commands":[]}']) {
      assert.deepEqual(JSON.parse(await ask(ours, payload)), JSON.parse(await ask(theirs, payload)), payload)
    }
    const read = async (socket: string): Promise<object[]> => {
      const responses: object[] = []
      for (const list of [commands, deletions]) {
        const answer = await ask(socket, JSON.stringify({ commands: list.map(([command]) => command) }))
        responses.push(...(JSON.parse(answer) as { responses: object[] }).responses)
      }
      return responses
    }
    const [expected, actual] = [await read(theirs), await read(ours)]
    for (const [at, [command, difference]] of [...commands, ...deletions].entries()) {
      const text = JSON.stringify(command)
      assert.deepEqual(expected[at], difference?.theirs ?? expected[at], `${text}: Mosquitto`)
      assert.deepEqual(actual[at], difference?.ours ?? expected[at], text)
    }
  },
)

/** Ann has the role `low` herself, and others by her groups. */
const world: readonly (readonly string[])[] = [
  ['createRole', 'own'],
  ['createRole', 'gives'],
  ['createRole', 'takes'],
  ['createRole', 'ranks'],
  ['addRoleACL', 'own', 'publishClientSend', 'own/#', 'allow'],
  ['addRoleACL', 'gives', 'publishClientSend', 'both/#', 'allow'],
  ['addRoleACL', 'gives', 'publishClientSend', 'own/#', 'deny'],
  ['addRoleACL', 'takes', 'publishClientSend', 'both/#', 'deny'],
  ['addRoleACL', 'ranks', 'publishClientSend', 'ranks/#', 'deny', '1'],
  ['addRoleACL', 'ranks', 'publishClientSend', 'ranks/+', 'allow', '2'],
  ['addRoleACL', 'own', 'subscribeLiteral', 'literal/#', 'allow'],
  ['addRoleACL', 'own', 'subscribePattern', 'pattern/+/x', 'allow'],
  ['createGroup', 'first'],
  ['createGroup', 'second'],
  ['addGroupRole', 'first', 'gives'],
  ['addGroupRole', 'second', 'takes'],
  ['addGroupRole', 'second', 'ranks'],
  ['createClient', 'ann', '-p', 'x'],
  ['addClientRole', 'ann', 'own'],
  ['addGroupClient', 'first', 'ann', '9'],
  ['addGroupClient', 'second', 'ann', '1'],
  ['createClient', 'bound', '-p', 'x', '-c', 'only'],
  ['createClient', 'off', '-p', 'x'],
  ['disableClient', 'off'],
  ['createClient', 'plain', '-p', 'x'],
]

type Attempt = readonly [what: 'publish' | 'subscribe', user: string, clientId: string, topic: string]

type Outcome = 'allowed' | 'denied' | 'refused'
type Seen = readonly [...Attempt, outcome: Outcome, withMosquitto?: Outcome]

/** What is tried, and what is to be seen with both. */
const attempts: readonly (readonly [...Attempt, outcome: Outcome])[] = [
  ['publish', 'ann', 'c', 'own/a', 'allowed'],
  ['publish', 'ann', 'c', 'both/a', 'allowed'],
  ['publish', 'ann', 'c', 'ranks/a', 'allowed'],
  ['publish', 'ann', 'c', 'ranks/a/b', 'denied'],
  ['publish', 'ann', 'c', 'other', 'denied'],
  ['subscribe', 'ann', 'c', 'literal/#', 'allowed'],
  ['subscribe', 'ann', 'c', 'literal/a', 'denied'],
  ['subscribe', 'ann', 'c', 'pattern/a/x', 'allowed'],
  ['subscribe', 'ann', 'c', 'pattern/+/x', 'allowed'],
  ['subscribe', 'ann', 'c', 'pattern/#', 'denied'],
  ['publish', 'bound', 'only', 'x', 'denied'],
  ['publish', 'bound', 'another', 'x', 'refused'],
  ['publish', 'off', 'c', 'x', 'refused'],
  ['publish', 'nobody', 'c', 'x', 'refused'],
  ['publish', 'plain', 'c', '$CONTROL/dynamic-security/v1', 'denied'],
  ['subscribe', 'plain', 'c', '$CONTROL/#', 'denied'],
]

/** What changes, and what follows from it. */
const later: readonly (readonly [command: readonly string[], ...(typeof attempts)[number]])[] = [
  [['enableClient', 'off'], 'publish', 'off', 'c', 'x', 'denied'],
  [['setClientId', 'bound', 'another'], 'publish', 'bound', 'another', 'x', 'denied'],
  [['removeGroupClient', 'first', 'ann'], 'publish', 'ann', 'c', 'both/a', 'denied'],
  [['deleteRole', 'takes'], 'publish', 'ann', 'c', 'ranks/a', 'allowed'],
  [['deleteGroup', 'second'], 'publish', 'ann', 'c', 'ranks/a', 'denied'],
]

/** With Mosquitto 2.0.11 these commands change nothing: its `mosquitto_ctrl` sends what its plugin does not read. */
const defaults: typeof later = [
  [['setDefaultACLAccess', 'publishClientSend', 'allow'], 'publish', 'plain', 'c', 'x', 'allowed'],
  [['setDefaultACLAccess', 'publishClientSend', 'deny'], 'publish', 'plain', 'c', 'x', 'denied'],
  [['setDefaultACLAccess', 'subscribe', 'allow'], 'subscribe', 'plain', 'c', 'x/#', 'allowed'],
  [['setDefaultACLAccess', 'subscribe', 'deny'], 'subscribe', 'plain', 'c', 'x/#', 'denied'],
]

async function outcomeOf(socket: string, [what, user, clientId, topic]: Attempt): Promise<string> {
  const login = ['--unix', socket, '-V', '5', '-i', clientId, '-u', user, '-P', 'x', '-q', '1', '-t', topic]
  const { err, code } =
    what === 'publish'
      ? await run('mosquitto_pub', [...login, '-m', 'x'])
      : await run('mosquitto_sub', [...login, '-E'])
  if (/Connection error|Connection Refused/i.test(err)) return 'refused'
  return code !== 0 || /not authori|denied|failed/i.test(err) ? 'denied' : 'allowed'
}

test(
  'rules of groups with priorities, literal and pattern, defaults, bound and disabled clients decide as with Mosquitto',
  { timeout: 120_000 },
  async (t) => {
    const sockets = await both(t)
    const compare = async (...[what, user, clientId, topic, ours, theirs = ours]: Seen): Promise<void> => {
      for (const [name, outcome] of Object.entries({ theirs, ours })) {
        const actual = await outcomeOf(sockets[name as keyof typeof sockets], [what, user, clientId, topic])
        assert.equal(actual, outcome, `${user} as ${clientId}: ${what} ${topic}, ${name}`)
      }
    }
    const carryOut = async (command: readonly string[]): Promise<void> => {
      for (const socket of Object.values(sockets))
        assert.deepEqual(await control(socket, ...command), { code: 0, out: '' })
    }
    for (const command of world) await carryOut(command)
    for (const attempt of attempts) await compare(...attempt)
    for (const [command, ...attempt] of later) {
      await carryOut(command)
      await compare(...attempt)
    }
    for (const [command, ...attempt] of defaults) {
      await carryOut(command)
      await compare(...attempt, 'denied')
    }
  },
)
