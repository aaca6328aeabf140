import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { Broker } from '../../../src/create-broker.ts'

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
