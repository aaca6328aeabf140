/** A packet that has begun to come in has to get on; as long as it does, it is a sign of life. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndCause } from '../../../src/protocol/server-side.ts'
import { packetDeadline } from '../../../src/protocol/pace.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { encodePacket } from '../../../src/codec/encode.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { ConnectOptions, TestClient } from '../../support/test-client.ts'

const VERSIONS = [3, 4, 5] as const
const NAMES = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const

interface Ended {
  readonly broker: VirtualBroker
  readonly client: TestClient
  readonly causes: EndCause[]
}

async function connected(options: ConnectOptions, config = {}): Promise<Ended> {
  const broker = await VirtualBroker.start({ 'packet-timeout': 10, 'min-packet-rate': 100, ...config })
  const causes: EndCause[] = []
  broker.broker.on('clientDisconnected', ({ cause }) => causes.push(cause))
  return { broker, client: broker.connect(options), causes }
}

function publishOf(version: 3 | 4 | 5, bytes: number): Buffer {
  const fields = { dup: false, qos: 0, retain: false, topicName: 'a', packetIdentifier: 0, properties: {} } as const
  return Buffer.from(encodePacket({ type: PacketType.PUBLISH, ...fields, payload: Buffer.alloc(bytes) }, version))
}

/** Sends so many bytes a second, and says how many milliseconds the Client lived. */
function drip({ broker, client }: Ended, bytes: Buffer, bytesPerSecond: number): number {
  for (let second = 0; second * bytesPerSecond < bytes.length; second++) {
    if (client.isClosed) return second * 1000
    client.sendBytes(bytes.subarray(second * bytesPerSecond, (second + 1) * bytesPerSecond))
    broker.advance(1000)
  }
  return Infinity
}

test('each byte moves the moment on by what it may take', () => {
  const limits = { packetTimeout: 30, minPacketRate: 100 }
  assert.equal(packetDeadline(5, 0, limits), 30_005)
  assert.equal(packetDeadline(5, 1, limits), 30_015)
  assert.equal(packetDeadline(5, 200, limits), 32_005)
})

for (const version of VERSIONS) {
  test(`${NAMES[version]}: a PUBLISH of 80 kB that takes 8 s keeps a Client with Keep Alive 2 alive, and arrives`, async () => {
    const world = await connected({ version, keepAlive: 2 })
    const watcher = world.broker.connect({ clientId: 'watcher', version: 4 })
    watcher.subscribe('#')
    assert.equal(drip(world, publishOf(version, 80_000), 10_000), Infinity)
    assert.deepEqual([world.client.isClosed, watcher.take().length], [false, 1])
    await world.broker.close()
  })

  test(`${NAMES[version]}: one whose bytes come more slowly than the rate is late, Keep Alive or none`, async () => {
    for (const keepAlive of [0, 2]) {
      const world = await connected({ version, keepAlive })
      // After s seconds 50 s bytes are here, which may take 10 + s / 2: too few from 20 s on.
      const lived = drip(world, publishOf(version, 80_000), 50)
      assert.ok(lived >= 19_000 && lived <= 21_000, `lived for ${lived} ms`)
      assert.deepEqual(world.causes, ['packet timeout'])
      const told = world.client.take().map((packet) => 'reasonCode' in packet && packet.reasonCode)
      assert.deepEqual(told, version === 5 ? [0x97] : [])
      assert.equal(world.broker.broker.metrics.packetTimeouts, 1)
      await world.broker.close()
    }
  })
}

test('a packet of which nothing more comes is late after the timeout, whatever came before it', async () => {
  for (const first of ['30', '30ff', '3003', 'c0']) {
    const world = await connected({ version: 4 })
    world.broker.advance(60_000)
    world.client.sendHex(`c000 ${first}`)
    world.broker.advance(9_900)
    assert.equal(world.client.isClosed, false)
    world.broker.advance(200)
    assert.deepEqual([world.client.isClosed, world.causes], [true, ['packet timeout']])
    await world.broker.close()
  }
})

test('packets that each come in time are not counted together', async () => {
  const world = await connected({ version: 4 })
  // The last byte of each comes with the first of the next: there is always one under way.
  world.client.sendHex('c0')
  for (let count = 0; count < 10; count++) {
    world.broker.advance(9_000)
    world.client.sendHex('00c0')
  }
  assert.equal(world.client.isClosed, false)
  await world.broker.close()
})

test('Keep Alive still ends who says nothing at all [5.0 MQTT-3.1.2-22] [3.1.1 MQTT-3.1.2-24]', async () => {
  const world = await connected({ keepAlive: 2 })
  world.broker.advance(3100)
  assert.deepEqual(world.causes, ['keep alive timeout'])
  await world.broker.close()
})

test('time in which the Client is not read does not count', async () => {
  const world = await connected({ version: 5 }, { 'max-byte-rate': 100 })
  world.client.sendBytes(publishOf(5, 3_000).subarray(0, 2_500))
  assert.equal(world.client.isPaused, true)
  world.broker.advance(24_500)
  assert.deepEqual([world.client.isPaused, world.client.isClosed], [false, false])
  // 2,500 bytes may take 10 + 25 s, counted from when it was read again.
  world.broker.advance(34_000)
  assert.equal(world.client.isClosed, false)
  world.broker.advance(3_000)
  assert.deepEqual(world.causes, ['packet timeout'])
  await world.broker.close()
})

test('before the login the connect timeout counts alone', async () => {
  const broker = await VirtualBroker.start({ 'packet-timeout': 1, 'connect-timeout': 5 })
  const client = broker.open()
  client.sendHex('10')
  broker.advance(4_900)
  assert.equal(client.isClosed, false)
  broker.advance(200)
  assert.equal(client.isClosed, true)
  await broker.close()
})
