/**
 * A broker with very many clients: some over sockets, from a process of their own, and the rest attached without any,
 * each with a subscription of its own; and a load of messages for the attached ones.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openFiles } from '../../src/limits/open-files.ts'
import { createBroker, type Broker, type ConfigInput } from '../../src/index.ts'
import type { Incoming, Transport } from '../../src/protocol/transport.ts'
import { root } from '../../tools/main.ts'
import { bytesOf, connectPacket, publishPacket, subscribePacket } from '../hostile/packets.ts'

/** Files that the processes need for everything else. */
const OTHER_FILES = 500
const TICK_MS = 10
/** Clients that are attached before others get a turn. */
const ATTACHED_AT_ONCE = 500

export interface CrowdSizes {
  readonly clients: number
  /** Of them, at most so many over sockets; fewer if the process may not open so many files. */
  readonly sockets: number
  /** Besides the listener and the limits. */
  readonly config?: ConfigInput
}

/** Takes everything, and counts it. */
class QuietTransport implements Transport {
  readonly unsentBytes = 0
  writes = 0

  write(): boolean {
    this.writes++
    return true
  }

  pauseReading(): void {}
  resumeReading(): void {}
  end(): void {}
  destroy(): void {}
}

export class Crowd implements AsyncDisposable {
  readonly broker: Broker
  readonly #attached: number
  readonly #publisher: Incoming
  #next = 0
  #timer: NodeJS.Timeout | undefined
  readonly #leave: () => Promise<unknown>

  private constructor(broker: Broker, attached: number, publisher: Incoming, leave: () => Promise<unknown>) {
    this.broker = broker
    this.#attached = attached
    this.#publisher = publisher
    this.#leave = leave
  }

  static async gather({ clients, sockets, config = {} }: CrowdSizes): Promise<Crowd> {
    const unlimited = { 'max-connections': 0, 'max-sessions': 0, 'max-memory': 0, 'sys-interval': 0 }
    const broker = await createBroker({ listeners: { default: { bind: '127.0.0.1:0' } }, ...unlimited, ...config })
    const bySocket = Math.max(0, Math.min(sockets, openFiles.limit - openFiles.count() - OTHER_FILES))
    const leave = await overSockets(broker.listeners[0]!.port!, bySocket)
    const attached = clients - bySocket - 1
    for (let at = 0; at < attached; at++) {
      const clientId = `attached-${at}`
      const subscribe = subscribePacket(1, [`own/${at}`])
      attach(broker, bytesOf(connectPacket(clientId, { keepAlive: 0 }), subscribe))
      if (at % ATTACHED_AT_ONCE === 0) await connected(broker, bySocket + at + 1)
    }
    const publisher = attach(broker, bytesOf(connectPacket('publisher', { keepAlive: 0 })))
    await connected(broker, clients)
    return new Crowd(broker, attached, publisher, leave)
  }

  /** Publishes so many messages a second, one after the other to each attached client, until the end. */
  beginLoad(messagesPerSecond: number): void {
    const each = Math.round((messagesPerSecond * TICK_MS) / 1000)
    this.#timer = setInterval(() => this.publish(each), TICK_MS)
  }

  publish(count: number): void {
    const packets = Array.from({ length: count }, () => {
      this.#next = (this.#next + 1) % this.#attached
      return publishPacket(`own/${this.#next}`, 'x'.repeat(64))
    })
    this.#publisher.receive(bytesOf(...packets))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.broker.close({ timeoutMs: 100 })
    await this.#leave()
  }
}

/** A broker answers so many logins in a turn, and gives up the oldest that wait when there are very many. */
async function connected(broker: Broker, count: number): Promise<void> {
  while ((broker.figure('clientsConnected')!.value as number) < count) {
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

function attach(broker: Broker, bytes: Uint8Array): Incoming {
  const incoming = broker.accept(new QuietTransport(), {
    listener: 'attached',
    address: '192.0.2.1',
    encrypted: false,
  })!
  incoming.receive(bytes)
  return incoming
}

/** @returns ends them */
async function overSockets(port: number, count: number): Promise<() => Promise<unknown>> {
  const program = join(root, 'build/test/support/socket-crowd.js')
  const child = spawn(process.execPath, [program, String(port), String(count)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(() => Promise.reject(new Error('the clients over sockets have ended'))),
  ])
  return () => {
    child.stdin.end()
    return exited
  }
}
