/** The commands about users, groups, roles, rules and bans, as rows of the table. @module */
import type { ImportView } from '../../broker/host/access-admin.ts'
import { importLines } from './import-lines.ts'
import type { OperatorRow, Positional } from './operator-row.ts'

const USER: Positional = { name: 'USER', parameter: 'userName' }
const GROUP: Positional = { name: 'GROUP', parameter: 'name' }
const ROLE: Positional = { name: 'ROLE', parameter: 'name' }
const EFFECT: Positional = { name: 'EFFECT', parameter: 'effect' }
const ACTION: Positional = { name: 'ACTION', parameter: 'action' }
const TOPIC: Positional = { name: 'TOPIC', parameter: 'topic' }
const BANNED: readonly Positional[] = [
  { name: 'KIND', parameter: 'kind' },
  { name: 'VALUE', parameter: 'value' },
]
const FILE: Positional = { name: 'FILE', parameter: 'file', isJsonFile: true }

const NO_USER = 'there is no user NAME; `sluice users` lists all'
const NO_GROUP = 'there is no group NAME; `sluice groups` lists all'
const NO_ROLE = 'there is no role NAME; `sluice roles` lists all'
const KINDS = 'KIND is client-id, user, address or network.'
const FILES =
  'FILE is one that `sluice export-access` has written, or the file of the dynamic security plugin of Mosquitto.'

const shown = (value: unknown): string => JSON.stringify(value)

const users: readonly OperatorRow[] = [
  {
    ...{ name: 'users', operation: 'users', kind: 'view' },
    summary: 'lists the users in the store of the broker',
    details: 'With --role or --group, only users who have that role themselves, or who are in that group.',
    fields: ['userName', 'disabled', 'hasPassword', 'clientId', 'roles', 'groups', 'textName'],
    none: 'there is no user',
    examples: [
      ['sluice users', 'the first 100'],
      ['sluice users --role meter --limit all', 'all users who have the role meter'],
    ],
  },
  {
    ...{ name: 'user', operation: 'user', kind: 'view', positionals: [USER], absent: NO_USER },
    summary: 'shows a user',
    details: 'Passwords are never shown.',
    examples: [['sluice user ann', 'the roles and groups of ann']],
  },
  {
    ...{ name: 'put-user', operation: 'putUser', kind: 'action', positionals: [USER] },
    summary: 'adds a user, or changes one',
    details:
      "Options that are not given leave the user as it is; --roles '' removes all roles. With --password, the password is asked\nfor twice without showing it; if standard input is not a terminal, its first line is the password. A new password ends\nthe connections of the user.",
    done: ({ userName }) => `the user ${shown(userName)} was stored`,
    examples: [
      ['sluice put-user ann --password --roles viewer', 'adds ann, and asks for a password'],
      ['sluice put-user ann --password < secret.txt', 'changes the password from a script'],
      ['sluice put-user ann --disabled yes', 'ann can no longer log in'],
    ],
  },
  {
    ...{ name: 'delete-user', operation: 'deleteUser', kind: 'action', positionals: [USER], absent: NO_USER },
    summary: 'removes a user',
    details: 'The connections of the user end.',
    done: ({ userName }) => `the user ${shown(userName)} was removed`,
    examples: [['sluice delete-user ann', 'removes ann']],
  },
]

