import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryAccount } from '../../../src/base/memory-account.ts'
import { SHARE_UNITS, WorkBudget } from '../../../src/base/work.ts'
import type { QoS } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import type { ApplicationMessage } from '../../../src/protocol/application-message.ts'
import type { Client } from '../../../src/protocol/client.ts'
import { DELIVERY_BYTES } from '../../../src/protocol/memory-sizes.ts'
import { DeliveryState, type Delivery } from '../../../src/protocol/delivery.ts'
import type { DropCause } from '../../../src/protocol/drop-cause.ts'
import { Session } from '../../../src/protocol/session.ts'
import type { SessionConnection } from '../../../src/protocol/session-connection.ts'
import type { SessionLimits } from '../../../src/protocol/session-limits.ts'
import type { SessionLedger, SessionSide } from '../../../src/protocol/session-side.ts'
import { sizeOfSubscription, subscriptionOf, type Subscription } from '../../../src/protocol/subscription.ts'
import { messageOf, sessionLimits } from '../../support/fake-server.ts'
import fc from '../../support/property.ts'

const client: Client = { clientId: 'c', userName: undefined, address: '', listener: '', protocolVersion: 5 }
const ANY = { qos: 2, noLocal: false, retainAsPublished: false, subscriptionIdentifiers: [] } as const

/** The Client's end: remembers what was sent, as `name` (topic), with `!` for DUP, and `release name` for PUBREL. */
class Wire implements SessionConnection {
  readonly client = client
  congested = false
  takesMore = true
  maximumSize = Infinity
  readonly sent: string[] = []
  readonly open: Delivery[] = []

  fits({ payloadLength }: ApplicationMessage): boolean {
    return payloadLength <= this.maximumSize
  }
  sendPublish(message: ApplicationMessage): DropCause | undefined {
    if (message.payloadLength > this.maximumSize) return 'packet too large'
    this.sent.push(message.topicName)
    return undefined
  }
  sendDelivery(delivery: Delivery, dup: boolean): DropCause | undefined {
    if (delivery.message.payloadLength > this.maximumSize) return 'packet too large'
    this.sent.push(delivery.message.topicName + (dup ? '!' : ''))
    this.open.push(delivery)
    return undefined
  }
  sendPubrel(delivery: Delivery): void {
    this.sent.push(`release ${delivery.message.topicName}`)
    this.open.push(delivery)
  }
}

function sessionOf(limits: Partial<SessionLimits> = {}) {
  const told: string[] = []
  const turns: Session[] = []
  const work = new WorkBudget(() => 0)
  const side: SessionSide<Session> & { nowMs: number } = {
    nowMs: 0,
    work,
    gauges: { queuedMessages: 0, queuedBytes: 0, inflightOut: 0, inflightIn: 0 },
    now: () => side.nowMs,
    dropped: (_session, { topicName }, cause) => told.push(`${topicName}: ${cause}`),
    delivered: () => {},
    parks: () => false,
    wantsPayloads: () => {},
    wantsFlow: (session) => {
      told.push('waits for its turn')
      turns.push(session)
    },
    hasRoom: () => told.push('has room'),
    memoryRefused: ({ kind }) => told.push(`${kind} is full`),
    rightsVersion: 0,
    mayReceive: () => true,
    handsOn: () => false,
    expires: () => {},
    acknowledged: () => {},
    queued: () => {},
    lags: () => {},
    crowded: () => {},
    thinned: () => {},
  }
  const broker = new MemoryAccount('broker', '', 0, undefined)
  const user = new MemoryAccount('user', 'u', 0, broker)
  const session = new Session('c', side, { ...sessionLimits, ...limits }, user)
  /** A new turn: whoever waits for one goes on. */
  const nextTurn = (): void => {
    work.endTurn()
    for (const one of turns.splice(0)) one.resume()
  }
  return { session, told, side, user, broker, nextTurn }
}

