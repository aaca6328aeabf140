/** Before anybody has logged in: silent, slow, broken and guessing Connections at every door. @module */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SeededRandom } from '../../../src/testing/random.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { bytesOf, connectBytes, connectPacket, publishPacket, subscribePacket } from '../packets.ts'
import type { Peer } from '../peer.ts'
import { HONEST, MALLORY } from '../posture.ts'
import type { Plan, Shape } from '../shape.ts'
import { connect } from 'node:net'
import { DOORS } from '../wire.ts'
import { loginBytes, megabytes, propertiesOf } from './support.ts'

/** A Connection below a door: nothing of TLS or WebSocket is spoken. */
function knock(
  port: number,
  from: string,
  bytes: Uint8Array,
): Promise<{ end(): void; write(bytes: Uint8Array): void }> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: from })
    const done = (): void =>
      resolve({ end: () => void socket.destroy(), write: (more) => void (socket.destroyed || socket.write(more)) })
    socket.on('error', done)
    socket.on('data', () => undefined)
    socket.once('connect', () => {
      if (bytes.length > 0) socket.write(bytes)
      done()
    })
  })
}

/** The beginning of what a door wants to read. */
const BEGINNINGS = {
  tcp: [Buffer.alloc(0), Buffer.of(0x10), Buffer.from('100600044d515454', 'hex')],
  tls: [Buffer.alloc(0), Buffer.from('1603010200010001fc0303', 'hex')],
  ws: [Buffer.alloc(0), Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n')],
} as const

function silentSockets(random: SeededRandom): Plan {
  const count = random.between(400, 1500)
  const addresses = random.pick([1, 1, 5, 50])
  const drips = random.chance(0.5)
  return {
    parameters: `${count} from ${addresses} addresses${drips ? ', a byte now and then' : ''}`,
    async attack(attack) {
      const sockets: { end(): void; write(bytes: Uint8Array): void }[] = []
      for (let at = 0; at < count && !attack.isOver; at += 100) {
        const some = Array.from({ length: Math.min(100, count - at) }, (_, index) => {
          const door = attack.random.pick(DOORS)
          const from = `127.0.1.${((at + index) % addresses) + 2}`
          return knock(attack.ports[door], from, attack.random.pick(BEGINNINGS[door]))
        })
        sockets.push(...(await Promise.all(some)))
      }
      await attack.again(async () => {
        if (drips) for (const socket of sockets) socket.write(Buffer.of(0x20))
        await attack.pause(250)
      })
      for (const socket of sockets) socket.end()
    },
  }
}

function refusedConnects(random: SeededRandom): Plan {
  const bytes = random.between(20_000, 130_000)
  const properties = propertiesOf(random, bytes)
  const addresses = random.pick([1, 1, 20, 200])
  const atOnce = random.between(100, 1000)
  return {
    parameters: `CONNECTs with ${megabytes(bytes)} of properties and a wrong password, ${atOnce} at a time from ${addresses} addresses`,
    async attack(attack) {
      const open: Peer[] = []
      const sent = await attack.again((count) => {
        const peer = attack.open({ from: `127.0.2.${(count % addresses) + 2}` })
        open.push(peer)
        if (open.length > atOnce) open.shift()!.hangUp()
        return peer.written(connectBytes(`m-guess-${count}`, properties(), MALLORY.userName, 'wrong'))
      })
      attack.note(`${sent} sent`)
    },
  }
}

function guessing(random: SeededRandom): Plan {
  const userName = random.pick([HONEST.userName, MALLORY.userName, 'nobody-has-this-name'])
  const addresses = random.pick([1, 1, 3, 100])
  const atOnce = random.between(1, 60)
  const waits = random.chance(0.5)
  return {
    parameters: `${atOnce} guesses at a time for ${userName} from ${addresses} addresses${waits ? '' : ', hanging up early'}`,
    async attack(attack) {
      let guesses = 0
      const guess = async (count: number): Promise<void> => {
        const peer = attack.open({
          from: `127.0.3.${(count % addresses) + 2}`,
          door: attack.random.chance(0.8) ? 'tcp' : 'ws',
        })
        peer.send(connectPacket(`m-guess-${count}`, { userName, password: Buffer.from(`guess ${count}`) }))
        if (waits) await attack.orOver(peer.until(() => peer.connack !== undefined))
        else await attack.pause(20)
        if (peer.connack !== undefined) guesses++
        peer.hangUp()
      }
      await attack.again((round) => Promise.all(Array.from({ length: atOnce }, (_, at) => guess(round * atOnce + at))))
      attack.note(`${guesses} answered`)
    },
  }
}

const LOUD = [
  (bytes: number) => '\u001b[2J\u0007'.repeat(bytes / 6),
  (bytes: number) => '\u009b31m'.repeat(bytes / 5),
  (bytes: number) => '\u202eevil\u2028'.repeat(bytes / 10),
  (bytes: number) => 'eyJ-'.repeat(bytes / 4),
  (bytes: number) => 'eyJhbGciOiJIUzI1NiJ9.'.repeat(bytes / 21),
  (bytes: number) => 'a'.repeat(bytes),
]

/** Packets that say something loud, where it may come back in a log, an event or an answer. */
const LOUD_PACKETS: Readonly<Record<string, (name: string) => Buffer>> = {
  'User Name': (name) => loginBytes('m-loud', 'wrong', { userName: name }),
  'Client Identifier': (name) => loginBytes(name, 'wrong'),
  Password: (name) => loginBytes('m-loud', name),
  'Authentication Method': (name) =>
    loginBytes('m-loud', 'x', { userName: undefined, password: undefined, properties: { authenticationMethod: name } }),
  'Will Topic': (name) =>
    loginBytes('m-loud', 'wrong', { will: { ...LOUD_WILL, topicName: name.replaceAll('\u0000', '') } }),
  'Reason String': (name) =>
    bytesOf(CONNECT, { type: PacketType.DISCONNECT, reasonCode: 0x80, properties: { reasonString: name } }),
  'a topic below $SYS': (name) =>
    bytesOf(CONNECT, publishPacket(`$SYS/${name}`, name, { qos: 1, packetIdentifier: 1 })),
  'a wrong Topic Filter': (name) => bytesOf(CONNECT, subscribePacket(1, [`${name}/#/#`])),
}
const LOUD_WILL = { payload: Buffer.of(1), qos: 1, retain: false, properties: {} } as const
const CONNECT = connectPacket('m-loud', { userName: MALLORY.userName, password: Buffer.from(MALLORY.password) })

function loudNames(random: SeededRandom): Plan {
  const make = random.pick(LOUD)
  const bytes = random.pick([1000, 20_000, 60_000])
  const where = random.pick(Object.keys(LOUD_PACKETS))
  const addresses = random.pick([1, 200])
  return {
    parameters: `${where} of ${bytes} bytes: ${JSON.stringify(make(30).slice(0, 12))}…`,
    async attack(attack) {
      const packet = LOUD_PACKETS[where]!(make(bytes))
      const sent = await attack.again(async (count) => {
        const peer = attack.open({ from: `127.0.4.${(count % addresses) + 2}` })
        await peer.written(packet)
        await attack.orOver(Promise.race([peer.until(() => peer.isClosed, 200), attack.pause(50)]))
        peer.hangUp()
      })
      attack.note(`${sent} sent`)
    },
  }
}

/** Handshakes cost the broker more than whoever begins them. */
function handshakes(random: SeededRandom): Plan {
  const atOnce = random.between(20, 400)
  const addresses = random.pick([1, 20])
  const goesOn = random.chance(0.5)
  return {
    parameters: `${atOnce} at a time from ${addresses} addresses${goesOn ? ', and a log-in' : ''}`,
    async attack(attack) {
      const one = async (count: number): Promise<void> => {
        const peer = attack.open({ door: 'tls', from: `127.0.5.${(count % addresses) + 2}` })
        const opened = new Promise<void>((resolve) => {
          peer.stream.once('secureConnect', resolve)
          peer.stream.once('close', resolve)
        })
        await attack.orOver(opened)
        if (goesOn) await attack.orOver(peer.written(loginBytes('m-shaking', 'wrong')))
        peer.hangUp()
      }
      const rounds = await attack.again((round) =>
        Promise.all(Array.from({ length: atOnce }, (_, at) => one(round * atOnce + at))),
      )
      attack.note(`${rounds * atOnce} handshakes`)
    },
  }
}

const OTHERS = ['subscriber', 'publisher', 'keeper', 'bystander-1', 'postman']

function takeovers(random: SeededRandom): Plan {
  const who = random.pick(['mallory', 'nobody', 'an honest user with a wrong password'] as const)
  const isClean = random.chance(0.5)
  const atOnce = random.between(1, 20)
  const login = {
    mallory: { userName: MALLORY.userName, password: Buffer.from(MALLORY.password) },
    nobody: {},
    'an honest user with a wrong password': { userName: HONEST.userName, password: Buffer.from('wrong') },
  }[who]
  return {
    parameters: `as ${who}, ${atOnce} at a time${isClean ? ', with Clean Start' : ''}`,
    async attack(attack) {
      const one = async (): Promise<void> => {
        const peer = attack.open({ door: attack.anyDoor(), version: attack.random.pick([4, 5] as const) })
        const { version: protocolVersion } = peer
        peer.send(connectPacket(attack.random.pick(OTHERS), { cleanStart: isClean, protocolVersion, ...login }))
        await attack.orOver(peer.until(() => peer.connack !== undefined, 2000))
        peer.hangUp()
      }
      const rounds = await attack.again(() => Promise.all(Array.from({ length: atOnce }, one)))
      attack.note(`${rounds * atOnce} tries`)
    },
  }
}

function reconnects(random: SeededRandom): Plan {
  const atOnce = random.between(5, 60)
  const door = random.pick(DOORS)
  const clientIds = random.pick([1, 10, 5000])
  const waits = random.chance(0.7)
  const isKept = random.chance(0.3)
  return {
    parameters: `${atOnce} at a time by ${door}, ${clientIds} Client Identifiers${isKept ? ' with Sessions that stay' : ''}`,
    async attack(attack) {
      const one = async (count: number): Promise<void> => {
        const peer = attack.open({ door })
        const session = isKept ? { cleanStart: false, properties: { sessionExpiryInterval: 1 } } : {}
        peer.write(loginBytes(`m-again-${count % clientIds}`, MALLORY.password, session))
        if (waits) await attack.orOver(peer.until(() => peer.connack !== undefined, 2000))
        else await attack.breathe()
        peer.hangUp()
      }
      const rounds = await attack.again((round) =>
        Promise.all(Array.from({ length: atOnce }, (_, at) => one(round * atOnce + at))),
      )
      attack.note(`${rounds * atOnce} times`)
    },
    // What ends in a second has ended by then.
    cleanUp: (attack) => attack.pause(2000),
  }
}

/** A web service that should say who may log in, and says whatever it likes. */
function webAnswers(random: SeededRandom): Plan {
  const bytes = random.pick([1e6, 50e6, 300e6])
  const isSlow = random.chance(0.3)
  const isList = random.chance(0.5)
  let asked = 0
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (some: Buffer) => (body += some.toString().slice(0, 4000)))
    request.on('end', () => {
      asked++
      if (!body.includes('m-web-')) return void response.end('{"decision":"no opinion"}')
      const chunk = Buffer.alloc(64 * 1024, isList ? '[' : ' ')
      let left = bytes
      const more = (): void => {
        while (left > 0 && !response.destroyed) {
          left -= chunk.length
          if (!response.write(chunk) || isSlow)
            return void (isSlow ? setTimeout(more, 5) : response.once('drain', more))
        }
        response.end('{"decision":"deny"}')
      }
      more()
    })
  })
  return {
    parameters: `an answer of ${megabytes(bytes)}${isSlow ? ', slowly' : ''}`,
    async prepare() {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      return { auth: { http: { url: `http://127.0.0.1:${port}/` } } }
    },
    async attack(attack) {
      const sent = await attack.again(async (count) => {
        const peer = attack.open()
        peer.send(connectPacket(`m-web-${count}`, { userName: 'unknown', password: Buffer.from('x') }))
        await attack.pause(200)
      })
      attack.note(`${sent} log-ins, ${asked} questions`)
    },
  }
}

