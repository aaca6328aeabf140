/** Commands about clients, which are users here. @module */
import type { UserEntry } from '../../access/directory/entries.ts'
import { NEW_USER } from '../access/access-changes.ts'
import { deletedSince, namesOfUser } from '../access/deleted-since.ts'
import {
  CommandError,
  deletion,
  entryIn,
  keptTextIn,
  labelsIn,
  listOf,
  mustBeNew,
  nameIn,
  NOUNS,
  referencesIn,
  set,
  shownLabels,
  shownReferences,
  textIn,
  type Command,
  type CommandContext,
  type Given,
} from './command.ts'
import { roleAddition, roleRemoval } from './role-lists.ts'

function shown(name: string, context: CommandContext): object {
  const { clientId, disabled, roles, groups, ...labels } = context.directory.get('user', name)!.entry
  return {
    username: name,
    ...(clientId !== undefined && { clientid: clientId }),
    ...shownLabels(labels),
    ...(disabled && { disabled }),
    roles: shownReferences(context, 'role', roles),
    groups: shownReferences(context, 'group', groups),
  }
}

/** All commands are one caller of the thread that hashes: they come one after the other anyway. */
const CONTROL = '$CONTROL'

/**
 * The credentials that a command sets; nothing without a password.
 *
 * @param parts of the user
 * @throws {CommandError} if something that the command names was deleted while the password was hashed
 */
async function credentialsIn(
  given: Given,
  { directory }: CommandContext,
  { roles, groups }: Partial<UserEntry> = {},
): Promise<Partial<UserEntry>> {
  const password = textIn(given, 'password')
  if (password === undefined || password === '') return {}
  const gone = deletedSince(directory, namesOfUser(nameIn(given, 'username'), roles, groups))
  const credentials = await directory.makeCredentials(password, CONTROL)
  const lost = gone()
  if (lost !== undefined) throw new CommandError(`${NOUNS[lost.type]} not found`)
  return credentials
}

/** Everything of a user that a command gives, but for the password. */
function partsIn(given: Given, context: CommandContext): Partial<UserEntry> {
  const [roles, groups] = [
    referencesIn(given, 'roles', 'role', context),
    referencesIn(given, 'groups', 'group', context),
  ]
  const clientId = keptTextIn(given, 'clientid')
  return {
    ...labelsIn(given),
    ...(clientId !== undefined && { clientId: clientId === '' ? undefined : clientId }),
    ...(typeof given['disabled'] === 'boolean' && { disabled: given['disabled'] }),
    ...(roles !== undefined && { roles }),
    ...(groups !== undefined && { groups }),
  }
}

function change(given: Given, context: CommandContext, parts: (entry: UserEntry) => Partial<UserEntry>): undefined {
  const { name, entry } = entryIn(given, 'user', context)
  return set(context, { type: 'user', name, entry: { ...entry, ...parts(entry) } })
}

async function createClient(given: Given, context: CommandContext): Promise<undefined> {
  mustBeNew(given, 'user', context)
  const credentials = await credentialsIn(given, context, partsIn(given, context))
  // Somebody else may have been faster.
  const name = mustBeNew(given, 'user', context)
  return set(context, { type: 'user', name, entry: { ...NEW_USER, ...partsIn(given, context), ...credentials } })
}

async function modifyClient(given: Given, context: CommandContext): Promise<undefined> {
  entryIn(given, 'user', context)
  const credentials = await credentialsIn(given, context, partsIn(given, context))
  return change(given, context, () => ({ ...partsIn(given, context), ...credentials }))
}

async function setClientPassword(given: Given, context: CommandContext): Promise<undefined> {
  nameIn(given, 'username')
  const password = given['password']
  if (typeof password !== 'string') throw new CommandError('Invalid/missing password')
  if (password === '') throw new CommandError('Empty password is not allowed')
  entryIn(given, 'user', context)
  const credentials = await credentialsIn(given, context)
  return change(given, context, () => credentials)
}

export const clientCommands: Readonly<Record<string, Command>> = {
  createClient,
  modifyClient,
  setClientPassword,
  deleteClient: deletion('user'),
  getClient: (given, context) => ({ client: shown(entryIn(given, 'user', context).name, context) }),
  listClients: (given, context) => listOf(given, 'clients', context, 'user', (name) => shown(name, context)),
  setClientId: (given, context) => {
    const clientId = keptTextIn(given, 'clientid')
    return change(given, context, () => ({ clientId: clientId === '' ? undefined : clientId }))
  },
  disableClient: (given, context) => change(given, context, () => ({ disabled: true })),
  enableClient: (given, context) => change(given, context, () => ({ disabled: false })),
  addClientRole: roleAddition('user', 'Client already has this role'),
  removeClientRole: roleRemoval('user'),
}
