/** All devices of a scenario. @module */
import type { Clock } from '../../../base/clock.ts'
import type { ClientOptions } from '../../../client/client-options.ts'
import { Device, type Dial, type Totals } from './device.ts'
import type { Kind } from './scenario.ts'

export class Fleet {
  readonly totals: Totals = {
    connected: 0,
    logins: 0,
    published: 0,
    acknowledged: 0,
    received: 0,
    failed: 0,
    errors: new Map(),
  }
  readonly #devices: readonly (readonly [device: Device, startMs: number])[]
  readonly #clock: Clock

  /** @throws {UsageError} for a template that is wrong */
  constructor(kinds: readonly Kind[], options: Partial<ClientOptions>, clock: Clock, dial: Dial) {
    this.#clock = clock
    this.#devices = kinds.flatMap((kind) =>
      Array.from({ length: kind.count }, (_, index) => {
        const device = new Device(kind, index + 1, options, clock, dial, this.totals)
        return [device, (index * 1000) / kind.connectRate] as const
      }),
    )
  }

  /** How many devices there are. */
  get size(): number {
    return this.#devices.length
  }

  /** Begins to connect them, at the pace of their kinds. */
  start(): void {
    for (const [device, startMs] of this.#devices) this.#clock.setTimer(startMs, () => device.start())
  }

  /** Ends all of them with DISCONNECT. */
  stop(): void {
    for (const [device] of this.#devices) device.stop()
  }
}
