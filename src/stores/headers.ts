/**
 * Reads the headers of a store's files, and classifies the files whose header cannot be read.
 *
 *   sound      the header, perhaps with one corrected bit
 *   damaged    no header, but records of this store, from which the contents of the header follow
 *   torn       the remainder of a file that was being written at a power cut: no record of it was ever durable
 *   garbage    neither a header nor a record of this store
 *   empty      a file that was prepared and not used
 *
 * A header contains the salt (also in every other header and record), the segment before it and how much of that counts
 * (up to the record before the first of this file), and the highest numbers used (also in the checkpoint and the
 * records since).
 *
 * @module
 */
import type { DiskFile } from '../base/disk.ts'
import { refuse } from './damage.ts'
import type { DamageReport } from './damage.ts'
import { decodeHeader, headerBytes } from './frame.ts'
import type { FileHeader, FileKind } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { findSalt } from './salt.ts'
import { checkpointName, kindOfName, numberOfName, numbersOfNames, segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'

export interface Look {
  readonly state: 'sound' | 'damaged' | 'torn' | 'garbage' | 'empty'
  readonly fileSize: number
  /** If the file is sound. */
  readonly header: FileHeader | undefined
  /** If the file is damaged: the sequence of its first valid record. */
  readonly firstSequence: number | undefined
}

export class Headers {
  /** The store's salt; `undefined` until a file has been read that contains it. */
  salt: number | undefined
  #files: SegmentFiles
  #damage: DamageReport
  #names: readonly string[]
  #hasSought = false

  /** @param names all names in the folder */
  constructor(files: SegmentFiles, damage: DamageReport, names: readonly string[]) {
    this.#files = files
    this.#damage = damage
    const own = (kind: FileKind, name: (number: number) => string): string[] => numbersOfNames(kind, names).map(name)
    this.#names = [...own('checkpoint', checkpointName), ...own('journal', segmentName)].toReversed()
  }

  /** @throws {StoreError} `ERR_STORE_VERSION`, or `ERR_STORE_FOREIGN` if nothing in the folder is known to be ours */
  look(kind: FileKind, name: string): Promise<Look> {
    return this.#reading(name, async (file) => {
      const { size: fileSize } = file
      const header = decodeHeader(kind, await file.read(0, headerBytes))
      if (header === 'newer') refuse(this.#damage.pathOf(name), header)
      // Blocks of an older file may appear where a new one was to be written.
      if (typeof header === 'object' && header.number === numberOfName(kind, name)) {
        this.salt ??= header.salt
        if (header.isMended === true) this.#damage.note(name, 'a bit of its header has flipped')
        return { state: 'sound', header, fileSize, firstSequence: undefined }
      }
      if (fileSize === 0) return { state: 'empty', header: undefined, fileSize, firstSequence: undefined }
      await this.#seekSalt()
      const firstSequence = await this.#firstSequence(kind, file)
      const withoutRecord = header === 'damaged' ? 'torn' : 'garbage'
      const state = firstSequence === undefined ? withoutRecord : 'damaged'
      if (state === 'garbage' && this.salt === undefined) this.#refuseForeign(name)
      return { state, header: undefined, fileSize, firstSequence }
    })
  }

  async #reading<Value>(name: string, work: (file: DiskFile) => Promise<Value>): Promise<Value> {
    const file = await this.#files.disk.open(name)
    try {
      return await work(file)
    } finally {
      await file.close()
    }
  }

  /** Takes the salt from the newest readable header, otherwise from records. */
  async #seekSalt(): Promise<void> {
    if (this.salt !== undefined || this.#hasSought) return
    this.#hasSought = true
    for (const find of [saltOfHeader, findSalt]) {
      for (const name of this.#names) {
        this.salt ??= await this.#reading(name, (file) => find(file, kindOfName(name)!))
        if (this.salt !== undefined) return
      }
    }
  }

  async #firstSequence(kind: FileKind, file: DiskFile): Promise<number | undefined> {
    if (this.salt === undefined) return undefined
    const reader = new FrameReader(file, kind, file.size, this.salt, false)
    const first = (await reader.next()) ?? (await reader.seek())
    return first?.frame.sequence
  }

  /** The only file of a new store may be the remainder of a power cut; a repair sets it aside unchanged. */
  #refuseForeign(name: string): void {
    const isNew = this.#names.length === 1 && kindOfName(name) === 'journal'
    if (!isNew || !this.#damage.repairs) refuse(this.#damage.pathOf(name), isNew ? 'foreign or torn' : 'foreign')
  }
}

async function saltOfHeader(file: DiskFile, kind: FileKind): Promise<number | undefined> {
  const header = decodeHeader(kind, await file.read(0, headerBytes))
  return typeof header === 'object' ? header.salt : undefined
}
