/**
 * Reads payloads of queued messages, in batches: those that lie near each other come with one read, and share its memory,
 * unless most of that was not asked for.
 *
 * @module
 */
import { StoreError } from '../base/errors.ts'
import { payloadIsSound, payloadSpan } from './frame.ts'
import type { MessageIndex, PayloadLocation } from './message-index.ts'
import { segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'

/** Payloads that are no farther apart are read together, up to so many bytes at once. */
const gapBytes = 16 << 10
const readBytes = 1 << 20

const empty = new Uint8Array(0)

interface Wanted extends PayloadLocation {
  readonly messageNumber: number
  /** Where in the answer it goes. */
  readonly place: number
}

export class PayloadReader {
  #files: SegmentFiles
  #messages: MessageIndex

  constructor(files: SegmentFiles, messages: MessageIndex) {
    this.#files = files
    this.#messages = messages
  }

  /**
   * The payloads of these messages, in the order asked.
   *
   * @throws {StoreError} `ERR_STORE_MISSING` for a message that the store does not have (any more), `ERR_STORE_DAMAGED`
   * when a payload is not what was written
   */
  async read(messageNumbers: readonly number[]): Promise<Uint8Array[]> {
    const wanted = messageNumbers.map((messageNumber, place) => this.#want(messageNumber, place))
    const payloads = wanted.map(() => empty)
    const onDisk = wanted
      .filter(({ length }) => length > 0)
      .toSorted((a, b) => a.segment - b.segment || a.offset - b.offset)
    for (const run of runs(onDisk)) await this.#readRun(run, payloads)
    return payloads
  }

  #want(messageNumber: number, place: number): Wanted {
    const location = this.#messages.locate(messageNumber)
    if (location !== undefined) return { ...location, messageNumber, place }
    throw new StoreError('ERR_STORE_MISSING', `message ${messageNumber} is not in the store`)
  }

  async #readRun(run: readonly Wanted[], payloads: Uint8Array[]): Promise<void> {
    const { segment, offset } = run[0]!
    const end = endOf(run.at(-1)!)
    const bytes = await this.#files.use(segment, (file) => file.read(offset, end - offset))
    for (const wanted of run) if (!payloadIsSound(bytes, wanted.offset - offset, wanted.length)) throw damaged(wanted)
    const wantedBytes = run.reduce((sum, { length }) => sum + length, 0)
    const packed = wantedBytes * 2 < bytes.length ? new Uint8Array(wantedBytes) : undefined
    let at = 0
    for (const wanted of run) {
      const from = wanted.offset + 4 - offset
      const payload = bytes.subarray(from, from + wanted.length)
      packed?.set(payload, at)
      payloads[wanted.place] = packed?.subarray(at, at + wanted.length) ?? payload
      at += wanted.length
    }
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

function damaged(wanted: Wanted): StoreError {
  return new StoreError(
    'ERR_STORE_DAMAGED',
    `${segmentName(wanted.segment)} is damaged at byte ${wanted.offset}: the payload of message ${wanted.messageNumber} is not what was written`,
  )
}
