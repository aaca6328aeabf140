/**
 * What Clients make the broker keep is charged to them, refused beyond a limit with the standard's Reason Code, and
 * given back.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AcknowledgementPacket, type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { nominalMemory } from '../../../src/limits/process-memory.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { connectionMemoryLimit } from '../../../src/protocol/connection-memory.ts'
import { sizeOfText } from '../../../src/base/memory-account.ts'
import { DROP_BYTES } from '../../../src/protocol/memory-sizes.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { sessionsOf } from '../../support/sessions.ts'
import fc from '../../support/property.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
const MIB = 2 ** 20
/** What is remembered of connections that have ended is charged as well. */
const FORGETFUL = { 'max-closed-connections': 0 } as const

/** What `act` adds to the broker's account. */
function charged(broker: VirtualBroker, act: () => unknown): number {
  const before = broker.broker.memory.bytes
  act()
  return broker.broker.memory.bytes - before
}

/** So many User Properties that the packet has about that many bytes. */
function userProperties(bytes: number, valueBytes = 1000): [string, string][] {
  return Array.from({ length: Math.ceil(bytes / (valueBytes + 5)) }, () => ['', 'v'.repeat(valueBytes)])
}

/** The Reason Code of the last PUBACK or PUBREC. */
function answerTo(client: TestClient): number | undefined {
  const answers = client.take().filter(({ type }) => type === PacketType.PUBACK || type === PacketType.PUBREC)
  return (answers.at(-1) as AcknowledgementPacket | undefined)?.reasonCode
}

function retain(
  client: TestClient,
  topicName: string,
  payload: string,
  qos: 0 | 1 | 2,
  properties = {},
): number | undefined {
  client.publish(topicName, payload, qos, { retain: true, properties })
  return answerTo(client)
}

function absent(broker: VirtualBroker, clientId: string, topicFilter: string): void {
  const client = broker.connect({ clientId, ...KEPT })
  client.subscribe(topicFilter, 1)
  client.drop()
}

test('by default half of what the process has may be used, and half of that by one user', async () => {
  const broker = await VirtualBroker.start(FORGETFUL, {
    processMemory: { ...nominalMemory, availableBytes: 100 * MIB },
  })
  assert.equal(broker.broker.memory.limit, 50 * MIB)
  const client = broker.connect()
  const codes = Array.from({ length: 60 }, (_, at) => retain(client, `t/${at}`, 'x'.repeat(MIB), 1))
  assert.equal(codes.filter((code) => code! < 0x80).length, 24)
  assert.equal(codes.at(-1), ReasonCode.QuotaExceeded)
  assert.ok(broker.broker.metrics.memoryRefusedUser > 0)
  // Another user has the other half.
  assert.ok(
    retain(broker.connect({ clientId: 'other', peer: { address: '192.0.2.2' } }), 'o', 'x'.repeat(MIB), 1)! < 0x80,
  )
  await broker.close()
})

test('a process that is short of memory accepts nothing that has to be kept, and serves who reads', async () => {
  let share = 0.9
  const broker = await VirtualBroker.start(FORGETFUL, { processMemory: { ...nominalMemory, usedShare: () => share } })
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('a', 1)
  const client = broker.connect()
  const seconds = (count: number): void => {
    for (let second = 0; second < count; second++) {
      broker.advance(1000)
      client.send({ type: PacketType.PINGREQ })
    }
  }
  seconds(5)
  assert.equal(retain(client, 'b', 'x', 1), ReasonCode.QuotaExceeded)
  client.publish('a', 'still', 1)
  assert.deepEqual(reader.takePayloads(), ['still'])
  assert.equal(broker.connect({ clientId: 'new', ...KEPT }).connack?.reasonCode, ReasonCode.QuotaExceeded)
  share = 0.5
  seconds(2)
  assert.ok(retain(client, 'b', 'x', 1)! < 0x80)
  await broker.close()
})

