/**
 * The traces that this tab follows. They are followed until they end, whatever place is looked at, because the broker
 * ends a trace that nobody reads; the latest records of each are kept for the list and the file.
 *
 * @module
 */
import { effect, signal, type Signal } from '@preact/signals'
import { traceLine } from '../../../src/admin/trace/trace-line.ts'
import type { TraceEnding, TraceHeader, TraceRecord } from '../../../src/broker/host/trace-admin.ts'
import { login } from '../api/credentials.ts'
import { followTrace, type BrokerEvent } from '../api/events.ts'
import type { ApiProblem } from '../api/client.ts'
import { problemOf } from './view.ts'

/** Of a trace; older ones are forgotten. */
export const MOST_RECORDS = 20_000
/** Characters of the records of a trace. */
const MOST_CHARACTERS = 32 << 20
/** Traces that are kept after they have ended. */
const MOST_ENDED = 4
/** A storm of records is shown a few times a second. */
const SHOW_MS = 250

/** A record, and how it is shown. */
export interface TraceRow {
  readonly seq: number
  readonly atMs: number
  readonly connection: number | undefined
  readonly clientId: string
  readonly line: string
  /** As the broker sent it: a line of the file. */
  readonly data: string
}

export interface TraceState {
  readonly header: TraceHeader | undefined
  /** The oldest first. */
  readonly rows: readonly TraceRow[]
  /** Records that came and were forgotten here. */
  readonly forgotten: number
  /** Records that the broker dropped before they could be sent. */
  readonly lost: number
  readonly end: TraceEnding | undefined
  readonly problem: ApiProblem | undefined
}

export interface FollowedTrace {
  readonly state: Signal<TraceState>
  /** The file: the header, the records that are held, and the end. */
  file(): Blob
}

const EMPTY: TraceState = {
  header: undefined,
  ...{ rows: [], forgotten: 0, lost: 0, end: undefined, problem: undefined },
}

const followed = new Map<string, Following>()

/** Follows a trace from its first record that the broker holds, unless it is followed already. */
export function follow(traceId: string): FollowedTrace {
  const known = followed.get(traceId)
  if (known !== undefined) return known
  const following = new Following(traceId)
  followed.set(traceId, following)
  forgetEnded()
  return following
}

function forgetEnded(): void {
  const ended = [...followed].filter(([, { isOver }]) => isOver)
  for (const [traceId] of ended.slice(0, Math.max(0, ended.length - MOST_ENDED))) followed.delete(traceId)
}

// Nobody else who logs in here finds them.
effect(() => {
  if (login.value !== 'needed') return
  for (const following of followed.values()) following.leave()
  followed.clear()
})

class Following implements FollowedTrace {
  readonly state = signal(EMPTY)
  readonly #abort = new AbortController()
  readonly #ends: string[] = []
  #header: string | undefined
  #rows: TraceRow[] = []
  #characters = 0
  #forgotten = 0
  #lost = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  isOver = false

  constructor(traceId: string) {
    const { signal: aborted } = this.#abort
    void followTrace(traceId, aborted, (event) => this.#take(event)).then(
      () => this.#show(),
      (error: unknown) => this.#show(problemOf(error)),
    )
  }

  file(): Blob {
    const header = this.#header === undefined ? [] : [this.#header]
    const lines = [...header, ...this.#rows.map(({ data }) => data), ...this.#ends]
    return new Blob([`${lines.join('\n')}\n`], { type: 'application/jsonl' })
  }

  leave(): void {
    clearTimeout(this.#timer)
    this.#abort.abort()
  }

  #take({ name, value, data }: BrokerEvent): void {
    if (name === 'trace') this.#header = data
    if (name === 'lost') this.#lost += value['records'] as number
    if (name === 'record') this.#add(value as unknown as TraceRecord, data)
    if (name === 'end') this.#ends.push(data)
    this.#timer ??= setTimeout(() => this.#show(), SHOW_MS)
  }

  #add(record: TraceRecord, data: string): void {
    const { seq, atMs, connection, clientId } = record
    this.#rows.push({ seq, atMs, connection, clientId, line: traceLine(record), data })
    this.#characters += data.length
    if (this.#rows.length > MOST_RECORDS || this.#characters > MOST_CHARACTERS) this.#forget()
  }

  /** A tenth at a time: to shift each one would copy all of them. */
  #forget(): void {
    const gone = this.#rows.splice(0, Math.ceil(this.#rows.length / 10))
    this.#forgotten += gone.length
    for (const { data } of gone) this.#characters -= data.length
  }

  #show(problem?: ApiProblem): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const end = this.#ends.at(-1)
    this.isOver = end !== undefined || problem !== undefined
    this.state.value = {
      header: this.#header === undefined ? undefined : (JSON.parse(this.#header) as TraceHeader),
      rows: [...this.#rows],
      forgotten: this.#forgotten,
      lost: this.#lost,
      end: end === undefined ? undefined : (JSON.parse(end) as TraceEnding),
      problem: problem ?? this.state.value.problem,
    }
  }
}
