import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BackOff } from '../../../src/client/back-off.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { ClientEnd } from '../../support/client-end.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

const BACK_OFF = { firstMs: 1000, longestMs: 8000 }

function stored(broker: VirtualBroker, clientId: string): ClientEnd {
  const properties = { sessionExpiryInterval: 3600 }
  return ClientEnd.of(broker, { clientId, cleanStart: false, properties, backOff: BACK_OFF })
}

test('waits double up to their limit, and half of each is random', () => {
  const shortest = new BackOff(BACK_OFF, () => 0)
  const longest = new BackOff(BACK_OFF, () => 1)
  const five = [1, 2, 3, 4, 5]
  assert.deepEqual(
    five.map(() => shortest.next()),
    [500, 1000, 2000, 4000, 4000],
  )
  assert.deepEqual(
    five.map(() => longest.next()),
    [1000, 2000, 4000, 8000, 8000],
  )
})

test('only a connection that lasted resets the wait', () => {
  const backOff = new BackOff(BACK_OFF, () => 1)
  backOff.next()
  backOff.lasted(7999)
  assert.equal(backOff.next(), 2000)
  backOff.lasted(8000)
  assert.equal(backOff.next(), 1000)
})

test('addresses are tried in turn', () => {
  const end = new ClientEnd(ClientEnd.scripted().clock, { backOff: BACK_OFF, addresses: 2 }, (attempt) =>
    attempt.failed(new Error('connect ECONNREFUSED')),
  )
  end.client.start()
  for (let attempt = 1; attempt < 4; attempt++) end.advance(8000)
  assert.deepEqual(end.addresses.slice(0, 4), [0, 1, 0, 1])
  assert.equal(end.errors[0]!.code, 'ERR_CLIENT_UNREACHABLE')
  assert.equal(end.errors[0]!.message, 'connect ECONNREFUSED')
})

test('without a back-off, the client ends with its first attempt', () => {
  const end = new ClientEnd(ClientEnd.scripted().clock, {}, (attempt) => attempt.failed(new Error('no')))
  end.client.start()
  assert.deepEqual(end.ends, [['ERR_CLIENT_UNREACHABLE', false]])
  assert.equal(end.client.state, 'ended')
})

test('an end while it waits stops the attempts', () => {
  const end = ClientEnd.scripted({ backOff: BACK_OFF })
  end.lose()
  assert.equal(end.client.state, 'waiting')
  end.client.end()
  end.advance(60_000)
  assert.deepEqual(end.addresses, [0])
  assert.deepEqual(end.ends.at(-1), [undefined, false])
})

test('unfinished messages are sent again with DUP and their identifiers, in their order [5.0 MQTT-4.4.0-1]', () => {
  const end = ClientEnd.scripted({ cleanStart: false, clientId: 'c', backOff: BACK_OFF })
  end.accept()
  end.publish('a', 'one', { qos: 1 })
  end.publish('a', 'two', { qos: 2 })
  end.publish('a', 'three', { qos: 2 })
  end.answer({ type: PacketType.PUBREC, packetIdentifier: 2, reasonCode: 0, properties: noProperties })
  end.lose()
  end.take()
  end.advance(1000)
  end.accept({ sessionPresent: true })
  assert.deepEqual(
    end
      .take()
      .map((packet) => [
        packet.type,
        'packetIdentifier' in packet && packet.packetIdentifier,
        'dup' in packet && packet.dup,
      ]),
    [
      [PacketType.CONNECT, false, false],
      [PacketType.PUBLISH, 1, true],
      [PacketType.PUBREL, 2, false],
      [PacketType.PUBLISH, 3, true],
    ],
  )
})

test('a server that lost the Session gets unfinished messages as new ones, and none that it had taken over', () => {
  const end = ClientEnd.scripted({ cleanStart: false, clientId: 'c', backOff: BACK_OFF })
  end.accept()
  end.publish('a', 'one', { qos: 1 })
  end.publish('a', 'two', { qos: 2 })
  end.answer({ type: PacketType.PUBREC, packetIdentifier: 2, reasonCode: 0, properties: noProperties })
  end.lose()
  end.take()
  end.advance(1000)
  end.accept()
  assert.deepEqual(
    end.take().map((packet) => [packet.type, 'dup' in packet && packet.dup]),
    [
      [PacketType.CONNECT, false],
      [PacketType.PUBLISH, false],
    ],
  )
  assert.deepEqual(end.acknowledgements, [['two', 0]])
})

test('a connection that is cut in every phase of QoS 2 delivers exactly once, both ways', async () => {
  // The cut comes after so many bytes of either direction, from the first of the exchange to beyond its last.
  for (let cutAfter = 0; cutAfter < 60; cutAfter += 3) {
    const broker = await VirtualBroker.start({ 'max-session-expiry': 3600 })
    const receiver = stored(broker, 'receiver')
    receiver.subscribe('a', 2)
    receiver.run()
    const sender = stored(broker, 'sender')
    for (const end of [sender, receiver]) end.link!.conditions.pieceBytes = 1
    const before = [sender.link!.movedBytes, receiver.link!.movedBytes]
    sender.client.publish('a', Buffer.from('x'), { qos: 2 })
    for (let turn = 0; turn < 500; turn++) {
      for (const [index, end] of [sender, receiver].entries()) {
        if (end.client.state === 'connected' && end.link!.movedBytes - before[index]! >= cutAfter) {
          before[index] = Infinity
          end.link!.reset()
        }
      }
      broker.clock.runTurn()
    }
    broker.advance(20_000)
    assert.deepEqual(receiver.payloads, ['x'], `cut after ${cutAfter} bytes`)
    assert.deepEqual(sender.acknowledgements, [['x', 0]])
    assert.equal(sender.client.pending, 0)
    await broker.close()
  }
})

test('a subscriber gets what came while it was away', async () => {
  const broker = await VirtualBroker.start()
  const receiver = stored(broker, 'receiver')
  receiver.subscribe('a', 1)
  receiver.run()
  receiver.link!.reset()
  receiver.run()
  const sender = ClientEnd.of(broker, { clientId: 'sender' })
  sender.publish('a', 'missed', { qos: 1 })
  assert.deepEqual(receiver.payloads, [])
  broker.advance(1000)
  assert.deepEqual(receiver.payloads, ['missed'])
  assert.equal(receiver.connacks[1]!.sessionPresent, true)
  await broker.close()
})

test('ten thousand messages wait for a connection and leave in order, within the window', async () => {
  const broker = await VirtualBroker.start()
  const receiver = ClientEnd.of(broker, { clientId: 'receiver' })
  receiver.subscribe('a', 1)
  receiver.run()
  const sender = stored(broker, 'sender')
  sender.link!.reset()
  sender.run()
  const payloads = Array.from({ length: 10_000 }, (_, number) => `${number}`)
  for (const payload of payloads) sender.client.publish('a', Buffer.from(payload), { qos: 1 })
  assert.equal(sender.client.pending, 10_000)
  broker.advance(1000)
  assert.equal(sender.client.pending, 0)
  assert.deepEqual(receiver.payloads, payloads)
  await broker.close()
})
