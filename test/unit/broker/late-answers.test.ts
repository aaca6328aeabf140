/**
 * Answers of plugins that come later. An error in what follows one is our own mistake: it costs the Connection that
 * waited, and neither the process nor anybody else; and many answers at one moment make no long turn.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthenticationAnswer, Plugin, PluginContext } from '../../../src/access/plugin.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import type { Server } from '../../../src/broker/server.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { handlingAll } from '../../support/handling-all.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

const LATE = 'late'
const ALLOW: AuthenticationAnswer = { decision: 'allow' }
const WILL = { topicName: 'will', payload: Buffer.from('x'), qos: 0, retain: false } as const

/** Answers at once for everybody but the Client `late`, for which the test answers. */
class SlowPlugin implements Plugin {
  readonly name = 'slow'
  readonly waiting: ((yes: boolean) => void)[] = []
  context: PluginContext | undefined
  /** Which questions wait. */
  readonly slow = new Set<string>()

  #answer<Answer>(question: string, clientId: string, yes: Answer, no: Answer): Answer | Promise<Answer> {
    if (clientId !== LATE || !this.slow.has(question)) return yes
    return new Promise((resolve) => this.waiting.push((isYes) => resolve(isYes ? yes : no)))
  }
  authenticate: Plugin['authenticate'] & {} = ({ clientId }) =>
    this.#answer<AuthenticationAnswer>('authenticate', clientId, ALLOW, { decision: 'deny' })
  mayStay: Plugin['mayStay'] & {} = ({ clientId }) => this.#answer('mayStay', clientId, true, false)
  mayPublish: Plugin['mayPublish'] & {} = ({ clientId }) => this.#answer('mayPublish', clientId, true, false)
  maySubscribe: Plugin['maySubscribe'] & {} = ({ clientId }) => this.#answer('maySubscribe', clientId, true, false)
}

interface World {
  readonly broker: VirtualBroker
  readonly plugin: SlowPlugin
  readonly server: Server
}

async function worldOf(config: object = {}): Promise<World> {
  const plugin = new SlowPlugin()
  const make = (context: PluginContext): Plugin => {
    plugin.context = context
    return plugin
  }
  const all = { auth: { plugins: [make] }, 'topic-check': { plugins: [make], ...config } }
  const broker = await VirtualBroker.start(all as ConfigInput)
  return { broker, plugin, server: serverOf(broker.broker) }
}

/** Our own mistake, for as long as it is not taken back. */
function breaks<Part extends object>(part: Part, name: keyof Part): () => void {
  const before = Object.getOwnPropertyDescriptor(part, name)
  const mistake = (): never => {
    throw new Error('our own mistake')
  }
  Object.defineProperty(part, name, { configurable: true, value: mistake })
  return () => {
    if (before === undefined) delete part[name]
    else Object.defineProperty(part, name, before)
  }
}

interface Case {
  readonly what: string
  readonly question: string
  readonly config?: object
  /** @returns the Client that waits; `undefined` if nobody does */
  readonly ask: (world: World) => TestClient | undefined
  readonly broken: (server: Server) => () => void
  readonly answer?: boolean
}

