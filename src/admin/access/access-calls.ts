/** What each operation about users, groups, roles, rules and bans does. @module */
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { AccessParameters } from '../../broker/host/access-admin.ts'
import { deleteEntry, deleteRule, putDefaultAccess, putGroup, putRole, putRule, putUser } from './access-changes.ts'
import { exportAccess } from './access-file.ts'
import { importAccess } from './access-import.ts'
import {
  banPage,
  defaultAccessView,
  groupPage,
  groupView,
  rolePage,
  roleView,
  userPage,
  userView,
} from './access-views.ts'
import { ban, unban } from './ban-changes.ts'

type Calls = {
  readonly [Name in keyof AccessParameters]: (broker: Broker, parameters: AccessParameters[Name]) => unknown
}

const directoryOf = (broker: Broker) => serverOf(broker).directory

export const accessCalls: Calls = {
  users: (broker, query) => userPage(directoryOf(broker), query),
  user: (broker, { userName }) => userView(directoryOf(broker), userName),
  putUser,
  deleteUser: (broker, request) => deleteEntry(broker, 'user', request.userName, request),
  groups: (broker, query) => groupPage(directoryOf(broker), query),
  group: (broker, { name }) => groupView(directoryOf(broker), name),
  putGroup,
  deleteGroup: (broker, request) => deleteEntry(broker, 'group', request.name, request),
  roles: (broker, query) => rolePage(directoryOf(broker), query),
  role: (broker, { name }) => roleView(directoryOf(broker), name),
  putRole,
  deleteRole: (broker, request) => deleteEntry(broker, 'role', request.name, request),
  putRule,
  deleteRule,
  defaultAccess: (broker) => defaultAccessView(directoryOf(broker)),
  putDefaultAccess,
  bans: (broker, query) => banPage(directoryOf(broker), query, serverOf(broker).clock.wallNow()),
  ban,
  unban,
  exportAccess: (broker, { credentials = false }) => exportAccess(directoryOf(broker), credentials),
  importAccess,
}
