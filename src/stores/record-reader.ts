/**
 * A reader of the store's own records. Their checksums were verified before, so what it cannot read was written by a version that
 * knows more, or by a bug.
 *
 * @module
 */
import { ByteReader } from '../base/byte-reader.ts'
import { StoreError } from '../base/errors.ts'

/** What it cannot read throws a `StoreError`, `ERR_STORE_RECORD`. */
export function recordReader(): ByteReader {
  return new ByteReader(unreadable)
}

function unreadable(what: string): StoreError {
  return new StoreError(
    'ERR_STORE_RECORD',
    `the record holds ${what}: it was written by a different version, or by a bug`,
  )
}