const cases: readonly Case[] = [
  {
    what: 'a PUBLISH',
    question: 'mayPublish',
    ask: ({ broker }) => {
      const client = broker.connect({ clientId: LATE })
      client.publish('a', 'x', 1)
      return client
    },
    broken: ({ router }) => breaks(router, 'route'),
  },
  {
    what: 'a log-in',
    question: 'authenticate',
    ask: ({ broker }) => {
      const client = broker.open()
      client.connect({ clientId: LATE })
      return client
    },
    broken: ({ sessions }) => breaks(sessions, 'add'),
  },
  {
    what: 'a CONNECT with a Will',
    question: 'mayPublish',
    ask: ({ broker }) => {
      const client = broker.open()
      client.connect({ clientId: LATE, will: WILL })
      return client
    },
    broken: ({ sessions }) => breaks(sessions, 'add'),
  },
  {
    what: 'a log-in that is looked at again, as logins were revoked meanwhile',
    question: 'mayStay',
    ask: ({ broker, plugin }) => {
      plugin.slow.add('mayPublish')
      const client = broker.open()
      client.connect({ clientId: LATE, will: WILL })
      // The plugin has reported a change of its own, so it is asked about the Will again.
      plugin.slow.delete('mayPublish')
      plugin.context!.revoked()
      plugin.waiting.shift()!(true)
      return client
    },
    broken: ({ sessions }) => breaks(sessions, 'add'),
  },
  {
    what: 'a SUBSCRIBE',
    question: 'maySubscribe',
    ask: ({ broker }) => {
      const client = broker.connect({ clientId: LATE })
      client.subscribe('a')
      return client
    },
    broken: ({ router }) => breaks(router, 'add'),
  },
  {
    what: 'a Will that is due',
    question: 'mayPublish',
    ask: ({ broker, plugin }) => {
      plugin.slow.clear()
      const client = broker.connect({ clientId: LATE, will: WILL })
      plugin.slow.add('mayPublish')
      client.drop()
      return undefined
    },
    broken: ({ router }) => breaks(router, 'route'),
  },
  {
    what: 'a review of logins',
    question: 'mayStay',
    ask: ({ broker, plugin }) => {
      broker.connect({ clientId: LATE })
      plugin.context!.revoked()
      return undefined
    },
    broken: ({ departures }) => breaks(departures, 'closed'),
    answer: false,
  },
  {
    what: 'a retained message',
    question: 'mayPublish',
    config: { 'retained-check': 'publisher' },
    ask: ({ broker, plugin }) => {
      plugin.slow.clear()
      broker.connect({ clientId: LATE }).publish('a', 'x', 0, { retain: true })
      plugin.slow.add('mayPublish')
      broker.connect({ clientId: 'reader' }).subscribe('a')
      return undefined
    },
    broken: ({ retainedMessages }) => breaks(retainedMessages, 'get'),
  },
]

for (const { what, question, config, ask, broken, answer = true } of cases) {
  test(`our own mistake behind a late answer about ${what} costs the Connection that waits, and nobody else`, () =>
    handlingAll(async () => {
      const world = await worldOf(config)
      const { broker, plugin, server } = world
      plugin.slow.add(question)
      const bystander = broker.connect({ clientId: 'bystander' })
      bystander.subscribe('other')
      bystander.take()
      const client = ask(world)
      await broker.settle()
      const told: unknown[] = []
      broker.broker.on('internalError', ({ error }) => told.push((error as Error).message))
      const mend = broken(server)
      assert.equal(plugin.waiting.length, 1, 'the question waits')
      plugin.waiting.shift()!(answer)
      await broker.settle()
      mend()
      assert.deepEqual(told, ['our own mistake'])
      assert.equal(broker.broker.metrics.internalErrors, 1)
      if (client !== undefined) assert.ok(client.isClosed, 'it does not wait for ever')
      bystander.publish('other', 'y', 1)
      assert.deepEqual(bystander.takePayloads(), ['y'])
      const next = broker.connect({ clientId: 'next' })
      assert.equal(next.connack?.reasonCode, 0)
      await broker.close()
    }))
}

test('a review of logins goes on behind a Client whose answer broke it', () =>
  handlingAll(async () => {
    const { broker, plugin, server } = await worldOf()
    broker.connect({ clientId: LATE })
    plugin.slow.add('mayStay')
    plugin.context!.revoked()
    await broker.settle()
    const mend = breaks(server.departures, 'closed')
    plugin.waiting.shift()!(false)
    await broker.settle()
    mend()
    const other = broker.connect({ clientId: 'other' })
    plugin.mayStay = () => false
    plugin.context!.revoked()
    await broker.settle()
    assert.ok(other.isClosed)
    await broker.close()
  }))

