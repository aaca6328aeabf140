/**
 * The official exporters for OTLP over HTTP. They are optional peer dependencies, loaded when `telemetry` is
 * configured.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { ConfigError } from '../base/errors.ts'
import { messageOf } from '../base/thrown.ts'
import type { TelemetryOptions } from '../config/options.ts'

/** The outcome of an export: code 0 is success. */
export interface ExportOutcome {
  readonly code: number
  readonly error?: Error
}

/** An exporter of the official packages, or of a test. */
export interface Exporter<Exported> {
  export(exported: Exported, done: (outcome: ExportOutcome) => void): void
  shutdown(): Promise<void>
}

/** One for each signal that is exported. */
export interface Exporters {
  readonly metrics?: Exporter<ResourceMetrics>
  readonly logs?: Exporter<ReadableLogRecord[]>
  readonly traces?: Exporter<ReadableSpan[]>
}

export type Signal = keyof Exporters

const PACKAGES = {
  metrics: '@opentelemetry/exporter-metrics-otlp-http',
  logs: '@opentelemetry/exporter-logs-otlp-http',
  traces: '@opentelemetry/exporter-trace-otlp-http',
} as const satisfies Record<Signal, string>

/** What all of them need. */
const COMMON_PACKAGES = ['@opentelemetry/api', '@opentelemetry/resources'] as const

/**
 * Loads the packages and makes an exporter for each signal.
 *
 * @throws {ConfigError} `ERR_TELEMETRY_PACKAGES` if a package is missing, `ERR_TELEMETRY_FILE` if a file cannot be used
 */
export async function makeExporters(options: TelemetryOptions): Promise<Exporters> {
  const [headers, ca] = await Promise.all([headersOf(options), readOption('cafile', options.cafile)])
  const signals = options.signals as readonly Signal[]
  const made = await Promise.all(
    signals.map(async (signal) => {
      const settings = {
        url: `${withoutSlashAtEnd(options.endpoint)}/v1/${signal}`,
        headers,
        timeoutMillis: options.timeout * 1000,
        httpAgentOptions: { keepAlive: true, maxSockets: 2, ...(ca !== undefined && { ca }) },
      }
      return [signal, await MAKERS[signal](settings).catch(missing(signals))] as const
    }),
  )
  return Object.fromEntries(made) as Exporters
}

function withoutSlashAtEnd(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url
}

interface ExporterSettings {
  readonly url: string
  readonly headers: Record<string, string>
  readonly timeoutMillis: number
  readonly httpAgentOptions: object
}

const MAKERS: { readonly [Each in Signal]: (settings: ExporterSettings) => Promise<NonNullable<Exporters[Each]>> } = {
  metrics: async (settings) => {
    const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-http')
    return new OTLPMetricExporter(settings)
  },
  logs: async (settings) => {
    const { OTLPLogExporter } = await import('@opentelemetry/exporter-logs-otlp-http')
    return new OTLPLogExporter(settings)
  },
  traces: async (settings) => {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
    return new OTLPTraceExporter(settings)
  },
}

/** Makes the error for packages that cannot be loaded. */
export function missing(signals: readonly Signal[]): (cause: unknown) => never {
  return (cause) => {
    const packages = [...COMMON_PACKAGES, ...signals.map((signal) => PACKAGES[signal])].join(' ')
    const wayOut = `\`telemetry\` needs packages that are not part of Sluice: npm install ${packages}`
    throw new ConfigError('ERR_TELEMETRY_PACKAGES', `${wayOut} (${messageOf(cause)})`, { cause })
  }
}

async function headersOf({ headers, headersFile }: TelemetryOptions): Promise<Record<string, string>> {
  const text = await readOption('headers-file', headersFile)
  if (text === undefined) return { ...headers }
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  return { ...headers, ...Object.fromEntries(lines.map((line) => headerOf(line, headersFile!))) }
}

/** The line is not quoted in an error, because it is a secret. */
function headerOf(line: string, path: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  const [name, value] = [line.slice(0, Math.max(colon, 0)).trim(), line.slice(colon + 1).trim()]
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\x20-\x7e]*$/.test(value)) return [name, value]
  throw new ConfigError(
    'ERR_TELEMETRY_FILE',
    `\`telemetry.headers-file\` ${path} has a line that is not \`Name: value\` in ASCII`,
  )
}

async function readOption(key: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ConfigError('ERR_TELEMETRY_FILE', `\`telemetry.${key}\` cannot be read: ${messageOf(cause)}`, { cause })
  }
}
