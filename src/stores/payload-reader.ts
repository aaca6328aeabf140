/**
 * Reads payloads of queued messages, in batches: those that lie near each other come with one read, and share its memory,
 * unless most of that was not asked for.
 *
 * A payload that is not what was written, or lies on a bad sector, costs itself alone: it is read once more by itself, logged,
 * and left out. Only where nothing can be read does a read fail as a whole.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import { StoreError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { headerBytes, payloadIsSound, payloadSpan } from './frame.ts'
import type { MessageIndex, PayloadLocation } from './message-index.ts'
import { segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'

/** Payloads that are no farther apart are read together, up to so many bytes at once. */
const gapBytes = 16 << 10
const readBytes = 1 << 20
/** One that could not be read with the others is tried so often by itself, later each time where the disk reports an error. */
const aloneTries = 4
const firstWaitMs = 100

const empty = new Uint8Array(0)

interface Wanted extends PayloadLocation {
  readonly messageNumber: number
  /** Where in the answer it goes. */
  readonly place: number
}

export interface PayloadReaderOptions {
  readonly files: SegmentFiles
  readonly messages: MessageIndex
  readonly clock: Clock
  readonly log: Logger
  /** Done when what is to lie there can be read; `undefined` if that is so. */
  readonly written: (location: PayloadLocation) => Promise<void> | undefined
}

export class PayloadReader {
  #options: PayloadReaderOptions

  constructor(options: PayloadReaderOptions) {
    this.#options = options
  }

  /**
   * The payloads of these messages, in the order asked; `undefined` for one that the store does not have any more, or whose
   * bytes are not what was written.
   *
   * @throws {StoreError} what the disk says, where nothing can be read
   */
  async read(messageNumbers: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    const payloads: (Uint8Array | undefined)[] = messageNumbers.map(() => undefined)
    const onDisk: Wanted[] = []
    await this.#allWritten(messageNumbers)
    for (const [place, messageNumber] of messageNumbers.entries()) {
      const location = this.#options.messages.locate(messageNumber)
      if (location?.length === 0) payloads[place] = empty
      else if (location !== undefined) onDisk.push({ ...location, messageNumber, place })
    }
    onDisk.sort((a, b) => a.segment - b.segment || a.offset - b.offset)
    for (const run of runs(onDisk)) await this.#readRun(run, payloads)
    return payloads
  }

  /** Waits once: what has been written by then is all that was told so far. */
  async #allWritten(messageNumbers: readonly number[]): Promise<void> {
    const { messages, written } = this.#options
    for (const messageNumber of messageNumbers) {
      const location = messages.locate(messageNumber)
      const writing = location && written(location)
      if (writing !== undefined) return writing
    }
  }

  async #readRun(run: readonly Wanted[], payloads: (Uint8Array | undefined)[]): Promise<void> {
    const { offset } = run[0]!
    const bytes = await this.#tryRead(run)
    const sound = run.filter((each) => payloadIsSound(bytes, each.offset - offset, each.length))
    const wantedBytes = sound.reduce((sum, { length }) => sum + length, 0)
    const packed = wantedBytes * 2 < bytes.length ? new Uint8Array(wantedBytes) : undefined
    let at = 0
    for (const wanted of sound) {
      const from = wanted.offset + 4 - offset
      const payload = bytes.subarray(from, from + wanted.length)
      packed?.set(payload, at)
      payloads[wanted.place] = packed?.subarray(at, at + wanted.length) ?? payload
      at += wanted.length
    }
    if (sound.length === run.length) return
    const rest = run.filter((each) => !sound.includes(each))
    for (const { place, messageNumber } of rest) payloads[place] = await this.#readAlone(messageNumber)
  }

  /** Nothing where that fails: each of them is then read by itself. */
  async #tryRead(run: readonly Wanted[]): Promise<Uint8Array> {
    const { segment, offset } = run[0]!
    const end = endOf(run.at(-1)!)
    try {
      return await this.#options.files.use(segment, (file) => file.read(offset, end - offset))
    } catch (error) {
      this.#options.log.debug({ err: error }, `${segmentName(segment)} could not be read at byte ${offset}`)
      return empty
    }
  }

  /** A segment may have been rewritten meanwhile, and its payloads be elsewhere: hence a new look each time. */
  async #readAlone(messageNumber: number): Promise<Uint8Array | undefined> {
    for (let tries = 1; ; tries++) {
      await this.#allWritten([messageNumber])
      const location = this.#options.messages.locate(messageNumber)
      if (location === undefined) return undefined
      const { segment, offset, length } = location
      try {
        const bytes = await this.#options.files.use(segment, (file) => file.read(offset, payloadSpan(length)))
        if (payloadIsSound(bytes, 0, length)) return bytes.subarray(4, 4 + length)
        if (tries === aloneTries) return this.#lost(location, messageNumber, 'is not what was written')
      } catch (error) {
        // It may have been rewritten and removed this very moment.
        if (!this.#options.files.has(segment) && tries < aloneTries) continue
        await this.#mustBeReadable(segment, error)
        if (tries === aloneTries)
          return this.#lost(location, messageNumber, `cannot be read: ${(error as Error).message}`)
        await this.#wait(firstWaitMs << tries)
      }
    }
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.setTimer(delayMs, resolve))
  }

  /** Tells a bad sector from a disk that is gone. @throws {unknown} `error`, if nothing of that segment can be read */
  async #mustBeReadable(segment: number, error: unknown): Promise<void> {
    try {
      await this.#options.files.use(segment, (file) => file.read(0, headerBytes))
    } catch {
      throw error
    }
  }

  #lost({ segment, offset }: PayloadLocation, messageNumber: number, what: string): undefined {
    const error = new StoreError(
      'ERR_STORE_DAMAGED',
      `${segmentName(segment)} is damaged at byte ${offset}: the payload of message ${messageNumber} ${what}`,
    )
    this.#options.log.error({ err: error, segment: segmentName(segment), offset, messageNumber }, error.message)
    return undefined
  }
}

/** Cuts what is sorted into what one read may fetch. */
function* runs(wanted: readonly Wanted[]): Generator<Wanted[]> {
  let run: Wanted[] = []
  for (const next of wanted) {
    const first = run[0]
    const last = run.at(-1)
    const fits =
      first !== undefined &&
      last !== undefined &&
      next.segment === first.segment &&
      next.offset - endOf(last) <= gapBytes &&
      endOf(next) - first.offset <= readBytes
    if (!fits && run.length > 0) {
      yield run
      run = []
    }
    run.push(next)
  }
  if (run.length > 0) yield run
}

function endOf(wanted: Wanted): number {
  return wanted.offset + payloadSpan(wanted.length)
}
