/** The rows of the table of operations for users, groups, roles, rules and bans. @module */
import { BAN_KINDS, RULE_ACTIONS } from '../access/directory/entries.ts'
import type { AccessParameters } from '../broker/host/access-admin.ts'
import type { Operation, ParameterRow } from './operation.ts'
import { CURSOR, LIMIT } from './page-parameters.ts'

type Optional = ParameterRow & { readonly required: false }
type Required = ParameterRow & { readonly required: true }

const inBody = (type: ParameterRow['type'], description: string): Optional => ({
  ...{ place: 'body', type, required: false, description },
})
const inPath = (description: string): Required => ({ place: 'path', type: 'text', required: true, description })
const needed = (place: 'query' | 'body', description: string, values?: readonly string[]): Required => ({
  ...{ place, type: 'text', required: true, description },
  ...(values !== undefined && { values }),
})

const inQuery = (description: string): Optional => ({ ...inBody('text', description), place: 'query' })

const USER_NAME = inPath('User name.')
const NAME = inPath('Name.')
const PAGE = { limit: LIMIT, cursor: CURSOR } as const
const VERSION = 'Only if this is the version; 0: only if there is none.'
const IF_VERSION: Optional = { ...inBody('integer', VERSION), ...{ minimum: 0, maximum: Number.MAX_SAFE_INTEGER } }
const IF_VERSION_IN_QUERY: Optional = { ...IF_VERSION, place: 'query' }
const LABELS = {
  textName: inBody('text', 'A name for people.'),
  textDescription: inBody('text', 'A description for people.'),
} as const
const ROLES = inBody('list', 'Roles: names, or objects with `name` and `priority`.')
const EFFECTS = ['allow', 'deny'] as const
const effect = (action: string): Optional => ({
  ...inBody('text', `Whether to ${action} without a rule.`),
  values: EFFECTS,
})

const READ = { method: 'GET', role: 'operator' } as const
const SET = { method: 'POST', role: 'administrator' } as const
const REMOVE = { method: 'DELETE', role: 'administrator', answer: 'boolean' } as const

type Rows = { readonly [Name in keyof AccessParameters]: Operation<Name> }

