/** Small questions with long answers: searches, fan-out, replays, and everything that comes at once. @module */
import type { QoS } from '../../../src/codec/packet-types.ts'
import type { SeededRandom } from '../../../src/testing/random.ts'
import {
  bytesOf,
  publishPacket,
  subscribePacket,
  textOf,
  packetOf,
  twoBytes,
  unsubscribePacket,
  variable,
} from '../packets.ts'
import type { Peer } from '../peer.ts'
import type { Plan, Shape } from '../shape.ts'
import {
  acknowledges,
  caughtUp,
  endSessions,
  eraseAll,
  KEPT,
  later,
  numbered,
  reaching,
  retainAll,
  subscribed,
} from './support.ts'

function retainedSearch(random: SeededRandom): Plan {
  const shape = random.pick(['m/+/nope-', 'm/+/+/nope-', '+/+/nope-', 'm/a/+/nope-'])
  const [count, questions] = [random.between(5000, 30_000), random.between(1000, 10_000)]
  const topics = later(() => numbered(count, (at) => (at % 2 === 0 ? `m/t${at}/x` : `m/a/t${at}/y`)))
  return {
    parameters: `${questions} filters like ${shape}N over ${count} retained topics`,
    async attack(attack) {
      const peer = await attack.connect('m-publisher')
      attack.note(`${await retainAll(attack, peer, topics(), 'x')} retained`)
      await caughtUp(attack, peer)
      const seekers = await attack.connectAll(attack.random.between(1, 4), (at) => attack.connect(`m-seeker-${at}`))
      for (const seeker of seekers)
        await attack.orOver(
          seeker.written(
            bytesOf(
              subscribePacket(
                1,
                numbered(questions, (at) => shape + at),
              ),
            ),
          ),
        )
      await attack.rest()
    },
    cleanUp: (attack) => eraseAll(attack, topics()),
  }
}

function replays(random: SeededRandom): Plan {
  const filter = random.pick(['m/#', 'm/+/x', '+/+/x', 'm/+/+'])
  const count = random.between(5000, 40_000)
  const topics = later(() => numbered(count, (at) => `m/t${at}/x`))
  const readers = random.between(1, 20)
  const payload = 'r'.repeat(random.pick([1, 200]))
  const isFrozen = random.chance(0.3)
  const times = random.pick([1, 1, 50])
  const who = `${readers} Clients that ${isFrozen ? 'do not read' : 'read'}`
  return {
    parameters: `${who} ask for ${filter} again and again, ${times} times at once, over ${count} retained messages`,
    async attack(attack) {
      const peer = await attack.connect('m-publisher')
      attack.note(`${await retainAll(attack, peer, topics(), payload)} retained`)
      await caughtUp(attack, peer)
      const peers = await attack.connectAll(readers, (at) => attack.connect(`m-reader-${at}`))
      if (isFrozen) for (const reader of peers) reader.freeze()
      await attack.again(async (time) => {
        const qos = attack.random.pick([0, 1] as const)
        const packets = numbered(times, String).map((_, at) =>
          subscribePacket(((time * times + at) % 60_000) + 1, [filter], qos),
        )
        for (const reader of peers) reader.send(...packets)
        await attack.pause(50)
      })
    },
    cleanUp: (attack) => eraseAll(attack, topics()),
  }
}

/** A SUBSCRIBE of so many bytes, with filters that are as short as can be. */
function shortFilters(bytes: number, prefix: string): Buffer {
  const filters: Buffer[] = [twoBytes(1), variable(0)]
  for (let at = 0, length = 0; length < bytes; at++) {
    const filter = Buffer.concat([textOf(prefix + at.toString(36)), Buffer.of(0)])
    filters.push(filter)
    length += filter.length
  }
  return Buffer.concat(filters)
}

