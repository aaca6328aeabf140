/**
 * What an operator can do with a store that no process, or another process, is using: look at it, copy it. Nothing here
 * changes it or needs its lock; give it a Disk that was opened read-only.
 *
 * @module
 */
import type { Disk, DiskFile } from '../base/disk.ts'
import { StoreError } from '../base/errors.ts'
import { DamageReport } from './damage.ts'
import { giveBack } from './give-back.ts'
import { LiveState } from './live-state.ts'
import { recover } from './recover.ts'
import { checkpointName, numberOfName, numbersOfNames, segmentName, SegmentFiles } from './segment-files.ts'
import type { Change } from './store.ts'

const copyTries = 5
const pieceBytes = 1 << 20

/**
 * Tells every fact in a store, in the order of `Store.load`.
 *
 * @throws {StoreError} `ERR_STORE_DAMAGED`, `ERR_STORE_FOREIGN`, `ERR_STORE_VERSION`, or what the Disk throws
 */
export async function dumpStore(disk: Disk, tell: (fact: Change) => void): Promise<void> {
  const files = new SegmentFiles(disk)
  const state = new LiveState()
  const damage = new DamageReport(disk.path, false)
  try {
    const recovered = await recover(files, state, damage)
    await giveBack(files, state, recovered, damage, tell, () => undefined)
  } finally {
    await files.close()
  }
}

/**
 * Copies a store to an empty Disk, also while a process is using it: the copy has every turn that was durable when it
 * began, and is read back before it counts. A store that folds its journal in the middle of it is copied again.
 *
 * @throws {StoreError} `ERR_STORE_NOT_EMPTY` when there is a store at the target; what reading the copy back says if that
 * fails five times in a row
 */
export async function copyStore(from: Disk, to: Disk): Promise<void> {
  if ((await to.list()).some(isOurs)) {
    throw new StoreError('ERR_STORE_NOT_EMPTY', 'there is a store at the target already: name an empty folder')
  }
  for (let tries = 1; ; tries++) {
    try {
      await copyFiles(from, to)
      await dumpStore(to, () => undefined)
      return
    } catch (error) {
      // Why the copy failed counts, not what goes wrong with taking it away.
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

/** The newest checkpoint, then segments from the oldest: what is moved forward meanwhile is then found where it went. */
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
