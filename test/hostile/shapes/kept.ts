/**
 * What the broker is made to keep: properties, topics, filters and Sessions that cost more than they seem to. @module
 */
import type { QoS } from '../../../src/codec/packet-types.ts'
import type { SeededRandom } from '../../../src/testing/random.ts'
import type { Attack } from '../attack.ts'
import {
  bytesOf,
  connectPacket,
  headerOf,
  publishBytes,
  publishPacket,
  subscribePacket,
  textOf,
  variable,
} from '../packets.ts'
import { RULES } from '../posture.ts'
import type { Plan, Shape } from '../shape.ts'
import { DOORS } from '../wire.ts'
import {
  acknowledges,
  caughtUp,
  endSessions,
  eraseAll,
  KEPT,
  later,
  megabytes,
  numbered,
  propertiesOf,
  retainAll,
  subscribed,
} from './support.ts'

const EMPTY = Buffer.alloc(0)

function retainedProperties(random: SeededRandom): Plan {
  const topics = numbered(random.between(10, 40), (at) => `m/properties/${at}`)
  const bytes = random.pick([60_000, 1e6, 4e6, 16e6])
  const properties = propertiesOf(random, bytes)
  return {
    parameters: `${topics.length} retained messages with ${megabytes(bytes)} of properties`,
    async attack(attack) {
      const peer = await attack.connect('m-publisher')
      for (const topic of topics) {
        await attack.orOver(peer.written(publishBytes(topic, properties(), Buffer.of(1), { retain: true })))
      }
      await caughtUp(attack, peer)
      const reader = await subscribed(attack, 'm-reader', ['m/properties/#'])
      await attack.pause(500)
      reader.hangUp()
    },
    cleanUp: (attack) => eraseAll(attack, topics),
  }
}

function queuedProperties(random: SeededRandom): Plan {
  const away = numbered(random.between(1, 8), (at) => `m-away-${at}`)
  const count = random.between(5, 60)
  const bytes = random.pick([60_000, 1e6, 4e6, 16e6])
  const properties = propertiesOf(random, bytes)
  return {
    parameters: `${away.length} Sessions away, ${count} messages with ${megabytes(bytes)} of properties for each`,
    async attack(attack) {
      for (const clientId of away) (await subscribed(attack, clientId, ['m/queue'], 1, KEPT)).hangUp()
      const peer = await attack.connect('m-publisher')
      for (let at = 1; at <= count; at++) {
        await attack.orOver(
          peer.written(publishBytes('m/queue', properties(), Buffer.of(1), { qos: 1, packetIdentifier: at })),
        )
      }
      await caughtUp(attack, peer)
    },
    cleanUp: (attack) => endSessions(attack, away),
  }
}

function willProperties(random: SeededRandom): Plan {
  const count = random.between(100, 400)
  // All of it has to fit into a CONNECT.
  const pairs = random.between(2, 20_000)
  const value = 'v'.repeat(Math.min(60_000, Math.floor(120_000 / pairs) - 5))
  const will = later(() => ({
    topicName: 'm/will',
    payload: Buffer.of(1),
    qos: 1 as QoS,
    retain: false,
    properties: { userProperties: Array.from({ length: pairs }, () => ['', value] as const) },
  }))
  return {
    parameters: `${count} Wills with ${pairs} User Properties`,
    async attack(attack) {
      const peers = await attack.connectAll(count, (at) => attack.connect(`m-will-${at}`, { will: will() }), 10)
      const accepted = peers.filter(({ connack }) => connack?.reasonCode === 0).length
      attack.note(`${accepted} accepted`)
      if (random.chance(0.5)) for (const peer of peers) peer.hangUp()
      await attack.pause(500)
    },
  }
}

/** A topic of so many levels, unlike the others from near its root on. */
function deepTopic(at: number, levels: number, widthAt: number): string {
  const branch = `n${at}`
  return `m/${Array.from({ length: levels - 2 }, (_, level) => (level === widthAt ? branch : 'd')).join('/')}/x`
}

function deepRetained(random: SeededRandom): Plan {
  const levels = random.between(50, 199)
  const widthAt = random.pick([0, 0, 1, Math.floor(levels / 2)])
  const count = random.between(5000, 40_000)
  const topics = later(() => numbered(count, (at) => deepTopic(at, levels, widthAt)))
  return {
    parameters: `${count} retained topics of ${levels} levels, that part at level ${widthAt + 1}`,
    async attack(attack) {
      const peer = await attack.connect('m-publisher')
      attack.note(`${await retainAll(attack, peer, topics(), 'x')} sent`)
      await caughtUp(attack, peer)
    },
    cleanUp: (attack) => eraseAll(attack, topics()),
  }
}

/** A filter of so many bytes, with levels of that length. */
function longFilter(at: number, bytes: number, levelBytes: number): string {
  const level = `${'f'.repeat(Math.max(1, levelBytes - 1))}/`
  return `m/${at}/${level.repeat(Math.max(1, Math.floor((bytes - 20) / level.length)))}x`
}