function manyFilters(random: SeededRandom): Plan {
  const bytes = random.pick([100_000, 1e6, 4e6, 15e6])
  const prefix = random.pick(['', 'm/', '+/', '$share/g/'])
  const leaves = random.chance(0.5)
  return {
    parameters: `a SUBSCRIBE of ${bytes} bytes with filters like ${prefix}a${leaves ? ', and the UNSUBSCRIBE' : ''}`,
    async attack(attack) {
      const body = shortFilters(bytes, prefix)
      const peer = await attack.connect('m-filters')
      await attack.orOver(peer.written(packetOf(0x82, body)))
      if (leaves) {
        const filters = numbered(Math.min(50_000, Math.floor(bytes / 6)), (at) => prefix + at.toString(36))
        await attack.orOver(peer.written(bytesOf(unsubscribePacket(2, filters))))
      }
      await attack.rest()
    },
  }
}

function fleetLeaves(random: SeededRandom): Plan {
  const clients = numbered(random.between(50, 200), (at) => `m-fleet-${at}`)
  const filters = random.between(500, 5000)
  const isKept = random.chance(0.3)
  return {
    parameters: `${clients.length} Clients with ${filters} subscriptions leave at once`,
    async attack(attack) {
      const peers = await attack.connectAll(clients.length, (at) => attack.connect(clients[at]!, isKept ? KEPT : {}))
      const perPacket = 500
      for (let from = 0; from < filters && !attack.isOver; from += perPacket) {
        await attack.orOver(
          Promise.all(
            peers.map((peer, at) => {
              const some = numbered(perPacket, (number) => `m/${at % 7 === 0 ? 'same' : at}/${from + number}/+`)
              return peer.written(bytesOf(subscribePacket(from / perPacket + 1, some)))
            }),
          ),
        )
      }
      await attack.pause(300)
      for (const peer of peers) peer.hangUp()
    },
    cleanUp: (attack) => endSessions(attack, clients),
  }
}

/** One of the 2 ** levels filters that match the topic `m/a/a/a…`. */
function wildcards(at: number, levels: number): string {
  return `m/${Array.from({ length: levels }, (_, level) => ((at >> level) & 1 ? '+' : 'a')).join('/')}`
}

function wildcardTree(random: SeededRandom): Plan {
  const levels = random.between(8, 13)
  const publishers = random.between(1, 4)
  const count = 2 ** levels
  const filters = later(() => numbered(count, (at) => wildcards(at, levels)))
  const topic = `m/${Array.from({ length: levels }, () => 'a').join('/')}`
  const changes = random.chance(0.5)
  return {
    parameters: `${count} filters of a and + that all match ${topic}${changes ? ', while subscriptions change' : ''}`,
    async attack(attack) {
      const peers = await attack.connectAll(4, (at) => attack.connect(`m-tree-${at}`))
      const perPacket = 500
      for (let from = 0; from < count && !attack.isOver; from += perPacket) {
        const bytes = bytesOf(subscribePacket(from / perPacket + 1, filters().slice(from, from + perPacket)))
        await attack.orOver(peers[(from / perPacket) % 4]!.written(bytes))
      }
      const speakers = await attack.connectAll(publishers, (at) => attack.connect(`m-speaker-${at}`))
      const said = await attack.again(async (count) => {
        await Promise.all(speakers.map((speaker) => speaker.written(bytesOf(publishPacket(topic, 'x')))))
        if (changes) peers[0]!.send(subscribePacket(1, [`m/other/${count}`]))
      })
      attack.note(`${said * publishers} messages`)
    },
  }
}

function overlapping(random: SeededRandom): Plan {
  const levels = random.between(8, 12)
  const topic = `m/${Array.from({ length: levels }, () => 'a').join('/')}`
  const identifiers = random.chance(0.7)
  const count = Math.min(2 ** levels, random.between(200, 4000))
  const filters = later(() => numbered(count, (at) => wildcards(at, levels)))
  return {
    parameters: `one Client with ${count} overlapping subscriptions${identifiers ? ', each with its identifier' : ''}`,
    async attack(attack) {
      const peer = await attack.connect('m-overlaps')
      for (let from = 0; from < count && !attack.isOver; from += 100) {
        const packets = filters()
          .slice(from, from + 100)
          .map((filter, at) =>
            subscribePacket(
              from + at + 1,
              [filter],
              1,
              identifiers ? { subscriptionIdentifiers: [from + at + 1] } : {},
            ),
          )
        await attack.orOver(peer.written(bytesOf(...packets)))
      }
      acknowledges(peer)
      const speaker = await attack.connect('m-speaker')
      const said = await attack.again((at) => {
        // Another topic each time, so that nothing is remembered.
        return speaker.written(bytesOf(publishPacket(at % 2 === 0 ? topic : topic.replace(/a$/, `a${at}`), 'x')))
      })
      attack.note(`${said} messages`)
    },
  }
}

