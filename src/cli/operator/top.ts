/** `sluice top`: the broker and its clients, live, on the whole screen. @module */
import type { Clock } from '../../base/clock.ts'
import { SluiceError, UsageError } from '../../base/errors.ts'
import type { OverviewView } from '../../broker/host/admin.ts'
import { realClock } from '../../turn/clock.ts'
import type { Call } from '../command.ts'
import type { ApiClient } from './api-client.ts'
import { apiOf } from './broker-door.ts'
import { FullScreen, type KeyInput, type ScreenOutput } from './full-screen.ts'
import type { Item } from './layout.ts'
import { clientFields, TopModel, type Sample } from './top-model.ts'

const PAGE_ITEMS = 1000
const DEFAULT_SECONDS = 2

/** What it draws on and when: the process's own, or those of a test. */
export interface TopParts {
  readonly input: KeyInput
  readonly output: ScreenOutput
  readonly clock: Pick<Clock, 'setTimer' | 'wallNow'>
  readonly client: Pick<ApiClient, 'call'>
}

/** @throws {UsageError} without a terminal */
export async function top(call: Call): Promise<number> {
  const { stdin, stdout } = process
  if (!stdin.isTTY || !stdout.isTTY) {
    throw new UsageError('`sluice top` needs a terminal; for a script use `sluice status --watch` or `sluice clients`.')
  }
  const { interval } = call.options
  const seconds = Number(interval ?? DEFAULT_SECONDS)
  if (!(seconds >= 0.1 && seconds <= 3600)) {
    throw new UsageError(`--interval must be a number of seconds from 0.1 to 3600, got ${interval}.`)
  }
  const client = apiOf(call)
  // Before the screen is taken: a broker that is not there is a sentence, and no flash of an empty screen.
  const first = await sampleOf({ client, clock: realClock })
  await new Top({ input: stdin, output: stdout, clock: realClock, client }, call.terminal.bold, seconds * 1000, first)
    .ended
  return 0
}

export class Top {
  /** Resolves when the user has left. */
  readonly ended: Promise<void>
  readonly #parts: TopParts
  readonly #bold: (text: string) => string
  readonly #everyMs: number
  readonly #model = new TopModel()
  readonly #screen: FullScreen
  #end: () => void = () => undefined
  #isOver = false

  constructor(parts: TopParts, bold: (text: string) => string, everyMs: number, first: Sample) {
    this.#parts = parts
    this.#bold = bold
    this.#everyMs = everyMs
    this.ended = new Promise((resolve) => (this.#end = resolve))
    this.#model.add(first)
    this.#screen = new FullScreen(
      parts.input,
      parts.output,
      (key) => this.#pressed(key),
      () => this.#draw(),
    )
    this.#draw()
    this.#later()
  }

  #pressed(key: string): void {
    if (key === 'q' || key === 'ctrl-c' || key === 'escape') this.#close()
    else if (this.#model.press(key, this.#screen.rows)) this.#draw()
  }

  #close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    this.#screen.close()
    this.#end()
  }

  #timer: { cancel(): void } | undefined

  #later(): void {
    this.#timer = this.#parts.clock.setTimer(this.#everyMs, () => void this.#refresh())
  }

  async #refresh(): Promise<void> {
    if (!this.#model.isPaused) await this.#sample()
    if (this.#isOver) return
    this.#draw()
    this.#later()
  }

  /** A broker that restarts is asked again. */
  async #sample(): Promise<void> {
    try {
      const sample = await sampleOf(this.#parts)
      if (!this.#isOver) this.#model.add(sample)
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      this.#model.problem = error.message
    }
  }

  #draw(): void {
    if (!this.#isOver) this.#screen.draw(this.#model.lines(this.#screen.columns, this.#screen.rows, this.#bold))
  }
}

async function sampleOf({ client, clock }: Pick<TopParts, 'client' | 'clock'>): Promise<Sample> {
  const overview = (await client.call('overview', {})) as OverviewView
  const query = { limit: PAGE_ITEMS, fields: clientFields as never }
  const page = (await client.call('clients', query)) as { readonly items: readonly Item[]; readonly cursor?: string }
  return { atMs: clock.wallNow(), overview, clients: page.items, hasMore: page.cursor !== undefined }
}
