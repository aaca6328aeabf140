/**
 * The gate is for every packet and every task. A Control Packet without a worst shape here does not compile; a part of
 * the broker that begins to work in slices, and whose worst shape is measured nowhere, fails the last test.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { TURN_UNITS } from '../../../../src/base/work.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import { encodePacket } from '../../../../src/codec/encode.ts'
import { type Packet, type PublishPacket } from '../../../../src/codec/packets.ts'
import { PacketType, type PacketName, type QoS } from '../../../../src/codec/packet-types.ts'
import { noProperties } from '../../../../src/codec/properties.ts'
import { MemoryDisk } from '../../../../src/stores/memory-disk.ts'
import { root } from '../../../../tools/main.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import type { TestClient } from '../../../support/test-client.ts'
import { assertShared, measure, sendInTurn } from './support.ts'
import { publishPacket } from '../../../support/publish-packet.ts'

const ROOM: ConfigInput = {
  'max-memory': 0,
  'max-queued-messages': 100_000,
  'max-queued-bytes': 1e9,
  'max-inflight-messages': 65_535,
  'receive-maximum': 65_535,
  'max-filters-per-packet': 100_000,
  'max-subscriptions': 100_000,
}
const REQUEST = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 2 } as const
const PAYLOAD = Buffer.from('payload')
/** Nearly as long as a string may be. */
const LONG = 'v'.repeat(65_500)

type ClientPacket = Exclude<PacketName, 'CONNACK' | 'SUBACK' | 'UNSUBACK' | 'PINGRESP'>

interface Shape {
  readonly what: string
  /** What it costs at least, in units: a shape that costs little proves nothing. */
  readonly atLeast: number
  readonly config?: ConfigInput
  /**
   * Very many Clients ask for one small thing each: whoever comes last waits for all of them, which takes as many turns
   * as it has to.
   */
  readonly isCrowd?: true
  /** @returns what is measured */
  readonly prepare: (broker: VirtualBroker) => () => void
}

function many<Item>(count: number, make: (at: number) => Item): Item[] {
  return Array.from({ length: count }, (_, at) => make(at))
}

function publishOf(topicName: string, qos: QoS, packetIdentifier: number): PublishPacket {
  return publishPacket(topicName, PAYLOAD, { qos, packetIdentifier })
}

function subscribeAll(client: TestClient, topicFilters: readonly string[], qos: QoS = 1): void {
  const subscriptions = topicFilters.map((topicFilter) => ({ ...REQUEST, topicFilter, qos }))
  client.send({ type: PacketType.SUBSCRIBE, packetIdentifier: 1, subscriptions, properties: noProperties })
  client.take()
}

const IN_FLIGHT = 8_000

/** A Client that has so many messages in flight at that QoS, and more behind them in its queue. */
function receiverWith(broker: VirtualBroker, qos: 1 | 2): TestClient {
  const receiver = broker.connect({ clientId: 'receiver', properties: { receiveMaximum: IN_FLIGHT } })
  subscribeAll(receiver, ['a/+'], qos)
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let from = 0; from < 2 * IN_FLIGHT; from += 1000) {
    sensor.send(...many(1000, (at) => publishOf(`a/${from + at}`, qos, at + 1)))
    if (qos === 2) sensor.send(...acknowledgements(PacketType.PUBREL, 1000))
  }
  receiver.take()
  return receiver
}

type Acknowledgement =
  typeof PacketType.PUBACK | typeof PacketType.PUBREC | typeof PacketType.PUBREL | typeof PacketType.PUBCOMP

function acknowledgements(type: Acknowledgement, count = IN_FLIGHT): Packet[] {
  return many(count, (at): Packet => ({ type, packetIdentifier: at + 1, reasonCode: 0, properties: noProperties }))
}

function connectBytes(clientId: string, topicName: string): Uint8Array {
  const will = { topicName, payload: PAYLOAD, qos: 0, retain: false, properties: noProperties } as const
  const who = { clientId, will, userName: undefined, password: undefined }
  const common = { protocolVersion: 5, cleanStart: true, keepAlive: 0, properties: noProperties } as const
  return encodePacket({ type: PacketType.CONNECT, ...common, ...who }, 5)
}