function deliver(session: Session, topicName: string, qos: QoS, more: Partial<Parameters<typeof messageOf>[0]> = {}) {
  session.deliver(messageOf({ topicName, qos, ...more }), ANY)
}

test('a backlog leaves a share at a time, in order, and what comes meanwhile goes behind it', () => {
  const { session, told, side, nextTurn } = sessionOf({
    maxInflightMessages: 65_535,
    maxQueuedMessages: 100_000,
    maxQueuedBytes: 1e9,
  })
  const count = SHARE_UNITS
  for (let at = 0; at < count; at++) deliver(session, String(at), 1)
  const wire = new Wire()
  session.connect(wire, 65_535)
  assert.ok(wire.sent.length > 0 && wire.sent.length < count, String(wire.sent.length))
  assert.deepEqual(told, ['waits for its turn'])
  deliver(session, 'last', 1)
  session.flow()
  assert.equal(told.length, 1, 'it waits once')
  for (let turns = 0; session.queuedMessages > 0; turns++) {
    assert.ok(turns < 10)
    nextTurn()
  }
  assert.deepEqual(wire.sent, [...Array.from({ length: count }, (_, at) => String(at)), 'last'])
  assert.deepEqual(side.gauges, { queuedMessages: 0, queuedBytes: 0, inflightOut: count + 1, inflightIn: 0 })
})

test('what is in flight is resent a share at a time, and nothing new overtakes it', () => {
  const { session, nextTurn } = sessionOf({ maxInflightMessages: 65_535 })
  const count = 10_000
  session.connect(new Wire(), 65_535)
  for (let at = 0; at < count; at++) deliver(session, String(at), 1)
  session.disconnect()
  nextTurn()
  const wire = new Wire()
  session.connect(wire, 65_535)
  assert.ok(wire.sent.length < count)
  deliver(session, 'new', 1)
  for (let turns = 0; turns < 10; turns++) nextTurn()
  assert.deepEqual(wire.sent, [...Array.from({ length: count }, (_, at) => `${at}!`), 'new'])
})

test('whoever found it full is told once when half of its queue is free again', () => {
  const { session, told } = sessionOf({ maxInflightMessages: 1, maxQueuedMessages: 4 })
  const wire = new Wire()
  session.connect(wire, 1)
  for (const name of ['a', 'b', 'c', 'd']) deliver(session, name, 1)
  assert.ok(!session.takesMore)
  session.puback(wire.open[0]!.packetIdentifier, 0)
  assert.deepEqual(told, [])
  session.puback(wire.open[1]!.packetIdentifier, 0)
  session.puback(wire.open[2]!.packetIdentifier, 0)
  assert.deepEqual(told, ['has room'])
  assert.ok(session.takesMore)
})

test('delivered QoS is the lower of published and granted', () => {
  const { session } = sessionOf()
  const wire = new Wire()
  session.connect(wire, 10)
  for (const published of [0, 1, 2] as const) {
    for (const granted of [0, 1, 2] as const) {
      wire.open.length = 0
      session.deliver(messageOf({ qos: published }), { ...ANY, qos: granted })
      assert.equal(wire.open[0]?.qos ?? 0, Math.min(published, granted))
      if (wire.open[0]?.qos === 1) session.puback(wire.open[0].packetIdentifier, 0)
    }
  }
})

test('RETAIN is kept only where Retain As Published asks for it [5.0 MQTT-3.3.1-12] [5.0 MQTT-3.3.1-13]', () => {
  const { session } = sessionOf()
  const wire = new Wire()
  session.connect(wire, 10)
  const message = messageOf({ qos: 1, retain: true })
  session.deliver(message, ANY)
  session.deliver(message, { ...ANY, retainAsPublished: true })
  assert.deepEqual(
    wire.open.map(({ retain }) => retain),
    [false, true],
  )
})

