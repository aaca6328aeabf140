/**
 * Copies the folder of a store to another folder, from which a broker can start: for programs, commands and operators.
 *
 * @module
 */
import { StoreError } from '../base/errors.ts'
import { openNodeDisk, type NodeDisk } from './node-disk.ts'
import { kindOfName } from './segment-files.ts'
import { copyStore } from './store-tools.ts'

/**
 * Copies a store, even while a broker uses it: everything that was durable when copying began. The copy is verified by
 * reading it.
 *
 * @param target a folder that is empty, or is created
 * @returns bytes of the copy
 * @throws {StoreError} `ERR_STORE_MISSING` if there is no store, `ERR_STORE_NOT_EMPTY` if there is one at the target,
 *   or an error of the disk
 */
export function backupStore(path: string, target: string): Promise<number> {
  return readingStore(path, async (from) => {
    const to = await openNodeDisk(target)
    try {
      await copyStore(from, to)
      return await bytesOnDisk(to)
    } finally {
      await to.close()
    }
  })
}

/**
 * Opens the folder of a store for reading only, even if another process uses it.
 *
 * @throws {StoreError} `ERR_STORE_MISSING` if there is no store
 */
export async function readingStore<Result>(path: string, use: (disk: NodeDisk) => Promise<Result>): Promise<Result> {
  const disk = await openExisting(path)
  try {
    if (!(await disk.list()).some((name) => kindOfName(name) !== undefined)) throw noStore(path)
    return await use(disk)
  } finally {
    await disk.close()
  }
}

/** Bytes of all files of a store. */
export async function bytesOnDisk(disk: NodeDisk): Promise<number> {
  let sum = 0
  for (const name of await disk.list()) {
    if (!name.endsWith('.log')) continue
    const file = await disk.open(name)
    sum += file.size
    await file.close()
  }
  return sum
}

async function openExisting(path: string): Promise<NodeDisk> {
  try {
    return await openNodeDisk(path, { readOnly: true })
  } catch (error) {
    if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') throw noStore(path, error)
    throw error
  }
}

function noStore(path: string, cause?: unknown): StoreError {
  return new StoreError('ERR_STORE_MISSING', `there is no store at ${path}`, { cause })
}