/** Of every Control Packet that a Client may send, the shape that makes the most of it. */
const PACKETS: Readonly<Record<ClientPacket, readonly Shape[]>> = {
  CONNECT: [
    {
      what: 'from 2,000 Clients at once, each with a Will of 60 levels',
      atLeast: 200_000,
      isCrowd: true,
      prepare(broker) {
        const clients = many(2_000, () => broker.open())
        return () => {
          for (const [at, client] of clients.entries())
            client.sendBytesInTurn(connectBytes(`c${at}`, `w${'/x'.repeat(60)}`))
        }
      },
    },
    {
      what: 'that takes over a Session with 8,000 messages in flight and 8,000 in its queue',
      atLeast: 40_000,
      prepare(broker) {
        receiverWith(broker, 1)
        const again = broker.open()
        return () => again.sendBytesInTurn(connectBytes('receiver', 'w'))
      },
    },
  ],
  PUBLISH: [
    {
      what: 'retained, at QoS 1, 1,000 topics in a chunk, to 30 receivers',
      atLeast: 150_000,
      prepare(broker) {
        for (let at = 0; at < 30; at++) subscribeAll(broker.connect({ clientId: `r${at}` }), ['a/#'], 2)
        const sensor = broker.connect({ clientId: 'sensor' })
        const topicOf = (at: number): string => `a/${'x/'.repeat(at % 60)}${at}`
        return () =>
          sendInTurn(sensor, ...many(1_000, (at) => ({ ...publishOf(topicOf(at), 1, at + 1), retain: true })))
      },
    },
    {
      what: 'with 16 MB of User Properties, of which each is as long as it may be',
      atLeast: 100_000,
      prepare(broker) {
        const sensor = broker.connect({ clientId: 'sensor' })
        const userProperties = many(122, (): [string, string] => [LONG, LONG])
        return () => sendInTurn(sensor, { ...publishOf('a', 1, 1), properties: { userProperties } })
      },
    },
    {
      what: 'with as many User Properties as it may have, of lengths for which the runtime is not asked',
      atLeast: 10_000,
      prepare(broker) {
        const sensor = broker.connect({ clientId: 'sensor' })
        const userProperties = many(1_000, (): [string, string] => ['n'.repeat(512), 'v'.repeat(512)])
        return () => sendInTurn(sensor, { ...publishOf('a', 1, 1), properties: { userProperties } })
      },
    },
  ],
  PUBACK: [
    {
      what: 'of 8,000 messages in a chunk, behind which as many are waiting',
      atLeast: 80_000,
      prepare(broker) {
        const receiver = receiverWith(broker, 1)
        return () => sendInTurn(receiver, ...acknowledgements(PacketType.PUBACK))
      },
    },
  ],
  PUBREC: [
    {
      what: 'of 8,000 messages in a chunk',
      atLeast: 40_000,
      prepare(broker) {
        const receiver = receiverWith(broker, 2)
        return () => sendInTurn(receiver, ...acknowledgements(PacketType.PUBREC))
      },
    },
  ],
  PUBREL: [
    {
      what: 'of 8,000 messages in a chunk',
      atLeast: 40_000,
      prepare(broker) {
        const sensor = broker.connect({ clientId: 'sensor' })
        sensor.send(...many(IN_FLIGHT, (at) => publishOf('a', 2, at + 1)))
        return () => sendInTurn(sensor, ...acknowledgements(PacketType.PUBREL))
      },
    },
  ],
  PUBCOMP: [
    {
      what: 'of 8,000 messages in a chunk, behind which as many are waiting',
      atLeast: 80_000,
      prepare(broker) {
        const receiver = receiverWith(broker, 2)
        receiver.send(...acknowledgements(PacketType.PUBREC))
        return () => sendInTurn(receiver, ...acknowledgements(PacketType.PUBCOMP))
      },
    },
  ],
  SUBSCRIBE: [
    {
      what: 'of 16 MB, with filters as long as they may be',
      atLeast: 300_000,
      prepare(broker) {
        const client = broker.connect()
        const subscriptions = many(244, (at) => ({ ...REQUEST, topicFilter: `${LONG}${at}` }))
        const common = { packetIdentifier: 1, properties: noProperties }
        return () => sendInTurn(client, { type: PacketType.SUBSCRIBE, subscriptions, ...common })
      },
    },
    {
      what: 'with 10,000 filters that overlap',
      atLeast: 300_000,
      prepare(broker) {
        const client = broker.connect()
        const subscriptions = many(10_000, (at) => ({ ...REQUEST, topicFilter: `a/+/${'+/'.repeat(at % 20)}${at}` }))
        const common = { packetIdentifier: 1, properties: noProperties }
        return () => sendInTurn(client, { type: PacketType.SUBSCRIBE, subscriptions, ...common })
      },
    },
  ],
  UNSUBSCRIBE: [
    {
      what: 'of 16 MB, with filters as long as they may be',
      atLeast: 100_000,
      prepare(broker) {
        const client = broker.connect()
        const topicFilters = many(244, (at) => `${LONG}${at}`)
        const common = { packetIdentifier: 2, properties: noProperties }
        return () => sendInTurn(client, { type: PacketType.UNSUBSCRIBE, topicFilters, ...common })
      },
    },
    {
      what: 'with 10,000 filters of 20 levels',
      atLeast: 300_000,
      prepare(broker) {
        const client = broker.connect()
        const topicFilters = many(10_000, (at) => `a/${'x/'.repeat(18)}${at}`)
        subscribeAll(client, topicFilters)
        const common = { packetIdentifier: 2, properties: noProperties }
        return () => sendInTurn(client, { type: PacketType.UNSUBSCRIBE, topicFilters, ...common })
      },
    },
  ],
  PINGREQ: [
    {
      what: '50,000 in a chunk',
      atLeast: 200_000,
      prepare(broker) {
        const client = broker.connect()
        const bytes = Buffer.alloc(100_000, encodePacket({ type: PacketType.PINGREQ }, 5))
        return () => client.sendBytesInTurn(bytes)
      },
    },
  ],
  DISCONNECT: [
    {
      what: 'from 2,000 Clients at once, each of which has a Will to publish',
      atLeast: 200_000,
      isCrowd: true,
      prepare(broker) {
        subscribeAll(broker.connect({ clientId: 'heir' }), ['w/#'], 0)
        const clients = many(2_000, (at) => broker.connect({ clientId: `c${at}`, will: { topicName: `w/${at}` } }))
        const packet = { type: PacketType.DISCONNECT, reasonCode: 0x04, properties: noProperties } as const
        return () => {
          for (const client of clients) sendInTurn(client, packet)
        }
      },
    },
  ],
  AUTH: [
    {
      what: '10,000 steps of a re-authentication in a chunk',
      atLeast: 50_000,
      config: {
        auth: {
          plugins: [
            {
              name: 'talkative',
              authenticate: () => ({ decision: 'allow', anonymous: true }),
            },
          ],
        },
      },
      prepare(broker) {
        const client = broker.connect({ properties: { authenticationMethod: 'talk' } })
        const properties = { authenticationMethod: 'talk', authenticationData: Buffer.alloc(300) }
        const packet = { type: PacketType.AUTH, reasonCode: 0x19, properties } as const
        return () => sendInTurn(client, ...many(10_000, () => packet))
      },
    },
  ],
}

