/** What a host program hands in beside the configuration, checked: it may come from plain JavaScript. @module */
import { UsageError } from '../../base/errors.ts'
import { kindOf } from '../../base/thrown.ts'

/** What each part has to have at least. */
const METHODS = {
  logger: ['debug', 'info', 'warn', 'error'],
  clock: ['now', 'wallNow', 'setTimer', 'atEndOfTurn', 'randomBytes', 'random'],
  signal: ['addEventListener', 'removeEventListener'],
  disk: ['open', 'list', 'remove', 'rename', 'syncNames'],
  processMemory: ['usedBytes', 'usedShare', 'watch'],
  openFiles: ['count'],
} as const

/** @throws {UsageError} naming the part and what it lacks */
export function checkSettings(settings: Readonly<Record<string, unknown>>): void {
  for (const [name, methods] of Object.entries(METHODS)) {
    const part = settings[name]
    if (part === undefined) continue
    if (typeof part !== 'object' && typeof part !== 'function')
      throw settingError(name, `must be an object, got ${kindOf(part)}`)
    if (part === null) throw settingError(name, 'must be an object, got null')
    const missing = methods.filter((method) => typeof (part as Record<string, unknown>)[method] !== 'function')
    if (missing.length > 0) throw settingError(name, `has no method ${missing.join(', ')}`)
  }
}

function settingError(name: string, problem: string): UsageError {
  return new UsageError(`the ${name} that this program gives the broker ${problem}`)
}
