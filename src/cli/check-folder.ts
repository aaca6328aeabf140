/** Checks whether the data folder could be used, as far as possible without creating it. @module */
import { access, constants, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ConfigError } from '../base/errors.ts'
import { keepsState } from '../broker/durable/open-store.ts'
import type { Options } from '../config/options.ts'

/**
 * @param askToWrite rejects if the user of this process lacks permission
 * @returns a warning if the user of this process could not write there; the broker may run as another user
 * @throws {ConfigError} if a file is in the folder's place
 */
export async function checkFolder(
  options: Pick<Options, 'persistence' | 'listeners'>,
  askToWrite = (path: string): Promise<void> => access(path, constants.W_OK | constants.X_OK),
): Promise<string[]> {
  const { persistence } = options
  if (persistence === undefined || !keepsState(options)) return []
  const there = await existing(resolve(persistence.path))
  if (!(await stat(there)).isDirectory()) {
    const message = `persistence.path: ${there} is a file, not a folder: name a folder, or move the file away`
    throw new ConfigError('ERR_CONFIG', message, { problems: [{ path: 'persistence.path', message }] })
  }
  try {
    await askToWrite(there)
    return []
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return [
      `persistence.path: the user of this process may not write to ${there} (${code}), so it could not start the broker`,
    ]
  }
}

/** The path, or the nearest existing folder above it, or a file in its place. */
async function existing(path: string): Promise<string> {
  try {
    await stat(path)
    return path
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return (code === 'ENOENT' || code === 'ENOTDIR') && dirname(path) !== path ? existing(dirname(path)) : path
  }
}
