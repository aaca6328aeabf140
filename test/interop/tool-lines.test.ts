/** `sluice pub -l` and `sluice sub` move what mosquitto_pub and mosquitto_sub do: every line, in order. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROGRAM } from '../unit/cli/cli-support.ts'
import { mosquitto, serve, start, type Program } from './support.ts'

const WAIT = { timeout: 120_000 }
const LINES = Array.from({ length: 10_000 }, (_, number) => (number % 3 === 0 ? '' : `${number}`))
const SENT = LINES.filter((line) => line !== '')

/** One that prints every packet, once its subscription is granted. */
async function subscribed(program: Program): Promise<Program> {
  await program.line(/^Subscribed/)
  return program
}

/** What was printed as a message: the format puts a mark in front. */
function messages({ lines }: Program): string[] {
  return lines.filter((line) => line.startsWith('>')).map((line) => line.slice(1))
}

for (const qos of ['1', '2']) {
  test(`every line of pub -l at QoS ${qos} reaches mosquitto_sub, in order`, WAIT, async (t) => {
    const { port } = await serve(t, { 'max-queued-messages': 200_000 })
    const args = ['-t', 'lines', '-q', qos, '-C', String(LINES.length), '-F', '>%p']
    const sub = await subscribed(mosquitto(t, 'sub', port, ['-d', ...args]))
    const input = `${LINES.join('\n')}\n`
    await start(t, process.execPath, [PROGRAM, 'pub', '-p', `${port}`, '-t', 'lines', '-l', '-q', qos], {
      input,
    }).end()
    await sub.end()
    assert.deepEqual(messages(sub), LINES)
  })
}

test('sluice sub prints every line of mosquitto_pub -l, in order', WAIT, async (t) => {
  const { port } = await serve(t)
  // That tool takes a turn for each line.
  const some = SENT.slice(0, 500)
  const args = ['-p', `${port}`, '-t', 'lines', '-q', '1', '-C', String(some.length)]
  const sub = await subscribed(start(t, process.execPath, [PROGRAM, 'sub', '-d', ...args, '-F', '>%p']))
  await mosquitto(t, 'pub', port, ['-t', 'lines', '-l', '-q', '1'], { input: `${some.join('\n')}\n` }).end()
  await sub.end()
  assert.deepEqual(messages(sub), some)
})
