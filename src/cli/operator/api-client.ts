/**
 * Calls the operations of a running broker through its HTTP API: on the Unix domain socket of the same machine, or at a
 * URL. Paths and places of parameters come from the table of operations.
 *
 * @module
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import type { AdminParameters, OperationName } from '../../broker/host/admin.ts'
import { SluiceError, UsageError } from '../../base/errors.ts'
import type { ParameterRow } from '../../admin/operation.ts'
import { streamEvents, type StreamEvent } from './event-stream.ts'
import { operationTable } from '../../admin/operation-table.ts'

/** Where the API is. */
export type ApiAddress =
  { readonly socket: string } | { readonly url: URL; readonly apiKey: string | undefined; readonly cafile?: Uint8Array }

/** What came back. */
export interface ApiAnswer {
  readonly status: number
  /** The value of its JSON; `undefined` without a body. */
  readonly value: unknown
}

type ApiRequest = Pick<RequestOptions, 'method' | 'path' | 'timeout'> & {
  readonly headers: Readonly<Record<string, string>>
}

const API_ROOT = '/api/v1'
/**
 * Of silence. A broker that is alive answers far earlier, a large list comes in pages; only a copy of a large store
 * takes long.
 */
const TIMEOUT_MS = 30_000

/** Of silence in a stream: the broker shows every 15 seconds that it is alive. */
const STREAM_TIMEOUT_MS = 60_000

export class ApiClient {
  readonly #address: ApiAddress

  constructor(address: ApiAddress) {
    this.#address = address
  }

  /** For messages. */
  get place(): string {
    const address = this.#address
    return 'socket' in address ? address.socket : address.url.origin
  }

  /**
   * Calls an operation.
   *
   * @returns what `broker.admin` returns; `undefined` for what is not there
   * @throws {SluiceError} `ERR_ADMIN` if there is no broker, or with the reason of the broker
   */
  async call<Name extends OperationName>(name: Name, parameters: AdminParameters[Name]): Promise<unknown> {
    const { method } = operationTable[name]
    const { path, body } = targetOf(name, parameters as Readonly<Record<string, unknown>>)
    const timeoutMs = name === 'backup' ? 0 : TIMEOUT_MS
    const { status, value } = await this.send(method, `${API_ROOT}${path}`, body, timeoutMs)
    if (status < 400) return value
    const { code, detail } = (value ?? {}) as Partial<Record<'code' | 'detail', string>>
    if (code === 'ERR_NOT_FOUND' && namesOne(name)) return undefined
    if (code === 'ERR_USAGE') throw new UsageError(`${detail}.`)
    throw this.#refused(value, status)
  }

