/** What keeps no rule, and what keeps all of them a million times. @module */
import type { Packet } from '../../../src/codec/packets.ts'
import type { SeededRandom } from '../../../src/testing/random.ts'
import { mutate } from '../../fuzz/mutate.ts'
import {
  publishPacket as somePublish,
  subscribePacket as someSubscribe,
  connectPacket as someConnect,
} from '../../fuzz/packets.ts'
import { encodePacket } from '../../../src/codec/encode.ts'
import { acknowledgement, bytesOf, PINGREQ, publishPacket } from '../packets.ts'
import type { Plan, Shape } from '../shape.ts'
import { connect } from 'node:net'
import { DOORS } from '../wire.ts'
import { numbered } from './support.ts'

const VERSIONS = [3, 4, 5] as const

function garbage(random: SeededRandom): Plan {
  const atOnce = random.between(5, 50)
  const wild = random.next()
  return {
    parameters: `${atOnce} at a time, ${(wild * 100).toFixed(0)} % of the packets damaged`,
    async attack(attack) {
      const one = async (): Promise<void> => {
        const draw = attack.random
        const version = draw.pick(VERSIONS)
        const door = draw.pick(DOORS)
        const peer = attack.open({ door, version })
        const packets = [
          someConnect(draw, version),
          someSubscribe(draw, version),
          somePublish(draw, version, true),
          somePublish(draw, version, false),
        ]
        const whole = packets.map((packet) => Buffer.from(encodePacket(packet as Packet, version)))
        peer.write(
          Buffer.concat(whole.map((bytes) => (draw.chance(wild) ? mutate(bytes, draw.pick(whole), draw) : bytes))),
        )
        await attack.pause(draw.between(1, 60))
        peer.hangUp()
      }
      const rounds = await attack.again(() => Promise.all(Array.from({ length: atOnce }, one)))
      attack.note(`${rounds * atOnce} Connections`)
    },
  }
}

const FLOODS: Readonly<Record<string, (random: SeededRandom) => Buffer>> = {
  PINGREQ: () => bytesOf(...numbered(2000, String).map(() => PINGREQ)),
  'PUBACK for nothing': () => bytesOf(...numbered(2000, String).map((_, at) => acknowledgement(4, at + 1))),
  'PUBREC for nothing': () => bytesOf(...numbered(2000, String).map((_, at) => acknowledgement(5, at + 1))),
  'PUBREL for nothing': () => bytesOf(...numbered(2000, String).map((_, at) => acknowledgement(6, at + 1))),
  'empty PUBLISH': () => bytesOf(...numbered(2000, String).map(() => publishPacket('m', ''))),
  'PUBLISH to many topics': (random) =>
    bytesOf(...numbered(2000, String).map(() => publishPacket(`m/${random.integer(1e9).toString(36)}`, 'x'))),
  'PUBLISH of QoS 1': () =>
    bytesOf(
      ...numbered(2000, String).map((_, at) => publishPacket('m/one', 'x', { qos: 1, packetIdentifier: at + 1 })),
    ),
}

function flood(random: SeededRandom): Plan {
  const kind = random.pick(Object.keys(FLOODS))
  const clients = random.between(1, 20)
  const reads = random.chance(0.5)
  return {
    parameters: `${kind} from ${clients} Clients that ${reads ? 'read' : 'do not read'} the answers`,
    async attack(attack) {
      const peers = await attack.connectAll(clients, (at) => attack.connect(`m-flood-${at}`, { protocolVersion: 4 }))
      if (!reads) for (const peer of peers) peer.freeze()
      const bytes = FLOODS[kind]!(attack.random)
      let chunks = 0
      const one = (peer: (typeof peers)[number]): Promise<unknown> =>
        attack.again(() => {
          chunks++
          return peer.written(bytes)
        })
      await Promise.all(peers.map(one))
      attack.note(`${chunks * 2000} packets`)
    },
  }
}

/** Frames of WebSocket as nobody should send them, masked with zeros. */
function repeated(frame: string, count: number): Buffer {
  return Buffer.from(frame.repeat(count), 'hex')
}