function deepFilters(random: SeededRandom): Plan {
  const clients = numbered(random.between(1, 6), (at) => `m-filters-${at}`)
  const bytes = random.pick([400, 4000, 65_000])
  const levelBytes = random.pick([2, 2, 20, 60_000])
  const perPacket = Math.max(1, Math.floor(400_000 / bytes))
  return {
    parameters: `${clients.length} Clients with filters of ${bytes} bytes, levels of ${levelBytes}`,
    async attack(attack) {
      const peers = await attack.connectAll(clients.length, (at) => attack.connect(clients[at]!, KEPT))
      const packets = await attack.again(async (packet) => {
        const filters = numbered(perPacket, (at) => longFilter(packet * perPacket + at, bytes, levelBytes))
        await Promise.all(peers.map((peer) => peer.written(bytesOf(subscribePacket((packet % 60_000) + 1, filters)))))
      }, 5000)
      attack.note(`${packets * perPacket} filters each`)
    },
    cleanUp: (attack) => endSessions(attack, clients),
  }
}

function unfinished(random: SeededRandom): Plan {
  const count = random.between(50, 400)
  const announced = random.pick([1e6, 8e6, 16_000_000])
  const sent = Math.floor(announced * random.pick([0, 0.1, 0.5, 0.99]))
  const door = random.pick(DOORS)
  return {
    parameters: `${count} PUBLISHes of ${megabytes(announced)} by ${door}, of which ${megabytes(sent)} come`,
    async attack(attack) {
      const peers = await attack.connectAll(count, (at) => attack.connect(`m-half-${at}`, {}, door))
      const body = Buffer.alloc(64 * 1024, 'h')
      const begin = Buffer.concat([headerOf(0x30, announced), textOf('m/half'), variable(0)])
      for (const peer of peers) peer.write(begin)
      for (let left = sent; left > 0 && !attack.isOver; left -= body.length) {
        await attack.orOver(Promise.all(peers.map((peer) => peer.written(body))))
      }
      attack.note(`${peers.filter(({ isClosed }) => !isClosed).length} go on`)
      await attack.again(async () => {
        for (const peer of peers) peer.write(Buffer.of(0x68))
        await attack.pause(100)
      })
    },
  }
}

function fullQueues(random: SeededRandom): Plan {
  const away = numbered(random.between(20, 200), (at) => `m-away-${at}`)
  const payload = Buffer.alloc(random.pick([1, 100, 10_000, 1e6]), 'q')
  const qos = random.between(1, 2) as QoS
  return {
    parameters: `${away.length} Sessions away, messages of ${payload.length} bytes at QoS ${qos} until time is up`,
    async attack(attack) {
      await attack.connectAll(away.length, async (at) => {
        const peer = await subscribed(attack, away[at]!, ['m/queue/#'], qos, KEPT)
        peer.hangUp()
        return peer
      })
      const peer = acknowledges(await attack.connect('m-publisher'))
      const sent = await attack.again((count) =>
        peer.written(bytesOf(publishPacket('m/queue/x', payload, { qos, packetIdentifier: (count % 60_000) + 1 }))),
      )
      attack.note(`${sent} messages`)
    },
    cleanUp: (attack) => endSessions(attack, away),
  }
}

/** The disk is everybody's. */
const DISK_BYTES = 64 << 20
const DISK_TOPICS = 500

function fullDisk(random: SeededRandom): Plan {
  const away = numbered(random.between(1, 20), (at) => `m-away-${at}`)
  const payload = Buffer.alloc(random.pick([1000, 100_000, 1e6]), 'd')
  const retains = random.chance(0.5)
  return {
    // What waits in Sessions is limited by `max-queued-bytes`.
    fillsStore: retains && payload.length * DISK_TOPICS > DISK_BYTES,
    parameters: `a store of 64 MiB, messages of ${payload.length} bytes for ${retains ? 'retained topics' : `${away.length} Sessions away`}`,
    prepare: () =>
      Promise.resolve({
        persistence: { path: 'data', durability: 'disk', 'max-bytes': DISK_BYTES, 'max-bytes-per-user': 0 },
      }),
    async attack(attack) {
      if (!retains) for (const clientId of away) (await subscribed(attack, clientId, ['m/disk/#'], 1, KEPT)).hangUp()
      const peer = acknowledges(await attack.connect('m-publisher'))
      const sent = await attack.again((count) => {
        const packet = { qos: 1, retain: retains, packetIdentifier: (count % 60_000) + 1 } as const
        return peer.written(bytesOf(publishPacket(`m/disk/${count % DISK_TOPICS}`, payload, packet)))
      })
      attack.note(`${megabytes(sent * payload.length)} sent`)
    },
    async cleanUp(attack) {
      await endSessions(attack, away)
      if (retains)
        await eraseAll(
          attack,
          numbered(DISK_TOPICS, (at) => `m/disk/${at}`),
        )
    },
  }
}

