/**
 * Users, groups, roles, defaults and bans in memory, and how they change: all of a plan or nothing of it, within the
 * limits, and only if nobody else has changed meanwhile what the plan was based on.
 *
 *   operation ──> plan ──check──> entries ──> listeners: plugins forget what they remembered, clients are reviewed
 *                                    └──────> keeper: the Store
 *
 * It holds from the next question on; the caller waits for the Store before it answers.
 *
 * @module
 */
import { SluiceError, UsageError } from '../../base/errors.ts'
import { finish, type Sliced } from '../../base/slices.ts'
import { Bans, type Banned } from './bans.ts'
import type { MakeCredentials } from './credentials.ts'
import type { DirectoryLimits } from './directory-limits.ts'
import { decodeEntry, encodeEntry } from './entry-codec.ts'
import { withNumbers } from './entry-references.ts'
import {
  changeOf,
  keyOf,
  rulesOf,
  type DirectoryChange,
  type PreparedPlan,
  type Stamp,
  type Stamps,
  type Step,
  type Written,
} from './plan.ts'

export type { Credentials, MakeCredentials } from './credentials.ts'
export type { DirectoryChange, PreparedPlan, Step } from './plan.ts'
import {
  ADMINISTRATOR,
  NO_DEFAULTS,
  type BanEntry,
  type DefaultsEntry,
  type EntryType,
  type EntryTypes,
  type GroupEntry,
  type Kept,
  type Reference,
  type RoleEntry,
  type UserEntry,
} from './entries.ts'

/** The one entry of type `defaults`. */
export const DEFAULTS_NAME = 'default'

/** A record of the Store. */
export interface DirectoryRecord {
  readonly type: string
  readonly name: string
  readonly version: number
  readonly content: string
}

/** Where changes are kept. */
export interface DirectoryKeeper {
  /**
   * Called before a plan is carried out.
   *
   * @param bytes by which it grows; 0 if it does not
   * @throws {StoreError} `ERR_STORE_FULL` if they cannot be stored
   */
  check(bytes: number): void
  set(record: DirectoryRecord): void
  remove(type: string, name: string): void
}

const NO_CREDENTIALS: MakeCredentials = () => Promise.reject(new UsageError('passwords cannot be set here'))

const NO_LIMITS: DirectoryLimits = { maxUsers: 0, maxGroups: 0, maxRoles: 0, maxRules: 0, maxBans: 0 }
const NOTHING: DirectoryKeeper = { check: () => undefined, set: () => undefined, remove: () => undefined }

const LIMIT_OF = {
  user: ['maxUsers', 'users.max-users'],
  group: ['maxGroups', 'users.max-groups'],
  role: ['maxRoles', 'users.max-roles'],
  ban: ['maxBans', 'bans.max-bans'],
} as const

type Shelves = { readonly [Type in EntryType]: Map<string, Kept<EntryTypes[Type]>> }

