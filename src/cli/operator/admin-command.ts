/** `sluice admin keys | add-key NAME | delete-key ID`: the keys of the HTTP API. @module */
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { CreatedApiKey } from '../../broker/host/api-key-views.ts'
import type { Call } from '../command.ts'
import { apiOf } from './broker-door.ts'
import { isForPeople, show } from './list-command.ts'
import type { OperatorRow } from './operator-row.ts'

const KEYS: OperatorRow = {
  ...{ name: 'keys', operation: 'apiKeys', kind: 'view', summary: '', details: '', examples: [] },
  fields: ['keyId', 'name', 'role', 'createdAtMs', 'expiresAtMs', 'lastUsedAtMs'],
  none: 'there is no key; `sluice admin add-key NAME --role viewer` makes one',
}

const DAY_SECONDS = 86_400

const ACTIONS: Readonly<Record<string, (call: Call, name: string | undefined) => Promise<number>>> = {
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
  const answer = await apiOf(call).call('deleteApiKey', { keyId })
  if (answer === undefined) {
    call.terminal.err(`there is no key ${JSON.stringify(keyId)}; \`sluice admin keys\` lists all`)
    return 1
  }
  call.terminal.out(isForPeople(call) ? `the key ${keyId} is no longer valid` : JSON.stringify({ deleted: keyId }))
  return 0
}

function secondsOf(days: string): number {
  const count = Number(days)
  if (count > 0 && count <= 36_500) return Math.ceil(count * DAY_SECONDS)
  throw new UsageError(`--days must be a number above 0, got ${days}.`)
}
