/**
 * How much time certificates and revocation lists have left. What has run out is no error, since everything else may go on
 * working: clients that do not look, listeners of other names. But whoever starts the broker has to read of it.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto'

const DAY_MS = 86_400_000

/** Something that is in force for a time. */
export interface Dated {
  /** What it is, as the beginning of a sentence. */
  readonly name: string
  readonly startsAtMs: number
  /** `undefined` where it does not end. */
  readonly endsAtMs: number | undefined
  /** What goes wrong without it. */
  readonly consequence: string
}

/** The name of a certificate's owner on one line. */
export function subjectOf({ subject }: X509Certificate): string {
  return subject?.split('\n').join(', ') ?? '(no name)'
}

export function datedCertificate(certificate: X509Certificate, name: string, consequence: string): Dated {
  const { validFrom, validTo } = certificate
  return { name, startsAtMs: Date.parse(validFrom), endsAtMs: Date.parse(validTo), consequence }
}

/**
 * Says what is not in force, or will not be for long.
 *
 * @param warningDays how many days before the end that is said
 * @returns `undefined` where nothing has to be said
 *
 * @example
 * const dated = { name: 'the certificate', startsAtMs: 0, endsAtMs: 864e5, consequence: 'nobody comes in' }
 * dateProblem(dated, 3 * 864e5, 14) // 'the certificate expired 2 days ago (1970-01-02T00:00:00.000Z): nobody comes in'
 * dateProblem(dated, 0, 14) // 'the certificate expires in 1 day (1970-01-02T00:00:00.000Z)'
 * dateProblem(dated, -1, 14) // 'the certificate becomes valid in less than a day (1970-01-01T00:00:00.000Z): nobody comes in'
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