export const doorShapes: readonly Shape[] = [
  {
    name: 'silent-sockets',
    tries: 'hundreds of Connections at every door that say nothing, or next to nothing',
    plan: silentSockets,
  },
  {
    name: 'refused-connects',
    tries: 'large CONNECTs with wrong passwords, whose refusal is delayed',
    plan: refusedConnects,
  },
  { name: 'guessing', tries: 'wrong passwords without end, also for the name of an honest user', plan: guessing },
  {
    name: 'loud-names',
    tries: 'long names with control characters or tokens, for the log and for whoever searches it',
    plan: loudNames,
  },
  {
    name: 'loud-names-unread',
    tries: 'the same while nobody reads the log',
    stallsLog: true,
    plan: loudNames,
  },
  { name: 'handshakes', tries: 'TLS handshakes as fast as they go', plan: handshakes },
  { name: 'takeovers', tries: 'Client Identifiers of others, with every kind of log-in', plan: takeovers },
  { name: 'reconnects', tries: 'log-ins as fast as they go, also with the same Client Identifier', plan: reconnects },
  {
    name: 'web-answers',
    tries: 'endless answers of the web service that decides about log-ins',
    accuses:
      /"plugin":"auth\.http","question":"authenticate",.*answered with more than 65536 bytes; make its answers smaller/,
    plan: webAnswers,
  },
]
