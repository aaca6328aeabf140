/**
 * The fuzzer itself: it decides by its seed alone, its oracles see what is wrong, and what it once found stays mended.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodePacket } from '../../../src/codec/encode.ts'
import { type Packet } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { resolveOptions } from '../../../src/config/options.ts'
import { Author } from '../../fuzz/author.ts'
import { costOf, excess } from '../../fuzz/cost.ts'
import { checkDecoding } from '../../fuzz/decoding.ts'
import { denseBytes } from '../../fuzz/dense.ts'
import { FuzzClient, type Surroundings } from '../../fuzz/fuzz-client.ts'
import { Recording } from '../../fuzz/recording.ts'
import { replay } from '../../fuzz/replay.ts'
import { replaySteps, shrink } from '../../fuzz/shrink.ts'
import { parseStep, printStep, type Step } from '../../fuzz/step.ts'
import { World } from '../../fuzz/world.ts'
import { SeededRandom } from '../../../src/testing/random.ts'

async function episodeOf(seed: number): Promise<readonly Step[]> {
  const recording = new Recording(new World(seed))
  await new Author(seed, recording).episode(100)
  return recording.steps
}

test('a seed decides everything, in every kind of world, and steps replay as text', async () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const steps = await episodeOf(seed)
    const lines = steps.map((step) => printStep(step))
    assert.deepEqual(
      (await episodeOf(seed)).map((step) => printStep(step)),
      lines,
    )
    const parsed = lines.map((line) => parseStep(line))
    assert.deepEqual(
      parsed.map((step) => printStep(step)),
      lines,
    )
    assert.equal(await replaySteps(seed, parsed), undefined)
  }
})

/** What a Client that sent these packets finds wrong with these answers; 7 is what it left in flight the last time. */
function problemOf(sent: readonly Packet[], answers: readonly Packet[]): string | undefined {
  const problems: string[] = []
  const world: Surroundings = {
    options: resolveOptions({}),
    now: () => 0,
    fail: (problem) => problems.push(problem),
    topicFiltersOf: () => new Set(['#']),
    published: () => {},
    wasPublished: (topicName) => topicName !== 'never said',
    leftInFlight: () => new Set([7]),
    leaveInFlight: () => {},
    hasRival: () => false,
  }
  const client = new FuzzClient('client', world)
  for (const packet of sent) client.send(encodePacket(packet, 5))
  for (const packet of answers) client.write(encodePacket(packet, 5))
  client.checkSettled()
  return problems[0]
}

