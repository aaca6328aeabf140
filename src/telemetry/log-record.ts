/** A line of the log as a record of OpenTelemetry. @module */
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { show } from '../base/show.ts'
import type { LogLevel } from '../base/log-tap.ts'
import { messageOf } from '../base/thrown.ts'
import { hrTimeOf, type Origin } from './origin.ts'

/** The severity numbers of OpenTelemetry's data model. */
const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 5, info: 9, warn: 13, error: 17 }

type LogAttributes = ReadableLogRecord['attributes']

/** @param atMs milliseconds since 1970 */
export function logRecordOf(
  level: LogLevel,
  fields: object | undefined,
  message: string,
  origin: Origin,
  atMs: number,
): ReadableLogRecord {
  const hrTime = hrTimeOf(atMs)
  return {
    hrTime,
    hrTimeObserved: hrTime,
    severityText: level.toUpperCase(),
    severityNumber: SEVERITY[level],
    body: message,
    resource: origin.resource,
    instrumentationScope: origin.scope,
    attributes: attributesOf(fields),
    droppedAttributesCount: 0,
  }
}

/** An error gets the names of the semantic conventions; other fields keep theirs. */
function attributesOf(fields: object | undefined): LogAttributes {
  const attributes: LogAttributes = {}
  for (const [name, value] of Object.entries(fields ?? {})) {
    if (name === 'err') Object.assign(attributes, exceptionOf(value))
    else if (value !== undefined) attributes[name] = isPlain(value) ? value : show(value)
  }
  return attributes
}

function exceptionOf(error: unknown): LogAttributes {
  const { code, name } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>
  const type = typeof code === 'string' ? code : name
  return { 'exception.message': messageOf(error), ...(typeof type === 'string' && { 'exception.type': type }) }
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
