/** What `sluice reload` prints for people. @module */
import { printable } from '../../base/printable.ts'
import type { ReloadView } from '../../broker/host/read-again.ts'

/** A line for what was read, one for each key that waits for a restart, and the warnings. */
export function reloadLines({ file, changed, needRestart, warnings }: ReloadView): readonly string[] {
  const read = file === undefined ? 'there is no configuration file' : `${file} was read`
  const now = changed.filter((key) => !needRestart.includes(key))
  const nothing = 'no key has changed; the files that the configuration names were read again'
  return [
    `${read}; ${changed.length === 0 ? nothing : now.length === 0 ? 'nothing changes before a restart' : `changed: ${now.join(', ')}`}`,
    ...needRestart.map((key) => `${key} takes effect when the broker is restarted`),
    ...warnings.map((warning) => `warning: ${warning}`),
  ].map(printable)
}