  /** Sends a request. @throws {SluiceError} `ERR_ADMIN` if there is no answer in JSON */
  async send(method: string, path: string, body?: object, timeoutMs: number = TIMEOUT_MS): Promise<ApiAnswer> {
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers = {
      Accept: 'application/json',
      ...(text !== '' && { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)) }),
    }
    const options = { method, path, headers, timeout: timeoutMs }
    try {
      const response = await exchange(await this.#request(options), text)
      const read = await textOf(response)
      return { status: response.statusCode ?? 0, value: read === '' ? undefined : JSON.parse(read) }
    } catch (error) {
      throw this.#failure(error, Buffer.byteLength(text))
    }
  }

  /** Reads a stream of events until either side ends it. @throws {SluiceError} `ERR_ADMIN`, as `call` and `send` */
  async *follow(path: string): AsyncGenerator<StreamEvent> {
    const headers = { Accept: 'text/event-stream' }
    try {
      const options = { method: 'GET', path: `${API_ROOT}${path}`, headers, timeout: STREAM_TIMEOUT_MS }
      const response = await exchange(await this.#request(options), '')
      if (response.statusCode !== 200) throw this.#refused(JSON.parse(await textOf(response)), response.statusCode)
      yield* streamEvents(response.setEncoding('utf8') as AsyncIterable<string>)
    } catch (error) {
      throw error instanceof SluiceError ? error : this.#failure(error, 0)
    }
  }

  #refused(value: unknown, status: number | undefined): SluiceError {
    const { detail, option } = (value ?? {}) as Partial<Record<'detail' | 'option', string>>
    const limitedBy = option === undefined || detail?.includes(option) ? '' : ` (${option})`
    return new SluiceError('ERR_ADMIN', `${this.place}: ${detail ?? `the answer has the status ${status}`}${limitedBy}`)
  }

  async #request({ headers, ...options }: ApiRequest) {
    const address = this.#address
    if ('socket' in address)
      return httpRequest({ ...options, headers: { ...headers, Host: 'localhost' }, socketPath: address.socket })
    const { url, apiKey, cafile } = address
    const key = apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }
    const place = {
      ...options,
      headers: { ...headers, ...key },
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
    }
    if (url.protocol === 'http:') return httpRequest(place)
    const { request } = await import('node:https')
    return request({ ...place, ...(cafile !== undefined && { ca: Buffer.from(cafile) }) })
  }

  /** @param sentBytes of the body */
  #failure(error: unknown, sentBytes: number): SluiceError {
    const { code, message } = error as NodeJS.ErrnoException
    if (sentBytes > 0 && (code === 'EPIPE' || code === 'ECONNRESET')) {
      // The connection may end before its answer is read: 413, for a body that is too long.
      const sentence = `${this.place}: the broker ended the connection before it had read the request of ${sentBytes} bytes; more than its admin.max-request-bytes is not read`
      return new SluiceError('ERR_ADMIN', sentence, { cause: error })
    }
    const reason = REASONS[code ?? '']
    const local = 'socket' in this.#address
    const why = error instanceof SyntaxError ? 'the answer is not JSON; is this the API of a broker?' : message
    const sentence =
      local && reason !== undefined ? `${this.place}: ${reason}` : `cannot ask the broker at ${this.place}: ${why}`
    return new SluiceError('ERR_ADMIN', sentence, { cause: error })
  }
}

const ELSEWHERE =
  'start one with `sluice start`, or name the configuration of a running one with --config FILE, or its address with --url URL'

/** Of the local socket. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: `no broker has opened this socket; ${ELSEWHERE}`,
  ECONNREFUSED: `the broker that opened this socket has ended; ${ELSEWHERE}`,
  EACCES: 'this user may not open it; run the command as the user of the broker, or as root',
}

function exchange(request: ReturnType<typeof httpRequest>, text: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve).once('error', reject)
    request.once('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
    request.end(text)
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** Whether it is about one thing, such as a client, a key or a ban, which may not be there. */
function namesOne(name: OperationName): boolean {
  const { method, path } = operationTable[name]
  return method === 'DELETE' || path.includes('{')
}

/** The path with its query, and the body, as the table places the parameters. */
export function targetOf(
  name: OperationName,
  parameters: Readonly<Record<string, unknown>>,
): { readonly path: string; readonly body: object | undefined } {
  const { path: pattern, parameters: rows } = operationTable[name]
  const table = rows as Readonly<Record<string, ParameterRow>>
  const query = new URLSearchParams()
  const body: Record<string, unknown> = {}
  let path: string = pattern
  for (const [key, value] of Object.entries(parameters)) {
    if (value === undefined) continue
    const place = table[key]?.place
    if (place === 'path') path = path.replace(`{${key}}`, encodeURIComponent(textOfParameter(value)))
    else if (place === 'body') body[key] = value
    else query.set(key, textOfParameter(value))
  }
  const text = query.toString()
  return { path: text === '' ? path : `${path}?${text}`, body: Object.keys(body).length === 0 ? undefined : body }
}

/** In a path or a query: text, numbers, switches and lists of them. */
function textOfParameter(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOfParameter).join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
