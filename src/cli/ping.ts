/**
 * `sluice ping`: checks whether a broker is alive, for health checks. It connects, sends a CONNECT and a PINGREQ like
 * any client, and reads the answers.
 *
 * @module
 */
import { UsageError } from '../base/errors.ts'
import { withoutCredentials } from '../base/redact.ts'
import { targetOf } from '../bench/choice.ts'
import { connectPacket, DISCONNECT, PINGREQ } from '../bench/driver/frames.ts'
import { RawConnection, RawConnectionError } from '../bench/driver/raw-connection.ts'
import type { Target } from '../bench/driver/raw-connection.ts'
import type { ListenerOptions } from '../config/options.ts'
import type { Call } from './command.ts'
import { readConfig, urlOf } from './config.ts'

const DEFAULT_URL = 'mqtt://127.0.0.1:1883'
const DEFAULT_SECONDS = 5
const MOST_ROUNDS = 100_000
const VERSION = 4
const CONNACK = 2
const PINGRESP = 13
/** A limit was reached, or a login service or the store fails: a restart of the broker would not solve this. */
const UNAVAILABLE = 3
/** Return Codes of 3.1.1 that only mean that this client may not log in now, and so come from a working broker. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: 'this version of the protocol',
  2: 'an empty client identifier',
  3: 'new clients for the moment',
  4: 'a login without a user name',
  5: 'a login without a user name',
}
const UNSPECIFIED: ReadonlySet<string> = new Set(['', '0.0.0.0'])

/** @returns the exit code: 1 for a broker that does not answer correctly */
export async function ping({ options, positionals: [url], terminal }: Call): Promise<number> {
  const address = addressOf(url, options['config'])
  const target = targetOf(address, 'The URL of a broker')
  const seconds = secondsOf(options['timeout'])
  const count = countOf(options['count'])
  try {
    const times: number[] = []
    terminal.out(`${withoutCredentials(address)} is alive${await answerOf(target, seconds * 1000, count, times)}`)
    if (count > 1 && times.length > 0) terminal.out(summaryOf(times))
    return 0
  } catch (error) {
    if (!(error instanceof RawConnectionError)) throw error
    terminal.err(`${withoutCredentials(address)} does not answer: ${error.message}`)
    return 1
  }
}

/** @returns additional information; @throws {RawConnectionError} if the broker is not alive */
async function answerOf(target: Target, timeoutMs: number, count: number, times: number[]): Promise<string> {
  const link = await RawConnection.open(target, timeoutMs)
  try {
    const { userName, password } = target
    const packet = connectPacket({ version: VERSION, clientId: '', userName, password, cleanStart: true })
    const code = (await link.exchange(packet, CONNACK))[3]!
    if (code !== 0) {
      const refused = userName === undefined || code === UNAVAILABLE ? REFUSALS[code] : undefined
      if (refused === undefined) throw new RawConnectionError(`it refused the CONNECT with code ${code}`)
      return `, and refuses ${refused}`
    }
    for (let round = 0; round < count; round++) {
      const sentAt = performance.now()
      await link.exchange(PINGREQ, PINGRESP)
      times.push(performance.now() - sentAt)
    }
    await link.leave(DISCONNECT)
    return ''
  } finally {
    link.destroy()
  }
}

function addressOf(url: string | undefined, file: string | undefined): string {
  if (url !== undefined && file !== undefined) throw new UsageError('Use either a URL or --config, not both.')
  if (file === undefined) return url ?? DEFAULT_URL
  const listener = readConfig(file).options.listeners.find(isReachable)
  if (listener !== undefined) return urlOf({ ...listener, host: dialable(listener.host) })
  throw new UsageError(
    `No listener of ${file} can be reached: each is a Unix socket, on port 0, or requires a PROXY header or a client certificate.`,
  )
}

function isReachable({ type, port, proxyProtocol, clientCertificates }: ListenerOptions): boolean {
  return type !== 'unix' && port !== 0 && !proxyProtocol && clientCertificates !== 'required'
}

/** A listener on every interface is also reachable on the loopback address. */
function dialable(host: string): string {
  return UNSPECIFIED.has(host) ? '127.0.0.1' : host === '::' ? '::1' : host
}

function secondsOf(written: string | undefined): number {
  const seconds = Number(written ?? DEFAULT_SECONDS)
  if (!(seconds > 0 && seconds <= 3600))
    throw new UsageError(`--timeout must be a number of seconds above 0, got ${written}.`)
  return seconds
}

function countOf(written: string | undefined): number {
  const count = Number(written ?? 1)
  if (Number.isInteger(count) && count >= 1 && count <= MOST_ROUNDS) return count
  throw new UsageError(`--count must be an integer from 1 to ${MOST_ROUNDS}, got ${written}.`)
}

/** The round trips of one connection, one after the other. */
function summaryOf(times: readonly number[]): string {
  const sorted = times.toSorted((one, other) => one - other)
  const [shortest, middle, longest] = [0, 0.5, 1].map((share) => sorted[Math.round(share * (sorted.length - 1))]!)
  const shown = [shortest, middle, longest].map((time) => time!.toFixed(2))
  return `${times.length} round trips: ${shown[0]} ms at best, ${shown[1]} ms in the middle, ${shown[2]} ms at worst`
}
