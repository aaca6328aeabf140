/**
 * Everything that an operator can see and do. The program's `broker.admin`, and whatever else opens these operations to
 * somebody, is made from this table; the compiler proves that it has a row for every operation and every parameter.
 *
 * @module
 */
import { DEFAULT_LIMIT } from '../broker/host/page.ts'
import { maxVariableByteInteger } from '../codec/variable-byte-integer.ts'
import { accessOperations } from './access-operations.ts'
import { bridgeOperations } from './bridge-operations.ts'
import { traceOperations } from './trace-operations.ts'
import { roles, type ParameterRow, type OperationTable } from './operation.ts'
import { CURSOR, LIMIT } from './page-parameters.ts'
import { viewFields } from './schemas/view-fields.ts'

/** A hundred years. */
const MAX_KEY_SECONDS = 3_155_760_000

type Optional = ParameterRow & { readonly required: false }

const CLIENT_ID = { place: 'path', type: 'text', required: true, description: 'Client identifier.' } as const
const REASON_CODE: Optional = {
  place: 'body',
  type: 'integer',
  required: false,
  minimum: 0,
  maximum: 255,
  description: 'What a connected 5.0 client reads; default 152 (0x98, Administrative action).',
}

function filter(type: ParameterRow['type'], description: string): Optional {
  return { place: 'query', type, required: false, description }
}

function fieldsOf(name: keyof typeof viewFields): Optional {
  return { ...filter('list', 'Only these fields of each item; default: all.'), values: viewFields[name] }
}

