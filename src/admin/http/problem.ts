/**
 * What the API answers when it does not do what was asked: a problem document (RFC 9457) with a stable code.
 *
 *   { "type": "about:blank", "status": 400, "title": "Invalid parameter", "code": "ERR_USAGE",
 *     "detail": "clients: limit must be from 1 to 1000, got 0", "parameter": "limit", "expected": "a whole number from 1 to 1000" }
 *
 * @module
 */
import { ConfigError, SluiceError, StoreError, UsageError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { ParameterError } from '../parameter-error.ts'
import type { Answer } from './request.ts'

/** The status and the title of each code. */
export const problemTable = {
  ERR_USAGE: [400, 'Invalid request'],
  ERR_JSON: [400, 'Invalid JSON'],
  ERR_UNAUTHORIZED: [401, 'Login required'],
  ERR_FORBIDDEN: [403, 'Not allowed'],
  ERR_ORIGIN: [403, 'Foreign origin'],
  ERR_NOT_FOUND: [404, 'Not found'],
  ERR_METHOD: [405, 'Method not allowed'],
  ERR_LIMIT: [409, 'Limit reached'],
  ERR_VERSION: [412, 'Changed meanwhile'],
  ERR_BODY_SIZE: [413, 'Body too large'],
  ERR_TARGET_SIZE: [414, 'Path and query too long'],
  ERR_BODY_TYPE: [415, 'Unsupported type of body'],
  ERR_HOST: [421, 'Unknown host'],
  ERR_CONFIG: [422, 'Invalid configuration'],
  ERR_UPGRADE: [426, 'WebSocket required'],
  ERR_BUSY: [429, 'Too many at once'],
  ERR_RATE: [429, 'Too many requests'],
  ERR_INTERNAL: [500, 'Internal error'],
  ERR_ADMIN_KEYS: [503, 'Keys cannot be stored'],
  ERR_AUDIT: [503, 'Audit log not written'],
  ERR_UNAVAILABLE: [503, 'Not available'],
} as const satisfies Readonly<Record<string, readonly [status: number, title: string]>>

export type ProblemCode = keyof typeof problemTable

/** Further members of the document. */
export type ProblemFields = Readonly<Record<string, unknown>>

/** Thrown by the API: becomes an answer. */
export class Problem extends SluiceError {
  readonly status: number
  readonly title: string
  readonly fields: ProblemFields
  readonly headers: Answer['headers']

  constructor(code: ProblemCode, message: string, fields: ProblemFields = {}, headers: Answer['headers'] = {}) {
    super(code, message)
    ;[this.status, this.title] = problemTable[code]
    this.fields = fields
    this.headers = headers
  }
}

export function problemAnswer({ status, title, code, message, fields, headers }: Problem): Answer {
  const document = { type: 'about:blank', status, title, code, detail: message, ...fields }
  return {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
    body: [JSON.stringify(document)],
  }
}

/** Codes of errors that have no class of their own. */
const CALLERS_FAULT = ['ERR_ADMIN_KEYS', 'ERR_BUSY', 'ERR_FORBIDDEN', 'ERR_LIMIT', 'ERR_VERSION'] as const

/** What an error means for the caller. What is no fault of theirs is logged, and only its kind is reported. */
export function problemOf(error: unknown, log: Logger): Problem {
  if (error instanceof Problem) return error
  if (error instanceof ParameterError) {
    const { parameter, expected } = error
    return new Problem('ERR_USAGE', error.message, { parameter, ...(expected !== undefined && { expected }) })
  }
  if (error instanceof UsageError) return new Problem('ERR_USAGE', error.message)
  if (error instanceof ConfigError) return configProblem(error)
  const code = CALLERS_FAULT.find((each) => error instanceof SluiceError && each === error.code)
  if (code !== undefined) return new Problem(code, (error as SluiceError).message)
  log.error({ err: error }, 'a request to the HTTP API failed')
  if (error instanceof StoreError) {
    return new Problem('ERR_UNAVAILABLE', 'the store cannot do this now; the log of the broker has the cause')
  }
  return new Problem('ERR_INTERNAL', 'this is a bug; the log of the broker has the details')
}

/** A port that cannot be opened has a code of its own, which the document names as the cause. */
function configProblem({ code, message, problems }: ConfigError): Problem {
  const shown = problems.map(({ message: detail, ...place }) => ({ detail, ...place }))
  return new Problem('ERR_CONFIG', message, { problems: shown, ...(code !== 'ERR_CONFIG' && { cause: code }) })
}
