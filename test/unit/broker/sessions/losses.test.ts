/**
 * Connections that are lost while a turn has no work left: their end waits, and their Clients may be back before it
 * comes.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHARE_UNITS, TURN_UNITS, Work } from '../../../../src/base/work.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import { encodePacket } from '../../../../src/codec/encode.ts'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import { noProperties } from '../../../../src/codec/properties.ts'
import { MemoryDisk } from '../../../../src/stores/memory-disk.ts'
import { sessionsOf } from '../../../support/sessions.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import type { ConnectOptions, TestClient } from '../../../support/test-client.ts'

const WILL = { topicName: 'will', payload: Buffer.from('gone') }
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const
const SHARES = TURN_UNITS / SHARE_UNITS

/** A broker with Clients that use up a turn, and one that is lost in it. */
class World {
  readonly broker: VirtualBroker
  readonly #busy: readonly TestClient[]
  /** Events, in their order. */
  readonly events: string[] = []
  readonly watcher: TestClient

  static async start(config: ConfigInput = {}, disk?: MemoryDisk): Promise<World> {
    return new World(await VirtualBroker.start(config, disk && { disk }))
  }

  private constructor(broker: VirtualBroker) {
    this.broker = broker
    this.#busy = Array.from({ length: SHARES }, (_, at) => broker.connect({ clientId: `busy ${at}` }))
    this.watcher = broker.connect({ clientId: 'watcher' })
    this.watcher.subscribe('will', 1)
    broker.broker.on('clientConnected', ({ client }) => this.events.push(`${client.clientId} connected`))
    broker.broker.on('clientDisconnected', ({ client, cause }) => this.events.push(`${client.clientId}: ${cause}`))
  }

  /** Nobody may work any more in this turn. */
  spendTurn(): void {
    const pings = Buffer.alloc((2 * SHARE_UNITS) / Work.packet, encodePacket({ type: PacketType.PINGREQ }, 5))
    for (const client of this.#busy) client.sendBytesInTurn(pings)
  }

  /** That Client is lost in a turn that is spent. */
  lose(client: TestClient): void {
    this.events.length = 0
    this.spendTurn()
    client.destroy()
    assert.deepEqual(this.events, [], 'it has to wait')
  }

  connectInTurn({ clientId = 'client', cleanStart = true, properties = noProperties }: ConnectOptions): TestClient {
    const client = this.broker.open()
    const who = { clientId, cleanStart, keepAlive: 0, will: undefined, userName: undefined, password: undefined }
    client.sendBytesInTurn(encodePacket({ type: PacketType.CONNECT, protocolVersion: 5, properties, ...who }, 5))
    return client
  }
}

test('a loss that waits comes in a later turn, with its Will', async () => {
  const world = await World.start()
  const { broker, watcher } = world
  const client = broker.connect({ will: WILL })
  world.lose(client)
  broker.clock.runTurns()
  assert.deepEqual(world.events, ['client: connection lost'])
  assert.deepEqual(watcher.takePayloads(), ['gone'])
  assert.ok(sessionsOf(broker.broker).every(({ clientId }) => clientId !== 'client'))
  await broker.close()
})

for (const cleanStart of [true, false]) {
  test(`a Client that is back before its loss was worked on takes nothing over: Clean Start ${cleanStart}`, async () => {
    const world = await World.start()
    const { broker, watcher } = world
    const { metrics } = broker.broker
    const client = broker.connect({ ...KEPT, will: WILL })
    client.subscribe('a', 1)
    world.lose(client)
    const back = world.connectInTurn({ ...KEPT, cleanStart })
    broker.clock.runTurns()
    assert.deepEqual(world.events, ['client: connection lost', 'client connected'])
    assert.equal(metrics.takeovers, 0)
    const [connack] = back.take()
    assert.ok(connack?.type === PacketType.CONNACK && connack.sessionPresent === !cleanStart)
    assert.deepEqual(watcher.takePayloads(), ['gone'])
    watcher.publish('a', 'for it', 1)
    assert.deepEqual(back.takePayloads(), cleanStart ? [] : ['for it'])
    assert.equal(broker.broker.figure('clientsConnected')?.value, SHARES + 2)
    await broker.close()
  })
}

test('a Client that is back before its loss was worked on takes a delayed Will away [5.0 MQTT-3.1.3-9]', async () => {
  const world = await World.start()
  const { broker, watcher } = world
  const client = broker.connect({ ...KEPT, will: { ...WILL, properties: { willDelayInterval: 5 } } })
  world.lose(client)
  world.connectInTurn(KEPT)
  broker.advance(10_000)
  assert.deepEqual(watcher.takePayloads(), [])
  await broker.close()
})

test('a Session that ends with its Connection is not present for a Client that is back before its loss was worked on', async () => {
  const world = await World.start()
  const { broker } = world
  const client = broker.connect()
  client.subscribe('a', 1)
  world.lose(client)
  const back = world.connectInTurn({ cleanStart: false })
  broker.clock.runTurns()
  const [connack] = back.take()
  assert.ok(connack?.type === PacketType.CONNACK && !connack.sessionPresent)
  assert.equal(sessionsOf(broker.broker).find(({ clientId }) => clientId === 'client')?.subscriptions.length, 0)
  await broker.close()
})

test('what is published for a Client whose loss waits stays in its Session', async () => {
  const world = await World.start()
  const { broker } = world
  const client = broker.connect(KEPT)
  client.subscribe('a', 1)
  world.lose(client)
  void broker.broker.publish('a', 'meanwhile', { qos: 1 })
  broker.clock.runTurns()
  const back = broker.connect(KEPT)
  assert.deepEqual(back.takePayloads(), ['meanwhile'])
  await broker.close()
})

test('packets that a lost Connection left behind are not taken', async () => {
  const world = await World.start()
  const { broker, watcher } = world
  const client = broker.connect({ will: WILL })
  world.spendTurn()
  const disconnect = { type: PacketType.DISCONNECT, reasonCode: 0, properties: noProperties } as const
  client.sendBytesInTurn(encodePacket(disconnect, 5))
  client.destroy()
  broker.clock.runTurns()
  assert.deepEqual(watcher.takePayloads(), ['gone'])
  assert.deepEqual(world.events.slice(-1), ['client: connection lost'])
  await broker.close()
})

test('a broker that closes ends what was lost, too, and waits for it', async () => {
  const disk = new MemoryDisk()
  const world = await World.start({ persistence: {} }, disk)
  const { broker } = world
  const client = broker.connect({ ...KEPT, will: WILL })
  const newcomer = broker.open()
  await broker.settle()
  world.lose(client)
  newcomer.destroy()
  await broker.close()
  assert.ok(world.events.includes('client: server shutting down') || world.events.includes('client: connection lost'))
  const again = await VirtualBroker.start({ persistence: {} }, { disk })
  assert.deepEqual(
    sessionsOf(again.broker)
      .map(({ clientId }) => clientId)
      .toSorted(),
    ['client'],
  )
  await again.close()
})

test('whoever was lost before its login leaves the waiting room for a newcomer, and is no refusal', async () => {
  const world = await World.start({ 'max-connections-before-connect': 1 })
  const { broker } = world
  const refused: string[] = []
  broker.broker.on('clientRefused', ({ detail }) => refused.push(detail))
  const silent = broker.open()
  world.lose(silent)
  const newcomer = broker.open()
  broker.clock.runTurns()
  assert.ok(!newcomer.isClosed)
  assert.deepEqual(refused, [])
  assert.ok(newcomer.connect({ clientId: 'newcomer' }) !== undefined)
  await broker.close()
})