const FRAMES: Readonly<Record<string, Buffer>> = {
  text: Buffer.from('8185000000006869686968', 'hex'),
  'one fragment without end': Buffer.concat([Buffer.from('02fe100000000000', 'hex'), Buffer.alloc(4096, 'f')]),
  'continuations without beginning': Buffer.from('80800000000000800000000000', 'hex'),
  pings: Buffer.concat(
    Array.from({ length: 500 }, () => Buffer.from('89fd00000000', 'hex')).map((head) =>
      Buffer.concat([head, Buffer.alloc(125)]),
    ),
  ),
  'a frame of 2^62 bytes': Buffer.from('82ff400000000000000000000000', 'hex'),
  'compressed though nobody asked': Buffer.from('c2850000000078da030000', 'hex'),
  unmasked: Buffer.from('820210000000', 'hex'),
  // A message of 1 byte that is followed by fragments of 1 byte, for ever; or by nothing but frames of 1 byte.
  'ten thousand fragments': Buffer.concat([Buffer.from('02810000000010', 'hex'), repeated('00810000000000', 9000)]),
  'ten thousand frames': repeated('828100000000c0', 9000),
  'ten thousand pings': repeated('898000000000', 10_000),
  'empty binary frames': Buffer.concat(Array.from({ length: 500 }, () => Buffer.from('828000000000', 'hex'))),
}

function webSockets(random: SeededRandom): Plan {
  const kind = random.pick(Object.keys(FRAMES))
  const atOnce = random.between(5, 60)
  return {
    parameters: `${kind}, ${atOnce} at a time`,
    async attack(attack) {
      const upgrade = Buffer.from(
        'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n',
      )
      const one = (): Promise<void> =>
        new Promise((resolve) => {
          const socket = connect({ host: '127.0.0.1', port: attack.ports.ws, localAddress: '127.0.0.2' })
          socket.on('error', () => undefined)
          socket.once('close', () => resolve())
          socket.write(upgrade)
          socket.once('data', () => {
            const timer = setInterval(() => void (socket.destroyed || socket.write(FRAMES[kind]!)), 5)
            socket.on('data', () => undefined)
            socket.once('close', () => clearInterval(timer))
          })
          setTimeout(() => socket.destroy(), 200)
        })
      const rounds = await attack.again(() => Promise.all(Array.from({ length: atOnce }, one)))
      attack.note(`${rounds * atOnce} Connections`)
    },
  }
}

const REQUESTS: Readonly<Record<string, string>> = {
  'plain requests': 'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  'long paths': `GET /${'p'.repeat(60_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  'many headers': `GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(10_000)}\r\n`,
  bodies: `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n${'b'.repeat(100_000)}`,
  'pipelined requests': 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2000),
}

function httpRequests(random: SeededRandom): Plan {
  const kind = random.pick(Object.keys(REQUESTS))
  const atOnce = random.between(5, 60)
  return {
    parameters: `${kind} at every door, ${atOnce} at a time`,
    async attack(attack) {
      const one = (): Promise<void> =>
        new Promise((resolve) => {
          const port = attack.ports[attack.random.pick(DOORS)]
          const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' })
          socket.on('error', () => undefined)
          socket.on('data', () => undefined)
          socket.once('close', () => resolve())
          socket.write(REQUESTS[kind]!)
          setTimeout(() => socket.destroy(), 100)
        })
      const rounds = await attack.again(() => Promise.all(Array.from({ length: atOnce }, one)))
      attack.note(`${rounds * atOnce} requests`)
    },
  }
}

export const noiseShapes: readonly Shape[] = [
  { name: 'garbage', tries: 'damaged packets at every door, before and after the log-in', plan: garbage },
  { name: 'flood', tries: 'small packets as fast as they go, and answers that nobody reads', plan: flood },
  { name: 'web-socket-frames', tries: 'frames that a WebSocket must not have', plan: webSockets },
  { name: 'http-requests', tries: 'HTTP where MQTT is expected', plan: httpRequests },
]
