/**
 * The ways in for an administrator whom no password lets in: before there is one, and for one who has lost it. Whoever
 * may open the socket of the broker, or runs it in a program, may do this.
 *
 * @module
 */
import { serverOf, type Broker } from '../../broker/broker.ts'
import { ADMINISTRATOR } from '../../access/directory/entries.ts'
import { banName } from '../../access/directory/bans.ts'
import type { Step } from '../../access/directory/directory.ts'
import { UsageError } from '../../base/errors.ts'
import type { UserView } from '../../broker/host/access-admin.ts'
import type { LoginLinkView, ResetRequest } from '../../broker/host/login-views.ts'
import { carryOut, NEW_ROLE, NEW_USER } from '../access/access-changes.ts'
import { checkName } from '../access/access-input.ts'
import { userView } from '../access/access-views.ts'
import { adminServicesOf, openAdminServices } from '../admin-services.ts'

/** @throws {UsageError} if no browser can reach the API */
export function createLoginLink(broker: Broker): LoginLinkView {
  const { links, urls } = adminServicesOf(broker)
  const places = urls()
  if (places.length === 0) throw new UsageError('no browser can reach the HTTP API: set `admin.bind`')
  const { token, expiresAtMs } = links.create()
  return { urls: places.map((url) => `${url}/#token=${token}`), expiresAtMs }
}

/**
 * Gives a user, who is made if there is none, a password and the role `administrator`. Its ban ends, as do all logins
 * and links: whoever has lost a password may have lost more.
 *
 * @throws {UsageError} if the broker keeps no users
 */
export async function resetAdministrator(broker: Broker, { userName, password }: ResetRequest): Promise<UserView> {
  const name = checkName(userName, 'userName')
  if (broker.options.users === undefined) {
    throw new UsageError('this broker keeps no users: add `users: {}` to its configuration, or use `sluice admin link`')
  }
  const { directory } = serverOf(broker)
  const credentials = await directory.makeCredentials(password)
  const before = directory.get('user', name)?.entry ?? NEW_USER
  const role = { name: ADMINISTRATOR, priority: 0, id: 0 }
  const others = before.roles.filter((each) => each.name !== ADMINISTRATOR)
  const ban = banName('user', name)
  const plan: Step[] = [
    ...(directory.get('role', ADMINISTRATOR) === undefined
      ? [{ type: 'role', name: ADMINISTRATOR, entry: NEW_ROLE } as const]
      : []),
    { type: 'user', name, entry: { ...before, ...credentials, disabled: false, roles: [...others, role] } },
    ...(directory.get('ban', ban) === undefined ? [] : [{ type: 'ban', name: ban, entry: undefined } as const]),
  ]
  const view = await carryOut(broker, plan, (each) => userView(each, name)!)
  const services = openAdminServices(broker)
  services?.logins.endAll()
  services?.links.clear()
  return view
}
