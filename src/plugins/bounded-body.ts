/**
 * Reads the answer of a web service up to a limit: bytes beyond it are never kept in memory.
 *
 * @module
 */
import { PluginError } from '../base/errors.ts'
import { withoutCredentials } from '../base/redact.ts'
import { GatheredBytes } from '../base/gathered-bytes.ts'

/** The service, for the error message. */
export interface AnswerSource {
  /** The service in words, such as `the login service`. */
  readonly name: string
  readonly url: string
  /** The option that sets the limit, such as `auth.http.max-answer-bytes`. */
  readonly option: string
  readonly maxBytes: number
}

/**
 * Reads a body to its end. A longer one is abandoned at once, together with its connection.
 *
 * @param announcedBytes the value of Content-Length, if any
 * @throws {PluginError} naming the address, the limit and the remedy
 */
export async function readBoundedBody(
  body: AsyncIterable<Uint8Array>,
  source: AnswerSource,
  announcedBytes: string | null | undefined,
): Promise<Buffer> {
  const gathered = new GatheredBytes(source.maxBytes)
  for await (const chunk of body) {
    // Leaving the loop destroys the stream.
    if (Number(announcedBytes ?? 0) > source.maxBytes || !gathered.add(chunk)) throw tooLong(source)
  }
  const { buffer, byteOffset, length } = gathered.bytes
  return Buffer.from(buffer, byteOffset, length)
}

/**
 * The error for a service that cannot be reached or answers incorrectly. It names the address and the system's report,
 * such as `connect ECONNREFUSED 127.0.0.1:8080`; neither contains data from a client, so it can be logged.
 */
export function failureOf({ name, url }: Pick<AnswerSource, 'name' | 'url'>, error: unknown): PluginError {
  if (error instanceof PluginError) return error
  return new PluginError(`${name} at ${withoutCredentials(url)} cannot be reached: ${causeOf(url, error)}`)
}

function causeOf(url: string, error: unknown): string {
  const { username, password } = new URL(url)
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(inner instanceof Error)) return 'unknown cause'
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : undefined
  // `fetch` quotes an address with credentials.
  if (code === undefined && username + password !== '') return 'its address must not contain credentials'
  if (code === undefined || inner.message.includes(code)) return inner.message
  return inner.message === '' ? code : `${inner.message} (${code})`
}

function tooLong({ name, url, option, maxBytes }: AnswerSource): PluginError {
  return new PluginError(
    `${name} at ${withoutCredentials(url)} answered with more than ${maxBytes} bytes; make its answers smaller, or raise ${option}`,
  )
}
