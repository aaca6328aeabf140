/**
 * The honest Clients' process: a pair that speaks all the time, some that only listen, some that come and go through
 * every door, one that is away and is written to, and one that keeps silent. It measures how long the worst of them had
 * to wait.
 *
 * @module
 */
import { answerRequests } from './child.ts'
import { Keeper } from './keeper.ts'
import { Newcomers } from './newcomers.ts'
import { Pair } from './pair.ts'
import { Witness } from './witness.ts'
import { WorkMeter } from './work-meter.ts'
import type { Ports } from './wire.ts'

/** What became of the honest Clients. */
export interface HonestReport {
  /** Milliseconds from a PUBLISH until the subscriber has it: the worst of all. */
  readonly worstWaitMs: number
  /** How long the broker worked in the meantime, which a busy machine does not change. */
  readonly worstWorkMs: number
  readonly messages: number
  /** Milliseconds from the first byte until CONNACK: the worst of all. */
  readonly worstLoginMs: number
  readonly worstLoginWorkMs: number
  readonly logins: number
  /** What went wrong for them, one sentence each. */
  readonly faults: readonly string[]
}

let pair: Pair
let newcomers: Newcomers
let keeper: Keeper
let witness: Witness

interface Start {
  readonly ports: Ports
  readonly pid: number
  /** While the store is full their messages may be refused. */
  readonly mayBeRefused: boolean
}

async function start({ ports, pid, mayBeRefused }: Start): Promise<void> {
  const work = new WorkMeter(pid)
  pair = new Pair(ports, work, { mayBeRefused })
  await pair.start()
  keeper = new Keeper(ports, mayBeRefused)
  await keeper.start()
  witness = new Witness(ports)
  await witness.start()
  newcomers = new Newcomers(ports, work)
}

/** From here on it counts. */
function watch(): void {
  pair.watch()
  newcomers.watch()
}

async function report(): Promise<HonestReport> {
  await Promise.all([pair.settled(), newcomers.settled(), keeper.settled()])
  return {
    worstWaitMs: pair.worst.waitMs,
    worstWorkMs: pair.worst.workMs,
    messages: pair.messages,
    worstLoginMs: newcomers.worst.waitMs,
    worstLoginWorkMs: newcomers.worst.workMs,
    logins: newcomers.logins,
    faults: [...pair.faults, ...newcomers.faults, ...keeper.faults, ...witness.faults],
  }
}

function leave(): void {
  pair.leave()
  newcomers.leave()
  keeper.leave()
  witness.leave()
}

/** After a restart: the mail is there, and a pair is served. @returns what is wrong */
async function comeBack(ports: Ports): Promise<readonly string[]> {
  const faults = await keeper.fetchMail(ports)
  // Their Client Identifiers were free since they left, and whoever attacked until the end may have Sessions under
  // them.
  const again = new Pair(ports, new WorkMeter(0), { prefix: 'again-' })
  await again.start()
  again.watch()
  await new Promise((resolve) => setTimeout(resolve, 100))
  await again.settled()
  again.leave()
  return [...faults, ...again.faults]
}

answerRequests({ start, watch, report, leave, comeBack })
