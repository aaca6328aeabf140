/** A request to follow a trace: its path, and the place from which it is read. @module */
import { show } from '../../base/show.ts'
import { ParameterError } from '../parameter-error.ts'
import { API_ROOT } from './routes.ts'

const PATH = new RegExp(`^${API_ROOT}/traces/([^/]+)/events$`)

/** @returns the `traceId` in the path; `undefined` for any other path */
export function followedTrace(path: string): string | undefined {
  return PATH.exec(path)?.[1]
}

/**
 * The number of the last record that the reader knows.
 *
 * @param lastEventId sent by browsers that connect again
 * @throws {ParameterError}
 */
export function traceQuery(query: string, lastEventId: string | undefined): number {
  let after = lastEventId
  for (const [key, value] of new URLSearchParams(query)) {
    if (key !== 'after') throw new ParameterError(`events: it has no parameter ${show(key)}; it has after`, key)
    after ??= value
  }
  if (after === undefined || after === '') return 0
  if (/^\d{1,15}$/.test(after)) return Number(after)
  const expected = 'the number of a record'
  throw new ParameterError(`events: after must be ${expected}, got ${show(after)}`, 'after', expected)
}
