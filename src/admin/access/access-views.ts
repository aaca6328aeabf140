/** Users, groups, roles and bans as operators see them, and pages of them. @module */
import { DEFAULTS_NAME, type Directory } from '../../access/directory/directory.ts'
import type {
  BanEntry,
  DefaultsEntry,
  EntryType,
  EntryTypes,
  Kept,
  Membership,
  Reference,
  UserEntry,
} from '../../access/directory/entries.ts'
import type { Sliced } from '../../base/slices.ts'
import type {
  AccessParameters,
  BanView,
  DefaultAccessView,
  GroupView,
  RoleView,
  UserView,
} from '../../broker/host/access-admin.ts'
import { limitOf, numberOfCursor, type Page, type PageOptions } from '../../broker/host/page.ts'

/** Entries that are passed over, to get to where a page begins, in the time of one that is shown. */
const PASSED_IN_A_STEP = 16

export function userView(directory: Directory, userName: string): UserView | undefined {
  const kept = directory.get('user', userName)
  if (kept === undefined) return undefined
  const { version, entry } = kept
  const { disabled, clientId, passwordHash, scram, textName, textDescription } = entry
  return {
    ...{
      userName,
      version,
      disabled,
      clientId,
      hasPassword: passwordHash !== undefined,
      hasScram: scram !== undefined,
    },
    roles: memberships(directory, 'role', entry.roles),
    groups: memberships(directory, 'group', entry.groups),
    ...{ textName, textDescription },
  }
}

export function groupView(directory: Directory, name: string): GroupView | undefined {
  const kept = directory.get('group', name)
  if (kept === undefined) return undefined
  const { textName, textDescription, roles } = kept.entry
  return { name, version: kept.version, roles: memberships(directory, 'role', roles), textName, textDescription }
}

export function roleView(directory: Directory, name: string): RoleView | undefined {
  const kept = directory.get('role', name)
  if (kept === undefined) return undefined
  const { textName, textDescription, rules } = kept.entry
  return { name, version: kept.version, rules, textName, textDescription }
}

export function defaultAccessView(directory: Directory): DefaultAccessView {
  const version = directory.get('defaults', DEFAULTS_NAME)?.version ?? 0
  return { version, ...defaultAccessFields(directory, directory.defaults) }
}

export function defaultAccessFields(
  entries: Entries,
  { publish, receive, subscribe, unsubscribe, anonymousGroup }: DefaultsEntry,
): Omit<DefaultAccessView, 'version'> {
  const isThere = anonymousGroup !== undefined && entries.leads('group', anonymousGroup)
  const name = isThere ? anonymousGroup.name : undefined
  return { publish, receive, subscribe, unsubscribe, anonymousGroup: name }
}

export function banView({ version, entry }: Kept<BanEntry>): BanView {
  const { kind, value, reason, createdAtMs, untilMs } = entry
  return { kind, value, reason, createdAtMs, untilMs, version }
}

/** The directory, or a snapshot of it. */
export type Entries = Pick<Directory, 'leads'>

/** Without those that are gone. */
export function memberships(entries: Entries, type: 'role' | 'group', list: readonly Reference[]): Membership[] {
  const there = list.filter((each) => entries.leads(type, each))
  return there.map(({ name, priority }) => ({ name, priority }))
}

export function* userPage(directory: Directory, query: AccessParameters['users']): Sliced<Page<UserView>> {
  const { role, group } = query
  const has = (type: 'role' | 'group', list: readonly Reference[], name: string | undefined): boolean =>
    name === undefined || list.some((each) => each.name === name && directory.leads(type, each))
  const fits = ({ entry }: Kept<UserEntry>): boolean =>
    has('role', entry.roles, role) && has('group', entry.groups, group)
  return yield* pageOf(directory, 'user', query, (name) => userView(directory, name)!, fits)
}

export function groupPage(directory: Directory, query: PageOptions): Sliced<Page<GroupView>> {
  return pageOf(directory, 'group', query, (name) => groupView(directory, name)!)
}

export function rolePage(directory: Directory, query: PageOptions): Sliced<Page<RoleView>> {
  return pageOf(directory, 'role', query, (name) => roleView(directory, name)!)
}

export function banPage(directory: Directory, query: PageOptions, nowMs: number): Sliced<Page<BanView>> {
  const holds = ({ entry: { untilMs } }: Kept<BanEntry>): boolean => untilMs === undefined || untilMs > nowMs
  return pageOf(directory, 'ban', query, (name) => banView(directory.get('ban', name)!), holds)
}

/** In the order in which they were made: the cursor is the number of the last one. */
function* pageOf<Type extends EntryType, View>(
  directory: Directory,
  type: Type,
  query: PageOptions,
  view: (name: string) => View,
  fits: (kept: Kept<EntryTypes[Type]>) => boolean = () => true,
): Sliced<Page<View>> {
  const limit = limitOf(query)
  const after = query.cursor === undefined ? 0 : numberOfCursor(query.cursor)
  const items: View[] = []
  let [last, passed] = [0, 0]
  for (const [name, kept] of directory.all(type)) {
    if (++passed % PASSED_IN_A_STEP === 0) yield
    if (kept.id <= after || !fits(kept)) continue
    if (items.length === limit) return { items, cursor: String(last) }
    items.push(view(name))
    last = kept.id
    yield
  }
  return { items, cursor: undefined }
}
