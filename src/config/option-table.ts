/**
 * Every configuration key there is, once: validation, TypeScript types, JSON Schema, reference page and tests all read
 * this table. A key lives in one of these sections (`scope`):
 *
 *   broker       top level
 *   limits       top level, and again in any listener, where it overrides
 *   listener     listeners.<name>
 *   bridge       bridges.<name>, with its queue: bridge.queue
 *   auth, auth.jwt, auth.http, auth.scram, topic-check, intercept, users, bans, persistence, log, admin, admin.openid,
 *   telemetry
 *
 * After a change run `node build/tools/reference.js`: it writes `option-types.ts`, the reference page and the JSON
 * Schema.
 *
 * @module
 */

export type OptionScope = 'broker' | 'limits' | 'listener' | SectionName

/** A section with a name of its own: the path of its key. */
export type SectionName =
  | 'auth'
  | 'auth.jwt'
  | 'auth.http'
  | 'auth.scram'
  | 'topic-check'
  | 'intercept'
  | 'users'
  | 'bans'
  | 'persistence'
  | 'log'
  | 'admin'
  | 'admin.openid'
  | 'telemetry'
  | 'bridge'
  | 'bridge.queue'

/** How a value is written; `option-schema.ts` says what each accepts. */
export type OptionType =
  | 'integer'
  | 'number'
  | 'number-or-auto'
  | 'boolean'
  | 'choice'
  | 'text'
  | 'path'
  | 'bind'
  | 'websocket-path'
  | 'origins'
  | 'hosts'
  | 'address-ranges'
  | 'protocol-versions'
  | 'certificates'
  | 'plugins'
  | 'topic-filters'
  | 'access-list'
  | 'groups'
  | 'role-map'
  | 'durability-map'
  | 'url'
  | 'headers'
  | 'choices'
  | 'section'
  | 'listeners'
  | 'bridges'
  | 'bridge-rules'
  | 'server-urls'
  | 'size'

/** One configuration key. */
export interface OptionRow {
  readonly key: string
  readonly scope: OptionScope
  readonly type: OptionType
  /** Absent: nothing is assumed, and the resolved option is `undefined`. */
  readonly default?: unknown
  readonly unit?: string
  readonly min?: number
  readonly max?: number
  /** What `choice` and `choices` choose from. */
  readonly values?: readonly (string | number)[]
  /** Never shown in a message. */
  readonly secret?: true
  /** What must be there, readable, before the broker starts. */
  readonly exists?: 'file' | 'folder'
  /** Of a URL: other addresses begin with it, so it has neither query nor fragment. */
  readonly isBase?: true
  /** What to do if it is not there. */
  readonly ifMissing?: string
  readonly description: string
  readonly since: string
}

const UINT16 = 65_535
const UINT32 = 4_294_967_295
/** A Remaining Length of 268,435,455 with the five bytes before it (§1.5.5). */
const LARGEST_PACKET = 268_435_460
const DAY = 86_400
const COUNT = { min: 0, max: UINT32 } as const
const MILLISECONDS = { unit: 'milliseconds', min: 0, max: 86_400_000 } as const
const BYTES = { unit: 'bytes', min: 0, max: Number.MAX_SAFE_INTEGER } as const

type Unscoped = Omit<OptionRow, 'scope' | 'since'> & { readonly since?: string }

function rows(scope: OptionScope, list: readonly Unscoped[]): OptionRow[] {
  return list.map((row) => ({ since: '0.1.0', ...row, scope }))
}

