/**
 * What each event tells: the one table that the manual's page (docs/reference/events.md) is made from. The compiler sees to it
 * that it has every event with all of its fields.
 *
 * @module
 */
import type { EndCause } from '../../protocol/server-side.ts'
import type { BrokerEvents, EventName, SessionEndCause } from './broker-events.ts'

export interface EventRow<Name extends EventName> {
  /** When it is told. */
  readonly description: string
  readonly fields: { readonly [Field in keyof BrokerEvents[Name]]: string }
}

const LISTENERS = 'The open listeners, each with `name` and `url`.'
const CLIENT =
  'The Client: `clientId`, `userName`, `claimedUserName`, `address`, `listener`, `protocolVersion`; `bridge` is true for the bridge of another broker.'
const CLIENT_ID = 'The Client Identifier.'
const TOPIC_FILTER = 'The Topic Filter.'
const TOPIC_NAME = 'The Topic Name.'
const MESSAGE = 'The Application Message, with `topicName`, `payload`, `qos`, `retain`, `properties`.'
const REASON_CODE = 'The Reason Code.'
const DETAIL = 'A sentence for people; never a password or a token.'
const PACKET = 'The Control Packet.'

export const eventTable: { readonly [Name in EventName]: EventRow<Name> } = {
  started: { description: 'All listeners are open.', fields: { listeners: LISTENERS } },
  reloaded: { description: 'A new configuration is in force.', fields: { listeners: LISTENERS } },
  storeHealth: {
    description: 'The store is full or cannot write, or is well again; while it is not, QoS 1 and 2 are refused.',
    fields: {
      healthy: 'Whether it takes new messages.',
      condition: '`well`; `full`: only what takes away is stored; `failing`: nothing can be stored now.',
      reason: 'Why it is not well; empty when it is.',
    },
  },
  closing: {
    description: 'The broker begins to close: Connections end with 0x8B.',
    fields: { connections: 'How many are open.' },
  },
  closed: {
    description: 'Everything is closed.',
    fields: {
      unstoredChanges: 'How many changes the store could not write in its time (`persistence.close-timeout`).',
    },
  },
  clientConnected: {
    description: 'CONNACK 0x00 is on its way.',
    fields: {
      client: CLIENT,
      sessionPresent: 'Whether it found its Session.',
      cleanStart: 'Whether it wanted a new one.',
    },
  },
  clientRefused: {
    description: 'A CONNECT, or a Network Connection before its CONNECT, was turned down.',
    fields: {
      clientId: 'The Client Identifier that it claimed.',
      userName: 'The User Name that it claimed.',
      address: 'Where it came from.',
      listener: 'Which listener it came to.',
      reasonCode: REASON_CODE,
      detail: DETAIL,
    },
  },
  handshakeRefused: {
    description: 'A Network Connection was turned away before MQTT began.',
    fields: {
      listener: 'Which listener it came to.',
      address: 'Where it came from.',
      stage: 'What it did not pass: `PROXY protocol`, `TLS` or `WebSocket`.',
      detail: DETAIL,
    },
  },
  listenerFailed: {
    description: 'A listener could not open one of its addresses; the broker runs without it.',
    fields: {
      listener: 'Its name.',
      code: 'The code of the error, such as `ERR_LISTENER_HOST`.',
      detail: DETAIL,
      retryMs: 'Milliseconds until it tries again; `undefined` without `retry: on`.',
    },
  },
  listenerOpened: {
    description: 'A listener has an address that it waited for.',
    fields: { listener: 'Its name.', urls: 'All of its addresses.' },
  },
  limitReached: {
    description:
      'A limit was reached that no other event names: of connections before their login, rates, and memory of logins.',
    fields: {
      option: 'The key of the limit.',
      owner:
        'Whose it is: a network (an IPv4 address, or an IPv6 network of `ipv6-prefix-length`), or a client identifier; empty where it is everybody’s.',
    },
  },
  loginPenalty: {
    description: 'A login was wrong after others, so that the next one has to wait.',
    fields: {
      network: 'Where they come from: an IPv4 address, or an IPv6 network of `ipv6-prefix-length`.',
      userName: 'The user name that the last one claimed, cut and escaped.',
      wrongLogins: 'How many were wrong without ten quiet minutes between two of them.',
      delayMs: 'Milliseconds until the next one is checked.',
    },
  },
  clientDisconnected: {
    description: 'A Client that was connected is so no longer.',
    fields: { client: CLIENT, cause: 'Why: see below.', reasonCode: REASON_CODE, detail: DETAIL },
  },
  sessionCreated: { description: 'A Session began.', fields: { clientId: CLIENT_ID } },
  sessionEnded: {
    description: 'A Session is forgotten, with what it held.',
    fields: { clientId: CLIENT_ID, cause: 'Why: see below.' },
  },
  subscribed: {
    description: 'A Topic Filter was granted, or subscribed to anew.',
    fields: { client: CLIENT, topicFilter: TOPIC_FILTER, qos: 'The granted QoS.' },
  },
  subscribeRefused: {
    description: 'A Topic Filter was refused.',
    fields: { client: CLIENT, topicFilter: TOPIC_FILTER, reasonCode: REASON_CODE },
  },
  unsubscribed: {
    description: 'A Subscription was given up.',
    fields: { client: CLIENT, topicFilter: TOPIC_FILTER },
  },
  published: {
    description: 'A message was taken over.',
    fields: {
      client: 'The Client; `undefined` for the host program’s own messages.',
      message: MESSAGE,
      receivers: 'How many Subscriptions it went to.',
    },
  },
  publishRefused: {
    description: 'A PUBLISH, or a Will, was refused.',
    fields: { client: CLIENT, topicName: TOPIC_NAME, qos: 'Its QoS.', reasonCode: REASON_CODE },
  },
  delivered: {
    description: 'A message was handed to a Client’s Connection.',
    fields: { clientId: CLIENT_ID, message: MESSAGE, qos: 'The QoS of the delivery.' },
  },
  dropped: {
    description: 'A message did not reach, or will not reach, a Client.',
    fields: {
      clientId: 'The Client Identifier; empty where no member of a Shared Subscription took it.',
      message: 'The Application Message. What waited in the store alone has no payload: `message.isLoaded` says so.',
      cause: 'Why, as in [the counters](metrics.md#messages-that-did-not-reach-a-client).',
    },
  },
  retained: {
    description:
      'A retained message was set, replaced, cleared, or refused: for lack of room, or because `retain` is off.',
    fields: {
      topicName: TOPIC_NAME,
      action:
        '`set`, `cleared`, `expired`, `refused` (for lack of room, or because `retain` is off), or `damaged`: the store has lost it.',
    },
  },
  memoryLimit: {
    description: 'Something was refused because there is no memory for it; emitted once until there is room again.',
    fields: {
      account: 'Whose limit it is: `connection`, `session`, `user` or `broker`.',
      owner: 'The client identifier, the user name, or the address of anonymous clients; empty for the broker.',
      bytes: 'What the account is charged with.',
      limit: 'What it may be charged with.',
    },
  },
  willPublished: {
    description: 'The Will of a Client went out.',
    fields: { clientId: CLIENT_ID, topicName: TOPIC_NAME },
  },
  packetReceived: { description: 'A Control Packet came.', fields: { clientId: CLIENT_ID, packet: PACKET } },
  packetSent: { description: 'A Control Packet is on its way.', fields: { clientId: CLIENT_ID, packet: PACKET } },
  internalError: {
    description: 'Our own mistake, contained: it cost one message or one Connection, nobody else’s.',
    fields: { clientId: CLIENT_ID, error: 'What was thrown.' },
  },
}

