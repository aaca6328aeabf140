/** `sluice admin ACTION`: the links, logins and keys of the HTTP API. @module */
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { CreatedApiKey } from '../../broker/host/api-key-views.ts'
import type { LoginLinkView } from '../../broker/host/login-views.ts'
import type { Call } from '../command.ts'
import { askPassword, type PasswordPrompt } from '../password-prompt.ts'
import { apiOf } from './broker-door.ts'
import { isForPeople, show } from './list-command.ts'
import type { OperatorRow } from './operator-row.ts'

const KEYS: OperatorRow = {
  ...{ name: 'keys', operation: 'apiKeys', kind: 'view', summary: '', details: '', examples: [] },
  fields: ['keyId', 'name', 'role', 'createdAtMs', 'expiresAtMs', 'lastUsedAtMs'],
  none: 'there is no key; `sluice admin add-key NAME --role viewer` makes one',
}

const LOGINS: OperatorRow = {
  ...{ name: 'logins', operation: 'logins', kind: 'view', summary: '', details: '', examples: [] },
  fields: ['loginId', 'userName', 'role', 'address', 'createdAtMs', 'lastUsedAtMs', 'expiresAtMs'],
  none: 'nobody is logged in with a browser; `sluice admin link` makes a link for that',
}

const DAY_SECONDS = 86_400

const ACTIONS: Readonly<Record<string, (call: Call, name: string | undefined) => Promise<number>>> = {
  link,
  reset: (call, userName) => reset(call, userName),
  logins: (call) => show(LOGINS, { ...call, positionals: [] }),
  'end-login': endLogin,
  keys: (call) => show(KEYS, { ...call, positionals: [] }),
  'add-key': addKey,
  'delete-key': deleteKey,
}

/** @throws {UsageError} for an unknown action, or without a name */
export function admin(call: Call): Promise<number> {
  const [action = '', name] = call.positionals
  const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
  if (act !== undefined) return act(call, name)
  const names = Object.keys(ACTIONS)
  const near = nearest(action, names)
  const hint = near === undefined ? '' : ` Did you mean ${near}?`
  throw new UsageError(`The actions of \`sluice admin\` are ${names.join(', ')}; got ${action}.${hint}`)
}

async function link(call: Call): Promise<number> {
  const made = (await apiOf(call).call('createLoginLink', {})) as LoginLinkView
  if (!isForPeople(call)) call.terminal.out(JSON.stringify(made))
  else {
    for (const url of made.urls) call.terminal.out(url)
    call.terminal.err('Open it in a browser: it logs in an administrator, once and within ten minutes.')
  }
  return 0
}

/** @param prompt where the password is read */
export async function reset(
  call: Call,
  userName: string | undefined,
  prompt: PasswordPrompt = process,
): Promise<number> {
  if (userName === undefined)
    throw new UsageError('`sluice admin reset` requires NAME: the user name of an administrator.')
  const client = apiOf(call)
  const password = await askPassword(userName, prompt)
  await client.call('resetAdministrator', { userName, password })
  const sentence = `${userName} is an administrator with the new password; all logins and links have ended`
  call.terminal.out(isForPeople(call) ? sentence : JSON.stringify({ reset: userName }))
  return 0
}

async function endLogin(call: Call, loginId: string | undefined): Promise<number> {
  if (loginId === undefined)
    throw new UsageError('`sluice admin end-login` requires ID; `sluice admin logins` lists them.')
  return deleted(call, await apiOf(call).call('endLogin', { loginId }), 'login', loginId)
}

function deleted(call: Call, answer: unknown, what: 'key' | 'login', id: string): number {
  if (answer === undefined) {
    call.terminal.err(`there is no ${what} ${JSON.stringify(id)}; \`sluice admin ${what}s\` lists all`)
    return 1
  }
  const sentence = what === 'key' ? `the key ${id} is no longer valid` : `the login ${id} has ended`
  call.terminal.out(isForPeople(call) ? sentence : JSON.stringify({ deleted: id }))
  return 0
}

async function addKey(call: Call, name: string | undefined): Promise<number> {
  const { role, days } = call.options
  if (name === undefined) throw new UsageError('`sluice admin add-key` requires NAME: what the key is for.')
  if (role === undefined)
    throw new UsageError('`sluice admin add-key` requires --role viewer, operator or administrator.')
  const expiry = days === undefined ? {} : { expiresInSeconds: secondsOf(days) }
  const request = { name, role: role as CreatedApiKey['role'], ...expiry }
  const made = (await apiOf(call).call('createApiKey', request)) as CreatedApiKey
  if (!isForPeople(call)) call.terminal.out(JSON.stringify(made))
  else {
    call.terminal.out(made.key)
    call.terminal.err(
      'Keep it: it is shown only now. For commands, set SLUICE_API_KEY; for HTTP, send `Authorization: Bearer KEY`.',
    )
  }
  return 0
}

async function deleteKey(call: Call, keyId: string | undefined): Promise<number> {
  if (keyId === undefined)
    throw new UsageError('`sluice admin delete-key` requires ID; `sluice admin keys` lists them.')
  return deleted(call, await apiOf(call).call('deleteApiKey', { keyId }), 'key', keyId)
}

function secondsOf(days: string): number {
  const count = Number(days)
  if (count > 0 && count <= 36_500) return Math.ceil(count * DAY_SECONDS)
  throw new UsageError(`--days must be a number above 0, got ${days}.`)
}
