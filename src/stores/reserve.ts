/**
 * Space set aside while there is some: a file that is removed when the disk is full, so that Changes which free space
 * (acknowledgements, ends of sessions) can still be written, followed by a checkpoint.
 *
 * It is filled with incompressible bytes, because a file of zeros may take no space at all.
 *
 * @module
 */
import type { Disk, DiskFile } from '../base/disk.ts'
import { StoreError } from '../base/errors.ts'

export const reserveName = 'reserve'

const pieceBytes = 256 << 10

export class Reserve {
  /** Its size in bytes. */
  size = 0
  readonly #disk: Disk
  #isReleasing = false
  /** The end of the last operation on the file. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Finds the file of an earlier process. */
  async find(): Promise<void> {
    if (!(await this.#disk.list()).includes(reserveName)) return
    await this.#withFile(async (file) => void (this.size = file.size))
  }

  /**
   * Grows or shrinks the file to this size.
   *
   * @returns whether it has that size now; false if the disk has no room for it, or it was released meanwhile
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

  /** Removes the file. @returns whether there was one */
  release(): Promise<boolean> {
    this.#isReleasing = true
    return this.#next(async () => {
      this.#isReleasing = false
      if (this.size === 0) return false
      await this.#remove()
      this.size = 0
      // Some file systems free the space only with their next commit.
      await this.#disk.syncNames()
      return true
    })
  }

  /** An operator may have removed it already to make room. */
  async #remove(): Promise<void> {
    try {
      await this.#disk.remove(reserveName)
    } catch (error) {
      if ((await this.#disk.list()).includes(reserveName)) throw error
    }
  }

  #next<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined) // the caller gets the error
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

/** Whether the disk, or a quota, has no space left. */
export function isFull(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'ERR_STORE_FULL'
}

/** Numbers without a pattern, always the same. */
const filling = new Uint8Array(pieceBytes)
for (let at = 0, state = 1; at < pieceBytes; at++) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  filling[at] = state >>> 24
}
