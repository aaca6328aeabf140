/**
 * Honest Clients that come while others attack: each of them logs in with its password, through one door after the
 * other. @module
 */
import { loginOf } from './pair.ts'
import { Peer } from './peer.ts'
import { Worst, type WorkMeter } from './work-meter.ts'
import { dial, DOORS, type Ports } from './wire.ts'

const EVERY_MS = 150
/** A Client that waits longer gives up. */
const PATIENCE_MS = 30_000

export class Newcomers {
  readonly worst = new Worst()
  logins = 0
  readonly faults: string[] = []
  readonly #ports: Ports
  readonly #work: WorkMeter
  readonly #open = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #came = 0

  constructor(ports: Ports, work: WorkMeter) {
    this.#ports = ports
    this.#work = work
    this.#timer = setInterval(() => {
      const visit = this.#visit(++this.#came).finally(() => this.#open.delete(visit))
      this.#open.add(visit)
    }, EVERY_MS)
  }

  /** What was until now does not count. */
  watch(): void {
    this.worst.forget()
    this.logins = 0
  }

  async #visit(number: number): Promise<void> {
    const door = DOORS[number % DOORS.length]!
    const begin = this.#work.now()
    const peer = new Peer(dial(door, this.#ports, '127.0.0.1'))
    peer.send(loginOf(`newcomer-${number}`))
    const isAnswered = await peer.until(() => peer.connack !== undefined, PATIENCE_MS)
    this.worst.add(begin, this.#work.now())
    const tookMs = performance.now() - begin.atMs
    if (!isAnswered)
      this.#fault(
        `a newcomer by ${door} was ${peer.isClosed ? 'cut off' : 'not answered'} after ${tookMs.toFixed(0)} ms`,
      )
    else if (peer.connack!.reasonCode === 0) this.logins++
    else this.#fault(`a newcomer by ${door} was refused: 0x${peer.connack!.reasonCode.toString(16)}`)
    peer.hangUp()
  }

  #fault(text: string): void {
    this.faults.push(text)
  }

  /** Nobody comes any more, and whoever came has been answered. */
  async settled(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#open)
  }

  leave(): void {
    clearInterval(this.#timer)
  }
}
