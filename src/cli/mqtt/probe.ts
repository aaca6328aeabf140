/**
 * `sluice probe URL`: goes the way of a client step by step, and reports each step on a line: name, TCP, TLS,
 * WebSocket, login, round trip. So it shows which step fails, and how long each takes.
 *
 * @module
 */
import { lookup } from 'node:dns/promises'
import { connect, isIP } from 'node:net'
import { connect as connectTls, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { UsageError } from '../../base/errors.ts'
import { type Address, urlOfAddress } from '../../client/address.ts'
import { Client } from '../../client/client.ts'
import type { ClientError } from '../../client/client-error.ts'
import type { ClientOptions } from '../../client/client-options.ts'
import { dial } from '../../client/dial.ts'
import { tlsOptionsOf } from '../../client/tls-transport.ts'
import type { ConnackPacket, Packet } from '../../codec/packets.ts'
import { PacketType } from '../../codec/packet-types.ts'
import { propertyTable } from '../../codec/property-table.ts'
import { realClock, stayAlive } from '../../turn/clock.ts'
import type { Call } from '../command.ts'
import type { Terminal } from '../terminal.ts'
import { parseFlags } from './flags.ts'
import { propertyName } from './property-flags.ts'
import { explain } from './reasons.ts'
import { settingsOf } from './settings.ts'

const DAY_MS = 86_400_000
/** A certificate that expires sooner is a warning. */
const SOON_DAYS = 30
const MOST_MS = 10_000

/** A step failed: its name and the reason are printed, and the rest is left out. */
class StepFailed extends Error {}

/** @returns the exit code: 1 if a step failed */
export async function probe({ args = [], terminal }: Call): Promise<number> {
  const [first = '', ...rest] = args
  const isUrl = first !== '' && !first.startsWith('-')
  const written = isUrl ? ['-L', first, ...rest] : args
  // Flags of the version and login are those of the other tools; 5.0 reports most.
  const flags = parseFlags('pub', ['-V', 'mqttv5', ...written], 'probe')
  if (flags.names.includes('topic')) throw new UsageError('`sluice probe` has no option -t: it publishes nothing.')
  const { address, options } = settingsOf(flags)
  return (await probeAddress(address, options, terminal)) ? 0 : 1
}

/** Goes through all steps. @returns whether each succeeded */
export async function probeAddress(
  address: Address,
  options: Partial<ClientOptions>,
  terminal: Terminal,
): Promise<boolean> {
  try {
    await follow(address, options, new Steps(terminal))
    return true
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error
    return false
  }
}

async function follow(address: Address, options: Partial<ClientOptions>, steps: Steps): Promise<void> {
  const { transport, host } = address
  // A proxy resolves the name and opens the connection.
  if (transport !== 'unix' && address.proxy === undefined) {
    if (isIP(host) === 0) await steps.run('name', () => resolveName(host))
    await steps.run('TCP', () => openTcp(address))
    if (transport === 'tls' || transport === 'wss') await steps.run('TLS', () => shakeHands(address))
  }
  const name = transport === 'ws' || transport === 'wss' ? 'WebSocket' : transport === 'unix' ? 'socket' : 'stream'
  await new Login(address, options, steps, name).run()
}

/** Prints steps as they are done. */
class Steps {
  readonly #terminal: Terminal

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** @throws {StepFailed} once the reason is printed */
  async run(name: string, step: () => Promise<readonly string[]>): Promise<void> {
    const startedAt = performance.now()
    try {
      this.done(name, startedAt, await within(step()))
    } catch (error) {
      throw this.failed(name, startedAt, (error as Error).message)
    }
  }

  done(name: string, startedAt: number, facts: readonly string[]): void {
    this.#line('ok', name, startedAt, facts)
  }

  failed(name: string, startedAt: number, message: string): StepFailed {
    this.#line('failed', name, startedAt, [message])
    return new StepFailed(message)
  }

  #line(state: string, name: string, startedAt: number, [first = '', ...more]: readonly string[]): void {
    const took = `${(performance.now() - startedAt).toFixed(1)} ms`
    this.#terminal.out(`${state.padEnd(8)}${name.padEnd(11)}${took.padStart(10)}  ${first}`)
    for (const fact of more) this.#terminal.out(`${' '.repeat(31)}${fact}`)
  }
}

