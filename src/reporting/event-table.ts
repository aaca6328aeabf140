/**
 * What each event means: the one table from which the manual's page (docs/reference/events.md) is generated. The
 * compiler ensures that it has every event with all of its fields.
 *
 * @module
 */
import type { EndCause } from '../protocol/server-side.ts'
import type { BrokerEvents, EventName, SessionEndCause } from '../access/broker-events.ts'

export interface EventRow<Name extends EventName> {
  /** When it is emitted. */
  readonly description: string
  readonly fields: { readonly [Field in keyof BrokerEvents[Name]]: string }
}

const LISTENERS = 'The open listeners, each with `name` and `url`.'
const CLIENT =
  'The client: `clientId`, `userName`, `claimedUserName`, `address`, `listener`, `protocolVersion`; `bridge` is true for the bridge of another broker.'
const CLIENT_ID = 'The client identifier.'
const TOPIC_FILTER = 'The topic filter.'
const TOPIC = 'The topic name.'
const MESSAGE = 'The message, with `topic`, `payload`, `qos`, `retain`, `properties`.'
const REASON_CODE = 'The Reason Code.'
const DETAIL = 'An explanation for people, which never contains a password or a token.'
const PACKET = 'The packet.'

export const eventTable: { readonly [Name in EventName]: EventRow<Name> } = {
  started: { description: 'All listeners are open.', fields: { listeners: LISTENERS } },
  reloaded: { description: 'A new configuration is in force.', fields: { listeners: LISTENERS } },
  storeHealth: {
    description: 'The store became full or unable to write, or recovered. Until it recovers, QoS 1 and 2 are refused.',
    fields: {
      healthy: 'Whether it accepts new messages.',
      condition: '`well`; `full`: only changes that remove data are stored; `failing`: nothing can be stored.',
      reason: 'Why it is `full` or `failing`; empty if it is `well`.',
    },
  },
  bridgeChanged: {
    description: 'A bridge to another broker has connected, lost its connection, or was paused.',
    fields: {
      name: 'Its name in the configuration.',
      state: '`connecting`, `subscribing`, `connected`, `waiting` or `paused`.',
      reason: 'Why it is `waiting`; empty otherwise.',
    },
  },
  telemetryHealth: {
    description: 'The export to the collector of `telemetry` failed, or works again; once for each change of a signal.',
    fields: {
      signal: '`metrics`, `logs` or `traces`.',
      healthy: 'Whether the last export succeeded.',
      reason: 'Why it failed; empty if it succeeded.',
    },
  },
  closing: {
    description: 'The broker begins to close: connections end with 0x8B.',
    fields: { connections: 'Number of open connections.' },
  },
  closed: {
    description: 'Everything is closed.',
    fields: {
      unstoredChanges: 'Number of changes that the store could not write within `persistence.close-timeout`.',
    },
  },
  clientConnected: {
    description: 'A client was accepted: CONNACK 0x00 is being sent.',
    fields: {
      client: CLIENT,
      sessionPresent: 'Whether it resumes its session.',
      cleanStart: 'Whether it requested a new session.',
    },
  },
  clientRefused: {
    description: 'A CONNECT was refused, or a connection before its CONNECT.',
    fields: {
      clientId: 'The client identifier that it sent.',
      userName: 'The user name that it sent.',
      address: 'The address of the client.',
      listener: 'The listener.',
      reasonCode: REASON_CODE,
      detail: DETAIL,
    },
  },
  handshakeRefused: {
    description: 'A connection was refused before MQTT began.',
    fields: {
      listener: 'The listener.',
      address: 'The address of the client.',
      stage: 'The stage that failed: `PROXY protocol`, `TLS` or `WebSocket`.',
      detail: DETAIL,
    },
  },
  listenerFailed: {
    description: 'A listener could not open one of its addresses; the broker runs without it.',
    fields: {
      listener: 'Its name.',
      code: 'The code of the error, such as `ERR_LISTENER_HOST`.',
      detail: DETAIL,
      retryMs: 'Milliseconds until the next attempt; `undefined` without `retry: on`.',
    },
  },
  listenerOpened: {
    description: 'A listener opened an address that had not been available.',
    fields: { listener: 'Its name.', urls: 'All of its addresses.' },
  },
  limitReached: {
    description:
      'A limit was reached that has no event of its own: connections before login, rates, remembered logins, or the HTTP API (at most one event in a second for each of its limits).',
    fields: {
      option: 'The key of the limit, or an operation of `broker.admin` of which as many are under way as may be.',
      owner:
        'What reached it: an address, a network (an IPv4 address, or an IPv6 network of `ipv6-prefix-length`), or a client identifier; empty if the limit is for all clients together.',
    },
  },
  loginPenalty: {
    description: 'Another wrong login in a row delays the next one.',
    fields: {
      network: 'Where the logins came from: an IPv4 address, or an IPv6 network of `ipv6-prefix-length`.',
      userName: 'The user name of the last one, shortened and escaped.',
      wrongLogins: 'Wrong logins so far, less than ten minutes apart.',
      delayMs: 'Milliseconds until the next one is checked.',
    },
  },
  adminAction: {
    description:
      'An operator has done something, or tried to: through the HTTP API, or by a command on `$CONTROL/dynamic-security/v1`. It is what the audit log records; calls of the program itself are not.',
    fields: {
      who: 'Who it was: `local`, `user NAME`, `link ID`, `key ID (NAME)`, `certificate NAME` or `openid NAME`.',
      from: 'The IP address; empty for the Unix domain socket.',
      what: 'The operation, `login`, `logout`, `consoleOpened`, `consoleClosed`, or the command.',
      parameters: 'Its parameters, without passwords, payloads and anything else that may be secret.',
      status: 'The outcome, as an HTTP status: below 400 if it was done.',
      code: 'Why it was not done, such as `ERR_USAGE`; `undefined` if it was.',
    },
  },
  clientDisconnected: {
    description: 'A connected client was disconnected, by itself or by the broker.',
    fields: { client: CLIENT, cause: 'Why: see below.', reasonCode: REASON_CODE, detail: DETAIL },
  },
  sessionCreated: { description: 'A session was created.', fields: { clientId: CLIENT_ID } },
  sessionEnded: {
    description: 'A session ended, and everything in it was discarded.',
    fields: { clientId: CLIENT_ID, cause: 'Why: see below.' },
  },
  subscribed: {
    description: 'A subscription was made or renewed.',
    fields: { client: CLIENT, topicFilter: TOPIC_FILTER, qos: 'The granted QoS.' },
  },
  subscribeRefused: {
    description: 'A subscription was refused.',
    fields: { client: CLIENT, topicFilter: TOPIC_FILTER, reasonCode: REASON_CODE },
  },
  unsubscribed: {
    description: 'A subscription was removed.',
    fields: { client: CLIENT, topicFilter: TOPIC_FILTER },
  },
  published: {
    description: 'A message was accepted.',
    fields: {
      client: 'The client; `undefined` for messages of the host program.',
      message: MESSAGE,
      receivers: 'Number of subscriptions it was routed to.',
    },
  },
  publishRefused: {
    description: 'A PUBLISH or a Will was refused.',
    fields: {
      client: CLIENT,
      topic: TOPIC,
      qos: 'Its QoS.',
      reasonCode: REASON_CODE,
      detail: 'Why: which plugin refused it and for what cause, or the name of the Reason Code.',
    },
  },
  delivered: {
    description: 'A message was passed to the connection of a client.',
    fields: { clientId: CLIENT_ID, message: MESSAGE, qos: 'The QoS of the delivery.' },
  },
  dropped: {
    description: 'A message did not, and will not, reach a client.',
    fields: {
      clientId:
        'The client identifier; empty if no member of a Shared Subscription took it, or if a plugin dropped it for all clients.',
      message: 'The message. If its payload was only on disk, it is missing and `message.isLoaded` is false.',
      cause: 'Why, as in [the counters](metrics.md#messages-that-did-not-reach-a-client).',
    },
  },
  retained: {
    description:
      'A retained message was set, replaced, cleared, or refused: for lack of room, or because `retain` is off.',
    fields: {
      topic: TOPIC,
      action:
        '`set`, `cleared`, `expired`, `refused` (for lack of room, or because `retain` is off), or `damaged` (the store has lost it).',
    },
  },
  memoryLimit: {
    description:
      'Something was refused because an account has reached its memory limit; emitted once until there is room again.',
    fields: {
      account: 'Whose limit it is: `connection`, `session`, `user` or `broker`.',
      owner: 'The client identifier, the user name, or the address of anonymous clients; empty for the broker.',
      bytes: 'Bytes charged to the account.',
      limit: 'The limit, in bytes.',
    },
  },
  storeLimit: {
    description:
      'A message was refused because a user has reached its share of the store (`persistence.max-bytes-per-user`); emitted once until there is room again.',
    fields: {
      owner: 'The user name, or the address of anonymous clients.',
      bytes: 'Bytes of messages that the store keeps for it.',
      limit: 'The limit, in bytes.',
    },
  },
  willPublished: {
    description: 'The Will of a client was published.',
    fields: { clientId: CLIENT_ID, topic: TOPIC },
  },
  traceEnded: {
    description: 'A trace has ended.',
    fields: {
      traceId: 'Its identifier.',
      cause:
        'Why: `stopped`; `seconds`, `records` or `bytes`: a limit was reached; `abandoned`: nobody read it; `broker closed`.',
      records: 'Records that it had.',
      recordsLost: 'How many of them were lost at `admin.max-trace-rate`.',
    },
  },
  packetReceived: { description: 'A packet was received.', fields: { clientId: CLIENT_ID, packet: PACKET } },
  packetSent: { description: 'A packet is being sent.', fields: { clientId: CLIENT_ID, packet: PACKET } },
  internalError: {
    description: 'A bug in the broker was contained: it affected one message or one connection and no other.',
    fields: { clientId: CLIENT_ID, error: 'What was thrown.' },
  },
  error: {
    description:
      'Emitted after `internalError`, with the error itself as the event. If there is no listener, nothing is thrown. `once` and `on` of `node:events` reject with it.',
    fields: {
      name: 'The class of the error.',
      message: 'What went wrong.',
      stack: 'Where.',
      cause: 'What caused it, if there is such an error.',
    },
  },
}