const groups: readonly OperatorRow[] = [
  {
    ...{ name: 'groups', operation: 'groups', kind: 'view' },
    summary: 'lists the groups of users',
    details: 'Users of a group have the roles of the group. `sluice users --group GROUP` lists them.',
    fields: ['name', 'roles', 'textName'],
    none: 'there is no group',
    examples: [['sluice groups', 'the first 100']],
  },
  {
    ...{ name: 'group', operation: 'group', kind: 'view', positionals: [GROUP], absent: NO_GROUP },
    summary: 'shows a group',
    details: 'Its roles, and how it is described.',
    examples: [['sluice group staff', 'the roles of staff']],
  },
  {
    ...{ name: 'put-group', operation: 'putGroup', kind: 'action', positionals: [GROUP] },
    summary: 'adds a group, or changes one',
    details: "Options that are not given leave the group as it is; --roles '' removes all roles.",
    done: ({ name }) => `the group ${shown(name)} was stored`,
    examples: [
      ['sluice put-group staff --roles viewer,editor', 'everybody in staff has these roles'],
      [
        `sluice put-group staff --roles '[{"name":"editor","priority":1},{"name":"viewer"}]'`,
        'the rules of editor decide first',
      ],
    ],
  },
  {
    ...{ name: 'delete-group', operation: 'deleteGroup', kind: 'action', positionals: [GROUP], absent: NO_GROUP },
    summary: 'removes a group',
    details: 'Its users stay, without the roles of the group.',
    done: ({ name }) => `the group ${shown(name)} was removed`,
    examples: [['sluice delete-group staff', 'removes staff']],
  },
]

const roles: readonly OperatorRow[] = [
  {
    ...{ name: 'roles', operation: 'roles', kind: 'view' },
    summary: 'lists the roles with their rules',
    details: '`sluice users --role ROLE` lists the users who have a role.',
    fields: ['name', 'rules', 'textName'],
    none: 'there is no role',
    examples: [['sluice roles', 'the first 100']],
  },
  {
    ...{ name: 'role', operation: 'role', kind: 'view', positionals: [ROLE], absent: NO_ROLE },
    summary: 'shows a role with all of its rules',
    details: 'Rules of a higher priority decide first.',
    examples: [['sluice role meter', 'what users with the role meter may do']],
  },
  {
    ...{ name: 'put-role', operation: 'putRole', kind: 'action', positionals: [ROLE] },
    summary: 'adds a role, or changes one',
    details: 'Options that are not given leave the role as it is. `sluice put-rule` adds a single rule.',
    done: ({ name }) => `the role ${shown(name)} was stored`,
    examples: [["sluice put-role meter --text-description 'electricity meters'", 'a role without rules yet']],
  },
  {
    ...{ name: 'delete-role', operation: 'deleteRole', kind: 'action', positionals: [ROLE], absent: NO_ROLE },
    summary: 'removes a role',
    details: 'Users and groups lose it. A new role of the same name is not given to them again.',
    done: ({ name }) => `the role ${shown(name)} was removed`,
    examples: [['sluice delete-role meter', 'removes meter']],
  },
  {
    ...{ name: 'put-rule', operation: 'putRule', kind: 'action', positionals: [ROLE, EFFECT, ACTION, TOPIC] },
    summary: 'adds a rule to a role',
    details:
      'EFFECT is allow or deny, ACTION is publish, receive, subscribe or unsubscribe. It replaces a rule of the role with the\nsame action and topic. In TOPIC, %u is the user name of the client, and %c its client identifier.',
    done: ({ name, effect, action, topic }) =>
      `the role ${shown(name)} has the rule ${String(effect)} ${String(action)} ${String(topic)}`,
    examples: [
      ["sluice put-rule meter allow publish 'power/%c/#'", 'a meter may publish below its own client identifier'],
      ["sluice put-rule meter deny subscribe 'power/#' --priority 1", 'which decides before rules of priority 0'],
    ],
  },
  {
    ...{ name: 'delete-rule', operation: 'deleteRule', kind: 'action', positionals: [ROLE, ACTION, TOPIC] },
    summary: 'removes a rule of a role',
    details: 'ACTION and TOPIC are those of the rule. `sluice role ROLE` lists the rules.',
    absent: 'the role NAME has no such rule; `sluice role ROLE` lists its rules',
    done: ({ name, action, topic }) =>
      `the role ${shown(name)} no longer has the rule about ${String(action)} ${String(topic)}`,
    examples: [["sluice delete-rule meter publish 'power/%c/#'", 'removes that rule']],
  },
  {
    ...{ name: 'default-access', operation: 'defaultAccess', kind: 'view' },
    summary: 'shows what clients may do where no rule applies',
    details: 'With the group of the clients that have no user name.',
    examples: [['sluice default-access', 'the default access']],
  },
  {
    ...{ name: 'put-default-access', operation: 'putDefaultAccess', kind: 'action' },
    summary: 'changes what clients may do where no rule applies',
    details: "Options that are not given leave it as it is; --anonymous-group '' removes the group.",
    done: () => 'the default access was stored',
    examples: [['sluice put-default-access --subscribe allow', 'clients may subscribe unless a rule denies it']],
  },
]