function churn(random: SeededRandom): Plan {
  const topics = numbered(random.between(100, 8000), (at) => `m/churn/${at}`)
  const shared = random.chance(0.4)
  const filter = shared ? '$share/g/m/churn/#' : 'm/churn/+'
  return {
    parameters: `${filter} comes and goes while ${topics.length} topics are in use`,
    async attack(attack) {
      const [peer, speaker] = [await attack.connect('m-fickle'), await attack.connect('m-speaker')]
      const loop = await attack.again(async (count) => {
        const identifier = (count % 30_000) + 1
        const packets = [subscribePacket(identifier, [filter]), unsubscribePacket(identifier + 30_000, [filter])]
        const some = numbered(20, (at) => topics[(count * 20 + at) % topics.length]!)
        await Promise.all([
          peer.written(bytesOf(...packets)),
          speaker.written(bytesOf(...some.map((topic) => publishPacket(topic, 'x')))),
        ])
      })
      attack.note(`${loop} changes`)
    },
  }
}

function willStorm(random: SeededRandom): Plan {
  const dying = random.between(100, 400)
  const listeners = random.between(10, 100)
  const payload = Buffer.alloc(random.pick([10, 1000, 60_000]), 'w')
  const qos = random.between(0, 2) as QoS
  return {
    parameters: `${dying} Wills of ${payload.length} bytes at QoS ${qos} for ${listeners} subscribers, all at once`,
    stepUnits: reaching(listeners, payload.length),
    async attack(attack) {
      const peers = await attack.connectAll(listeners, (at) => subscribed(attack, `m-heir-${at}`, ['m/will/#'], qos))
      for (const peer of peers) acknowledges(peer)
      const will = { topicName: 'm/will/x', payload, qos, retain: false, properties: {} }
      const victims = await attack.connectAll(dying, (at) => attack.connect(`m-dying-${at}`, { will }))
      for (const victim of victims) victim.hangUp()
      await attack.rest()
    },
  }
}

function expiryStorm(random: SeededRandom): Plan {
  const count = random.between(5000, 30_000)
  const topics = later(() => numbered(count, (at) => `m/mortal/${at}`))
  const sessions = numbered(random.between(0, 900), (at) => `m-mortal-${at}`)
  return {
    parameters: `${count} retained messages and ${sessions.length} Sessions that end in the same second`,
    async attack(attack) {
      const peer = await attack.connect('m-publisher')
      const expires = { messageExpiryInterval: 3 }
      for (let from = 0; from < count && !attack.isOver; from += 500) {
        const some = topics().slice(from, from + 500)
        await attack.orOver(
          peer.written(
            bytesOf(...some.map((topic) => publishPacket(topic, 'x', { retain: true, properties: expires }))),
          ),
        )
      }
      await attack.connectAll(sessions.length, async (at) => {
        const mortal = await attack.connect(sessions[at]!, {
          cleanStart: false,
          properties: { sessionExpiryInterval: 2 },
        })
        mortal.hangUp()
        return mortal
      })
      await attack.rest()
    },
    cleanUp: (attack) => eraseAll(attack, topics()),
  }
}

function fanOut(random: SeededRandom): Plan {
  const listeners = random.between(50, 300)
  const payload = Buffer.alloc(random.pick([10, 1000, 30_000, 200_000, 4e6]), 'f')
  const qos = random.between(0, 2) as QoS
  const reads = random.pick(['all', 'half', 'none'] as const)
  const limit = random.pick([1, 3, 100_000])
  return {
    parameters: `${payload.length} bytes at QoS ${qos} to ${listeners} subscribers, of which ${reads} read`,
    stepUnits: reaching(listeners, payload.length),
    async attack(attack) {
      const peers = await attack.connectAll(listeners, (at) => subscribed(attack, `m-fan-${at}`, ['m/fan'], qos))
      for (const [at, peer] of peers.entries()) {
        if (reads === 'none' || (reads === 'half' && at % 2 === 0)) peer.freeze()
        else if (payload.length < 100_000) acknowledges(peer)
      }
      const speaker = acknowledges(await attack.connect('m-speaker'))
      const said = await attack.again(
        (count) =>
          speaker.written(bytesOf(publishPacket('m/fan', payload, { qos, packetIdentifier: (count % 60_000) + 1 }))),
        limit * 100,
      )
      attack.note(`${said} messages`)
    },
  }
}

