/** Runs brokers as child processes: kinds of brokers, and ours, the program itself. @module */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { moduleUrl } from '../base/module-url.ts'
import { version } from '../broker/version.ts'
import type { Durability } from '../stores/store.ts'
import type { Target } from './driver/raw-connection.ts'
import type { Restart } from './driver/measurement.ts'
import { freePort, listening, makeFolder, removeFolder, startChild, type Child } from './process.ts'
import { OURS } from './results.ts'
import { sluiceConfig } from './sluice-config.ts'
import { readUsage } from './usage.ts'
import type { Workload } from './workloads.ts'

/** A running broker. */
export interface RunningBroker {
  readonly target: Target
  readonly pid: number
  stop(): Promise<void>
  /** Kills it, and starts it again with its stored data. */
  restart?(): Promise<Restart>
}

/** How to start one kind of broker. */
export interface BrokerKind {
  readonly name: string
  /** As the broker reports it. */
  readonly version: string
  /** The topic on which it publishes its longest turn, in milliseconds. */
  readonly turnTopic?: string
  /** Whether it stores what it acknowledges, in which case it takes part only in rows that measure storing. */
  readonly stores?: boolean
  readonly start: (workload: Workload) => Promise<RunningBroker>
}

/**
 * Waits until `child` listens at `target`; `folder` is removed when it stops. @throws its output if it does not start
 */
export async function running(child: Child, target: Target, folder?: string): Promise<RunningBroker> {
  async function stop(): Promise<void> {
    await child.stop()
    if (folder !== undefined) removeFolder(folder)
  }
  try {
    await listening(child, target.port)
  } catch (error) {
    await stop()
    throw error
  }
  return { target, pid: child.process.pid!, stop }
}

async function startOurs(program: string, workload: Workload, durability: Durability): Promise<RunningBroker> {
  const { transport, settings = {}, storeBytes, isIntercepted, users } = workload
  const folder = makeFolder()
  const target: Target = { transport, host: '127.0.0.1', port: await freePort() }
  const file = join(folder, 'sluice.yaml')
  const storing = { durability, maxBytes: storeBytes, isIntercepted, users }
  await writeFile(file, await sluiceConfig(target, folder, settings, storing))
  const start = (): Child => startChild(process.execPath, [program, 'start', '--config', file])
  const first = start()
  let broker = await running(first, target, folder)
  return {
    target,
    pid: broker.pid,
    stop: () => broker.stop(),
    restart: async () => {
      await first.stop()
      const begin = performance.now()
      broker = await running(start(), target, folder)
      const seconds = (performance.now() - begin) / 1000
      return { seconds, peakBytes: readUsage(broker.pid)?.peakBytes }
    },
  }
}

/**
 * Our broker, with permissions enabled and durability `memory`; and with everything on disk before it is acknowledged.
 */
export interface OwnBrokers {
  readonly sluice: BrokerKind
  readonly sluiceOnDisk: BrokerKind
}

/**
 * Our broker as a process of its own.
 *
 * @param program the file that runs; by default the one compiled or bundled with this module
 */
export function ownBrokers(program = fileURLToPath(moduleUrl('cli/main'))): OwnBrokers {
  const sluice: BrokerKind = {
    name: OURS,
    version,
    turnTopic: '$SYS/broker/turn/longest',
    start: (workload) => startOurs(program, workload, 'memory'),
  }
  const onDisk: Partial<BrokerKind> = { name: `${OURS} disk`, stores: true }
  const start: BrokerKind['start'] = (workload) => startOurs(program, workload, 'disk')
  return { sluice, sluiceOnDisk: { ...sluice, ...onDisk, start } }
}
