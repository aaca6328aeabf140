/**
 * Microbenchmarks beside the hot paths: decode, match, fan out, encode. `node build/bench/micro.js [WORD]` runs those
 * whose name has WORD in it. They tell a change of one function from noise; what counts in the end is the table of
 * `main.ts`.
 *
 * @module
 */
import { Directory } from '../src/access/directory/directory.ts'
import type { ShippedContext } from '../src/access/directory/shipped-context.ts'
import type { PublishQuestion } from '../src/access/plugin.ts'
import { NEW_ROLE, NEW_USER } from '../src/admin/access/access-changes.ts'
import { copyBytes } from '../src/base/bytes.ts'
import { readPlainAcknowledgement, writeAcknowledgement } from '../src/codec/acknowledgement.ts'
import { decodePacket } from '../src/codec/decode.ts'
import { Decoder } from '../src/codec/decoder.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../src/codec/packet-types.ts'
import { noProperties } from '../src/codec/properties.ts'
import { makePublishFrame } from '../src/codec/publish-frame.ts'
import { PublishView, readPublish, readTopicName } from '../src/codec/publish-view.ts'
import { parseAclFile } from '../src/plugins/acl-file.ts'
import aclStore from '../src/plugins/acl-store.ts'
import { TopicRulesPlugin } from '../src/plugins/topic-rules.ts'
import { MatchCache } from '../src/topics/match-cache.ts'
import { TopicMap } from '../src/topics/topic-map.ts'
import { TopicTrie } from '../src/topics/topic-trie.ts'
import { publishBatch, stampSlice } from '../src/bench/driver/frames.ts'
import { realClock } from '../src/turn/clock.ts'
import { significant } from '../src/bench/results.ts'
import { median, spread } from '../src/bench/statistics.ts'
import { textTable } from '../src/bench/table.ts'

/** Prepares a case. @returns what does `operations` of it at once, and their number */
interface Case {
  readonly name: string
  readonly prepare: () => { readonly operations: number; readonly run: () => number }
}

const SAMPLES = 7
const SAMPLE_MS = 60

/** What results go into, so that no work can be optimized away. */
let sink = 0

/** Milliseconds that so many rounds take. */
function timed(run: () => number, rounds: number): number {
  const begin = performance.now()
  for (let round = 0; round < rounds; round++) sink ^= run()
  return performance.now() - begin
}

/** Nanoseconds of one operation, in each of several samples, after enough rounds to have everything compiled. */
function measure({ prepare }: Case): number[] {
  const { operations, run } = prepare()
  let rounds = 1
  while (timed(run, rounds) < SAMPLE_MS) rounds *= 2
  return Array.from({ length: SAMPLES }, () => (timed(run, rounds) * 1e6) / (rounds * operations))
}

/** A chunk as it comes from a socket: PUBLISH frames of 64 bytes of payload. */
function chunkOf(version: 4 | 5, qos: QoS): { chunk: Buffer; frames: number } {
  const frames = 700
  const topicNames = Array.from({ length: frames }, (_, index) => `site/line/${String(index).padStart(4, '0')}`)
  const { slices, layout } = publishBatch({ version, qos, payloadBytes: 64, topicNames, framesPerSlice: frames })
  stampSlice(slices[0]!, layout, 0, 0)
  return { chunk: slices[0]!.bytes, frames }
}

function decoding(version: 4 | 5, qos: QoS): Case {
  return {
    name: `decode: cut and view a PUBLISH, QoS ${qos}, protocol ${version}`,
    prepare: () => {
      const { chunk, frames } = chunkOf(version, qos)
      const decoder = new Decoder()
      const view = new PublishView()
      const run = () => {
        let seen = 0
        decoder.push(chunk)
        while (decoder.next()) {
          readPublish(decoder.bytes, decoder.firstByte, decoder.bodyStart, decoder.end, version, view)
          seen += view.payloadEnd - view.payloadStart
        }
        return seen
      }
      return { operations: frames, run }
    },
  }
}