const bans: readonly OperatorRow[] = [
  {
    ...{ name: 'bans', operation: 'bans', kind: 'view' },
    summary: 'lists the bans in force',
    details: 'Bans that are over are not listed.',
    fields: ['kind', 'value', 'reason', 'createdAtMs', 'untilMs'],
    none: 'nothing is banned',
    examples: [['sluice bans', 'the first 100']],
  },
  {
    ...{ name: 'ban', operation: 'ban', kind: 'action', positionals: BANNED },
    summary: 'bans a client identifier, user, address or network',
    details: `${KINDS} Its connections end, and new ones are refused with the reason\ncode 138, banned. Sessions stay.`,
    done: ({ kind }, answer) => `${String(kind)} ${shown((answer as { readonly value: string }).value)} is banned`,
    examples: [
      ['sluice ban client-id meter-1', 'until `sluice unban client-id meter-1`'],
      ['sluice ban network 203.0.113.0/24 --seconds 3600 --reason scans', 'for an hour'],
    ],
  },
  {
    ...{ name: 'unban', operation: 'unban', kind: 'action', positionals: BANNED },
    summary: 'ends a ban',
    details: `${KINDS} \`sluice bans\` lists what is banned.`,
    absent: 'there is no such ban; `sluice bans` lists all',
    done: ({ kind, value }) => `${String(kind)} ${shown(value)} is no longer banned`,
    examples: [['sluice unban client-id meter-1', 'meter-1 may connect again']],
  },
]

const files: readonly OperatorRow[] = [
  {
    ...{ name: 'export-access', operation: 'exportAccess', kind: 'view', isFile: true },
    summary: 'prints users, groups, roles and the default access as one file',
    details:
      'The file is JSON that can be kept under version control. Without --credentials yes, it has nothing of passwords.',
    examples: [['sluice export-access > access.json', 'everything except passwords']],
  },
  {
    ...{ name: 'import-access', operation: 'importAccess', kind: 'action', positionals: [FILE] },
    summary: 'applies a file of users, groups, roles and the default access',
    details: `${FILES}\nEverything in it is applied, or nothing. Users keep their passwords if the file has none. With --replace yes, users,\ngroups and roles that are not in the file are removed. \`sluice access-diff\` shows what would change.`,
    done: (_, answer) => importLines(answer as ImportView).join('\n'),
    examples: [['sluice import-access access.json', 'applies access.json']],
  },
  {
    ...{ name: 'access-diff', operation: 'importAccess', kind: 'view', positionals: [FILE], preset: { dryRun: true } },
    summary: 'shows who would gain and lose what if a file were imported',
    details: `${FILES}\nNothing is changed. With --replace yes, as if users, groups and roles that are not in the file were removed.`,
    lines: (answer) => importLines(answer as unknown as ImportView),
    examples: [
      ['sluice access-diff access.json', 'what `sluice import-access access.json` would change'],
      ["sluice access-diff access.json | jq '.differences[]'", 'each user who gains or loses something, for a script'],
    ],
  },
]

export const accessTable: readonly OperatorRow[] = [...users, ...groups, ...roles, ...bans, ...files]