test('our own mistake in a login that had to wait its turn costs that one, and not those behind it', () =>
  handlingAll(async () => {
    const { broker, plugin, server } = await worldOf({})
    await broker.broker.reload({
      listeners: {},
      'sys-interval': 0,
      auth: { plugins: [plugin], 'max-logins-per-address': 1 },
    })
    plugin.slow.add('authenticate')
    const first = broker.open()
    first.connect({ clientId: LATE, userName: 'u', password: Buffer.from('p') })
    const [second, third] = [broker.open(), broker.open()]
    second.connect({ clientId: 'second', userName: 'u', password: Buffer.from('p') })
    third.connect({ clientId: 'third', userName: 'u', password: Buffer.from('p') })
    let added = 0
    const { sessions } = server
    const add = sessions.add.bind(sessions)
    sessions.add = (...what) => {
      if (++added === 2) throw new Error('our own mistake')
      return add(...what)
    }
    plugin.waiting.shift()!(true)
    await broker.settle()
    assert.deepEqual([first.isClosed, second.isClosed, third.isClosed], [false, true, false])
    assert.equal(
      third.packets.some(({ type }) => type === PacketType.CONNACK),
      true,
    )
    await broker.close()
  }))

test('our own mistake in the work of a Session or a Connection ends that one: its Client does not wait for ever', async () => {
  const { broker, server } = await worldOf()
  const clients = ['one', 'two'].map((clientId) => broker.connect({ clientId }))
  const registration = server.sessions.get('one')!
  const mistake = (): never => {
    throw new Error('our own mistake')
  }
  server.turn.addTask(registration.session, { resume: mistake })
  broker.clock.runTurns()
  assert.deepEqual(
    clients.map(({ isClosed }) => isClosed),
    [true, false],
  )
  server.turn.addTask(server.sessions.get('two')!.connection!, { resume: mistake })
  broker.clock.runTurns()
  assert.ok(clients[1]!.isClosed)
  await broker.close()
})

test('our own mistake behind a read of payloads costs the Session that waited for them its Connection, and nobody else anything', () =>
  handlingAll(async () => {
    const disk = new MemoryDisk()
    const config = { listeners: {}, persistence: { durability: 'disk', 'max-session-ram-bytes': 0 } } as const
    const broker = await VirtualBroker.start(config, { disk })
    const kept = { clientId: LATE, cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const
    const first = broker.connect(kept)
    await broker.settle()
    first.subscribe('a', 1)
    first.drop()
    broker.connect({ clientId: 'publisher' }).publish('a', 'x', 1)
    await broker.settle()
    let go = (): void => {}
    const gate = new Promise<void>((resolve) => (go = resolve))
    disk.options.before = (operation) => (operation === 'read' ? gate : undefined)
    const second = broker.connect(kept)
    await broker.settle()
    const mend = breaks(serverOf(broker.broker).sessions.get(LATE)!.session, 'flow')
    go()
    await broker.settle()
    mend()
    assert.equal(broker.broker.metrics.internalErrors, 1)
    assert.ok(second.isClosed, 'it does not wait for ever')
    const third = broker.connect(kept)
    await broker.settle()
    assert.deepEqual(third.takePayloads(), ['x'])
    await broker.close()
  }))

test('a replay of retained messages that our own mistake ended begins again when its Client subscribes again', async () => {
  const { broker, server } = await worldOf()
  const kept = { clientId: 'reader', cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const
  await broker.broker.publish('a', 'x', { retain: true })
  const first = broker.connect(kept)
  const mend = breaks(server.sessions.get('reader')!.session, 'send')
  first.subscribe('a', 1)
  assert.ok(first.isClosed)
  mend()
  const second = broker.connect(kept)
  second.subscribe('a', 1)
  assert.deepEqual(second.takePayloads(), ['x'])
  await broker.close()
})

test('our own mistake at the end of one Connection: a shutdown ends the others all the same', async () => {
  const { broker, server } = await worldOf()
  const clients = ['one', 'two', 'three'].map((clientId) => broker.connect({ clientId }))
  const { departures } = server
  const closed = departures.closed.bind(departures)
  let calls = 0
  departures.closed = (...what) => {
    if (++calls === 1) throw new Error('our own mistake')
    closed(...what)
  }
  await broker.close()
  assert.deepEqual(
    clients.slice(1).map((client) => client.take().map(({ type }) => type)),
    [[PacketType.DISCONNECT], [PacketType.DISCONNECT]],
  )
  assert.equal(broker.broker.state, 'closed')
})