const decodingWhole: Case = {
  name: 'decode: a PUBLISH as an object, QoS 1, protocol 5',
  prepare: () => {
    const { bytes } = makePublishFrame(
      { topicName: 'site/line/0001', qos: 1, retain: false, packetIdentifier: 1, properties: noProperties },
      new Uint8Array(64),
      5,
    )
    const run = () => decodePacket(bytes, bytes[0]!, 2, bytes.length, 5, 'client').type
    return { operations: 1, run }
  },
}

const decodingTopic: Case = {
  name: 'decode: a Topic Name of 14 bytes',
  prepare: () => {
    const bytes = Buffer.from('site/line/0001')
    return { operations: 1, run: () => readTopicName(bytes, 0, bytes.length).length }
  },
}

const acknowledging: Case = {
  name: 'decode and encode: PUBACK',
  prepare: () => {
    const bytes = new Uint8Array(8)
    let identifier = 0
    const run = () => {
      identifier = (identifier % 65_535) + 1
      const end = writeAcknowledgement(bytes, 0, PacketType.PUBACK, identifier, 0, 5)
      return readPlainAcknowledgement(bytes, bytes[0]!, 2, end)
    }
    return { operations: 1, run }
  },
}

/** Names jump about among the filters, as in the row of the table. */
function matching(subscriptions: number): Case {
  return {
    name: `match: one of ${subscriptions.toLocaleString('en-US')} filters with +, in the trie`,
    prepare: () => {
      const trie = new TopicTrie<object>()
      const place = (index: number) => `s/${String(index).padStart(7, '0')}`
      for (let index = 0; index < subscriptions; index++) trie.add(`${place(index)}/+`, {})
      const names = Array.from({ length: 10_000 }, (_, index) => `${place((index * 9973) % subscriptions)}/000`)
      const found: object[] = []
      const run = () => {
        found.length = 0
        for (const name of names) trie.match(name, found)
        return found.length
      }
      return { operations: names.length, run }
    },
  }
}

const matchingCached: Case = {
  name: 'match: a topic that is in the cache',
  prepare: () => {
    const cache = new MatchCache<object>()
    const topics = Array.from({ length: 1000 }, (_, index) => Buffer.from(`site/line/${index}`))
    for (const topic of topics) cache.put(topic, 0, topic.length, topic.toString())
    const run = () => {
      let hits = 0
      for (const topic of topics) if (cache.find(topic, 0, topic.length) !== undefined) hits++
      return hits
    }
    return { operations: topics.length, run }
  },
}

const matchingRetained: Case = {
  name: 'match: retained messages for #, each',
  prepare: () => {
    const map = new TopicMap<number>()
    const count = 10_000
    for (let index = 0; index < count; index++) map.set(`site/${index % 100}/${index}`, index)
    const run = () => {
      let sum = 0
      for (const [, value] of map.match('#')) sum += value
      return sum
    }
    return { operations: count, run }
  },
}

const RECEIVERS = 50
const OUTPUT_BYTES = 65_536

/** Once encoded, copied for each receiver; above QoS 0 with a Packet Identifier of its own. */
function fanningOut(qos: QoS, version: ProtocolVersion): Case {
  return {
    name: `fan out: one frame to ${RECEIVERS} outputs, QoS ${qos}, protocol ${version}, each`,
    prepare: () => {
      const outputs = Array.from({ length: RECEIVERS }, () => ({ bytes: new Uint8Array(OUTPUT_BYTES), at: 0 }))
      const fields = { topicName: 'site/line/0001', qos, retain: false, properties: noProperties }
      const payload = new Uint8Array(64)
      let identifier = 0
      const run = () => {
        const { bytes, packetIdentifierAt } = makePublishFrame(fields, payload, version)
        identifier = (identifier % 65_535) + 1
        for (const output of outputs) {
          if (output.at + bytes.length > OUTPUT_BYTES) output.at = 0
          const start = output.at
          output.at = copyBytes(output.bytes, start, bytes, 0, bytes.length)
          if (packetIdentifierAt === 0) continue
          output.bytes[start + packetIdentifierAt] = identifier >> 8
          output.bytes[start + packetIdentifierAt + 1] = identifier & 0xff
        }
        return outputs[0]!.at
      }
      return { operations: RECEIVERS, run }
    },
  }
}