export class Directory {
  limits: DirectoryLimits = NO_LIMITS
  /** Set by the broker if it stores anything. */
  keeper: DirectoryKeeper = NOTHING
  /** Set by the broker: a plan exceeds this option. */
  onRefused: (option: string) => void = () => undefined
  readonly bans: Bans
  /** Another number after each change of what clients may do. */
  rulesRevision = 0
  readonly #users = new Map<string, Kept<UserEntry>>()
  readonly #groups = new Map<string, Kept<GroupEntry>>()
  readonly #roles = new Map<string, Kept<RoleEntry>>()
  readonly #defaults = new Map<string, Kept<DefaultsEntry>>()
  readonly #bans = new Map<string, Kept<BanEntry>>()
  readonly #shelves: Shelves = {
    user: this.#users,
    group: this.#groups,
    role: this.#roles,
    defaults: this.#defaults,
    ban: this.#bans,
  }
  readonly #wallNow: () => number
  readonly #listeners = new Set<(change: DirectoryChange) => void>()
  #lastVersion = 0
  /** Found at `rulesRevision`. */
  #administrators: ReadonlySet<string> = new Set()
  #administratorsAt = -1
  #rules = 0

  /** Hashes a password, in a thread of its own. */
  readonly makeCredentials: MakeCredentials

  /** @param wallNow wall-clock milliseconds */
  constructor(wallNow: () => number, makeCredentials: MakeCredentials = NO_CREDENTIALS) {
    this.#wallNow = wallNow
    this.makeCredentials = makeCredentials
    this.bans = new Bans(wallNow)
  }

  /** Those of a type, by name, in the order in which they were made. */
  all<Type extends EntryType>(type: Type): ReadonlyMap<string, Kept<EntryTypes[Type]>> {
    return this.#shelves[type] as ReadonlyMap<string, Kept<EntryTypes[Type]>>
  }

  get<Type extends EntryType>(type: Type, name: string): Kept<EntryTypes[Type]> | undefined {
    return this.all(type).get(name)
  }

  get defaults(): DefaultsEntry {
    return this.#shelves.defaults.get(DEFAULTS_NAME)?.entry ?? NO_DEFAULTS
  }

  /** Rules of all roles. */
  get ruleCount(): number {
    return this.#rules
  }

  /** True if nothing was ever set, except bans. */
  get isEmpty(): boolean {
    const { user, group, role, defaults } = this.#shelves
    return user.size + group.size + role.size + defaults.size === 0
  }

  /** What a reference leads to; `undefined` if that is gone, also if there is another of the same name. */
  follow<Type extends 'role' | 'group'>(type: Type, { name, id }: Reference): Kept<EntryTypes[Type]> | undefined {
    const kept = this.get(type, name)
    return kept?.id === id ? kept : undefined
  }

  /** Whether a reference leads to something. */
  leads(type: 'role' | 'group', reference: Reference): boolean {
    return this.follow(type, reference) !== undefined
  }

  /** Whether a user has a role, directly or by a group, and is not disabled. */
  hasRole(userName: string | undefined, role: string): boolean {
    const user = userName === undefined ? undefined : this.get('user', userName)
    if (user === undefined || user.entry.disabled) return false
    const given = (roles: readonly Reference[]): boolean =>
      roles.some((each) => each.name === role && this.follow('role', each) !== undefined)
    if (given(user.entry.roles)) return true
    return user.entry.groups.some((group) => given(this.follow('group', group)?.entry.roles ?? []))
  }

  isAdministrator(userName: string | undefined): boolean {
    return this.hasRole(userName, ADMINISTRATOR)
  }

  /** All users with the role `administrator` who may log in, as far as bans allow. */
  get administrators(): ReadonlySet<string> {
    if (this.#administratorsAt !== this.rulesRevision) {
      this.#administratorsAt = this.rulesRevision
      this.#administrators = new Set([...this.#users.keys()].filter((name) => this.isAdministrator(name)))
    }
    return this.#administrators
  }

  /** Whether nobody is left who has the role `administrator` and is not banned, if this user is not counted. */
  isLastAdministrator(userName: string): boolean {
    // Asked for each CONNECT under the name of a banned user: most are nothing special, and need no look at all users.
    if (!this.isAdministrator(userName)) return false
    for (const other of this.administrators) {
      if (other !== userName && this.bans.ofUser(other) === undefined) return false
    }
    return true
  }

  /**
   * A ban that keeps a client out. One of its origin does not keep out an administrator, and none the last of them.
   *
   * @param facts with the user name that the client has shown to be its own
   */
  banOf(facts: Banned): BanEntry | undefined {
    if (this.bans.isEmpty) return undefined
    const { userName, ...origin } = facts
    const ofUser = this.bans.ofUser(userName)
    if (ofUser !== undefined && !this.isLastAdministrator(userName!)) return ofUser
    const ofOrigin = this.bans.ofOrigin(origin)
    return ofOrigin !== undefined && this.isAdministrator(userName) ? undefined : ofOrigin
  }

  /** Calls `listener` after each change; the returned function removes it. */
  onChanged(listener: (change: DirectoryChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Forgets everything, for a start: the Store returns what there is. */
  begin(limits: DirectoryLimits): void {
    this.limits = limits
    for (const shelf of Object.values(this.#shelves)) shelf.clear()
    this.bans.clear()
    this.keeper = NOTHING
    this.#rules = 0
    this.rulesRevision++
  }

  /**
   * The same entries, with or without a plan carried out. No listener is called, and nothing is stored. Valid only if
   * `rulesRevision` is the same when it is done.
   */
  *copy(prepared?: PreparedPlan): Sliced<Directory> {
    const copy = new Directory(this.#wallNow)
    copy.begin(this.limits)
    for (const type of Object.keys(this.#shelves) as EntryType[]) {
      for (const [name, kept] of this.all(type)) {
        copy.#place(type, name, kept as never)
        yield
      }
    }
    for (const { step, kept } of prepared?.written ?? []) {
      copy.#place(step.type, step.name, kept as never)
      yield
    }
    copy.#lastVersion = this.#lastVersion
    return copy
  }

  /** Something that the Store returned. Records of unknown types are left to later versions. */
  load({ type, name, version, content }: DirectoryRecord): void {
    this.#lastVersion = Math.max(this.#lastVersion, version)
    if (!Object.hasOwn(this.#shelves, type)) return
    const { id, entry } = decodeEntry(content)
    this.#place(type as EntryType, name, { version, id, entry: entry as never })
    this.rulesRevision++
  }

  /**
   * Carries out a plan: all of it, or nothing. References with the number 0 are to what has their name then.
   *
   * @returns the version of each entry that was set, in the order of the plan; 0 for one that was removed
   * @throws {UsageError} if an entry refers to a role or group that does not exist
   * @throws {SluiceError} `ERR_VERSION` if an entry has another version than expected, `ERR_LIMIT` for more than the
   * limits allow
   * @throws {StoreError} `ERR_STORE_FULL`
   */
  carryOut(plan: readonly Step[]): readonly number[] {
    return this.commit(finish(this.prepare(plan)))
  }

  /**
   * Checks a plan and makes the records of it, which is most of the work, without changing anything.
   *
   * @throws like `carryOut`, except for the Store
   */
  *prepare(plan: readonly Step[]): Sliced<PreparedPlan> {
    const revision = this.rulesRevision
    for (const step of plan) {
      this.#checkVersion(step)
      yield
    }
    yield* this.#checkLimits(plan)
    const stamps = yield* this.#stampsOf(plan)
    const written: Written[] = []
    for (const step of plan) {
      written.push(this.#written(step, stamps))
      yield
    }
    const change = yield* changeOf(plan, (step) => this.get(step.type, step.name)?.entry)
    return { revision, written, change }
  }

  /**
   * Carries out what was prepared.
   *
   * @returns like `carryOut`
   * @throws {SluiceError} `ERR_VERSION` if users, groups, roles or the defaults have changed meanwhile
   * @throws {StoreError} `ERR_STORE_FULL`
   */
  commit({ revision, written, change }: PreparedPlan): readonly number[] {
    if (revision !== this.rulesRevision) {
      throw new SluiceError(
        'ERR_VERSION',
        'users, groups or roles were changed meanwhile; nothing was changed by this plan',
      )
    }
    this.keeper.check(written.reduce((bytes, { grows }) => bytes + grows, 0))
    for (const { step, kept, content } of written) {
      this.#place(step.type, step.name, kept as never)
      if (kept === undefined) this.keeper.remove(step.type, step.name)
      else this.keeper.set({ type: step.type, name: step.name, version: kept.version, content })
    }
    if (change.rules) this.rulesRevision++
    for (const listener of this.#listeners) listener(change)
    return written.map(({ kept }) => kept?.version ?? 0)
  }

  #written(step: Step, stamps: Stamps): Written {
    const { type, name, entry } = step
    if (entry === undefined) return { step, kept: undefined, content: '', grows: 0 }
    const before = this.get(type, name)
    const found = withNumbers(entry, (kind, each) => this.#numberOf(kind, each, stamps))
    const kept = { ...stamps.get(keyOf(step))!, entry: found }
    const content = encodeEntry(kept)
    const old = before === undefined ? 0 : encodeEntry(before).length
    return { step, kept, content, grows: Math.max(0, content.length - old) }
  }

  /** Entries of a plan refer to each other, whatever their order. */
  *#stampsOf(plan: readonly Step[]): Sliced<Stamps> {
    const stamps = new Map<string, Stamp | undefined>()
    for (const step of plan) {
      const version = step.entry === undefined ? 0 : this.#nextVersion()
      const id = this.get(step.type, step.name)?.id ?? version
      stamps.set(keyOf(step), version === 0 ? undefined : { version, id })
      yield
    }
    return stamps
  }

  #numberOf(type: 'role' | 'group', name: string, stamps: Stamps): number {
    const key = keyOf({ type, name })
    const id = stamps.has(key) ? stamps.get(key)?.id : this.get(type, name)?.id
    if (id !== undefined) return id
    throw new UsageError(`there is no ${type} ${name}: create it first`)
  }

  /** Never repeats, also after a restart that has forgotten the entry with the highest one. */
  #nextVersion(): number {
    return (this.#lastVersion = Math.max(this.#lastVersion + 1, Math.floor(this.#wallNow())))
  }

  #place<Type extends EntryType>(type: Type, name: string, kept: Kept<EntryTypes[Type]> | undefined): void {
    const shelf = this.#shelves[type]
    if (type === 'role') {
      const before = this.#shelves.role.get(name)?.entry
      this.#rules += rulesOf(kept?.entry as RoleEntry | undefined) - rulesOf(before)
    }
    if (kept === undefined) shelf.delete(name)
    else shelf.set(name, kept)
    if (type === 'ban') this.bans.set(name, kept?.entry as EntryTypes['ban'] | undefined)
  }

  #checkVersion({ type, name, ifVersion }: Step): void {
    if (ifVersion === undefined) return
    const version = this.get(type, name)?.version ?? 0
    if (version === ifVersion) return
    const now = version === 0 ? 'it does not exist' : `its version is ${version}`
    throw new SluiceError('ERR_VERSION', `${type} ${name} is not as expected (version ${ifVersion}): ${now}`)
  }

  *#checkLimits(plan: readonly Step[]): Sliced<void> {
    for (const type of ['user', 'group', 'role', 'ban'] as const) {
      const [field, option] = LIMIT_OF[type]
      const names = new Map<string, number>()
      for (const step of plan) {
        if (step.type !== type) continue
        const before = this.#shelves[type].has(step.name) ? 1 : 0
        names.set(step.name, (step.entry === undefined ? 0 : 1) - before)
        yield
      }
      let more = 0
      for (const each of names.values()) more += each
      this.#mustFit(this.#shelves[type].size, more, this.limits[field], option)
    }
    let rules = 0
    for (const { type, name, entry } of plan) {
      if (type !== 'role') continue
      rules += rulesOf(entry) - rulesOf(this.#shelves.role.get(name)?.entry)
      yield
    }
    this.#mustFit(this.#rules, rules, this.limits.maxRules, 'users.max-rules')
  }

  #mustFit(count: number, more: number, limit: number, option: string): void {
    if (more <= 0 || count + more <= limit) return
    this.onRefused(option.slice(option.indexOf('.') + 1))
    throw new SluiceError('ERR_LIMIT', `${option} is ${limit}, and there would be ${count + more}`)
  }
}