test('Receive Maximum 1: the second message waits for the first PUBACK [5.0 MQTT-3.3.4-9]', () => {
  const { session } = sessionOf()
  const wire = new Wire()
  session.connect(wire, 1)
  deliver(session, 'a', 1)
  deliver(session, 'b', 1)
  deliver(session, 'zero', 0)
  assert.deepEqual(wire.sent, ['a', 'zero'])
  session.puback(wire.open[0]!.packetIdentifier, 0)
  assert.deepEqual(wire.sent, ['a', 'zero', 'b'])
})

test('max-inflight-messages holds where the Client allows more', () => {
  const { session } = sessionOf({ maxInflightMessages: 2 })
  const wire = new Wire()
  session.connect(wire, 65_535)
  for (const name of ['a', 'b', 'c']) deliver(session, name, 1)
  assert.deepEqual([wire.sent, session.inflightMessages, session.queuedMessages], [['a', 'b'], 2, 1])
})

test('an absent Client: QoS 0 is dropped and counted, QoS 1 and 2 wait within limits', () => {
  const { session, told } = sessionOf({ maxQueuedMessages: 2 })
  for (const [name, qos] of [
    ['a', 0],
    ['b', 1],
    ['c', 2],
    ['d', 1],
  ] as const)
    deliver(session, name, qos)
  assert.deepEqual(told, ['a: not connected', 'd: queue full'])
  const wire = new Wire()
  session.connect(wire, 10)
  assert.deepEqual(wire.sent, ['b', 'c'])
})

test('queue-full: drop-oldest makes room for the newest', () => {
  const { session, told } = sessionOf({ maxQueuedMessages: 2, queueFull: 'drop-oldest' })
  for (const name of ['a', 'b', 'c']) deliver(session, name, 1)
  assert.deepEqual(told, ['a: queue full'])
})

test('max-queued-bytes counts what messages take in memory, and one that is larger than all of it is dropped', () => {
  const size = (bytes: number): number => messageOf({ topicName: 'a', payload: Buffer.alloc(bytes) }).size
  for (const queueFull of ['drop-newest', 'drop-oldest'] as const) {
    const { session, told } = sessionOf({ maxQueuedBytes: 2 * size(900), queueFull })
    deliver(session, 'a', 1, { payload: Buffer.alloc(900) })
    deliver(session, 'b', 1, { payload: Buffer.alloc(900) })
    assert.equal(session.queuedBytes, 2 * size(900))
    deliver(session, 'c', 1, { payload: Buffer.alloc(0) })
    assert.deepEqual(told, [queueFull === 'drop-oldest' ? 'a: queue full' : 'c: queue full'])
    deliver(session, 'd', 1, { payload: Buffer.alloc(3000) })
    assert.equal(told.at(-1), 'd: queue full')
    // Nothing else had to go for it.
    const left = queueFull === 'drop-oldest' ? size(900) + size(0) : 2 * size(900)
    assert.deepEqual([told.length, session.queuedBytes], [2, left])
  }
})

/** What a delivery of such a message is charged with. */
function charged(payloadBytes: number): number {
  return messageOf({ topicName: 'a', payload: Buffer.alloc(payloadBytes) }).size + DELIVERY_BYTES
}

for (const full of ['session', 'user', 'broker'] as const) {
  test(`where the ${full} has no memory left, what has to wait is dropped, and what left makes room`, () => {
    const { session, told, user, broker } = sessionOf()
    const { bytes } = session.memory
    for (const account of [session.memory, user, broker]) {
      account.limit = account.kind === full ? bytes + 2 * charged(9) : 0
    }
    for (const name of ['a', 'b', 'c']) deliver(session, name, 1, { payload: Buffer.alloc(9) })
    assert.deepEqual(told, [`${full} is full`, 'c: memory limit'])
    for (const account of [session.memory, user, broker]) assert.equal(account.bytes, bytes + 2 * charged(9))
    const wire = new Wire()
    session.connect(wire, 1)
    session.puback(wire.open[0]!.packetIdentifier, 0)
    assert.equal(broker.bytes, bytes + charged(9))
    deliver(session, 'd', 1, { payload: Buffer.alloc(9) })
    assert.equal(told.length, 2)
    session.end()
    assert.equal(Array.from(session.remains()).length, 2)
    assert.deepEqual([session.queuedMessages, session.memory.bytes, user.bytes, broker.bytes], [0, 0, 0, 0])
  })
}

