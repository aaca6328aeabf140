/**
 * Runs the tests: `node:test`, every file in a process of its own.
 *
 *     node build/tools/test.js                     all suites
 *     node build/tools/test.js test/unit/codec     what lies under these paths
 *
 * The files are found from the sources, so that a test that was deleted cannot live on in `build/`; and it does not
 * depend on what a Node version makes of a folder after `--test` (20 searches it, 24 does not).
 *
 * On CI a test that is skipped counts as failed: everything a test needs is installed there.
 *
 * @module
 */
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { inspect } from 'node:util'
import { isMain, root } from './main.ts'
import { Progress } from './progress.ts'
import { filesUnder } from './source.ts'

/** What runs without a word. `long` is for `npm run check:long`. */
const SUITES = ['test/unit', 'test/spec', 'test/contract', 'test/interop']

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

async function runTests(files: readonly string[]): Promise<Totals> {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 }
  const progress = new Progress('tests')
  for await (const event of run({ files: [...files], concurrency: availableParallelism() })) {
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

async function main(paths: readonly string[]): Promise<boolean> {
  const startedAt = performance.now()
  const files = testFiles(paths.length === 0 ? SUITES : paths)
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
