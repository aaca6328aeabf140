import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigInput } from '../../../src/config/options.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { Broker } from '../../../src/broker/broker.ts'
import type { PartsFor } from '../../../src/broker/parts-for.ts'
import type { AcceptingHost } from '../../../src/broker/host/open-listeners.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { attachStream } from '../../../src/listeners/pump.ts'
import { shippedPlugins } from '../../../src/plugins/registry.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { TestClient } from '../../support/test-client.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { clientsOf } from '../../support/sessions.ts'

/** A broker whose listeners open no port: a Client comes in through one by its name. */
async function withListeners(config: ConfigInput) {
  const hosts = new Map<string, AcceptingHost>()
  const parts: PartsFor<Broker> = {
    openListener: (options, host) => {
      hosts.set(options.name, host)
      const nothing = (): Promise<void> => Promise.resolve()
      const { name } = options
      const place = { address: '', addresses: [], port: 0, url: '', urls: [], certificates: [] }
      return Promise.resolve({
        name,
        ...place,
        counters: {
          failedHandshakes: 0,
          refusedProxyHeaders: 0,
          refusedUpgrades: 0,
          refusedWaiting: 0,
          failedOpens: 0,
        },
        reload: nothing,
        pauseAccepting() {},
        resumeAccepting() {},
        close: nothing,
      })
    },
    mountWebSocket: () => ({ close() {}, reload() {}, refusedUpgrades: 0 }),
    attachStream,
    plugins: shippedPlugins,
    loadAdmin: () => Promise.reject(new Error('nobody asks')),
    loadBridges: () => Promise.reject(new Error('none are configured')),
    openAdmin: () => Promise.reject(new Error('nobody asks')),
    openTelemetry: () => Promise.reject(new Error('nobody asks')),
    planAccess: () => Promise.resolve({ plan: [], notes: [] }),
    loadControl: () => Promise.reject(new Error('nobody asks')),
    makeCredentials: () => Promise.reject(new Error('no password is set here')),
  }
  const clock = new VirtualClock()
  const base = new Broker({ 'sys-interval': 0, ...config }, { clock }, parts)
  await base.start()
  const broker = new VirtualBroker(base, clock)
  const connect = (listener: string, clientId: string, version: 4 | 5 = 5, userName?: string): TestClient => {
    const client = new TestClient(
      broker,
      version,
      { listener, address: '192.0.2.1', encrypted: false },
      hosts.get(listener),
    )
    client.connect({ clientId, ...(userName !== undefined && { userName }) })
    return client
  }
  return { broker, connect }
}

const A_AND_B = (of: object) => ({ a: { bind: '127.0.0.1:1', ...of }, b: { bind: '127.0.0.1:2' } })

test('max-connections of a listener counts that listener only', async () => {
  const { broker, connect } = await withListeners({ listeners: A_AND_B({ 'max-connections': 1 }) })
  assert.equal(connect('a', 'one').connack?.reasonCode, 0)
  assert.equal(connect('a', 'two').connack?.reasonCode, ReasonCode.ServerBusy)
  assert.equal(connect('a', 'two', 4).connack?.reasonCode, 3)
  for (const clientId of ['three', 'four']) assert.equal(connect('b', clientId).connack?.reasonCode, 0)
  assert.equal(broker.broker.metrics.connectsRefusedAtLimit, 2)
  await broker.close()
})

test('a takeover through the full listener is let in; one from another listener needs room there', async () => {
  const { broker, connect } = await withListeners({ listeners: A_AND_B({ 'max-connections': 1 }) })
  connect('a', 'one')
  assert.equal(connect('a', 'one').connack?.reasonCode, 0)
  connect('b', 'two')
  assert.equal(connect('a', 'two').connack?.reasonCode, ReasonCode.ServerBusy)
  await broker.close()
})

test('max-connections 0 of a listener is no limit, also where `default` has one', async () => {
  const listeners = { default: { 'max-connections': 1 }, a: { bind: ':1', 'max-connections': 0 }, b: { bind: ':2' } }
  const { broker, connect } = await withListeners({ listeners, auth: { 'allow-anonymous': true } })
  for (let at = 0; at < 5; at++) assert.equal(connect('a', `a${at}`).connack?.reasonCode, 0)
  assert.deepEqual(
    ['b0', 'b1'].map((clientId) => connect('b', clientId).connack?.reasonCode),
    [0, ReasonCode.ServerBusy],
  )
  await broker.close()
})

test('allow-anonymous of a listener overrides that of `auth`, both ways', async () => {
  for (const inAuth of [true, false]) {
    const listeners = A_AND_B({ 'allow-anonymous': !inAuth })
    const { broker, connect } = await withListeners({ listeners, auth: { 'allow-anonymous': inAuth } })
    const codes = ['a', 'b'].map((listener) => connect(listener, listener).connack?.reasonCode)
    const [yes, no] = [0, ReasonCode.NotAuthorized]
    assert.deepEqual(codes, inAuth ? [no, yes] : [yes, no])
    await broker.close()
  }
})

test('auth-plugins of a listener are asked there and no other, and decide who stays after a reload', async () => {
  const only = (name: string): Plugin => ({
    name,
    authenticate: ({ userName }) => ({ decision: userName === name ? 'allow' : 'deny' }),
    mayStay: ({ userName }) => userName === name,
  })
  const [ann, bob] = [only('ann'), only('bob')]
  const config = { listeners: A_AND_B({ 'auth-plugins': [ann] }), auth: { plugins: [ann, bob] } }
  const { broker, connect } = await withListeners(config)
  const codeOf = (listener: string, name: string) =>
    connect(listener, `${name}-${listener}`, 5, name).connack?.reasonCode
  assert.equal(codeOf('a', 'ann'), 0)
  for (const [listener, name] of [
    ['a', 'bob'],
    ['b', 'ann'],
    ['b', 'bob'],
  ] as const) {
    assert.equal(codeOf(listener, name), ReasonCode.BadUserNameOrPassword)
  }
  await broker.broker.reload(config)
  assert.deepEqual(
    clientsOf(broker.broker).map(({ userName }) => userName),
    ['ann'],
  )
  await broker.broker.reload({ ...config, listeners: A_AND_B({ 'auth-plugins': [bob] }) })
  assert.deepEqual(clientsOf(broker.broker), [])
  const unknown = { listeners: A_AND_B({ 'auth-plugins': ['auth.file'] }), auth: { 'allow-anonymous': true } }
  await assert.rejects(
    broker.broker.reload(unknown),
    /listeners\.a\.auth-plugins\.0 is not in `auth\.plugins`, which lists auth\.anonymous/,
  )
  await broker.close()
})

test('a limit of a listener holds for its Connections only', async () => {
  const { broker, connect } = await withListeners({ listeners: A_AND_B({ 'max-qos': 0 }), 'max-qos': 1 })
  assert.deepEqual(connect('a', 'one').subscribe('x', 2).reasonCodes, [0])
  assert.deepEqual(connect('b', 'two').subscribe('x', 2).reasonCodes, [1])
  await broker.close()
})
