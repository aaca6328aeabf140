/**
 * Takes over a file of users, groups and roles: as one plan, of which all is carried out or nothing. What each user may
 * do before and after is compared on copies: that is the dry run.
 *
 *   read ──> plan ──> prepare ──> copy, copy ──> commit ──> compare
 *   └──────────── in slices ────────────────┘   at once     in slices
 *
 * If somebody else changes users or roles during the first slices, these begin again. As much is committed at once as
 * fits in a turn; what is beyond has to come in another import.
 *
 * @module
 */
import { DEFAULTS_NAME, type Directory, type PreparedPlan, type Step } from '../../access/directory/directory.ts'
import { MAX_IMPORT_CHANGES } from '../../access/directory/directory-limits.ts'
import { textOfRule } from '../../access/directory/effective-rules.ts'
import type { AccessPlan } from '../../access/directory/plan.ts'
import type { GroupEntry, Reference, RoleEntry, UserEntry } from '../../access/directory/entries.ts'
import { SluiceError } from '../../base/errors.ts'
import { finish, type Sliced } from '../../base/slices.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { ImportRequest, ImportView } from '../../broker/host/access-admin.ts'
import type { CallOptions } from '../../broker/host/admin.ts'
import { checkAdministrators } from './access-changes.ts'
import { differences } from './access-differences.ts'
import { checkCallerNow } from './caller-now.ts'
import { readAccessFile } from './access-file.ts'
import type { AccessFile } from './access-file-content.ts'
import { memberships } from './access-views.ts'
import { Slices } from './slices.ts'

/** How often an import begins before it gives up. */
const MAX_ATTEMPTS = 5

/** Those with an import at work: one at a time, because each holds two copies. */
const busy = new WeakSet<Directory>()

/** @throws {SluiceError} `ERR_LIMIT` for too many changes, and while another import is at work; `ERR_VERSION` */
export async function importAccess(
  broker: Broker,
  request: ImportRequest,
  options: CallOptions = {},
): Promise<ImportView> {
  const { directory } = serverOf(broker)
  if (busy.has(directory)) throw refused(directory, 'another import is at work; try again when it is done')
  busy.add(directory)
  try {
    return await imported(broker, directory, request, options)
  } finally {
    busy.delete(directory)
  }
}

async function imported(
  broker: Broker,
  directory: Directory,
  request: ImportRequest,
  options: CallOptions,
): Promise<ImportView> {
  const slices = new Slices(broker)
  const { dryRun = false } = request
  const file = await slices.run(readAccessFile(request.file))
  for (let attempt = 1; ; attempt++) {
    const made = await slices.run(importOf(directory, file, request.replace ?? false))
    const { prepared, before, after, lists } = made
    const isStale = prepared.revision !== directory.rulesRevision
    if (isStale && attempt < MAX_ATTEMPTS) continue
    if (isStale)
      throw new SluiceError('ERR_VERSION', 'users, groups or roles change all the time; nothing was imported')
    if (!dryRun) await commit(broker, prepared, options)
    return { dryRun, ...lists, ...(await slices.run(differences(before, after))), notes: file.notes }
  }
}

/** What a file makes of a directory that may have something already. @throws {UsageError} for what is no such file */
export function planOfFile(directory: Directory, content: unknown): AccessPlan {
  const file = finish(readAccessFile(content))
  return { plan: finish(planOf(directory, file, false)), notes: file.notes }
}

/**
 * @throws {SluiceError} `ERR_LIMIT` for more than can be done in a turn; `ERR_VERSION`; `ERR_FORBIDDEN`; `ERR_USAGE`
 * for the last administrator
 */
async function commit(broker: Broker, prepared: PreparedPlan, options: CallOptions): Promise<void> {
  const { directory, turn } = serverOf(broker)
  const { length } = prepared.written
  if (length > MAX_IMPORT_CHANGES) {
    throw refused(
      directory,
      `this import changes ${length} entries, and one may change ${MAX_IMPORT_CHANGES}: import several files, each with a part of the users and without \`replace\`, the roles and groups in the first; entries that stay as they are do not count`,
    )
  }
  checkCallerNow(options)
  checkAdministrators(
    broker,
    prepared.written.map(({ step }) => step),
    options,
  )
  directory.commit(prepared)
  await new Promise<void>((resolve) => turn.whenCommitted(resolve))
}

