/** Log lines for people, made from pino's lines of JSON. @module */
import { prettyFactory } from 'pino-pretty'

interface TextForm {
  readonly hasColours: boolean
  /** The local time of day in place of the whole time. */
  readonly hasTimeOfDay: boolean
}

/**
 * Makes a formatter for lines of time, level and sentence, then the fields that the sentence does not show already.
 *
 * @example
 * textFormatter({ hasColours: false, hasTimeOfDay: false })('{"level":30,"port":1883,"url":"x:1","msg":"listening on x:1"}')
 * // 'INFO: listening on x:1 {"port":1883}\n'
 */
export function textFormatter({ hasColours, hasTimeOfDay }: TextForm): (json: string) => string {
  const pretty = prettyFactory({
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