test('who reads is not held up by what others keep: what leaves at once may use the reserve', () => {
  const { session, told, broker } = sessionOf()
  broker.add(6 * charged(9))
  broker.limit = broker.bytes
  session.connect(new Wire(), 10)
  deliver(session, 'a', 1, { payload: Buffer.alloc(9) })
  assert.deepEqual([told, session.inflightMessages], [[], 1])
  deliver(session, 'a', 1, { payload: Buffer.alloc(900) })
  assert.deepEqual(told, ['broker is full', 'a: memory limit'])
})

test('a message that several Sessions hold counts for each of them, and once for the broker', () => {
  const { session: one, side, user, broker } = sessionOf()
  const other = new Session('other', side, sessionLimits, new MemoryAccount('user', 'other', 0, broker))
  const [ofOne, ofUser, ofOther, ofAll] = [one.memory.bytes, user.bytes, other.memory.bytes, broker.bytes]
  const message = messageOf({ qos: 1 })
  for (const session of [one, other]) session.deliver(message, ANY)
  const bytes = message.size + DELIVERY_BYTES
  assert.deepEqual(
    [one.memory.bytes - ofOne, user.bytes - ofUser, other.memory.bytes - ofOther, broker.bytes - ofAll],
    [bytes, bytes, bytes, bytes + DELIVERY_BYTES],
  )
  one.end()
  assert.equal(Array.from(one.remains()).length, 1)
  assert.equal(broker.bytes, other.memory.bytes)
  other.end()
  assert.equal(Array.from(other.remains()).length, 1)
  assert.deepEqual([one.memory.bytes, other.memory.bytes, broker.bytes], [0, 0, 0])
})

test('a Session that changes hands takes its charges along', () => {
  const { session, user, broker } = sessionOf()
  deliver(session, 'a', 1)
  const { bytes } = broker
  const other = new MemoryAccount('user', 'other', 0, broker)
  session.memory.moveTo(other)
  assert.deepEqual([user.bytes, other.bytes, broker.bytes], [0, session.memory.bytes, bytes])
})

test('what expired in the queue is not sent, and counted [5.0 MQTT-3.3.2-5]', () => {
  const { session, told, side } = sessionOf()
  deliver(session, 'short', 1, { properties: { messageExpiryInterval: 1 } })
  deliver(session, 'long', 1, { properties: { messageExpiryInterval: 100 } })
  side.nowMs = 1000
  const wire = new Wire()
  session.connect(wire, 10)
  assert.deepEqual([wire.sent, told], [['long'], ['short: expired']])
})

test('a message above the Maximum Packet Size counts as delivered, and the others go on [5.0 MQTT-3.1.2-25]', () => {
  const { session, told } = sessionOf()
  const wire = Object.assign(new Wire(), { maximumSize: 20 })
  session.connect(wire, 1)
  for (const qos of [0, 1, 2] as const) deliver(session, `large${qos}`, qos, { payload: Buffer.alloc(30) })
  deliver(session, 'small', 1)
  assert.deepEqual(wire.sent, ['small'])
  assert.deepEqual(
    told,
    [0, 1, 2].map((qos) => `large${qos}: packet too large`),
  )
})

test('a congested Connection: QoS 0 is dropped, QoS 1 and 2 wait until it flows', () => {
  const { session, told } = sessionOf()
  const wire = new Wire()
  session.connect(wire, 10)
  wire.congested = true
  deliver(session, 'a', 0)
  deliver(session, 'b', 1)
  assert.deepEqual([wire.sent, told], [[], ['a: output full']])
  wire.congested = false
  session.flow()
  assert.deepEqual(wire.sent, ['b'])
})

