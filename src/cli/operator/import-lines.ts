/**
 * What an import of users, groups and roles changes, for people:
 *
 *   added: role viewer
 *   changed: user ann
 *
 *   ann
 *     + allow subscribe power/# (priority 0)
 *     - allow publish power/# (priority 0)
 *
 * @module
 */
import { printable } from '../../base/printable.ts'
import type { AccessDifference, ImportView } from '../../broker/host/access-admin.ts'

/** Names in a line; more are counted. */
const SHOWN_NAMES = 20

export function importLines({ added, changed, removed, differences, ...rest }: ImportView): string[] {
  const lists = Object.entries({ added, changed, removed }).filter(([, names]) => names.length > 0)
  const more = rest.differencesInAll - differences.length
  return [
    ...(lists.length === 0 ? ['nothing changes'] : lists.map(([what, names]) => `${what}: ${namesText(names)}`)),
    ...rest.notes.map((note) => `note: ${printable(note)}`),
    ...differences.flatMap(differenceLines),
    ...(more > 0 ? ['', `… and ${more} more users gain or lose something`] : []),
  ]
}

function namesText(names: readonly string[]): string {
  const more = names.length - SHOWN_NAMES
  const text = names.slice(0, SHOWN_NAMES).map(printable).join(', ')
  return more > 0 ? `${text} … and ${more} more` : text
}

function differenceLines({ userName, gains, loses }: AccessDifference): string[] {
  return [
    '',
    userName === undefined ? 'clients without a user name' : printable(userName),
    ...gains.map((rule) => `  + ${printable(rule)}`),
    ...loses.map((rule) => `  - ${printable(rule)}`),
  ]
}
