/** A store with messages for members of a Shared Subscription that are away, whose payloads are only there. @module */
import type { Properties } from '../../../src/codec/properties.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

export const SHARED = '$share/group/a'
export const SECONDS_AWAY = 60

export function start(disk: MemoryDisk, options: object = {}): Promise<VirtualBroker> {
  return VirtualBroker.start({ listeners: {}, persistence: { durability: 'disk' }, ...options }, { disk })
}

export async function member(
  broker: VirtualBroker,
  clientId: string,
  properties: Properties = {},
): Promise<TestClient> {
  const client = broker.connect({ clientId, properties })
  await broker.settle()
  client.subscribe(SHARED, 1)
  await broker.settle()
  client.take()
  return client
}

/** A disk with these messages for Clients that are away, as the next start finds it. */
export async function filled(payloads: readonly string[], away: readonly string[] = ['away']): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  for (const clientId of away) (await member(broker, clientId, { sessionExpiryInterval: SECONDS_AWAY })).drop()
  const publisher = broker.connect({ clientId: 'publisher' })
  for (const [at, payload] of payloads.entries()) {
    publisher.publish('a', payload, 1)
    if (at % 50 === 0) await broker.settle()
  }
  await broker.settle()
  return disk.crash()
}

/** The Sessions expire. */
export async function expire(broker: VirtualBroker): Promise<void> {
  broker.advance((SECONDS_AWAY + 1) * 1000)
  await broker.settle()
}

/** What a start finds there of Sessions that had ended: no member has come back by then, so that it is dropped. */
export async function foundEnded(disk: MemoryDisk): Promise<{ readonly sessionEnded: number; readonly all: number }> {
  const broker = await start(disk)
  broker.advance(1000)
  await broker.settle()
  const found = { sessionEnded: broker.broker.metrics.dropped['session ended'], all: droppedOf(broker) }
  await broker.close()
  return found
}

/** How many messages wait for `away` after a start. */
export async function foundWaiting(disk: MemoryDisk, options: object = {}): Promise<number> {
  const broker = await start(disk, options)
  const { queuedMessages } = (await broker.broker.session('away'))!
  await broker.close()
  return queuedMessages
}

export async function received(broker: VirtualBroker, client: TestClient): Promise<string[]> {
  const payloads: string[] = []
  for (let quiet = 0; quiet < 3;) {
    const some = client.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
    payloads.push(...some)
    quiet = some.length === 0 ? quiet + 1 : 0
    await broker.settle()
  }
  return payloads
}

export function droppedOf(broker: VirtualBroker): number {
  return Object.values(broker.broker.metrics.dropped).reduce((sum, count) => sum + count, 0)
}

export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `message ${at}.`)
}

/** No payload is read until `go`; for ever without it. */
export function held(disk: MemoryDisk): { readonly go: () => void } {
  let go = (): void => {}
  const gate = new Promise<void>((resolve) => (go = resolve))
  disk.options.before = (operation) => (operation === 'read' ? gate : undefined)
  return { go: () => go() }
}