test('a resumed Session: unfinished messages first, in order and with DUP, then PUBREL, then the queue [5.0 MQTT-4.4.0-1] [3.1.1 MQTT-4.4.0-1]', () => {
  const { session } = sessionOf()
  const first = new Wire()
  session.connect(first, 10)
  for (const [name, qos] of [
    ['a', 1],
    ['b', 2],
    ['c', 2],
    ['d', 1],
  ] as const)
    deliver(session, name, qos)
  const identifiers = first.open.map(({ packetIdentifier }) => packetIdentifier)
  assert.equal(session.pubrec(identifiers[1]!, 0), ReasonCode.Success)
  session.puback(identifiers[3]!, 0)
  session.disconnect()
  deliver(session, 'e', 1)
  const second = new Wire()
  session.connect(second, 10)
  assert.deepEqual(second.sent, ['a!', 'release b', 'c!', 'e'])
  assert.deepEqual(
    second.open.slice(0, 3).map(({ packetIdentifier }) => packetIdentifier),
    identifiers.slice(0, 3),
  )
})

test('a resumed Session keeps the new Receive Maximum: what it still owes waits for acknowledgements, in order', () => {
  const { session } = sessionOf()
  session.connect(new Wire(), 10)
  for (const name of ['a', 'b', 'c']) deliver(session, name, 1)
  session.disconnect()
  const wire = new Wire()
  session.connect(wire, 1)
  deliver(session, 'd', 1)
  assert.deepEqual(wire.sent, ['a!'])
  for (let at = 0; at < 3; at++) session.puback(wire.open[at]!.packetIdentifier, 0)
  assert.deepEqual(wire.sent, ['a!', 'b!', 'c!', 'd'])
})

test("acknowledgements that fit nothing are nobody's loss", () => {
  const { session } = sessionOf()
  const wire = new Wire()
  session.connect(wire, 10)
  deliver(session, 'a', 1)
  deliver(session, 'b', 2)
  const [one, two] = wire.open.map(({ packetIdentifier }) => packetIdentifier)
  session.puback(two!, 0)
  session.pubcomp(one!)
  session.pubcomp(two!)
  session.puback(999, 0)
  assert.equal(session.inflightMessages, 2)
  assert.equal(session.pubrec(one!, 0), ReasonCode.PacketIdentifierNotFound)
  assert.equal(session.pubrec(999, 0), ReasonCode.PacketIdentifierNotFound)
  assert.equal(session.pubrec(999, 0x80), undefined)
})

test('a refusal by PUBACK or PUBREC ends the delivery, and is counted [5.0 MQTT-4.4.0-2]', () => {
  const { session, told } = sessionOf()
  const wire = new Wire()
  session.connect(wire, 2)
  for (const [name, qos] of [
    ['a', 1],
    ['b', 2],
    ['c', 1],
  ] as const)
    deliver(session, name, qos)
  session.puback(wire.open[0]!.packetIdentifier, 0x87)
  assert.equal(session.pubrec(wire.open[1]!.packetIdentifier, 0x97), undefined)
  assert.deepEqual(told, ['a: refused by client', 'b: refused by client'])
  assert.deepEqual(wire.sent, ['a', 'b', 'c'])
})

test('a repeated PUBREC gets its PUBREL again', () => {
  const { session } = sessionOf()
  const wire = new Wire()
  session.connect(wire, 10)
  deliver(session, 'a', 2)
  const [{ packetIdentifier }] = wire.open as [Delivery]
  assert.equal(session.pubrec(packetIdentifier, 0), 0)
  assert.equal(session.pubrec(packetIdentifier, 0), 0)
  session.pubcomp(packetIdentifier)
  assert.equal(session.inflightMessages, 0)
})

