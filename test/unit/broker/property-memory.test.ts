/** What a Client makes the broker keep takes about as much memory as its bytes, however many properties they are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodePacket } from '../../../src/codec/encode.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { type ConnectPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { usedBytes } from '../../fuzz/heap.ts'
import { TestBroker } from '../../support/test-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { bytesOf } from '../codec/packet-bytes.ts'

const LIMITS = { 'max-user-properties': 1_000_000, 'max-connect-packet-size': 1_000_000 }
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
/** Bytes of what is kept, for each byte that was sent. */
const MAX_FACTOR = 2.5
const COUNT = 40

/** 10,000 empty User Properties: 50,000 bytes. */
const many: Properties = { userProperties: Array.from({ length: 10_000 }, () => ['', ''] as const) }

type Way = readonly [name: string, send: (broker: TestBroker, number: number, publisher: TestClient) => void]

const publish = (retain: boolean, qos: 0 | 1): Way[1] => {
  const packet = {
    type: PacketType.PUBLISH,
    dup: false,
    qos,
    retain,
    packetIdentifier: 1,
    payload: Buffer.from('x'),
  } as const
  return (_, number, publisher) =>
    publisher.sendBytes(encodePacket({ ...packet, topicName: `a/${number}`, properties: many }, 5))
}
const ways: readonly Way[] = [
  ['retained messages', publish(true, 0)],
  ['queued messages', publish(false, 1)],
  [
    'Wills',
    (broker, number) =>
      void broker.connect({ clientId: `will ${number}`, will: { topicName: 'will', properties: many } }),
  ],
]

for (const isStored of [false, true]) {
  for (const [name, send] of ways) {
    test(`${name} with 10,000 User Properties each take what their bytes take${isStored ? ', also beside a store' : ''}`, async () => {
      const config = isStored ? { ...LIMITS, persistence: { path: '/data' } } : LIMITS
      const broker = await TestBroker.start(config, isStored ? { disk: new MemoryDisk() } : {})
      const away = broker.connect({ clientId: 'away', ...KEPT })
      away.subscribe('#', 1)
      away.drop()
      const publisher = broker.connect({ clientId: 'publisher' })
      send(broker, 0, publisher)
      await broker.settle()
      const before = usedBytes()
      for (let number = 1; number <= COUNT; number++) {
        send(broker, number, publisher)
        await broker.settle()
      }
      const perByte = (usedBytes() - before) / (COUNT * 50_000)
      // What lies on a disk in memory is no memory of the broker's.
      const disk = isStored ? 1.2 : 0
      assert.ok(perByte < MAX_FACTOR + disk, `${perByte.toFixed(1)} bytes for each byte sent`)
      await broker.close()
    })
  }
}

/** What 1,064 CONNECTs take that wait for their login: the time that all their answers take together. */
async function waitingBytes(fields: Partial<ConnectPacket>): Promise<number> {
  const never: Plugin = { name: 'never', authenticate: () => new Promise(() => {}) }
  const broker = await TestBroker.start({ auth: { plugins: [never] }, 'max-pending-logins': 10_000 })
  const packet = {
    type: PacketType.CONNECT,
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 0,
    clientId: 'c',
  } as const
  const bytes = encodePacket({ ...packet, userName: 'u', properties: {}, ...fields }, 5)
  const connect = (at: number): void => broker.open(5, { address: `192.0.${at >> 8}.${at & 0xff}` }).sendBytes(bytes)
  for (let at = 0; at < 8; at++) connect(at)
  const before = usedBytes()
  for (let at = 8; at < 1_072; at++) connect(at)
  const taken = (usedBytes() - before) / 1_064
  await broker.close()
  return taken
}

/** The collector may leave something for later, so that one measurement alone can be too high or too low by far. */
async function moreBytes(fields: Partial<ConnectPacket>): Promise<number> {
  const measured: number[] = []
  for (let time = 0; time < 3; time++) measured.push((await waitingBytes(fields)) - (await waitingBytes({})))
  return measured.toSorted((a, b) => a - b)[1]!
}

test('a CONNECT that waits keeps what its login needs, and none of its User Properties', async () => {
  const more = await moreBytes({ properties: { userProperties: Array.from({ length: 1_000 }, () => ['', '']) } })
  assert.ok(more < 1_000, `${more} bytes more`)
})

test('a CONNECT that waits keeps its Will as the bytes that it is', async () => {
  const userProperties = Array.from({ length: 1_000 }, () => ['', ''] as const)
  const will = {
    topicName: 'w',
    payload: Buffer.alloc(10),
    qos: 0,
    retain: false,
    properties: { userProperties },
  } as const
  const more = await moreBytes({ will })
  assert.ok(more < 2 * 5_000, `${more} bytes more`)
})

test('a CONNECT that was refused is kept no longer, though its last bytes may take a while to leave', async () => {
  const denier: Plugin = { name: 'denier', authenticate: () => ({ decision: 'deny' }) }
  const broker = await TestBroker.start({ auth: { plugins: [denier], 'max-login-delay-ms': 0 } })
  const refuse = (at: number): void => {
    const client = broker.open(5, { address: `192.0.${at >> 8}.${at & 0xff}` })
    client.end = () => {}
    client.connect({ userName: 'u', password: Buffer.alloc(60_000, 'x') })
  }
  for (let at = 0; at < 8; at++) refuse(at)
  const before = usedBytes()
  for (let at = 8; at < 208; at++) refuse(at)
  assert.ok((usedBytes() - before) / 200 < 20_000)
  await broker.close()
})

test('a SUBSCRIBE or UNSUBSCRIBE with a million filters is refused before any of them is read', async () => {
  const broker = await TestBroker.start()
  const filters = Buffer.from('000161'.repeat(1_000_000), 'hex')
  const packets = [bytesOf('82 * 0001 00'), bytesOf('a2 * 0001 00')].map((head) =>
    Buffer.concat([head.subarray(0, 1), lengthOf(head.length - 2 + filters.length), head.subarray(2), filters]),
  )
  for (const [at, packet] of packets.entries()) {
    const client = broker.connect()
    usedBytes()
    const before = process.memoryUsage().heapUsed
    client.sendBytesInTurn(packet)
    assert.ok(process.memoryUsage().heapUsed - before < 1_000_000, 'the filters were read')
    broker.clock.runTurns()
    const [end] = client.take()
    const name = at === 0 ? 'SUBSCRIBE' : 'UNSUBSCRIBE'
    assert.ok(end?.type === PacketType.DISCONNECT)
    const reasonString = `${name} has more than 10000 Topic Filters (max-filters-per-packet)`
    assert.deepEqual([end.reasonCode, end.properties.reasonString], [0x97, reasonString])
  }
  const old = broker.connect({ version: 4 })
  old.sendBytes(
    Buffer.concat([
      Buffer.from([0x82]),
      lengthOf(2 + 4_000_000),
      Buffer.from([0, 1]),
      Buffer.from('00016100'.repeat(1_000_000), 'hex'),
    ]),
  )
  assert.deepEqual([old.take(), old.isClosed], [[], true])
  assert.equal(broker.broker.metrics.packetsOverLimit, 3)
  await broker.close()
})

function lengthOf(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ;) {
    const digit = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? digit + 128 : digit)
    if (rest === 0) return Buffer.from(bytes)
  }
}
