/**
 * Notices that files were replaced. The system's own notices come at once but not from everywhere (network file systems,
 * links into other folders), so the files are looked at now and then as well. Folders are watched rather than files,
 * because renewed files mostly come by rename. What a notice means is for the caller to find out by reading.
 *
 * @module
 */
import { statSync, watch, type FSWatcher } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock, Timer } from '../base/clock.ts'

/** Several files are mostly replaced together: they are looked at when this long nothing else happened. */
const SETTLE_MS = 200
/** How often the files are looked at without a notice. */
const POLL_MS = 60_000

/**
 * Calls `changed` some time after any of `paths` may have changed.
 *
 * @param paths files, or folders whose files count
 * @returns stops it
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

/** None where the system has no more watches to give, or the folder is gone: then there is still the poll. */
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
