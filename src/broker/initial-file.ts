/** The first users, groups and roles of a broker that has none: `users.initial-file`. @module */
import { readFile } from 'node:fs/promises'
import { ConfigError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { messageOf } from '../base/thrown.ts'
import type { Directory } from '../access/directory/directory.ts'
import type { Options } from '../config/options.ts'
import type { FloorParts } from './broker-settings.ts'

/** @throws {ConfigError} `ERR_CONFIG_FILE` for a file that cannot be read, or is no such file */
export async function readInitialFile(
  { users }: Options,
  directory: Directory,
  log: Logger,
  planAccess: FloorParts['planAccess'],
): Promise<void> {
  const path = users?.initialFile
  if (path === undefined || !directory.isEmpty) return
  try {
    directory.carryOut(await planAccess(directory, JSON.parse(await readFile(path, 'utf8'))))
  } catch (error) {
    throw new ConfigError('ERR_CONFIG_FILE', `users.initial-file: ${path}: ${messageOf(error)}`, { cause: error })
  }
  const counts = `${directory.all('user').size} users, ${directory.all('group').size} groups and ${directory.all('role').size} roles`
  log.info({ file: path }, `the store had no users; ${path} was read: ${counts}`)
}
