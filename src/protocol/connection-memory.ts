/**
 * The memory that one Connection makes the broker hold, and the accounts charged with it: those of the Connection, its
 * user (before the login: its network) and the broker.
 *
 *   input    packets that are not complete or wait for an answer, topics behind its aliases    beyond the limit it is ended, 0x97
 *   output   what the network has not taken                                                    } beyond it QoS 0 for it is dropped,
 *   kept     packets that wait for a commit, topics behind our aliases                         } all else waits, and it is not read
 *
 * Most Connections hold nothing most of the time, and then have no such object.
 *
 * @module
 */
import { MemoryAccount } from '../base/memory-account.ts'

/** By default, there is room for this many packets of the largest size, and at least for these bytes. */
const LARGEST_PACKETS = 4
const LEAST_DEFAULT_BYTES = 67_108_864

/** What decides how much a Connection may hold. */
export interface ConnectionMemoryLimits {
  /** Bytes; 0 sets no limit. */
  readonly maxMemoryPerConnection?: number
  readonly maxPacketSize: number
}

/** The most bytes that a Connection may hold; 0 sets no limit. */
export function connectionMemoryLimit({ maxMemoryPerConnection, maxPacketSize }: ConnectionMemoryLimits): number {
  return maxMemoryPerConnection ?? Math.max(LEAST_DEFAULT_BYTES, LARGEST_PACKETS * maxPacketSize)
}

export type HeldKind = 'input' | 'output' | 'kept'

export class ConnectionMemory {
  readonly account: MemoryAccount
  readonly #bytes: Record<HeldKind, number> = { input: 0, output: 0, kept: 0 }

  constructor(owner: string, limit: number, payer: MemoryAccount) {
    this.account = new MemoryAccount('connection', owner, limit, payer)
  }

  bytes(kind: HeldKind): number {
    return this.#bytes[kind]
  }

  set(kind: HeldKind, bytes: number): void {
    this.account.add(bytes - this.#bytes[kind])
    this.#bytes[kind] = bytes
  }

  /** Once it has logged in, its user is charged. */
  belongsTo(owner: string, payer: MemoryAccount | undefined): void {
    this.account.owner = owner
    if (payer !== undefined) this.account.moveTo(payer)
  }

  /** Whether it has no room left, not even in the reserve. */
  get isFull(): boolean {
    return this.account.refuses(0, true) !== undefined
  }

  get isEmpty(): boolean {
    return this.account.bytes === 0
  }
}
