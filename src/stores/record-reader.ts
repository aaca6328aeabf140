/**
 * Reads the store's own records. Their checksums were verified before, so a record that cannot be read was written by a
 * newer version, or by a bug.
 *
 * @module
 */
import { ByteReader } from '../base/byte-reader.ts'
import { StoreError } from '../base/errors.ts'

/** Throws a `StoreError`, `ERR_STORE_RECORD`, for bytes that it cannot read. */
export function recordReader(): ByteReader {
  return new ByteReader(unreadable)
}

function unreadable(what: string): StoreError {
  return new StoreError(
    'ERR_STORE_RECORD',
    `the record holds ${what}: it was written by a different version, or by a bug`,
  )
}
