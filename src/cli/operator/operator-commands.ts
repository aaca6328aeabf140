/** The rows of `operator-table.ts` as commands of the program. @module */
import { roles } from '../../admin/operation.ts'
import type { Command, CommandOption } from '../command.ts'
import { doorOptions } from './broker-door.ts'
import type { OperatorRow } from './operator-row.ts'
import { operatorTable } from './operator-table.ts'
import { traceRow } from './trace-row.ts'
import { hasFields, isList, optionsOf, takesSecret } from './parameters.ts'

const JSON_OPTION: CommandOption = {
  description: 'prints JSON, a line for each item; default if the output is no terminal',
}

const LIMIT_OPTION: Readonly<Record<string, CommandOption>> = {
  limit: { short: 'n', value: 'N', description: 'the most items, or all; default 100 on a terminal, otherwise all' },
}
const FIELDS_OPTION: Readonly<Record<string, CommandOption>> = {
  fields: { value: 'A,B', description: 'only these fields' },
}

const VIEW_OPTIONS: Readonly<Record<string, CommandOption>> = {
  watch: { short: 'w', description: 'shows it again every 2 seconds, until Ctrl-C' },
  interval: { value: 'SECONDS', description: 'another pause for --watch' },
}

const topCommand: Command = {
  name: 'top',
  summary: 'shows the broker and its clients live, on the whole screen',
  details:
    'Rates of messages and bytes, and up to 1000 clients, sorted. Keys: q quits, < and > choose the column to sort by, r\nreverses the order, space pauses, the arrow keys scroll.',
  positionals: [],
  options: { interval: { value: 'SECONDS', description: 'the pause between two samples; default 2' }, ...doorOptions },
  examples: [['sluice top', 'the broker that `sluice start` runs in this folder']],
  asksBroker: true,
  run: async (call) => (await import('./top.ts')).top(call),
}

const traceCommand: Command = {
  ...{ name: 'trace', summary: traceRow.summary, details: traceRow.details, examples: traceRow.examples },
  positionals: [],
  optionalPositional: 'CLIENT',
  options: {
    ...optionsOf(traceRow),
    file: { value: 'FILE', description: 'also writes the trace to a new file, as lines of JSON' },
    json: JSON_OPTION,
    ...doorOptions,
  },
  asksBroker: true,
  run: async (call) => (await import('./trace.ts')).trace(call),
}

const healthCommand: Command = {
  name: 'health',
  summary: 'checks whether a running broker is alive and accepts messages',
  details:
    'CHECK is live or ready (default). live: the broker completes a turn within 5 seconds. ready: it is live, it is not\nclosing, and its store accepts messages. The exit code is 0 for yes and 1 for no.',
  positionals: [],
  optionalPositional: 'CHECK',
  actions: ['live', 'ready'],
  options: { json: JSON_OPTION, ...doorOptions },
  examples: [
    ['sluice health', 'whether it accepts messages'],
    ['sluice health live', 'whether it is alive'],
  ],
  asksBroker: true,
  run: async (call) => (await import('./health.ts')).health(call),
}

const adminCommand: Command = {
  name: 'admin',
  summary: 'lists and makes what lets in to the HTTP API: links, logins and keys',
  details:
    'link makes a link with which a browser logs in as an administrator, once within ten minutes. reset NAME lets an\nadministrator in again: it asks for a new password, gives the user NAME the role administrator, and ends all logins and\nlinks. Both work only on the machine of the broker. logins lists who is logged in with a browser; end-login ID ends one.\n\nkeys lists the keys; add-key NAME makes one with a role, and shows it once; delete-key ID makes one invalid at once.\nRoles: viewer reads, operator also acts on clients and messages, administrator also reads and changes the configuration.',
  positionals: ['ACTION'],
  optionalPositional: 'NAME',
  actions: ['link', 'reset', 'logins', 'end-login', 'keys', 'add-key', 'delete-key'],
  hidesExtra: true,
  options: {
    role: { value: 'ROLE', values: roles, description: 'for add-key: viewer, operator or administrator' },
    days: { value: 'N', description: 'for add-key: how long it is valid; default: for ever' },
    json: JSON_OPTION,
    ...doorOptions,
  },
  examples: [
    ['sluice admin link', 'a link to log in with a browser'],
    ['sluice admin reset ann', 'a new password for ann, who is an administrator from then on'],
    ['sluice admin keys', 'all keys, without their secrets'],
    ['sluice admin add-key prometheus --role viewer', 'a key for a scraper'],
    ['sluice admin delete-key 3f9a01b2c4d5', 'makes a key invalid'],
  ],
  asksBroker: true,
  run: async (call) => (await import('./admin-command.ts')).admin(call),
}

/** Those of the table, and those that are more than an operation. */
export const operatorCommands: readonly Command[] = [
  topCommand,
  traceCommand,
  ...operatorTable.map(commandOf),
  healthCommand,
  adminCommand,
]

function commandOf(row: OperatorRow): Command {
  const { name, summary, details, positionals = [], examples, kind } = row
  const optional = positionals.find(({ isOptional }) => isOptional)
  return {
    ...{ name, summary, details, examples, asksBroker: true },
    positionals: positionals.filter(({ isOptional }) => !isOptional).map((each) => each.name),
    ...(optional !== undefined && { optionalPositional: optional.name }),
    ...(takesSecret(row) && { hidesExtra: true }),
    options: {
      ...optionsOf(row),
      ...(isList(row) && listOptionsOf(row)),
      ...(kind === 'view' && row.isFile !== true && VIEW_OPTIONS),
      json: JSON_OPTION,
      ...doorOptions,
    },
    run: async (call) => {
      const { act, show } = await import('./list-command.ts')
      return kind === 'view' ? show(row, call) : act(row, call)
    },
  }
}

function listOptionsOf(row: OperatorRow): Readonly<Record<string, CommandOption>> {
  return { ...LIMIT_OPTION, ...(hasFields(row) && FIELDS_OPTION) }
}
