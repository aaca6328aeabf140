/** `npm run check`: all checks before a commit, in under three minutes. CI runs the same. @module */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { readCommandLine, refuse } from './command-line.ts'
import { isMain, root } from './main.ts'
import { runSteps } from './steps.ts'
import type { Step } from './steps.ts'

const TSC = 'node_modules/typescript/bin/tsc'
const LIMIT_SECONDS = 120

/** The steps in order. Steps without `after` run in parallel; the tests run alone. */
const STEPS: readonly Step[] = [
  {
    name: 'types',
    command: [TSC, '-p', 'tsconfig.json'],
    limitSeconds: LIMIT_SECONDS,
    fix: 'fix the types, then `npm run check -- --only types`',
  },
  {
    name: 'format',
    command: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
    limitSeconds: LIMIT_SECONDS,
    fix: '`npm run format`',
  },
  {
    name: 'lint',
    command: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'],
    limitSeconds: LIMIT_SECONDS,
    fix: 'fix the problems that oxlint reports (`npx oxlint --type-aware --fix` fixes some of them)',
  },
  {
    name: 'floors',
    command: ['build/tools/floors.js'],
    after: ['types'],
    limitSeconds: LIMIT_SECONDS,
    fix: 'reverse the imports (docs/ARCHITECTURE.md, "The house"), then `npm run check -- --only floors`',
  },
  {
    name: 'build',
    command: [TSC, '-p', 'tsconfig.build.json'],
    after: ['types'],
    limitSeconds: LIMIT_SECONDS,
    fix: '`npm run build`',
  },
  {
    name: 'bundle',
    command: ['node_modules/rolldown/bin/cli.mjs', '--config', 'tools/rolldown.config.ts', '--logLevel', 'silent'],
    after: ['build'],
    limitSeconds: LIMIT_SECONDS,
    fix: '`npm run build`',
  },
  {
    name: 'page types',
    command: [TSC, '-p', 'page/tsconfig.json'],
    limitSeconds: LIMIT_SECONDS,
    fix: 'fix the types, then `npm run check -- --only "page types"`',
  },
  {
    name: 'page',
    command: ['node_modules/vite/bin/vite.js', 'build', 'page', '--logLevel', 'warn'],
    after: ['build'],
    limitSeconds: LIMIT_SECONDS,
    fix: '`npm run build`',
  },
  {
    name: 'examples',
    command: ['build/tools/examples.js'],
    after: ['bundle'],
    limitSeconds: LIMIT_SECONDS,
    fix: 'fix the example, or the code that it shows (conventions: docs/examples.md)',
  },
  {
    name: 'reference',
    command: ['build/tools/reference.js', '--check'],
    after: ['build'],
    limitSeconds: LIMIT_SECONDS,
    fix: '`node build/tools/reference.js` rewrites the pages; commit them',
  },
  {
    name: 'tests',
    command: ['build/tools/test.js'],
    after: ['types', 'format', 'lint', 'floors', 'build', 'bundle', 'examples', 'reference', 'page types', 'page'],
    limitSeconds: 300,
    fix: '`npm test`, or only the file that failed: `npm test -- test/unit/…`',
    showOutput: true,
  },
]

const help = `Runs all checks before a commit, in under three minutes.

Usage: npm run check -- [--only STEP]

${STEPS.map(({ name, fix }) => `  ${name.padEnd(10)} if it fails: ${fix}`).join('\n')}
`

/**
 * The reference pages are generated from the table of options; without a generator in the checkout none can be
 * outdated.
 */
function present(step: Step): boolean {
  return step.name !== 'reference' || existsSync(join(root, 'build/tools/reference.js'))
}

async function main(): Promise<boolean> {
  const { only } = readCommandLine(help, { only: { type: 'string' } }).values
  const steps = STEPS.filter((step) => present(step) && (only === undefined || step.name === only))
  if (steps.length === 0) refuse(`unknown step ${only}`)
  const startedAt = performance.now()
  const passed = await runSteps(steps, availableParallelism())
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (passed) console.log(`all ${steps.length} steps passed in ${seconds} s`)
  return passed
}

if (isMain(import.meta.url)) process.exitCode = (await main()) ? 0 : 1
