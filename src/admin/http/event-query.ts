/** What a reader of events asks for in the query of its request. @module */
import { nearest } from '../../base/nearest.ts'
import { show } from '../../base/show.ts'
import { ParameterError } from '../parameter-error.ts'
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import { liveEvents, roleFor, type LiveEvent } from './live-events.ts'

/** The longest time between two overviews, in seconds. */
export const MAX_OVERVIEW_SECONDS = 60

export interface EventQuery {
  readonly names: readonly LiveEvent[]
  /** 0: none. */
  readonly overviewSeconds: number
}

/**
 * @param checkRole throws if the caller has not at least that role; without names, it gets what its role may read
 * @throws {ParameterError}
 */
export function eventQuery(query: string, checkRole: (role: AdminRole) => void = () => {}): EventQuery {
  let names: readonly LiveEvent[] | undefined
  let overviewSeconds: number | undefined
  for (const [key, value] of new URLSearchParams(query)) {
    if (key === 'names' && names === undefined) names = value.split(',').map(liveEvent)
    else if (key === 'overview' && overviewSeconds === undefined) overviewSeconds = secondsOf(value)
    else throw unknown(key)
  }
  for (const name of names ?? []) checkRole(roleFor(name))
  return { names: names ?? (overviewSeconds === undefined ? liveEvents : []), overviewSeconds: overviewSeconds ?? 0 }
}

function liveEvent(written: string): LiveEvent {
  const name = liveEvents.find((one) => one === written)
  if (name !== undefined) return name
  const near = nearest(written, liveEvents)
  const hint = near === undefined ? `one of ${liveEvents.join(', ')}` : `did you mean ${near}?`
  throw new ParameterError(`events: names has ${show(written)}; ${hint}`, 'names', `a list of ${liveEvents.join(', ')}`)
}

function secondsOf(written: string): number {
  const seconds = /^\d{1,3}$/.test(written) ? Number(written) : 0
  if (seconds >= 1 && seconds <= MAX_OVERVIEW_SECONDS) return seconds
  const expected = `a whole number from 1 to ${MAX_OVERVIEW_SECONDS}`
  throw new ParameterError(`events: overview must be ${expected}, got ${show(written)}`, 'overview', expected)
}

function unknown(key: string): ParameterError {
  const isKnown = key === 'names' || key === 'overview'
  const detail = isKnown ? `${key} is given twice` : `it has no parameter ${show(key)}; it has names, overview`
  return new ParameterError(`events: ${detail}`, key)
}