test('retained messages count their User Properties: 17 of 1.6 MB do not fit into 10 MiB, and those accepted are kept', async () => {
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-memory': 10 * MIB, 'max-memory-per-user': 0 })
  const client = broker.connect()
  const properties = { userProperties: userProperties(1.6 * MIB, 60_000) }
  const one = charged(broker, () => assert.ok(retain(client, 't/0', 'x', 1, properties)! < 0x80))
  assert.ok(one >= 1.5 * MIB, `${one} bytes`)
  const codes = Array.from({ length: 16 }, (_, at) => retain(client, `t/${at + 1}`, 'x', 1, properties))
  assert.equal(codes.filter((code) => code === ReasonCode.QuotaExceeded).length > 8, true)
  assert.ok(broker.broker.memory.bytes <= broker.broker.memory.limit)
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('t/#')
  assert.equal(reader.receiveAll().length, codes.filter((code) => code! < 0x80).length + 1)
  await broker.close()
})

test('queued messages count their User Properties, and what has no room is dropped for that Session alone', async () => {
  const broker = await VirtualBroker.start({
    ...FORGETFUL,
    'max-memory-per-session': 20 * MIB,
    'max-queued-bytes': 1000 * MIB,
  })
  absent(broker, 'away', 'a')
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('a', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  const properties = { userProperties: userProperties(4 * MIB, 60_000) }
  for (let count = 0; count < 6; count++) {
    sensor.publish('a', String(count), 1, { properties })
    assert.equal(reader.receiveAll().length, 1)
  }
  const away = sessionsOf(broker.broker).find(({ clientId }) => clientId === 'away')!
  assert.equal(away.queuedMessages, 4)
  assert.ok(away.memoryBytes > 16 * MIB && away.memoryBytes <= 20 * MIB, `${away.memoryBytes} bytes`)
  assert.equal(broker.broker.metrics.dropped['memory limit'], 2)
  assert.equal(broker.broker.metrics.memoryRefusedSession, 2)
  await broker.close()
})

test('who could not be kept for anybody learns so: PUBACK 0x97 where every receiver was without memory', async () => {
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-memory-per-session': 10_000 })
  absent(broker, 'away', 'a')
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a', 'x'.repeat(5000), 1)
  assert.equal(answerTo(sensor), ReasonCode.Success)
  sensor.publish('a', 'x'.repeat(5000), 1)
  assert.equal(answerTo(sensor), ReasonCode.QuotaExceeded)
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('a', 1)
  sensor.publish('a', 'x'.repeat(5000), 1)
  assert.equal(answerTo(sensor), ReasonCode.Success)
  await broker.close()
})

for (const [version, code] of [
  [5, ReasonCode.QuotaExceeded],
  [4, 3],
] as const) {
  test(`Wills are charged from CONNECT on, payload and properties, and end at the limit (version ${version}: ${code})`, async () => {
    const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-memory': 20 * MIB, 'max-memory-per-user': 0 })
    const properties = version === 5 ? { userProperties: userProperties(15_000, 1000) } : {}
    const will = { topicName: 'w', payload: Buffer.alloc(version === 5 ? 40_000 : 56_000), properties }
    const clients = Array.from({ length: 500 }, (_, at) => broker.connect({ clientId: `c${at}`, version, will }))
    const accepted = clients.filter(({ connack }) => connack?.reasonCode === 0)
    assert.equal(clients.at(-1)!.connack?.reasonCode, code)
    assert.ok(accepted.length > 100 && accepted.length < 500, `${accepted.length} accepted`)
    assert.ok(broker.broker.memory.bytes <= 25 * MIB)
    for (const client of accepted) client.disconnect()
    assert.equal(broker.broker.memory.bytes, 0)
    await broker.close()
  })
}

test('a Will that is delayed stays charged until it is sent', async () => {
  const broker = await VirtualBroker.start(FORGETFUL)
  const will = { topicName: 'w', payload: Buffer.alloc(50_000), properties: { willDelayInterval: 10 } }
  const client = broker.connect({ will, ...KEPT })
  const whole = broker.broker.memory.bytes
  client.drop()
  assert.equal(broker.broker.memory.bytes, whole)
  broker.advance(10_000)
  assert.ok(broker.broker.memory.bytes < whole - 50_000)
  await broker.close()
})

test('retained topics are charged for their levels: deep ones end at the limit', async () => {
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-memory': 2 * MIB, 'max-memory-per-user': 0 })
  const client = broker.connect()
  const deep = (at: number): string => `${at}/${'a/'.repeat(197)}b`
  const one = charged(broker, () => retain(client, deep(0), 'x', 1))
  assert.ok(one > 199 * 90, `${one} bytes`)
  const codes = Array.from({ length: 200 }, (_, at) => retain(client, deep(at + 1), 'x', 1))
  assert.equal(codes.at(-1), ReasonCode.QuotaExceeded)
  assert.ok(broker.broker.memory.bytes <= 2 * MIB)
  // A flat topic needs little, and an accepted one may still change.
  assert.ok(retain(client, deep(0), 'y', 1)! < 0x80)
  await broker.close()
})

test('filters are charged by their bytes and levels: SUBACK 0x97 beyond the limit of the Session [5.0 MQTT-3.9.3-2]', async () => {
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-memory-per-session': MIB })
  const client = broker.connect()
  const long = (at: number): string => `${at}/${'f'.repeat(60_000)}`
  const one = charged(broker, () => client.subscribe(long(0)))
  assert.ok(one > 60_000, `${one} bytes`)
  const codes = Array.from({ length: 30 }, (_, at) => client.subscribe(long(at + 1)).reasonCodes[0]!)
  assert.equal(codes.at(-1), ReasonCode.QuotaExceeded)
  const deep = broker.connect({ clientId: 'deep' })
  const levels = (at: number): string => `${at}/${'a/'.repeat(197)}#`
  const ofDeep = Array.from({ length: 100 }, (_, at) => deep.subscribe(levels(at)).reasonCodes[0]!)
  assert.equal(ofDeep.at(-1), ReasonCode.QuotaExceeded)
  const old = broker.connect({ clientId: 'old', version: 4 })
  const ofOld = Array.from({ length: 30 }, (_, at) => old.subscribe(long(at)).reasonCodes[0]!)
  assert.deepEqual([ofOld[0], ofOld.at(-1)], [0, 0x80])
  // Replacing one takes no more, and giving one up makes room.
  assert.equal(client.subscribe(long(0), 1).reasonCodes[0], 1)
  client.unsubscribe(long(1))
  assert.equal(client.subscribe(long(99)).reasonCodes[0], 0)
  await broker.close()
})

test('Sessions are charged with their identifiers: a new one is refused, an old one still comes back', async () => {
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-memory': MIB, 'max-memory-per-user': 0 })
  const clientId = (at: number): string => `${at}-${'c'.repeat(30_000)}`
  const codes: (number | undefined)[] = []
  for (let at = 0; at < 40; at++) {
    const client = broker.connect({ clientId: clientId(at), ...KEPT })
    codes.push(client.connack?.reasonCode)
    client.drop()
  }
  assert.deepEqual([codes[0], codes.at(-1)], [0, ReasonCode.QuotaExceeded])
  assert.equal(broker.connect({ clientId: clientId(0), ...KEPT }).connack?.sessionPresent, true)
  // One that goes with its Connection may use the reserve.
  assert.equal(broker.connect({ clientId: 'reader' }).connack?.reasonCode, 0)
  await broker.close()
})

test('a retained message without room: 0x97 and the old one stays; where there is no such answer, it is delivered', async () => {
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-retained-bytes': 4000 })
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  const [client, old] = [broker.connect(), broker.connect({ clientId: 'old', version: 4 })]
  for (const topic of ['a', 'b', 'c']) assert.ok(retain(client, topic, 'small', 1)! < 0x80)
  reader.take()
  assert.equal(retain(client, 'a', 'x'.repeat(5000), 1), ReasonCode.QuotaExceeded)
  assert.equal(retain(client, 'a', 'x'.repeat(5000), 2), ReasonCode.QuotaExceeded)
  assert.deepEqual(reader.take(), [])
  const late = broker.connect({ clientId: 'late' })
  late.subscribe('a')
  assert.deepEqual(late.takePayloads(), ['small'])

  retain(client, 'b', 'x'.repeat(5000), 0)
  assert.equal(retain(old, 'c', 'x'.repeat(5000), 1), 0)
  assert.equal(reader.take().length, 2)
  for (const topic of ['b', 'c']) late.subscribe(topic)
  assert.deepEqual(late.takePayloads(), [])
  assert.equal(broker.broker.metrics.retainedRefusedAtLimit, 4)
  await broker.close()
})

test('a message that waits for a plugin is charged meanwhile', async () => {
  let decide: (yes: boolean) => void = () => {}
  const slow: Plugin = {
    name: 'slow',
    mayPublish: () => new Promise((resolve) => (decide = resolve)),
    maySubscribe: () => true,
  }
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'topic-check': { plugins: [slow] } })
  const client = broker.connect()
  const before = broker.broker.memory.bytes
  client.publish('a', 'x'.repeat(50_000), 1)
  assert.ok(broker.broker.memory.bytes > before + 50_000)
  decide(true)
  await broker.settle()
  assert.equal(broker.broker.memory.bytes, before)
  await broker.close()
})

