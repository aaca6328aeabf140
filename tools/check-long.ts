/**
 * `npm run check:long`: everything that takes too long before every commit, in under twenty minutes. Steps run one at a
 * time, because some of them measure memory or time. Every step with randomness receives the printed seed as `--seed
 * N`.
 *
 * @module
 */
import { countOf, readCommandLine, refuse } from './command-line.ts'
import { isMain } from './main.ts'
import { runSteps } from './steps.ts'
import type { Step } from './steps.ts'

interface LongStep extends Step {
  /** If true, it receives the seed of the run as `--seed N`. */
  readonly seeded: boolean
}

/** A step is added when its script exists; planned ones are not listed. */
const STEPS: readonly LongStep[] = [
  {
    name: 'coverage',
    seeded: false,
    command: [
      'node_modules/c8/bin/c8.js',
      '--check-coverage',
      '--lines=95',
      '--branches=90',
      '--exclude-after-remap',
      '--include=src/codec',
      '--include=src/topics',
      '--include=src/protocol',
      '--reporter=text',
      '--temp-directory=build/coverage',
      process.execPath,
      'build/tools/test.js',
      'test/unit',
      'test/spec',
    ],
    limitSeconds: 600,
    fix: 'add tests for what the table lists as not covered',
    showOutput: true,
  },
  {
    name: 'slow tests',
    seeded: false,
    command: ['build/tools/test.js', '--slow'],
    limitSeconds: 300,
    fix: '`npm test -- test/unit/…` with the file that failed',
  },
  {
    name: 'conformance',
    seeded: false,
    command: ['build/test/spec/conformance.js', '--check'],
    limitSeconds: 240,
    fix: '`npm run conformance` lists the statements without a test, and rewrites the page',
    showOutput: true,
  },
  {
    name: 'mutants',
    seeded: false,
    command: ['build/test/spec/conformance.js', '--mutants'],
    limitSeconds: 720,
    fix: 'improve the tests that should have failed; `npm run conformance -- --mutants "NAME"` runs one mutant again',
    showOutput: true,
  },
  {
    name: 'package',
    seeded: false,
    command: ['build/tools/test.js', 'test/long/package.test.ts'],
    limitSeconds: 420,
    fix: 'compare the files that are missing or superfluous; `npm pack --dry-run` lists it',
  },
  {
    name: 'image',
    seeded: false,
    command: ['build/tools/test.js', 'test/long/image.test.ts'],
    limitSeconds: 240,
    fix: 'run the failed step of the Dockerfile in a plain root folder; docs/docker.md lists what the image guarantees',
  },
  {
    name: 'page',
    seeded: false,
    command: ['build/test/page/main.js'],
    limitSeconds: 420,
    fix: '`npm run page:test` builds the page and repeats it; pictures are in build/page-pictures',
    showOutput: true,
  },
  {
    name: 'bench',
    seeded: false,
    command: ['build/tools/test.js', 'test/long/bench.test.ts'],
    limitSeconds: 120,
    fix: '`npm run bench -- --rows 1-1 --runs 1 --seconds 0.3` in a fresh clone shows it',
  },
  {
    name: 'store',
    seeded: false,
    command: ['build/tools/test.js', 'test/long/store.test.ts', 'test/long/small-volume.test.ts'],
    limitSeconds: 300,
    fix: '`TEST_SEED=N npm test -- test/long/store.test.ts` with the seed in the name of the test',
  },
  {
    name: 'small heap',
    seeded: false,
    command: ['build/tools/test.js', 'test/long/small-heap.test.ts'],
    limitSeconds: 300,
    fix: 'the name of the test says what the broker did not survive; `npm run hostile` draws such things at random',
  },
  {
    name: 'views under load',
    seeded: false,
    command: ['build/tools/test.js', 'test/long/admin-load.test.ts'],
    limitSeconds: 300,
    fix: 'the test names the view that looks at too many sessions; `node build/bench/views.js` measures them',
  },
  {
    name: 'crash',
    seeded: true,
    command: ['build/test/crash/main.js', '--kills', '50', '--cuts', '150', '--changes', '10', '--bridges', '20'],
    limitSeconds: 600,
    fix: 'repeat the printed command; test/crash/main.ts lists what clients may rely on',
  },
  {
    name: 'fuzz',
    seeded: true,
    command: ['build/test/fuzz/main.js', '--seconds', '75'],
    limitSeconds: 240,
    fix: 'copy the printed steps into a unit test (test/fuzz/replay.ts), then fix the failure',
    showOutput: true,
  },
  {
    name: 'hostile',
    seeded: true,
    command: ['build/test/hostile/main.js', '--seconds', '140', '--attack-ms', '2000'],
    limitSeconds: 180,
    fix: '`npm run hostile -- --shape NAME --rounds 1 --seed N`, which it prints, repeats the attack; without options it runs every shape',
    showOutput: true,
  },
  {
    name: 'simulation',
    seeded: true,
    command: ['build/test/sim/main.js', '--seeds', '150'],
    limitSeconds: 480,
    fix: '`npm run sim -- --seed N` with the seed that failed prints its whole event log',
    showOutput: true,
  },
  {
    name: 'stored worlds',
    seeded: false,
    command: ['build/test/sim/main.js', '--stored', '--seed', '1', '--seeds', '8'],
    limitSeconds: 180,
    fix: '`npm run sim -- --stored --seed N` with the seed that failed prints its whole event log',
    showOutput: true,
  },
  {
    name: 'oracles',
    seeded: true,
    command: ['build/test/sim/main.js', '--variants', '--sample', '8'],
    limitSeconds: 480,
    fix: 'improve the oracle that missed it, or correct its text (test/sim/variants); `npm run sim -- --variants` runs all',
    showOutput: true,
  },
]

const help = `Runs the checks that take too long before every commit, in under twenty minutes.

Usage: npm run check:long -- [--seed N] [--only STEP]

  --seed N      other chances (default: the same each time, so that a verdict can be had again)
  --only STEP   one of ${STEPS.map(({ name }) => name).join(', ')}
  --help        this text
`

/**
 * The same seed each time, so that a failure is caused by the change and can be repeated. `--seed` explores others, and
 * what they find becomes a test.
 */
const SEED = 450_489_835

async function main(): Promise<boolean> {
  const { values } = readCommandLine(help, { only: { type: 'string' }, seed: { type: 'string' } })
  const { only } = values
  const seed = String(countOf('seed', values.seed, SEED))
  const steps = STEPS.filter((step) => only === undefined || step.name === only).map((step) =>
    step.seeded ? { ...step, command: [...step.command, '--seed', seed] } : step,
  )
  if (steps.length === 0) refuse(`unknown step ${only}`)
  console.log(`seed ${seed}`)
  const passed = await runSteps(steps, 1)
  console.log(passed ? `all ${steps.length} steps passed` : `replay with: npm run check:long -- --seed ${seed}`)
  return passed
}

if (isMain(import.meta.url)) process.exitCode = (await main()) ? 0 : 1