export const accessOperations: Rows = {
  users: {
    ...{ ...READ, path: '/users', answer: 'Page<UserView>' },
    parameters: {
      ...PAGE,
      role: { ...inBody('text', 'Only those who have that role themselves.'), place: 'query' },
      group: { ...inBody('text', 'Only those in that group.'), place: 'query' },
    },
    description: 'Users of the store of the broker.',
  },
  user: {
    ...{ ...READ, path: '/users/{userName}', answer: 'UserView | undefined', parameters: { userName: USER_NAME } },
    description: 'One user.',
  },
  putUser: {
    ...{ ...SET, path: '/users/{userName}', answer: 'UserView' },
    parameters: {
      userName: USER_NAME,
      password: { ...inBody('text', 'A new password.'), isSecret: true },
      disabled: inBody('boolean', 'Whether the user may not log in.'),
      clientId: inBody('text', 'The only client identifier that the user may use; empty: any.'),
      roles: ROLES,
      groups: inBody('list', 'Groups: names, or objects with `name` and `priority`.'),
      ...LABELS,
      ifVersion: IF_VERSION,
    },
    description: 'Makes or changes a user. What is not given stays as it is.',
  },
  deleteUser: {
    ...{ ...REMOVE, path: '/users/{userName}', parameters: { userName: USER_NAME, ifVersion: IF_VERSION_IN_QUERY } },
    description: 'Removes a user, whose connections end. False if there is none.',
  },
  groups: {
    ...{ ...READ, path: '/groups', answer: 'Page<GroupView>', parameters: PAGE },
    description: 'Groups of users.',
  },
  group: {
    ...{ ...READ, path: '/groups/{name}', answer: 'GroupView | undefined', parameters: { name: NAME } },
    description: 'One group.',
  },
  putGroup: {
    ...{ ...SET, path: '/groups/{name}', answer: 'GroupView' },
    parameters: { name: NAME, roles: ROLES, ...LABELS, ifVersion: IF_VERSION },
    description: 'Makes or changes a group. What is not given stays as it is.',
  },
  deleteGroup: {
    ...{ ...REMOVE, path: '/groups/{name}', parameters: { name: NAME, ifVersion: IF_VERSION_IN_QUERY } },
    description: 'Removes a group. False if there is none.',
  },
  roles: {
    ...{ ...READ, path: '/roles', answer: 'Page<RoleView>', parameters: PAGE },
    description: 'Roles with their rules.',
  },
  role: {
    ...{ ...READ, path: '/roles/{name}', answer: 'RoleView | undefined', parameters: { name: NAME } },
    description: 'One role with its rules.',
  },
  putRole: {
    ...{ ...SET, path: '/roles/{name}', answer: 'RoleView' },
    parameters: {
      name: NAME,
      rules: inBody(
        'list',
        'All of its rules: `action`, `effect` and `topic`, and if needed `priority` and `literal`.',
      ),
      ...LABELS,
      ifVersion: IF_VERSION,
    },
    description: 'Makes or changes a role. What is not given stays as it is.',
  },
  deleteRole: {
    ...{ ...REMOVE, path: '/roles/{name}', parameters: { name: NAME, ifVersion: IF_VERSION_IN_QUERY } },
    description: 'Removes a role. False if there is none.',
  },
  putRule: {
    ...{ ...SET, path: '/roles/{name}/rules', answer: 'RoleView' },
    parameters: {
      name: NAME,
      action: needed('body', 'What it is about.', RULE_ACTIONS),
      effect: needed('body', 'What it does.', EFFECTS),
      topic: needed('body', 'A topic filter; `%u` is the user name of the client, `%c` its client identifier.'),
      priority: inBody('integer', 'Rules with a higher one decide first; default 0.'),
      literal: inBody('boolean', 'Only for exactly this topic filter; default false.'),
      ifVersion: IF_VERSION,
    },
    description: 'Adds a rule to a role, in place of one with the same action and topic.',
  },
  deleteRule: {
    ...{ ...REMOVE, path: '/roles/{name}/rules' },
    parameters: {
      name: NAME,
      action: needed('query', 'What it is about.', RULE_ACTIONS),
      topic: needed('query', 'Its topic filter.'),
      ifVersion: IF_VERSION_IN_QUERY,
    },
    description: 'Removes a rule of a role. False if there is none.',
  },
  defaultAccess: {
    ...{ ...READ, path: '/default-access', answer: 'DefaultAccessView', parameters: {} },
    description: 'What holds where no rule of a role applies.',
  },
  putDefaultAccess: {
    ...{ ...SET, path: '/default-access', answer: 'DefaultAccessView' },
    parameters: {
      publish: effect('publish'),
      receive: effect('receive'),
      subscribe: effect('subscribe'),
      unsubscribe: effect('unsubscribe'),
      anonymousGroup: inBody('text', 'The group of clients without a user name; empty: none.'),
      ifVersion: IF_VERSION,
    },
    description: 'Changes what holds where no rule of a role applies. What is not given stays as it is.',
  },
  bans: {
    ...{ method: 'GET', path: '/bans', role: 'viewer', answer: 'Page<BanView>', parameters: PAGE },
    description: 'Bans that hold.',
  },
  ban: {
    ...{ method: 'POST', path: '/bans', role: 'operator', answer: 'BanView' },
    parameters: {
      kind: needed('body', 'What is banned.', BAN_KINDS),
      value: needed('body', 'A client identifier, user name, IP address, or network such as `10.0.0.0/8`.'),
      reason: inBody('text', 'For people.'),
      seconds: { ...inBody('integer', 'How long; default: for ever.'), minimum: 1, maximum: 4_294_967_295 },
    },
    description: 'Bans a client identifier, user, address or network, and ends its connections.',
  },
  unban: {
    ...{ method: 'DELETE', path: '/bans', role: 'operator', answer: 'boolean' },
    parameters: {
      kind: needed('query', 'What is banned.', BAN_KINDS),
      value: needed('query', 'Its value.'),
    },
    description: 'Ends a ban. False if there is none.',
  },
  exportAccess: {
    ...{ method: 'GET', path: '/access-file', role: 'administrator', answer: 'object' },
    secretsWith: 'credentials',
    parameters: {
      credentials: {
        ...inBody('boolean', 'Whether to include what passwords were made into; default false.'),
        place: 'query',
      },
    },
    description: 'Users, groups, roles and the default access as one file, which `importAccess` takes.',
  },
  importAccess: {
    ...{ ...SET, path: '/access-file', answer: 'ImportView' },
    parameters: {
      file: {
        ...{ place: 'body', type: 'object', required: true },
        description: 'What `exportAccess` returned, or the file of Mosquitto’s dynamic security plugin.',
      },
      dryRun: inBody('boolean', 'Only says what would change, and who gains and loses what.'),
      replace: inBody('boolean', 'Also removes users, groups and roles that the file does not have.'),
    },
    description: 'Takes over a file of users, groups, roles and the default access: all of it, or nothing.',
  },
  explain: {
    ...{ ...READ, path: '/explain', answer: 'ExplainView' },
    parameters: {
      action: needed('query', 'What it would do.', ['publish', 'subscribe', 'receive']),
      topic: needed('query', 'A topic name; for `subscribe`, a topic filter.'),
      userName: inQuery('Its user name; default: none.'),
      clientId: inQuery('Its client identifier.'),
      address: inQuery('The IP address that it connects from.'),
      listener: inQuery('The name of the listener that it uses.'),
    },
    description: 'Whether a client may do something now, and which rule decides it. It need not be connected.',
  },
}
