import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Logger, LogMethod } from '../../../src/base/log.ts'
import { noServiceManager, serviceManagerOf } from '../../../src/cli/service-manager.ts'
import type { ServiceManager, ServiceSettings } from '../../../src/cli/service-manager.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { PROGRAM } from './cli-support.ts'

interface Told {
  readonly manager: ServiceManager
  readonly messages: string[]
  readonly lines: string[]
  readonly clock: VirtualClock
}

function managerIn(
  environment: Readonly<Record<string, string>>,
  send?: (message: string) => Promise<void>,
  processId = 7,
): Told {
  const [messages, lines]: [string[], string[]] = [[], []]
  const method: LogMethod = (first: object | string, second?: string) => void lines.push(second ?? (first as string))
  const log: Logger = { debug: method, info: method, warn: method, error: method }
  const clock = new VirtualClock()
  const settings: ServiceSettings = {
    environment: { NOTIFY_SOCKET: '/run/x', ...environment },
    processId,
    clock,
    monotonicUs: () => 5n,
    log,
    send: async (assignments) => {
      const message = assignments.join(' ')
      await send?.(message)
      messages.push(message)
    },
  }
  return { manager: serviceManagerOf(settings), messages, lines, clock }
}

/** One turn of the event loop, in which everything that is ready has happened. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function pass(clock: VirtualClock, milliseconds: number): Promise<void> {
  clock.advance(milliseconds)
  await turn()
}

const alive = (): Promise<void> => Promise.resolve()

test('without NOTIFY_SOCKET nobody is told anything', () => {
  const { manager } = managerIn({ NOTIFY_SOCKET: '' })
  assert.equal(manager, noServiceManager)
})

test('a life is told in its order, one message at a time', async () => {
  let isSending = false
  const { manager, messages } = managerIn({}, async () => {
    assert.equal(isSending, false)
    isSending = true
    await turn()
    isSending = false
  })
  manager.starting()
  manager.ready('listening on\nmqtt://a', alive)
  manager.reloading()
  manager.ready('listening on mqtt://b', alive)
  for (let count = 0; count < 5; count++) await turn()
  manager.stopping()
  manager.ready('too late', alive)
  for (let count = 0; count < 5; count++) await turn()
  assert.deepEqual(messages, [
    'STATUS=starting',
    'READY=1 STATUS=listening on mqtt://a',
    'RELOADING=1 MONOTONIC_USEC=5 STATUS=reloading the configuration',
    'READY=1 STATUS=listening on mqtt://b',
    'STOPPING=1 STATUS=stopping',
  ])
})

test('a start that takes long asks for more time until it is over', async () => {
  const { manager, messages, clock } = managerIn({})
  manager.starting()
  await pass(clock, 10_000)
  await pass(clock, 10_000)
  manager.ready('x', alive)
  await pass(clock, 60_000)
  assert.deepEqual(messages, [
    'STATUS=starting',
    'EXTEND_TIMEOUT_USEC=60000000',
    'EXTEND_TIMEOUT_USEC=60000000',
    'READY=1 STATUS=x',
  ])
})

test('the watchdog is fed at half of its time as long as the broker has a pulse, and not while it is stuck', async () => {
  const { manager, messages, clock } = managerIn({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' })
  let isStuck = false
  let recover = (): void => {}
  const pulse = (): Promise<void> => (isStuck ? new Promise((resolve) => (recover = resolve)) : Promise.resolve())
  manager.ready('x', pulse)
  await pass(clock, 14_999)
  assert.equal(messages.length, 1)
  await pass(clock, 1)
  await pass(clock, 15_000)
  assert.deepEqual(messages.slice(1), ['WATCHDOG=1', 'WATCHDOG=1'])
  isStuck = true
  for (let count = 0; count < 4; count++) await pass(clock, 15_000)
  assert.equal(messages.length, 3)
  isStuck = false
  recover()
  await turn()
  await pass(clock, 15_000)
  assert.equal(messages.length, 5)
  manager.reloading()
  manager.ready('x', pulse)
  await turn()
  await pass(clock, 15_000)
  assert.deepEqual(messages.filter((each) => each === 'WATCHDOG=1').length, 5) // one watch, not two
  manager.stopping()
  await turn()
  await pass(clock, 60_000)
  assert.equal(messages.at(-1), 'STOPPING=1 STATUS=stopping')
})

test('a watchdog of another process, and none, is not fed', async () => {
  for (const environment of [{ WATCHDOG_USEC: '1000000', WATCHDOG_PID: '8' }, { WATCHDOG_USEC: '0' }, {}]) {
    const { manager, messages, clock } = managerIn(environment)
    manager.ready('x', alive)
    await pass(clock, 600_000)
    assert.deepEqual(messages, ['READY=1 STATUS=x'])
  }
})

test('what cannot be sent is logged once', async () => {
  const { manager, messages, lines } = managerIn({}, () =>
    Promise.reject(Object.assign(new Error('spawn systemd-notify ENOENT'), { code: 'ENOENT' })),
  )
  manager.starting()
  manager.ready('x', alive)
  manager.stopping()
  for (let count = 0; count < 5; count++) await turn()
  assert.deepEqual(messages, [])
  assert.deepEqual(lines, ['cannot report to systemd: systemd-notify is not installed. Install it, or use Type=exec.'])
})

/** Starts the program as systemd would. @returns it, once it listens */
async function startNotifying(t: TestContext, folder: string, environment: NodeJS.ProcessEnv): Promise<ChildProcess> {
  writeFileSync(join(folder, 'sluice.yaml'), 'listeners: { a: { bind: "127.0.0.1:0" } }\n')
  const child = spawn(process.execPath, [PROGRAM, 'start', '-c', 'sluice.yaml'], {
    cwd: folder,
    env: { ...process.env, WATCHDOG_USEC: '200000', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout!, 'data')
  return child
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !isTrue();) {
    assert.ok(Date.now() < end, `${what} did not come`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Brings a broker through its life, and sees what was sent at each step. */
async function live(child: ChildProcess, sent: () => readonly string[]): Promise<void> {
  const has = (what: string, count = 1) => sent().filter((each) => each.startsWith(what)).length >= count
  await until('READY=1', () => has('READY=1'))
  await until('WATCHDOG=1', () => has('WATCHDOG=1', 2))
  child.kill('SIGHUP')
  await until('RELOADING=1', () => has('RELOADING=1'))
  await until('READY=1 again', () => has('READY=1', 2))
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  await until('STOPPING=1', () => has('STOPPING=1'))
  const steps = sent().filter((each) => /^(?:READY|RELOADING|STOPPING)=1/.test(each))
  assert.deepEqual(
    steps.map((each) => each.split('=')[0]),
    ['READY', 'RELOADING', 'READY', 'STOPPING'],
  )
  assert.match(steps[0]!, /STATUS=listening on mqtt:\/\/127\.0\.0\.1:\d+/)
  assert.match(steps[1]!, /MONOTONIC_USEC=\d+/)
}

test('a systemd-notify that fails is quoted, not said to be missing', async () => {
  const reason = 'systemd-notify ended with exit code 1: Connection refused'
  const { manager, lines } = managerIn({}, () => Promise.reject(new Error(reason)))
  manager.starting()
  for (let count = 0; count < 5; count++) await turn()
  assert.deepEqual(lines, [`cannot report to systemd: ${reason}`])
})

test('the program sends its life by whichever systemd-notify is on the PATH', async (t) => {
  const folder = scratchFolder()
  mkdirSync(join(folder, 'bin'))
  const record = join(folder, 'sent')
  writeFileSync(join(folder, 'bin/systemd-notify'), `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> '${record}'\n`, {
    mode: 0o755,
  })
  const child = await startNotifying(t, folder, {
    NOTIFY_SOCKET: '/run/nobody',
    PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`,
  })
  await live(child, () =>
    existsSync(record)
      ? readFileSync(record, 'utf8')
          .trim()
          .split('\n')
          .map((line) => line.replace('/run/nobody ', ''))
      : [],
  )
})

const RECEIVER = `
import json, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('"bound"', flush=True)
while True:
    print(json.dumps(receiver.recv(65536).decode()), flush=True)
`
const hasSystemd = spawnSync('systemd-notify', ['--version']).status === 0 && spawnSync('python3', ['-V']).status === 0

test('the real systemd-notify brings it to the socket of the service manager', { skip: !hasSystemd }, async (t) => {
  const folder = scratchFolder()
  const path = join(folder, 'notify')
  const receiver = spawn('python3', ['-c', RECEIVER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => receiver.kill('SIGKILL'))
  const received: string[] = []
  createInterface({ input: receiver.stdout }).on('line', (line) => received.push(JSON.parse(line) as string))
  await until('the receiver', () => received.length > 0)
  const child = await startNotifying(t, folder, { NOTIFY_SOCKET: path })
  await live(child, () => received)
})
