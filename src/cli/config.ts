/** The configuration of a command, and how the program describes it. @module */
import { loadConfigFile } from '../config/config-file.ts'
import { formatProblem } from '../config/config-problems.ts'
import { keepsState } from '../broker/durable/open-store.ts'
import { toCamel } from '../config/option-spelling.ts'
import { resolveOptions } from '../config/options.ts'
import type { ConfigInput, ConfigSource, ListenerOptions, Options } from '../config/options.ts'

/** A valid configuration and its origin. */
export interface CheckedConfig {
  readonly input: ConfigInput
  /** `undefined` without a file. */
  readonly source: ConfigSource | undefined
  readonly options: Options
}

/** Where a broker that is started by the program keeps its state by default. */
const DEFAULT_PERSISTENCE = { path: 'sluice-data', durability: 'disk' } as const
/** The program's thread has nothing else to do. */
const DEFAULT_GATHER_PAUSE = 'auto'

/**
 * Reads a configuration file, or uses the program's defaults without one, and checks it with every file that it names.
 *
 * @throws {ConfigError} with all problems
 */
export function readConfig(file: string | undefined): CheckedConfig {
  const { input: written, source } = file === undefined ? { input: {}, source: undefined } : loadConfigFile(file)
  const { persistence } = resolveOptions(written as ConfigInput, source, { checkFiles: true })
  const section = (written as { readonly admin?: object }).admin
  const isWritten = Object.keys(written as object).some((key) => toCamel(key) === 'gatherPause')
  const input: ConfigInput = {
    ...(written as ConfigInput),
    ...(persistence === undefined && { persistence: DEFAULT_PERSISTENCE }),
    // A socket for commands, and a place for browsers.
    admin: { bind: 'auto', ...section },
    ...(!isWritten && { 'gather-pause': DEFAULT_GATHER_PAUSE }),
  }
  return { input, source, options: resolveOptions(input, source) }
}

/** Settings that work but are probably not intended, one line each. */
export function warningsOf(options: Options): string[] {
  return options.warnings.map(formatProblem)
}

const SCHEMES = { tcp: ['mqtt', 'mqtts'], ws: ['ws', 'wss'], unix: ['unix', 'unix'] } as const

/** The URL of a listener. Port 0 means that the system chooses. */
export function urlOf({ type, ssl, host, port, path, websocketPath }: ListenerOptions): string {
  const scheme = SCHEMES[type][ssl ? 1 : 0]
  if (type === 'unix') return `${scheme}:${path}`
  return `${scheme}://${host.includes(':') ? `[${host}]` : host || '*'}:${port}${websocketPath}`
}

/** Describes where state is kept. */
export function stateSentence(options: Options): string {
  const { persistence } = options
  if (persistence === undefined) return 'state is kept in memory and is lost when this process ends'
  if (!keepsState(options)) return 'nothing is stored: with durability memory, all state is lost when this process ends'
  return `state is kept in ${persistence.path} (durability ${persistence.durability})`
}
