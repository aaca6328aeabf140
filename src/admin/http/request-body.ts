/** The body of a request, as a value. @module */
import type { ParameterRow } from '../operation.ts'
import { parseJson } from './json-input.ts'
import { Problem } from './problem.ts'
import type { RequestHead } from './request.ts'
import type { FoundRoute } from './routes.ts'

/**
 * Reads the body of a request; empty if it has none. It has at most `admin.max-request-bytes`, or this limit if it is
 * lower.
 */
export type ReadBody = (maxBytes?: number) => Promise<Uint8Array>

/** @throws {Problem} for a body where there can be none, or one that is not JSON */
export async function bodyOf(
  { name, operation }: FoundRoute,
  { headers }: RequestHead,
  readBody: ReadBody,
): Promise<unknown> {
  const bytes = await readBody()
  if (bytes.length === 0) return undefined
  const rows: readonly ParameterRow[] = Object.values(operation.parameters)
  if (!rows.some(({ place }) => place === 'body')) throw new Problem('ERR_USAGE', `${name} takes no body; leave it out`)
  return jsonOf(bytes, { headers })
}

/** @throws {Problem} for one that is not JSON */
export function jsonOf(bytes: Uint8Array, { headers }: Pick<RequestHead, 'headers'>): unknown {
  // A form of another site cannot send this type.
  if (!/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(headers['content-type'] ?? '')) {
    throw new Problem('ERR_BODY_TYPE', 'the body must be JSON in UTF-8, with `Content-Type: application/json`')
  }
  if (headers['content-encoding'] !== undefined) {
    throw new Problem('ERR_BODY_TYPE', 'the body must not be compressed; leave out `Content-Encoding`')
  }
  return parseJson(bytes)
}