/** Time in milliseconds since 1970. */
const AT: Optional = {
  ...filter('integer', 'About when, in milliseconds since 1970, give or take a minute; default: the last time.'),
  ...{ minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
}

function page(name: keyof typeof viewFields) {
  return { limit: LIMIT, cursor: CURSOR, fields: fieldsOf(name) } as const
}

export const operationTable: OperationTable = {
  overview: {
    ...{ method: 'GET', path: '/overview', role: 'viewer', parameters: {}, answer: 'OverviewView' },
    description: 'The broker at a glance.',
  },
  history: {
    ...{ method: 'GET', path: '/history', role: 'viewer', answer: 'HistoryView' },
    parameters: {
      span: {
        ...filter('text', 'The last hour by the second, or the last month by the hour; default `hour`.'),
        values: ['hour', 'month'],
      },
      points: {
        ...filter('integer', 'The most intervals; if there are more, neighbours are averaged. Default 600.'),
        ...{ minimum: 2, maximum: 3600 },
      },
    },
    description:
      'What the broker did in the last hour or month: clients, messages, bytes, drops, memory, its own work.',
  },
  listeners: {
    ...{ method: 'GET', path: '/listeners', role: 'viewer', parameters: {}, answer: 'ListenerView[]' },
    description: 'The open listeners.',
  },
  clients: {
    ...{ method: 'GET', path: '/clients', role: 'viewer', answer: 'Page<ClientView>' },
    parameters: {
      ...page('clients'),
      userName: filter('text', 'Only those of that user.'),
      listener: filter('text', 'Only those that came through that listener.'),
      address: filter('text', 'Only those from that IP address.'),
      protocolVersion: { ...filter('integer', 'Only those of that version: 3, 4 or 5.'), values: [3, 4, 5] },
    },
    description: 'Connected clients.',
  },
  client: {
    ...{ method: 'GET', path: '/clients/{clientId}', role: 'viewer', answer: 'ClientView | undefined' },
    parameters: { clientId: CLIENT_ID },
    description: 'One connected client.',
  },
  sessions: {
    ...{ method: 'GET', path: '/sessions', role: 'viewer', answer: 'Page<SessionView>' },
    parameters: {
      ...page('sessions'),
      userName: filter('text', 'Only those of that user.'),
      connected: filter('boolean', 'Only those whose clients are connected, or are not.'),
    },
    description: 'Sessions, connected or not.',
  },
  session: {
    ...{ method: 'GET', path: '/sessions/{clientId}', role: 'viewer', answer: 'SessionView | undefined' },
    parameters: { clientId: CLIENT_ID },
    description: 'One session, connected or not.',
  },
  heldMessages: {
    ...{ method: 'GET', path: '/sessions/{clientId}/messages', role: 'viewer' },
    answer: 'Page<HeldMessageView> | undefined',
    parameters: { clientId: CLIENT_ID, ...page('heldMessages') },
    description: 'The messages of QoS 1 and 2 that a session holds, and what each is waiting for.',
  },
  subscriptions: {
    ...{ method: 'GET', path: '/subscriptions', role: 'viewer', answer: 'Page<SubscriptionView>' },
    parameters: {
      ...page('subscriptions'),
      clientId: filter('text', 'Only those of that client.'),
      topicFilter: filter('text', 'Only those with exactly that topic filter.'),
      topic: filter('text', 'Only those that a message of that topic matches.'),
      isShared: filter('boolean', 'Only Shared Subscriptions, or only ordinary ones.'),
    },
    description: 'Subscriptions of all sessions.',
  },
  closedConnections: {
    ...{ method: 'GET', path: '/closed-connections', role: 'viewer', answer: 'Page<ClosedConnectionView>' },
    parameters: { ...page('closedConnections'), clientId: filter('text', 'Only those of that client.') },
    description: 'The connections that have ended last, and why, the newest first.',
  },
  retained: {
    ...{ method: 'GET', path: '/retained', role: 'viewer', answer: 'Page<RetainedView>' },
    parameters: {
      ...page('retained'),
      topicFilter: filter('text', 'Only topics that it matches; default `#`: all except those that begin with `$`.'),
    },
    description: 'Retained messages, without their payloads.',
  },
  healthChecks: {
    ...{ method: 'GET', path: '/health-checks', role: 'viewer', parameters: {}, answer: 'HealthCheckView[]' },
    description: 'Whether each part of the broker is well, and why not.',
  },
  drops: {
    ...{ method: 'GET', path: '/drops', role: 'viewer', parameters: {}, answer: 'DropView[]' },
    description: 'Messages that did not reach a client since the start, by cause.',
  },
  why: {
    ...{ method: 'GET', path: '/why', role: 'viewer', answer: 'WhyView' },
    parameters: {
      clientId: filter('text', 'Client identifier.'),
      topic: filter('text', 'Of a message that it should have received; default: why it is not connected.'),
      userName: filter('text', 'Instead of a client identifier: of logins that were refused.'),
      address: filter('text', 'Instead of a client identifier: IP address of logins and handshakes that were refused.'),
      at: AT,
    },
    description: 'Why a client did not get a message, is not connected, or was refused: the deciding fact first.',
  },
  whyClosed: {
    ...{ method: 'GET', path: '/why-closed', role: 'viewer', answer: 'WhyView' },
    parameters: { clientId: { ...CLIENT_ID, place: 'query' }, at: AT },
    description: 'Why the latest connection of a client ended, or its latest login was refused.',
  },
  whyRefused: {
    ...{ method: 'GET', path: '/why-refused', role: 'viewer', answer: 'WhyView' },
    parameters: {
      clientId: filter('text', 'Only logins with that client identifier.'),
      userName: filter('text', 'Only logins with that user name.'),
      address: filter('text', 'Only those from that IP address.'),
    },
    description: 'Why logins and handshakes were refused, the newest first.',
  },
  hints: {
    ...{ method: 'GET', path: '/hints', role: 'viewer', parameters: {}, answer: 'HintView[]' },
    description: 'What is allowed and probably not meant, each with advice.',
  },
  slowSubscribers: {
    ...{ method: 'GET', path: '/slow-subscribers', role: 'viewer', answer: 'SlowSubscriberView[]' },
    parameters: { limit: { ...LIMIT, description: `The most clients; default ${DEFAULT_LIMIT}.` } },
    description: 'Connected clients that have not taken what was meant for them, those with the most bytes first.',
  },
  topics: {
    ...{ method: 'GET', path: '/topics', role: 'viewer', answer: 'TopicView[]' },
    parameters: {
      topicFilter: filter('text', 'Only topics that it matches; default `#`: all except those that begin with `$`.'),
      seconds: { ...filter('integer', 'How long to count; default 5.'), minimum: 1, maximum: 20 },
      depth: {
        ...filter(
          'integer',
          'Levels to count separately; anything published below them is counted together. Default: all.',
        ),
        ...{ minimum: 1, maximum: 65_535 },
      },
      limit: { ...LIMIT, description: `The most topics; default ${DEFAULT_LIMIT}.` },
    },
    description: 'Counts what is published from now on, for some seconds; the topics with the most messages first.',
  },
  certificates: {
    ...{ method: 'GET', path: '/certificates', role: 'viewer', parameters: {}, answer: 'CertificateView[]' },
    description: 'The certificates of all listeners and of the HTTP API, those that end first at the top.',
  },
  backup: {
    ...{ method: 'POST', path: '/backup', role: 'administrator', answer: 'BackupView' },
    parameters: {
      path: {
        ...{ place: 'body', type: 'text', required: true },
        description: 'Absolute path of a folder on the machine of the broker, which is empty or is created.',
      },
    },
    description: 'Copies the store to a folder from which a broker can start, while clients are served.',
  },
  configuration: {
    ...{ method: 'GET', path: '/configuration', role: 'administrator', parameters: {}, answer: 'object' },
    description: 'The configuration in force, every default filled in, secrets hidden.',
  },
  configurationEntries: {
    ...{ method: 'GET', path: '/configuration/entries', role: 'administrator', parameters: {} },
    answer: 'ConfigurationEntryView[]',
    description: 'The same key by key, and where each value comes from: file and line, variable, program or default.',
  },
  apiKeys: {
    ...{ method: 'GET', path: '/api-keys', role: 'administrator', parameters: {}, answer: 'ApiKeyView[]' },
    description: 'The keys for the HTTP API, without their secrets.',
  },
  createApiKey: {
    ...{ method: 'POST', path: '/api-keys', role: 'administrator', answer: 'CreatedApiKey' },
    parameters: {
      name: { place: 'body', type: 'text', required: true, description: 'What it is for, 1 to 64 characters.' },
      role: { place: 'body', type: 'text', required: true, values: roles, description: 'What it may do.' },
      expiresInSeconds: {
        ...filter('integer', 'When it becomes invalid; default: never.'),
        ...{ place: 'body', minimum: 1, maximum: MAX_KEY_SECONDS },
      },
    },
    description: 'Makes a key for the HTTP API, which is shown only now.',
  },
  deleteApiKey: {
    ...{ method: 'DELETE', path: '/api-keys/{keyId}', role: 'administrator', answer: 'boolean' },
    parameters: { keyId: { place: 'path', type: 'text', required: true, description: 'Its `keyId`.' } },
    description: 'Makes a key for the HTTP API invalid at once. False if there is none.',
  },
  auditLog: {
    ...{ method: 'GET', path: '/audit-log', role: 'administrator', answer: 'AuditView[]' },
    parameters: { limit: { ...LIMIT, description: `The most lines; default ${DEFAULT_LIMIT}.` } },
    description: 'The latest actions in the audit log, the newest first.',
  },
  logins: {
    ...{ method: 'GET', path: '/logins', role: 'administrator', parameters: {}, answer: 'LoginView[]' },
    description: 'Who is logged in to the HTTP API with a browser.',
  },
  endLogin: {
    ...{ method: 'DELETE', path: '/logins/{loginId}', role: 'administrator', answer: 'boolean' },
    parameters: { loginId: { place: 'path', type: 'text', required: true, description: 'Its `loginId`.' } },
    description: 'Ends a login to the HTTP API at once. False if there is none.',
  },
  createLoginLink: {
    ...{ method: 'POST', path: '/login-links', role: 'administrator', parameters: {}, answer: 'LoginLinkView' },
    isLocal: true,
    description: 'Makes a link with which a browser logs in as an administrator, once within ten minutes.',
  },
  resetAdministrator: {
    ...{ method: 'POST', path: '/users/{userName}/reset', role: 'administrator', answer: 'UserView' },
    isLocal: true,
    parameters: {
      userName: { place: 'path', type: 'text', required: true, description: 'User name; it is made if there is none.' },
      password: { place: 'body', type: 'text', required: true, isSecret: true, description: 'A new password.' },
    },
    description: 'Lets an administrator in again: sets a password, gives the role, and ends all logins and links.',
  },
  disconnect: {
    ...{ method: 'POST', path: '/clients/{clientId}/disconnect', role: 'operator', answer: 'boolean' },
    parameters: { clientId: CLIENT_ID, reasonCode: REASON_CODE },
    description: 'Ends the connection of a client, not its session. False if it is not connected.',
  },
  endSession: {
    ...{ method: 'DELETE', path: '/sessions/{clientId}', role: 'operator', answer: 'boolean' },
    parameters: { clientId: CLIENT_ID, reasonCode: { ...REASON_CODE, place: 'query' } },
    description: 'Ends a session and its connection. False if there is none.',
  },
  publish: {
    ...{ method: 'POST', path: '/publish', role: 'operator', answer: 'void' },
    parameters: {
      topic: { place: 'body', type: 'text', required: true, description: 'Topic name.' },
      payload: { place: 'body', type: 'payload', required: true, description: 'Text (sent as UTF-8) or bytes.' },
      qos: { ...filter('integer', 'Default 0.'), place: 'body', values: [0, 1, 2] },
      retain: { ...filter('boolean', 'Default false.'), place: 'body' },
      properties: { ...filter('object', 'Properties of the PUBLISH.'), place: 'body' },
    },
    description: 'Publishes a message as the broker itself: no permission is asked.',
  },
  subscribeFor: {
    ...{ method: 'POST', path: '/sessions/{clientId}/subscribe', role: 'operator' },
    answer: 'SubscriptionResult[] | undefined',
    parameters: {
      clientId: CLIENT_ID,
      subscriptions: { place: 'body', type: 'list', required: true, description: 'What a SUBSCRIBE would ask for.' },
      subscriptionIdentifier: {
        ...filter('integer', 'Subscription Identifier of all of them; default: none.'),
        ...{ place: 'body', minimum: 1, maximum: maxVariableByteInteger },
      },
    },
    description: 'Subscribes on behalf of a client, connected or not.',
  },
  unsubscribeFor: {
    ...{ method: 'POST', path: '/sessions/{clientId}/unsubscribe', role: 'operator' },
    answer: 'SubscriptionResult[] | undefined',
    parameters: {
      clientId: CLIENT_ID,
      topicFilters: { place: 'body', type: 'list', required: true, description: 'Topic filters.' },
    },
    description: 'Unsubscribes on behalf of a client, connected or not.',
  },
  deleteRetained: {
    ...{ method: 'DELETE', path: '/retained', role: 'operator', answer: 'number' },
    parameters: {
      topicFilter: { place: 'query', type: 'text', required: true, description: 'Topics that it matches.' },
    },
    description: 'Removes retained messages; subscribers get nothing. Returns how many were removed.',
  },
  reload: {
    ...{ method: 'POST', path: '/reload', role: 'administrator', answer: 'ReloadView' },
    parameters: {
      configuration: {
        ...filter(
          'object',
          'The new configuration; default: the configuration file of the broker, which is read again.',
        ),
        place: 'body',
      },
    },
    description: 'Applies a configuration while the broker runs, and returns what has changed.',
  },
  ...accessOperations,
  ...bridgeOperations,
  ...traceOperations,
}