test('the event is emitted once when an account is full, and again when it was free in between', async () => {
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-memory-per-session': 50_000 })
  const told: unknown[] = []
  broker.broker.on('memoryLimit', ({ account, owner, limit }) => told.push([account, owner, limit]))
  absent(broker, 'away', 'a')
  const sensor = broker.connect({ clientId: 'sensor' })
  const flood = (): void => {
    for (let count = 0; count < 9; count++) sensor.publish('a', 'x'.repeat(9000), 1)
  }
  flood()
  assert.deepEqual(told, [['session', 'away', 50_000]])
  const back = broker.connect({ clientId: 'away', ...KEPT })
  back.receiveAll()
  back.drop()
  broker.advance(2000)
  sensor.send({ type: PacketType.PINGREQ })
  flood()
  assert.equal(told.length, 2)
  await broker.close()
})

test('what an absent Session holds is charged to its user, wherever the user connects from', async () => {
  const everyone: Plugin = { name: 'everyone', authenticate: () => ({ decision: 'allow' }) }
  const config = { auth: { plugins: [everyone] }, 'max-memory-per-user': 100_000 }
  const broker = await VirtualBroker.start({ ...FORGETFUL, ...config })
  for (const clientId of ['one', 'two']) {
    const client = broker.connect({
      clientId,
      userName: 'ann',
      peer: { address: `192.0.2.${clientId.length}` },
      ...KEPT,
    })
    client.subscribe('a', 1)
    client.drop()
  }
  const other = broker.connect({ clientId: 'other', userName: 'bob', ...KEPT })
  other.subscribe('a', 1)
  other.drop()
  const sensor = broker.connect({ clientId: 'sensor', userName: 'sensor' })
  for (let count = 0; count < 8; count++) sensor.publish('a', 'x'.repeat(10_000), 1)
  const queued = sessionsOf(broker.broker).map(({ clientId, queuedMessages }) => [clientId, queuedMessages])
  const of = Object.fromEntries(queued) as Record<string, number>
  assert.equal(of['other'], 8)
  assert.ok(of['one']! + of['two']! <= 9, JSON.stringify(of))
  await broker.close()
})