/** `a` to `c` are sent, `d` to `f` wait. */
function holder(): Session {
  const { session } = sessionOf()
  const shared = { topicFilter: '$share/g/#' }
  session.connect(new Wire(), 3)
  for (const [name, qos, origin] of [
    ['a', 1, shared],
    ['b', 2, shared],
    ['c', 1, undefined],
    ['d', 1, shared],
    ['e', 1, undefined],
    ['f', 1, { topicFilter: '$share/other/#' }],
  ] as const) {
    session.deliver(messageOf({ topicName: name, qos }), ANY, origin)
  }
  return session
}

test('what waits in a Session for a Shared Subscription can be taken, a few looks at a time; what was sent stays', () => {
  const session = holder()
  const sweep = { lookedUpTo: 0, isWanted: ({ shared }: Delivery) => shared?.topicFilter === '$share/g/#' }
  const looks = [1, 1, 1, 1].map(() => session.takeShared(sweep, 1))
  assert.deepEqual(
    looks.map(({ taken, isDone }) => [...taken.map(({ message }) => message.topicName), isDone]),
    [['d', false], [false], [false], [true]],
  )
  assert.deepEqual(
    [...session.deliveries()].map(({ message }) => message.topicName),
    ['a', 'b', 'c', 'e', 'f'],
  )
})

test('an ended Session gives up all that it holds, one after the other: first what was sent', () => {
  const session = holder()
  session.end()
  const remains = session.remains()
  assert.equal(remains.next().value?.message.topicName, 'a')
  assert.deepEqual([session.inflightMessages, session.queuedMessages, session.holdsShared], [2, 3, true])
  assert.deepEqual(
    Array.from(remains, ({ message }) => message.topicName),
    ['b', 'c', 'd', 'e', 'f'],
  )
  assert.deepEqual([session.isEmpty, session.holdsShared, session.memory.bytes], [true, false, 0])
})

test('an ended Session is charged for nothing as soon as its last delivery is taken, also if it once had more in flight', () => {
  for (const acknowledged of [0, 20, 39]) {
    const { session } = sessionOf()
    const wire = new Wire()
    session.connect(wire, 100)
    for (let at = 0; at < 40; at++) deliver(session, 'a', 1)
    for (const { packetIdentifier } of wire.open.slice(0, acknowledged)) session.puback(packetIdentifier, 0)
    session.end()
    const remains = session.remains()
    for (let left = 40 - acknowledged; left > 0; left--) remains.next()
    assert.deepEqual([session.isEmpty, session.memory.bytes], [true, 0])
  }
  const { session } = sessionOf()
  const wire = new Wire()
  session.connect(wire, 100)
  for (let at = 0; at < 40; at++) deliver(session, 'a', 1)
  for (const { packetIdentifier } of [...wire.open]) session.puback(packetIdentifier, 0)
  session.end()
  assert.deepEqual([session.isEmpty, session.memory.bytes], [true, 0])
})

test('a ledger hears of everything that must survive, in order', () => {
  const heard: string[] = []
  const hear =
    (what: string) =>
    (_session: Session, of: Delivery | number): void =>
      void heard.push(`${what} ${typeof of === 'number' ? of : of.message.topicName}`)
  const ledger: SessionLedger<Session> = {
    refuses: () => false,
    refused: () => {},
    queued: hear('queued'),
    sent: hear('sent'),
    released: hear('released'),
    done: hear('done'),
    received: hear('received'),
    receivedDone: hear('received-done'),
  }
  const { session } = sessionOf()
  session.ledger = ledger
  const wire = new Wire()
  session.connect(wire, 10)
  deliver(session, 'zero', 0)
  deliver(session, 'a', 2)
  const [{ packetIdentifier }] = wire.open as [Delivery]
  session.pubrec(packetIdentifier, 0)
  session.pubrec(packetIdentifier, 0)
  session.pubcomp(packetIdentifier)
  session.addReceived(5)
  session.addReceived(5)
  session.releaseReceived(5)
  session.releaseReceived(5)
  assert.deepEqual(heard, ['queued a', 'sent a', 'released a', 'done a', 'received 5', 'received-done 5'])
})

