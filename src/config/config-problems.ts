/**
 * Collects the problems of a configuration with their places, so that all of them are reported at once.
 *
 * @module
 */
import { ConfigError } from '../base/errors.ts'
import type { ConfigProblem } from '../base/errors.ts'

/** The origin of a configuration. */
export interface ConfigSource {
  /** The file name as the user gave it; messages begin with it. */
  readonly file: string
  /** The folder to which relative paths refer. Absolute. */
  readonly folder: string
  /** Problems that were found while reading: keys given twice. */
  readonly problems: readonly ConfigProblem[]
  /** Whether the file has that key itself, and whether there are environment variables in its value. */
  origin?(path: readonly string[]): 'file' | 'environment' | undefined
  /** Line and column, counted from 1, of a key or of its value; `path` in canonical spelling. */
  locate(path: readonly string[], part: 'key' | 'value'): { line: number; column: number } | undefined
}

/**
 * Formats a problem as one line: file, line and column if there is a file, the key, and the message.
 *
 * @example
 * formatProblem({ path: 'max-qos', message: 'must be one of 0, 1, 2, got 3', file: 'a.yaml', line: 2, column: 10 })
 * // 'a.yaml:2:10: max-qos must be one of 0, 1, 2, got 3'
 */
export function formatProblem({ path, message, ...place }: ConfigProblem): string {
  return `${placeOf(place)}${path || 'the configuration'} ${message}`
}

/** The beginning of a message; empty without a file. */
export function placeOf({ file, line, column }: Pick<ConfigProblem, 'file' | 'line' | 'column'>): string {
  if (file === undefined) return ''
  return line === undefined ? `${file}: ` : `${file}:${line}:${column}: `
}

/**
 * Adds the file, line and column of a key to an error that was found later than while the file was read, such as in a
 * certificate.
 *
 * @returns the error itself if it names no key, or there is no file
 */
export function withPlaces(error: unknown, source: ConfigSource | undefined): unknown {
  if (!(error instanceof ConfigError) || source === undefined) return error
  if (!error.problems.some(({ path, file }) => path !== '' && file === undefined)) return error
  const problems = error.problems.map((problem) => {
    const path = problem.path.split('.')
    const at = source.locate(path, 'value') ?? source.locate(path.slice(0, -1), 'key')
    return problem.path === '' || problem.file !== undefined ? problem : { ...problem, file: source.file, ...at }
  })
  const lines = problems.map(({ message, ...place }) => placeOf(place) + message)
  return new ConfigError(error.code, lines.join('\n'), { problems, cause: error })
}

export class ConfigProblems {
  readonly #source: ConfigSource | undefined
  readonly #problems: ConfigProblem[]
  readonly #warnings: ConfigProblem[] = []
  readonly #wrongPaths: Set<string>

  constructor(source: ConfigSource | undefined) {
    this.#source = source
    this.#problems = [...(source?.problems ?? [])]
    this.#wrongPaths = new Set(this.#problems.map(({ path }) => path))
  }

  get warnings(): readonly ConfigProblem[] {
    return this.#warnings
  }

  /** Adds a problem, unless this key or its section has one already: a consequence of an error is not another one. */
  add(path: readonly string[], message: string, part: 'key' | 'value' = 'value'): void {
    const problem = this.#place(path, message, part)
    if (path.some((_, depth) => this.#wrongPaths.has(path.slice(0, depth + 1).join('.')))) return
    this.#wrongPaths.add(problem.path)
    this.#problems.push(problem)
  }

  /** Whether this key itself has a problem. */
  has(path: string): boolean {
    return this.#wrongPaths.has(path)
  }

  /** Adds a warning about something that works but is probably not intended. */
  warn(path: readonly string[], message: string): void {
    this.#warnings.push(this.#place(path, message, 'key'))
  }

  /** @throws {ConfigError} `ERR_CONFIG` with all problems, in the order of the file */
  throwIfAny(): void {
    if (this.#problems.length === 0) return
    const problems = this.#problems.toSorted(
      (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
    )
    throw new ConfigError('ERR_CONFIG', problems.map(formatProblem).join('\n'), { problems })
  }

  #place(path: readonly string[], message: string, part: 'key' | 'value'): ConfigProblem {
    const at = this.#source?.locate(path, part)
    return { path: path.join('.'), message, ...(this.#source && { file: this.#source.file }), ...at }
  }
}