const brokerRows = rows('broker', [
  {
    key: 'listeners',
    type: 'listeners',
    description:
      'The addresses that clients connect to: name → settings. The other listeners inherit from `default`, which is opened itself only if it is the only entry. Without this key, one listener opens on 127.0.0.1:1883; `{}` opens none.',
  },
  {
    key: 'auth',
    type: 'section',
    description: 'Login. Without it, anonymous clients may log in, and every listener must be on a loopback address.',
  },
  {
    key: 'topic-check',
    type: 'section',
    description: 'Permissions for topics. Without it, every client may publish and subscribe to any topic.',
  },
  {
    key: 'intercept',
    type: 'section',
    description: 'Plugins that may change, refuse or drop messages on their way through the broker.',
  },
  {
    key: 'bridges',
    type: 'bridges',
    since: '0.2.0',
    description:
      'Connections of this broker to others, over which messages are exchanged: name → settings. See [bridges](../bridges.md).',
  },
  {
    key: 'users',
    type: 'section',
    since: '0.2.0',
    description:
      'Users, groups, roles and rules that are set while the broker runs, and kept in its store. With this section, `auth.store` and `acl.store` are among the plugins, unless `plugins` says otherwise.',
  },
  {
    key: 'bans',
    type: 'section',
    since: '0.2.0',
    description: 'Bans of client identifiers, users, addresses and networks, which are set while the broker runs.',
  },
  {
    key: 'persistence',
    type: 'section',
    description:
      'Where sessions, queues and retained messages are stored. Without it they are kept in memory, except that `sluice start` stores them in `sluice-data`.',
  },
  {
    key: 'log',
    type: 'section',
    description: 'What is logged, in which format, and where.',
  },
  {
    key: 'admin',
    type: 'section',
    description:
      'The HTTP API for operators, health checks and `/metrics`. Without it, none of them is served, except that `sluice start` opens the socket for commands.',
  },
  {
    key: 'telemetry',
    type: 'section',
    since: '0.2.0',
    description:
      'Export of figures, log lines and traces to an OpenTelemetry collector, by OTLP over HTTP. Without it, nothing is exported.',
  },
  {
    key: 'plugins',
    type: 'plugins',
    default: [],
    description:
      'Plugins that listen to events, such as `event_logger_plugin` and `packet_logger_plugin`: names, module paths or, in a program, objects.',
  },
  {
    key: 'max-connections',
    type: 'integer',
    default: 50_000,
    ...COUNT,
    description: 'Connections in all. Further ones are answered 0x89 (3.1.1: 0x03) and closed. 0 = no limit.',
  },
  {
    key: 'max-waiting-connections',
    type: 'integer',
    default: 100,
    min: 1,
    max: UINT32,
    description:
      'Connections beyond `max-connections` (of the broker or of a listener) that may still send their CONNECT, because it may take over a session. Beyond it, the oldest connection of the address that has the most of them is closed.',
  },
  {
    key: 'max-connections-before-connect',
    type: 'integer',
    default: 10_000,
    ...COUNT,
    description:
      'Connections in all that have not logged in: TLS handshakes, WebSocket upgrades, connections without a CONNECT, and undecided logins. Beyond it, the oldest connection of the address that has the most of them is closed. 0 = no limit.',
  },
  {
    key: 'max-connections-per-address',
    type: 'integer',
    default: 0,
    ...COUNT,
    description:
      'Connections from one IP address, counted from the moment they are accepted. IPv6 addresses are grouped by `ipv6-prefix-length`. 0 = no limit.',
  },
  {
    key: 'ipv6-prefix-length',
    type: 'integer',
    default: 64,
    unit: 'bits',
    min: 1,
    max: 128,
    description:
      'Leading bits by which IPv6 addresses are grouped wherever addresses are counted: one host usually has a whole /64.',
  },
  {
    key: 'max-connect-rate',
    type: 'number',
    default: 0,
    unit: 'per second',
    ...COUNT,
    description: 'CONNECT packets accepted per second. Further ones are answered 0x9F (3.1.1: 0x03). 0 = no limit.',
  },
  {
    key: 'max-pending-logins',
    type: 'integer',
    default: 1_000,
    min: 1,
    max: UINT32,
    description:
      'Undecided logins, including those waiting to be checked. Beyond it, a login from the address that has the most of them is answered 0x89 (3.1.1: 0x03).',
  },
  {
    key: 'max-closed-connections',
    type: 'integer',
    default: 1_000,
    min: 0,
    max: 100_000,
    description:
      'Ended connections that are remembered with the cause of each, for operators to look at. Beyond it, the oldest is forgotten. 0 = none.',
  },
  {
    key: 'max-recorder-bytes',
    type: 'integer',
    default: 33_554_432,
    unit: 'bytes',
    min: 0,
    max: UINT32,
    description:
      'Memory for the flight recorder, which keeps the latest packets (without payloads, unless `recorder-payload-bytes` is set) and decisions of each client for operators to look at. Beyond it, clients that have disconnected are forgotten, the oldest first. It is not part of `max-memory`. 0 = nothing is recorded.',
  },
  {
    key: 'max-recorder-bytes-per-client',
    type: 'integer',
    default: 8_192,
    unit: 'bytes',
    min: 576,
    max: 1_048_576,
    description:
      'Memory of the flight recorder for one client. Beyond it, and with many clients beyond an equal share of `max-recorder-bytes`, the oldest entries of the same client are overwritten.',
  },
  {
    key: 'recorder-payload-bytes',
    type: 'integer',
    default: 0,
    unit: 'bytes',
    min: 0,
    max: 1_024,
    description:
      'How many bytes of the payload of a received message the flight recorder keeps, the first ones; of messages that are counted together, those of the last. They take part of `max-recorder-bytes-per-client`. `why` shows them to the host program and to roles that `admin.show-payloads` names. Nothing is kept of messages below `$CONTROL/`, which set passwords. 0 = none.',
  },
  {
    key: 'max-sessions',
    type: 'integer',
    default: 100_000,
    ...COUNT,
    description:
      'Sessions that outlive their connections, in all. To make room for a new one, the broker ends the session of the same owner (a user name, or an address for anonymous clients) that has been disconnected the longest; if the owner has none, the new session is refused with 0x97 (3.1.1: 0x03). 0 = no limit.',
  },
  {
    key: 'max-sessions-per-user',
    type: 'integer',
    default: 50_000,
    ...COUNT,
    description:
      'Sessions that outlive their connections, per user name, or per address for anonymous clients. To make room for a new one, the broker ends the one that has been disconnected the longest; if all are connected, the new session is refused with 0x97 (3.1.1: 0x03). 0 = no limit.',
  },
  {
    key: 'max-retained-messages',
    type: 'integer',
    default: 1_000_000,
    ...COUNT,
    description: 'Retained messages. Beyond it, a message for a new topic is delivered but not retained. 0 = no limit.',
  },
  {
    key: 'max-retained-bytes',
    type: 'integer',
    default: 1_073_741_824,
    ...BYTES,
    description:
      'Memory for all retained messages together. Beyond it, a message is delivered but not retained. 0 = no limit.',
  },
  {
    key: 'max-uncommitted-bytes',
    type: 'integer',
    default: 67_108_864,
    unit: 'bytes',
    min: 65_536,
    max: Number.MAX_SAFE_INTEGER,
    description:
      'Data waiting to be written to disk. Beyond it, a client that would add to it (PUBLISH at QoS 1 or 2, a retained message, SUBSCRIBE of a stored session) waits; everything else is served.',
  },
  {
    key: 'max-input-bytes',
    type: 'integer',
    default: 134_217_728,
    unit: 'bytes',
    min: 65_536,
    max: Number.MAX_SAFE_INTEGER,
    description:
      'Input held for all clients together: packets that are incomplete or waiting for an answer, and topics behind Topic Aliases. Beyond it, the largest connections of the user or address that holds the most are disconnected with 0x97.',
  },
  {
    key: 'max-memory',
    type: 'integer',
    ...BYTES,
    description:
      "Memory for everything that the broker keeps for its clients. Default: half of Node's heap limit, or of the memory of the container or machine if that is less. 0 = no limit.",
  },
  {
    key: 'max-memory-per-user',
    type: 'integer',
    ...BYTES,
    description:
      'The same for one user name; anonymous clients are counted together by address. Default: half of `max-memory`. 0 = no limit.',
  },
  {
    key: 'retain',
    type: 'boolean',
    default: true,
    description:
      'Whether messages are retained. `off` announces Retain Available 0 (§3.2.2.3.5); for 3.1 and 3.1.1 clients, which cannot be informed, the RETAIN flag is ignored.',
  },
  {
    key: 'wildcard-subscriptions',
    type: 'boolean',
    default: true,
    description: 'Whether topic filters may contain wildcards (§3.2.2.3.11).',
  },
  {
    key: 'shared-subscriptions',
    type: 'boolean',
    default: true,
    description: 'Whether clients may use Shared Subscriptions (§3.2.2.3.13).',
  },
  {
    key: 'subscription-identifiers',
    type: 'boolean',
    default: true,
    description: 'Whether clients may use Subscription Identifiers (§3.2.2.3.12).',
  },
  {
    key: 'client-id-ownership',
    type: 'boolean',
    default: true,
    description:
      'Whether a session belongs to the user name that created it. Another user with the same client identifier is refused with 0x85 (3.1.1: 0x02).',
  },
  {
    key: 'sys-interval',
    type: 'number',
    default: 20,
    unit: 'seconds',
    min: 0,
    max: DAY,
    description: 'Interval at which the `$SYS/broker/` topics are published. 0 = never.',
  },
  {
    key: 'gather-pause',
    type: 'number-or-auto',
    default: 0,
    unit: 'milliseconds',
    min: 0,
    max: 10,
    description:
      'Pause after a small turn while many clients each send little, so that one turn serves more of them. It saves processor time and adds delay. With `auto` the broker pauses for about 0.1 milliseconds, while that gathers at least two or three packets, and not otherwise; a number sets the length. A pause blocks the whole thread, so an embedded broker does not pause by default; `sluice start` uses `auto`. 0 = none.',
  },
  {
    key: 'plugin-timeout',
    type: 'number',
    default: 5,
    unit: 'seconds',
    min: 0.01,
    max: 3_600,
    description: 'Time a plugin has for each answer. After that, the answer is no. Also the time it has to close.',
  },
  {
    key: 'plugin-start-timeout',
    type: 'number',
    default: 60,
    unit: 'seconds',
    min: 0.01,
    max: 3_600,
    description:
      'Time a plugin has to load and to start. After that, the broker does not start, or keeps the configuration that it has.',
  },
  {
    key: 'response-information',
    type: 'text',
    default: '',
    description: 'Response Information for clients that request it (§3.2.2.3.15). Empty = none.',
  },
  {
    key: 'server-reference',
    type: 'text',
    default: '',
    description: 'Server Reference for clients that are redirected to another server (§4.11). Empty = none.',
  },
])

