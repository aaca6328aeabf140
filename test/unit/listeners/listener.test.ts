import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { ListenerOptions } from '../../../src/broker/options.ts'
import { openListener } from '../../../src/listeners/listener.ts'
import { listenerOptions, RecordingHost } from './recording-host.ts'

const LOOPBACK = listenerOptions()

test('a listener says where it is', async () => {
  const listener = await openListener(LOOPBACK, new RecordingHost())
  assert.equal(listener.name, 'test')
  assert.equal(listener.address, '127.0.0.1')
  assert.ok(listener.port! > 0)
  assert.equal(listener.url, `mqtt://127.0.0.1:${listener.port}`)
  await listener.close()
})

test('close frees the address at once and leaves accepted Connections alone', async () => {
  const host = new RecordingHost()
  const listener = await openListener(LOOPBACK, host)
  const client = connect(listener.port!, '127.0.0.1')
  const connection = await host.connection()
  await listener.close()
  const again = await openListener({ ...LOOPBACK, port: listener.port! }, host)
  client.write('still here')
  await connection.untilReceived('still here')
  connection.transport.end()
  await once(client.resume(), 'close')
  await again.close()
})

test('a listener that cannot open says which, where, why and what to do', async () => {
  const host = new RecordingHost()
  const first = await openListener(LOOPBACK, host)
  const cases: readonly [options: Partial<ListenerOptions>, code: string, message: RegExp][] = [
    [{ port: first.port! }, 'ERR_LISTENER_IN_USE', /`test`.*127\.0\.0\.1:\d+.*already.*another `bind`/],
    [{ host: '192.0.2.1' }, 'ERR_LISTENER_HOST', /`test`.*192\.0\.2\.1:0.*does not have that address/],
    [{ host: 'nowhere.invalid' }, 'ERR_LISTENER_HOST', /`test`.*nowhere\.invalid:0/],
  ]
  for (const [options, code, message] of cases) {
    await assert.rejects(openListener({ ...LOOPBACK, ...options }, host), { name: 'ConfigError', code, message })
  }
  await first.close()
})