const properties = {}
const connect: Packet = {
  type: PacketType.CONNECT,
  protocolVersion: 5,
  cleanStart: true,
  keepAlive: 0,
  clientId: 'c',
  properties: { receiveMaximum: 1, maximumPacketSize: 40 },
}
const resume: Packet = { ...connect, cleanStart: false }
const connack: Packet = { type: PacketType.CONNACK, sessionPresent: false, reasonCode: 0, properties }
const pingreq: Packet = { type: PacketType.PINGREQ }
const pingresp: Packet = { type: PacketType.PINGRESP }
const disconnect: Packet = { type: PacketType.DISCONNECT, reasonCode: 0, properties }
const subscribe: Packet = {
  type: PacketType.SUBSCRIBE,
  packetIdentifier: 1,
  subscriptions: [{ topicFilter: '#', qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  properties,
}
const suback = (packetIdentifier: number, reasonCodes: readonly number[]): Packet => ({
  type: PacketType.SUBACK,
  packetIdentifier,
  reasonCodes,
  properties,
})
const publish = (fields: Partial<Extract<Packet, { type: typeof PacketType.PUBLISH }>> = {}): Packet => {
  const qos0 = { dup: false, qos: 0, retain: false, topicName: 'a', packetIdentifier: 0 } as const
  return { type: PacketType.PUBLISH, ...qos0, properties, payload: new Uint8Array(0), ...fields }
}
const opened = [connect, subscribe]
const greeted = [connack, suback(1, [0])]

test('a Client finds nothing wrong with what the standard allows', () => {
  assert.equal(problemOf([...opened, pingreq], [...greeted, pingresp, publish()]), undefined)
  assert.equal(problemOf(opened, [...greeted, publish({ qos: 1, packetIdentifier: 1 })]), undefined)
})

const wrong: readonly (readonly [
  what: string,
  sent: readonly Packet[],
  answers: readonly Packet[],
  problem: RegExp,
])[] = [
  ['an answer before CONNECT', [], [pingresp], /before CONNECT/],
  ['an answer before CONNACK', [connect, pingreq], [pingresp], /PINGRESP before CONNACK/],
  ['a second CONNACK', [connect], [connack, connack], /second CONNACK/],
  ['Session Present after Clean Start', [connect], [{ ...connack, sessionPresent: true } as Packet], /Session Present/],
  ['an answer that nobody asked for', [connect], [connack, pingresp], /nobody asked for/],
  ['an answer to another request', opened, [connack, suback(2, [0])], /SUBACK 2 .* where SUBACK 1/],
  ['an answer with too many codes', opened, [connack, suback(1, [0, 0])], /with 2 codes/],
  ['something behind DISCONNECT', [...opened, pingreq], [...greeted, disconnect, pingresp], /behind DISCONNECT/],
  ['a message that was not asked for', [connect], [connack, publish()], /not subscribed/],
  ['a message that was never sent', opened, [...greeted, publish({ topicName: 'never said' })], /nobody published/],
  ['a packet that is too large', opened, [...greeted, publish({ payload: new Uint8Array(50) })], /takes 40/],
  ['an alias that is not allowed', opened, [...greeted, publish({ properties: { topicAlias: 1 } })], /Topic Alias 1/],
  [
    'more messages than Receive Maximum',
    opened,
    [...greeted, publish({ qos: 1, packetIdentifier: 1 }), publish({ qos: 1, packetIdentifier: 2 })],
    /Receive Maximum is 1/,
  ],
  [
    'what is sent again and does not say so',
    [resume, subscribe],
    [{ ...connack, sessionPresent: true } as Packet, suback(1, [0]), publish({ qos: 1, packetIdentifier: 7 })],
    /DUP 0 though 7 is sent again/,
  ],
  [
    'what is new and says that it is sent again',
    opened,
    [...greeted, publish({ dup: true, qos: 1, packetIdentifier: 7 })],
    /DUP 1 at the first sending/,
  ],
  ['a packet that only a Client sends', [connect], [connack, subscribe], /no packet of a Server/],
  ['an answer that is missing', [connect, pingreq], [connack], /1 PINGRESP are missing/],
  ['a Connection that stays open after DISCONNECT', [connect, disconnect], [connack], /still open/],
]

for (const [what, sent, answers, problem] of wrong) {
  test(`a Client sees ${what}`, () => assert.match(problemOf(sent, answers) ?? 'nothing', problem))
}

/** 12,000 User Properties of five bytes, in a packet of each kind that may come from a Client. */
const hungry: readonly Packet[] = [PacketType.CONNECT, PacketType.PUBLISH, PacketType.PUBACK, PacketType.SUBSCRIBE].map(
  (type) => {
    const userProperties = Array.from({ length: 12_000 }, () => ['', ''] as const)
    const all = { ...connect, ...subscribe, reasonCode: 0, topicName: 'a/b', payload: Buffer.from('x'), retain: true }
    return { ...all, type, properties: { userProperties } } as Packet
  },
)

test('what a list of User Properties costs is in proportion to its bytes', async () => {
  for (const packet of hungry) assert.equal(excess(await costOf(5, encodePacket(packet, 5))), undefined)
})

test('a broker that makes an object of each property is found by what that costs', async () => {
  for (const packet of hungry) {
    // It does so where a listener asks for every packet, as it once did everywhere.
    const cost = await costOf(5, encodePacket(packet, 5), {}, true)
    assert.match(excess(cost) ?? 'nothing', /^60\d\d\d bytes cost \d+ bytes of memory, more than \d+: 1 packets/)
  }
})

test('work out of proportion is found, too', () => {
  const cost = { bytes: 100, work: 0, memory: 0, packets: 1, filters: 1, sent: 1 }
  assert.equal(excess({ ...cost, work: 650 }), undefined)
  assert.match(excess({ ...cost, work: 700 }) ?? '', /^100 bytes cost 700 units of work, more than 676/)
})

test('dense bytes are decided by their seed, and are measured in a world', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const dense = denseBytes(new SeededRandom(seed))
    assert.deepEqual(denseBytes(new SeededRandom(seed)), dense)
    assert.equal(await replaySteps(1, [{ do: 'cost', ...dense }]), undefined)
  }
})

