/**
 * The answer of a web service, read as far as a limit: what comes beyond it is never in memory.
 *
 * @module
 */
import { PluginError } from '../base/errors.ts'

/** Whose answer it is, for the error. */
export interface AnswerSource {
  /** What answers, in words, such as `the login service`. */
  readonly name: string
  readonly url: string
  /** The option that sets the limit, such as `auth.http.max-answer-bytes`. */
  readonly option: string
  readonly maxBytes: number
}

/**
 * Reads a body to its end. A longer one is given up at once, with the connection that it comes through.
 *
 * @param announcedBytes what Content-Length says, if anything
 * @throws {PluginError} naming the address, the limit and the way out
 */
export async function readBoundedBody(
  body: AsyncIterable<Uint8Array>,
  source: AnswerSource,
  announcedBytes: string | null | undefined,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    // Leaving the loop destroys the stream.
    if (length > source.maxBytes || Number(announcedBytes ?? 0) > source.maxBytes) throw tooLong(source)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/**
 * The error for a service that cannot be reached or answers wrongly. It names the address and what the system reported, such as
 * `connect ECONNREFUSED 127.0.0.1:8080`; neither may hold what a client sent, so that it can be logged.
 */
export function failureOf({ name, url }: Pick<AnswerSource, 'name' | 'url'>, error: unknown): PluginError {
  if (error instanceof PluginError) return error
  return new PluginError(`${name} at ${withoutCredentials(url)} cannot be asked: ${causeOf(url, error)}`)
}

function causeOf(url: string, error: unknown): string {
  const { username, password } = new URL(url)
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(inner instanceof Error)) return 'unknown cause'
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : undefined
  // `fetch` quotes an address with credentials.
  if (code === undefined && username + password !== '') return 'its address must not hold credentials'
  if (code === undefined || inner.message.includes(code)) return inner.message
  return inner.message === '' ? code : `${inner.message} (${code})`
}

function tooLong({ name, url, option, maxBytes }: AnswerSource): PluginError {
  return new PluginError(
    `${name} at ${withoutCredentials(url)} answered with more than ${maxBytes} bytes; let it answer with less, or raise ${option}`,
  )
}

/** The address as it may be shown: neither credentials nor a query, which may be a secret. */
export function withoutCredentials(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
