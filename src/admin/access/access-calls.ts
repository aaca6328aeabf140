/** What each operation about users, groups, roles, rules and bans does. @module */
import type { Sliced } from '../../base/slices.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { CallOptions } from '../../broker/host/admin.ts'
import type { AccessParameters } from '../../broker/host/access-admin.ts'
import type { HostQuestion } from '../../broker/host/host-question.ts'
import { deleteEntry, deleteRule, putDefaultAccess, putGroup, putRole, putRule, putUser } from './access-changes.ts'
import { exportAccess } from './access-export.ts'
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
import { Slices } from './slices.ts'

type Calls = {
  readonly [Name in keyof AccessParameters]: (
    broker: Broker,
    parameters: AccessParameters[Name],
    options: CallOptions,
  ) => unknown
}

const inSlices = <Result>(broker: Broker, work: Sliced<Result>): Promise<Result> => new Slices(broker).run(work)

const directoryOf = (broker: Broker) => serverOf(broker).directory

export const accessCalls: Calls = {
  users: (broker, query) => inSlices(broker, userPage(directoryOf(broker), query)),
  user: (broker, { userName }) => userView(directoryOf(broker), userName),
  putUser,
  deleteUser: (broker, request, options) => deleteEntry(broker, 'user', request.userName, request, options),
  groups: (broker, query) => inSlices(broker, groupPage(directoryOf(broker), query)),
  group: (broker, { name }) => groupView(directoryOf(broker), name),
  putGroup,
  deleteGroup: (broker, request, options) => deleteEntry(broker, 'group', request.name, request, options),
  roles: (broker, query) => inSlices(broker, rolePage(directoryOf(broker), query)),
  role: (broker, { name }) => roleView(directoryOf(broker), name),
  putRole,
  deleteRole: (broker, request, options) => deleteEntry(broker, 'role', request.name, request, options),
  putRule,
  deleteRule,
  defaultAccess: (broker) => defaultAccessView(directoryOf(broker)),
  putDefaultAccess,
  bans: (broker, query) => inSlices(broker, banPage(directoryOf(broker), query, serverOf(broker).clock.wallNow())),
  ban,
  unban,
  exportAccess: (broker, { credentials = false }) => exportAccess(broker, credentials),
  importAccess,
  explain: (broker, question) => broker.explain(question as HostQuestion),
}
