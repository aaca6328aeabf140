/**
 * The program on a real volume of 8 MB that fills up; where this user may not mount one, with `max-bytes` in its place.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import mqtt from 'mqtt'
import { root } from '../../tools/main.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

const PROGRAM = join(root, 'build/src/cli/main.js')
const PAYLOAD_BYTES = 20_000
const TIMEOUT = { timeout: 120_000 }

/** @returns the folder, or `undefined` where this user may not mount one */
function smallVolume(context: TestContext): string | undefined {
  const path = join(scratchFolder(), 'volume')
  mkdirSync(path)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', path], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  context.after(() => execFileSync('umount', ['-l', path]))
  return path
}

async function startBroker(
  config: string,
  shell?: string,
): Promise<{ readonly broker: ChildProcess; readonly url: string }> {
  const command = [process.execPath, PROGRAM, 'start', '--config', config]
  if (shell !== undefined) command.unshift('bash', '-c', `${shell}; exec "$@"`, 'bash')
  const broker = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise<string>((resolve, reject) => {
    broker.once('exit', (code) => reject(new Error(`the broker ended with ${code}`)))
    createInterface({ input: broker.stdout! }).on('line', (line) => {
      const found = /listening on (mqtt:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    })
  })
  return { broker, url }
}

async function stop(broker: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exited = once(broker, 'exit') as Promise<[number | null]>
  broker.kill(signal)
  return (await exited)[0]
}

const options = { protocolVersion: 5, reconnectPeriod: 0, clean: false } as const
const kept = { ...options, properties: { sessionExpiryInterval: 0xffff_ffff } } as const

/** Publishes until the broker refuses. @returns how many it took */
async function fill(url: string): Promise<number> {
  const publisher = await mqtt.connectAsync(url, { ...options, clean: true, clientId: 'publisher' })
  try {
    for (let count = 0; ; count++) {
      try {
        await publisher.publishAsync('queue', Buffer.alloc(PAYLOAD_BYTES, count), { qos: 1 })
      } catch (error) {
        assert.equal((error as { code?: number }).code, 0x97)
        return count
      }
    }
  } finally {
    await publisher.endAsync()
  }
}

/** Waits for that many messages, and a second for more. @returns how many came */
async function drain(url: string, expected: number): Promise<number> {
  let received = 0
  const reader = mqtt.connect(url, { ...kept, clientId: 'reader' })
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${received} of ${expected} messages within 60 s`)), 60_000)
    reader.on('message', () => {
      if (++received !== expected) return
      clearTimeout(timer)
      resolve()
    })
  })
  await new Promise((resolve) => setTimeout(resolve, 1000))
  await reader.endAsync()
  return received
}

test(
  'on a volume of 8 MB: filled and emptied again and again; compacted, stopped and started while it is full',
  TIMEOUT,
  async (context) => {
    const volume = smallVolume(context)
    const folder = scratchFolder()
    const config = join(folder, 'sluice.yaml')
    const persistence =
      volume === undefined
        ? { path: 'data', 'max-bytes': 8 << 20, 'max-bytes-per-user': 0 }
        : { path: join(volume, 'data') }
    writeFileSync(
      config,
      JSON.stringify({ listeners: { default: { bind: '127.0.0.1:0' } }, persistence, 'max-queued-messages': 100_000 }),
    )
    let { broker, url } = await startBroker(config)
    context.after(() => broker.kill('SIGKILL'))
    const reader = await mqtt.connectAsync(url, { ...kept, clientId: 'reader' })
    await reader.subscribeAsync('queue', { qos: 1 })
    await reader.endAsync()

    const first = await fill(url)
    assert.ok(first > 150, `${first} messages fitted`)
    assert.equal(await stop(broker, 'SIGTERM'), 0, 'a full broker stops when it is told to')
    const compacted = execFileSync(process.execPath, [PROGRAM, 'store', 'compact', '--config', config], {
      encoding: 'utf8',
    })
    assert.match(compacted, /bytes before, \d+ after/)
    ;({ broker, url } = await startBroker(config))
    assert.equal(await drain(url, first), first)
    for (let round = 0; round < 3; round++) {
      const count = await fill(url)
      assert.ok(count > first * 0.7, `round ${round}: ${count} after ${first}`)
      if (round === 1) {
        await stop(broker, 'SIGKILL')
        ;({ broker, url } = await startBroker(config))
      }
      assert.equal(await drain(url, count), count, `round ${round}`)
    }
    await stop(broker, 'SIGTERM')
  },
)

test(
  'a disk that writes nothing any more: SIGTERM ends the program in its time, with exit code 3',
  TIMEOUT,
  async (context) => {
    const config = join(scratchFolder(), 'sluice.yaml')
    const persistence = { path: 'data', 'close-timeout': 1 }
    writeFileSync(config, JSON.stringify({ listeners: { default: { bind: '127.0.0.1:0' } }, persistence }))
    // No file may grow beyond 100 kB: then what is larger can be written nowhere.
    let { broker, url } = await startBroker(config, "trap '' XFSZ; ulimit -f 100")
    context.after(() => broker.kill('SIGKILL'))
    const publisher = await mqtt.connectAsync(url, { ...options, clean: true, clientId: 'publisher' })
    await publisher.publishAsync('kept', 'acknowledged', { qos: 1, retain: true })
    publisher.publish('kept', Buffer.alloc(200_000), { qos: 1, retain: true })
    await new Promise((resolve) => setTimeout(resolve, 500))
    const beganAt = performance.now()
    assert.equal(await stop(broker, 'SIGTERM'), 3)
    assert.ok(performance.now() - beganAt < 30_000)
    publisher.end(true)
    ;({ broker, url } = await startBroker(config))
    const reader = mqtt.connect(url, { ...options, clean: true, clientId: 'reader' })
    reader.subscribe('kept', { qos: 1 })
    const payload = await new Promise<string>((resolve) => {
      reader.once('message', (_, bytes) => resolve(bytes.toString()))
    })
    assert.equal(payload, 'acknowledged')
    await reader.endAsync()
    assert.equal(await stop(broker, 'SIGTERM'), 0)
  },
)
