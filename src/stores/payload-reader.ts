/**
 * Reads payloads of queued messages in batches: payloads that are close together are read at once and share the memory,
 * unless most of the bytes were not requested.
 *
 * A payload that is corrupt or on a bad sector affects no other: it is read again by itself, logged, and left out. A
 * read fails as a whole only if nothing can be read.
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

/** Payloads at most this far apart are read together, up to this many bytes at once. */
const gapBytes = 16 << 10
const readBytes = 1 << 20
/**
 * A payload that could not be read with the others is retried by itself this many times, with increasing delays after
 * disk errors.
 */
const aloneTries = 4
const firstWaitMs = 100

const empty = new Uint8Array(0)

interface Request extends PayloadLocation {
  readonly messageNumber: number
  /** Its index in the result. */
  readonly place: number
}

export interface PayloadReaderOptions {
  readonly files: SegmentFiles
  readonly messages: MessageIndex
  readonly clock: Clock
  readonly log: Logger
  /** Resolves when the bytes at this place can be read; `undefined` if they already can. */
  readonly written: (location: PayloadLocation) => Promise<void> | undefined
}

export class PayloadReader {
  #options: PayloadReaderOptions

  constructor(options: PayloadReaderOptions) {
    this.#options = options
  }

  /**
   * Returns the payloads of these messages, in the order requested; `undefined` for one that the store no longer has or
   * that is corrupt.
   *
   * @throws {StoreError} the disk's error, if nothing can be read
   */
  async read(messageNumbers: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    const payloads: (Uint8Array | undefined)[] = messageNumbers.map(() => undefined)
    const onDisk: Request[] = []
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

  /** Waits once, for everything that was written up to this call. */
  async #allWritten(messageNumbers: readonly number[]): Promise<void> {
    const { messages, written } = this.#options
    for (const messageNumber of messageNumbers) {
      const location = messages.locate(messageNumber)
      const writing = location && written(location)
      if (writing !== undefined) return writing
    }
  }

  async #readRun(run: readonly Request[], payloads: (Uint8Array | undefined)[]): Promise<void> {
    const { offset } = run[0]!
    const bytes = await this.#tryRead(run)
    const sound = run.filter((each) => payloadIsSound(bytes, each.offset - offset, each.length))
    const requestedBytes = sound.reduce((sum, { length }) => sum + length, 0)
    const packed = requestedBytes * 2 < bytes.length ? new Uint8Array(requestedBytes) : undefined
    let at = 0
    for (const request of sound) {
      const from = request.offset + 4 - offset
      const payload = bytes.subarray(from, from + request.length)
      packed?.set(payload, at)
      payloads[request.place] = packed?.subarray(at, at + request.length) ?? payload
      at += request.length
    }
    if (sound.length === run.length) return
    const rest = run.filter((each) => !sound.includes(each))
    for (const { place, messageNumber } of rest) payloads[place] = await this.#readAlone(messageNumber)
  }

  /** Returns nothing if the read fails: each payload is then read by itself. */
  async #tryRead(run: readonly Request[]): Promise<Uint8Array> {
    const { segment, offset } = run[0]!
    const end = endOf(run.at(-1)!)
    try {
      return await this.#options.files.use(segment, (file) => file.read(offset, end - offset))
    } catch (error) {
      this.#options.log.debug({ err: error }, `${segmentName(segment)} could not be read at byte ${offset}`)
      return empty
    }
  }

  /** The segment may have been rewritten meanwhile and its payloads moved, so each try looks up the place again. */
  async #readAlone(messageNumber: number): Promise<Uint8Array | undefined> {
    for (let tries = 1; ; tries++) {
      await this.#allWritten([messageNumber])
      const location = this.#options.messages.locate(messageNumber)
      if (location === undefined) return undefined
      const { segment, offset, length } = location
      try {
        const bytes = await this.#options.files.use(segment, (file) => file.read(offset, payloadSpan(length)))
        if (payloadIsSound(bytes, 0, length)) return bytes.subarray(4, 4 + length)
        if (tries === aloneTries) return this.#lost(location, messageNumber, 'is corrupt')
      } catch (error) {
        // The segment may have been rewritten and removed at this moment.
        if (!this.#options.files.has(segment) && tries < aloneTries) continue
        await this.#assertReadable(segment, error)
        if (tries === aloneTries)
          return this.#lost(location, messageNumber, `cannot be read: ${(error as Error).message}`)
        await this.#wait(firstWaitMs << tries)
      }
    }
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.setTimer(delayMs, resolve))
  }

  /**
   * Distinguishes a bad sector from a disk that is gone. @throws {unknown} `error`, if nothing of that segment can be
   * read
   */
  async #assertReadable(segment: number, error: unknown): Promise<void> {
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

/** Divides the sorted payloads into runs that one read may fetch. */
function* runs(requests: readonly Request[]): Generator<Request[]> {
  let run: Request[] = []
  for (const next of requests) {
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

function endOf(request: Request): number {
  return request.offset + payloadSpan(request.length)
}
