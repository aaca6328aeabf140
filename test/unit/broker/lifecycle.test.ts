import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Clock } from '../../../src/base/clock.ts'
import { realClock } from '../../../src/turn/clock.ts'
import { Broker, createBroker } from '../../../src/create-broker.ts'
import { CapturedLog } from '../plugins/support.ts'

test('close while the broker starts: start rejects, and nothing stays open', async () => {
  const broker = new Broker({ listeners: { default: { bind: '127.0.0.1:0' } }, 'sys-interval': 0 })
  const started = broker.start()
  await Promise.all([assert.rejects(started, { code: 'ERR_USAGE' }), broker.close()])
  assert.deepEqual([broker.state, broker.listeners], ['closed', []])
})

test('a program whose last work is close() lives until that is done, even where a peer never takes its bytes', async () => {
  const program = `
    import { Duplex } from 'node:stream'
    import { Broker } from '${new URL('../../../src/create-broker.js', import.meta.url).href}'
    const broker = new Broker({ listeners: {}, 'sys-interval': 0 })
    await broker.start()
    broker.attach(new Duplex({ read() {}, write() {}, final() {} }))
    await broker.close({ timeoutMs: 50 })
    console.log(broker.state)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program])
  let said = ''
  child.stdout.on('data', (chunk) => (said += String(chunk)))
  const [code] = (await once(child, 'close')) as [number]
  assert.deepEqual([said.trim(), code], ['closed', 0])
})

test('without persistence, closing reports nothing as not stored, although a turn is not over', async () => {
  const clock: Clock = { ...realClock, atEndOfTurn: (run) => void setTimeout(run, 300) }
  const log = new CapturedLog()
  const broker = await createBroker({ listeners: {}, 'sys-interval': 0 }, { clock, logger: log })
  void broker.publish('a', 'b').catch(() => {})
  await broker.close()
  assert.deepEqual(log.lines, [])
})
