/**
 * `npm run conformance`: runs the tests of the standard, says what is proven, and writes `docs/reference/conformance.md`.
 *
 *     npm run conformance                      everything
 *     npm run conformance -- --check           the same, but fails where the page is stale instead of writing it
 *     npm run conformance -- --mutants         breaks the source in one line at a time: do the tests notice?
 *     npm run conformance -- --mutants 3.8     only mutants whose name or ids hold this
 *
 * A statement that binds a Server and has no passing test is an error.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isMain, root } from '../../tools/main.ts'
import { Progress } from '../../tools/progress.ts'
import { testFiles } from '../../tools/test.ts'
import { readLedger, type Ledger } from './ledger.ts'
import { runMutants } from './mutants.ts'
import { gather, page, problemsOf, summary, unproven } from './report.ts'
import { runFiles, type Result } from './run.ts'

const PAGE = 'docs/reference/conformance.md'

/** Runs `test/spec` and the files that the ledger names. */
async function runSuite(ledger: Ledger): Promise<Result[]> {
  const others = ledger.standIns.map(({ stands }) => stands).filter((stands) => stands !== 'suite')
  const progress = new Progress('tests of the standard')
  const results = await runFiles(testFiles(['test/spec', ...others]), {
    folder: root,
    onResult: (count) => progress.update(count),
  })
  progress.finish()
  return results
}

/** @returns whether the page says what the run says */
async function settlePage(text: string, checkOnly: boolean): Promise<boolean> {
  const path = join(root, PAGE)
  const present = await readFile(path, 'utf8').catch(() => '')
  if (present === text) return true
  if (!checkOnly) await writeFile(path, text)
  console.log(checkOnly ? `${PAGE} is stale: npm run conformance` : `${PAGE} written`)
  return !checkOnly
}

async function prove(checkOnly: boolean): Promise<boolean> {
  const ledger = readLedger()
  const results = await runSuite(ledger)
  const failed = results.filter((result) => !result.passed)
  const problems = problemsOf(ledger, results)
  for (const { name, file, problem } of failed) console.log(`not ok: ${name} (${file})\n${problem}\n`)
  for (const problem of problems) console.log(problem)
  const evidence = gather(ledger, results)
  const isCurrent = await settlePage(page(ledger, evidence), checkOnly)
  console.log(summary(evidence))
  return failed.length === 0 && problems.length === 0 && unproven(evidence).length === 0 && isCurrent
}

async function main(args: readonly string[]): Promise<boolean> {
  const [option, ...rest] = args
  if (option === '--mutants') return runMutants(await runSuite(readLedger()), rest[0] ?? '')
  if (option !== undefined && option !== '--check') {
    console.error(`unknown option ${option}; there are --check and --mutants`)
    return false
  }
  return prove(option === '--check')
}

if (isMain(import.meta.url)) process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1
