/**
 * The scenario of `sluice simulate`: kinds of devices, and what they do. From a YAML file, or from a module whose
 * default export is the same object.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse } from 'yaml'
import { UsageError } from '../../../base/errors.ts'
import { nearest } from '../../../base/nearest.ts'
import type { QoS } from '../../../codec/packet-types.ts'

/** Milliseconds from and to: each time is drawn between the two. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** A message that a device publishes again and again. */
export interface PublishPlan {
  readonly topic: string
  readonly payload: string
  readonly every: Span
  readonly qos: QoS
  readonly retain: boolean
}

/** One kind of devices. */
export interface Kind {
  readonly name: string
  readonly count: number
  readonly clientId: string
  /** Logins of this kind per second. */
  readonly connectRate: number
  /** How long a device stays connected, and then away; `undefined`: it stays. */
  readonly churn: { readonly online: Span; readonly away: Span } | undefined
  readonly publish: readonly PublishPlan[]
  readonly subscribe: readonly { readonly filter: string; readonly qos: QoS }[]
}

const MOST_DEVICES = 100_000
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

type Fields = Readonly<Record<string, unknown>>

/** @throws {UsageError} if the file cannot be read, or is wrong; the message names the place */
export async function readScenario(path: string): Promise<readonly Kind[]> {
  if (/^\.[cm]?[jt]s$/.test(extname(path))) {
    const { default: scenario } = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }
    return kindsOf(scenario)
  }
  try {
    return kindsOf(parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${path} cannot be used: ${(error as Error).message}`, { cause: error })
  }
}

/** Checks a scenario. @throws {UsageError} naming the place */
export function kindsOf(scenario: unknown): readonly Kind[] {
  const { devices } = fieldsOf(scenario, 'the scenario', ['devices'])
  const kinds = Object.entries(fieldsOf(devices, 'devices')).map(([name, fields]) => kindOf(name, fields))
  const total = kinds.reduce((sum, { count }) => sum + count, 0)
  if (total === 0) throw new UsageError('devices: there is none.')
  if (total > MOST_DEVICES) throw new UsageError(`devices: at most ${MOST_DEVICES} are possible, got ${total}.`)
  return kinds
}

const KIND_KEYS = ['count', 'client-id', 'connect-per-second', 'online', 'away', 'publish', 'subscribe']

function kindOf(name: string, value: unknown): Kind {
  const at = `devices.${name}`
  const fields = fieldsOf(value, at, KIND_KEYS)
  const { online, away } = fields
  if ((online === undefined) !== (away === undefined)) throw new UsageError(`${at}: online and away belong together.`)
  return {
    name,
    count: numberAt(fields, 'count', at, 1, 0, MOST_DEVICES),
    clientId: textAt(fields, 'client-id', at, `${name}-\${n}`),
    connectRate: numberAt(fields, 'connect-per-second', at, 100, 0.001, 100_000),
    churn:
      online === undefined ? undefined : { online: spanOf(online, `${at}.online`), away: spanOf(away, `${at}.away`) },
    publish: listAt(fields, 'publish', at).map((each, index) => publishOf(each, `${at}.publish[${index}]`)),
    subscribe: listAt(fields, 'subscribe', at).map((each, index) => subscribeOf(each, `${at}.subscribe[${index}]`)),
  }
}

function publishOf(value: unknown, at: string): PublishPlan {
  const fields = fieldsOf(value, at, ['topic', 'payload', 'every', 'qos', 'retain'])
  return {
    topic: textAt(fields, 'topic', at),
    payload: textAt(fields, 'payload', at, ''),
    every: spanOf(fields['every'], `${at}.every`),
    qos: numberAt(fields, 'qos', at, 0, 0, 2) as QoS,
    retain: fields['retain'] === true,
  }
}

function subscribeOf(value: unknown, at: string): Kind['subscribe'][number] {
  const fields = fieldsOf(value, at, ['filter', 'qos'])
  return { filter: textAt(fields, 'filter', at), qos: numberAt(fields, 'qos', at, 0, 0, 2) as QoS }
}

function fieldsOf(value: unknown, at: string, keys?: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${at} must be an object with keys, got ${JSON.stringify(value)}.`)
  }
  const unknown = keys && Object.keys(value).find((key) => !keys.includes(key))
  if (unknown === undefined) return value as Fields
  const meant = nearest(unknown, keys!)
  throw new UsageError(`${at}: ${unknown} is not a known key${meant === undefined ? '' : `; did you mean ${meant}?`}`)
}

function listAt(fields: Fields, key: string, at: string): readonly unknown[] {
  const value = fields[key] ?? []
  if (Array.isArray(value)) return value
  throw new UsageError(`${at}.${key} must be a list.`)
}

function textAt(fields: Fields, key: string, at: string, absent?: string): string {
  const value = fields[key] ?? absent
  if (typeof value === 'string') return value
  if (typeof value === 'object' && value !== null) return JSON.stringify(value)
  if (value !== undefined) return String(value as number | boolean)
  throw new UsageError(`${at}: ${key} is missing.`)
}

function numberAt(fields: Fields, key: string, at: string, absent: number, least: number, most: number): number {
  const value = fields[key] ?? absent
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw new UsageError(`${at}.${key} must be a number from ${least} to ${most}, got ${JSON.stringify(value)}.`)
}

/**
 * Reads a time such as `5s`, or two such as `1s..10s`. Units are ms, s, m and h.
 *
 * @throws {UsageError} for anything else
 *
 * @example
 * spanOf('500ms..2s', 'every') // { fromMs: 500, toMs: 2000 }
 */
export function spanOf(value: unknown, at: string): Span {
  const [, from, fromUnit, to, toUnit] = /^([\d.]+)(ms|s|m|h)(?:\.\.([\d.]+)(ms|s|m|h))?$/.exec(String(value)) ?? []
  const fromMs = Number(from) * UNITS[fromUnit ?? 's']!
  const toMs = to === undefined ? fromMs : Number(to) * UNITS[toUnit!]!
  if (fromMs >= 1 && toMs >= fromMs) return { fromMs, toMs }
  throw new UsageError(`${at} must be a time such as 5s, 500ms or 1s..10s, got ${JSON.stringify(value)}.`)
}
