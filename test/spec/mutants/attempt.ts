/**
 * One process that runs the tests of some statements, until each statement has a test that fails.
 *
 * @module
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { keysIn } from '../ledger.ts'
import { CANNOT_LOAD, type Report } from './reporter.ts'

export interface Attempt {
  /** Statements of which a test failed, and the first such test. */
  readonly killedBy: ReadonlyMap<string, Report>
  /** Why the tests could not run to their end; absent means that they did. */
  readonly problem?: string
}

/** One test that waits for what never comes. */
const TEST_LIMIT_MS = 30_000
/** All tests of one attempt; only an endless loop reaches it. */
const LIMIT_MS = 120_000

/**
 * @param folder holds `build/`
 * @param files compiled test files
 * @param keys the statements, as {@link keysIn} writes them; only tests that name one of them run
 * @param onStart takes the process, so that it can be ended from outside
 */
export async function attempt(
  folder: string,
  files: readonly string[],
  keys: readonly string[],
  onStart: (child: ChildProcess) => void,
): Promise<Attempt> {
  const child = fork(join(folder, 'build/test/spec/mutants/load.js'), files, {
    cwd: folder,
    execArgv: [
      `--test-reporter=${join(folder, 'build/test/spec/mutants/reporter.js')}`,
      `--test-timeout=${TEST_LIMIT_MS}`,
      ...keys.map((key) => `--test-name-pattern=${patternOf(key)}`),
    ],
    // A test runner above this one would turn the reporter off.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  onStart(child)
  return outcomeOf(child, keys)
}

/**
 * The same id differs in the two versions, so this lets tests of the other version run; their results are not counted.
 */
function patternOf(key: string): string {
  const [, id] = key.split(' ')
  return `${id!.replaceAll('.', String.raw`\.`)}(?!\\d)`
}

async function outcomeOf(child: ChildProcess, keys: readonly string[]): Promise<Attempt> {
  const killedBy = new Map<string, Report>()
  let errors = ''
  let isLate = false
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  child.on('message', (message) => {
    const report = message as Report
    if (report.passed) return
    const broken = keysIn(report.name).filter((key) => keys.includes(key) && !killedBy.has(key))
    for (const key of broken) killedBy.set(key, report)
    if (killedBy.size === keys.length) child.kill('SIGKILL')
  })
  const limit = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, LIMIT_MS)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(limit)
  if (killedBy.size === keys.length) return { killedBy }
  if (isLate) return { killedBy, problem: `the tests did not end within ${LIMIT_MS / 1000} s` }
  if (code === CANNOT_LOAD) return { killedBy, problem: `cannot be loaded: ${errors.trim()}` }
  return { killedBy }
}
