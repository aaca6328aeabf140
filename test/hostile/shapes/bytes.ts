/** Whether anybody is sent what is not meant for it. @module */
import { PacketType, type QoS } from '../../../src/codec/packet-types.ts'
import type { SeededRandom } from '../../../src/testing/random.ts'
import type { Attack } from '../attack.ts'
import { acknowledgement, bytesOf, publishPacket, subscribePacket } from '../packets.ts'
import type { Peer } from '../peer.ts'
import type { Plan, Shape } from '../shape.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 3600 } } as const
/** Around every size at which bytes go another way through the broker. */
const EDGES = [127, 128, 1024, 8192, 16_383, 40_960, 65_528, 65_536]

/** `m/` and something behind it, so many bytes in all. */
function topicOf(bytes: number): string {
  return `m/${'t'.repeat(Math.max(1, Math.min(65_535, bytes) - 2))}`
}

function acknowledges(peer: Peer): void {
  peer.onPacket = (packet) => {
    if (packet.type === PacketType.PUBLISH && packet.qos > 0) {
      peer.send(acknowledgement(packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packet.packetIdentifier))
    } else if (packet.type === PacketType.PUBREL)
      peer.send(acknowledgement(PacketType.PUBCOMP, packet.packetIdentifier))
  }
}

async function subscriber(attack: Attack, at: number, qos: QoS): Promise<Peer> {
  const version = at % 3 === 0 ? 4 : 5
  const aliases = at % 2 === 0 ? {} : { topicAliasMaximum: 20 }
  const properties = version === 5 ? { ...KEPT.properties, ...aliases } : {}
  const peer = await attack.connect(`m-spy-${at}`, { ...KEPT, protocolVersion: version, properties })
  attack.spy(peer)
  acknowledges(peer)
  peer.send(
    subscribePacket(1, ['m/#'], qos, version === 5 && at % 4 === 1 ? { subscriptionIdentifiers: [at + 1] } : {}),
  )
  return peer
}

/** Says something of a size near an edge, in every way: live, retained, as a Will. */
async function say(attack: Attack, publisher: Peer, count: number, largest: number): Promise<void> {
  const { random } = attack
  const topicName = topicOf(Math.min(largest, random.pick(EDGES) + random.between(-3, 7)))
  const payload = Buffer.alloc(random.chance(0.5) ? 7 : Math.max(1, random.pick(EDGES) + random.between(-9, 9)), 'p')
  const qos = random.between(1, 2) as QoS
  const packet = { qos, retain: random.chance(0.3), packetIdentifier: (count % 65_000) + 1 }
  await attack.orOver(publisher.written(bytesOf(publishPacket(topicName, payload, packet))))
  if (count % 10 === 9) await die(attack, topicName, payload, qos)
}

async function die(attack: Attack, topicName: string, payload: Uint8Array, qos: QoS): Promise<void> {
  const will = { topicName, payload: payload.subarray(0, 60_000), qos, retain: false, properties: {} }
  ;(await attack.connect('m-dying', { will })).hangUp()
}

function longTopics(random: SeededRandom): Plan {
  const count = random.between(2, 8)
  const qos = random.between(1, 2) as QoS
  const spies: Peer[] = []
  return {
    parameters: `${count} subscribers at QoS ${qos}`,
    async attack(attack) {
      spies.push(...(await attack.connectAll(count, (at) => subscriber(attack, at, qos))))
      let publisher: Peer | undefined
      const said = await attack.again(async (number) => {
        if (publisher === undefined || publisher.isClosed) {
          if (number > 0) attack.note('a publisher was cut off')
          publisher = await attack.connect('m-speaker')
          acknowledges(publisher)
        }
        await say(attack, publisher, number, 65_535)
        // Who is away gets it out of the queue.
        if (number % 20 === 0) {
          const at = attack.random.integer(count)
          spies[at]!.hangUp()
          spies[at] = await subscriber(attack, at, qos)
        }
      })
      attack.note(`${said} messages`)
    },
    async cleanUp(attack) {
      const cleaner = await attack.connect('m-speaker')
      for (const edge of EDGES) {
        for (let off = -3; off <= 7; off++) cleaner.send(publishPacket(topicOf(edge + off), '', { retain: true }))
      }
      for (let at = 0; at < count; at++) await attack.connect(`m-spy-${at}`)
    },
  }
}

export const byteShapes: readonly Shape[] = [
  {
    name: 'long-topics',
    tries: 'topics of the longest lengths, live, queued, retained and as Wills, to read memory of others',
    guarded: true,
    plan: longTopics,
  },
]
