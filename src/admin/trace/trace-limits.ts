/** The limits of a trace: what its request asks for, within what the configuration allows. @module */
import { SluiceError } from '../../base/errors.ts'
import type { Broker } from '../../broker/broker.ts'
import type { AdminCaller, TraceRequest } from '../../broker/host/trace-admin.ts'
import { defaultsOf } from '../../config/option-reader.ts'
import type { AdminOptions } from '../../config/resolved-options.ts'
import { ParameterError } from '../parameter-error.ts'
import { maySeePayloads } from '../show-payloads.ts'
import type { TraceLimits } from './trace.ts'

const DEFAULT_SECONDS = 300

/** The options that limit traces. */
export type TraceSettings = Pick<
  AdminOptions,
  | 'maxTraces'
  | 'maxTracesPerCaller'
  | 'maxTraceSeconds'
  | 'maxTraceRecords'
  | 'maxTraceBytes'
  | 'maxTraceRate'
  | 'maxTraceClients'
  | 'maxTraceBufferBytes'
  | 'showPayloads'
>

/** The options of the broker; the defaults for one without an HTTP API. */
export function traceSettings(broker: Broker): TraceSettings {
  return broker.options.admin ?? (defaultsOf('admin') as unknown as TraceSettings)
}

/**
 * @param isHost whether the host program calls, which sees all payloads anyway
 * @throws {ParameterError} for more than the configuration allows; `ERR_FORBIDDEN` for payloads
 */
export function traceLimits(
  request: TraceRequest,
  settings: TraceSettings,
  caller: AdminCaller,
  isHost: boolean,
): TraceLimits {
  const { payloadBytes = 0 } = request
  if (payloadBytes > 0 && !isHost) checkPayloads(settings, caller)
  return {
    payloadBytes,
    isHost,
    seconds: within('seconds', request.seconds, DEFAULT_SECONDS, settings.maxTraceSeconds, 'max-trace-seconds'),
    records: within('records', request.records, Infinity, settings.maxTraceRecords, 'max-trace-records'),
    bytes: settings.maxTraceBytes,
    recordsPerSecond: settings.maxTraceRate,
    clients: settings.maxTraceClients,
    bufferBytes: settings.maxTraceBufferBytes,
  }
}

/** @throws {ParameterError} for more than the option allows */
function within(name: string, asked: number | undefined, usual: number, most: number, option: string): number {
  if (asked === undefined) return Math.min(usual, most)
  if (asked <= most) return asked
  const expected = `at most ${most}, the value of admin.${option}`
  throw new ParameterError(`startTrace: ${name} must be ${expected}, got ${asked}`, name, expected)
}

/** Whether a trace may still show what it shows: a reload may have changed `admin.show-payloads`. */
export function mayGoOn({ payloadBytes, isHost }: TraceLimits, settings: TraceSettings, caller: AdminCaller): boolean {
  return payloadBytes === 0 || isHost || maySeePayloads(settings, caller)
}

/** @throws {SluiceError} `ERR_FORBIDDEN` */
function checkPayloads(settings: TraceSettings, caller: AdminCaller): void {
  if (maySeePayloads(settings, caller)) return
  const { showPayloads } = settings
  const { name, role } = caller
  if (showPayloads === 'off') {
    throw new SluiceError('ERR_FORBIDDEN', 'startTrace: payloads are not shown, because admin.show-payloads is off')
  }
  const detail = `payloads are shown to the role ${showPayloads} (admin.show-payloads); ${name} has the role ${role}`
  throw new SluiceError('ERR_FORBIDDEN', `startTrace: ${detail}`)
}
