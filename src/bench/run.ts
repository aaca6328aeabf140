/** Performs one run: a new generator process drives one broker with one job, within a time limit. @module */
import { fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { moduleUrl } from '../base/module-url.ts'
import { Child } from './process.ts'
import type { BrokerKind } from './own-broker.ts'
import type { Measurement } from './driver/measurement.ts'
import type { GeneratorAnswer, GeneratorRequest } from './generator.ts'
import { readUsage } from './usage.ts'
import { jobOf, type Workload } from './workloads.ts'

/** The most time for connecting, subscribing, settling and draining, in addition to the measured time. */
const MARGIN_MS = 120_000

const program = fileURLToPath(moduleUrl('bench/generator'))

/**
 * Drives a running broker.
 *
 * @throws if the generator fails, or takes a minute longer than planned
 */
export async function generate(request: GeneratorRequest): Promise<Measurement> {
  const process = fork(program, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'advanced' })
  const child = new Child(process, 'the generator')
  const { job } = request
  const limitMs = (job.seconds + job.warmUpSeconds) * 1000 + MARGIN_MS
  let timer: NodeJS.Timeout | undefined
  try {
    const answer = await new Promise<GeneratorAnswer>((resolve) => {
      process.once('message', (message) => resolve(message as GeneratorAnswer))
      process.once('close', () => resolve({ error: `the generator ended: ${child.complaint}` }))
      timer = setTimeout(() => resolve({ error: `no result after ${limitMs / 1000} s` }), limitMs)
      process.send(request)
    })
    if ('error' in answer) throw new Error(answer.error)
    return answer.measurement
  } finally {
    clearTimeout(timer)
    await child.stop()
  }
}

/** Starts a broker, runs one row, and stops it. */
export async function runOnce(kind: BrokerKind, workload: Workload, seconds: number): Promise<Measurement> {
  if (workload.shape.kind === 'start') return measureStart(kind, workload)
  const broker = await kind.start(workload)
  const job = jobOf(workload, seconds)
  try {
    const measurement = await generate({ target: broker.target, job, pid: broker.pid, turnTopic: kind.turnTopic })
    const restarts = workload.shape.kind === 'durable' && workload.shape.restarts === true
    return restarts ? { ...measurement, restart: await broker.restart?.() } : measurement
  } finally {
    await broker.stop()
  }
}

/** Lets a start settle before the memory is read. */
const SETTLE_MS = 500

const noLatency = { p50: NaN, p99: NaN, p999: NaN }

async function measureStart(kind: BrokerKind, workload: Workload): Promise<Measurement> {
  const begin = performance.now()
  const broker = await kind.start(workload)
  try {
    const startMs = performance.now() - begin
    const started = readUsage(broker.pid)
    await sleep(SETTLE_MS)
    const settled = readUsage(broker.pid)
    return {
      ...{ messages: 0, seconds: startMs / 1000, lost: 0, latency: noLatency, limitedBy: undefined },
      ...{ brokerMicroseconds: undefined, generatorMicroseconds: undefined, peakBytes: settled?.peakBytes, startMs },
      held: {
        ...{ count: 1, perSecond: NaN, idleShare: undefined },
        bytesEach: settled?.residentBytes,
        processorMicrosecondsEach: started?.processorMicroseconds,
      },
    }
  } finally {
    await broker.stop()
  }
}
