/**
 * One attack on one broker:
 *
 *   start ── honest Clients ── calm (memory is measured) ── attack ── clean up ── memory again ── stop ── restart ── honest Clients
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SeededRandom } from '../../src/testing/random.ts'
import type { Target } from './attack.ts'
import type { AttackOrder, AttackReport, Drawn } from './attacker.ts'
import { BrokerProcess } from './broker.ts'
import { Child } from './child.ts'
import type { HonestReport } from './honest.ts'
import { writeConfig } from './posture.ts'
import type { Shape } from './shape.ts'
import { WITNESS } from './witness.ts'

const CALM_MS = 600
/** After the attack its last effects are still measured. */
const AFTERMATH_MS = 500
/**
 * An operator in a hurry; but a reload begins password checks anew, and on a busy machine one has to come to its end in
 * between.
 */
const RELOAD_EVERY_MS = 1_500
const HONEST_TIMEOUT_MS = 60_000
/** Of payloads. */
const RECORDED_BYTES = 64
/** What is given back slowly gets so long. */
const MEMORY_TIMEOUT_MS = 20_000
const STOP_TIMEOUT_MS = 15_000
/** What the log says of a store that a shape fills. */
const STORE_IS_FULL = /the store is full: persistence\.max-bytes is reached/

export interface RoundOptions {
  readonly attackMs: number
  readonly seed: number
}

/** What came of a round. What was not reached is not there. */
export interface RoundResult {
  readonly shape: string
  readonly seed: number
  parameters: string
  notes: readonly string[]
  connections: number
  honest?: HonestReport
  /** Bytes in use, without what nobody needs any more. */
  memoryBefore: number
  memoryAfter?: number
  peakResident: number
  /** Units of work of the largest turn, and of the largest step that the attack can ask for. */
  mostTurnUnits?: number
  mostRecorderBytes?: number
  /** What the flight recorder has of a Client that keeps silent: before the attack, and after it. */
  recordBefore?: readonly string[]
  recordAfter?: readonly string[]
  stepUnits: number
  restartMs?: number
  /** Beyond what limits say: the broker died, a secret was read, and so on. */
  readonly faults: string[]
}

export async function playRound(shape: Shape, random: SeededRandom, options: RoundOptions): Promise<RoundResult> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-hostile-'))
  const round = new Round(shape, folder, random, options)
  try {
    await round.play()
  } catch (error) {
    round.result.faults.push((error as Error).message)
  } finally {
    await round.end()
    await rm(folder, { recursive: true, force: true })
  }
  return round.result
}

class Round {
  readonly result: RoundResult
  readonly #shape: Shape
  readonly #folder: string
  readonly #random: SeededRandom
  readonly #options: RoundOptions
  readonly #honest = new Child(moduleOf('honest'))
  readonly #attacker = new Child(moduleOf('attacker'), { flags: ['--max-old-space-size=2048'] })
  #broker: BrokerProcess | undefined
  /** Errors that the log has to name. */
  #accuses: RegExp | undefined

  constructor(shape: Shape, folder: string, random: SeededRandom, options: RoundOptions) {
    this.#shape = shape
    this.#folder = folder
    this.#random = random
    this.#options = options
    const nothing = { parameters: '', notes: [], connections: 0, memoryBefore: 0, peakResident: 0, stepUnits: 0 }
    this.result = { shape: shape.name, seed: options.seed, ...nothing, faults: [] }
  }