const limitRows = rows('limits', [
  {
    key: 'max-connect-packet-size',
    type: 'integer',
    default: 65_536,
    unit: 'bytes',
    min: 16,
    max: LARGEST_PACKET,
    description: 'Largest CONNECT packet, which is received before the login.',
  },
  {
    key: 'max-packet-size',
    type: 'integer',
    default: 16_777_216,
    unit: 'bytes',
    min: 16,
    max: LARGEST_PACKET,
    description: 'Largest packet accepted from a client; announced as Maximum Packet Size (§3.2.2.3.6).',
  },
  {
    key: 'max-user-properties',
    type: 'integer',
    default: 1_000,
    min: 1,
    max: UINT32,
    description:
      'User Properties in one packet, or in the Will of a CONNECT. A client that sends more is disconnected with 0x97.',
  },
  {
    key: 'max-filters-per-packet',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: UINT32,
    description:
      'Topic filters in one SUBSCRIBE or UNSUBSCRIBE. A client that sends more is disconnected with 0x97 (3.1.1: without a code).',
  },
  {
    key: 'connect-timeout',
    type: 'number',
    default: 10,
    unit: 'seconds',
    min: 0.1,
    max: 3_600,
    description:
      'Time from accepting a connection to the end of its CONNECT packet, and for each answer in an AUTH exchange.',
  },
  {
    key: 'login-timeout',
    type: 'number',
    default: 30,
    unit: 'seconds',
    min: 0.1,
    max: 3_600,
    description:
      'Time until a login is decided, including the wait to be checked. After that, it is answered 0x89 (3.1.1: 0x03).',
  },
  {
    key: 'packet-timeout',
    type: 'number',
    default: 30,
    unit: 'seconds',
    min: 1,
    max: DAY,
    description:
      'Time to receive a complete packet, in addition to the time that its bytes take at `min-packet-rate`. A slower client is disconnected with 0x97.',
  },
  {
    key: 'min-packet-rate',
    type: 'integer',
    default: 100,
    unit: 'bytes per second',
    min: 1,
    max: UINT32,
    description: 'Lowest rate at which a packet may arrive after `packet-timeout`.',
  },
  {
    key: 'timeout-disconnect-delay',
    type: 'number',
    default: 0,
    unit: 'seconds',
    min: 0,
    max: DAY,
    description: 'Grace period after 1.5 times the Keep Alive before a silent client is disconnected (§3.1.2.10).',
  },
  {
    key: 'max-keep-alive',
    type: 'integer',
    default: 0,
    unit: 'seconds',
    min: 0,
    max: UINT16,
    description:
      'Longest Keep Alive. A 5.0 client that requests a longer one, or none, is given this one; for older clients, see `keep-alive-too-long`. 0 = no limit.',
  },
  {
    key: 'keep-alive-too-long',
    type: 'choice',
    values: ['refuse', 'hold'],
    default: 'refuse',
    description:
      'What happens to a 3.1 or 3.1.1 client that requests a Keep Alive longer than `max-keep-alive`, or none, since it cannot be given another one: `refuse` answers CONNACK 0x02; `hold` accepts it and disconnects it once it has been silent for 1.5 times `max-keep-alive` plus `keep-alive-grace`.',
  },
  {
    key: 'keep-alive-grace',
    type: 'number',
    default: 60,
    unit: 'seconds',
    min: 0,
    max: DAY,
    description:
      'Grace period for clients accepted by `keep-alive-too-long: hold`, which do not know that they should send more often.',
  },
  {
    key: 'receive-maximum',
    type: 'integer',
    default: 1_000,
    min: 1,
    max: UINT16,
    description: 'QoS 1 and 2 messages that a client may have in flight to the broker (§3.2.2.3.3).',
  },
  {
    key: 'max-inflight-messages',
    type: 'integer',
    default: 1_000,
    min: 1,
    max: UINT16,
    description: "QoS 1 and 2 messages in flight to one client. The client's own Receive Maximum may lower it.",
  },
  {
    key: 'max-qos',
    type: 'choice',
    values: [0, 1, 2],
    default: 2,
    description:
      'Highest QoS granted to subscriptions and accepted from publishers (§3.2.2.3.4). 3.1 and 3.1.1 clients cannot be informed; their messages and Wills of a higher QoS are accepted and lowered to this one.',
  },
  {
    key: 'topic-alias-maximum',
    type: 'integer',
    default: 32,
    min: 0,
    max: UINT16,
    description: 'Topic Aliases that a client may use when it publishes (§3.2.2.3.8). 0 = none.',
  },
  {
    key: 'max-outgoing-topic-aliases',
    type: 'integer',
    default: 32,
    min: 0,
    max: UINT16,
    description:
      'Topic Aliases that the broker uses towards a client, if the client allows that many, for topics of at most 65,536 characters together. 0 = none.',
  },
  {
    key: 'max-outgoing-bytes',
    type: 'integer',
    default: 1_048_576,
    unit: 'bytes',
    min: 1_024,
    max: Number.MAX_SAFE_INTEGER,
    description: 'Output waiting for one connection before QoS 0 messages for it are dropped.',
  },
  {
    key: 'drain-timeout',
    type: 'number',
    default: 60,
    unit: 'seconds',
    min: 0.1,
    max: DAY,
    description: 'Time after which a client that reads nothing is disconnected.',
  },
  {
    key: 'max-session-expiry',
    type: 'integer',
    default: 2_592_000,
    unit: 'seconds',
    min: 0,
    max: UINT32,
    description:
      'Longest Session Expiry Interval granted, and the one given to a 3.1.1 client with CleanSession 0. 4294967295 = no limit.',
  },
  {
    key: 'max-queued-messages',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: UINT32,
    description: 'QoS 1 and 2 messages waiting in one session.',
  },
  {
    key: 'max-queued-messages-connected',
    type: 'integer',
    default: 1_000_000,
    min: 1,
    max: UINT32,
    description:
      'The same while the client is connected, if this is more; the queue is then limited by `max-queued-bytes`.',
  },
  {
    key: 'max-queued-bytes',
    type: 'integer',
    default: 16_777_216,
    unit: 'bytes',
    min: 1_024,
    max: Number.MAX_SAFE_INTEGER,
    description: 'Memory that the messages waiting in one session would take, wherever their payloads are kept.',
  },
  {
    key: 'max-memory-per-connection',
    type: 'integer',
    ...BYTES,
    description:
      'Memory for one connection: packets that are incomplete or waiting for an answer (beyond it, the connection is closed with 0x97), and output that is unread or waiting for the store (beyond it, QoS 0 is dropped and everything else waits). Default: four times `max-packet-size`, but at least 64 MiB. 0 = no limit.',
  },
  {
    key: 'max-memory-per-session',
    type: 'integer',
    default: 67_108_864,
    ...BYTES,
    description:
      'Memory for one session: its subscriptions, its Will, and its messages, waiting or in flight. 0 = no limit.',
  },
  {
    key: 'queue-full',
    type: 'choice',
    values: ['drop-newest', 'drop-oldest'],
    default: 'drop-newest',
    description:
      'Which message is dropped when the queue of a session is full. Each drop is counted and emitted as an event.',
  },
  {
    key: 'max-delivery-attempts',
    type: 'integer',
    default: 10,
    ...COUNT,
    description:
      'QoS 1 and 2 messages are sent again on each new connection until they are acknowledged. A message is dropped once this many connections have ended because the client broke the protocol over it. 0 = never.',
  },
  {
    key: 'max-subscriptions',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: UINT32,
    description: 'Subscriptions of one client. Further ones are refused with SUBACK 0x97 (3.1.1: 0x80).',
  },
  {
    key: 'max-topic-levels',
    type: 'integer',
    default: 200,
    min: 1,
    max: 65_535,
    description: 'Levels in a topic name or topic filter.',
  },
  {
    key: 'protocol-versions',
    type: 'protocol-versions',
    default: [3, 4, 5],
    description: 'Protocol versions accepted, written as 3.1, 3.1.1 and 5.0.',
  },
  {
    key: 'bridge-clients',
    type: 'boolean',
    default: true,
    description:
      'Whether 3.1 and 3.1.1 clients may identify themselves as the bridge of another broker, as Mosquitto does. A bridge does not receive the messages it has published, receives RETAIN as published, and may publish to `$SYS/broker/connection/CLIENT-ID/state` with its own client identifier. If off, it is answered 0x01, and Mosquitto then connects as an ordinary client.',
  },
  {
    key: 'max-publish-rate',
    type: 'number',
    default: 0,
    unit: 'per second',
    ...COUNT,
    description: 'Messages that one client may publish. Beyond it, the client is read more slowly. 0 = no limit.',
  },
  {
    key: 'max-byte-rate',
    type: 'number',
    default: 0,
    unit: 'per second',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    description: 'Bytes that one client may send. Beyond it, the client is read more slowly. 0 = no limit.',
  },
])

