/**
 * A user, group, role or rule is taken away while something is under way that it has allowed: a message that a plugin
 * thinks about, a login, a Will, a command, a resumed Session. Whatever the order in which the parts come to their end:
 * once the removal is answered, nothing more is allowed by what is gone.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Directory } from '../../../src/access/directory/directory.ts'
import type { AuthenticationAnswer, Plugin, PluginContext } from '../../../src/access/plugin.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import type { Admin } from '../../../src/broker/host/admin.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { hashPassword } from '../../../src/plugins/password-hash.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import fc from '../../support/property.ts'
import type { TestClient } from '../../support/test-client.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from '../admin/support.ts'
import { setGroup, setRole, setUser } from '../plugins/directory-support.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
type Question = 'authenticate' | 'mayStay' | 'mayPublish' | 'maySubscribe' | 'intercept'

/**
 * Lets everybody do everything, in the end: its answers about eve to these questions come when the test says so. Once
 * it has forgotten eve, it denies what she asks, and all of its answers about her take time.
 */
class Slow implements Plugin {
  readonly name = 'slow'
  readonly waiting: (() => void)[] = []
  readonly slow: ReadonlySet<Question>
  context: PluginContext | undefined
  #hasForgotten = false

  constructor(slow: readonly Question[]) {
    this.slow = new Set(slow)
  }

  /** As one whose cache has to be filled again. */
  forget(): void {
    this.#hasForgotten = true
    this.context!.changed()
    this.context!.revoked()
  }

  #answer<Answer>(question: Question, userName: string | undefined, answer: Answer): Answer | Promise<Answer> {
    if (userName !== 'eve' || (!this.#hasForgotten && !this.slow.has(question))) return answer
    return new Promise((resolve) => this.waiting.push(() => resolve(answer)))
  }

  #right(question: Question, userName: string | undefined, otherwise: true | undefined) {
    return this.#answer(question, userName, userName === 'eve' && this.#hasForgotten ? false : otherwise)
  }

  authenticate: Plugin['authenticate'] & {} = ({ userName }) =>
    this.#answer<AuthenticationAnswer>('authenticate', userName, { decision: 'allow' })
  mayStay: Plugin['mayStay'] & {} = ({ userName }) => this.#right('mayStay', userName, true)
  mayPublish: Plugin['mayPublish'] & {} = ({ userName }) => this.#right('mayPublish', userName, undefined)
  maySubscribe: Plugin['maySubscribe'] & {} = ({ userName }) => this.#right('maySubscribe', userName, undefined)
  mayReceive: Plugin['mayReceive'] & {} = ({ userName }) =>
    userName === 'eve' && this.#hasForgotten ? false : undefined
  intercept: Plugin['intercept'] & {} = ({ userName }) => this.#answer('intercept', userName, undefined)
}

interface World {
  readonly broker: VirtualBroker
  readonly directory: Directory
  readonly slow: Slow
  readonly admin: Admin
  /** May read everything. */
  readonly watch: TestClient
}

/** Eve may use `secret/#` by the role `spy`, which the group `staff` gives her. */
async function worldOf(t: TestContext | undefined, slow: readonly Question[], isStored = false): Promise<World> {
  const plugin = new Slow(slow)
  const make = (context: PluginContext): Plugin => {
    plugin.context = context
    return plugin
  }
  const config: ConfigInput = {
    auth: { plugins: ['auth.store', make] },
    'topic-check': { plugins: ['acl.store', make] },
    intercept: { plugins: [make] },
    users: { 'dynamic-security': true },
    ...(isStored && { persistence: {} }),
  }
  const broker = await VirtualBroker.start(config, isStored ? { disk: new MemoryDisk() } : {})
  t?.after(() => broker.close())
  const { directory } = serverOf(broker.broker)
  setRole(directory, 'spy', 'allow publish secret/#', 'allow subscribe secret/#')
  setRole(directory, 'administrator')
  setRole(directory, 'all', 'allow publish #', 'allow subscribe #')
  setGroup(directory, 'staff', 'spy')
  setUser(directory, 'eve', { groups: ['staff'], roles: ['administrator'] })
  setUser(directory, 'watch', { roles: ['all', 'administrator'] })
  await broker.settle()
  const watch = broker.connect({ clientId: 'watch', userName: 'watch' })
  watch.subscribe('secret/#', 1)
  await broker.settle()
  watch.take()
  return { broker, directory, slow: plugin, admin: broker.broker.admin, watch }
}

