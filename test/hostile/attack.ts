/**
 * What an attack has to work with: chance from a seed, Connections of every kind, and the time until which it goes on.
 *
 * @module
 */
import type { ConnectPacket } from '../../src/codec/packets.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { connectPacket } from './packets.ts'
import { Peer } from './peer.ts'
import { MALLORY, SECRET } from './posture.ts'
import { dial, DOORS, type Door, type Ports } from './wire.ts'

/** What is attacked, and for how long. */
export interface Target {
  readonly ports: Ports
  /** For what is drawn on the way. */
  readonly seed: number
  readonly forMs: number
}

const CONNACK_TIMEOUT_MS = 20_000

export class Attack {
  readonly random: SeededRandom
  /** What it did, for the result line. */
  readonly notes: string[] = []
  /** Bytes that an attacker was sent and that are not its own to read. */
  leaked: string | undefined
  readonly ports: Ports
  readonly #endsAt: number
  readonly #over: Promise<void>
  readonly #peers = new Set<Peer>()
  #opened = 0

  constructor({ ports, seed, forMs }: Target) {
    this.ports = ports
    this.random = new SeededRandom(seed)
    this.#endsAt = performance.now() + forMs
    this.#over = new Promise((resolve) => setTimeout(resolve, forMs))
  }

  /** Time is up: whatever is still under way comes to its end. */
  get isOver(): boolean {
    return performance.now() >= this.#endsAt
  }

  note(text: string): void {
    this.notes.push(text)
  }

  /** A Connection that has sent nothing, from an address of the attacker. */
  open({ door = 'tcp' as Door, from = '127.0.0.2', version = 5 as 3 | 4 | 5 } = {}): Peer {
    const peer = new Peer(dial(door, this.ports, from), version)
    this.#peers.add(peer)
    peer.onClose = () => this.#peers.delete(peer)
    this.#opened++
    return peer
  }

  /** How many Connections it has opened. */
  get opened(): number {
    return this.#opened
  }

  /** One of the doors. */
  anyDoor(): Door {
    return this.random.pick(DOORS)
  }

  /** A Client that has logged in as `mallory`. @returns also one that was refused: see `connack` */
  async connect(clientId: string, packet: Partial<ConnectPacket> = {}, door: Door = 'tcp'): Promise<Peer> {
    const { userName, password } = MALLORY
    const peer = this.open({ door, version: packet.protocolVersion ?? 5 })
    peer.send(connectPacket(clientId, { userName, password: Buffer.from(password), ...packet }))
    await this.orOver(peer.until(() => peer.connack !== undefined, CONNACK_TIMEOUT_MS))
    return peer
  }

  /** So many of them at a time. The first comes alone: from then on its password is remembered. */
  async connectAll(count: number, make: (at: number) => Promise<Peer>, atOnce = 50): Promise<Peer[]> {
    const peers = count > 0 ? [await make(0)] : []
    for (let at = 1; at < count && !this.isOver; at += atOnce) {
      const some = Array.from({ length: Math.min(atOnce, count - at) }, (_, index) => make(at + index))
      peers.push(...(await Promise.all(some)))
    }
    return peers
  }

  /** Watches what a Client receives for what is not meant for it. */
  spy(peer: Peer): Peer {
    let tail = Buffer.alloc(0)
    peer.onBytes = (bytes) => {
      const all = Buffer.concat([tail, bytes])
      const at = all.indexOf(SECRET)
      if (at >= 0) this.leaked ??= all.subarray(Math.max(0, at - 20), at + 40).toString('latin1')
      tail = Buffer.from(all.subarray(-SECRET.length))
    }
    return peer
  }

  /** Waits for something, but no longer than the attack goes on. */
  async orOver(waited: Promise<unknown>): Promise<void> {
    await Promise.race([waited, this.#over])
  }

  /** Until time is up. */
  rest(): Promise<void> {
    return this.#over
  }

  async pause(milliseconds: number): Promise<void> {
    await this.orOver(new Promise((resolve) => setTimeout(resolve, milliseconds)))
  }

  /** Lets answers come in. */
  breathe(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }

  /** Does something again and again, one after the other, until time is up. */
  async again(once: (count: number) => unknown, most = Infinity): Promise<number> {
    let count = 0
    while (!this.isOver && count < most) {
      await this.orOver(Promise.resolve(once(count++)))
      if (count % 8 === 0) await this.breathe()
    }
    return count
  }

  hangUp(): void {
    for (const peer of this.#peers) peer.hangUp()
  }
}
