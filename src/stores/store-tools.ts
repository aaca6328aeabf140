/**
 * Tools for a store that no process, or another process, is using: inspect it and copy it. They change nothing and need
 * no lock; pass them a Disk that was opened read-only.
 *
 * @module
 */
import type { Disk, DiskFile } from '../base/disk.ts'
import { StoreError } from '../base/errors.ts'
import { DamageReport } from './damage.ts'
import { emitState } from './emit-state.ts'
import { LiveState } from './live-state.ts'
import { recover } from './recover.ts'
import { checkpointName, numberOfName, numbersOfNames, segmentName, SegmentFiles } from './segment-files.ts'
import type { Change } from './store.ts'

const copyTries = 5
const pieceBytes = 1 << 20

/**
 * Calls `visit` with every fact in a store, in the order of `Store.load`.
 *
 * @throws {StoreError} `ERR_STORE_DAMAGED`, `ERR_STORE_FOREIGN`, `ERR_STORE_VERSION`, or an error of the Disk
 */
export async function dumpStore(disk: Disk, visit: (fact: Change) => void): Promise<void> {
  const files = new SegmentFiles(disk)
  const state = new LiveState()
  const damage = new DamageReport(disk.path, false)
  try {
    const recovered = await recover(files, state, damage)
    await emitState(files, state, recovered, damage, visit, () => undefined)
  } finally {
    await files.close()
  }
}

/**
 * Copies a store to an empty Disk, even while a process is using it. The copy has every turn that was durable when
 * copying began, and is verified by reading it. If the store folds its journal meanwhile, it is copied again.
 *
 * @throws {StoreError} `ERR_STORE_NOT_EMPTY` when there is a store at the target; an error from reading the copy if
 * that fails five times in a row
 */
export async function copyStore(from: Disk, to: Disk): Promise<void> {
  if ((await to.list()).some(isOurs)) {
    throw new StoreError('ERR_STORE_NOT_EMPTY', 'the target already contains a store: name an empty folder')
  }
  for (let tries = 1; ; tries++) {
    try {
      await copyFiles(from, to)
      await dumpStore(to, () => undefined)
      return
    } catch (error) {
      // The error of the copy matters more than one from removing it.
      await removeAll(to).catch((again: unknown) => void ((error as Error).cause ??= again))
      if (tries === copyTries) throw error
    }
  }
}

async function removeAll(disk: Disk): Promise<void> {
  for (const name of (await disk.list()).filter(isOurs)) await disk.remove(name)
}

function isOurs(name: string): boolean {
  return numberOfName('journal', name) !== undefined || numberOfName('checkpoint', name) !== undefined
}

/**
 * The newest checkpoint, then segments from the oldest, so that messages moved forward meanwhile are found in their new
 * place.
 */
async function copyFiles(from: Disk, to: Disk): Promise<void> {
  const names = await from.list()
  const checkpoints = numbersOfNames('checkpoint', names).slice(-1).map(checkpointName)
  const segments = numbersOfNames('journal', names).map(segmentName)
  for (const name of [...checkpoints, ...segments]) await copyFile(from, to, name)
  await to.syncNames()
}

async function copyFile(from: Disk, to: Disk, name: string): Promise<void> {
  const source = await from.open(name)
  try {
    const target = await to.open(name)
    try {
      await copyBytes(source, target)
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

async function copyBytes(source: DiskFile, target: DiskFile): Promise<void> {
  const { size } = source
  for (let at = 0; at < size; at += pieceBytes)
    await target.append(await source.read(at, Math.min(pieceBytes, size - at)))
  await target.sync()
}
