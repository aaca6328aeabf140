/** How a command finds the broker that it asks: its local socket, or an address. @module */
import { readFileSync } from 'node:fs'
import { ConfigError, UsageError } from '../../base/errors.ts'
import type { Call, CommandOption } from '../command.ts'
import { readConfig, type CheckedConfig } from '../config.ts'
import { ApiClient } from './api-client.ts'

/** The options of every command that asks a running broker. */
export const doorOptions: Readonly<Record<string, CommandOption>> = {
  config: {
    short: 'c',
    value: 'FILE',
    description: 'the configuration of the broker, to find its socket; default: that of `sluice start` in this folder',
  },
  socket: { value: 'PATH', description: 'the socket of the broker' },
  url: { value: 'URL', description: 'a broker elsewhere: the http:// or https:// address of its API' },
  'api-key': { value: 'KEY', description: 'for --url; better in the environment, as SLUICE_API_KEY' },
  cafile: { value: 'FILE', description: 'for --url: the CA that has issued its certificate' },
}

/**
 * The API of the broker that a command line means.
 *
 * @throws {UsageError} for options that contradict each other, and an address that is not one
 */
export function apiOf({ options }: Pick<Call, 'options'>, environment: NodeJS.ProcessEnv = process.env): ApiClient {
  const { config, socket, url, cafile } = options
  const given = Object.entries({ config, socket, url }).filter(([, value]) => value !== undefined)
  if (given.length > 1) throw new UsageError(`Use only one of ${given.map(([name]) => `--${name}`).join(' and ')}.`)
  if (url !== undefined) {
    const apiKey = options['api-key'] ?? environment['SLUICE_API_KEY']
    const ca = cafile === undefined ? {} : { cafile: readFileSync(cafile) }
    return new ApiClient({ url: parsedUrl(url), apiKey, ...ca })
  }
  if (options['api-key'] !== undefined || cafile !== undefined) {
    throw new UsageError('--api-key and --cafile are for --url; the socket of this machine takes none.')
  }
  return new ApiClient({ socket: socket ?? socketOf(config) })
}

function parsedUrl(written: string): URL {
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '') return url
  const hint = /^(mqtt|ws)s?:/.test(written) ? '; this is the address of a listener, not that of the API' : ''
  throw new UsageError(`--url must be an address such as http://127.0.0.1:8083, got ${written}${hint}.`)
}

function socketOf(config: string | undefined): string {
  const socket = readForSocket(config).options.admin?.socket ?? ''
  if (socket !== '') return socket
  throw new UsageError(
    `${config === undefined ? 'This system has' : `${config} opens`} no local socket for commands; use --url URL, or set \`admin: { socket: PATH }\`.`,
  )
}

/** @throws {ConfigError} with all problems as one text: nothing was to be started, so none of it stops a broker */
function readForSocket(config: string | undefined): CheckedConfig {
  try {
    return readConfig(config)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const wayOut =
      'A broker that is running is not affected. To ask it, give its socket with --socket PATH: `admin.sock` in the folder of its state, unless `admin.socket` names another.'
    throw new ConfigError(error.code, `${error.message}\n${wayOut}`, { cause: error })
  }
}
