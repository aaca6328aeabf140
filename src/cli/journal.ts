/** Detects whether systemd's journal reads the log. @module */
import { fstatSync } from 'node:fs'

/**
 * Whether a descriptor is still the stream that systemd connected to the journal, and was not redirected since
 * (`systemd.exec(5)`).
 *
 * @param journalStream the value of `JOURNAL_STREAM`: device and inode
 */
export function leadsToJournal(descriptor: number, journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true })
    return journalStream === `${dev}:${ino}`
  } catch {
    return false // the descriptor is closed
  }
}