/** A short packet for a long topic. */
function aliases(random: SeededRandom): Plan {
  const bytes = random.pick([1000, 30_000, 65_000])
  const listeners = random.between(5, 100)
  const qos = random.between(0, 2) as QoS
  const reads = random.chance(0.6)
  return {
    parameters: `a topic of ${bytes} bytes by its alias, at QoS ${qos} for ${listeners} who ${reads ? 'read' : 'do not read'}`,
    stepUnits: reaching(listeners, 3 * bytes),
    async attack(attack) {
      const peers = await attack.connectAll(listeners, (at) => subscribed(attack, `m-long-${at}`, ['m/#'], qos))
      for (const peer of peers) {
        if (reads) acknowledges(peer)
        else peer.freeze()
      }
      const speaker = acknowledges(await attack.connect('m-speaker'))
      const properties = { topicAlias: 1 }
      const first = publishPacket(`m/${'a'.repeat(bytes - 2)}`, 'x', { properties })
      await attack.orOver(speaker.written(bytesOf(first)))
      const said = await attack.again((count) => {
        const some = numbered(50, String).map((_, at) => {
          const packetIdentifier = qos === 0 ? 0 : ((count * 50 + at) % 60_000) + 1
          return publishPacket('', 'x', { qos, packetIdentifier, properties })
        })
        return speaker.written(bytesOf(...some))
      })
      attack.note(`${said * 50} messages`)
    },
  }
}

/** Who reads just enough not to be thrown out. */
function slowReaders(random: SeededRandom): Plan {
  const listeners = random.between(20, 300)
  const payload = Buffer.alloc(random.pick([100, 10_000, 500_000]), 's')
  const qos = random.between(0, 2) as QoS
  return {
    parameters: `${listeners} subscribers that read a little now and then, messages of ${payload.length} bytes at QoS ${qos}`,
    stepUnits: reaching(listeners, payload.length),
    async attack(attack) {
      const peers = await attack.connectAll(listeners, (at) => subscribed(attack, `m-slow-${at}`, ['m/slow'], qos))
      for (const peer of peers) peer.freeze()
      const speaker = acknowledges(await attack.connect('m-speaker'))
      const said = await attack.again(async (count) => {
        const packet = { qos, packetIdentifier: qos === 0 ? 0 : (count % 60_000) + 1 }
        await speaker.written(bytesOf(publishPacket('m/slow', payload, packet)))
        const reader = peers[count % peers.length]!
        reader.stream.once('data', () => reader.freeze())
        reader.stream.resume()
      })
      attack.note(`${said} messages`)
    },
  }
}

function resumes(random: SeededRandom): Plan {
  const queued = random.between(500, 5000)
  const payload = Buffer.alloc(random.pick([1, 500]), 'r')
  return {
    parameters: `a Session with ${queued} messages that connects again and again and takes none`,
    async attack(attack) {
      ;(await subscribed(attack, 'm-restless', ['m/restless'], 2, KEPT)).hangUp()
      const speaker = acknowledges(await attack.connect('m-speaker'))
      for (let from = 0; from < queued && !attack.isOver; from += 100) {
        const some = numbered(100, String).map((_, at) =>
          publishPacket('m/restless', payload, { qos: 1, packetIdentifier: from + at + 1 }),
        )
        await attack.orOver(speaker.written(bytesOf(...some)))
      }
      const times = await attack.again(async () => {
        const peer = await attack.connect('m-restless', KEPT)
        peer.hangUp()
      })
      attack.note(`${times} times`)
    },
    cleanUp: (attack) => endSessions(attack, ['m-restless']),
  }
}