function refused(directory: Directory, message: string): SluiceError {
  directory.onRefused('import')
  return new SluiceError('ERR_LIMIT', message)
}

interface PreparedImport {
  readonly prepared: PreparedPlan
  readonly lists: Pick<ImportView, 'added' | 'changed' | 'removed'>
  readonly before: Directory
  readonly after: Directory
}

function* importOf(directory: Directory, file: AccessFile, replace: boolean): Sliced<PreparedImport> {
  // Whatever changes from here on makes the plan stale, also while it is found.
  const revision = directory.rulesRevision
  const plan = yield* planOf(directory, file, replace)
  const lists = yield* listsOf(directory, plan)
  const prepared = { ...(yield* directory.prepare(plan)), revision }
  const before = yield* directory.copy()
  return { prepared, lists, before, after: yield* directory.copy(prepared) }
}

function* planOf(directory: Directory, file: AccessFile, replace: boolean): Sliced<Step[]> {
  const changing: Step[] = []
  for (const step of stepsOf(directory, file)) {
    if (isOther(directory, step)) changing.push(step)
    yield
  }
  if (replace) yield* addRemovals(changing, directory, file)
  return changing
}

function* stepsOf(directory: Directory, file: AccessFile): Generator<Step, void> {
  for (const [name, entry] of file.roles) yield { type: 'role', name, entry }
  for (const [name, entry] of file.groups) yield { type: 'group', name, entry }
  for (const [name, entry] of file.users) yield { type: 'user', name, entry: withCredentials(directory, name, entry) }
  if (file.defaults !== undefined) yield { type: 'defaults', name: DEFAULTS_NAME, entry: file.defaults }
}

function withCredentials(directory: Directory, name: string, entry: UserEntry): UserEntry {
  const known = directory.get('user', name)?.entry
  if (known === undefined || entry.passwordHash !== undefined || entry.scram !== undefined) return entry
  return { ...entry, passwordHash: known.passwordHash, scram: known.scram }
}

function* addRemovals(steps: Step[], directory: Directory, file: AccessFile): Sliced<void> {
  for (const [type, there] of [
    ['user', file.users],
    ['group', file.groups],
    ['role', file.roles],
  ] as const) {
    for (const name of directory.all(type).keys()) {
      if (!there.has(name)) steps.push({ type, name, entry: undefined })
      yield
    }
  }
}

/** Whether an entry says something else than the one that is there. */
function isOther(directory: Directory, { type, name, entry }: Step): boolean {
  const known = type === 'defaults' ? directory.defaults : directory.get(type, name)?.entry
  return known === undefined || pictureOf(directory, known, true) !== pictureOf(directory, entry!, false)
}

/** @param isKept whether its references lead somewhere only if the numbers are right */
function pictureOf(directory: Directory, entry: object, isKept: boolean): string {
  const names = (type: 'role' | 'group', list: readonly Reference[]): unknown =>
    isKept ? memberships(directory, type, list) : list.map(({ name, priority }) => ({ name, priority }))
  const { roles, groups, rules, anonymousGroup } = entry as Partial<UserEntry & GroupEntry & RoleEntry> & {
    anonymousGroup?: Reference
  }
  const plain = {
    ...entry,
    ...(rules !== undefined && { rules: rules.map(textOfRule) }),
    ...(roles !== undefined && { roles: names('role', roles) }),
    ...(groups !== undefined && { groups: names('group', groups) }),
    anonymousGroup: anonymousGroup && names('group', [anonymousGroup]),
  }
  return JSON.stringify(Object.entries(plain).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function* listsOf(directory: Directory, plan: readonly Step[]): Sliced<PreparedImport['lists']> {
  const lists = { added: [] as string[], changed: [] as string[], removed: [] as string[] }
  for (const { type, name, entry } of plan) {
    const isKnown = type === 'defaults' || directory.get(type, name) !== undefined
    const list = entry === undefined ? lists.removed : isKnown ? lists.changed : lists.added
    list.push(type === 'defaults' ? 'default access' : `${type} ${name}`)
    yield
  }
  return lists
}