function manySessions(random: SeededRandom): Plan {
  const count = random.between(1100, 4000)
  const isAnonymous = random.chance(0.5)
  const ids = numbered(count, (at) => `m-session-${at}`)
  const connect = async (attack: Attack, clientId: string): Promise<void> => {
    const peer = attack.open()
    peer.send(connectPacket(clientId, KEPT))
    await attack.orOver(peer.until(() => peer.connack !== undefined))
    peer.hangUp()
  }
  return {
    parameters: `${count} Sessions of ${isAnonymous ? 'nobody' : 'one user'}, each left at once`,
    async attack(attack) {
      let made = 0
      while (made < count && !attack.isOver) {
        const some = ids.slice(made, made + 50)
        await Promise.all(
          some.map(async (id) => {
            if (isAnonymous) await connect(attack, id)
            else (await attack.connect(id, KEPT)).hangUp()
          }),
        )
        made += some.length
      }
      attack.note(`${made} made`)
    },
    cleanUp: async (attack) => {
      if (!isAnonymous) return endSessions(attack, ids)
      for (let at = 0; at < count; at += 100) {
        await Promise.all(
          ids.slice(at, at + 100).map(async (clientId) => {
            const peer = attack.open()
            peer.send(connectPacket(clientId))
            await attack.orOver(peer.until(() => peer.connack !== undefined))
            peer.hangUp()
          }),
        )
      }
    },
  }
}

function longTopicNames(random: SeededRandom): Plan {
  const bytes = random.pick([1000, 30_000, 65_000])
  const aliases = random.chance(0.5)
  const isGuarded = random.chance(0.5)
  const clients = random.between(1, aliases || isGuarded ? 300 : 8)
  const how = [aliases ? ', with Topic Aliases' : '', isGuarded ? ', with rules for topics' : ''].join('')
  return {
    parameters: `topics of ${bytes} bytes, each another, from ${clients} Clients${how}`,
    prepare: () => Promise.resolve(isGuarded ? RULES : {}),
    async attack(attack) {
      const peers = await attack.connectAll(clients, (at) => attack.connect(`m-names-${at}`))
      const most = peers.map(({ connack }) => connack?.properties.topicAliasMaximum ?? 0)
      const filling = 'n'.repeat(bytes)
      const packets = await attack.again(async (count) => {
        await Promise.all(
          peers.map((peer, at) => {
            const topicAlias = aliases && most[at]! > 0 ? (count % most[at]!) + 1 : undefined
            const properties = topicAlias === undefined ? {} : { topicAlias }
            return peer.written(
              bytesOf(publishPacket(`m/${at}/${count}/${filling}`.slice(0, bytes), '', { properties })),
            )
          }),
        )
      }, 20_000)
      attack.note(`${packets * clients} topics`)
    },
  }
}

function openReceipts(random: SeededRandom): Plan {
  const ids = numbered(random.between(10, 100), (at) => `m-open-${at}`)
  const isKept = random.chance(0.5)
  return {
    parameters: `${ids.length} Clients that never release QoS 2${isKept ? ', whose Sessions stay' : ''}`,
    async attack(attack) {
      const peers = await attack.connectAll(ids.length, (at) =>
        attack.connect(ids[at]!, { ...(isKept && KEPT), protocolVersion: 4 }),
      )
      const some = numbered(1000, String)
      await attack.again(async (round) => {
        const packets = some.map((_, at) =>
          publishPacket('m/open', EMPTY, { qos: 2, packetIdentifier: ((round * 1000 + at) % 65_535) + 1 }),
        )
        const bytes = bytesOf(...packets)
        await Promise.all(peers.map((peer) => peer.written(bytes)))
      }, 66)
    },
    cleanUp: (attack) => endSessions(attack, ids),
  }
}

export const keptShapes: readonly Shape[] = [
  {
    name: 'retained-properties',
    tries: 'retained messages that are nothing but User Properties',
    plan: retainedProperties,
  },
  {
    name: 'queued-properties',
    tries: 'messages that are nothing but User Properties, in queues of Sessions that are away',
    plan: queuedProperties,
  },
  { name: 'will-properties', tries: 'Wills that are nothing but User Properties', plan: willProperties },
  { name: 'deep-retained', tries: 'retained topics of many levels that share nothing', plan: deepRetained },
  { name: 'deep-filters', tries: 'Topic Filters of many levels and bytes, in Sessions that stay', plan: deepFilters },
  { name: 'unfinished-packets', tries: 'packets that begin and never end, or a byte at a time', plan: unfinished },
  { name: 'full-queues', tries: 'queues of many Sessions filled to every limit', plan: fullQueues },
  { name: 'full-disk', tries: 'a store that has no room left', plan: fullDisk },
  { name: 'many-sessions', tries: 'Sessions that stay, to push out those of others', plan: manySessions },
  {
    name: 'long-topic-names',
    tries: 'another long topic with every message, also under Topic Aliases',
    plan: longTopicNames,
  },
  { name: 'open-receipts', tries: 'QoS 2 that is never released', plan: openReceipts },
]
