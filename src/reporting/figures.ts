/** The figures of one running broker, read from its table. @module */
import type { Clock } from '../base/clock.ts'
import { UsageError } from '../base/errors.ts'
import { Histogram } from '../base/histogram.ts'
import { nearest } from '../base/nearest.ts'
import {
  SYS_TOPIC_PREFIX,
  type CertificateEnd,
  type Figure,
  type FigureRow,
  type FigureSources,
  type NumberFigure,
  type Readings,
} from './figure.ts'
import { figureTable } from './figure-table.ts'
import { LoadAverages } from './load-averages.ts'

const rowsByName: ReadonlyMap<string, FigureRow> = new Map(figureTable.map((row) => [row.name, row]))

export class Figures {
  readonly #sources: FigureSources
  readonly #certificates: () => readonly CertificateEnd[]
  readonly #clock: Clock
  readonly #startedMs: number
  /** When the counters began, in milliseconds since 1970. */
  readonly startedAtMs: number
  readonly #load = new LoadAverages()
  #maxHeapBytes = 0

  /** @param certificates of listeners and the HTTP API */
  constructor(sources: FigureSources, clock: Clock, certificates: () => readonly CertificateEnd[] = () => []) {
    this.#certificates = certificates
    this.#sources = sources
    this.#clock = clock
    this.#startedMs = clock.now()
    this.startedAtMs = clock.wallNow()
  }

  /** A round of `$SYS`: averages and the most that was seen are taken then. */
  beginRound(): Readings {
    this.#load.update(this.#sources.metrics, this.#clock.now())
    this.#maxHeapBytes = Math.max(this.#maxHeapBytes, this.#sources.memory.processBytes)
    return this.readings()
  }

  readings(): Readings {
    const { metrics, gauges, retainedMessages, router, admission, sessions, connections, memory, turn } = this.#sources
    const upSeconds = Math.floor((this.#clock.now() - this.#startedMs) / 1000)
    const own = { store: this.#sources.storeFigures, load: this.#load, upSeconds, maxHeapBytes: this.#maxHeapBytes }
    const certificates = { wallMs: this.#clock.wallNow(), certificates: this.#certificates() }
    return {
      metrics,
      gauges,
      retainedMessages,
      router,
      admission,
      sessions,
      connections,
      memory,
      turn,
      recorder: this.#sources.recorder,
      ...own,
      ...certificates,
    }
  }

  all(): Figure[] {
    const readings = this.readings()
    return figureTable.flatMap((row) => figuresOf(row, readings))
  }

  /** @throws {UsageError} for a name that no figure has */
  get(name: string): Figure | undefined {
    const row = rowsByName.get(name)
    if (row === undefined) {
      const near = nearest(name, [...rowsByName.keys()])
      const wayOut = near === undefined ? 'see docs/reference/metrics.md' : `did you mean ${JSON.stringify(near)}?`
      throw new UsageError(`there is no figure ${JSON.stringify(name)}; ${wayOut}`)
    }
    return figureOf(row, this.readings())
  }
}

function figuresOf(row: FigureRow, readings: Readings): readonly Figure[] {
  const figure = figureOf(row, readings)
  if (figure === undefined) return []
  if (row.values === undefined || figure.kind === 'histogram') return [figure]
  return row.values(readings).map(({ labels, value }) => ({ ...figure, labels, value }))
}

function figureOf(row: FigureRow, readings: Readings): Figure | undefined {
  const read = row.read(readings)
  if (read === undefined) return undefined
  const { name, kind, unit, description, prometheus, labels } = row
  const facts = {
    name,
    unit,
    description,
    prometheus,
    labels,
    topics: row.topics.map(({ topic }) => SYS_TOPIC_PREFIX + topic),
  }
  if (read instanceof Histogram) return { ...facts, kind: 'histogram', value: read.view() }
  return { ...facts, kind: kind as NumberFigure['kind'], value: read }
}
