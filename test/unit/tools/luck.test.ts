/**
 * A test tells whether a change broke something, so it must not fail by luck: what it draws comes from the seed of the
 * run, what it measures it measures through `support/measurement.ts`, and it is done when something has happened, never
 * after some time.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../tools/main.ts'
import { filesUnder } from '../../../tools/source.ts'

const SUITES = ['test/unit', 'test/spec', 'test/contract', 'test/interop', 'test/long']

interface Ban {
  readonly pattern: RegExp
  readonly instead: string
  /** Files that may, each for a reason of its own. */
  readonly except?: readonly string[]
}

const bans: readonly Ban[] = [
  {
    pattern: /\b(?:memoryUsage|getHeapStatistics|cpuUsage)\(|\bheapUsed\b/,
    instead: 'measure through test/support/measurement.ts',
    // A process of its own, whose figures are taken again where they look wrong.
    except: ['test/unit/broker/memory-truth.test.ts'],
  },
  {
    pattern: /\bperformance\.now\(|\bhrtime\b/,
    instead: 'wait for what is to happen, with a limit of 30 s or more',
    except: [
      // They wait for other programs, and give up after 30 s or more.
      'test/interop/prometheus.test.ts',
      'test/long/small-volume.test.ts',
      // They report how long a mutant took.
      'test/spec/mutants.ts',
      'test/spec/mutants/trial.ts',
      'test/unit/tools/floors.test.ts',
    ],
  },
  {
    pattern: /from 'fast-check'|Math\.random\(|Date\.now\(\) %|process\.pid %/,
    instead: 'draw from test/support/property.ts or test/support/seed.ts',
    except: ['test/unit/tools/floors.test.ts'],
  },
]

const THIS = 'test/unit/tools/luck.test.ts'

test('no test measures memory or time by itself, and none draws from anything but the seed', () => {
  const found: string[] = []
  for (const suite of SUITES) {
    for (const file of filesUnder(root, suite, '.ts')) {
      if (file === THIS) continue
      const lines = readFileSync(join(root, file), 'utf8').split('\n')
      for (const { pattern, instead, except = [] } of bans) {
        if (except.includes(file)) continue
        for (const [at, line] of lines.entries()) if (pattern.test(line)) found.push(`${file}:${at + 1}: ${instead}`)
      }
    }
  }
  assert.deepEqual(found, [])
})
