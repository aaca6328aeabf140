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

/** Longest time that one file may take. */
const FILE_LIMIT_MS = 30_000

/** Runs compiled test files; a file that cannot even be loaded is a failed result without keys. */
export async function runFiles(files: readonly string[], options: RunOptions): Promise<Result[]> {
  const { folder, patterns, atOnce = availableParallelism(), onResult } = options
  const results: Result[] = []
  const filter = patterns === undefined ? {} : { testNamePatterns: [...patterns] }
  for await (const event of run({ files: [...files], concurrency: atOnce, timeout: FILE_LIMIT_MS, ...filter })) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { name, file, details, skip, todo } = event.data
    if (details.type === 'suite' || skip !== undefined || todo !== undefined) continue
    const passed = event.type === 'test:pass'
    const problem = passed ? '' : inspect(event.data.details.error.cause ?? event.data.details.error)
    results.push({ name, file: sourceOf(file ?? name, folder), keys: keysIn(name), passed, problem })
    onResult?.(results.length)
  }
  return results.sort((one, other) => (one.file < other.file ? -1 : one.file > other.file ? 1 : 0))
}

/** Source maps may name the source already; otherwise it mirrors the compiled file. */
function sourceOf(file: string, folder: string): string {
  return relative(folder, file)
    .replace(/^build\//, '')
    .replace(/\.js$/, '.ts')
}