async function within<Value>(promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${MOST_MS / 1000} s`)), MOST_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

async function resolveName(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true })
  return [`${host} is ${found.map(({ address }) => address).join(', ')}`]
}

function openTcp({ host, port }: Address): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    socket.once('error', reject)
    socket.once('connect', () => {
      const { remoteAddress, remotePort, localAddress } = socket
      socket.destroy()
      resolve([`connected to ${remoteAddress} port ${remotePort} from ${localAddress}`])
    })
  })
}

/** Every certificate is accepted first, so that one that is not trusted can be shown. */
function shakeHands({ host, port, tls = {} }: Address): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const servername = isIP(host) === 0 ? { servername: host } : {}
    const socket = connectTls({ host, port, ...servername, ...tlsOptionsOf(tls), rejectUnauthorized: false })
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      const facts = tlsFacts(socket)
      const problem = tls.psk === undefined && !socket.authorized ? socket.authorizationError : undefined
      socket.destroy()
      if (problem === undefined) resolve(facts)
      else reject(new Error([`the certificate is not trusted: ${String(problem)}`, ...facts].join('; ')))
    })
  })
}

function tlsFacts(socket: TLSSocket): string[] {
  const { alpnProtocol } = socket
  const protocol = typeof alpnProtocol === 'string' ? `, ALPN ${alpnProtocol}` : ''
  const facts = [`${socket.getProtocol()}, ${socket.getCipher().standardName}${protocol}`]
  const seen = new Set<string>()
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (certificate?.fingerprint256 !== undefined && !seen.has(certificate.fingerprint256)) {
    seen.add(certificate.fingerprint256)
    facts.push(certificateFact(certificate))
    certificate = certificate.issuerCertificate
  }
  return facts
}

function certificateFact({ subject, subjectaltname, valid_to: until }: DetailedPeerCertificate): string {
  const days = Math.floor((Date.parse(until) - Date.now()) / DAY_MS)
  const left = days < 0 ? `expired ${-days} days ago` : `${days} days left${days < SOON_DAYS ? ', renew it soon' : ''}`
  const names = subjectaltname === undefined ? '' : ` (${subjectaltname})`
  return `certificate ${Object.values(subject).flat().join(', ')}${names}: ${left}`
}

/** The last steps: the stream itself, the login, a round trip. */
class Login {
  readonly #client: Client
  readonly #steps: Steps
  readonly #streamName: string
  #startedAt = performance.now()
  #step: string
  #finish: (error?: Error) => void = () => undefined

  constructor(address: Address, options: Partial<ClientOptions>, steps: Steps, streamName: string) {
    this.#steps = steps
    this.#streamName = streamName
    this.#step = streamName
    const watch = { sent: () => undefined, received: (packet: Packet) => this.#received(packet) }
    this.#client = new Client(
      { ...options, connectTimeoutMs: MOST_MS, pingTimeoutMs: MOST_MS },
      {
        dial: (attempt) =>
          dial(address, {
            address: 0,
            opened: (transport) => {
              this.#next(urlOfAddress(address), 'login')
              return attempt.opened(transport)
            },
            failed: (error) => attempt.failed(error),
            whenOver: (stop) => attempt.whenOver(stop),
          }),
        connected: (connack) => this.#connected(connack),
        disconnected: (error) => this.#disconnected(error),
        received: () => 0,
        watch,
      },
      realClock,
    )
  }

  async run(): Promise<void> {
    const alive = stayAlive()
    try {
      await new Promise<void>((resolve, reject) => {
        this.#finish = (error) => (error === undefined ? resolve() : reject(error))
        this.#client.start()
      })
    } finally {
      alive.cancel()
    }
  }

  /** A step is done, and another begins. */
  #next(fact: string | readonly string[], step: string): void {
    this.#steps.done(this.#step, this.#startedAt, typeof fact === 'string' ? [fact] : fact)
    this.#startedAt = performance.now()
    this.#step = step
  }

  #connected({ sessionPresent, properties }: ConnackPacket): void {
    const limits = propertyTable
      .filter(({ key }) => properties[key] !== undefined && key !== 'userProperties')
      .map((row) => `${propertyName(row)} ${String(properties[row.key])}`)
    const who = this.#client.clientId === '' ? '' : ` as ${this.#client.clientId}`
    this.#next([`accepted${who}${sessionPresent ? ', session present' : ''}`, ...limits], 'round trip')
    this.#client.ping()
  }

  #received({ type }: Packet): void {
    if (type !== PacketType.PINGRESP) return
    this.#next('PINGREQ was answered', this.#streamName)
    this.#client.end()
    this.#finish()
  }

  #disconnected(error: ClientError | undefined): void {
    if (error === undefined) return
    this.#finish(this.#steps.failed(this.#step, this.#startedAt, explain(error)))
  }
}
