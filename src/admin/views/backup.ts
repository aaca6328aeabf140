/** A copy of the store while the broker runs, made by a thread of its own. @module */
import { realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { Worker } from 'node:worker_threads'
import { SluiceError, UsageError } from '../../base/errors.ts'
import { moduleUrl } from '../../base/module-url.ts'
import { show } from '../../base/show.ts'
import type { Broker } from '../../broker/broker.ts'
import { serverOf } from '../../broker/broker.ts'
import { keepsState } from '../../broker/durable/open-store.ts'
import type { BackupView } from '../../broker/host/admin.ts'
import type { BackupOutcome, BackupTask } from '../backup-worker.ts'

/** Brokers that are copying: a second copy beside it would only be slower. */
const busy = new WeakSet<Broker>()

/**
 * @throws {UsageError} for a broker without a folder of its own, and with the reason if it cannot be copied; `ERR_BUSY`
 * during another copy
 */
export async function backUp(broker: Broker, target: string): Promise<BackupView> {
  serverOf(broker)
  const { options } = broker
  if (options.persistence === undefined || !keepsState(options)) {
    throw new UsageError('backup: this broker stores nothing, so there is nothing to copy')
  }
  if (!isAbsolute(target)) throw new UsageError(`backup: path must be absolute, got ${show(target)}`)
  if (busy.has(broker)) {
    throw new SluiceError('ERR_BUSY', 'backup: another copy is being made; wait until it is complete')
  }
  busy.add(broker)
  try {
    if (await isWithin(target, options.persistence.path)) {
      throw new UsageError(`backup: ${show(target)} is in the folder of the store itself; name another one`)
    }
    return { path: target, bytes: await copied({ path: options.persistence.path, target }) }
  } finally {
    busy.delete(broker)
  }
}

/** Whether a folder, which may not exist yet, is that one or below it. */
async function isWithin(target: string, folder: string): Promise<boolean> {
  const way = relative(await realFolder(resolve(folder)), await realFolder(resolve(target)))
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** The path without symbolic links, as far as it exists. */
async function realFolder(path: string): Promise<string> {
  const parent = dirname(path)
  return realpath(path).catch(async () => (parent === path ? path : join(await realFolder(parent), basename(path))))
}

function copied(task: BackupTask): Promise<number> {
  const worker = new Worker(moduleUrl('admin/backup-worker'), { workerData: task })
  return new Promise((resolve, reject) => {
    worker.once('message', (outcome: BackupOutcome) => {
      if ('bytes' in outcome) resolve(outcome.bytes)
      else reject(new UsageError(`backup: ${outcome.problem}`))
    })
    worker.once('error', (error) => reject(new UsageError(`backup: the backup thread failed: ${error.message}`)))
    worker.once('exit', () => reject(new UsageError('backup: the backup thread ended')))
  })
}
