/** The first users, groups and roles of a broker that has none: `users.initial-file`. @module */
import { readFile } from 'node:fs/promises'
import { ConfigError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { messageOf } from '../base/thrown.ts'
import type { Directory } from '../access/directory/directory.ts'
import type { Options } from '../config/options.ts'
import type { FloorParts } from './broker-settings.ts'

/** Lines in the log about what has no effect, or another one. */
const MAX_NOTES = 100

/** @throws {ConfigError} `ERR_CONFIG_FILE` for a file that cannot be read, or is no such file */
export async function readInitialFile(
  { users: options }: Options,
  directory: Directory,
  log: Logger,
  planAccess: FloorParts['planAccess'],
): Promise<void> {
  const path = options?.initialFile
  if (path === undefined || !directory.isEmpty) return
  let notes: readonly string[]
  try {
    const access = await planAccess(directory, JSON.parse(await readFile(path, 'utf8')))
    directory.carryOut(access.plan)
    notes = access.notes
  } catch (error) {
    throw new ConfigError('ERR_CONFIG_FILE', `users.initial-file: ${path}: ${messageOf(error)}`, { cause: error })
  }
  const [users, groups, roles] = (['user', 'group', 'role'] as const).map((type) => directory.all(type).size)
  const counts = `users: ${users}, groups: ${groups}, roles: ${roles}`
  log.info({ file: path }, `the store had no users; ${path} was read (${counts})`)
  for (const note of notes.slice(0, MAX_NOTES)) log.warn({ file: path }, `${path}: ${note}`)
  if (notes.length > MAX_NOTES) {
    log.warn({ file: path }, `${path}: and ${notes.length - MAX_NOTES} more; \`sluice access-diff ${path}\` prints all`)
  }
}
