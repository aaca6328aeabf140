/** Checks what a host program passes in besides the configuration, since it may be plain JavaScript. @module */
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import { show } from '../../base/show.ts'
import { kindOf } from '../../base/thrown.ts'

/** The methods that a logger must have. */
const LOGGER = ['debug', 'info', 'warn', 'error']

/** The methods that each part must have; other settings are checked where they are used. */
const METHODS: Readonly<Record<string, readonly string[]>> = {
  logger: LOGGER,
  clock: ['now', 'wallNow', 'setTimer', 'atEndOfTurn', 'randomBytes', 'random'],
  signal: ['addEventListener', 'removeEventListener'],
  disk: ['open', 'list', 'remove', 'rename', 'syncNames'],
  processMemory: ['usedBytes', 'usedShare', 'watch'],
  openFiles: ['count'],
  readConfig: ['call'],
  ...{ store: [], repair: [], source: [] },
}

const LOGGER_HINT = 'pass one with the methods of pino, such as { logger: pino() } or { logger: console }'

/** The names of all settings. */
const settingNames: readonly string[] = Object.keys(METHODS)

/** @throws {UsageError} that names the part, what it lacks, and what to write instead */
export function checkSettings(settings: Readonly<Record<string, unknown>>): void {
  if (typeof settings !== 'object' || settings === null)
    throw new UsageError(`the settings of a broker must be an object such as { logger }, got ${show(settings)}`)
  checkNames(settings)
  for (const [name, methods] of Object.entries(METHODS)) {
    const part = settings[name]
    if (part === undefined || methods.length === 0) continue
    if (typeof part !== 'object' && typeof part !== 'function')
      throw settingError(name, `must be an object, got ${kindOf(part)}`)
    if (part === null) throw settingError(name, 'must be an object, got null')
    const missing = methods.filter((method) => typeof (part as Record<string, unknown>)[method] !== 'function')
    if (missing.length > 0) throw settingError(name, `has no method ${missing.join(', ')}`)
  }
}

/** A misspelt setting would have no effect: a logger that logs nothing, a store that stores nothing. */
function checkNames(settings: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(settings).find((name) => !Object.hasOwn(METHODS, name))
  if (unknown === undefined) return
  if (LOGGER.every((method) => typeof settings[method] === 'function'))
    throw new UsageError('the settings of a broker are not a logger: write createBroker(config, { logger })')
  const near = nearest(unknown, settingNames)
  const hint = near === undefined ? `the settings are ${settingNames.join(', ')}` : `did you mean ${near}?`
  throw new UsageError(`a broker has no setting ${show(unknown)}; ${hint}`)
}

function settingError(name: string, problem: string): UsageError {
  const hint = name === 'logger' ? `; ${LOGGER_HINT}` : ''
  return new UsageError(`the ${name} that this program gives the broker ${problem}${hint}`)
}
