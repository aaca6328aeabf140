/**
 * Checks how much longer certificates and revocation lists are valid. An expired one is not an error, because
 * everything else may keep working: clients that do not check, and listeners with other names. But the operator has to
 * be warned.
 * @module
 */
import type { X509Certificate } from 'node:crypto'

const DAY_MS = 86_400_000

/** Something with a limited validity. */
export interface Dated {
  /** Its name, as the beginning of a sentence. */
  readonly name: string
  readonly startsAtMs: number
  /** `undefined` if it does not expire. */
  readonly endsAtMs: number | undefined
  /** The effect while it is not valid. */
  readonly consequence: string
}

/** The subject of a certificate on one line. */
export function subjectOf({ subject }: X509Certificate): string {
  return subject?.split('\n').join(', ') ?? '(no name)'
}

export function datedCertificate(certificate: X509Certificate, name: string, consequence: string): Dated {
  const { validFrom, validTo } = certificate
  return { name, startsAtMs: Date.parse(validFrom), endsAtMs: Date.parse(validTo), consequence }
}

/**
 * Describes what is not valid, or will not be for long.
 *
 * @param warningDays how many days before expiry the warning begins
 * @returns `undefined` if there is nothing to report
 *
 * @example
 * const dated = { name: 'the certificate', startsAtMs: 0, endsAtMs: 864e5, consequence: 'clients are refused' }
 * dateProblem(dated, 3 * 864e5, 14) // 'the certificate expired 2 days ago (1970-01-02T00:00:00.000Z): clients are refused'
 * dateProblem(dated, 0, 14) // 'the certificate expires in 1 day (1970-01-02T00:00:00.000Z)'
 * dateProblem(dated, -1, 14) // 'the certificate becomes valid in less than a day (1970-01-01T00:00:00.000Z): clients are refused'
 * dateProblem(dated, 0, 0) // undefined
 */
export function dateProblem(dated: Dated, nowMs: number, warningDays: number): string | undefined {
  const { name, startsAtMs, endsAtMs = Infinity, consequence } = dated
  if (nowMs < startsAtMs)
    return `${name} becomes valid in ${days(startsAtMs - nowMs)} (${at(startsAtMs)}): ${consequence}`
  if (nowMs > endsAtMs) return `${name} expired ${days(nowMs - endsAtMs)} ago (${at(endsAtMs)}): ${consequence}`
  if (endsAtMs - nowMs >= warningDays * DAY_MS) return undefined
  return `${name} expires in ${days(endsAtMs - nowMs)} (${at(endsAtMs)})`
}

function at(ms: number): string {
  return new Date(ms).toISOString()
}

function days(ms: number): string {
  const count = Math.floor(ms / DAY_MS)
  return count === 0 ? 'less than a day' : count === 1 ? '1 day' : `${count} days`
}
