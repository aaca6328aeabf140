/**
 * Runs a table of steps, each a command: two at a time if they are independent, with one line per step and its time. It
 * stops at the first failure with that step's output and what to type next. `check.ts` and `check-long.ts` are such
 * tables.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { root } from './main.ts'

export interface Step {
  readonly name: string
  /** Arguments of Node: the script, then its own. */
  readonly command: readonly string[]
  /** Names of steps that must have passed before this one starts; absent means none. */
  readonly after?: readonly string[]
  /** Seconds after which the step is ended and has failed. */
  readonly limitSeconds: number
  /** What to type next when it fails. */
  readonly fix: string
  /** If true, the output of the step is printed even if it passed. */
  readonly showOutput?: boolean
}

interface Outcome {
  readonly step: Step
  readonly passed: boolean
  readonly seconds: number
  readonly output: string
}

/**
 * Runs `steps` in order, at most `atOnce` at a time.
 *
 * @returns true if all passed; at the first failure the others are ended
 */
export async function runSteps(steps: readonly Step[], atOnce: number): Promise<boolean> {
  const waiting = [...steps]
  const passed = new Set<string>()
  const names = new Set(steps.map((step) => step.name))
  const running = new Map<ChildProcess, Promise<Outcome>>()
  const endAll = (): void => running.forEach((_, child) => kill(child))
  const interrupted = (): void => {
    endAll()
    process.exit(130)
  }
  process.once('SIGINT', interrupted)
  try {
    while (waiting.length > 0 || running.size > 0) {
      for (const step of waiting.filter((one) =>
        (one.after ?? []).every((name) => passed.has(name) || !names.has(name)),
      )) {
        if (running.size >= atOnce) break
        waiting.splice(waiting.indexOf(step), 1)
        const child = start(step)
        running.set(
          child,
          outcomeOf(step, child).finally(() => running.delete(child)),
        )
      }
      const outcome = await Promise.race(running.values())
      report(outcome)
      if (!outcome.passed) {
        endAll()
        return false
      }
      passed.add(outcome.step.name)
    }
    return true
  } finally {
    process.off('SIGINT', interrupted)
  }
}

/** Each step leads a process group of its own, so that ending it also ends the processes that it started. */
function start(step: Step): ChildProcess {
  return spawn(process.execPath, step.command, { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function outcomeOf(step: Step, child: ChildProcess): Promise<Outcome> {
  const startedAt = performance.now()
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return new Promise((resolve) => {
    const settle = (didPass: boolean, remark: string): void => {
      clearTimeout(limit)
      const output = `${Buffer.concat(chunks).toString('utf8').trimEnd()}${remark}`
      resolve({ step, passed: didPass, seconds: (performance.now() - startedAt) / 1000, output })
    }
    const limit = setTimeout(() => {
      kill(child)
      settle(false, `\nended: it took more than ${step.limitSeconds} s`)
    }, step.limitSeconds * 1000)
    child.on('error', (error) => settle(false, `\ncannot start: ${error.message}`))
    child.on('close', (code, signal) => settle(code === 0, signal === null ? '' : `\nended by ${signal}`))
  })
}

function report({ step, passed, seconds, output }: Outcome): void {
  console.log(`${paint(passed)} ${step.name.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s`)
  if (!passed || step.showOutput === true) console.log(output)
  if (!passed) console.log(`\n${step.name} failed. Next: ${step.fix}`)
}

/** `ok` or `FAILED`; in colour on a terminal only, and never on CI. */
function paint(passed: boolean): string {
  const word = passed ? 'ok    ' : 'FAILED'
  const plain =
    process.stdout.isTTY !== true || process.env['CI'] !== undefined || process.env['NO_COLOR'] !== undefined
  return plain ? word : `\x1b[${passed ? 32 : 31}m${word}\x1b[0m`
}