/** Each way to take away what eve may do with `secret/#`. */
const removals: Readonly<Record<string, (admin: Admin, plugin: Slow) => Promise<unknown>>> = {
  'what a plugin knows of her': (_admin, plugin) => Promise.resolve(plugin.forget()),
  'her user': (admin) => admin.deleteUser({ userName: 'eve' }),
  'her group': (admin) => admin.deleteGroup({ name: 'staff' }),
  'her role': (admin) => admin.deleteRole({ name: 'spy' }),
  'the rule': async (admin) => {
    await admin.deleteRule({ name: 'spy', action: 'publish', topic: 'secret/#' })
    await admin.deleteRule({ name: 'spy', action: 'subscribe', topic: 'secret/#' })
  },
  'her membership': (admin) => admin.putUser({ userName: 'eve', groups: [] }),
  'everything, by an import': (admin) =>
    admin.importAccess({
      replace: true,
      file: {
        ...{ format: 'sluice-access', version: 1 },
        roles: [
          { name: 'all', rules: [{ action: 'subscribe', effect: 'allow', topic: '#' }] },
          { name: 'administrator', rules: [] },
        ],
        users: [{ userName: 'watch', roles: ['all', 'administrator'] }],
      },
    }),
}

/** All answers of the plugin, also to what it is asked again. */
async function answered(broker: VirtualBroker, { waiting }: Slow): Promise<void> {
  while (waiting.length > 0) {
    for (const answer of waiting.splice(0)) answer()
    await broker.settle()
  }
}

const code = (client: TestClient, type: PacketType): number | undefined => {
  const packet = client.takeFirst(type)
  return packet !== undefined && 'reasonCode' in packet ? packet.reasonCode : undefined
}

for (const question of ['mayPublish', 'intercept'] as const) {
  for (const [what, remove] of Object.entries(removals)) {
    test(`a message is not taken if ${what} is removed while a plugin is asked ${question}`, async (t) => {
      const { broker, slow, admin, watch } = await worldOf(t, [question])
      const eve = broker.connect({ clientId: 'eve', userName: 'eve' })
      eve.publish('secret/a', 'x', 1, { retain: true })
      assert.equal(slow.waiting.length, 1)
      await settled(broker, remove(admin, slow))
      await answered(broker, slow)
      assert.deepEqual(watch.takePayloads(), [])
      const answer = code(eve, PacketType.PUBACK)
      if (!eve.isClosed) assert.equal(answer, ReasonCode.NotAuthorized)
      assert.equal(serverOf(broker.broker).retainedMessages.get('secret/a'), undefined)
    })

    test(`a Will does not go out if ${what} is removed while a plugin is asked ${question}`, async (t) => {
      const { broker, slow, admin, watch } = await worldOf(t, [question])
      const will = { topicName: 'secret/will', payload: Buffer.from('gone'), qos: 1, retain: true } as const
      const eve = broker.open()
      eve.connect({ clientId: 'eve', userName: 'eve', will })
      for (const answer of slow.waiting.splice(0)) answer()
      await broker.settle()
      eve.drop()
      assert.equal(slow.waiting.length, 1)
      await settled(broker, remove(admin, slow))
      await answered(broker, slow)
      assert.deepEqual(watch.takePayloads(), [])
    })
  }
}

