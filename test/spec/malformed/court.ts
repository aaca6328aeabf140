/**
 * Puts faulty packets before a whole Broker and looks at the answer: exactly what section 6 of the standard's tables
 * says, and no other effect. 5.0: CONNACK or DISCONNECT with the Reason Code, then the close; before it: the close
 * alone.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { Plugin } from '../../../src/access/plugin.ts'
import { PacketType, type ProtocolVersion } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { METHOD } from './samples.ts'
import { sessionsOf } from '../../support/sessions.ts'

/** Lets everybody in, by any method. */
const everyone: Plugin = { name: 'everyone', authenticate: () => ({ decision: 'allow' }) }

/** A name for tests: `5.0`. */
export const VERSION_NAMES = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const

/** The rule that every answer here keeps; 3.1 has none of that name. */
export const RULES = { 3: '', 4: ' [3.1.1 MQTT-4.8.0-1]', 5: ' [5.0 MQTT-4.13.1-1]' } as const

export class Court {
  readonly #broker: VirtualBroker
  /** Hears everything that a faulty packet should not have done. */
  readonly #witness: TestClient

  private constructor(broker: VirtualBroker) {
    this.#broker = broker
    this.#witness = broker.connect({ clientId: 'witness' })
    this.#witness.subscribe('#')
  }

  static async open(): Promise<Court> {
    return new Court(await VirtualBroker.start({ auth: { plugins: [everyone] }, 'receive-maximum': 65_535 }))
  }

  /** Ends, and looks whether all is as it was: nobody else noticed, and nothing went wrong inside the Server. */
  async close(): Promise<void> {
    const { broker } = this.#broker
    assert.equal(this.#witness.isClosed, false)
    assert.equal(broker.metrics.internalErrors, 0)
    assert.deepEqual(
      sessionsOf(broker).map(({ clientId }) => clientId),
      ['witness'],
    )
    await this.#broker.close()
  }

  #connected(version: ProtocolVersion): TestClient {
    const client = this.#broker.open(version)
    client.connect({ clientId: 'faulty', properties: { authenticationMethod: METHOD } })
    assert.equal(client.connack?.reasonCode, 0)
    assert.deepEqual(client.take(), [])
    return client
  }

  /** A Client that may send that packet now: a new one for CONNECT, otherwise a connected one. */
  clientFor(version: ProtocolVersion, isConnect: boolean): TestClient {
    return isConnect ? this.#broker.open(version) : this.#connected(version)
  }

  /** The packet is answered by that Reason Code and the close; `undefined`: by the close alone, in every version. */
  refuses(version: ProtocolVersion, bytes: Uint8Array, reasonCode: number | undefined, isConnect = false): void {
    const what = `version ${VERSION_NAMES[version]}: ${Buffer.from(bytes).toString('hex')}`
    const client = this.clientFor(version, isConnect)
    client.sendBytes(bytes)
    const told = version === 5 && reasonCode !== undefined
    const type = isConnect ? PacketType.CONNACK : PacketType.DISCONNECT
    assert.deepEqual(
      client.take().map((packet) => [packet.type, 'reasonCode' in packet ? packet.reasonCode : 'none']),
      told ? [[type, reasonCode]] : [],
      what,
    )
    assert.equal(client.isClosed, true, what)
    assert.deepEqual(this.#witness.take(), [], what)
  }

  /** The packet is taken. The Connection lives on, unless it is a DISCONNECT, and is ended by the test. */
  takes(version: ProtocolVersion, bytes: Uint8Array): void {
    const what = `version ${VERSION_NAMES[version]}: ${Buffer.from(bytes).toString('hex')}`
    const type = bytes[0]! >> 4
    const client = this.clientFor(version, type === PacketType.CONNECT)
    client.sendBytes(bytes)
    const wrong = client.take().find((packet) => packet.type === PacketType.DISCONNECT)
    assert.deepEqual([wrong, client.isClosed], [undefined, type === PacketType.DISCONNECT], what)
    client.disconnect()
    this.#witness.take()
  }

  /** The packet is not whole: nothing is said, and when the peer is gone nothing has come to pass. */
  waits(version: ProtocolVersion, bytes: Uint8Array, isConnect: boolean): void {
    const client = this.clientFor(version, isConnect)
    client.sendBytes(bytes)
    assert.deepEqual([client.take(), client.isClosed], [[], false], Buffer.from(bytes).toString('hex'))
    client.drop()
    assert.deepEqual(this.#witness.take(), [])
  }
}
