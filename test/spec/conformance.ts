/** `npm run conformance`: what of the standard is proven; `help` says how. @module */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readCommandLine } from '../../tools/command-line.ts'
import { isMain, root } from '../../tools/main.ts'
import { Progress } from '../../tools/progress.ts'
import { testFiles } from '../../tools/test.ts'
import { readLedger, type Ledger } from './ledger.ts'
import { runMutants } from './mutants.ts'
import { gather, page, problemsOf, summary, unproven } from './report.ts'
import { runFiles, type Result } from './run.ts'

const PAGE = 'docs/reference/conformance.md'

const help = `Runs the tests of the standard, says what is proven, and writes ${PAGE}.

Usage: npm run conformance -- [--check | --mutants [TEXT]]

  --check            fails where the page is stale instead of writing it
  --mutants [TEXT]   breaks the source in one place at a time: do the tests notice? With TEXT only the mutants whose name
                     or ids hold it, with what killed each
  --help             this text

Examples:
  npm run conformance
  npm run conformance -- --mutants 3.8

A statement that binds a Server and has no passing test is an error.
`

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

function printFailed(failed: readonly Result[]): void {
  for (const { name, file, problem } of failed) console.log(`not ok: ${name} (${file})\n${problem}\n`)
}

/** Tries the mutants whose name or ids hold `only`. */
async function challenge(only: string): Promise<boolean> {
  const results = await runSuite(readLedger())
  printFailed(results.filter(({ passed }) => !passed))
  return runMutants(results, only)
}

async function prove(checkOnly: boolean): Promise<boolean> {
  const ledger = readLedger()
  const results = await runSuite(ledger)
  const failed = results.filter((result) => !result.passed)
  const problems = problemsOf(ledger, results)
  printFailed(failed)
  for (const problem of problems) console.log(problem)
  const evidence = gather(ledger, results)
  const isCurrent = await settlePage(page(ledger, evidence), checkOnly)
  console.log(summary(evidence))
  return failed.length === 0 && problems.length === 0 && unproven(evidence).length === 0 && isCurrent
}

async function main(): Promise<boolean> {
  const options = { check: { type: 'boolean', default: false }, mutants: { type: 'boolean', default: false } } as const
  const { values, positionals } = readCommandLine(help, options, true)
  if (values.mutants) return challenge(positionals[0] ?? '')
  return prove(values.check)
}

if (isMain(import.meta.url)) process.exitCode = (await main()) ? 0 : 1
