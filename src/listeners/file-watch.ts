/**
 * Notices that files were replaced. The system's notifications come at once but do not cover everything (network file
 * systems, links into other folders), so the files are also checked at intervals. Folders are watched rather than
 * files, because files are mostly renewed by a rename. The caller has to read the files to find out whether anything
 * changed.
 * @module
 */
import { statSync, watch, type FSWatcher } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock, Timer } from '../base/clock.ts'

/** Several files are mostly replaced together, so they are read after this long without another change. */
const SETTLE_MS = 200
/** How often the files are checked without a notification. */
const POLL_MS = 60_000

/**
 * Calls `changed` some time after any of `paths` may have changed.
 *
 * @param paths files, or folders whose files are watched
 * @returns a function that stops watching
 */
export function watchFiles(paths: readonly string[], clock: Clock, changed: () => void): () => void {
  let timer: Timer
  const lookAfter = (delayMs: number) => {
    timer = clock.setTimer(delayMs, () => {
      lookAfter(POLL_MS)
      changed()
    })
  }
  const noticed = () => {
    timer.cancel()
    lookAfter(SETTLE_MS)
  }
  lookAfter(POLL_MS)
  const folders = new Set(paths.map((path) => (isFolder(path) ? path : dirname(path))))
  const watchers = [...folders].flatMap((folder) => watchFolder(folder, noticed))
  return () => {
    timer.cancel()
    for (const watcher of watchers) watcher.close()
  }
}

/** Returns no watcher if the system has none left or the folder is gone: then only the interval remains. */
function watchFolder(folder: string, noticed: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, noticed)
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    return []
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
