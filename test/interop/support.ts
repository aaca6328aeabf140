/**
 * Foreign Clients against a real broker on a port that the system chose. What is not installed is an error, not a
 * skipped test: `.ci/run` installs it.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import type { ConfigInput } from '../../src/config/options.ts'
import { createBroker, type Broker } from '../../src/create-broker.ts'
import { root } from '../../tools/main.ts'

/** A foreign Client takes longer than this only when it waits for what will not come. */
const PATIENCE_MS = 60_000

export interface Served {
  readonly broker: Broker
  readonly port: number
}

/** A broker on a free port; it ends with the test. */
export async function serve(t: TestContext, config: ConfigInput = {}): Promise<Served> {
  const broker = await createBroker({ listeners: { tcp: { bind: '127.0.0.1:0' } }, ...config })
  t.after(() => broker.close({ timeoutMs: 200 }))
  return { broker, port: broker.listeners[0]!.port! }
}

/** A child process, by the lines that it says. */
export class Program {
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #exit: Promise<number | null>
  #heard = (): void => undefined

  constructor(command: string, args: readonly string[], options: { readonly input?: string | Buffer } = {}) {
    this.#child = spawn(command, args, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#exit = once(this.#child, 'close').then(([code]) => code as number | null)
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface(stream).on('line', (line) => {
        this.lines.push(line)
        this.#heard()
      })
    }
    this.#child.stdin!.on('error', () => undefined)
    this.#child.stdin!.end(options.input)
  }

  /** The last of what it said. */
  get #lastWords(): string {
    return this.lines.slice(-20).join('\n')
  }

  /** The first line that matches, said before or to come. */
  async line(pattern: RegExp): Promise<string> {
    const waited = new Promise<string>((resolve, reject) => {
      const look = (): void => {
        const found = this.lines.find((line) => pattern.test(line))
        if (found !== undefined) resolve(found)
      }
      this.#heard = look
      look()
      void this.#exit.then(() => reject(new Error(`it ended without saying ${pattern}:\n${this.#lastWords}`)))
    })
    return await inTime(waited, () => `no line ${pattern} came, but\n${this.#lastWords}`)
  }

  /** Its exit code; another one than 0 is an error unless it is expected. */
  async end(expected = 0): Promise<readonly string[]> {
    const code = await inTime(this.#exit, () => `it did not end; it said\n${this.#lastWords}`)
    if (code !== expected) throw new Error(`exit code ${code}:\n${this.#lastWords}`)
    return this.lines
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#child.kill(signal)
  }
}

async function inTime<Value>(promise: Promise<Value>, describe: () => string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(describe())), PATIENCE_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Starts one of Debian's mosquitto tools against that port; it is ended with the test. */
export function mosquitto(
  t: TestContext,
  tool: 'pub' | 'sub' | 'rr',
  port: number,
  args: readonly string[],
  options: { readonly input?: string | Buffer } = {},
): Program {
  const path = `/usr/bin/mosquitto_${tool}`
  if (!existsSync(path)) throw new Error(`${path} is missing: install Debian's mosquitto-clients (.ci/run does)`)
  // Line by line, as a terminal would get it.
  return start(t, 'stdbuf', ['-oL', path, '-h', '127.0.0.1', '-p', String(port), ...args], options)
}

/** `mosquitto_sub`, once its subscriptions are granted. */
export async function mosquittoSub(t: TestContext, port: number, args: readonly string[]): Promise<Program> {
  // A debug line says so; the messages themselves come as %p lines with a mark in front.
  const program = mosquitto(t, 'sub', port, ['-d', '-F', '> %t %q %r %p', ...args])
  await program.line(/^Subscribed/)
  return program
}

/** Messages that `mosquittoSub` has printed: topic, QoS, RETAIN, payload. */
export function messagesOf({ lines }: Program): string[] {
  return lines.filter((line) => line.startsWith('> ')).map((line) => line.slice(2))
}

export function start(
  t: TestContext,
  command: string,
  args: readonly string[],
  options: { readonly input?: string | Buffer } = {},
): Program {
  const program = new Program(command, args, options)
  t.after(() => program.kill('SIGKILL'))
  return program
}

/**
 * MQTT.js, connected; protocol version 5 unless said otherwise; ended with the test.
 *
 * @param prepare is called before it connects: what a resumed Session gets comes right behind CONNACK
 */
export async function mqttJs(
  t: TestContext,
  port: number,
  options: IClientOptions = {},
  prepare: (client: MqttClient) => void = () => undefined,
): Promise<MqttClient> {
  const { protocolVersion = 5 } = options
  const known = { protocolVersion, ...(protocolVersion === 3 && { protocolId: 'MQIsdp' as const }), reconnectPeriod: 0 }
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { ...known, ...options, manualConnect: true })
  t.after(() => client.end(true))
  prepare(client)
  const connected = new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', reject)
  })
  client.connect()
  await connected
  return client
}

/** The next messages of an MQTT.js Client, so many of them, as text. */
export function nextMessages(client: MqttClient, count = 1): Promise<string[]> {
  const received: string[] = []
  const waited = new Promise<string[]>((resolve) => {
    const hear = (topic: string, payload: Buffer): void => {
      received.push(`${topic} ${payload.toString()}`)
      if (received.length < count) return
      client.off('message', hear)
      resolve(received)
    }
    client.on('message', hear)
  })
  return inTime(waited, () => `only ${received.length} of ${count} messages came`)
}
