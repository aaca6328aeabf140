/**
 * What the Server says to a Client: bytes as hex, PUBLISH packets in short. For the scenes of both standards.
 *
 * @module
 */
import type { PublishPacket } from '../../src/codec/packets.ts'
import type { TestClient } from '../support/test-client.ts'
import { bytesOf } from '../unit/codec/packet-bytes.ts'

const takenBytes = new WeakMap<TestClient, number>()

/** The first so many bytes are known: `takeHex` begins behind them. */
export function knowBytes(client: TestClient, upTo: number): void {
  takenBytes.set(client, upTo)
}

/** Every byte that came since the last time, as hex. */
export function takeHex(client: TestClient): string {
  const from = takenBytes.get(client) ?? 0
  takenBytes.set(client, client.bytes.length)
  client.take()
  return client.bytes.subarray(from).toString('hex')
}

/** What the Server says to these bytes, as hex. */
export function answer(client: TestClient, notation: string | Uint8Array): string {
  takeHex(client)
  client.sendBytes(typeof notation === 'string' ? bytesOf(notation) : notation)
  return takeHex(client)
}

/** PUBLISH packets in short: `topic payload` with `q1`, `q2`, `retain`, `dup` where they hold. */
export function inShort(packets: readonly PublishPacket[]): string[] {
  return packets.map(({ topicName, payload, qos, retain, dup }) =>
    [
      topicName,
      Buffer.from(payload).toString(),
      ...(qos > 0 ? [`q${qos}`] : []),
      ...(retain ? ['retain'] : []),
      ...(dup ? ['dup'] : []),
    ].join(' '),
  )
}
