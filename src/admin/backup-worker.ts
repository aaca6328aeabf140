/** The thread that copies a store for `views/backup.ts`: reading and verifying it would hold up clients. @module */
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../base/thrown.ts'
import { backupStore } from '../stores/backup.ts'

/** What is copied, and where to. */
export interface BackupTask {
  readonly path: string
  readonly target: string
}

/** Bytes of the copy, or why there is none. */
export type BackupOutcome = { readonly bytes: number } | { readonly problem: string }

const { path, target } = workerData as BackupTask
const tell = (outcome: BackupOutcome): void => parentPort?.postMessage(outcome)
void backupStore(path, target).then(
  (bytes) => tell({ bytes }),
  (error: unknown) => tell({ problem: messageOf(error) }),
)
