/**
 * One section of a configuration, read by the table: spellings made one, every value checked and put into its final form,
 * every unknown key, second spelling and wrong value reported. What is wrong is left out, so that later checks look only at
 * what is right.
 *
 * @module
 */
import { resolve } from 'node:path'
import * as v from 'valibot'
import { ConfigProblems, show } from './config-problems.ts'
import { nearest, toCamel, toKebab } from './option-spelling.ts'
import { schemaOf } from './option-schema.ts'
import { rowsOf } from './option-table.ts'
import type { OptionRow, SectionName } from './option-table.ts'

/** Values by camelCase name. */
export type Values = Record<string, unknown>

export function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export class OptionReader {
  readonly #problems: ConfigProblems
  readonly #baseFolder: string

  constructor(problems: ConfigProblems, baseFolder: string) {
    this.#problems = problems
    this.#baseFolder = baseFolder
  }

  /**
   * Reads one section.
   *
   * @param isOpen whether a plugin that is not ours may have keys of its own here
   */
  read(section: 'broker' | 'listener' | SectionName, value: unknown, path: readonly string[], isOpen = false): Values {
    if (!isSection(value)) {
      this.#problems.add(path, `must be a section with keys of its own, got ${show(value)}`)
      return {}
    }
    const rows = new Map(rowsOf(section).map((row) => [row.key, row]))
    const writtenAs = new Map<string, string>()
    const values: Values = {}
    for (const [written, raw] of Object.entries(value)) {
      if (raw === undefined) continue
      const key = toKebab(written)
      const earlier = writtenAs.get(key)
      writtenAs.set(key, written)
      const row = rows.get(key)
      if (earlier !== undefined) {
        this.#problems.add([...path, written], `is the same key as \`${earlier}\`; give one of the two`, 'key')
      } else if (row !== undefined) {
        this.#readValue(row, raw, path, values)
      } else if (!isOpen || nearest(key, [...rows.keys()]) !== undefined) {
        this.#reportUnknown(written, [...rows.keys()], path)
      } else {
        values[toCamel(written)] = raw
      }
    }
    return values
  }

  #readValue(row: OptionRow, raw: unknown, path: readonly string[], values: Values): void {
    const result = v.safeParse(schemaOf(row), raw, { abortPipeEarly: true })
    if (result.success) {
      values[toCamel(row.key)] = this.#finish(row, result.output)
      return
    }
    for (const issue of result.issues) {
      const inner = (issue.path ?? []).map((item) => String(item.key))
      this.#reportIssue(row, issue, [...path, row.key, ...inner])
    }
  }

  #reportIssue(row: OptionRow, issue: v.BaseIssue<unknown>, path: readonly string[]): void {
    if (issue.type === 'strict_object' && issue.expected === 'never') {
      this.#reportUnknown(path.at(-1)!, INNER_KEYS[row.type] ?? [], path.slice(0, -1))
      return
    }
    const missing = issue.type === 'strict_object' && issue.input === undefined
    const got = missing ? ' is missing' : ` ${issue.message}${row.secret ? '' : `, got ${show(issue.input)}`}`
    this.#problems.add(path, got.trimStart())
  }

  #reportUnknown(written: string, known: readonly string[], path: readonly string[]): void {
    const meant = nearest(toKebab(written), known)
    const hint = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean \`${meant}\`?`
    this.#problems.add([...path, written], `is not a known key; ${hint}`, 'key')
  }

  /** Final forms: absolute paths, and camelCase inside what the schema checks as a whole. */
  #finish(row: OptionRow, value: unknown): unknown {
    if (row.type === 'path') return resolve(this.#baseFolder, value as string)
    if (row.type === 'certificates')
      return (value as Values[]).map((certificate) => this.#finishCertificate(certificate))
    if (row.type === 'open-section') return camelKeys(value as Values)
    return value
  }

  #finishCertificate({ certfile, keyfile, ...rest }: Values): Values {
    const absolute = (path: unknown) => resolve(this.#baseFolder, path as string)
    return { ...camelKeys(rest), certfile: absolute(certfile), keyfile: absolute(keyfile) }
  }
}

const INNER_KEYS: Readonly<Partial<Record<OptionRow['type'], readonly string[]>>> = {
  certificates: ['server-name', 'certfile', 'keyfile'],
  'access-list': ['publish', 'subscribe', 'deny'],
}

function camelKeys(section: Values): Values {
  return Object.fromEntries(Object.entries(section).map(([key, value]) => [toCamel(key), value]))
}
