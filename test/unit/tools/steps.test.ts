import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { runSteps } from '../../../tools/steps.ts'
import type { Step } from '../../../tools/steps.ts'

const FOREVER = 'setInterval(() => {}, 1000)'

function step(name: string, script: string, more: Partial<Step> = {}): Step {
  return { name, command: ['-e', script], limitSeconds: 20, fix: `mend ${name}`, ...more }
}

/** Runs steps two at a time, and gives what was printed with times taken out. */
async function run(context: TestContext, steps: readonly Step[]): Promise<{ passed: boolean; lines: string[] }> {
  const log = context.mock.method(console, 'log', () => undefined)
  const passed = await runSteps(steps, 2)
  const lines = log.mock.calls.map((call) =>
    String(call.arguments[0]).replace(/^(ok|FAILED)( +\w+) +[\d.]+ s$/, '$1$2'),
  )
  log.mock.restore()
  return { passed, lines }
}

test('one line a step; what a step said is shown only where that is asked for', async (context) => {
  const steps = [
    step('quiet', 'console.log(1)'),
    step('loud', 'console.log(2)', { after: ['quiet'], showOutput: true }),
  ]
  assert.deepEqual(await run(context, steps), { passed: true, lines: ['ok     quiet', 'ok     loud', '2'] })
})

test('the first failure ends the others, and says what to type next', async (context) => {
  const steps = [
    step('endless', FOREVER),
    step('broken', 'console.error("line 3"); process.exit(1)'),
    step('later', '', { after: ['broken'] }),
  ]
  assert.deepEqual(await run(context, steps), {
    passed: false,
    lines: ['FAILED broken', 'line 3', '\nbroken failed. Next: mend broken'],
  })
})

test('a step that outlasts its limit has failed', async (context) => {
  const { passed, lines } = await run(context, [step('endless', FOREVER, { limitSeconds: 0.2 })])
  assert.equal(passed, false)
  assert.match(lines[1]!, /it took more than 0\.2 s/)
})
