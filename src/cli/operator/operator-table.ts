/**
 * The commands that query or control a running broker. A row names an operation of `broker.admin`; its options follow
 * from the operation's parameters.
 *
 * @module
 */
import { accessTable } from './access-table.ts'
import { bridgeTable } from './bridge-table.ts'
import { bytesText } from './layout.ts'
import { reloadLines } from './reload-lines.ts'
import { whyLines } from './why-lines.ts'
import type { ReloadView } from '../../broker/host/read-again.ts'
import type { OperatorRow } from './operator-row.ts'

const CLIENT = { name: 'CLIENT', parameter: 'clientId' } as const
const NO_CLIENT = 'no client NAME is connected; `sluice clients` lists those that are'
const NO_SESSION = 'there is no session NAME; `sluice sessions` lists all'

const shown = (value: unknown): string => JSON.stringify(value)

export const operatorTable: readonly OperatorRow[] = [
  {
    ...{ name: 'status', operation: 'overview', kind: 'view' },
    summary: 'shows a running broker at a glance',
    details:
      'Clients, sessions, messages, memory and the state of the store. Counters are since the start of the broker.',
    examples: [
      ['sluice status', 'the broker that `sluice start` runs in this folder'],
      ['sluice status --watch', 'again every 2 seconds'],
    ],
  },
  {
    ...{ name: 'clients', operation: 'clients', kind: 'view' },
    summary: 'lists the connected clients',
    details: 'Clients that are connected, with what they have sent and received, and what waits for them.',
    fields: [
      ...['clientId', 'userName', 'address', 'listener', 'protocolVersion', 'connectedAtMs'],
      ...['messagesReceived', 'messagesSent', 'queuedMessages', 'unsentBytes'],
    ],
    none: 'no client is connected',
    examples: [
      ['sluice clients', 'the first 100'],
      ['sluice clients --user-name ann --limit all', 'all of one user'],
      ['sluice clients | jq -r .clientId', 'every client identifier, for a script'],
    ],
  },
  {
    ...{ name: 'client', operation: 'client', kind: 'view', positionals: [CLIENT], absent: NO_CLIENT },
    headline: 'whyClosed',
    summary: 'shows everything about a connected client',
    details:
      'Its connection, its session, and what it does. `sluice messages` lists what waits for it, `sluice subscriptions`\nwhat it has subscribed to, and `sluice closed` why its earlier connections ended.',
    examples: [
      ['sluice client meter-1', 'one client'],
      ['sluice client meter-1 --watch', 'and how it changes'],
    ],
  },
  {
    ...{ name: 'sessions', operation: 'sessions', kind: 'view' },
    summary: 'lists the sessions, connected or not',
    details:
      'A session outlives its connection for its session expiry interval (3.1.1: for ever, without Clean Session).',
    fields: [
      ...['clientId', 'userName', 'connected', 'subscriptions', 'queuedMessages', 'inflightMessages', 'memoryBytes'],
      'sessionExpiryInterval',
    ],
    none: 'there is no session',
    examples: [['sluice sessions --connected no', 'whose clients are away']],
  },
  {
    ...{ name: 'messages', operation: 'heldMessages', kind: 'view', positionals: [CLIENT], absent: NO_SESSION },
    summary: 'lists the messages that a session holds, and what each waits for',
    details: 'Messages of QoS 1 and 2 that are queued for a client, or in flight to it.',
    fields: ['state', 'waitsFor', 'ahead', 'topic', 'qos', 'payloadBytes', 'receivedAtMs', 'expiresAtMs', 'publisher'],
    none: 'it holds no message',
    examples: [['sluice messages meter-1', 'why meter-1 has not received them yet']],
  },
  {
    ...{ name: 'subscriptions', operation: 'subscriptions', kind: 'view' },
    positionals: [{ ...CLIENT, isOptional: true }],
    summary: 'lists the subscriptions of a client, or of all',
    details: 'With --topic, those that a message of that topic matches: who would receive it.',
    fields: ['clientId', 'topicFilter', 'qos', 'isShared', 'noLocal', 'retainAsPublished', 'retainHandling'],
    none: 'there is no such subscription',
    examples: [
      ['sluice subscriptions meter-1', 'of one client'],
      ["sluice subscriptions --topic 'sensors/attic'", 'who receives this topic'],
    ],
  },
  {
    ...{ name: 'closed', operation: 'closedConnections', kind: 'view', positionals: [{ ...CLIENT, isOptional: true }] },
    summary: 'lists the connections that have ended last, and why',
    details: 'The newest first. The broker remembers max-closed-connections of them.',
    fields: ['closedAtMs', 'clientId', 'userName', 'address', 'cause', 'detail', 'messagesReceived', 'messagesSent'],
    none: 'no connection has ended',
    examples: [['sluice closed meter-1', 'why meter-1 was disconnected']],
  },
  {
    ...{ name: 'retained', operation: 'retained', kind: 'view' },
    positionals: [{ name: 'FILTER', parameter: 'topicFilter', isOptional: true }],
    summary: 'lists the retained messages',
    details: 'Their topics and sizes; payloads are not shown. Without a filter, all except those below $SYS/.',
    fields: ['topic', 'qos', 'payloadBytes', 'receivedAtMs', 'expiresAtMs', 'publisher'],
    none: 'there is no such retained message',
    examples: [["sluice retained 'sensors/#'", 'below sensors/']],
  },
  {
    ...{ name: 'topics', operation: 'topics', kind: 'view' },
    positionals: [{ name: 'FILTER', parameter: 'topicFilter', isOptional: true }],
    summary: 'counts what is published to which topics, for some seconds',
    details:
      'Counts from now on, and shows the topics with the most messages first. With --depth, everything below a level is\ncounted together.',
    fields: ['topic', 'messages', 'messagesPerSecond', 'bytesPerSecond', 'receivers'],
    none: 'nothing was published meanwhile',
    examples: [
      ['sluice topics', 'the busiest topics in 5 seconds'],
      ["sluice topics 'sensors/#' --depth 2 --seconds 20", 'by the second level below sensors/'],
    ],
  },
  {
    ...{ name: 'certificates', operation: 'certificates', kind: 'view' },
    summary: 'lists the certificates of the listeners and of the HTTP API, and when they end',
    details: 'Those that end first at the top. `sluice reload` reads renewed files; the broker also does so by itself.',
    fields: ['door', 'listener', 'subject', 'validToMs', 'daysLeft', 'certfile'],
    none: 'there is no certificate',
    examples: [['sluice certificates', 'how many days are left']],
  },
  {
    ...{ name: 'checks', operation: 'healthChecks', kind: 'view' },
    summary: 'lists whether each part of a running broker is well, and why not',
    details:
      'Its store, its listeners, its memory, its certificates and its audit log. `sluice health` has an exit code for scripts.',
    fields: ['name', 'healthy', 'detail'],
    examples: [['sluice checks --watch', 'again every 2 seconds']],
  },
  {
    ...{ name: 'drops', operation: 'drops', kind: 'view' },
    summary: 'counts the messages that did not reach a client, by cause',
    details: 'Since the start of the broker.',
    fields: ['messages', 'cause', 'description'],
    examples: [['sluice drops --watch', 'and how the counts grow']],
  },
  {
    ...{ name: 'why', operation: 'why', kind: 'view', positionals: [{ ...CLIENT, isOptional: true }] },
    summary: 'says why a client did not get a message, or is not connected',
    details:
      'With --topic: why the last message to it did not reach CLIENT. Without: why CLIENT was disconnected or refused; or,\nwithout CLIENT, why logins of --user-name or from --address were refused. The first line is the reason; each line says\nwhether it was recorded, is derived from what holds now, or is not known.',
    lines: whyLines,
    examples: [
      ["sluice why meter-1 --topic 'sensors/attic'", 'why meter-1 has not got it'],
      ['sluice why meter-1', 'why meter-1 is not connected'],
      ['sluice why --address 192.0.2.7', 'why nobody gets in from there'],
    ],
  },
  {
    ...{ name: 'hints', operation: 'hints', kind: 'view' },
    summary: 'lists what is allowed and probably not meant, with advice',
    details: 'Such as two clients that use one identifier, or messages that nobody can receive.',
    none: 'there is nothing to say',
    itemLines: ({ name, text, link }) => [`${String(name)}: ${String(text)}`, `  ${String(link)}`],
    examples: [['sluice hints', 'what to look at']],
  },
  {
    ...{ name: 'slow', operation: 'slowSubscribers', kind: 'view' },
    summary: 'lists the clients that do not read what is sent to them',
    details: 'Connected clients with the most bytes waiting, the slowest first.',
    fields: [
      'clientId',
      'userName',
      'queuedMessages',
      'queuedBytes',
      'unsentBytes',
      'inflightMessages',
      'acknowledgementMs',
    ],
    none: 'every client has taken what was meant for it',
    examples: [['sluice slow --watch', 'again every 2 seconds']],
  },
  {
    ...{ name: 'traces', operation: 'traces', kind: 'view' },
    summary: 'lists the traces that go on, or have just ended',
    details: 'Those of the same caller; to administrators, and on the machine of the broker, all.',
    fields: [
      ...[
        'traceId',
        'startedBy',
        'clientId',
        'userName',
        'address',
        'topicFilter',
        'endsAtMs',
        'records',
        'recordsLost',
      ],
      ...['readers', 'end'],
    ],
    none: 'there is no trace',
    examples: [['sluice traces', 'who follows what']],
  },
  {
    ...{ name: 'stop-trace', operation: 'stopTrace', kind: 'action' },
    positionals: [{ name: 'TRACE', parameter: 'traceId' }],
    absent: 'no trace NAME goes on; `sluice traces` lists those that do',
    summary: 'ends a trace',
    details: 'Its readers are sent what it holds, and its records can be read for another minute.',
    done: ({ traceId }) => `the trace ${shown(traceId)} has ended`,
    examples: [['sluice stop-trace 3f9a01b2c4d5', 'ends this one']],
  },
  {
    ...{ name: 'config', operation: 'configuration', kind: 'view' },
    summary: 'prints the configuration in force, without secrets',
    details: 'Every key with its value, defaults included, as JSON.',
    examples: [['sluice config', 'what the running broker uses']],
  },
  {
    ...{ name: 'config-sources', operation: 'configurationEntries', kind: 'view' },
    summary: 'lists every key of the configuration in force, and where its value comes from',
    details: 'A file with its line, a variable of the environment in that line, the program, or the default.',
    fields: ['key', 'value', 'source', 'file', 'line'],
    examples: [['sluice config-sources | jq -r \'select(.source != "default").key\'', 'only what was set']],
  },
  {
    ...{ name: 'kick', operation: 'disconnect', kind: 'action', positionals: [CLIENT], absent: NO_CLIENT },
    summary: 'disconnects a client; its session stays',
    details:
      'The client may connect again at once. A 5.0 client receives the reason code, by default 152, administrative action.',
    done: ({ clientId }) => `${shown(clientId)} was disconnected`,
    examples: [['sluice kick meter-1', 'ends the connection of meter-1']],
  },
  {
    ...{ name: 'end-session', operation: 'endSession', kind: 'action', positionals: [CLIENT], absent: NO_SESSION },
    summary: 'ends a session, with everything that waits in it',
    details: 'Also disconnects its client. Queued messages and subscriptions are lost.',
    done: ({ clientId }) => `the session ${shown(clientId)} has ended`,
    examples: [['sluice end-session meter-1', 'removes the session of a device that is gone']],
  },
  {
    ...{ name: 'delete-retained', operation: 'deleteRetained', kind: 'action' },
    positionals: [{ name: 'FILTER', parameter: 'topicFilter' }],
    summary: 'removes retained messages',
    details:
      'All whose topics the filter matches. Subscribers receive nothing. `sluice retained FILTER` lists them first.',
    done: (_, answer) => `${String(answer)} retained messages were removed`,
    examples: [["sluice delete-retained 'sensors/attic/#'", 'removes those below sensors/attic']],
  },
  {
    ...{ name: 'backup', operation: 'backup', kind: 'action' },
    positionals: [{ name: 'FOLDER', parameter: 'path', isPath: true }],
    summary: 'copies what the running broker has stored',
    details:
      'Copies sessions, subscriptions, queued and retained messages, as they were durable when copying began, to a folder that\nis empty or is created. The copy is verified. Clients are served meanwhile. To restore it, start a broker with this\nfolder as persistence.path. If no broker is running, use `sluice store backup`. With --url, FOLDER is on the machine of\nthe broker.',
    done: ({ path }, answer) =>
      `the store was copied to ${String(path)}: ${bytesText((answer as { bytes: number }).bytes)}, verified`,
    examples: [['sluice backup /var/backups/mqtt-monday', 'a copy from which a broker can start']],
  },
  {
    ...{ name: 'reload', operation: 'reload', kind: 'action' },
    summary: 'reads the configuration file again, and applies what has changed',
    details:
      'Does what SIGHUP does (`systemctl reload sluice`), and prints which keys have changed and which of them wait for a\nrestart. The file is checked first, with every file that it names: if anything is wrong, nothing changes, and the\nexit code is 1. A broker inside a program refuses, because its configuration comes from the program.',
    done: (_, answer) => reloadLines(answer as ReloadView).join('\n'),
    examples: [['sluice reload', 'after the configuration file has changed']],
  },
  ...bridgeTable,
  ...accessTable,
]