test('what a Store gave back goes on where it was', () => {
  const before = sessionOf().session
  const wire = new Wire()
  before.connect(wire, 2)
  for (const [name, qos] of [
    ['a', 1],
    ['b', 2],
    ['c', 1],
  ] as const)
    deliver(before, name, qos)
  before.pubrec(wire.open[1]!.packetIdentifier, 0)

  const { session } = sessionOf()
  for (const delivery of before.deliveries()) session.restore(delivery)
  const second = new Wire()
  session.connect(second, 10)
  assert.deepEqual(second.sent, ['a!', 'release b', 'c'])
  deliver(session, 'd', 1)
  const identifiers = second.open.map(({ packetIdentifier }) => packetIdentifier)
  assert.equal(new Set(identifiers).size, 4)
})

/** Whatever happens: QoS 1 at least once, QoS 2 exactly once, in order, and never more open than the Client allows. */
test('window and queue keep every promise under any order of events', () => {
  const event = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(1 as const, 2 as const).map((qos) => ({ deliver: qos })) },
    { weight: 5, arbitrary: fc.nat().map((at) => ({ acknowledge: at })) },
    { weight: 1, arbitrary: fc.constant('acknowledge late' as const) },
    { weight: 1, arbitrary: fc.constant('disconnect' as const) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 5 }).map((receiveMaximum) => ({ connect: receiveMaximum })) },
    { weight: 1, arbitrary: fc.boolean().map((congested) => ({ congested })) },
  )
  fc.assert(
    fc.property(fc.array(event, { minLength: 20, maxLength: 150 }), (events) => {
      const world = new ModelledSession()
      for (const one of events) {
        if (one === 'disconnect') world.disconnect()
        else if (one === 'acknowledge late') world.acknowledgeLate()
        else if ('deliver' in one) world.deliver(one.deliver)
        else if ('acknowledge' in one) world.acknowledge(one.acknowledge)
        else if ('connect' in one) world.connect(one.connect)
        else world.congest(one.congested)
        world.check()
      }
      world.finish()
    }),
    { numRuns: 1000 },
  )
})

const MAX_QUEUED = 6
const MAX_CONNECTED = MAX_QUEUED * 2

class ModelledSession {
  readonly session: Session
  readonly accepted: string[] = []
  /** First sendings, and QoS 2 messages whose Client has seen them. */
  readonly firstSent: string[] = []
  readonly seen = new Map<string, number>()
  #wire: Wire | undefined
  #receiveMaximum = 0
  #unread = 0
  #count = 0
  readonly #told: string[]
  readonly #side: SessionSide<Session>

  constructor() {
    const { session, told, side } = sessionOf({
      maxQueuedMessages: MAX_QUEUED,
      maxQueuedMessagesConnected: MAX_CONNECTED,
    })
    this.session = session
    this.#side = side
    this.#told = told
  }

