/** Where everything comes from, as each exported item repeats it. @module */
import type { HrTime } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'

export interface Origin {
  readonly resource: Resource
  readonly scope: { readonly name: string; readonly version: string }
}

/** The time of an item, from milliseconds since 1970. */
export function hrTimeOf(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1000)
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1e6)]
}