  async play(): Promise<void> {
    const { result } = this
    const order: AttackOrder = { shape: this.#shape.name, seed: this.#options.seed }
    const drawn = await this.#attacker.ask<Drawn>('draw', order)
    result.parameters = drawn.parameters
    result.stepUnits = drawn.stepUnits
    this.#accuses = drawn.fillsStore ? STORE_IS_FULL : this.#shape.accuses
    const recorded = { 'recorder-payload-bytes': this.#random.chance(0.5) ? RECORDED_BYTES : 0 }
    const config = await writeConfig(this.#folder, this.#shape, { ...recorded, ...drawn.config })
    this.#broker = await this.#startBroker(config)
    await this.#honest.ask('start', {
      ports: this.#broker.ports,
      pid: this.#broker.pid,
      mayBeRefused: drawn.fillsStore,
    })
    await pause(CALM_MS)
    result.memoryBefore = await this.#memory()
    result.recordBefore = await this.#broker.recordOf(WITNESS)
    await this.#honest.ask('watch')
    const resumeLog = this.#shape.stallsLog === true ? this.#broker.stallLog() : undefined
    const broker = this.#broker
    const reloading = this.#shape.reloads === true ? setInterval(() => broker.reload(), RELOAD_EVERY_MS) : undefined
    await this.#attack()
    clearInterval(reloading)
    resumeLog?.()
    if (this.#broker.isAlive) await this.#compareMemory()
    await this.#ask()
    await this.#restart(config)
  }

  #startBroker(config: string): Promise<BrokerProcess> {
    return BrokerProcess.start(config, undefined, this.#accuses)
  }

  #target(forMs: number): Target {
    return { ports: this.#broker!.ports, seed: this.#options.seed + 1, forMs }
  }

  async #attack(): Promise<void> {
    const { attackMs } = this.#options
    const { result } = this
    try {
      const report = await this.#attacker.ask<AttackReport>('attack', this.#target(attackMs), attackMs * 3 + 20_000)
      result.notes = report.notes
      result.connections = report.connections
      if (report.leaked !== undefined)
        result.faults.push(`the attacker was sent somebody else's bytes: ${report.leaked}`)
      await pause(AFTERMATH_MS)
    } catch (error) {
      result.notes = [`the attacker: ${(error as Error).message}`]
      await this.#attacker.killed()
    }
    this.#checkAlive()
  }

  #checkAlive(): void {
    if (!this.#broker!.isAlive) this.result.faults.push(`the broker died: ${this.#broker!.lastWords}`)
  }

  async #compareMemory(): Promise<void> {
    const { result } = this
    if (!this.#attacker.isOver) {
      await this.#attacker.ask<AttackReport>('cleanUp', this.#target(10_000), 30_000).catch((error: unknown) => {
        result.notes = [...result.notes, `cleaning up: ${String(error)}`]
      })
    }
    const endsAt = performance.now() + MEMORY_TIMEOUT_MS
    do {
      result.memoryAfter = await this.#memory()
      if (result.memoryAfter - result.memoryBefore < 4e6) break
      await pause(250)
    } while (performance.now() < endsAt)
    result.peakResident = await this.#broker!.peakResident()
    result.mostTurnUnits = await this.#broker!.mostTurnUnits()
    result.mostRecorderBytes = await this.#broker!.mostRecorderBytes()
    result.recordAfter = await this.#broker!.recordOf(WITNESS)
  }

  async #memory(): Promise<number> {
    const { heap, external } = await this.#broker!.memory()
    return heap + external
  }

  /** What the honest Clients say of it. */
  async #ask(): Promise<void> {
    const honest = await this.#honest.ask<HonestReport>('report', undefined, HONEST_TIMEOUT_MS)
    this.result.honest = honest
    const kinds = new Map<string, number>()
    for (const fault of honest.faults) {
      const kind = fault.replace(/\d+ ms|-\d+/g, '…')
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
    for (const [kind, count] of kinds) this.result.faults.push(count === 1 ? kind : `${kind} (${count} times)`)
    await this.#honest.ask('leave')
    this.#checkAliveOnce()
  }

  #checkAliveOnce(): void {
    if (!this.result.faults.some((fault) => fault.startsWith('the broker died'))) this.#checkAlive()
  }

  async #restart(config: string): Promise<void> {
    const { result } = this
    const signal = this.#random.chance(0.5) ? 'SIGTERM' : 'SIGKILL'
    // Sometimes it has to stop while it is attacked.
    if (this.#random.chance(0.3) && this.#broker!.isAlive && !this.#attacker.isOver) {
      void this.#attacker.ask('attack', this.#target(2000)).catch(() => undefined)
      await pause(300)
    }
    if (this.#broker!.isAlive && !(await this.#broker!.stop(signal, STOP_TIMEOUT_MS))) {
      result.faults.push(`it does not stop within ${STOP_TIMEOUT_MS / 1000} s of ${signal}`)
    }
    this.#checkErrors()
    if (this.#accuses !== undefined && this.#broker!.accusations === 0) {
      result.faults.push(`the broker logged no error like ${this.#accuses.source}`)
    }
    this.#broker = await this.#startBroker(config)
    result.restartMs = this.#broker.startedInMs
    const faults = await this.#honest.ask<readonly string[]>('comeBack', this.#broker.ports, HONEST_TIMEOUT_MS)
    result.faults.push(...faults.map((fault) => `after the restart ${fault}`))
    if (faults.length > 0) result.notes = [...result.notes, this.#broker.lastWords]
    this.#checkErrors()
  }

  #checkErrors(): void {
    const errors = this.#broker?.errors ?? []
    if (errors.length > 0)
      this.result.faults.push(`the broker logged ${errors.length} errors: ${errors[0]!.slice(0, 600)}`)
  }

  async end(): Promise<void> {
    await Promise.all([this.#honest.killed(), this.#attacker.killed(), this.#broker?.stop('SIGKILL', STOP_TIMEOUT_MS)])
  }
}

function moduleOf(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url))
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
