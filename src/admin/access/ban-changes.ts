/**
 * Bans: made, ended, and removed once they are over.
 *
 * No ban locks the last administrator out: one of that user is refused, and those of client identifiers, addresses and
 * networks do not stop a user who has the role `administrator` and the right password.
 *
 * @module
 */
import { banName } from '../../access/directory/bans.ts'
import type { Directory, Step } from '../../access/directory/directory.ts'
import type { BanKind } from '../../access/directory/entries.ts'
import type { CallOptions } from '../../broker/host/admin.ts'
import { SluiceError, UsageError } from '../../base/errors.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { BanRequest, BanView, UnbanRequest } from '../../broker/host/access-admin.ts'
import { carryOut } from './access-changes.ts'
import { checkBanValue, checkText } from './access-input.ts'
import { banView } from './access-views.ts'

export async function ban(
  broker: Broker,
  { kind, value: given, reason = '', seconds }: BanRequest,
  options: CallOptions = {},
): Promise<BanView> {
  const { directory, clock } = serverOf(broker)
  const value = checkBanValue(kind, given)
  checkRank(directory, kind, value, options)
  if (kind === 'user' && directory.isLastAdministrator(value)) {
    throw new UsageError(`${value} is the last user with the role administrator who is not banned`)
  }
  const name = banName(kind, value)
  const createdAtMs = Math.floor(clock.wallNow())
  const untilMs = seconds === undefined ? undefined : createdAtMs + seconds * 1000
  const entry = { kind, value, reason: checkText(reason, 'reason'), createdAtMs, untilMs }
  const plan: Step[] = [...removalsOf(directory, name), { type: 'ban', name, entry }]
  return carryOut(broker, plan, (each) => banView(each.get('ban', name)!))
}

/** @returns false if there is none that holds */
export async function unban(
  broker: Broker,
  { kind, value: given }: UnbanRequest,
  options: CallOptions = {},
): Promise<boolean> {
  const { directory, clock } = serverOf(broker)
  const value = checkBanValue(kind, given)
  checkRank(directory, kind, value, options)
  const name = banName(kind, value)
  const known = directory.get('ban', name)
  if (known === undefined) return false
  const held = (known.entry.untilMs ?? Infinity) > clock.wallNow()
  await carryOut(broker, [...removalsOf(directory, name), { type: 'ban', name, entry: undefined }], () => undefined)
  return held
}

/**
 * A ban of an administrator is set and ended by administrators only: it takes a right away that only they give.
 *
 * @throws {SluiceError} `ERR_FORBIDDEN`
 */
function checkRank(directory: Directory, kind: BanKind, value: string, { caller }: CallOptions): void {
  if (kind !== 'user' || caller === undefined || caller.role === 'administrator') return
  if (!directory.isAdministrator(value)) return
  const detail = `${value} has the role administrator: a ban of that user takes the same role`
  throw new SluiceError('ERR_FORBIDDEN', `${detail}; ${caller.name} has the role ${caller.role}`)
}

/** Bans that are over, except one that is about to be set. */
function removalsOf(directory: Directory, except: string): Step[] {
  const over = directory.bans.over().filter((name) => name !== except)
  return over.map((name) => ({ type: 'ban', name, entry: undefined }))
}