  deliver(qos: 1 | 2): void {
    const name = `${++this.#count}/${qos}`
    const drops = this.#told.length
    deliver(this.session, name, qos)
    if (this.#told.length === drops) this.accepted.push(name)
    else {
      const most = this.#wire === undefined ? MAX_QUEUED : MAX_CONNECTED
      assert.ok(this.session.queuedMessages >= most, 'dropped though there was room')
    }
  }

  connect(receiveMaximum: number): void {
    this.disconnect()
    this.#wire = new Wire()
    this.#receiveMaximum = receiveMaximum
    this.#unread = 0
    this.session.connect(this.#wire, receiveMaximum)
  }

  disconnect(): void {
    this.session.disconnect()
    this.#wire = undefined
  }

  congest(congested: boolean): void {
    if (this.#wire === undefined) return
    this.#wire.congested = congested
    if (!congested) this.session.flow()
  }

  /** The Client answers one of the packets that it has not finished yet. */
  acknowledge(at: number): void {
    const open = this.#wire?.open ?? []
    if (open.length === 0) return
    const delivery = open[at % open.length]!
    const identifier = delivery.packetIdentifier
    if (delivery.qos === 2 && delivery.state !== DeliveryState.Released) {
      assert.equal(this.session.pubrec(identifier, 0), 0)
      return
    }
    open.splice(open.indexOf(delivery), 1)
    if (delivery.qos === 1) this.session.puback(identifier, 0)
    else this.session.pubcomp(identifier)
  }

  /** The Client answers what it got on an earlier Connection, before it gets it again. */
  acknowledgeLate(): void {
    if (this.#wire === undefined) return
    for (const delivery of this.session.deliveries()) {
      if (delivery.qos !== 1 || delivery.state !== DeliveryState.Sent || this.#wire.open.includes(delivery)) continue
      this.session.puback(delivery.packetIdentifier, 0)
      return
    }
  }

  check(): void {
    assert.ok(this.session.queuedMessages <= MAX_CONNECTED)
    const wire = this.#wire
    if (wire === undefined) return
    const published = wire.open.filter(({ isOpen }) => isOpen)
    assert.ok(published.length <= this.#receiveMaximum, 'more open than the Client allows')
    for (; this.#unread < wire.sent.length; this.#unread++) this.#read(wire.sent[this.#unread]!)
  }

  #read(line: string): void {
    if (line.startsWith('release ')) {
      const name = line.slice('release '.length)
      assert.ok(this.seen.has(name), 'PUBREL for what was never sent')
      this.seen.set(name, -1)
    } else if (line.endsWith('!')) {
      const name = line.slice(0, -1)
      assert.notEqual(this.seen.get(name), -1, 'PUBLISH sent again after its PUBREC')
      assert.ok(this.seen.has(name), 'DUP on a first sending')
    } else {
      assert.ok(!this.seen.has(line), 'sent again without DUP')
      this.seen.set(line, 0)
      this.firstSent.push(line)
    }
  }

  finish(): void {
    this.connect(100)
    this.check()
    for (let rounds = 0; this.#wire!.open.length > 0; rounds++) {
      assert.ok(rounds < 10_000, 'acknowledgements without end')
      this.acknowledge(0)
      this.check()
    }
    assert.deepEqual(this.firstSent, this.accepted)
    assert.deepEqual([this.session.inflightMessages, this.session.queuedMessages, this.session.queuedBytes], [0, 0, 0])
    assert.deepEqual(this.#side.gauges, { queuedMessages: 0, queuedBytes: 0, inflightOut: 0, inflightIn: 0 })
  }
}

test('a Session has the Subscriptions that a Map would have, and is charged for them, however many there are', () => {
  const step = fc.record({
    topicFilter: fc.constantFrom('a', 'b/#', '+/c'),
    isAdded: fc.boolean(),
    retainHandling: fc.constantFrom(0, 1, 2),
  })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const { session } = sessionOf()
      const model = new Map<string, Subscription>()
      const empty = session.memory.bytes
      for (const { topicFilter, isAdded, retainHandling } of steps) {
        const subscription = subscriptionOf(session, { ...ANY, topicFilter, retainHandling })
        if (isAdded) session.subscribe(subscription)
        else session.unsubscribe(topicFilter)
        if (isAdded) model.set(topicFilter, subscription)
        else model.delete(topicFilter)
        assert.deepEqual([...session.subscriptions.keys()], [...model.keys()])
        for (const [key, value] of model) assert.equal(session.subscriptions.get(key), value)
        assert.equal(session.subscriptions.size, model.size)
      }
      const charged = [...model.keys()].reduce((sum, topicFilter) => sum + sizeOfSubscription(topicFilter), 0)
      assert.equal(session.memory.bytes, empty + charged)
    }),
  )
})