const listenerRows = rows('listener', [
  {
    key: 'type',
    type: 'choice',
    values: ['tcp', 'ws', 'unix'],
    default: 'tcp',
    description: 'Transport: TCP, WebSocket, or Unix domain socket. With `ssl`, the first two become mqtts and wss.',
  },
  {
    key: 'bind',
    type: 'bind',
    description:
      '`host:port`, `[v6]:port`, or `:port` for every interface; port 0 selects a free port. A host name stands for all of its addresses. `[::]` also accepts IPv4, unless another listener has an IPv4 address with the same port. For `type: unix`, the path of the socket. Not inherited.',
  },
  {
    key: 'retry',
    type: 'boolean',
    default: false,
    description:
      'If the address is not available (the interface comes up after boot, the name does not resolve yet, another program uses it), the broker starts without it and tries again, after 1 s at first and then at intervals of up to 60 s. If off, the start fails.',
  },
  {
    key: 'max-connections',
    type: 'integer',
    default: 0,
    ...COUNT,
    description: 'Connections of this listener. Further ones are answered 0x89 (3.1.1: 0x03) and closed. 0 = no limit.',
  },
  {
    key: 'mode',
    type: 'text',
    default: '',
    description:
      "For `type: unix`: the permissions of the socket, as an octal file mode in quotes, such as `'0660'`. Empty = given by the umask of the process, or 0660 with `group`.",
  },
  {
    key: 'group',
    type: 'text',
    default: '',
    description:
      'For `type: unix`: the group of the socket, by number or by its name in /etc/group. The process must be a member of it. Empty = the group of the process.',
  },
  {
    key: 'client-id',
    type: 'choice',
    values: ['any', 'user-name'],
    default: 'any',
    description:
      'Which client identifiers this listener accepts. `user-name`: only the user name itself; any other, or an empty one, is refused with 0x85 (3.1.1: 0x02).',
  },
  {
    key: 'client-id-prefix',
    type: 'text',
    default: '',
    description:
      'Required prefix of client identifiers; `%u` in it stands for the user name. Any other identifier, an empty one, or (with `%u`) that of a client without a user name is refused with 0x85 (3.1.1: 0x02). Empty = any.',
  },
  {
    key: 'max-handshakes',
    type: 'integer',
    default: 1_000,
    min: 1,
    max: UINT32,
    description:
      'Connections of this listener that have not completed what precedes MQTT: a PROXY header, a TLS handshake, a WebSocket upgrade. Beyond it, the oldest connection of the address that has the most of them is closed.',
  },
  {
    key: 'ssl',
    type: 'boolean',
    default: false,
    description: 'Whether the listener uses TLS; requires `certfile` and `keyfile`.',
  },
  { key: 'certfile', type: 'path', exists: 'file', description: "The listener's certificate chain, in PEM." },
  { key: 'keyfile', type: 'path', exists: 'file', description: 'The private key of `certfile`, in PEM.' },
  {
    key: 'keyfile-password-file',
    type: 'path',
    exists: 'file',
    description: 'A file whose first line is the password of an encrypted `keyfile`.',
  },
  { key: 'cafile', type: 'path', exists: 'file', description: 'CAs that may issue client certificates: a PEM file.' },
  {
    key: 'capath',
    type: 'path',
    exists: 'folder',
    description: 'CAs that may issue client certificates: a folder of PEM files.',
  },
  {
    key: 'cadata',
    type: 'text',
    secret: true,
    description: 'CAs that may issue client certificates: PEM text in the configuration itself.',
  },
  {
    key: 'crlfile',
    type: 'path',
    exists: 'file',
    description:
      'Revoked certificates: a PEM file of CRLs. It must hold the list of each CA that issues client certificates; a CA is itself checked if the list of the CA above it is present.',
  },
  {
    key: 'certificate-warning-days',
    type: 'integer',
    default: 14,
    unit: 'days',
    min: 0,
    max: 3_650,
    description:
      'How many days before a certificate, CA or CRL expires the log starts to warn: at start, at a reload, and daily. The health check `certificates` fails as early for certificates of the listener. 0 = only once it has expired.',
  },
  {
    key: 'client-certificates',
    type: 'choice',
    values: ['off', 'optional', 'required'],
    description: 'Whether clients present a certificate. Default `optional` if a CA is given, otherwise `off`.',
  },
  {
    key: 'certificate-user-name',
    type: 'choice',
    values: ['off', 'cn', 'subject', 'san'],
    default: 'off',
    description: 'Which part of a client certificate is used as the user name.',
  },
  {
    key: 'certificates',
    type: 'certificates',
    default: [],
    description:
      'Additional certificates, selected by SNI: a list of `server-name`, `certfile`, `keyfile`, `keyfile-password-file`.',
  },
  {
    key: 'min-tls-version',
    type: 'choice',
    values: ['1.2', '1.3'],
    default: '1.2',
    description: 'Oldest TLS version accepted.',
  },
  {
    key: 'proxy-protocol',
    type: 'boolean',
    default: false,
    description: 'Whether every connection begins with a PROXY protocol header (v1 or v2); requires `trusted-proxies`.',
  },
  {
    key: 'trusted-proxies',
    type: 'address-ranges',
    default: [],
    description: 'Addresses (`10.0.0.1`, `10.0.0.0/8`) whose PROXY header or `X-Forwarded-For` is trusted.',
  },
  {
    key: 'websocket-path',
    type: 'websocket-path',
    default: '',
    description: 'The only path accepted for WebSocket connections, such as `/mqtt`. Empty = any.',
  },
  {
    key: 'allowed-origins',
    type: 'origins',
    default: [],
    description:
      "Origins whose pages may connect by WebSocket, in addition to those of the listener's own host and port: `https://example.com`, `https://*.example.com` for its subdomains, `null` for pages without an origin, `*` for any. A request without an `Origin` header does not come from a page and is accepted.",
  },
  {
    key: 'allowed-hosts',
    type: 'hosts',
    default: [],
    description:
      "Host names under which the listener's own pages may connect where anonymous clients may log in; `localhost` and IP addresses are always allowed. A foreign site could point any other name at this address.",
  },
  {
    key: 'allow-anonymous',
    type: 'boolean',
    description: 'Overrides `auth.allow-anonymous` for this listener.',
  },
  {
    key: 'auth-plugins',
    type: 'plugins',
    description: 'Which of `auth.plugins` are asked about clients of this listener. Default: all of them.',
  },
  {
    key: 'durability',
    type: 'choice',
    values: ['disk', 'process', 'memory'],
    description: 'Overrides `persistence.durability` for messages received by this listener.',
  },
  {
    key: 'tcp-keepalive',
    type: 'integer',
    default: 600,
    unit: 'seconds',
    min: 0,
    max: 32_767,
    description: 'Idle time after which the operating system probes whether the peer is still there. 0 = never.',
  },
])

const authRows = rows('auth', [
  {
    key: 'plugins',
    type: 'plugins',
    description:
      'Plugins that decide about logins, by name. Default: those with settings: `auth.store` with the section `users`, `auth.file` with `password-file`, `auth.jwt`, `auth.http` and `auth.scram` with their sections, `auth.certificate` with `certificate-user-name`, and `auth.anonymous` with `allow-anonymous` on any listener.',
  },
  {
    key: 'allow-anonymous',
    type: 'boolean',
    default: false,
    description: 'Whether `auth.anonymous` accepts clients without a user name and password.',
  },
  {
    key: 'unknown-user-names',
    type: 'choice',
    values: ['refuse', 'as-anonymous'],
    description:
      'Where anonymous clients may log in: what happens to a client that sends a user name or a password that no plugin recognizes. It is refused, or accepted as an anonymous client, whose name has no effect and is only reported, as `claimedUserName`. Default: `as-anonymous` if `auth.anonymous` is the only login plugin, otherwise `refuse`.',
  },
  {
    key: 'password-file',
    type: 'path',
    exists: 'file',
    ifMissing: '`sluice passwd FILE USER` creates it',
    description: 'A file with lines of `user:hash` for `auth.file`, as written by `sluice passwd`.',
  },
  {
    key: 'max-password-checks',
    type: 'integer',
    default: 2,
    min: 1,
    max: 100_000,
    description:
      'Password checks given to the thread of `auth.file` at one time. The others wait, one address after the other.',
  },
  {
    key: 'password-cache-ms',
    type: 'integer',
    default: 60_000,
    ...MILLISECONDS,
    description: 'How long `auth.file` remembers a correct password. 0 = not at all.',
  },
  {
    key: 'login-delay-after',
    type: 'integer',
    default: 3,
    ...COUNT,
    description:
      'Consecutive wrong logins from one address that cause no delay. After that, the next login from it is checked after 250 ms, and each further one after twice as long as the one before, one at a time.',
  },
  {
    key: 'max-login-delay-ms',
    type: 'integer',
    default: 5_000,
    ...MILLISECONDS,
    description: 'Longest delay between two logins of an address that has had wrong ones. 0 = no delay.',
  },
  {
    key: 'max-logins-per-address',
    type: 'integer',
    default: 16,
    min: 1,
    max: UINT32,
    description:
      'Logins of one address that are checked at one time while none has been wrong. The others from that address wait. User names that have logged in from it before are counted separately.',
  },
  {
    key: 'max-delayed-addresses',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: UINT32,
    description: 'Addresses whose wrong logins are remembered, for ten minutes. Beyond it, the oldest is forgotten.',
  },
  {
    key: 'max-delayed-names',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: UINT32,
    description:
      'User names whose wrong logins are remembered, for ten minutes. Beyond it, the oldest is forgotten. They delay only logins from addresses from which that user has not logged in.',
  },
  {
    key: 'max-known-logins',
    type: 'integer',
    default: 50_000,
    min: 1,
    max: UINT32,
    description:
      'Pairs of a user name and an address from which it has logged in that are remembered while the broker runs. Beyond it, the oldest is forgotten.',
  },
  {
    key: 'client-ids',
    type: 'groups',
    default: {},
    description:
      'Client identifiers of individual users: user name → list, in which a trailing `*` matches anything. A listed user with any other identifier is refused with 0x85 (3.1.1: 0x02); other users are not affected.',
  },
  {
    key: 'penalty-exempt',
    type: 'address-ranges',
    default: [],
    description: 'Addresses (`10.0.0.1`, `10.0.0.0/8`) whose wrong logins cause no delay.',
  },
  { key: 'jwt', type: 'section', description: 'Settings of `auth.jwt`: login by JSON Web Token.' },
  { key: 'http', type: 'section', description: 'Settings of `auth.http`: a web service decides about each login.' },
  { key: 'scram', type: 'section', description: 'Settings of `auth.scram`: SCRAM-SHA-256 for 5.0 clients (§4.12).' },
])

