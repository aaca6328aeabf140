/** What a Client makes the broker keep takes about as much memory as its bytes, however many properties they are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodePacket } from '../../../src/codec/encode.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { type ConnectPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { assertBelow, madeBytes, usedBytes } from '../../support/measurement.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { bytesOf } from '../codec/packet-bytes.ts'

const LIMITS = { 'max-user-properties': 1_000_000, 'max-connect-packet-size': 1_000_000 }
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
/** Bytes of what is kept, for each byte that was sent. */
const MAX_FACTOR = 2.5
const COUNT = 40

/** 10,000 empty User Properties: 50,000 bytes. */
const many: Properties = { userProperties: Array.from({ length: 10_000 }, () => ['', ''] as const) }

type Way = readonly [name: string, send: (broker: VirtualBroker, number: number, publisher: TestClient) => void]

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
      // What lies on a disk in memory is no memory of the broker's.
      const limit = isStored ? MAX_FACTOR + 1.2 : MAX_FACTOR
      await assertBelow(limit, 'bytes for each byte sent', () => keptBytes(send, isStored))
    })
  }
}

/** What the broker keeps for each byte that was sent. */
async function keptBytes(send: Way[1], isStored: boolean): Promise<number> {
  const config = isStored ? { ...LIMITS, persistence: { path: '/data' } } : LIMITS
  const broker = await VirtualBroker.start(config, isStored ? { disk: new MemoryDisk() } : {})
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
  const kept = usedBytes() - before
  await broker.close()
  return kept / (COUNT * 50_000)
}

/** What 1,064 CONNECTs take that wait for their login: the time that all their answers take together. */
async function waitingBytes(fields: Partial<ConnectPacket>): Promise<number> {
  const never: Plugin = { name: 'never', authenticate: () => new Promise(() => {}) }
  const broker = await VirtualBroker.start({ auth: { plugins: [never] }, 'max-pending-logins': 10_000 })
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

/** How much more such a CONNECT takes than one that has none of these fields. */
async function moreBytes(fields: Partial<ConnectPacket>): Promise<number> {
  return (await waitingBytes(fields)) - (await waitingBytes({}))
}

test('a CONNECT that waits keeps what its login needs, and none of its User Properties', async () => {
  const userProperties = Array.from({ length: 1_000 }, () => ['', ''] as const)
  await assertBelow(2_000, 'bytes more', () => moreBytes({ properties: { userProperties } }))
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
  // As objects the list alone would take 64,000 bytes.
  await assertBelow(3 * 5_000, 'bytes more', () => moreBytes({ will }))
})

test('a CONNECT that was refused is kept no longer, though its last bytes may take a while to leave', async () => {
  await assertBelow(20_000, 'bytes for each CONNECT of 60,000', refusedBytes)
})

/** What each of 200 refused CONNECTs leaves behind whose Client does not take the answer. */
async function refusedBytes(): Promise<number> {
  const denier: Plugin = { name: 'denier', authenticate: () => ({ decision: 'deny' }) }
  const broker = await VirtualBroker.start({ auth: { plugins: [denier], 'max-login-delay-ms': 0 } })
  const refuse = (at: number): void => {
    const client = broker.open(5, { address: `192.0.${at >> 8}.${at & 0xff}` })
    client.end = () => {}
    client.connect({ userName: 'u', password: Buffer.alloc(60_000, 'x') })
  }
  for (let at = 0; at < 8; at++) refuse(at)
  const before = usedBytes()
  for (let at = 8; at < 208; at++) refuse(at)
  const left = usedBytes() - before
  await broker.close()
  return left / 200
}

test('a SUBSCRIBE or UNSUBSCRIBE with a million filters is refused before any of them is read', async () => {
  const broker = await VirtualBroker.start()
  const filters = Buffer.from('000161'.repeat(1_000_000), 'hex')
  const packets = [bytesOf('82 * 0001 00'), bytesOf('a2 * 0001 00')].map((head) =>
    Buffer.concat([head.subarray(0, 1), lengthOf(head.length - 2 + filters.length), head.subarray(2), filters]),
  )
  let refused = 0
  for (const [at, packet] of packets.entries()) {
    let client = broker.connect()
    await assertBelow(1_000_000, 'bytes of filters that were read', () => {
      client = broker.connect()
      refused++
      return madeBytes(() => client.sendBytesInTurn(packet))
    })
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
  assert.equal(broker.broker.metrics.packetsOverLimit, refused + 1)
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