test('a subscription is not granted if the role is removed while a plugin is asked about it', async (t) => {
  const { broker, slow, admin } = await worldOf(t, ['maySubscribe'])
  const eve = broker.connect({ clientId: 'eve', userName: 'eve' })
  eve.subscribe('secret/#', 1)
  await settled(broker, admin.deleteRole({ name: 'spy' }))
  slow.waiting.pop()!()
  await broker.settle()
  const suback = eve.takeFirst(PacketType.SUBACK)
  assert.deepEqual(suback?.type === PacketType.SUBACK && suback.reasonCodes, [ReasonCode.NotAuthorized])
})

test('a login ends in a refusal if its user is banned while plugins look at it once more', async (t) => {
  const { broker, slow, admin } = await worldOf(t, ['authenticate', 'mayStay'])
  const eve = broker.open()
  eve.connect({ clientId: 'eve', userName: 'eve' })
  await settled(broker, admin.putUser({ userName: 'eve', disabled: false, clientId: 'eve' }))
  slow.waiting.pop()!()
  await broker.settle()
  assert.equal(slow.waiting.length, 1, 'logins have changed: it is asked whether she may stay')
  await settled(broker, admin.ban({ kind: 'user', value: 'eve' }))
  slow.waiting.pop()!()
  await broker.settle()
  assert.equal(code(eve, PacketType.CONNACK), ReasonCode.NotAuthorized)
})

test('commands that wait, or hash a password, are refused once their sender has lost the role', async (t) => {
  const { broker, directory } = await worldOf(t, [])
  const eve = broker.connect({ clientId: 'eve', userName: 'eve' })
  const commands = [
    { command: 'createClient', username: 'mole', password: 'x', roles: [{ rolename: 'administrator' }] },
    { command: 'createRole', rolename: 'tunnel' },
  ]
  eve.publish('$CONTROL/dynamic-security/v1', JSON.stringify({ commands }), 1)
  eve.publish('$CONTROL/dynamic-security/v1', JSON.stringify({ commands: commands.slice(1) }), 1)
  await settled(broker, broker.broker.admin.putUser({ userName: 'eve', roles: [] }))
  const answers: string[] = []
  while (answers.length < 1) {
    await broker.settle()
    answers.push(...eve.takePayloads())
  }
  assert.match(answers.join(), /"createClient","error":"Not authorized"/)
  assert.match(answers.join(), /"createRole","error":"Not authorized"/)
  assert.equal(directory.get('user', 'mole'), undefined)
  assert.equal(directory.get('role', 'tunnel'), undefined)
})

test('a login that the worker decides while its user is removed ends in a refusal, or with the connection', async (t) => {
  const broker = await VirtualBroker.start({ users: {} })
  t.after(() => broker.close())
  const { directory } = serverOf(broker.broker)
  const passwordHash = await hashPassword('secret', 'mosquitto-pbkdf2')
  const ways: ((admin: Admin) => Promise<unknown>)[] = [
    (admin) => admin.deleteUser({ userName: 'eve' }),
    (admin) => admin.putUser({ userName: 'eve', password: 'other' }),
  ]
  for (const remove of ways) {
    setUser(directory, 'eve', { passwordHash })
    await broker.settle()
    const eve = broker.open()
    eve.connect({ clientId: 'eve', userName: 'eve', password: 'secret' })
    let atAnswer: number | undefined
    await settled(
      broker,
      remove(broker.broker.admin).then(() => (atAnswer = eve.packets.length)),
    )
    while (!eve.isClosed) await broker.settle()
    const late = eve.packets.slice(atAnswer)
    assert.ok(!late.some((packet) => packet.type === PacketType.CONNACK && packet.reasonCode === 0))
  }
})

/** What is under way about eve. */
interface Eve {
  readonly clients: TestClient[]
  present: TestClient
}

type Act = (world: World, eve: Eve) => void | Promise<void>

