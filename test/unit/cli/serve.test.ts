import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { StoreError } from '../../../src/base/errors.ts'
import { serve } from '../../../src/cli/serve.ts'
import type { Served } from '../../../src/cli/serve.ts'
import type { ServiceManager } from '../../../src/cli/service-manager.ts'
import { listLogger } from '../../support/list-logger.ts'

const broker: Served = {
  listeners: [{ name: 'a', urls: ['mqtt://127.0.0.1:1'] }],
  start: () => Promise.resolve(),
  close: () => Promise.resolve(),
  pulse: () => Promise.resolve(),
  on: () => undefined,
}

/** One turn of the event loop, in which everything that is ready has happened. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test('says where it listens and what else is to be said, and stops cleanly on the first signal', async () => {
  for (const name of ['SIGINT', 'SIGTERM']) {
    const log = listLogger()
    const signals = new EventEmitter()
    const served = serve(broker, { log, signals, announcements: ['state lives'], reload: () => Promise.resolve() })
    await turn()
    assert.deepEqual(log.lines, ['listening on mqtt://127.0.0.1:1', 'state lives'])
    signals.emit(name, name)
    assert.equal(await served, 0)
    assert.deepEqual(log.lines.slice(2), [`${name}: stopping; a second signal stops at once`, 'stopped'])
  }
})

test('a program without listeners runs until a signal ends it', () => {
  const script = `
    import { serve } from ${JSON.stringify(new URL('../../../src/cli/serve.js', import.meta.url).href)}
    const nothing = () => undefined
    const done = () => Promise.resolve()
    const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
    // A timer that keeps nothing alive: the signal comes only if the program itself goes on.
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), 20).unref()
    const broker = { listeners: [], start: done, close: done, pulse: done, on: nothing }
    process.exitCode = await serve(broker, { log, signals: process, announcements: [] })
  `
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.deepEqual([status, stderr], [0, ''])
})

test('a reload logs the listeners that are new, that moved and that closed, port 0 included', async () => {
  const log = listLogger()
  const signals = new EventEmitter()
  let listeners = [
    { name: 'stays', urls: ['mqtt://127.0.0.1:1'] },
    { name: 'moves', urls: ['mqtt://127.0.0.1:2'] },
    { name: 'goes', urls: ['mqtt://127.0.0.1:3', 'mqtt://[::1]:3'] },
  ]
  const events = new EventEmitter()
  const changing = {
    ...broker,
    on: (event: string, listener: () => void) => events.on(event, listener),
    get listeners() {
      return listeners
    },
  }
  const reload = (): Promise<void> => {
    listeners = [
      { name: 'stays', urls: ['mqtt://127.0.0.1:1'] },
      { name: 'moves', urls: ['mqtt://127.0.0.1:4'] },
      { name: 'comes', urls: ['ws://127.0.0.1:40123'] },
    ]
    events.emit('reloaded')
    return Promise.resolve()
  }
  const served = serve(changing, { log, signals, announcements: [], reload })
  await turn()
  log.lines.length = 0
  signals.emit('SIGHUP')
  await turn()
  assert.deepEqual(log.lines, [
    'no longer listening on mqtt://127.0.0.1:2',
    'no longer listening on mqtt://127.0.0.1:3',
    'no longer listening on mqtt://[::1]:3',
    'listening on mqtt://127.0.0.1:4',
    'listening on ws://127.0.0.1:40123',
    'SIGHUP: configuration reloaded',
  ])
  signals.emit('SIGHUP')
  await turn()
  assert.deepEqual(log.lines.slice(6), ['SIGHUP: configuration reloaded'])
  signals.emit('SIGTERM', 'SIGTERM')
  await served
})

test('a stop that could not store everything ends with a code of its own', async () => {
  const log = listLogger()
  const signals = new EventEmitter()
  const unstored = { ...broker, close: () => Promise.reject(new StoreError('ERR_STORE_UNSTORED', '3 changes …')) }
  const served = serve(unstored, { log, signals, announcements: [], reload: () => Promise.resolve() })
  await turn()
  signals.emit('SIGTERM', 'SIGTERM')
  assert.equal(await served, 3)
  assert.equal(log.lines.at(-1), 'stopped; not everything could be stored')
})

test('a second signal does not wait for the end of the first', async () => {
  const signals = new EventEmitter()
  const slow = { ...broker, close: () => new Promise<void>(() => undefined) }
  const served = serve(slow, { log: listLogger(), signals, announcements: [], reload: () => Promise.resolve() })
  await turn()
  signals.emit('SIGTERM', 'SIGTERM')
  await turn()
  signals.emit('SIGINT', 'SIGINT')
  assert.equal(await served, 130)
})

test('SIGHUP reloads, one at a time; one that fails is told, and changes nothing', async () => {
  const log = listLogger()
  const signals = new EventEmitter()
  let reloads = 0
  const reload = () => (reloads++ === 0 ? Promise.resolve() : Promise.reject(new Error('max-qos must be …')))
  const served = serve(broker, { log, signals, announcements: [], reload })
  await turn()
  signals.emit('SIGHUP', 'SIGHUP')
  signals.emit('SIGHUP', 'SIGHUP')
  await turn()
  assert.deepEqual(log.lines.slice(1), [
    'SIGHUP: configuration reloaded',
    'SIGHUP: configuration not reloaded, nothing was changed:\nmax-qos must be …',
  ])
  signals.emit('SIGINT', 'SIGINT')
  assert.equal(await served, 0)
})

test('SIGHUP while it still starts waits for the end of the start, and does not end the process', async () => {
  const log = listLogger()
  const signals = new EventEmitter()
  let started = (): void => {}
  const slow = { ...broker, start: () => new Promise<void>((resolve) => (started = resolve)) }
  const served = serve(slow, { log, signals, announcements: [], reload: () => Promise.resolve() })
  assert.equal(signals.emit('SIGHUP', 'SIGHUP'), true) // somebody takes it
  await turn()
  assert.deepEqual(log.lines, [])
  started()
  await turn()
  assert.deepEqual(log.lines, ['listening on mqtt://127.0.0.1:1', 'SIGHUP: configuration reloaded'])
  signals.emit('SIGTERM', 'SIGTERM')
  assert.equal(await served, 0)
})

test('a stop while it still starts ends the start, and nothing is announced', async () => {
  const log = listLogger()
  const signals = new EventEmitter()
  let giveUp = (): void => {}
  const start = (): Promise<void> =>
    new Promise((_, reject) => (giveUp = () => reject(new Error('closed while it started'))))
  const close = (): Promise<void> => Promise.resolve(giveUp())
  const served = serve({ ...broker, start, close }, { log, signals, announcements: ['state lives'] })
  signals.emit('SIGTERM', 'SIGTERM')
  assert.equal(await served, 0)
  assert.deepEqual(log.lines, ['SIGTERM: stopping; a second signal stops at once', 'stopped'])
})

test('SIGHUP while it stops does nothing, and does not end the process', async () => {
  const log = listLogger()
  const signals = new EventEmitter()
  let closed = (): void => {}
  const slow = { ...broker, close: () => new Promise<void>((resolve) => (closed = resolve)) }
  const served = serve(slow, { log, signals, announcements: [], reload: () => Promise.resolve() })
  await turn()
  signals.emit('SIGTERM', 'SIGTERM')
  await turn()
  assert.equal(signals.emit('SIGHUP', 'SIGHUP'), true) // somebody takes it
  closed()
  assert.equal(await served, 0)
  assert.deepEqual(log.lines.slice(1), ['SIGTERM: stopping; a second signal stops at once', 'stopped'])
})

test('a start that fails is the answer', async () => {
  const failing = { ...broker, start: () => Promise.reject(new Error('port taken')) }
  const options = { log: listLogger(), signals: new EventEmitter(), announcements: [], reload: () => Promise.resolve() }
  await assert.rejects(serve(failing, options), /port taken/)
})

/** Keeps what it is told. */
function listManager(): ServiceManager & { readonly told: string[] } {
  const told: string[] = []
  return {
    told,
    starting: () => void told.push('starting'),
    ready: (status) => void told.push(`ready: ${status}`),
    reloading: () => void told.push('reloading'),
    stopping: () => void told.push('stopping'),
  }
}

test('the service manager is sent each step: ready once every listener is open, and again after a reload, good or bad', async () => {
  const manager = listManager()
  const signals = new EventEmitter()
  let started = (): void => {}
  const slow = { ...broker, start: () => new Promise<void>((resolve) => (started = resolve)) }
  const reload = () => Promise.reject(new Error('max-qos must be …'))
  const served = serve(slow, { log: listLogger(), signals, announcements: [], reload, manager })
  await turn()
  assert.deepEqual(manager.told, ['starting'])
  started()
  await turn()
  assert.deepEqual(manager.told, ['starting', 'ready: listening on mqtt://127.0.0.1:1'])
  signals.emit('SIGHUP', 'SIGHUP')
  await turn()
  assert.deepEqual(manager.told.slice(2), ['reloading', 'ready: listening on mqtt://127.0.0.1:1'])
  signals.emit('SIGTERM', 'SIGTERM')
  assert.equal(await served, 0)
  assert.equal(manager.told.at(-1), 'stopping')
})
