/**
 * Runs the tests with `node:test`. Test files that start no broker as a process run several to a process, because
 * starting one costs more than most of them take; every other file has a process of its own.
 *
 *     node build/tools/test.js                     all suites
 *     node build/tools/test.js test/unit/codec     the tests under these paths
 *     node build/tools/test.js --slow              the slow files, which the other forms omit
 *
 * The files are found from the sources, so that a deleted test cannot survive in `build/`; and this does not depend on
 * how a Node version treats a folder after `--test` (20 searches it, 24 does not).
 *
 * On CI a test that is skipped counts as failed: everything a test needs is installed there.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { run } from 'node:test'
import { inspect } from 'node:util'
import { isMain, root } from './main.ts'
import { Progress } from './progress.ts'
import { filesUnder } from './source.ts'

/** The suites that run by default. `long` is for `npm run check:long`. */
const SUITES = ['test/unit', 'test/spec', 'test/contract', 'test/interop']

/**
 * Files that take many seconds each, because they try every case, measure memory or wait for other programs. They run
 * only by name or with `--slow`, as in `npm run check:long` and CI, so that `npm run check` stays under three minutes.
 */
const SLOW: ReadonlySet<string> = new Set([
  'test/contract/store-crash.test.ts',
  'test/contract/store-leftovers.test.ts',
  'test/contract/store-lives.test.ts',
  'test/contract/store-space.test.ts',
  'test/interop/dynamic-security.test.ts',
  'test/interop/mosquitto.test.ts',
  'test/interop/paho.test.ts',
  'test/interop/tool-parity.test.ts',
  'test/unit/admin/large-directory.test.ts',
  'test/unit/broker/many-wills.test.ts',
  'test/unit/broker/memory-truth.test.ts',
  'test/unit/broker/message-sizes.test.ts',
  'test/unit/broker/property-memory.test.ts',
  'test/unit/broker/revoked-logins.test.ts',
  'test/unit/broker/start-memory.test.ts',
  'test/unit/plugins/secrets.test.ts',
  'test/unit/telemetry/telemetry.test.ts',
])

/** Folders below `test/` whose tests run in memory: they share processes. */
const IN_MEMORY =
  /^test\/(?:spec\/(?:v5|v311|malformed)|unit\/(?:access|ancestor|base|bench|broker|codec|config|limits|protocol|reporting|routing|stores|testing|topics|turn))\//
/** Folders whose tests open sockets, but start no broker as a process and leave nothing behind: they share as well. */
const WITH_SOCKETS = /^test\/unit\/(?:admin|bridges|client|listeners|plugins|telemetry)\//
const FILES_PER_PROCESS = 12
/**
 * Many tests wait for a socket, a process or a disk: one process more than there are cores uses the cores meanwhile.
 */
const PROCESSES = availableParallelism() + 1
/** A process of tests that takes longer hangs; the slowest, which installs the package, needs a third of this. */
const FILE_LIMIT_MS = 400_000
/** The folder belongs to this run, so that two runs in one tree do not interfere. */
const BATCHES = join(root, 'build/test/batches', String(process.pid))

interface Totals {
  passed: number
  failed: number
  skipped: number
}

/** Test sources under `paths` (folders or files, with or without `test/` in front), as compiled files. */
export function testFiles(paths: readonly string[]): string[] {
  const wanted = paths.map((path) => (path.startsWith('test/') ? path : `test/${path}`).replace(/\/$/, ''))
  return filesUnder(root, 'test', '.test.ts')
    .filter((file) => wanted.some((path) => file === path || file.startsWith(`${path}/`)))
    .map((file) => join(root, 'build', file.replace(/\.ts$/, '.js')))
}

/**
 * Combines the files that run in memory, by folder.
 *
 * @param files compiled test files
 * @returns files to run, each in a process of its own: those that share one are imported by a module that is written
 * here
 */
function batched(files: readonly string[]): string[] {
  const alone: string[] = []
  const folders = new Map<string, string[]>()
  for (const file of files) {
    const path = relative(join(root, 'build'), file)
    if (!IN_MEMORY.test(path) && !WITH_SOCKETS.test(path)) alone.push(file)
    else folders.set(dirname(path), [...(folders.get(dirname(path)) ?? []), file])
  }
  return [...alone, ...[...folders].flatMap(([folder, together]) => writeBatches(folder, together))]
}

/** Distributes the files of one folder, so that long ones with similar names do not share a process. */
function writeBatches(folder: string, files: readonly string[]): string[] {
  const count = Math.ceil(files.length / FILES_PER_PROCESS)
  if (files.length === 1) return [...files]
  mkdirSync(BATCHES, { recursive: true })
  return Array.from({ length: count }, (_, index) => {
    const batch = join(BATCHES, `${folder.replaceAll('/', '-')}-${index + 1}.test.js`)
    const share = files.filter((_file, at) => at % count === index)
    writeFileSync(batch, share.map((file) => `import '${relative(BATCHES, file)}'\n`).join(''))
    return batch
  })
}

async function runTests(files: readonly string[]): Promise<Totals> {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 }
  const progress = new Progress('tests')
  for await (const event of run({
    files: batched(files),
    concurrency: PROCESSES,
    timeout: FILE_LIMIT_MS,
  })) {
    if (event.type === 'test:stderr' || event.type === 'test:stdout') {
      progress.finish()
      process.stderr.write(event.data.message)
    }
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    if (event.data.details.type === 'suite') continue
    if (event.type === 'test:fail') {
      totals.failed++
      progress.finish()
      console.log(describeFailure(event.data))
    } else if (event.data.skip !== undefined || event.data.todo !== undefined) {
      totals.skipped++
      console.log(`skipped: ${event.data.name}`)
    } else {
      totals.passed++
    }
    progress.update(totals.passed + totals.failed, `${totals.failed} failed`)
  }
  progress.finish()
  rmSync(BATCHES, { recursive: true, force: true })
  return totals
}

interface Failure {
  readonly name: string
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly details: { readonly error: Error }
}

function describeFailure({ name, file, line, details }: Failure): string {
  const place = file === undefined ? '' : ` (${relative(root, file)}:${line ?? 1})`
  return `\nnot ok: ${name}${place}\n${inspect(details.error.cause ?? details.error)}\n`
}

/** The files for a command line: a slow file only by its name, or all slow ones. */
function chosen(paths: readonly string[]): string[] {
  if (paths[0] === '--slow') return testFiles([...SLOW])
  const slow = new Set(testFiles([...SLOW].filter((file) => !paths.includes(file))))
  return testFiles(paths.length === 0 ? SUITES : paths).filter((file) => !slow.has(file))
}

async function main(paths: readonly string[]): Promise<boolean> {
  const startedAt = performance.now()
  const files = chosen(paths)
  if (files.length === 0) {
    console.error(`no test under ${paths.join(', ')}`)
    return false
  }
  const { passed, failed, skipped } = await runTests(files)
  const lines = { tests: passed + failed + skipped, pass: passed, fail: failed, skipped }
  for (const [name, value] of Object.entries(lines)) console.log(`# ${name} ${value}`)
  console.log(`# duration_ms ${Math.round(performance.now() - startedAt)}`)
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 && (skipped === 0 || process.env['CI'] === undefined)
}

if (isMain(import.meta.url)) process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1
