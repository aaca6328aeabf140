/** A fleet that is lost at once, with a Will each: a subscriber that reads gets every one of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { PublishPacket } from '../../../src/codec/packets.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

const COUNT = 19_000
/** Messages that the subscriber takes in a millisecond. */
const TAKEN = 10

/** A subscriber that reads all the time, and acknowledges each message when it has worked on it. */
class Reader {
  readonly texts: string[] = []
  readonly #client: TestClient
  #waiting: PublishPacket[] = []

  constructor(client: TestClient) {
    this.#client = client
  }

  /** Works for a millisecond. */
  work(): void {
    this.#waiting.push(...this.#client.take().filter((packet) => packet.type === PacketType.PUBLISH))
    for (const { payload, packetIdentifier } of this.#waiting.splice(0, TAKEN)) {
      this.texts.push(Buffer.from(payload).toString())
      this.#client.acknowledge(PacketType.PUBACK, packetIdentifier)
    }
  }
}

for (const [what, delaySeconds, config] of [
  ['whose connections are lost', 0, {}],
  ['that are due after the same delay', 30, {}],
  ['that do not fit into its queue', 0, { 'max-queued-messages-connected': 5000 }],
] as const) {
  test(`19,000 Wills ${what} at once: one subscriber at QoS 1 that reads gets each of them once`, async () => {
    const broker = await VirtualBroker.start(config)
    const reader = broker.connect({ clientId: 'reader' })
    reader.subscribe('will/#', 1)
    const properties = delaySeconds === 0 ? {} : { sessionExpiryInterval: 1000 }
    const will = { qos: 1, properties: delaySeconds === 0 ? {} : { willDelayInterval: delaySeconds } } as const
    const leavers = Array.from({ length: COUNT }, (_, at) => {
      const own = { ...will, topicName: `will/${at}`, payload: Buffer.from(String(at)) }
      return broker.connect({ clientId: `leaver-${at}`, cleanStart: false, properties, will: own })
    })
    for (const leaver of leavers) leaver.drop()
    broker.advance(delaySeconds * 1000)
    const reading = new Reader(reader)
    for (let ms = 0; reading.texts.length < COUNT && ms < (2 * COUNT) / TAKEN; ms++) {
      reading.work()
      broker.advance(1)
    }
    assert.equal(reading.texts.length, COUNT)
    assert.equal(new Set(reading.texts).size, COUNT)
    assert.equal(broker.broker.metrics.willsPublished, COUNT)
    assert.equal(broker.broker.metrics.dropped['queue full'], 0)
    await broker.close()
  })
}
