/** Runs test files and gathers what became of each test. @module */
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { run } from 'node:test'
import { inspect } from 'node:util'
import { keysIn } from './ledger.ts'

/** What became of one test. */
export interface Result {
  readonly name: string
  /** The source file, relative to the project's folder. */
  readonly file: string
  /** Statements that the name carries. */
  readonly keys: readonly string[]
  readonly passed: boolean
  /** What was thrown, for people; empty where it passed. */
  readonly problem: string
}

export interface RunOptions {
  /** The folder that holds `build/`. */
  readonly folder: string
  /** Only tests whose name one of these matches; absent means all. */
  readonly patterns?: readonly RegExp[]
  readonly atOnce?: number
  /** Called after each test. */
  readonly onResult?: (count: number) => void
}

/** Longest time that one file may take. The slowest needs some ten seconds, and ten times that on a busy machine. */
const FILE_LIMIT_MS = 180_000

/** Runs compiled test files, in their order; a file that cannot even be loaded is a failed result without keys. */
export async function runFiles(files: readonly string[], options: RunOptions): Promise<Result[]> {
  const { atOnce = availableParallelism(), onResult } = options
  const results: Result[][] = files.map(() => [])
  let next = 0
  let count = 0
  const work = async (): Promise<void> => {
    for (let at = next++; at < files.length; at = next++) {
      for await (const result of runFile(files[at]!, options)) {
        results[at]!.push(result)
        onResult?.(++count)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return results.flat()
}

/** A run for each file: where a test was defined (often in a helper) does not say which file it belongs to. */
async function* runFile(path: string, { folder, patterns }: RunOptions): AsyncGenerator<Result> {
  const file = relative(folder, path)
    .replace(/^build\//, '')
    .replace(/\.js$/, '.ts')
  const filter = patterns === undefined ? {} : { testNamePatterns: [...patterns] }
  for await (const event of run({ files: [path], timeout: FILE_LIMIT_MS, ...filter })) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { name, details, skip, todo } = event.data
    if (details.type === 'suite' || skip !== undefined || todo !== undefined) continue
    const passed = event.type === 'test:pass'
    const problem = passed ? '' : inspect(event.data.details.error.cause ?? event.data.details.error)
    yield { name, file, keys: keysIn(name), passed, problem }
  }
}
