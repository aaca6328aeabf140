/**
 * Where the modules of this package are, for those that are found by their address, such as the program of a thread.
 *
 *   build/src/base/module-url.js, one file a module            ─┐
 *   dist/chunks/…, where this module is part of a larger file  ─┴─> `..` is the folder of all modules
 *
 * @module
 */
import { extname } from 'node:path'

/** The folder that the paths of modules start from. */
export const moduleFolder = new URL('../', import.meta.url)

/**
 * The address of a module, with the same extension as this one, whether compiled or not.
 *
 * The bundle has a file of its own for each module that is named here; it finds them by the literal argument.
 *
 * @param name its path below `src`, without an extension
 *
 * @example
 * moduleUrl('plugins/password-worker').pathname.endsWith('/plugins/password-worker.js') // true
 */
export function moduleUrl(name: string): URL {
  return new URL(name + extname(import.meta.url), moduleFolder)
}
