/**
 * What an issuer of tokens publishes: documents in JSON, with limits to their size and to the time of an answer. An
 * error names the address and its cause; neither contains data from a client, so it can be logged.
 *
 * @module
 */
import { PluginError } from '../base/errors.ts'
import { withoutCredentials } from '../base/redact.ts'
import { failureOf, readBoundedBody, type AnswerSource } from './bounded-body.ts'

export interface PublishedSource extends AnswerSource {
  readonly timeoutMs: number
  /** The option with its address. */
  readonly setBy: string
  /** What it has to be, in words. */
  readonly expected: string
  /** Whether the value of its JSON is that. */
  readonly isExpected: (value: unknown) => boolean
}

/**
 * Fetches it.
 *
 * @param options of `fetch`
 * @returns the bytes of the document, whose JSON is as expected
 * @throws {PluginError} for any other answer, or none
 */
export async function fetchPublished(source: PublishedSource, options: RequestInit): Promise<Buffer> {
  const failure = (problem: string): PluginError =>
    new PluginError(`${source.name} at ${withoutCredentials(source.url)} ${problem} (${source.setBy})`)
  try {
    const { status, headers, body } = await fetch(source.url, options)
    const chunks = (body ?? new Blob([]).stream()) as AsyncIterable<Uint8Array>
    const bytes = await readBoundedBody(chunks, source, headers.get('content-length'))
    if (status !== 200) throw failure(`answered with status ${status}`)
    if (!isJson(bytes, source.isExpected)) throw failure(`answered, but not with ${source.expected}`)
    return bytes
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') {
      throw failure(`did not answer within the timeout of ${source.timeoutMs} ms`)
    }
    throw failureOf(source, error)
  }
}

function isJson(bytes: Buffer, isExpected: (value: unknown) => boolean): boolean {
  try {
    return isExpected(JSON.parse(bytes.toString('utf8')))
  } catch {
    return false
  }
}

/** Whether it is a JSON Web Key Set (RFC 7517 §5). */
export function isKeySet(value: unknown): boolean {
  return Array.isArray((value as { readonly keys?: unknown } | null)?.keys)
}