const subscribe = (client: TestClient, topicFilter: string): void =>
  client.send({
    ...{ type: PacketType.SUBSCRIBE, packetIdentifier: client.nextPacketIdentifier(), properties: {} },
    subscriptions: [{ topicFilter, qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  })

const acts: Readonly<Record<string, Act>> = {
  'eve publishes': (_, { present }) => void present.publish('secret/p', 'eve', 1),
  'eve publishes at QoS 2': (_, { present }) => void present.publish('secret/q', 'eve', 2),
  'eve retains': (_, { present }) => void present.publish('secret/e', 'eve', 0, { retain: true }),
  'eve subscribes': (_, { present }) => subscribe(present, 'secret/#'),
  'eve joins a share': (_, { present }) => subscribe(present, '$share/g/secret/#'),
  'eve gets a message': ({ watch }) => void watch.publish('secret/w', 'watch', 2),
  'somebody retains': ({ watch }) => void watch.publish('secret/r', 'watch', 1, { retain: true }),
  'eve is gone': (_, { present }) => present.drop(),
  'eve takes over, or is back': ({ broker }, eve) => {
    const will = { topicName: 'secret/will', payload: Buffer.from('eve'), qos: 1, retain: false } as const
    eve.present = broker.open()
    eve.clients.push(eve.present)
    eve.present.connect({ clientId: 'eve', userName: 'eve', will, ...KEPT })
  },
  'eve acknowledges': (_, { present }) => {
    for (const packet of [...present.packets]) {
      if (packet.type !== PacketType.PUBLISH || packet.qos === 0) continue
      present.acknowledge(packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packet.packetIdentifier)
    }
  },
  'the plugin answers': ({ slow }) => slow.waiting.shift()?.(),
  'the plugin gives its latest answer': ({ slow }) => slow.waiting.pop()?.(),
  'time passes': async ({ broker }) => {
    await new Promise<void>((resolve) => setImmediate(resolve))
    broker.clock.runTurns()
  },
}

/** What has come since the last call that takes a right: messages for eve, grants, and messages of hers. */
function granted({ watch }: World, { clients }: Eve): string[] {
  const seen = clients.flatMap((client) => client.take())
  const hers = watch.takePayloads().flatMap((text) => (text === 'eve' ? ['eve has published'] : []))
  const allowed = seen.flatMap((packet) => {
    if (packet.type === PacketType.PUBLISH) return [`eve has received ${packet.topicName}`]
    return packet.type === PacketType.SUBACK && packet.reasonCodes[0]! < 0x80 ? ['eve may subscribe'] : []
  })
  return [...hers, ...allowed]
}

test('in whatever order: nothing is allowed by what is removed once the removal is answered', async () => {
  const steps = fc.constantFrom(...Object.keys(acts))
  const orders = fc.record({
    slow: fc.subarray<Question>(['authenticate', 'mayStay', 'mayPublish', 'maySubscribe', 'intercept']),
    what: fc.constantFrom(...Object.keys(removals)),
    isStored: fc.boolean(),
    before: fc.array(steps, { minLength: 2, maxLength: 14 }),
    after: fc.array(steps, { maxLength: 8 }),
  })
  await fc.assert(
    fc.asyncProperty(orders, async ({ slow, what, isStored, before, after }) => {
      const world = await worldOf(undefined, slow, isStored)
      const { broker } = world
      const eve: Eve = { clients: [], present: broker.open() }
      for (const name of ['eve takes over, or is back', ...before]) await acts[name]!(world, eve)
      await settled(
        broker,
        removals[what]!(world.admin, world.slow).then(() => granted(world, eve)),
      )
      for (const name of after) await acts[name]!(world, eve)
      do {
        for (const answer of world.slow.waiting.splice(0)) answer()
        await broker.settle()
      } while (world.slow.waiting.length > 0)
      assert.deepEqual(granted(world, eve), [])
      assert.equal(broker.broker.metrics.internalErrors, 0)
      await broker.close()
    }),
    { numRuns: 20 },
  )
})
