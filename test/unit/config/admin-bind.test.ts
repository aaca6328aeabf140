/** Where the HTTP API is served over TCP, as far as the configuration says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHttpDoor } from '../../../src/admin/http/http-door.ts'
import { ConfigError } from '../../../src/base/errors.ts'
import { resolveOptions, type ConfigInput } from '../../../src/config/options.ts'
import { readConfig } from '../../../src/cli/config.ts'
import { Events } from '../../../src/reporting/events.ts'
import { listLogger } from '../../support/list-logger.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

const bindOf = (admin: NonNullable<ConfigInput['admin']>) => {
  const { bind, isBindAsked } = resolveOptions({ admin: { socket: 'off', ...admin } }).admin!
  return [bind && `${bind.host}:${bind.port}`, isBindAsked]
}

test('`auto` is 127.0.0.1:8083 and no error if it is taken; `off` is none', () => {
  assert.deepEqual(bindOf({ bind: 'auto' }), ['127.0.0.1:8083', false])
  assert.deepEqual(bindOf({ bind: '127.0.0.1:8083' }), ['127.0.0.1:8083', true])
  assert.deepEqual(bindOf({ bind: 'off' }), [undefined, true])
  assert.deepEqual(resolveOptions({ admin: { bind: 'off', socket: 'off' } }).warnings, [])
})

test('the program serves it at `auto` unless the configuration sets `bind`; a library nowhere', () => {
  const { admin } = readConfig(undefined).options
  assert.deepEqual([admin?.bind?.port, admin?.isBindAsked], [8083, false])
  assert.equal(resolveOptions({}).admin, undefined)
  assert.equal(resolveOptions({ admin: {} }).admin?.bind, undefined)
})

test('a broker starts without the port that nobody has asked for, and says so', async () => {
  const log = listLogger()
  const test = await VirtualBroker.start()
  const listen = (): Promise<never> => Promise.reject(new ConfigError('ERR_LISTENER_IN_USE', 'it is taken'))
  const none = (): Promise<never> => Promise.reject(new Error('nobody asks'))
  const open = async (bind: string): Promise<readonly string[]> => {
    const options = resolveOptions({ admin: { bind, socket: 'off' } })
    const host = { clock: test.clock, log, events: new Events(log) }
    const webSockets = { serve: () => () => undefined, open: () => undefined, refuse: () => undefined }
    const loaders = { loadCertificates: none, openPasswords: none, openTokens: none }
    const sockets = { listen, webSockets: () => webSockets, ...loaders }
    return (await openHttpDoor(test.broker, options, host, sockets)).urls
  }
  assert.deepEqual(await open('auto'), [])
  assert.match(log.lines.join('\n'), /the HTTP API is not served over TCP: it is taken/)
  await assert.rejects(open('127.0.0.1:8083'), { code: 'ERR_LISTENER_IN_USE' })
  await test.close()
})