/** Why a Connection ended. */
export const endCauseTable: Readonly<Record<EndCause, string>> = {
  'disconnected by client': 'It sent DISCONNECT.',
  'connection lost': 'The Network Connection ended without DISCONNECT.',
  'connect timeout': 'No CONNECT came within `connect-timeout`, or its login was not decided within `login-timeout`.',
  'keep alive timeout': 'Nothing came for one and a half Keep Alives and the grace after it.',
  'protocol error': 'It broke the protocol; the Reason Code and the detail say how.',
  'limit exceeded': 'It sent more than an option allows; the detail names the option.',
  'not stored':
    'The store had no room for its message, or could not write; a client of 3.1 or 3.1.1 has no other answer.',
  'packet timeout': 'A packet came in more slowly than `packet-timeout` and `min-packet-rate` allow.',
  refused: 'It was turned down before it was connected.',
  'session taken over': 'Another Connection came with its Client Identifier.',
  'slow receiver': 'It took none of its bytes for `drain-timeout`.',
  'login expired': 'The time of its log-in was over, as a token’s.',
  'login revoked': 'No plugin lets it in any longer: its user, key or password is gone, or a reload changed the rules.',
  'authentication failed': 'A re-authentication did not succeed.',
  'disconnected by server': 'An administrator, or a new configuration, ended it.',
  'server shutting down': 'The broker closed.',
  'internal error': 'Our own mistake.',
}

/** Why a Session ended. */
export const sessionEndTable: Readonly<Record<SessionEndCause, string>> = {
  expired: 'Its Session Expiry Interval was over.',
  'clean start': 'Its Client wanted a new one.',
  'connection ended': 'It was to last as long as its Connection.',
  'session limit':
    'There were as many as `max-sessions` or `max-sessions-per-user` allows, and its holder came with another one: the one away longest went.',
  administrator: 'The host program ended it.',
}
