/** Users, groups, roles and bans as operators see them, and pages of them. @module */
import { DEFAULTS_NAME, type Directory } from '../../access/directory/directory.ts'
import type { BanEntry, EntryType, EntryTypes, Kept, Membership, Reference } from '../../access/directory/entries.ts'
import type {
  AccessParameters,
  BanView,
  DefaultAccessView,
  GroupView,
  RoleView,
  UserView,
} from '../../broker/host/access-admin.ts'
import { limitOf, numberOfCursor, type Page, type PageOptions } from '../../broker/host/page.ts'

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
  const { publish, receive, subscribe, unsubscribe, anonymousGroup } = directory.defaults
  const version = directory.get('defaults', DEFAULTS_NAME)?.version ?? 0
  const group = anonymousGroup && directory.follow('group', anonymousGroup)
  const name = group === undefined ? undefined : anonymousGroup?.name
  return { version, publish, receive, subscribe, unsubscribe, anonymousGroup: name }
}

export function banView({ version, entry }: Kept<BanEntry>): BanView {
  const { kind, value, reason, createdAtMs, untilMs } = entry
  return { kind, value, reason, createdAtMs, untilMs, version }
}

/** Without those that are gone. */
export function memberships(directory: Directory, type: 'role' | 'group', list: readonly Reference[]): Membership[] {
  const there = list.filter((each) => directory.follow(type, each) !== undefined)
  return there.map(({ name, priority }) => ({ name, priority }))
}

export function userPage(directory: Directory, query: AccessParameters['users']): Page<UserView> {
  const { role, group } = query
  const has = (type: 'role' | 'group', list: readonly Reference[], name: string | undefined): boolean =>
    name === undefined || list.some((each) => each.name === name && directory.follow(type, each) !== undefined)
  const page = pageOf(
    directory,
    'user',
    query,
    ({ entry }) => has('role', entry.roles, role) && has('group', entry.groups, group),
  )
  return { ...page, items: page.items.map((name) => userView(directory, name)!) }
}

export function groupPage(directory: Directory, query: PageOptions): Page<GroupView> {
  const page = pageOf(directory, 'group', query)
  return { ...page, items: page.items.map((name) => groupView(directory, name)!) }
}

export function rolePage(directory: Directory, query: PageOptions): Page<RoleView> {
  const page = pageOf(directory, 'role', query)
  return { ...page, items: page.items.map((name) => roleView(directory, name)!) }
}

export function banPage(directory: Directory, query: PageOptions, nowMs: number): Page<BanView> {
  const page = pageOf(directory, 'ban', query, ({ entry: { untilMs } }) => untilMs === undefined || untilMs > nowMs)
  return { ...page, items: page.items.map((name) => banView(directory.get('ban', name)!)) }
}

/** In the order in which they were made: the cursor is the number of the last one. */
function pageOf<Type extends EntryType>(
  directory: Directory,
  type: Type,
  query: PageOptions,
  fits: (kept: Kept<EntryTypes[Type]>) => boolean = () => true,
): Page<string> {
  const limit = limitOf(query)
  const after = query.cursor === undefined ? 0 : numberOfCursor(query.cursor)
  const items: string[] = []
  let last = 0
  for (const [name, kept] of directory.all(type)) {
    if (kept.id <= after || !fits(kept)) continue
    if (items.length === limit) return { items, cursor: String(last) }
    items.push(name)
    last = kept.id
  }
  return { items, cursor: undefined }
}
