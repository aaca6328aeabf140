/**
 * Makes the file of users, groups, roles and the default access: a snapshot at once, and the file of it in slices. One
 * at a time, because a snapshot keeps what is replaced meanwhile.
 *
 * @module
 */
import type { Directory } from '../../access/directory/directory.ts'
import { SluiceError } from '../../base/errors.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import { fileOf } from './access-file.ts'
import { AccessSnapshot } from './access-snapshot.ts'
import { Slices } from './slices.ts'

/** Entries whose places are copied in a unit of work (base/work.ts). */
const COPIED_IN_A_UNIT = 4

/** Those of which a file is being made. */
const busy = new WeakSet<Directory>()

/** @throws {SluiceError} `ERR_LIMIT` while another file is being made */
export async function exportAccess(broker: Broker, credentials: boolean): Promise<Readonly<Record<string, unknown>>> {
  const { directory, turn } = serverOf(broker)
  if (busy.has(directory)) {
    directory.onRefused('export')
    throw new SluiceError('ERR_LIMIT', 'another export is at work; try again when it is done')
  }
  busy.add(directory)
  try {
    const snapshot = new AccessSnapshot(directory)
    turn.work.spend(Math.ceil(snapshot.size / COPIED_IN_A_UNIT))
    return await new Slices(broker).run(fileOf(snapshot, credentials))
  } finally {
    busy.delete(directory)
  }
}
