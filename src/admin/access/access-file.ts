/**
 * Users, groups, roles and the default access as one file that can live in version control.
 *
 *   { "format": "sluice-access", "version": 1,
 *     "defaultAccess": { … }, "roles": [ … ], "groups": [ … ], "users": [ … ] }
 *
 * What passwords were made into is in it only if asked for; users that are known keep theirs when it is read.
 *
 * @module
 */
import type { DefaultsEntry, GroupEntry, RoleEntry, UserEntry } from '../../access/directory/entries.ts'
import { costProblem, scramCostProblem } from '../../access/credential-costs.ts'
import { passwordHashKind, SCRAM_FORM } from '../../access/credential-forms.ts'
import { UsageError } from '../../base/errors.ts'
import type { Sliced } from '../../base/slices.ts'
import { show } from '../../base/show.ts'
import { checkMemberships, checkName, checkObject, checkRules, checkText } from './access-input.ts'
import type { AccessFile } from './access-file-content.ts'
import type { AccessSnapshot } from './access-snapshot.ts'
import { defaultAccessFields, memberships } from './access-views.ts'
import { isMosquittoFile, readMosquittoFile } from './mosquitto-file.ts'

const FORMAT = 'sluice-access'
const VERSION = 1
const EFFECTS = ['publish', 'receive', 'subscribe', 'unsubscribe'] as const

/** The file of what there is at one moment, whatever changes while it is made. */
export function* fileOf(snapshot: AccessSnapshot, credentials: boolean): Sliced<Readonly<Record<string, unknown>>> {
  const { defaults, roles, groups, users } = snapshot
  yield* snapshot.arrange()
  return {
    ...{ format: FORMAT, version: VERSION, defaultAccess: defaultAccessFields(snapshot, defaults) },
    roles: yield* listOf(roles.entries(), ([name, { entry }]) => ({ name, ...labelsOf(entry), rules: entry.rules })),
    groups: yield* listOf(groups.entries(), ([name, { entry }]) => ({
      ...{ name, ...labelsOf(entry), roles: memberships(snapshot, 'role', entry.roles) },
    })),
    users: yield* listOf(users.entries(), ([userName, { entry }]) => ({
      ...{ userName, ...labelsOf(entry), ...(entry.disabled && { disabled: true }) },
      ...(entry.clientId !== undefined && { clientId: entry.clientId }),
      ...(credentials && { passwordHash: entry.passwordHash, scram: entry.scram }),
      roles: memberships(snapshot, 'role', entry.roles),
      groups: memberships(snapshot, 'group', entry.groups),
    })),
  }
}

function* listOf<Item>(items: Iterable<Item>, shown: (item: Item) => object): Sliced<readonly object[]> {
  const list: object[] = []
  for (const item of items) {
    list.push(shown(item))
    yield
  }
  return list
}

function labelsOf({ textName, textDescription }: RoleEntry | GroupEntry | UserEntry): object {
  return { ...(textName !== '' && { textName }), ...(textDescription !== '' && { textDescription }) }
}

/** @throws {UsageError} for what is no such file */
export function* readAccessFile(file: unknown): Sliced<AccessFile> {
  const content = checkObject(file, 'file')
  if (isMosquittoFile(content)) return yield* readMosquittoFile(content)
  const { format, version, defaultAccess, roles = [], groups = [], users = [] } = content
  if (format !== FORMAT || version !== VERSION) {
    throw new UsageError(
      `file must have format ${FORMAT} and version ${VERSION}, or be the file of Mosquitto's dynamic security plugin; got format ${show(format)}`,
    )
  }
  return {
    defaults: defaultAccess === undefined ? undefined : readDefaults(checkObject(defaultAccess, 'defaultAccess')),
    roles: yield* readAll(roles, 'roles', 'name', ({ rules = [], ...rest }) => ({
      ...readLabels(rest),
      rules: checkRules(rules),
    })),
    groups: yield* readAll(groups, 'groups', 'name', ({ roles: given = [], ...rest }) => ({
      ...{ ...readLabels(rest), roles: checkMemberships(given, 'roles') },
    })),
    users: yield* readAll(users, 'users', 'userName', readUser),
    notes: [],
  }
}

function readDefaults(given: Readonly<Record<string, unknown>>): DefaultsEntry {
  const effects = EFFECTS.map((action) => {
    const effect = given[action]
    if (effect === 'allow' || effect === 'deny') return [action, effect]
    throw new UsageError(`defaultAccess.${action} must be allow or deny, got ${show(effect)}`)
  })
  const { anonymousGroup: name } = given
  const anonymousGroup =
    name === undefined || name === null ? undefined : { name: checkName(name, 'anonymousGroup'), priority: 0, id: 0 }
  return { ...(Object.fromEntries(effects) as Omit<DefaultsEntry, 'anonymousGroup'>), anonymousGroup }
}

function readUser(given: Readonly<Record<string, unknown>>): UserEntry {
  const { disabled = false, clientId, passwordHash, scram } = given
  const { roles = [], groups = [] } = given
  if (typeof disabled !== 'boolean') throw new UsageError(`disabled must be true or false, got ${show(disabled)}`)
  const text = (value: unknown, what: string): string | undefined =>
    value === undefined || value === null ? undefined : checkText(value, what)
  const hash = text(passwordHash, 'passwordHash')
  if (hash !== undefined && passwordHashKind(hash) === undefined) {
    throw new UsageError(
      'passwordHash is of no known kind; `sluice passwd` makes one, `sluice put-user USER --password` sets one',
    )
  }
  mustBeCheap('passwordHash', hash && costProblem(hash))
  const credentials = text(scram, 'scram')
  if (credentials !== undefined && !SCRAM_FORM.test(credentials)) {
    throw new UsageError('scram must have the form SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey')
  }
  mustBeCheap('scram', credentials && scramCostProblem(credentials))
  return {
    ...{ ...readLabels(given), disabled, clientId: text(clientId, 'clientId') },
    ...{ passwordHash: hash, scram: credentials },
    roles: checkMemberships(roles, 'roles'),
    groups: checkMemberships(groups, 'groups'),
  }
}

/** @throws {UsageError} */
function mustBeCheap(what: string, problem: string | undefined): void {
  if (problem === undefined) return
  throw new UsageError(`${what} ${problem}; leave it out, and set a password with \`sluice put-user USER --password\``)
}

function readLabels({ textName = '', textDescription = '' }: Readonly<Record<string, unknown>>) {
  return { textName: checkText(textName, 'textName'), textDescription: checkText(textDescription, 'textDescription') }
}

/** An error says whose entry is wrong: there may be thousands. */
function named<Entry>(name: string, read: () => Entry): Entry {
  try {
    return read()
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${show(name)}: ${error.message}`, { cause: error })
    throw error
  }
}

function* readAll<Entry>(
  list: unknown,
  what: string,
  key: 'name' | 'userName',
  read: (given: Readonly<Record<string, unknown>>) => Entry,
): Sliced<ReadonlyMap<string, Entry>> {
  if (!Array.isArray(list)) throw new UsageError(`${what} must be a list, got ${show(list)}`)
  const found = new Map<string, Entry>()
  for (const each of list as unknown[]) {
    const { [key]: name, ...rest } = checkObject(each, `each of ${what}`)
    const text = checkName(name, `${key} in ${what}`)
    if (found.has(text)) throw new UsageError(`${what} has ${show(text)} twice`)
    found.set(
      text,
      named(text, () => read(rest)),
    )
    yield
  }
  return found
}
