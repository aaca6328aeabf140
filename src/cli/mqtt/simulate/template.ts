/**
 * Topics and payloads of simulated devices: text with placeholders, compiled once for each device.
 *
 *   ${id} ${n}                  the client identifier, and the number of the device in its kind, from 1
 *   ${counter}                  counts up with each message, from 1
 *   ${random 15 25 1}           a number between the two, with so many digits after the point; default 0
 *   ${walk 15 25 0.5 1}         the same, at most one step away from the one before
 *   ${choose on off}            one of the words
 *   ${time} ${milliseconds}     the time: as in ISO 8601, or since 1970
 *   ${bytes 100}                so many characters
 *
 * @module
 */
import type { Clock } from '../../../base/clock.ts'
import { UsageError } from '../../../base/errors.ts'

/** Whose template it is. */
export interface Subject {
  readonly id: string
  /** From 1. */
  readonly n: number
  readonly clock: Clock
}

/** Produces the next text. */
export type Template = () => string

type Make = (subject: Subject, parameters: readonly string[]) => Template

function numbers(parameters: readonly string[], least: number, most: number): number[] {
  const values = parameters.map(Number)
  if (values.length < least || values.length > most || values.some((value) => !Number.isFinite(value))) {
    throw new UsageError(
      `takes ${least === most ? least : `${least} to ${most}`} numbers, got ${parameters.join(' ') || 'none'}`,
    )
  }
  return values
}

const PLACEHOLDERS: Readonly<Record<string, Make>> = {
  id:
    ({ id }) =>
    () =>
      id,
  n:
    ({ n }) =>
    () =>
      String(n),
  counter: () => {
    let count = 0
    return () => String(++count)
  },
  random: ({ clock }, parameters) => {
    const [from = 0, to = 1, digits = 0] = numbers(parameters, 2, 3)
    return () => (from + clock.random() * (to - from)).toFixed(digits)
  },
  walk: ({ clock }, parameters) => {
    const [from = 0, to = 1, step = 0, digits = 0] = numbers(parameters, 3, 4)
    let value = from + clock.random() * (to - from)
    return () => {
      value = Math.min(to, Math.max(from, value + (clock.random() * 2 - 1) * step))
      return value.toFixed(digits)
    }
  },
  choose: ({ clock }, words) => {
    if (words.length === 0) throw new UsageError('takes at least one word')
    return () => words[Math.floor(clock.random() * words.length)]!
  },
  time:
    ({ clock }) =>
    () =>
      new Date(clock.wallNow()).toISOString(),
  milliseconds:
    ({ clock }) =>
    () =>
      String(Math.floor(clock.wallNow())),
  bytes: (_, parameters) => {
    const text = 'x'.repeat(numbers(parameters, 1, 1)[0]!)
    return () => text
  },
}

/**
 * Compiles a template for one device.
 *
 * @throws {UsageError} for an unknown placeholder, or wrong parameters
 */
export function compileTemplate(text: string, subject: Subject): Template {
  const parts: Template[] = []
  let end = 0
  for (const { 0: whole, 1: inside, index } of text.matchAll(/\$\{([^{}]*)\}/g)) {
    const before = text.slice(end, index)
    parts.push(() => before, placeholder(inside!, subject))
    end = index + whole.length
  }
  const rest = text.slice(end)
  return () => parts.map((part) => part()).join('') + rest
}

function placeholder(inside: string, subject: Subject): Template {
  const [name = '', ...parameters] = inside.trim().split(/\s+/)
  const make = PLACEHOLDERS[name]
  if (make === undefined) {
    throw new UsageError(`There is no placeholder \${${inside}}; there are ${Object.keys(PLACEHOLDERS).join(', ')}.`)
  }
  try {
    return make(subject, parameters)
  } catch (error) {
    throw new UsageError(`\${${inside}}: ${name} ${(error as Error).message}.`, { cause: error })
  }
}
