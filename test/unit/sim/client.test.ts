import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { Link } from '../../../src/testing/link.ts'
import { SimulatedClient, type ClientSide } from '../../sim/client.ts'
import { Wire, type WireEar } from '../../sim/wire.ts'

const EAR: WireEar = { handed() {}, written() {}, garbled() {}, entering() {} }
const BROKER = { isConnected: false, receive() {}, drained() {}, lost() {} }

/** A Client whose Connections all lead to a broker that says nothing. */
function lonely(): { readonly client: SimulatedClient; readonly clock: VirtualClock; readonly wires: Wire[] } {
  const clock = new VirtualClock()
  const wires: Wire[] = []
  const side: ClientSide = {
    receiveMaximum: 10,
    topicAliasMaximum: 0,
    now: () => clock.now(),
    after: (milliseconds, run) => void clock.setTimer(milliseconds, run),
    open(client, name) {
      const wire = new Wire(new Link(clock, client), name, false, EAR, () => clock.now())
      wire.start(() => BROKER)
      wires.push(wire)
      return wire
    },
    applied() {},
    note() {},
  }
  return { client: new SimulatedClient(1, 1, side), clock, wires }
}

test('A Client that comes twice reads its second Connection only', () => {
  const { client, wires } = lonely()
  client.connect()
  client.connect()
  assert.deepEqual(
    wires.map(({ facts }) => facts.isAbandoned),
    [true, false],
  )
})

test('A Client that gives a silent link up reads nothing of it, though the broker cannot know', () => {
  const { client, clock, wires } = lonely()
  client.connect()
  wires[0]!.link.silence()
  clock.advance(8000)
  assert.ok(!wires[0]!.link.isOver)
  assert.ok(wires[0]!.facts.isAbandoned)
})