/** Why a connection ended. */
export const endCauseTable: Readonly<Record<EndCause, string>> = {
  'disconnected by client': 'The client sent DISCONNECT.',
  'connection lost': 'The connection was closed without DISCONNECT.',
  'connect timeout':
    'No CONNECT arrived within `connect-timeout`, or the login was not decided within `login-timeout`.',
  'keep alive timeout': 'The client was silent for 1.5 times the Keep Alive and the grace period.',
  'protocol error': 'The client broke the protocol; see the Reason Code and the detail.',
  'limit exceeded': 'The client sent more than an option allows; the detail names the option.',
  'not stored': 'The store had no room for a message, or could not write; 3.1 and 3.1.1 have no other answer to that.',
  'packet timeout': 'A packet arrived more slowly than `packet-timeout` and `min-packet-rate` allow.',
  refused: 'The client was refused before it was connected.',
  'session taken over': 'Another connection used the same client identifier.',
  'slow receiver': 'The client read nothing for `drain-timeout`.',
  'login expired': 'The login expired, such as with its token.',
  'login revoked':
    'No plugin accepts the client any longer: its user, key or password was removed, or a reload changed the rules.',
  'authentication failed': 'A re-authentication failed.',
  'disconnected by server': 'An administrator or a new configuration ended it.',
  'server shutting down': 'The broker was closing.',
  'internal error': 'A bug in the broker.',
}

/** Why a session ended. */
export const sessionEndTable: Readonly<Record<SessionEndCause, string>> = {
  expired: 'Its Session Expiry Interval has passed.',
  'clean start': 'Its client requested a new one.',
  'connection ended': 'It was to end with its connection.',
  'session limit':
    '`max-sessions` or `max-sessions-per-user` was reached, and it was the session of its owner that had been disconnected the longest.',
  administrator: 'The host program ended it.',
}