test('a failure is made as short as it can be, from its last episode if that is enough', async () => {
  const turns = (count: number): Step[] => Array.from({ length: count }, () => ({ do: 'turn' }))
  const open: Step = { do: 'open', slot: 0, address: 1 }
  const wait: Step = { do: 'wait', milliseconds: 5 }
  const end: Step = { do: 'end' }
  const needs = (...needed: Step[]) => {
    return (some: readonly Step[]) => Promise.resolve(needed.every((step) => some.includes(step)))
  }
  const steps = [...turns(30), open, end, ...turns(30), wait, ...turns(30), end]
  assert.deepEqual(await shrink(steps, needs(wait), 10_000), [wait])
  assert.deepEqual(await shrink(steps, needs(open, wait), 10_000), [open, wait])
  assert.deepEqual(await shrink(steps, () => Promise.resolve(false), 10_000), steps)
})

test('the decoder alone reads the same however the bytes are cut', () => {
  const bytes = Buffer.concat([connect, pingreq, publish()].map((packet) => encodePacket(packet, 5)))
  assert.deepEqual(checkDecoding(bytes, 5, 'client'), { packets: 3, problem: undefined })
  assert.equal(checkDecoding(bytes.subarray(0, -1), 5, 'client').packets, 2)
})

test('what comes in the middle of an AUTH exchange has no code that CONNACK lacks', () =>
  replay(`
    world 3966987260
    open 1 133
    send 1 102a00044d51545405c200010e15000466757a7a1600022394190000000008736c6f772073616d0003c70c6d
    send 1 34090000000403230000606202000362020003a20e0007000001230003612f23002161c040
    end
  `))

test('PUBLISH packets of QoS 1 count against Receive Maximum as well while their answers wait for the Store', () =>
  replay(`
    world 3344456756
    open 2 164
    send 2 101a00
    send 2 044d515454050200000d11ffffffff22000127000007d00000
    send 2 a209000600000424612f23302a00012f1202000003e803000474657874080003612f62d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d36202000c3036000162003636363636363636363636363636
    send 2 363636363636363636363636363636363636363636363636363636363636363636363636821b000500000f2473686172652f682f736c6f772f2b210003612f2b05321a0001620005001b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b323c0005612f622f63000b00bfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbf352a0018612f612f612f612f612f612f612f612f612f612f612f612f46ce032300012c2c2c2c2c2c2c2c2c2c
    send 2 326a00012f000c00cbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcbcb820700040000012b12820700080000012f11340900016256c703230005
    send 2 5002000b320c0006245359532f61d982007d320b
    send 2 0001620009007e7e7e7e7e820b00050000012f2100012b12
    turn
    commit
    send 2 300a0005612f622f63001d1d3b140006245359532f610003080101090003677b9d00341f0018612f612f612f612f612f612f
    send 2 612f612f612f
    send 2 612f612f61
    send 2 2f0001001919
    commit
    send 2 350c0005612f622f63000c003f3f351c000864656e6965642f61000a0d260001610001622600016100001111a21400080000012f000c2473686172652f672f612f23331a00016118a500b0b0b0b0b0b0b0b0b0b0
    send 2 b0b0b0b0b0b0b0b0
    send 2 b0b0
    end
  `))
