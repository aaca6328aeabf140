/**
 * A user is changed with a password, which takes time to hash, while users, roles and groups are deleted and made
 * again: through operations and through commands of Mosquitto's dynamic security. Whatever the order, no user comes
 * back that was deleted, none is half of what was asked for, and none gets a role that was made again under the name of
 * the one that was meant.
 */
import { finish } from '../../../src/base/slices.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Credentials, Directory } from '../../../src/access/directory/directory.ts'
import { putUser } from '../../../src/admin/access/access-changes.ts'
import { commands } from '../../../src/admin/dynamic-security/dynamic-security.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import fc from '../../support/property.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { remove, setGroup, setRole, setUser } from '../plugins/directory-support.ts'

interface World {
  readonly broker: VirtualBroker
  readonly directory: Directory
  /** Passwords that are being hashed. */
  readonly hashing: (() => void)[]
  /** Changes that were carried out, and why others were not. */
  readonly done: string[]
  readonly refused: string[]
}

/** Ann has the role and the group; a hash is the password itself, once the test says so. */
async function worldOf(): Promise<World> {
  const broker = await VirtualBroker.start({ users: {} })
  const { directory } = serverOf(broker.broker)
  const hashing: (() => void)[] = []
  const makeCredentials = (password: string): Promise<Credentials> =>
    new Promise((resolve) => hashing.push(() => resolve({ passwordHash: password, scram: password })))
  Object.defineProperty(directory, 'makeCredentials', { value: makeCredentials })
  makeRole(directory)
  makeGroup(directory)
  setUser(directory, 'ann', { passwordHash: 'old', scram: 'old', textName: 'old', roles: ['r'], groups: ['g'] })
  return { broker, directory, hashing, done: [], refused: [] }
}

const makeRole = (directory: Directory): void => setRole(directory, 'r', 'allow publish #')
const makeGroup = (directory: Directory): void => setGroup(directory, 'g')

const ALL = { roles: [{ rolename: 'r' }], groups: [{ groupname: 'g' }] }

/** Ways to set a password, begun now. Those that make a user give it everything. */
const changes: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  'put ann': ({ broker: { broker } }) =>
    putUser(broker, { userName: 'ann', password: 'put', textName: 'put', roles: ['r'], groups: ['g'] }),
  createClient: (world) => command(world, { ...ALL, command: 'createClient', password: 'create', textname: 'create' }),
}

/** Those that change one that is there. */
const updates: typeof changes = {
  'put a password': ({ broker: { broker } }) => putUser(broker, { userName: 'ann', password: 'new' }),
  'put a password and a role': ({ broker: { broker } }) =>
    putUser(broker, { userName: 'ann', password: 'new', roles: ['r'] }),
  setClientPassword: (world) => command(world, { command: 'setClientPassword', password: 'new' }),
  modifyClient: (world) => command(world, { ...ALL, command: 'modifyClient', password: 'new' }),
}

async function command({ directory }: World, given: { readonly command: string; readonly [key: string]: unknown }) {
  await commands[given.command]!(
    { username: 'ann', ...given },
    {
      directory,
      mayStill: () => true,
      whyRefused: () => Promise.resolve(undefined),
      inSlices: (work) => Promise.resolve(finish(work)),
    },
  )
}

function begin(world: World, what: string): void {
  const { directory, done, refused } = world
  const id = directory.get('user', 'ann')?.id
  // An update of nobody makes a user of a part, which is what its caller asked for.
  if (what in updates && id === undefined) return
  const made = (what in updates ? updates : changes)[what]!(world)
  void made.then(
    () => {
      done.push(what)
      if (id !== undefined) assert.equal(directory.get('user', 'ann')?.id, id, `${what} has changed another ann`)
    },
    (error: Error) => refused.push(error.message),
  )
}

const acts: Readonly<Record<string, (world: World) => void>> = {
  ...Object.fromEntries(
    Object.keys({ ...changes, ...updates }).map((what) => [what, (world: World): void => begin(world, what)]),
  ),
  'delete ann': ({ directory }) => remove(directory, 'user', 'ann'),
  'delete the role': ({ directory }) => remove(directory, 'role', 'r'),
  'delete the group': ({ directory }) => remove(directory, 'group', 'g'),
  'make the role': ({ directory }) => makeRole(directory),
  'make the group': ({ directory }) => makeGroup(directory),
  'the first hash is there': ({ hashing }) => hashing.shift()?.(),
  'the last hash is there': ({ hashing }) => hashing.pop()?.(),
}

async function pass({ broker }: World): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
  broker.clock.runTurns()
}

for (const what of Object.keys(updates)) {
  test(`${what}: a user that is deleted while its password is hashed does not come back, nor one of the same name in its place`, async () => {
    for (const isMadeAgain of [false, true]) {
      const world = await worldOf()
      begin(world, what)
      remove(world.directory, 'user', 'ann')
      if (isMadeAgain) setUser(world.directory, 'ann', { textName: 'another' })
      world.hashing.pop()!()
      await pass(world)
      assert.deepEqual(world.done, [])
      assert.match(world.refused.join(), /user ann was deleted meanwhile|Client not found/)
      assert.equal(world.directory.get('user', 'ann')?.entry.passwordHash, undefined)
      await world.broker.close()
    }
  })
}

test('a role that is deleted and made again while a password is hashed is not the one that was to be given', async () => {
  for (const what of ['put ann', 'modifyClient']) {
    const world = await worldOf()
    begin(world, what)
    remove(world.directory, 'role', 'r')
    makeRole(world.directory)
    world.hashing.pop()!()
    await pass(world)
    assert.deepEqual([world.done, world.directory.hasRole('ann', 'r')], [[], false])
    assert.match(world.refused.join(), /role r was deleted meanwhile|Role not found/)
    assert.equal(world.directory.get('user', 'ann')?.entry.passwordHash, 'old', 'nothing is changed')
    await world.broker.close()
  }
})

test('in whatever order: no user comes back, none is half, and no role made again is given', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...Object.keys(acts)), { maxLength: 14 }), async (order) => {
      const world = await worldOf()
      const { directory, hashing } = world
      for (const what of [...order, 'the end']) {
        if (what === 'the end') for (const answer of hashing.splice(0)) answer()
        else acts[what]!(world)
        await pass(world)
        const ann = directory.get('user', 'ann')?.entry
        if (ann === undefined) continue
        assert.notEqual(ann.textName, '', 'made by one that says everything')
        assert.deepEqual([ann.roles.map(({ name }) => name), ann.groups.map(({ name }) => name)], [['r'], ['g']])
        assert.equal(ann.passwordHash, ann.scram)
      }
      await world.broker.close()
    }),
    { numRuns: 100 },
  )
})
