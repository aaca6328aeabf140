/**
 * Space set aside while there is some: a file that is removed when the disk is full, so that what takes away (acknowledgements,
 * ends) can still be written, and a checkpoint that frees what they leave.
 *
 * It is written with bytes that no file system can make smaller, since a file of zeros may take no space at all.
 *
 * @module
 */
import type { Disk, DiskFile } from '../base/disk.ts'
import { StoreError } from '../base/errors.ts'

export const reserveName = 'reserve'

const pieceBytes = 256 << 10

export class Reserve {
  /** What is set aside. */
  size = 0
  readonly #disk: Disk
  #isReleasing = false
  /** The end of what is being done to the file. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Looks what an earlier process left. */
  async find(): Promise<void> {
    if (!(await this.#disk.list()).includes(reserveName)) return
    await this.#withFile(async (file) => void (this.size = file.size))
  }

  /**
   * Makes it as large, or as small.
   *
   * @returns whether it is that large now; false where the disk has no room for it, or it is released meanwhile
   */
  fill(bytes: number): Promise<boolean> {
    return this.#next(async () => {
      if (this.#isReleasing) return false
      const isNew = this.size === 0
      await this.#withFile((file) => this.#fill(file, bytes))
      if (isNew) await this.#disk.syncNames()
      return this.size >= bytes
    })
  }

  async #fill(file: DiskFile, bytes: number): Promise<void> {
    try {
      if (file.size > bytes) await file.cut(bytes)
      while (file.size < bytes && !this.#isReleasing)
        await file.append(filling.subarray(0, Math.min(pieceBytes, bytes - file.size)))
      await file.sync()
    } catch (error) {
      if (!isFull(error)) throw error
      await file.cut(0)
    } finally {
      this.size = file.size
    }
  }

  /** Gives the space back. @returns whether there was any */
  release(): Promise<boolean> {
    this.#isReleasing = true
    return this.#next(async () => {
      this.#isReleasing = false
      if (this.size === 0) return false
      await this.#remove()
      this.size = 0
      // Some file systems give space back only with their next commit.
      await this.#disk.syncNames()
      return true
    })
  }

  /** An operator may have removed it before, to make room. */
  async #remove(): Promise<void> {
    try {
      await this.#disk.remove(reserveName)
    } catch (error) {
      if ((await this.#disk.list()).includes(reserveName)) throw error
    }
  }

  #next<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined) // whoever asked is told
    return done
  }

  async #withFile(work: (file: DiskFile) => Promise<void>): Promise<void> {
    const file = await this.#disk.open(reserveName)
    try {
      await work(file)
    } finally {
      await file.close()
    }
  }
}

/** Whether the disk, or a quota, has no room left. */
export function isFull(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'ERR_STORE_FULL'
}

/** Numbers without a pattern, always the same. */
const filling = new Uint8Array(pieceBytes)
for (let at = 0, state = 1; at < pieceBytes; at++) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  filling[at] = state >>> 24
}
