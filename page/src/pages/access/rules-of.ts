/** All rules that a user has by its roles and groups, in the order in which they decide. @module */
import type { AccessRule, Membership } from '../../../../src/access/directory/entries.ts'
import { ApiProblem, call } from '../../api/client.ts'

export interface OwnedRule {
  readonly rule: AccessRule
  readonly role: string
  /** `undefined` for a role of the user itself. */
  readonly group: string | undefined
  /**
   * What decides first, the most important first: the own role, then the priorities of group, role and rule, then
   * `deny`.
   */
  readonly rank: readonly number[]
}

/** @returns `undefined` if the store has no such user */
export async function rulesOf(userName: string): Promise<readonly OwnedRule[] | undefined> {
  const user = await orAbsent(call('user', { userName }))
  if (user === undefined) return undefined
  const own = rulesOfRoles(user.roles, undefined)
  const rules = await Promise.all([own, ...user.groups.map(rulesOfGroup)])
  return rules.flat().toSorted(byRank)
}

async function rulesOfGroup(membership: Membership): Promise<OwnedRule[]> {
  const group = await orAbsent(call('group', { name: membership.name }))
  return rulesOfRoles(group?.roles ?? [], membership)
}

async function rulesOfRoles(roles: readonly Membership[], group: Membership | undefined): Promise<OwnedRule[]> {
  const views = await Promise.all(roles.map(({ name }) => orAbsent(call('role', { name }))))
  return views.flatMap((view, at) =>
    (view?.rules ?? []).map((rule) => {
      const isOwn = group === undefined ? 1 : 0
      const isDeny = rule.effect === 'deny' ? 1 : 0
      const rank = [isOwn, group?.priority ?? 0, roles[at]!.priority, rule.priority, isDeny]
      return { rule, role: roles[at]!.name, group: group?.name, rank }
    }),
  )
}

function byRank({ rank: one }: OwnedRule, { rank: other }: OwnedRule): number {
  const at = one.findIndex((value, index) => value !== other[index])
  return at === -1 ? 0 : other[at]! - one[at]!
}

async function orAbsent<Value>(asked: Promise<Value>): Promise<Value | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return undefined
    throw error
  }
}
