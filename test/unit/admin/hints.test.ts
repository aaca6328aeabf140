/** Each hint is given by what provokes it, and not by what looks like it. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { HintView } from '../../../src/broker/host/why-view.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { root } from '../../../tools/main.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 3600 } } as const
const ALIVE = { keepAlive: 60 } as const

interface Case {
  readonly name: string
  readonly text: RegExp
  readonly provokes: (broker: VirtualBroker) => void
  readonly looksLikeIt: (broker: VirtualBroker) => void
}

function takeOver(broker: VirtualBroker, times: number): void {
  for (let at = 0; at <= times; at++) {
    broker.connect({ clientId: 'meter', ...ALIVE })
    broker.advance(2000)
  }
}

function leave(broker: VirtualBroker, clientIds: readonly string[]): void {
  for (const clientId of clientIds) broker.connect({ clientId, ...KEPT, ...ALIVE }).drop()
}

const random = Array.from({ length: 25 }, (_, at) => `mqttjs_${(0x1000_0000 + at).toString(16)}`)

const cases: readonly Case[] = [
  {
    name: 'one identifier, two clients',
    text: /^Connections of "meter" are taken over again and again: two clients use one identifier/,
    provokes: (broker) => takeOver(broker, 4),
    looksLikeIt: (broker) => takeOver(broker, 1),
  },
  {
    name: 'Keep Alive 0',
    text: /^"meter" asked for Keep Alive 0/,
    provokes: (broker) => broker.connect({ clientId: 'meter', keepAlive: 0 }),
    looksLikeIt: (broker) => {
      broker.connect({ clientId: 'meter', keepAlive: 60 })
      broker.connect({ clientId: 'gone', keepAlive: 0 }).disconnect()
    },
  },
  {
    name: 'sessions under random identifiers',
    text: /^25 sessions wait for clients whose identifiers look random \("mqttjs_.* and 20 others\)/,
    provokes: (broker) => leave(broker, random),
    looksLikeIt: (broker) => {
      leave(broker, random.slice(0, 10))
      leave(
        broker,
        Array.from({ length: 30 }, (_, at) => `meter-${at}`),
      )
    },
  },
  {
    name: 'retained flood',
    text: /^"logger" has 10000 retained messages/,
    provokes: (broker) => retain(broker, ['logger']),
    looksLikeIt: (broker) => retain(broker, ['a', 'b', 'c']),
  },
  {
    name: 'filter that never matches',
    text: /^No message on record matches the filter "plant\/Attic" of "meter", and "plant\/attic" nearly does \(the case of letters differs\)/,
    provokes: (broker) => {
      broker.connect({ clientId: 'meter', ...ALIVE }).subscribe('plant/Attic')
      broker.connect({ clientId: 'sensor', ...ALIVE }).publish('plant/attic', 'x')
    },
    looksLikeIt: (broker) => {
      broker
        .connect({ clientId: 'meter', ...ALIVE })
        .subscribe(['plant/#', 'quite/another/thing', 'lamp/7/set', 'lamp/+/reset'])
      const lamp = broker.connect({ clientId: 'sensor', ...ALIVE })
      for (const topic of ['plant/attic', 'lamp/7/state', 'lamp/8/set', 'lamp/7/set/done']) lamp.publish(topic, 'x')
    },
  },
  {
    name: 'QoS that nobody subscribes at',
    text: /^"sensor" publish at a higher QoS than any subscription has \("a" at QoS 2, subscriptions at QoS 0\)/,
    provokes: (broker) => {
      broker.connect({ clientId: 'meter', ...ALIVE }).subscribe(['#', '$share/g/a'])
      broker.connect({ clientId: 'sensor', ...ALIVE }).publish('a', 'x', 2)
    },
    looksLikeIt: (broker) => {
      broker.connect({ clientId: 'meter', ...ALIVE }).subscribe('#', 0)
      broker.connect({ clientId: 'other', ...ALIVE }).subscribe('$share/g/a', 2)
      const sensor = broker.connect({ clientId: 'sensor', ...ALIVE })
      sensor.publish('a', 'x', 2)
      sensor.publish('a', 'x', 0)
    },
  },
]

/** 10,000 retained messages, the same number of each publisher. */
function retain(broker: VirtualBroker, clientIds: readonly string[]): void {
  const publishers = clientIds.map((clientId) => broker.connect({ clientId, ...ALIVE }))
  const message = { type: PacketType.PUBLISH, dup: false, qos: 0, retain: true, packetIdentifier: 0 } as const
  const payload = Buffer.from('x')
  for (let first = 0; first < 10_000; first += 500) {
    const packets = Array.from({ length: 500 }, (_, at) => `log/${first + at}`)
    publishers[(first / 500) % publishers.length]!.send(
      ...packets.map((topicName) => ({ ...message, topicName, properties: noProperties, payload })),
    )
  }
}

async function hintsAfter(happens: (broker: VirtualBroker) => void): Promise<readonly HintView[]> {
  const broker = await VirtualBroker.start()
  happens(broker)
  const hints = await settled(broker, broker.broker.admin.hints())
  await broker.close()
  return hints
}

for (const { name, text, provokes, looksLikeIt } of cases) {
  test(`hint: ${name}`, async () => {
    const hints = await hintsAfter(provokes)
    assert.deepEqual(
      hints.map((hint) => hint.name),
      [name],
    )
    assert.match(hints[0]!.text, text)
    assert.ok(hints[0]!.clientIds.length > 0)
    const [page, heading] = hints[0]!.link.split('#')
    assert.ok(existsSync(join(root, page!)), page)
    const headings = [...readFileSync(join(root, page!), 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      slug(title!),
    )
    assert.ok(headings.includes(heading!), heading)
  })

  test(`no hint: what only looks like "${name}"`, async () => {
    assert.deepEqual(await hintsAfter(looksLikeIt), [])
  })
}

function slug(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-')
}
