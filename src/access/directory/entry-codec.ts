/**
 * Entries as text for the Store: JSON, with the number of the entry. Fields that an entry lacks are those of a version
 * before them.
 *
 * @module
 */
import { StoreError } from '../../base/errors.ts'
import type { EntryTypes, Kept } from './entries.ts'

type Entry = EntryTypes[keyof EntryTypes]

export function encodeEntry({ id, entry }: Pick<Kept<Entry>, 'id' | 'entry'>): string {
  return JSON.stringify({ id, ...entry })
}

/** @throws {StoreError} `ERR_STORE_RECORD` for a text that `encodeEntry` does not make */
export function decodeEntry(content: string): Pick<Kept<Entry>, 'id' | 'entry'> {
  const parsed = parse(content)
  if (typeof parsed !== 'object' || parsed === null || !('id' in parsed) || typeof parsed.id !== 'number') {
    throw new StoreError('ERR_STORE_RECORD', 'a record about users, roles or bans cannot be read')
  }
  const { id, ...entry } = parsed
  return { id, entry: entry as unknown as Entry }
}

function parse(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}