for (const [name, shapes] of Object.entries(PACKETS)) {
  for (const { what, atLeast, config, isCrowd, prepare } of shapes) {
    test(`${name} ${what}`, async () => {
      const broker = await VirtualBroker.start({ ...ROOM, ...config })
      const measured = measure(broker, prepare(broker))
      const fewestTurns = Math.ceil(measured.work / TURN_UNITS)
      if (isCrowd) assert.ok(measured.turns <= fewestTurns + 1, `${measured.turns} turns`)
      assertShared(`${name} ${what}`, isCrowd ? { ...measured, longestWait: 0 } : measured, atLeast)
      await broker.close()
    })
  }
}

test('a round of $SYS to 600 Clients that subscribe to all of it', async () => {
  const broker = await VirtualBroker.start({ ...ROOM, 'sys-interval': 10 })
  for (let at = 0; at < 600; at++) subscribeAll(broker.connect({ clientId: `c${at}` }), ['$SYS/#'], 0)
  const measured = measure(broker, () => void broker.clock.step(broker.clock.now() + 10_000))
  assertShared('$SYS', measured, 60_000)
  await broker.close()
})

test('a shutdown with 2,000 Clients', async () => {
  const broker = await VirtualBroker.start(ROOM)
  const clients = many(2_000, (at) => broker.connect({ clientId: `c${at}`, will: { topicName: 'w' } }))
  let closed: Promise<void> | undefined
  // The bystander is closed with all the others.
  const { mostTurnWork, work } = measure(broker, () => void (closed = broker.broker.close()))
  await closed
  assertShared('shutdown', { mostTurnWork, work, turns: 0, longestWait: 0 }, 200_000)
  assert.ok(clients.every(({ isClosed }) => isClosed))
})

