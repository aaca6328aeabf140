/** Whether lines are read by systemd's journal. @module */
import { fstatSync } from 'node:fs'

/**
 * Whether that descriptor is the stream that systemd connected to the journal: where it was redirected since, it is not
 * (`systemd.exec(5)`).
 *
 * @param journalStream what `JOURNAL_STREAM` says: device and inode
 */
export function leadsToJournal(descriptor: number, journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true })
    return journalStream === `${dev}:${ino}`
  } catch {
    return false // nothing is open there: then nobody reads it
  }
}
