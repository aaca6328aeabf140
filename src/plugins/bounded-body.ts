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
