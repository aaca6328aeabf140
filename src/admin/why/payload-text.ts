/** The beginning of a payload that the flight recorder has kept, for those who may see it. @module */
import { quotedBytes } from '../trace/trace-line.ts'
import type { Evidence } from './evidence.ts'
import type { Inquiry } from './facts.ts'

/** @returns a sentence for the end of a fact, with a space before it; empty if nothing is kept, or may be shown */
export function payloadText({ sight, server }: Inquiry, { entry }: Evidence): string {
  // A reload may have changed it since.
  const most = server.recorder.payloadBytes
  if (!sight.payloads || entry.payload === undefined || most === 0) return ''
  const which = entry.count === 1 ? 'Its payload' : 'The payload of the last one'
  return ` ${which} begins with ${quotedBytes(Buffer.from(entry.payload, 'latin1').subarray(0, most))}.`
}
