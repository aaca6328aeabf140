/** A broker process of a crash test: started, waited for, killed. @module */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../../tools/main.ts'

const PROGRAM = join(root, 'build/src/cli/main.js')

/** Starts `sluice start` in a folder, on a free port. */
export async function spawnBroker(folder: string, config: object): Promise<ChildProcess> {
  const file = join(folder, 'sluice.yaml')
  await writeFile(file, JSON.stringify({ listeners: { default: { bind: '127.0.0.1:0' } }, ...config }))
  return spawn(process.execPath, [PROGRAM, 'start', '--config', file, '--log-level', 'info'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/**
 * The port it listens on, once it does.
 *
 * @param fault called with each error that it logs
 */
export function portOf(broker: ChildProcess, fault: (line: string) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    broker.once('exit', (code) => reject(new Error(`the broker did not start: it ended with ${code}`)))
    createInterface({ input: broker.stdout! }).on('line', (line) => {
      if (line.startsWith('{"level":50')) fault(line)
      const port = /listening on mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
  })
}

export async function kill(broker: ChildProcess): Promise<void> {
  if (broker.exitCode !== null || broker.signalCode !== null) return
  const exited = once(broker, 'exit')
  broker.kill('SIGKILL')
  await exited
}
