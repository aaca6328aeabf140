/** The results of a run, and the stopwatch that takes the figures at its start and end. @module */
import { Latencies, type Percentiles } from './latency.ts'

/** The resources used by the broker; known only if its process is accessible. */
export interface BrokerUsage {
  /** Of the whole process including its threads, without its children. */
  readonly processorMicroseconds: number
  readonly residentBytes: number
  readonly peakBytes: number
}

/** Returns the present usage of the broker. */
export type UsageProbe = () => BrokerUsage | undefined

/** The number of items that the broker holds, and the cost of each. */
export interface Held {
  readonly count: number
  /** How fast they were created. */
  readonly perSecond: number
  readonly bytesEach: number | undefined
  /** Broker processor time for creating one. */
  readonly processorMicrosecondsEach: number | undefined
  /** The share of one core that the broker uses while they are idle. */
  readonly idleShare: number | undefined
}

/** A start with stored data. */
export interface Restart {
  /** From the start of the process until it accepts connections. */
  readonly seconds: number
  readonly peakBytes: number | undefined
}

export interface Measurement {
  /** Delivered in the measured time. */
  readonly messages: number
  readonly seconds: number
  /** Broker processor time per delivered message. */
  readonly brokerMicroseconds: number | undefined
  /** This process's own processor time per delivered message; unknown if it polls the clock. */
  readonly generatorMicroseconds: number | undefined
  /**
   * `generator` if the broker had time left and the generator had not: the row then tells nothing about the broker's
   * rate.
   */
  readonly limitedBy: 'generator' | undefined
  /** From the write of a message to the read of its delivery. */
  readonly latency: Percentiles
  readonly peakBytes: number | undefined
  /** Messages that never arrived. */
  readonly lost: number
  readonly held?: Held
  /** From the start of the process until it accepted connections, for rows that measure it. */
  readonly startMs?: number
  /** The start after a kill, for rows that include one. */
  readonly restart?: Restart | undefined
  /** The longest turn of the broker's event loop, if it is published. */
  readonly longestTurnMs?: number | undefined
}

/** Above this share of a core a process counts as busy. */
const BUSY = 0.93
/**
 * A polling process counts as busy if it polls less often than this; without work it polls more than 100,000 times a
 * second.
 */
const BUSY_POLLS_PER_SECOND = 2000

interface Reading {
  readonly at: number
  readonly broker: BrokerUsage | undefined
  readonly generatorMicroseconds: number
  readonly messages: number
  readonly polls: number
}

/** Counts deliveries, and reads the processor times on command. */
export class Stopwatch {
  readonly latencies = new Latencies()
  /** Deliveries so far. */
  messages = 0
  /** Turns of the event loop of a process that polls deliberately: its own processor time is meaningless then. */
  polls = 0
  readonly #probe: UsageProbe
  #begin: Reading | undefined

  constructor(probe: UsageProbe) {
    this.#probe = probe
  }

  begin(): void {
    this.latencies.reset()
    this.#begin = this.#read()
  }

  /** @param lost messages that never arrived, if already known */
  end(lost = 0): Measurement {
    const begin = this.#begin!
    const end = this.#read()
    const messages = end.messages - begin.messages
    const wallMicroseconds = (end.at - begin.at) * 1000
    const generator = end.generatorMicroseconds - begin.generatorMicroseconds
    const broker =
      begin.broker && end.broker ? end.broker.processorMicroseconds - begin.broker.processorMicroseconds : undefined
    const polls = end.polls - begin.polls
    const generatorBusy =
      polls === 0 ? generator > BUSY * wallMicroseconds : (polls * 1e6) / wallMicroseconds < BUSY_POLLS_PER_SECOND
    return {
      messages,
      seconds: wallMicroseconds / 1e6,
      brokerMicroseconds: broker === undefined || messages === 0 ? undefined : broker / messages,
      generatorMicroseconds: polls > 0 || messages === 0 ? undefined : generator / messages,
      limitedBy: generatorBusy && (broker ?? 0) < BUSY * wallMicroseconds ? 'generator' : undefined,
      latency: this.latencies.percentiles(),
      peakBytes: end.broker?.peakBytes,
      lost,
    }
  }

  #read(): Reading {
    const { user, system } = process.cpuUsage()
    return {
      at: performance.now(),
      broker: this.#probe(),
      generatorMicroseconds: user + system,
      messages: this.messages,
      polls: this.polls,
    }
  }
}