/** What a member of a Shared Subscription held goes to the others when it leaves. */
function sharedLeavers(random: SeededRandom): Plan {
  const members = numbered(random.between(5, 60), (at) => `m-member-${at}`)
  const payload = Buffer.alloc(random.pick([1, 100, 5000]), 'l')
  const isKept = random.chance(0.5)
  const how = random.pick(['hang up', 'unsubscribe', 'come and go'] as const)
  return {
    parameters: `${members.length} members of a Shared Subscription that take nothing, and ${how} one by one with messages of ${payload.length} bytes`,
    async attack(attack) {
      const filter = '$share/g/m/shared/#'
      const join = (at: number): Promise<Peer> =>
        subscribed(attack, members[at]!, [filter], 2, isKept ? KEPT : { cleanStart: true })
      const peers = await attack.connectAll(members.length, join)
      const speaker = acknowledges(await attack.connect('m-speaker'))
      const said = await attack.again(async (count) => {
        const some = numbered(100, String).map((_, at) => {
          const packetIdentifier = ((count * 100 + at) % 60_000) + 1
          return publishPacket(`m/shared/${at}`, payload, { qos: 1, packetIdentifier })
        })
        await speaker.written(bytesOf(...some))
        const at = count % peers.length
        if (count % 20 !== 19) return
        if (how === 'unsubscribe') peers[at]!.send(unsubscribePacket(1, [filter]), subscribePacket(2, [filter], 2))
        else {
          peers[at]!.hangUp()
          if (how === 'come and go') peers[at] = await join(at)
        }
      })
      attack.note(`${said * 100} messages`)
    },
    cleanUp: (attack) => endSessions(attack, members),
  }
}

/** The broker's own figures, which go to everyone who asks for them. */
function figureReaders(random: SeededRandom): Plan {
  const readers = random.between(50, 400)
  const [filter, reads] = [random.pick(['$SYS/#', '$SYS/broker/+/+/+', '$SYS/broker/#']), random.chance(0.6)]
  return {
    parameters: `${readers} Clients subscribe to ${filter} again and again, and ${reads ? 'read' : 'do not read'}`,
    async attack(attack) {
      const peers = await attack.connectAll(readers, (at) => subscribed(attack, `m-figures-${at}`, [filter], 1))
      for (const peer of peers) {
        if (reads) acknowledges(peer)
        else peer.freeze()
      }
      await attack.again(async (count) => {
        peers[count % peers.length]!.send(subscribePacket((count % 60_000) + 1, [filter], 1))
        await attack.pause(1)
      })
    },
  }
}

export const workShapes: readonly Shape[] = [
  {
    name: 'retained-search',
    tries: 'filters that match nothing, and search all retained topics',
    plan: retainedSearch,
  },
  { name: 'replays', tries: 'all retained messages again and again', plan: replays },
  { name: 'many-filters', tries: 'one packet with as many filters as go in', plan: manyFilters },
  { name: 'fleet-leaves', tries: 'many Clients with many subscriptions that go at once', plan: fleetLeaves },
  { name: 'wildcard-tree', tries: 'a topic that every node of a tree of wildcards matches', plan: wildcardTree },
  { name: 'overlapping', tries: 'thousands of subscriptions of one Client that match one topic', plan: overlapping },
  { name: 'churn', tries: 'subscriptions that come and go, so that nothing can be remembered', plan: churn },
  { name: 'will-storm', tries: 'many Wills at once, for many subscribers', plan: willStorm },
  { name: 'expiry-storm', tries: 'much that expires in the same second', plan: expiryStorm },
  { name: 'fan-out', tries: 'large messages for many, who read or do not', plan: fanOut },
  { name: 'aliases', tries: 'short packets for long topics', plan: aliases },
  { name: 'slow-readers', tries: 'subscribers that read just enough to stay', plan: slowReaders },
  {
    name: 'shared-leavers',
    tries: 'members of a Shared Subscription that leave with all they hold',
    plan: sharedLeavers,
  },
  {
    name: 'figure-readers',
    tries: 'very many who ask for all figures of the broker',
    config: { 'sys-interval': 1 },
    plan: figureReaders,
  },
  { name: 'resumes', tries: 'a Session with a long queue that comes and goes', plan: resumes },
]
