/** Formats pino's JSON lines as text. @module */
import { lazyPackage } from '../base/lazy-package.ts'

const pinoPretty = lazyPackage<typeof import('pino-pretty')>('pino-pretty')

interface TextForm {
  readonly hasColours: boolean
  /** Only the local time of day instead of the full time. */
  readonly hasTimeOfDay: boolean
}

/**
 * Creates a formatter for lines of time, level and message, followed by the fields that the message does not already
 * contain.
 *
 * @example
 * textFormatter({ hasColours: false, hasTimeOfDay: false })('{"level":30,"port":1883,"url":"x:1","msg":"listening on x:1"}')
 * // 'INFO: listening on x:1 {"port":1883}\n'
 */
export function textFormatter({ hasColours, hasTimeOfDay }: TextForm): (json: string) => string {
  const pretty = pinoPretty().prettyFactory({
    singleLine: true,
    colorize: hasColours,
    translateTime: hasTimeOfDay ? 'SYS:HH:MM:ss.l' : false,
  })
  return (json) => pretty(withoutShown(JSON.parse(json) as Fields))
}

type Fields = Readonly<Record<string, unknown>>

/** Fields that every line has. */
const OWN_FIELDS = new Set(['level', 'time', 'msg', 'err'])

function withoutShown(fields: Fields): Fields {
  const sentence = String(fields['msg'])
  const isShown = (value: unknown): boolean =>
    (typeof value === 'string' || typeof value === 'number') && sentence.includes(String(value))
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => OWN_FIELDS.has(name) || !isShown(value)))
}
