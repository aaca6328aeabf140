/** The configuration a command works on, and what is said about it. @module */
import { loadConfigFile } from '../config/config-file.ts'
import { formatProblem } from '../config/config-problems.ts'
import { keepsState } from '../broker/durable/open-store.ts'
import { toCamel } from '../config/option-spelling.ts'
import { resolveOptions } from '../config/options.ts'
import type { ConfigInput, ConfigSource, ListenerOptions, Options } from '../config/options.ts'

/** A configuration that can work, with where it came from. */
export interface CheckedConfig {
  readonly input: ConfigInput
  /** `undefined` without a file. */
  readonly source: ConfigSource | undefined
  readonly options: Options
}

/** Where a broker that was started by the program keeps its state unless told otherwise. */
const DEFAULT_PERSISTENCE = { path: 'sluice-data', durability: 'disk' } as const
/** Milliseconds: the program's thread has nothing else to do. */
const DEFAULT_GATHER_PAUSE = 0.2

/**
 * Reads a configuration file, or without one takes the defaults of the program, and checks it with every file it names.
 *
 * @throws {ConfigError} with everything that is wrong
 */
export function readConfig(file: string | undefined): CheckedConfig {
  const { input: written, source } = file === undefined ? { input: {}, source: undefined } : loadConfigFile(file)
  const { persistence } = resolveOptions(written as ConfigInput, source, { checkFiles: true })
  const isWritten = Object.keys(written as object).some((key) => toCamel(key) === 'gatherPause')
  const input: ConfigInput = {
    ...(written as ConfigInput),
    ...(persistence === undefined && { persistence: DEFAULT_PERSISTENCE }),
    ...(!isWritten && { 'gather-pause': DEFAULT_GATHER_PAUSE }),
  }
  return { input, source, options: resolveOptions(input, source) }
}

/** What works, but is probably not what was meant, one line each. */
export function warningsOf(options: Options): string[] {
  return options.warnings.map(formatProblem)
}

const SCHEMES = { tcp: ['mqtt', 'mqtts'], ws: ['ws', 'wss'], unix: ['unix', 'unix'] } as const

/** Where a listener would listen. Port 0 means that the system chooses. */
export function urlOf({ type, ssl, host, port, path, websocketPath }: ListenerOptions): string {
  const scheme = SCHEMES[type][ssl ? 1 : 0]
  if (type === 'unix') return `${scheme}:${path}`
  return `${scheme}://${host.includes(':') ? `[${host}]` : host || '*'}:${port}${websocketPath}`
}

/** Where state lives, as a sentence. */
export function stateSentence(options: Options): string {
  const { persistence } = options
  if (persistence === undefined) return 'state lives in memory and ends with this process'
  if (!keepsState(options)) return 'nothing is kept: with durability memory, all state ends with this process'
  return `state lives in ${persistence.path} (durability ${persistence.durability})`
}