test('a shutdown whose time is up before all Clients were reached leaves their Wills to the next start, too', async () => {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start({ ...ROOM, persistence: {} }, { disk })
  const clients = many(1_000, (at) => broker.connect({ clientId: `c${at}`, will: { topicName: 'w' } }))
  await broker.settle()
  const { metrics } = broker.broker
  void broker.broker.close({ timeoutMs: 10 })
  for (let tick = 0; tick < 10; tick++) await Promise.resolve()
  assert.ok(clients.some(({ isClosed }) => isClosed) && clients.some(({ isClosed }) => !isClosed))
  const endMs = broker.clock.now() + 10
  while (broker.clock.step(endMs));
  assert.ok(clients.every(({ isClosed }) => isClosed))
  assert.equal(metrics.willsPublished, 0)
  await broker.close()
})

/**
 * Every place in the broker that works in slices, and the test that measures its worst shape: a file in this folder,
 * and what the name of the test begins with.
 */
const TASKS: Readonly<Record<string, readonly [file: string, title: string]>> = {
  'answers.ts': ['reviews', 'answers of plugins for very many Clients'],
  'broker.ts': ['views', 'eachSession goes through very many Sessions'],
  'closed-connection-pages.ts': ['views', 'many connections that have ended are looked through'],
  'connections.ts': ['every', 'a shutdown with 2,000 Clients'],
  'departures.ts': ['sessions', '5,000 Connections are lost in one poll'],
  'client-subscriptions.ts': ['subscribe', 'subscribeFor with 10,000 filters'],
  'estate.ts': ['sessions', 'a member of a Shared Subscription ends'],
  'login-review.ts': ['reviews', 'a review of 10,000 logins'],
  'queue-expiries.ts': ['retained', 'a queue of which all expires at one moment'],
  'replays.ts': ['retained', 'a Client that does not read holds up its own replay alone'],
  'session-ending.ts': ['sessions', 'many Clients with many subscriptions leave at once'],
  'session-ends.ts': ['sessions', 'many Sessions with many subscriptions expire at one moment'],
  'session-pages.ts': ['views', 'pages that find little among very many end early, and are spread over turns'],
  'session-services.ts': ['publish', 'a Client that comes back to a long backlog'],
  'store-waiters.ts': ['reviews', 'Connections that waited for the Store'],
  'subscribe-work.ts': ['subscribe', 'SUBSCRIBE with 10,000 filters'],
  'subscribing.ts': ['subscribe', 'SUBSCRIBE with 10,000 filters'],
  'sys-topics.ts': ['every', 'a round of $SYS'],
  'turn.ts': ['publish', 'many Wills at one moment'],
  'unsubscribe-work.ts': ['subscribe', 'UNSUBSCRIBE with 10,000 filters'],
  'will-line.ts': ['sessions', 'many Wills that waited for a subscriber'],
}

test('every part of the broker that works in slices is measured', () => {
  const files = ['access', 'broker', 'routing', 'turn'].flatMap((folder) => {
    const names = readdirSync(`${root}/src/${folder}`, { recursive: true, encoding: 'utf8' })
    return names.filter((name) => name.endsWith('.ts')).map((name) => `${root}/src/${folder}/${name}`)
  })
  const working = files.filter((file) =>
    /\b(addTask|runTask|share)\(|implements .*\bTask\b/.test(readFileSync(file, 'utf8')),
  )
  assert.deepEqual(working.map((file) => basename(file)).toSorted(), Object.keys(TASKS).toSorted())
  for (const [part, [file, title]] of Object.entries(TASKS)) {
    const text = readFileSync(`${root}/test/unit/broker/turn-budget/${file}.test.ts`, 'utf8')
    assert.ok(text.includes(`test('${title}`), `${part}: no test in ${file}.test.ts begins with: ${title}`)
  }
})
