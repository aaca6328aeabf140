/**
 * 100,000 users and 10,000 roles: what operators ask is answered in slices, and clients pay no more than with ten
 * users.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Directory, Step } from '../../../src/access/directory/directory.ts'
import type { Client } from '../../../src/access/plugin.ts'
import { NEW_ROLE, NEW_USER } from '../../../src/admin/access/access-changes.ts'
import { createDynamicSecurity } from '../../../src/admin/dynamic-security/dynamic-security.ts'
import { writeJson } from '../../../src/admin/http/json-output.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import aclStore from '../../../src/plugins/acl-store.ts'
import authStore from '../../../src/plugins/auth-store.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { MOST_TURN_WORK } from '../broker/turn-budget/support.ts'
import { rule } from '../plugins/directory-support.ts'
import { contextOf, requestOf } from '../plugins/support.ts'
import { settled } from './support.ts'

const USERS = 100_000
const ROLES = 10_000

/** Each role has ten users and ten rules. */
function planOf(users: number, roles: number): Step[] {
  const rules = Array.from({ length: 10 }, (_, at) => rule(`allow publish meters/%c/${at}/#`))
  const roleSteps = Array.from({ length: roles }, (_, at): Step => ({
    ...{ type: 'role', name: `role-${at}`, entry: { ...NEW_ROLE, rules } },
  }))
  const userSteps = Array.from({ length: users }, (_, at): Step => {
    const given = [{ name: `role-${at % roles}`, priority: 0, id: 0 }]
    return { type: 'user', name: `user-${at}`, entry: { ...NEW_USER, roles: given } }
  })
  return [...roleSteps, ...userSteps]
}

async function started(t: TestContext): Promise<{ broker: VirtualBroker; directory: Directory }> {
  const broker = await VirtualBroker.start({ users: { 'max-users': 2 * USERS } })
  t.after(() => broker.close())
  const { directory } = serverOf(broker.broker)
  directory.carryOut(planOf(USERS, ROLES))
  broker.clock.runTurns()
  return { broker, directory }
}

/** Does it in as many turns as it takes. @returns how many these are */
async function inTurns<Answer>(broker: VirtualBroker, call: () => Promise<Answer>): Promise<[Answer, number]> {
  const metrics = broker.broker.metrics as { turns: number; mostTurnWork: number }
  const before = metrics.turns
  metrics.mostTurnWork = 0
  const answer = await settled(broker, call())
  assert.ok(metrics.mostTurnWork <= MOST_TURN_WORK, `a turn of ${metrics.mostTurnWork} units`)
  return [answer, metrics.turns - before]
}

test('the export, its JSON, the import of it and pages of lists take many turns, none of which is long', async (t) => {
  const { broker, directory } = await started(t)
  const { admin } = broker.broker
  let isDone = false
  const first = inTurns(broker, () => admin.exportAccess().finally(() => (isDone = true)))
  await assert.rejects(admin.exportAccess(), { code: 'ERR_LIMIT', message: /another export is at work/ })
  // What changes meanwhile is not half in it.
  assert.equal(isDone, false)
  directory.carryOut([{ type: 'role', name: 'role-7', entry: undefined }])
  const [file, turns] = await first
  assert.ok(turns > 10, `${turns} turns`)
  const { roles, users } = file as { roles: { name: string }[]; users: { userName: string; roles: object[] }[] }
  assert.deepEqual([roles.length, users.length, users[7]!.roles.length], [ROLES, USERS, 1])

  const { turn } = serverOf(broker.broker)
  const [{ pieces }, writing] = await inTurns(broker, () => writeJson(file, turn, file))
  assert.ok(writing > 10, `${writing} turns`)
  assert.ok(pieces.every(({ length }) => length < 10_000))

  const [{ changed, added }, importing] = await inTurns(broker, () =>
    admin.importAccess({ file, dryRun: true, replace: true }),
  )
  assert.deepEqual(
    [added, changed.length, importing > 10],
    [['role role-7'], 10, true],
    'role-7 is gone from ten users',
  )

  const query = { limit: 1000, cursor: String(directory.get('user', `user-${USERS - 2000}`)!.id) }
  const [page] = await inTurns(broker, () => admin.users(query))
  assert.equal(page.items[0]!.userName, `user-${USERS - 1999}`)
  const [filtered] = await inTurns(broker, () => admin.users({ role: 'role-9999' }))
  assert.equal(filtered.items.length, USERS / ROLES)
  assert.equal((await inTurns(broker, () => admin.roles({ limit: 1000 })))[0].items.length, 1000)
})