const jwtRows = rows('auth.jwt', [
  {
    key: 'key-file',
    type: 'path',
    exists: 'file',
    description:
      'A public key or certificate (PEM), or a JWK or JWKS. One of `key-file`, `jwks-url`, `secret-file` is required.',
  },
  { key: 'jwks-url', type: 'url', description: 'The URL at which the issuer publishes its keys.' },
  {
    key: 'secret-file',
    type: 'path',
    exists: 'file',
    description: 'A shared secret of at least 32 bytes, for HS256, HS384 and HS512.',
  },
  {
    key: 'from',
    type: 'choice',
    values: ['password', 'user-name'],
    default: 'password',
    description: 'Which field of CONNECT carries the token.',
  },
  {
    key: 'algorithms',
    type: 'choices',
    values: [
      ...['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
      ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
    ],
    description: 'Signature algorithms accepted. Default: all that fit the kind of key.',
  },
  { key: 'issuer', type: 'text', description: 'Required value of `iss`.' },
  { key: 'audience', type: 'text', description: 'Required value of `aud`.' },
  {
    key: 'user-name-claim',
    type: 'text',
    default: 'sub',
    description: "The claim that becomes the client's user name.",
  },
  { key: 'require-expiry', type: 'boolean', default: true, description: 'Whether a token without `exp` is refused.' },
  {
    key: 'clock-tolerance-ms',
    type: 'integer',
    default: 0,
    ...MILLISECONDS,
    description: "Tolerated difference between the issuer's clock and the broker's.",
  },
  {
    key: 'fetch-timeout-ms',
    type: 'integer',
    default: 3_000,
    ...MILLISECONDS,
    description: 'Time the issuer has to answer.',
  },
  {
    key: 'max-answer-bytes',
    type: 'integer',
    default: 1_048_576,
    unit: 'bytes',
    min: 1,
    max: UINT32,
    description: 'Largest key set accepted from the issuer. A longer one is discarded, and the login is denied.',
  },
])

const httpRows = rows('auth.http', [
  { key: 'url', type: 'url', description: 'The URL to which each login is posted, as JSON. Required.' },
  {
    key: 'headers',
    type: 'headers',
    secret: true,
    description: 'Headers sent with each request, such as a secret that identifies the broker.',
  },
  {
    key: 'timeout-ms',
    type: 'integer',
    default: 3_000,
    ...MILLISECONDS,
    description: 'Time the service has to answer. After that, the answer is no.',
  },
  {
    key: 'cache-ms',
    type: 'integer',
    default: 10_000,
    ...MILLISECONDS,
    description: 'How long an answer that allows a login is remembered. 0 = not at all.',
  },
  {
    key: 'recheck-url',
    type: 'url',
    description:
      'The URL to ask, without the password, whether a client that has logged in may stay. Default: such clients stay until they disconnect, or until the time given by the service.',
  },
  {
    key: 'recheck-ms',
    type: 'integer',
    default: 0,
    ...MILLISECONDS,
    description: 'Interval between such checks. 0 = only after a reload, and when another plugin revokes logins.',
  },
  {
    key: 'max-connections',
    type: 'integer',
    default: 16,
    min: 1,
    max: UINT16,
    description: 'Connections to the service.',
  },
  {
    key: 'max-pending',
    type: 'integer',
    default: 100,
    min: 1,
    max: UINT32,
    description: 'Requests in progress at one time. The others wait, one address after the other.',
  },
  {
    key: 'max-answer-bytes',
    type: 'integer',
    default: 65_536,
    unit: 'bytes',
    min: 1,
    max: UINT32,
    description: 'Largest answer accepted. A longer one is discarded, and the login is denied.',
  },
])

const scramRows = rows('auth.scram', [
  {
    key: 'file',
    type: 'path',
    exists: 'file',
    description: 'Users and their credentials, as written by `sluice passwd --kind scram-sha-256`. Required.',
  },
])

const topicCheckRows = rows('topic-check', [
  { key: 'enabled', type: 'boolean', default: true, description: 'Whether topics are checked at all.' },
  {
    key: 'plugins',
    type: 'plugins',
    description:
      'Plugins that decide about topics, by name. Default: `acl.store` if there is a section `users`, `topic_acl` if `acl` is given, `acl.file` if `acl-file` is, `topic_taboo` if `taboo` is.',
  },
  {
    key: 'acl',
    type: 'access-list',
    description:
      'For `topic_acl`: user → list of topic filters to publish and subscribe to, or a map of `publish`, `subscribe` and `deny` lists. The entry `anonymous` applies to clients without a user name, not to a user of that name. `%u` and `%c` as a whole level stand for the user name and the client identifier.',
  },
  {
    key: 'taboo',
    type: 'topic-filters',
    description:
      'For `topic_taboo`: topic filters that only the user `admin` may use. Default `[prohibited, top-secret, data/classified]`.',
  },
  {
    key: 'groups',
    type: 'groups',
    description: 'For `topic_acl`: group → list of users. An `acl` entry named `@group` applies to all of them.',
  },
  {
    key: 'retained-check',
    type: 'choice',
    values: ['off', 'publisher'],
    default: 'off',
    description:
      'Whether new subscriptions receive a retained message whose publisher may no longer publish to its topic. `off`: they do. `publisher`: they do not, and the message is counted and reported as dropped.',
  },
  {
    key: 'acl-file',
    type: 'path',
    exists: 'file',
    description: "A file of rules in Mosquitto's format, for `acl.file`.",
  },
])

const interceptRows = rows('intercept', [
  {
    key: 'plugins',
    type: 'plugins',
    default: [],
    description:
      'Plugins that intercept messages, in the order in which each message passes through them; those of the top-level `plugins` that intercept messages follow. Other keys in this section are options for these plugins.',
  },
])

const usersRows = rows('users', [
  {
    key: 'initial-file',
    type: 'path',
    exists: 'file',
    since: '0.2.0',
    description:
      'A file with the first users, groups and roles, read at a start that finds none in the store: an export, or a file that `mosquitto_ctrl dynsec init` made.',
  },
  {
    key: 'dynamic-security',
    type: 'boolean',
    default: false,
    since: '0.2.0',
    description:
      'Whether users with the role `administrator` may change users, groups and roles by messages to `$CONTROL/dynamic-security/v1`, as `mosquitto_ctrl dynsec` sends them.',
  },
  {
    key: 'max-users',
    type: 'integer',
    default: 100_000,
    min: 0,
    max: 10_000_000,
    since: '0.2.0',
    description: 'Users that can be kept. Each takes about 1 KB of memory.',
  },
  {
    key: 'max-groups',
    type: 'integer',
    default: 10_000,
    min: 0,
    max: 1_000_000,
    since: '0.2.0',
    description: 'Groups that can be kept.',
  },
  {
    key: 'max-roles',
    type: 'integer',
    default: 10_000,
    min: 0,
    max: 1_000_000,
    since: '0.2.0',
    description: 'Roles that can be kept.',
  },
  {
    key: 'max-rules',
    type: 'integer',
    default: 100_000,
    min: 0,
    max: 10_000_000,
    since: '0.2.0',
    description: 'Rules of all roles together. Each takes about 500 bytes of memory.',
  },
])

const bansRows = rows('bans', [
  {
    key: 'max-bans',
    type: 'integer',
    default: 10_000,
    min: 0,
    max: 1_000_000,
    since: '0.2.0',
    description: 'Bans that can be kept. Those that are over are removed first.',
  },
  {
    key: 'flapping-connects',
    type: 'integer',
    default: 0,
    ...COUNT,
    since: '0.2.0',
    description:
      'Connections of one client identifier, or CONNECT packets from one address, within `flapping-window`, that lead to a ban for `flapping-ban`. 0 = none do.',
  },
  {
    key: 'flapping-window',
    type: 'integer',
    default: 60,
    unit: 'seconds',
    min: 1,
    max: DAY,
    since: '0.2.0',
    description: 'The time in which connections are counted for `flapping-connects`.',
  },
  {
    key: 'flapping-ban',
    type: 'integer',
    default: 300,
    unit: 'seconds',
    min: 1,
    max: UINT32,
    since: '0.2.0',
    description: 'How long a client identifier or address that reached `flapping-connects` is banned.',
  },
])

const persistenceRows = rows('persistence', [
  {
    key: 'path',
    type: 'path',
    default: 'sluice-data',
    description: 'Folder for the data; created if it does not exist.',
  },
  {
    key: 'durability',
    type: 'choice',
    values: ['disk', 'process', 'memory'],
    default: 'disk',
    description:
      'What acknowledged data survives: a power cut (`disk`), a crash of the process (`process`), or neither (`memory`).',
  },
  {
    key: 'topics',
    type: 'durability-map',
    default: {},
    description:
      'Durability for messages of particular topics: a map from topic filter to level. The first match applies and overrides that of the listener.',
  },
  {
    key: 'max-bytes',
    type: 'integer',
    default: 0,
    ...BYTES,
    description:
      'Disk space for the data, in addition to a reserve of 64 kB to 4 MB. Beyond it, new messages, sessions and subscriptions are refused until enough has been consumed. 0 = no limit.',
  },
  {
    key: 'max-bytes-per-user',
    type: 'integer',
    ...BYTES,
    description:
      'Messages in the data that belong to one user name: retained by it, or queued for its sessions. Anonymous clients are counted together by address. Beyond it, messages are dropped for that user, and answered with 0x97 if nobody takes them. Default: half of `max-bytes`. 0 = no limit.',
  },
  {
    key: 'max-ram-bytes',
    type: 'integer',
    default: 134_217_728,
    ...BYTES,
    description:
      'Memory for stored messages that wait in sessions. Beyond it, payloads are kept only on disk until they are due.',
  },
  {
    key: 'max-session-ram-bytes',
    type: 'integer',
    default: 524_288,
    ...BYTES,
    description: 'The same for one session.',
  },
  {
    key: 'close-timeout',
    type: 'number',
    default: 5,
    unit: 'seconds',
    min: 0.1,
    max: DAY,
    description:
      'Time that the broker waits for the disk when it stops. Whatever is not stored by then is discarded and reported; except at the level `memory`, none of it had been acknowledged.',
  },
])

const logRows = rows('log', [
  {
    key: 'level',
    type: 'choice',
    values: ['debug', 'info', 'warn', 'error'],
    default: 'info',
    description: 'Lowest level that `sluice start` logs; overridden by `--log-level`.',
  },
  {
    key: 'connections',
    type: 'boolean',
    default: true,
    description: 'Whether to log a line at info for each client that connects or disconnects.',
  },
  {
    key: 'refusals',
    type: 'boolean',
    default: true,
    description:
      'Whether to log a line at info for each connection that is refused: by a login plugin, a limit, TLS, a PROXY header or a WebSocket request, and for each address whose logins are slowed. Identical refusals from one address are summed up every ten seconds.',
  },
  {
    key: 'denials',
    type: 'boolean',
    default: true,
    description:
      'Whether to log a line at info for each PUBLISH, subscription and delivery that is denied, with the rule that decided, and for each PUBLISH for which there is no room. Those of one user at one address are summed up every ten seconds.',
  },
  {
    key: 'format',
    type: 'choice',
    values: ['text', 'json'],
    description:
      'Format of the lines that `sluice start` writes. Default: `text` on a terminal and in the systemd journal, otherwise `json`.',
  },
  {
    key: 'time',
    type: 'choice',
    values: ['iso', 'epoch', 'none'],
    description:
      'Timestamp at the start of a line: ISO 8601 in UTC, milliseconds since 1970, or none. Default: the time of day on a terminal, `none` for text in the journal, which adds its own, otherwise `iso`.',
  },
  {
    key: 'priorities',
    type: 'boolean',
    description:
      'Whether a line begins with its priority, such as `<6>`, for the systemd journal. Default: on if standard output is the journal (`JOURNAL_STREAM`).',
  },
  {
    key: 'file',
    type: 'path',
    description:
      'A file to which `sluice start` appends the log instead of standard output. SIGHUP reopens it, so that it can be rotated.',
  },
])

const adminRows = rows('admin', [
  {
    key: 'bind',
    type: 'bind',
    description:
      'Where the HTTP API is served over TCP: `host:port`, `[v6]:port`, or `:port` for every interface; port 0 selects a free port. `auto` = `127.0.0.1:8083`, and if that is taken, a warning instead of an error. `off` = not over TCP. Default: `off`; for `sluice start`, `auto`.',
  },
  {
    key: 'socket',
    type: 'text',
    description:
      'Path of the Unix domain socket of the HTTP API, for commands on the same machine. Anyone who can open it (the user that runs the broker, and root) is an administrator. `off` = none. Default: `admin.sock` in the folder of `persistence.path`; without persistence, `sluice-admin.sock` in `$XDG_RUNTIME_DIR`, or none if that is not set.',
  },
  {
    key: 'ssl',
    type: 'boolean',
    default: false,
    description: 'Whether the TCP address uses TLS; requires `certfile` and `keyfile`. A reload reads the files again.',
  },
  { key: 'certfile', type: 'path', exists: 'file', description: 'The certificate chain of the HTTP API, in PEM.' },
  { key: 'keyfile', type: 'path', exists: 'file', description: 'The private key of `certfile`, in PEM.' },
  {
    key: 'keyfile-password-file',
    type: 'path',
    exists: 'file',
    description: 'A file whose first line is the password of an encrypted `keyfile`.',
  },
  {
    key: 'cafile',
    type: 'path',
    exists: 'file',
    description:
      'CAs whose client certificates are a login to the HTTP API, with the role `certificate-role`: a PEM file. Without it, certificates are not asked for.',
  },
  {
    key: 'certificate-warning-days',
    type: 'integer',
    default: 14,
    unit: 'days',
    min: 0,
    max: 3_650,
    description:
      'How many days before `certfile` or a CA expires the log starts to warn, at start and at a reload, and the health check `certificates` fails for `certfile`. 0 = only once it has expired.',
  },
  {
    key: 'certificate-role',
    type: 'choice',
    values: ['viewer', 'operator', 'administrator'],
    default: 'viewer',
    description: 'The role of a client that has logged in by its certificate.',
  },
  { key: 'openid', type: 'section', description: 'Tokens of an OpenID provider as a login to the HTTP API.' },
  {
    key: 'keys-file',
    type: 'path',
    description:
      'The file of API keys, which `createApiKey` writes: only hashes of them, mode 0600. Default: `admin-keys.json` in the folder of `persistence.path`; without persistence, none, and keys cannot be made.',
  },
  {
    key: 'audit-file',
    type: 'text',
    description:
      'The audit log: a line of JSON for each action through the HTTP API, and for each request that was refused for its role. `off` = none. Default: `admin-audit.jsonl` in the folder of `persistence.path`; without persistence, none.',
  },
  {
    key: 'history-file',
    type: 'text',
    description:
      'Where the figures of the last month are stored, once an hour, for the plots of the page; a file that cannot be read is renamed to end in `.unreadable`. `off` = nowhere: they begin anew with each start. Default: `admin-history.json` in the folder of `persistence.path`; without persistence, nowhere.',
  },
  {
    key: 'max-audit-bytes',
    type: 'integer',
    default: 16_777_216,
    unit: 'bytes',
    min: 65_536,
    max: Number.MAX_SAFE_INTEGER,
    description:
      'Size of the audit log after which it is renamed to end in `.1` and a new one begins. The one before is deleted.',
  },
  {
    key: 'audit-failure',
    type: 'choice',
    values: ['go-on', 'refuse'],
    default: 'go-on',
    description:
      'What happens while the audit log cannot be written: actions go on, and up to 1,000 lines wait; or they are refused with 503 until it can. Views are never refused.',
  },
  {
    key: 'max-logins',
    type: 'integer',
    default: 100,
    min: 1,
    max: UINT16,
    description:
      'Logins to the HTTP API with a browser at one time. Beyond it, the oldest login of the user who has most of them ends.',
  },
  {
    key: 'login-idle-timeout',
    type: 'number',
    default: 1_800,
    unit: 'seconds',
    min: 10,
    max: UINT32,
    description: 'Time without a request after which a login with a browser ends.',
  },
  {
    key: 'login-lifetime',
    type: 'number',
    default: 43_200,
    unit: 'seconds',
    min: 10,
    max: UINT32,
    description: 'Time after which a login with a browser ends, whether it is used or not.',
  },
  {
    key: 'allowed-hosts',
    type: 'hosts',
    default: [],
    description:
      'Host names under which the HTTP API may be requested over TCP, in addition to the host of `bind`; `localhost` and IP addresses are always allowed. A foreign site could point any other name at this address.',
  },
  {
    key: 'metrics-networks',
    type: 'address-ranges',
    default: [],
    description:
      'Addresses and networks (`10.0.0.1`, `10.0.0.0/8`) that may read `/metrics` without a login. Behind a proxy on this machine, every request comes from 127.0.0.1.',
  },
  {
    key: 'max-connections',
    type: 'integer',
    default: 100,
    min: 1,
    max: UINT16,
    description:
      'Connections to the socket, and as many to `bind`. Beyond it, the oldest connection without a request under way gives way: of the address that has most of them (IPv6 addresses are grouped by `ipv6-prefix-length`).',
  },
  {
    key: 'max-request-bytes',
    type: 'integer',
    default: 1_048_576,
    unit: 'bytes',
    min: 1_024,
    max: LARGEST_PACKET,
    description: 'Largest body of a request. A longer one is answered 413.',
  },
  {
    key: 'max-request-rate',
    type: 'number',
    default: 100,
    unit: 'per second',
    ...COUNT,
    description:
      'Requests from one IP address over TCP, of which as many may arrive at once. Further ones are answered 429. IPv6 addresses are grouped by `ipv6-prefix-length`. 0 = no limit.',
  },
  {
    key: 'max-event-readers',
    type: 'integer',
    default: 16,
    min: 0,
    max: UINT16,
    description:
      'Readers of `/api/v1/events` and of traces at one time. Further ones are answered 429, unless somebody else has at least two more: then the oldest of these ends.',
  },
  {
    key: 'max-event-buffer-bytes',
    type: 'integer',
    default: 262_144,
    unit: 'bytes',
    min: 8_192,
    max: UINT32,
    description:
      'Events that wait for one reader. Beyond it, events for it are lost, and it is sent how many; a reader that takes none for a minute is disconnected.',
  },
  {
    key: 'max-consoles',
    type: 'integer',
    default: 16,
    min: 0,
    max: UINT16,
    description:
      'Consoles (`/api/v1/console`, the MQTT client of the page) at one time. Further ones are answered 429. Each is a connection of `max-connections` as well. 0 = there are none.',
  },
  {
    key: 'max-consoles-per-caller',
    type: 'integer',
    default: 4,
    min: 1,
    max: UINT16,
    description: 'Consoles of one login or API key at one time. Further ones are answered 429.',
  },
  {
    key: 'show-payloads',
    type: 'choice',
    values: ['off', 'administrator', 'operator'],
    default: 'off',
    description:
      'The least role that may see the payloads of messages: in a trace, with Correlation Data and User Properties; what `why` shows of them (`recorder-payload-bytes`); and by subscribing in a console. Passwords and Authentication Data are never shown.',
  },
  {
    key: 'max-traces',
    type: 'integer',
    default: 4,
    min: 0,
    max: 64,
    description: 'Traces at one time. Further ones are answered 429.',
  },
  {
    key: 'max-traces-per-caller',
    type: 'integer',
    default: 2,
    min: 0,
    max: 64,
    description: 'Traces of one API key, certificate or other caller at one time.',
  },
  {
    key: 'max-trace-seconds',
    type: 'integer',
    default: 3_600,
    unit: 'seconds',
    min: 1,
    max: 604_800,
    description: 'The longest time that a trace may last.',
  },
  {
    key: 'max-trace-records',
    type: 'integer',
    default: 1_000_000,
    min: 1,
    max: UINT32,
    description: 'Records after which a trace ends.',
  },
  {
    key: 'max-trace-bytes',
    type: 'integer',
    default: 268_435_456,
    unit: 'bytes',
    min: 65_536,
    max: Number.MAX_SAFE_INTEGER,
    description: 'Bytes of its records after which a trace ends.',
  },
  {
    key: 'max-trace-rate',
    type: 'integer',
    default: 2_000,
    unit: 'per second',
    min: 1,
    max: 1_000_000,
    description: 'Records of one trace in a second. Further ones are lost, and counted. A record costs some 10 µs.',
  },
  {
    key: 'max-trace-clients',
    type: 'integer',
    default: 1_000,
    min: 1,
    max: UINT32,
    description: 'Connections that one trace follows at a time. Further ones are left out, and counted.',
  },
  {
    key: 'max-trace-buffer-bytes',
    type: 'integer',
    default: 1_048_576,
    unit: 'bytes',
    min: 65_536,
    max: UINT32,
    description:
      'Records of one trace that are held for its readers. Beyond it, the oldest are dropped; readers see the gap.',
  },
  {
    key: 'request-timeout',
    type: 'number',
    default: 30,
    unit: 'seconds',
    min: 1,
    max: 3_600,
    description: 'Time in which a request has to arrive, and a connection that reads nothing is closed.',
  },
])

const openidRows = rows('admin.openid', [
  {
    key: 'issuer',
    type: 'url',
    description:
      'The provider: required value of `iss`, and where it publishes its keys (`/.well-known/openid-configuration`). Required.',
  },
  { key: 'audience', type: 'text', description: 'Required value of `aud`, such as `sluice`. Required.' },
  {
    key: 'roles-claim',
    type: 'text',
    default: 'roles',
    description: 'The claim with the roles of a token: a name, or a path such as `realm_access.roles`.',
  },
  {
    key: 'roles',
    type: 'role-map',
    description: 'Which values of the claim give which role; a token has the highest that it is given. Required.',
  },
  {
    key: 'name-claim',
    type: 'text',
    default: 'sub',
    description: 'The claim that names the caller in the audit log.',
  },
  {
    key: 'clock-tolerance-ms',
    type: 'integer',
    default: 5_000,
    ...MILLISECONDS,
    description: "Tolerated difference between the provider's clock and the broker's.",
  },
  {
    key: 'fetch-timeout-ms',
    type: 'integer',
    default: 3_000,
    ...MILLISECONDS,
    description:
      'Time the provider has to answer. Then it is not asked again for 30 seconds, and its tokens are answered 503.',
  },
  {
    key: 'max-answer-bytes',
    type: 'integer',
    default: 1_048_576,
    unit: 'bytes',
    min: 1,
    max: UINT32,
    description: 'Largest answer of the provider. A longer one is discarded, and its tokens are answered 503.',
  },
  {
    key: 'max-token-bytes',
    type: 'integer',
    default: 8_192,
    unit: 'bytes',
    min: 256,
    max: 16_384,
    description: 'Largest token. A longer one is refused.',
  },
])

const telemetryRows = rows('telemetry', [
  {
    key: 'endpoint',
    type: 'url',
    isBase: true,
    default: 'http://127.0.0.1:4318',
    description:
      'The base URL of the collector, such as `http://127.0.0.1:4318`; `/v1/metrics`, `/v1/logs` and `/v1/traces` are appended.',
  },
  {
    key: 'signals',
    type: 'choices',
    values: ['metrics', 'logs', 'traces'],
    default: ['metrics', 'logs', 'traces'],
    description: 'What is exported.',
  },
  { key: 'headers', type: 'headers', secret: true, description: 'Headers sent with each request.' },
  {
    key: 'headers-file',
    type: 'path',
    exists: 'file',
    description:
      'A file with further headers, `Name: value` on each line, such as a token that must not be in the configuration. A reload reads it again.',
  },
  {
    key: 'cafile',
    type: 'path',
    exists: 'file',
    description: 'CAs that may sign the certificate of the collector: a PEM file. Default: those that Node trusts.',
  },
  {
    key: 'resource-attributes',
    type: 'headers',
    description:
      'Attributes of everything that is exported, such as `deployment.environment.name`. `service.name` is `sluice` unless it is set here.',
  },
  {
    key: 'sampling-ratio',
    type: 'number',
    default: 0,
    min: 0,
    max: 1,
    description:
      'The share of messages without a trace context that are traced: 0 = none, 1 = all. A message with a trace context is traced if its publisher has sampled it.',
  },
  {
    key: 'log-level',
    type: 'choice',
    values: ['debug', 'info', 'warn', 'error'],
    default: 'info',
    description: 'The least level of exported log lines, whatever the section `log` sets.',
  },
  {
    key: 'metrics-interval',
    type: 'number',
    default: 60,
    unit: 'seconds',
    min: 1,
    max: DAY,
    description: 'Time between two exports of the figures.',
  },
  {
    key: 'batch-interval',
    type: 'number',
    default: 5,
    unit: 'seconds',
    min: 0.1,
    max: DAY,
    description: 'Longest time that spans and log lines wait for more before they are exported.',
  },
  {
    key: 'max-batch',
    type: 'integer',
    default: 512,
    min: 1,
    max: UINT16,
    description: 'Spans, or log lines, in one export. When so many wait, they are exported at once.',
  },
  {
    key: 'max-queued',
    type: 'integer',
    default: 2_048,
    min: 1,
    max: 1_000_000,
    description: 'Spans, and as many log lines, that wait to be exported. Beyond it, new ones are lost and counted.',
  },
  {
    key: 'timeout',
    type: 'number',
    default: 10,
    unit: 'seconds',
    min: 0.1,
    max: 3_600,
    description: 'Time for one export, including its repetitions. After that, its content is lost and counted.',
  },
])

const bridgeRows = rows('bridge', [
  {
    key: 'url',
    type: 'server-urls',
    since: '0.2.0',
    description:
      'Where the other broker is: `mqtt://`, `mqtts://`, `ws://` or `wss://` with host and port, or `unix:/path`; or a list of addresses of the same broker. User name and password have keys of their own.',
  },
  {
    key: 'addresses',
    type: 'choice',
    values: ['in-order', 'round-robin'],
    default: 'in-order',
    since: '0.2.0',
    description:
      'Which address of a list is tried after a connection was lost: the first one again, or the one after the last.',
  },
  {
    key: 'client-id',
    type: 'text',
    since: '0.2.0',
    description:
      'The client identifier at the other broker. Required, because two bridges with the same one would take over each other’s session.',
  },
  { key: 'user-name', type: 'text', since: '0.2.0', description: 'The user name at the other broker.' },
  {
    key: 'password-file',
    type: 'path',
    exists: 'file',
    since: '0.2.0',
    description: 'A file whose first line is the password at the other broker. Requires `user-name` before 5.0.',
  },
  {
    key: 'certfile',
    type: 'path',
    exists: 'file',
    since: '0.2.0',
    description: 'The certificate chain that the bridge presents, in PEM. Requires `keyfile`.',
  },
  {
    key: 'keyfile',
    type: 'path',
    exists: 'file',
    since: '0.2.0',
    description: 'The private key of `certfile`, in PEM.',
  },
  {
    key: 'cafile',
    type: 'path',
    exists: 'file',
    since: '0.2.0',
    description: "The CAs that may issue the other broker's certificate, in PEM. Default: those of Node.",
  },
  {
    key: 'alpn',
    type: 'text',
    since: '0.2.0',
    description: 'The application protocol to ask for during the TLS handshake (ALPN), such as `x-amzn-mqtt-ca`.',
  },
  {
    key: 'headers',
    type: 'headers',
    secret: true,
    default: {},
    since: '0.2.0',
    description: 'Headers of the request that opens a WebSocket.',
  },
  {
    key: 'proxy',
    type: 'text',
    secret: true,
    since: '0.2.0',
    description: 'A proxy to connect through: `socks5h://[user:password@]host[:port]` or `http://…`.',
  },
  {
    key: 'protocol',
    type: 'choice',
    values: ['5.0', '3.1.1', '3.1'],
    default: '5.0',
    since: '0.2.0',
    description: 'The version of MQTT that the bridge speaks.',
  },
  {
    key: 'bridge-bit',
    type: 'boolean',
    default: true,
    since: '0.2.0',
    description:
      'Whether the bridge identifies itself as one in 3.1 and 3.1.1, so that the other broker sends none of its messages back. Mosquitto and Sluice support this; some cloud services refuse the connection.',
  },
  {
    key: 'out',
    type: 'bridge-rules',
    default: [],
    since: '0.2.0',
    description:
      'Messages that go to the other broker: a list of `{filter, qos, local-prefix, remote-prefix}`. The topic here is `local-prefix` and what `filter` matches; the topic there begins with `remote-prefix` instead. Where several rules match, the first one applies.',
  },
  {
    key: 'in',
    type: 'bridge-rules',
    default: [],
    since: '0.2.0',
    description:
      'Messages that come from the other broker: as `out`, with the topic there `remote-prefix` and what `filter` matches.',
  },
  {
    key: 'queue',
    type: 'section',
    since: '0.2.0',
    description: 'The messages of QoS 1 and 2 that wait for the other broker.',
  },
  {
    key: 'keep-alive',
    type: 'integer',
    default: 60,
    unit: 'seconds',
    min: 5,
    max: UINT16,
    since: '0.2.0',
    description: 'How long the connection may be silent before it is probed.',
  },
  {
    key: 'connect-timeout',
    type: 'number',
    default: 30,
    unit: 'seconds',
    min: 1,
    max: 3_600,
    since: '0.2.0',
    description: 'Time for an attempt, from opening the connection to CONNACK, and for each answer to a SUBSCRIBE.',
  },
  {
    key: 'max-reconnect-delay',
    type: 'number',
    default: 30,
    unit: 'seconds',
    min: 1,
    max: 3_600,
    since: '0.2.0',
    description:
      'Longest wait before the next attempt. Waits begin at a second at most and double; half of each is random.',
  },
  {
    key: 'outage-warning',
    type: 'integer',
    default: 60,
    unit: 'seconds',
    min: 0,
    max: UINT32,
    since: '0.2.0',
    description: 'Time without a connection after which the health check `bridges` reports the bridge. 0 = never.',
  },
  {
    key: 'session-expiry',
    type: 'integer',
    default: 604_800,
    unit: 'seconds',
    min: 0,
    max: UINT32,
    since: '0.2.0',
    description:
      'How long the other broker is asked to keep the session of the bridge while it is away, and with it messages for `in`. 5.0 only.',
  },
  {
    key: 'max-inflight-messages',
    type: 'integer',
    min: 1,
    max: UINT16,
    since: '0.2.0',
    description:
      'Messages of QoS 1 and 2 that are sent and not acknowledged, in each direction. Default: 1000 in 5.0, where the Receive Maximum of the other broker applies as well; 20 before, since Mosquitto disconnects a client that has more of QoS 2 in flight.',
  },
  {
    key: 'max-packet-size',
    type: 'integer',
    unit: 'bytes',
    min: 1_024,
    max: LARGEST_PACKET,
    since: '0.2.0',
    description:
      'Largest packet accepted from the other broker; announced as Maximum Packet Size in 5.0. In 3.1 and 3.1.1 a larger message is acknowledged and dropped. Default: `max-packet-size` of the broker, which it must not exceed.',
  },
  {
    key: 'max-message-rate',
    type: 'number',
    default: 0,
    unit: 'per second',
    ...COUNT,
    since: '0.2.0',
    description:
      'Messages that go to the other broker, so that what has waited does not flood it. As many as for a second may go at once. 0 = no limit.',
  },
  {
    key: 'max-hops',
    type: 'integer',
    default: 8,
    min: 0,
    max: 100,
    since: '0.2.0',
    description:
      'Bridges that a message may cross. Each adds its client identifier as the User Property `via` (5.0 only), and drops a message that has crossed this many, or a bridge of the same broker. 0 = nothing is added or checked.',
  },
  {
    key: 'retain',
    type: 'boolean',
    default: true,
    since: '0.2.0',
    description: 'Whether RETAIN is kept in both directions. `off` sends every message with RETAIN 0.',
  },
  {
    key: 'paused',
    type: 'boolean',
    default: false,
    since: '0.2.0',
    description: 'Whether the bridge stays disconnected. Messages for the other broker wait meanwhile.',
  },
])

const bridgeQueueRows = rows('bridge.queue', [
  {
    key: 'max-messages',
    type: 'integer',
    default: 1_000_000,
    min: 1,
    max: UINT32,
    since: '0.2.0',
    description: 'Messages of QoS 1 and 2 that wait.',
  },
  {
    key: 'max-bytes',
    type: 'size',
    default: 1_073_741_824,
    unit: 'bytes',
    min: 1_024,
    max: Number.MAX_SAFE_INTEGER,
    since: '0.2.0',
    description: 'Size of these messages; a number, or text such as `512 MiB`.',
  },
  {
    key: 'when-full',
    type: 'choice',
    values: ['drop-oldest', 'drop-newest'],
    default: 'drop-oldest',
    since: '0.2.0',
    description: 'Which message is dropped when the queue is full.',
  },
  {
    key: 'expiry',
    type: 'integer',
    default: 604_800,
    unit: 'seconds',
    min: 0,
    max: UINT32,
    since: '0.2.0',
    description:
      'How long a message may wait for the other broker; then it is dropped, up to a sixty-fourth of this time later, unless it is in flight. A Message Expiry Interval that is shorter applies as well. A restart of this broker begins the time again for what waits. 0 = no limit.',
  },
])

/** All keys, in the order of the reference page. */
export const optionTable: readonly OptionRow[] = [
  ...brokerRows,
  ...limitRows,
  ...listenerRows,
  ...authRows,
  ...jwtRows,
  ...httpRows,
  ...scramRows,
  ...topicCheckRows,
  ...interceptRows,
  ...usersRows,
  ...bansRows,
  ...persistenceRows,
  ...logRows,
  ...adminRows,
  ...openidRows,
  ...telemetryRows,
  ...bridgeRows,
  ...bridgeQueueRows,
]

/** The keys of a section: those of `limits` belong to the top level and to every listener. */
export function rowsOf(section: 'broker' | 'listener' | SectionName): readonly OptionRow[] {
  const withLimits = section === 'broker' || section === 'listener'
  return optionTable.filter((row) => row.scope === section || (withLimits && row.scope === 'limits'))
}
