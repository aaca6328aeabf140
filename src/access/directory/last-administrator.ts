/**
 * Whether a plan takes the role `administrator` from the last user who has it: by removing or disabling users, by
 * removing the role or a group, or by what a user or a group is given. Bans do not count: none keeps out the last one.
 *
 * Only the administrators of now and the users of the plan are looked at, unless the plan gives a group the role.
 *
 * @module
 */
import type { Directory } from './directory.ts'
import { ADMINISTRATOR, type EntryTypes, type Reference } from './entries.ts'
import { keyOf, type Step } from './plan.ts'

type Named = 'role' | 'group' | 'user'

export function takesLastAdministrator(directory: Directory, plan: readonly Step[]): boolean {
  if (!plan.some((step) => mayTake(directory, step))) return false
  const { administrators } = directory
  if (administrators.size === 0) return false
  const after = new Outcome(directory, plan)
  const candidates = plan.some((step) => step.type === 'group' && step.entry !== undefined && givesRole(step.entry))
    ? directory.all('user').keys()
    : administrators
  for (const name of candidates) if (after.isAdministrator(name)) return false
  return !plan.some((step) => step.type === 'user' && after.isAdministrator(step.name))
}

/** Whether a step is about anything that makes an administrator. */
function mayTake(directory: Directory, { type, name }: Step): boolean {
  if (type === 'user') return directory.isAdministrator(name)
  if (type === 'role') return name === ADMINISTRATOR
  return type === 'group' && givesRole(directory.get('group', name)?.entry ?? { roles: [] })
}

function givesRole({ roles }: { readonly roles: readonly Reference[] }): boolean {
  return roles.some(({ name }) => name === ADMINISTRATOR)
}

/** A directory as it would be. */
class Outcome {
  readonly #directory: Directory
  readonly #steps: ReadonlyMap<string, Step>

  constructor(directory: Directory, plan: readonly Step[]) {
    this.#directory = directory
    this.#steps = new Map(plan.map((step) => [keyOf(step), step]))
  }

  isAdministrator(userName: string): boolean {
    const user = this.#entry('user', userName)
    if (user === undefined || user.disabled) return false
    const given = (roles: readonly Reference[]): boolean =>
      roles.some((each) => each.name === ADMINISTRATOR && this.#follow('role', each) !== undefined)
    return given(user.roles) || user.groups.some((group) => given(this.#follow('group', group)?.roles ?? []))
  }

  #entry<Type extends Named>(type: Type, name: string): EntryTypes[Type] | undefined {
    const step = this.#steps.get(keyOf({ type, name }))
    return step === undefined ? this.#directory.get(type, name)?.entry : (step.entry as EntryTypes[Type] | undefined)
  }

  /** References of a plan are by name, others by number too. */
  #follow<Type extends 'role' | 'group'>(type: Type, { name, id }: Reference): EntryTypes[Type] | undefined {
    const isSame = id === 0 || this.#directory.get(type, name)?.id === id
    return isSame ? this.#entry(type, name) : undefined
  }
}
