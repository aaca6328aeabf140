/**
 * The trace context of a message: the User Properties `traceparent` and `tracestate`, as W3C defines their values and
 * its draft for MQTT their names. The broker reads them and passes them on as they are [5.0 MQTT-3.3.2-17].
 *
 *   traceparent   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *                 version, trace, span of the publisher, flags: 01 = sampled
 *
 * @module
 */
import type { Properties } from '../codec/properties.ts'

export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits: the span of the publisher. */
  readonly spanId: string
  readonly flags: number
  /** As received; empty without one, or if it is longer than W3C asks to pass on. */
  readonly state: string
}

const SAMPLED = 1
/** Later versions may have more behind the flags. */
const TRACE_PARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const MAX_STATE_LENGTH = 512

/**
 * Reads the trace context.
 *
 * @returns `undefined` if there is none, or none that can be understood
 *
 * @example
 * const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
 * traceContextOf({ userProperties: [['traceparent', parent]] })?.spanId // '00f067aa0ba902b7'
 * traceContextOf({ userProperties: [['traceparent', 'malformed']] }) // undefined
 */
export function traceContextOf({ userProperties = [] }: Properties): TraceContext | undefined {
  const parents = valuesOf(userProperties, 'traceparent')
  // More than one is as good as none, because nobody knows which one is meant.
  const match = parents.length === 1 ? TRACE_PARENT.exec(parents[0]!) : null
  if (match === null || (match[1] === '00' && match[5] !== undefined)) return undefined
  const state = valuesOf(userProperties, 'tracestate').join(',')
  return {
    traceId: match[2]!,
    spanId: match[3]!,
    flags: Number.parseInt(match[4]!, 16),
    state: state.length > MAX_STATE_LENGTH ? '' : state,
  }
}

/** Whether the publisher records its part of the trace. */
export function isSampled({ flags }: TraceContext): boolean {
  return (flags & SAMPLED) === SAMPLED
}

function valuesOf(userProperties: NonNullable<Properties['userProperties']>, wanted: string): string[] {
  return userProperties.flatMap(([name, value]) => (name === wanted ? [value] : []))
}
