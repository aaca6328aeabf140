/** Runs the program as its users do: a process of its own, with its exit code. @module */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { runProgram } from '../../../src/cli/program.ts'
import { root } from '../../../tools/main.ts'

/** The compiled program, as `bin/sluice.js` runs it. */
export const PROGRAM = join(root, 'build/src/cli/main.js')

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs `sluice` with `args` to its end, with `input` as its standard input. */
export function sluice(args: readonly string[], folder = root, input = ''): Finished {
  const options = { cwd: folder, encoding: 'utf8', input } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], options)
  return { code: status, out: stdout, err: stderr }
}

/** Runs `sluice` with `args` within this process, as on a pipe: for command lines that only print something. */
export async function sluiceHere(args: readonly string[]): Promise<Finished> {
  let out = ''
  let err = ''
  const code = await runProgram(args, {
    out: (text) => (out += `${text}\n`),
    err: (text) => (err += `${text}\n`),
    raw: (bytes) => (out += Buffer.from(bytes).toString()),
    bold: (text) => text,
    columns: () => Infinity,
    isInteractive: false,
    hasColours: false,
  })
  return { code, out, err }
}
