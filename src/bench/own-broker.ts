/** Brokers as child processes: what a kind of broker is, and ours, the program itself. @module */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { version } from '../broker/version.ts'
import type { Target } from './driver/link.ts'
import { freePort, listening, makeFolder, removeFolder, startChild, type Child } from './process.ts'
import { OURS } from './results.ts'
import { sluiceConfig } from './sluice-config.ts'
import type { Settings } from './workloads.ts'

/** A broker that runs. */
export interface RunningBroker {
  readonly target: Target
  readonly pid: number
  stop(): Promise<void>
}

/** How to start one kind of broker. */
export interface BrokerKind {
  readonly name: string
  /** As it calls itself. */
  readonly version: string
  /** Where it publishes its longest turn, in milliseconds. */
  readonly turnTopic?: string
  readonly start: (transport: Target['transport'], settings: Settings) => Promise<RunningBroker>
}

/** The program, as it was compiled with this file. A path and no import: it runs in a process of its own. */
const program = fileURLToPath(new URL('../cli/main.js', import.meta.url))

/** Waits until `child` listens at `target`; `folder` goes when it stops. @throws when it does not, with what it said */
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

/** Ours: the program, as users start it, with permissions on and durability `memory`. */
export const sluice: BrokerKind = {
  name: OURS,
  version,
  turnTopic: '$SYS/broker/turn/longest',
  async start(transport, settings) {
    const folder = makeFolder()
    const target: Target = { transport, host: '127.0.0.1', port: await freePort() }
    const file = join(folder, 'sluice.yaml')
    await writeFile(file, await sluiceConfig(target, folder, settings))
    return running(startChild(process.execPath, [program, 'start', '--config', file]), target, folder)
  },
}