/** A message that has one receiver. */
function encoding(qos: QoS, version: ProtocolVersion): Case {
  return {
    name: `encode: a PUBLISH into one output, QoS ${qos}, protocol ${version}`,
    prepare: () => {
      const output = new Uint8Array(OUTPUT_BYTES)
      const topicName = Buffer.from('site/line/0001')
      const fields = { topicName, qos, retain: false, packetIdentifier: 1, properties: noProperties }
      const payload = new Uint8Array(64)
      let at = 0
      const run = () => {
        if (at > OUTPUT_BYTES - 128) at = 0
        const { bytes } = makePublishFrame(fields, payload, version)
        at = copyBytes(output, at, bytes, 0, bytes.length)
        return at
      }
      return { operations: 1, run }
    },
  }
}

const USERS = 100_000
const ROLES = 10_000
const METER = { clientId: 'meter', userName: 'user-5', address: '', listener: '', protocolVersion: 4 } as const

/** Ten rules for each user. */
const meterRules = Array.from({ length: 10 }, (_, at) => `meters/${at}/#`)

const decidingByFile: Case = {
  name: 'decide: may a user of 100,000 publish? rules of a file',
  prepare: () => {
    const rules = meterRules.map((topic) => `topic write ${topic}`).join('\n')
    const text = Array.from({ length: USERS }, (_, at) => `user user-${at}\n${rules}`).join('\n')
    const file = parseAclFile(text, 'rules')
    const plugin = new TopicRulesPlugin('acl.file', {
      rulesFor: ({ userName }) => file.ofUsers.get(userName) ?? file.patterns,
      explainDenial: () => '',
    })
    return { operations: 1, run: () => (plugin.mayPublish(METER, { topicName: 'meters/7/x' }) ? 1 : 0) }
  },
}

const decidingByStore: Case = {
  name: 'decide: may a user of 100,000 publish? 10,000 roles of the store',
  prepare: () => {
    const directory = new Directory(() => 0)
    directory.begin({ maxUsers: USERS, maxGroups: 0, maxRoles: ROLES, maxRules: 10 * ROLES, maxBans: 0 })
    const kind = { action: 'publish', effect: 'allow', priority: 0, literal: false } as const
    const rules = meterRules.map((topic) => ({ ...kind, topic }))
    const roles = Array.from({ length: ROLES }, (_, at) => ({
      ...({ type: 'role', name: `role-${at}`, entry: { ...NEW_ROLE, rules } } as const),
    }))
    const users = Array.from({ length: USERS }, (_, at) => ({
      ...({ type: 'user', name: `user-${at}` } as const),
      entry: { ...NEW_USER, roles: [{ name: `role-${at % ROLES}`, priority: 0, id: 0 }] },
    }))
    directory.carryOut([...roles, ...users])
    const plugin = aclStore({ clock: realClock, directory } as ShippedContext)
    const message = { topicName: 'meters/7/x' } as PublishQuestion
    return { operations: 1, run: () => (plugin.mayPublish!(METER, message) === true ? 1 : 0) }
  },
}

const cases: readonly Case[] = [
  decoding(4, 0),
  decoding(5, 0),
  decoding(4, 1),
  decodingWhole,
  decodingTopic,
  acknowledging,
  matching(1000),
  matching(1_000_000),
  matchingCached,
  matchingRetained,
  fanningOut(0, 4),
  fanningOut(1, 4),
  encoding(0, 4),
  encoding(1, 5),
  decidingByFile,
  decidingByStore,
]

const word = process.argv[2] ?? ''
const rows = cases
  .filter(({ name }) => name.includes(word))
  .map((one) => {
    const samples = measure(one)
    return [one.name, significant(median(samples)), `${(spread(samples) * 100).toFixed(0)} %`]
  })
process.stdout.write(
  textTable(
    [
      { title: 'operation', align: 'left' },
      { title: 'ns', align: 'right' },
      { title: 'spread', align: 'right' },
    ],
    rows,
  ),
)
if (sink === 0.5) process.exitCode = 1
