/** Lists of names as people write and read them. @module */
import type { Membership } from '../../../../src/access/directory/entries.ts'

/** With the priority where it is not the usual one. */
export function namesOf(memberships: readonly Membership[]): string {
  const names = memberships.map(({ name, priority }) => (priority === 0 ? name : `${name} (${priority})`))
  return names.join(', ') || '–'
}

export function listOf(written: string): readonly string[] {
  return written
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
