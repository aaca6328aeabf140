/**
 * Opens a TCP connection through a proxy: SOCKS 5 (RFC 1928, with the login of RFC 1929), or HTTP with CONNECT (RFC
 * 9110 §9.3.6). The proxy resolves the name of the server.
 *
 * @module
 */
import { connect, type Socket } from 'node:net'
import { UsageError } from '../base/errors.ts'
import type { Attempt } from './client-side.ts'

/** Where a proxy is, and the login that it requires. */
export interface Proxy {
  readonly kind: 'socks5' | 'http'
  readonly host: string
  readonly port: number
  readonly userName?: string
  readonly password?: string
}

const KINDS: Readonly<Record<string, readonly [kind: Proxy['kind'], port: number]>> = {
  'socks5h:': ['socks5', 1080],
  'socks5:': ['socks5', 1080],
  'http:': ['http', 3128],
}
/** Bytes of an answer of a proxy beyond which it is none. */
const MOST_ANSWER_BYTES = 16_384
const NO_LOGIN = 0
const LOGIN = 2
const DOMAIN_NAME = 3
/** What a SOCKS server answers to CONNECT, by code (RFC 1928 §6). */
const REPLIES = [
  'succeeded',
  'general failure',
  'connection not allowed',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'TTL expired',
  'command not supported',
  'address type not supported',
]

/**
 * Reads the URL of a proxy: `socks5h://[user[:password]@]host[:port]` or `http://…`.
 *
 * @throws {UsageError} for anything else
 *
 * @example
 * proxyOf('socks5h://localhost').port // 1080
 */
export function proxyOf(text: string): Proxy {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const known = url === undefined ? undefined : KINDS[url.protocol]
  if (url === undefined || known === undefined || url.hostname === '') {
    const shown = text.replace(/\/\/[^/@]*@/, '//')
    throw new UsageError(`The URL of a proxy begins with socks5h:// or http://, got ${shown}`)
  }
  const [kind, port] = known
  return {
    kind,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    // The standard port of HTTP is left out of a parsed URL.
    port: url.port === '' ? (/:80\/?$/.test(text) ? 80 : port) : Number(url.port),
    ...(url.username !== '' && { userName: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
  }
}

/**
 * Opens the connection.
 *
 * @param attempt closes it once it is over
 * @throws {Error} with the answer of the proxy if it refuses
 */
export async function connectThrough(
  proxy: Proxy,
  host: string,
  port: number,
  attempt?: Pick<Attempt, 'whenOver'>,
): Promise<Socket> {
  const socket = connect({ host: proxy.host, port: proxy.port, noDelay: true })
  attempt?.whenOver(() => socket.destroy(new Error('the proxy did not answer in time')))
  try {
    await new Promise<void>((resolve, reject) => socket.once('error', reject).once('connect', () => resolve()))
    const answers = new Answers(socket)
    if (proxy.kind === 'http') await askHttp(answers, proxy, host, port)
    else await askSocks(answers, proxy, host, port)
    answers.release()
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** Reads what a proxy answers, and leaves what follows to the client. */
class Answers {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #look: () => void = () => undefined
  #fail: (error: Error) => void = () => undefined
  readonly #listeners: Readonly<Record<string, (...parameters: never[]) => void>>

  constructor(socket: Socket) {
    this.socket = socket
    this.#listeners = {
      data: (chunk: Buffer) => {
        this.#received = Buffer.concat([this.#received, chunk])
        this.#look()
      },
      error: (error: Error) => this.#fail(error),
      close: () => this.#fail(new Error('the proxy closed the connection')),
    }
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener as () => void)
  }

  /** @param sizeOf the size of the answer at the beginning of what was received; `undefined` while it is incomplete */
  take(sizeOf: (received: Buffer) => number | undefined): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#fail = reject
      this.#look = () => {
        const size = sizeOf(this.#received)
        if (size !== undefined && size <= this.#received.length) {
          const answer = this.#received.subarray(0, size)
          this.#received = this.#received.subarray(size)
          this.#look = () => undefined
          resolve(answer)
        } else if (this.#received.length > MOST_ANSWER_BYTES) reject(new Error('the answer of the proxy is too long'))
      }
      this.#look()
    })
  }

  release(): void {
    for (const [event, listener] of Object.entries(this.#listeners)) this.socket.off(event, listener as () => void)
    this.socket.pause()
    if (this.#received.length > 0) this.socket.unshift(this.#received)
  }
}

async function askHttp(
  answers: Answers,
  { userName, password = '' }: Proxy,
  host: string,
  port: number,
): Promise<void> {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const login =
    userName === undefined
      ? ''
      : `Proxy-Authorization: Basic ${Buffer.from(`${userName}:${password}`).toString('base64')}\r\n`
  answers.socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${login}\r\n`)
  const answer = await answers.take((received) => {
    const end = received.indexOf('\r\n\r\n')
    return end < 0 ? undefined : end + 4
  })
  const [status = ''] = answer.toString('latin1').split('\r\n')
  if (!/^HTTP\/1\.[01] 2\d\d/.test(status)) throw new Error(`the proxy refused: ${status}`)
}

async function askSocks(answers: Answers, proxy: Proxy, host: string, port: number): Promise<void> {
  const { socket } = answers
  const methods = proxy.userName === undefined ? [NO_LOGIN] : [NO_LOGIN, LOGIN]
  socket.write(Uint8Array.of(5, methods.length, ...methods))
  const [version, method] = await answers.take(() => 2)
  if (version !== 5) throw new Error('the proxy does not speak SOCKS 5')
  if (method === LOGIN) await logIn(answers, proxy)
  else if (method !== NO_LOGIN) throw new Error('the proxy requires a login')
  const name = Buffer.from(host)
  socket.write(
    Buffer.concat([Uint8Array.of(5, 1, 0, DOMAIN_NAME, name.length), name, Uint8Array.of(port >> 8, port & 0xff)]),
  )
  const reply = await answers.take(sizeOfReply)
  if (reply[1] !== 0) throw new Error(`the proxy refused: ${REPLIES[reply[1]!] ?? `code ${reply[1]}`}`)
}

async function logIn(answers: Answers, { userName = '', password = '' }: Proxy): Promise<void> {
  const [user, secret] = [Buffer.from(userName), Buffer.from(password)]
  answers.socket.write(Buffer.concat([Uint8Array.of(1, user.length), user, Uint8Array.of(secret.length), secret]))
  const [, status] = await answers.take(() => 2)
  if (status !== 0) throw new Error('the proxy refused the user name or the password')
}

/** The address that the proxy uses follows, as IPv4, IPv6 or a name. */
function sizeOfReply(received: Buffer): number | undefined {
  if (received.length < 5) return undefined
  const kind = received[3]
  return 4 + (kind === 1 ? 4 : kind === 4 ? 16 : 1 + received[4]!) + 2
}