/** Counts what is looked up and passed in a directory. */
function counting(directory: Directory): { steps: number } {
  const count = { steps: 0 }
  const [get, all] = [directory.get.bind(directory), directory.all.bind(directory)]
  directory.get = (type, name) => {
    count.steps++
    return get(type, name)
  }
  directory.all = (type) => {
    const shelf = all(type)
    const passed = function* () {
      for (const entry of shelf) {
        count.steps++
        yield entry
      }
    }
    const view = {
      get: (name: string) => shelf.get(name),
      size: shelf.size,
      [Symbol.iterator]: passed,
      entries: passed,
    }
    return view as unknown as typeof shelf
  }
  return count
}

test('a login and a decision take as many steps with 100,000 users and 10,000 roles as with ten and one', async (t) => {
  const stepsWith = async (users: number, roles: number): Promise<number[]> => {
    const broker = await VirtualBroker.start({ users: { 'max-users': 2 * USERS } })
    t.after(() => broker.close())
    const { directory } = serverOf(broker.broker)
    directory.carryOut(planOf(users, roles))
    // Some have hashes: those that stand in for the one of an unknown user are found once.
    const hashed = Array.from({ length: 64 }, (_, at): Step => ({
      ...{ type: 'user', name: `hashed-${at}`, entry: { ...NEW_USER, passwordHash: `$7$1$c2FsdA==$${at}` } },
    }))
    directory.carryOut(hashed)
    const count = counting(directory)
    const [login, rules] = [authStore({ ...contextOf({}), directory }), aclStore({ ...contextOf({}), directory })]
    t.after(() => login.close?.())
    const client = { clientId: 'c', userName: 'user-9', address: '', listener: '', protocolVersion: 5 } as Client
    const message = { topic: 'meters/c/3/x', topicName: 'meters/c/3/x', qos: 0, retain: false } as const
    void login.authenticate!(requestOf('nobody', 'x'))
    const acts = [
      () => login.authenticate!(requestOf('hashed-3', 'x')),
      () => login.authenticate!(requestOf('nobody', 'x')),
      () => login.mayStay!(client, undefined),
      () => rules.mayPublish!(client, message),
      () => directory.banOf(client),
      () => (
        directory.carryOut([{ type: 'user', name: 'user-1', entry: NEW_USER }]),
        login.authenticate!(requestOf('x', 'x'))
      ),
      () => rules.mayPublish!(client, message),
    ]
    return acts.map((act) => {
      count.steps = 0
      void act()
      return count.steps
    })
  }
  const few = await stepsWith(10, 1)
  assert.deepEqual(await stepsWith(USERS, ROLES), few)
  assert.ok(
    few.every((steps) => steps < 100),
    `${few.join(', ')} steps`,
  )
})

test('commands of dynamic security that list all users take many turns, none of which is long', async (t) => {
  const { broker } = await started(t)
  const handler = createDynamicSecurity(broker.broker)
  const sender = { userName: 'root', address: '' } as Client
  const ask = async (command: object): Promise<[{ totalCount: number; clients: unknown[] }, number]> => {
    const text = JSON.stringify({ commands: [command] })
    const [answer, turns] = await inTurns(broker, () => Promise.resolve(handler(text, () => true, sender)))
    return [(JSON.parse(answer) as { responses: { data: never }[] }).responses[0]!.data, turns]
  }
  const [all, turns] = await ask({ command: 'listClients' })
  assert.deepEqual([all.totalCount, all.clients.length, all.clients[1]], [USERS, USERS, 'user-1'])
  assert.ok(turns > 2, `${turns} turns`)
  const [page] = await ask({ command: 'listClients', offset: 2, count: 3 })
  assert.deepEqual(page.clients, ['user-10', 'user-100', 'user-1000'])
  const [verbose, more] = await ask({ command: 'listClients', verbose: true })
  assert.equal(verbose.clients.length, USERS)
  assert.ok(more > turns)
})