const qos = fc.constantFrom(0 as const, 1 as const, 2 as const)
const name = fc.constantFrom('a', 'b', 'a/b', 'a/b/c/d/e/f/g/h/i/j/k')
const filter = fc.constantFrom('#', 'a/#', '+', 'a/b', '$share/g/a', '$share/h/#')
const clientId = fc.constantFrom('one', 'two', 'three')
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('connect' as const),
      clientId,
      kept: fc.boolean(),
      will: fc.boolean(),
      clean: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('subscribe' as const), clientId, filter, qos }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unsubscribe' as const), clientId, filter }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      clientId,
      name,
      qos,
      retain: fc.boolean(),
      bytes: fc.nat(3000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('receive' as const), clientId }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), clientId }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('disconnect' as const), clientId }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance' as const), clientId }) },
)

for (const persistence of [false, true]) {
  test(`whatever Clients do, the account is empty once all of it is over${persistence ? ', with a store' : ''}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, isTight) => {
        const { MemoryDisk } = await import('../../../src/stores/memory-disk.ts')
        const limits = isTight
          ? { 'max-memory-per-session': 8000, 'max-memory': 30_000, 'max-inflight-messages': 2 }
          : {}
        const stored = persistence ? { persistence: { 'max-ram-bytes': 4000, 'max-session-ram-bytes': 2000 } } : {}
        const config = { ...limits, ...stored, 'topic-check': { acl: { anonymous: ['#'] } } }
        const broker = await VirtualBroker.start(
          { ...FORGETFUL, ...config },
          persistence ? { disk: new MemoryDisk() } : {},
        )
        const clients = new Map<string, TestClient>()
        for (const next of steps) {
          const client = clients.get(next.clientId)
          if (next.do === 'connect') {
            const properties = next.kept ? { sessionExpiryInterval: 50, receiveMaximum: 3 } : {}
            const will = {
              topicName: 'a',
              payload: Buffer.alloc(500),
              qos: 1,
              properties: { willDelayInterval: 5 },
            } as const
            const options = { clientId: next.clientId, cleanStart: next.clean, properties }
            clients.set(next.clientId, broker.connect(next.will ? { ...options, will } : options))
          } else if (client === undefined || client.isClosed) continue
          else if (next.do === 'subscribe') client.subscribe(next.filter, next.qos)
          else if (next.do === 'unsubscribe') client.unsubscribe(next.filter)
          else if (next.do === 'publish') {
            const id = client.publish(next.name, Buffer.alloc(next.bytes), next.qos, { retain: next.retain })
            if (next.qos === 2) client.acknowledge(PacketType.PUBREL, id)
          } else if (next.do === 'receive') client.receiveAll()
          else if (next.do === 'drop') client.drop()
          else if (next.do === 'disconnect') client.disconnect()
          else broker.advance(10_000)
          await new Promise<void>((resolve) => setImmediate(resolve))
          broker.clock.runTurns()
        }
        for (const { clientId: id } of sessionsOf(broker.broker))
          void broker.broker.disconnect(id, { endSession: true })
        await broker.settle()
        for (const topic of ['a', 'b', 'a/b', 'a/b/c/d/e/f/g/h/i/j/k']) {
          void broker.broker.publish(topic, '', { retain: true })
        }
        await broker.settle()
        assert.equal(broker.broker.memory.bytes, 0)
        await broker.close()
      }),
      { numRuns: 60 },
    )
  })
}

test('output that a Client does not take is charged to its user, and QoS 0 for it is dropped where there is no memory left', async () => {
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-memory-per-user': 60_000 })
  const frozen = broker.connect({ clientId: 'frozen', peer: { address: '192.0.2.9' } })
  const reader = broker.connect({ clientId: 'reader' })
  for (const client of [frozen, reader]) client.subscribe('a')
  const before = broker.broker.memory.bytes
  frozen.isFrozen = true
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let count = 0; count < 20; count++) sensor.publish('a', 'x'.repeat(9000))
  assert.equal(reader.take().length, 20)
  assert.ok(frozen.unsentBytes > 60_000 && frozen.unsentBytes < 100_000, `${frozen.unsentBytes} bytes`)
  assert.ok(broker.broker.memory.bytes >= before + frozen.unsentBytes)
  assert.ok(broker.broker.metrics.dropped['output full'] > 8)
  sensor.disconnect()
  frozen.thaw()
  // What was dropped is on record, as one entry with its topic.
  assert.equal(broker.broker.memory.bytes, before + DROP_BYTES + sizeOfText('a'))
  frozen.disconnect()
  reader.disconnect()
  assert.equal(broker.broker.memory.bytes, 0)
  await broker.close()
})

test('decisions about topics are remembered for Connections, at the cost of their user', async () => {
  const rules: Plugin = { name: 'rules', stable: true, mayPublish: () => true, maySubscribe: () => true }
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'topic-check': { plugins: [rules] } })
  const client = broker.connect()
  const before = broker.broker.memory.bytes
  for (let at = 0; at < 200; at++) client.publish(`${at}/${'t'.repeat(400)}`, 'x')
  const remembered = broker.broker.memory.bytes - before
  assert.ok(remembered > 200 * 400 && remembered < 200 * 1000, `${remembered} bytes`)
  for (let at = 200; at < 1000; at++) client.publish(`${at}/${'t'.repeat(400)}`, 'x')
  assert.ok(broker.broker.memory.bytes - before < 256 * 1000)
  client.drop()
  assert.equal(broker.broker.memory.bytes, 0)
  await broker.close()
})

test('a QoS 0 message to readers needs no memory that lasts', async () => {
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-memory': 20_000 })
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('a')
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let count = 0; count < 50; count++) sensor.publish('a', 'x'.repeat(9000))
  assert.equal((reader.take() as PublishPacket[]).length, 50)
  await broker.close()
})

test('payloads that are on disk only are charged while they are in memory, and given back', async () => {
  const { MemoryDisk } = await import('../../../src/stores/memory-disk.ts')
  const disk = new MemoryDisk()
  const persistence = { 'max-ram-bytes': 4000, 'max-session-ram-bytes': 2000 }
  const start = (): Promise<VirtualBroker> => VirtualBroker.start({ ...FORGETFUL, persistence }, { disk })
  let broker = await start()
  const first = broker.connect({ clientId: 'away', ...KEPT })
  await broker.settle()
  first.subscribe('a', 1)
  await broker.settle()
  first.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let count = 0; count < 20; count++) {
    sensor.publish('a', 'x'.repeat(20_000), 1, { properties: { contentType: 'text' } })
    await broker.settle()
  }
  sensor.disconnect()
  await broker.settle()
  assert.ok(broker.broker.memory.bytes < 5 * 20_000, `${broker.broker.memory.bytes} bytes while they wait on disk`)
  for (const restarts of [false, true]) {
    if (restarts) {
      await broker.close()
      broker = await start()
    }
    const before = broker.broker.memory.bytes
    const away = broker.connect({
      clientId: 'away',
      ...KEPT,
      properties: { sessionExpiryInterval: 1000, receiveMaximum: 5 },
    })
    await broker.settle()
    assert.equal(away.take().filter(({ type }) => type === PacketType.PUBLISH).length, 5)
    // Those in flight, and those that are next.
    assert.ok(broker.broker.memory.bytes > before + 5 * 20_000)
    away.drop()
  }
  const away = broker.connect({ clientId: 'away', ...KEPT })
  let received = 0
  for (let round = 0; round < 20; round++) {
    received += away.receiveAll().length
    await broker.settle()
  }
  assert.equal(received, 20)
  await broker.broker.disconnect('away', { endSession: true })
  await broker.settle()
  assert.equal(broker.broker.memory.bytes, 0)
  await broker.close()
})

/** A broker whose disk is stuck from `hold` to `release`, and a Client whose Session is kept there. */
async function withSlowDisk(
  config: object,
): Promise<{ broker: VirtualBroker; release: () => void; client: TestClient }> {
  const { MemoryDisk } = await import('../../../src/stores/memory-disk.ts')
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start({ ...FORGETFUL, persistence: {}, ...config }, { disk })
  const client = broker.connect({ clientId: 'kept', ...KEPT })
  await broker.settle()
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  disk.options.before = (operation) => (operation === 'sync' ? held : undefined)
  return { broker, release, client }
}

const PUBREL = { type: PacketType.PUBREL, reasonCode: 0, properties: {} } as const

test('answers that wait for a commit are charged to their Connection, which is not read beyond its limit', async () => {
  const { broker, release, client } = await withSlowDisk({ 'max-memory-per-connection': 100_000 })
  const before = broker.broker.memory.bytes
  client.publish('a', 'x', 2, { packetIdentifier: 1 })
  const released = Array.from({ length: 3000 }, (_, at) => ({ ...PUBREL, packetIdentifier: at + 2 }))
  client.send(...released)
  const waiting = broker.broker.memory.bytes - before
  assert.ok(waiting > 100_000 && waiting < 200_000, `${waiting} bytes`)
  assert.equal(client.isPaused, true)
  assert.equal(broker.connect({ clientId: 'other' }).connack?.reasonCode, 0)
  release()
  await broker.settle()
  const answers = client.take().filter(({ type }) => type === PacketType.PUBCOMP)
  assert.equal(answers.length, released.length)
  assert.equal(client.isPaused, false)
  await broker.close()
})

test('copies of QoS 2 messages that wait for a commit are charged, and given back when it is done or the Client is gone', async () => {
  for (const ends of ['commit', 'connection'] as const) {
    const { broker, release, client } = await withSlowDisk({})
    client.subscribe('a', 2)
    const sensor = broker.connect({ clientId: 'sensor', peer: { address: '192.0.2.9' } })
    const before = broker.broker.memory.bytes
    for (let count = 0; count < 10; count++) sensor.publish('a', 'x'.repeat(30_000), 2)
    const both = broker.broker.memory.bytes - before
    assert.ok(both > 2 * 300_000, `${both} bytes`)
    if (ends === 'connection') client.drop()
    release()
    await broker.settle()
    const once = broker.broker.memory.bytes - before
    assert.ok(once < 320_000, `${once} bytes`)
    await broker.close()
  }
})

test('topics to which the broker gives a Topic Alias are charged to their Connection [5.0 MQTT-3.1.2-26]', async () => {
  const broker = await VirtualBroker.start(FORGETFUL)
  const reader = broker.connect({ clientId: 'reader', properties: { topicAliasMaximum: 30 } })
  reader.subscribe('#')
  const before = broker.broker.memory.bytes
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 40; at++) sensor.publish(`${at}/${'t'.repeat(1000)}`, 'x')
  sensor.disconnect()
  const aliases = broker.broker.memory.bytes - before
  assert.ok(aliases > 30 * 2000 && aliases < 30 * 2200, `${aliases} bytes`)
  reader.disconnect()
  assert.equal(broker.broker.memory.bytes, 0)
  await broker.close()
})

test('a packet that is not complete is charged to its Connection, which ends beyond its limit with 0x97', async () => {
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-memory-per-connection': 300_000 })
  const told: unknown[] = []
  broker.broker.on('memoryLimit', ({ account, owner }) => told.push([account, owner]))
  const client = broker.connect({ clientId: 'large' })
  const before = broker.broker.memory.bytes
  client.sendBytes(Buffer.concat([Buffer.from('30ffff7f', 'hex'), Buffer.alloc(100_000)]))
  assert.ok(broker.broker.memory.bytes >= before + 100_000)
  assert.equal(client.isClosed, false)
  client.sendBytes(Buffer.alloc(250_000))
  assert.equal(client.isClosed, true)
  const disconnect = client.take().find(({ type }) => type === PacketType.DISCONNECT)
  assert.equal((disconnect as { reasonCode: number }).reasonCode, ReasonCode.QuotaExceeded)
  assert.deepEqual(told, [['connection', 'large']])
  assert.equal(broker.broker.memory.bytes, 0)
  await broker.close()
})

test('by default a Connection has room for four packets of the largest size, and for 64 MiB at least', () => {
  assert.equal(connectionMemoryLimit({ maxPacketSize: 1000 }), 64 * MIB)
  assert.equal(connectionMemoryLimit({ maxPacketSize: 100 * MIB }), 400 * MIB)
  assert.equal(connectionMemoryLimit({ maxPacketSize: 1000, maxMemoryPerConnection: 0 }), 0)
})

test('incomplete packets count for their user: another Session of the same user is refused beyond its memory', async () => {
  const broker = await VirtualBroker.start({ ...FORGETFUL, 'max-memory-per-user': 200_000 })
  const client = broker.connect({ clientId: 'large' })
  client.sendBytes(Buffer.concat([Buffer.from('30ffff7f', 'hex'), Buffer.alloc(220_000)]))
  assert.equal(broker.connect({ clientId: 'new', ...KEPT }).connack?.reasonCode, ReasonCode.QuotaExceeded)
  assert.equal(broker.connect({ clientId: 'other', peer: { address: '192.0.2.9' }, ...KEPT }).connack?.reasonCode, 0)
  client.drop()
  assert.equal(broker.connect({ clientId: 'new', ...KEPT }).connack?.reasonCode, 0)
  await broker.close()
})
