/**
 * The segments on disk: their names, how much of each counts, and a few open handles.
 *
 * @module
 */
import type { Disk, DiskFile } from '../base/disk.ts'
import { StoreError } from '../base/errors.ts'

/** This many sealed segments stay open for reading. */
const openAtMost = 32

/** `journal-00000001.log`; numbers beyond eight digits are simply longer. */
export function segmentName(number: number): string {
  return `journal-${String(number).padStart(8, '0')}.log`
}

/** The number is that of the first segment that is not folded into the checkpoint. */
export function checkpointName(number: number): string {
  return `checkpoint-${String(number).padStart(8, '0')}.log`
}

/** The name of a file that is still being written; it does not count until it is renamed. */
export function partName(name: string): string {
  return `${name}.part`
}

/** What kind of file has such a name; `undefined` for other names. */
export function kindOfName(name: string): 'journal' | 'checkpoint' | undefined {
  return /^(journal|checkpoint)-\d{8,}\.log$/.exec(name)?.[1] as 'journal' | 'checkpoint' | undefined
}

/** The number of a segment's or checkpoint's name, or `undefined` for other names. */
export function numberOfName(prefix: 'journal' | 'checkpoint', name: string): number | undefined {
  const match = /^(journal|checkpoint)-(\d{8,})\.log$/.exec(name)
  return match?.[1] === prefix ? Number(match[2]) : undefined
}

/** The numbers of all segments or checkpoints among these names, lowest first. */
export function numbersOfNames(prefix: 'journal' | 'checkpoint', names: readonly string[]): number[] {
  return names
    .map((name) => numberOfName(prefix, name))
    .filter((number) => number !== undefined)
    .toSorted((a, b) => a - b)
}

interface Segment {
  /** How many of its bytes count. */
  size: number
  file: Promise<DiskFile> | undefined
  users: number
  /** Called when no user is left. */
  idle: (() => void) | undefined
}

export class SegmentFiles {
  readonly disk: Disk
  /** Bytes of all segments that count. */
  totalBytes = 0
  #segments = new Map<number, Segment>()

  constructor(disk: Disk) {
    this.disk = disk
  }

  get numbers(): number[] {
    return [...this.#segments.keys()]
  }

  get count(): number {
    return this.#segments.size
  }

  has(number: number): boolean {
    return this.#segments.has(number)
  }

  sizeOf(number: number): number {
    return this.#segments.get(number)?.size ?? 0
  }

  /** Adds a segment, or changes how much of it counts. An open handle is reused. */
  set(number: number, size: number, file?: DiskFile): void {
    const known = this.#segments.get(number)
    this.totalBytes += size - (known?.size ?? 0)
    if (known === undefined) {
      this.#segments.set(number, { size, file: file && Promise.resolve(file), users: 0, idle: undefined })
    } else {
      known.size = size
    }
  }

  /** Removes a segment that was never used: its file does not exist. */
  forget(number: number): void {
    this.totalBytes -= this.sizeOf(number)
    this.#segments.delete(number)
  }

  /** Runs `work` with a segment's file, which is not closed or removed meanwhile. */
  async use<Value>(number: number, work: (file: DiskFile) => Promise<Value>): Promise<Value> {
    const segment = this.#segments.get(number)
    if (segment === undefined)
      throw new StoreError('ERR_STORE_MISSING', `${segmentName(number)} does not exist any more`)
    segment.users++
    try {
      return await work(await this.#opened(number, segment))
    } finally {
      segment.users--
      if (segment.users === 0) segment.idle?.()
      await this.#closeSome(number)
    }
  }

  async #opened(number: number, segment: Segment): Promise<DiskFile> {
    segment.file ??= this.disk.open(segmentName(number))
    try {
      return await segment.file
    } catch (error) {
      segment.file = undefined
      throw error
    }
  }

  /** Removes a segment and closes its file once it has no user. The caller removes the name. */
  async drop(number: number): Promise<void> {
    const segment = this.#segments.get(number)
    if (segment === undefined) return
    this.forget(number)
    if (segment.users > 0) await new Promise<void>((idle) => (segment.idle = idle))
    await (await segment.file)?.close()
  }

  async close(): Promise<void> {
    for (const number of this.numbers) await this.drop(number)
  }

  /** Closes the oldest idle handles except this one. The newest segment belongs to the journal and stays open. */
  async #closeSome(except: number): Promise<void> {
    if (this.count <= openAtMost) return
    const open = [...this.#segments].filter(([, segment]) => segment.file !== undefined)
    const spare = open.slice(0, -1).filter(([number, segment]) => number !== except && segment.users === 0)
    for (const [, segment] of spare.slice(0, Math.max(0, open.length - openAtMost))) {
      const file = segment.file
      segment.file = undefined
      await file?.then(closeUnused, ignore)
    }
  }
}

/**
 * Everything written to the file is synced or not relied on, so an error from closing it must not fail a read of
 * another one.
 */
async function closeUnused(file: DiskFile): Promise<void> {
  await file.close().catch(ignore)
}

function ignore(): void {}
