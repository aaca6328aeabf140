/** The project's folder, and the tool that was started. Tools run as `node build/tools/NAME.js`. @module */
import { realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const root: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** True in the module with which Node was started, so that a tool's functions can be imported without running it. */
export function isMain(moduleUrl: string): boolean {
  const started = process.argv[1]
  return started !== undefined && realpathSync(started) === fileURLToPath(moduleUrl)
}
