/**
 * Every configuration key there is, once: validation, TypeScript types, JSON Schema, reference page and tests all read this
 * table. A key lives in one of these sections (`scope`):
 *
 *   broker       top level
 *   limits       top level, and again in any listener, where it overrides
 *   listener     listeners.<name>
 *   auth, auth.jwt, auth.http, auth.scram, topic-check, persistence, log
 *
 * After a change run `node build/tools/reference.js`: it writes `option-types.ts`, the reference page and the JSON Schema.
 *
 * @module
 */

export type OptionScope = 'broker' | 'limits' | 'listener' | SectionName

/** A section with a name of its own: the path of its key. */
export type SectionName = 'auth' | 'auth.jwt' | 'auth.http' | 'auth.scram' | 'topic-check' | 'persistence' | 'log'

/** How a value is written; `option-schema.ts` says what each accepts. */
export type OptionType =
  | 'integer'
  | 'number'
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
  | 'durability-map'
  | 'url'
  | 'headers'
  | 'choices'
  | 'section'
  | 'listeners'

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
      'Where Clients connect: name → settings. `default` is inherited by the others, and itself opened only when it is the only entry. Without this key one listener opens on 127.0.0.1:1883; `{}` opens none.',
  },
  {
    key: 'auth',
    type: 'section',
    description: 'Who may log in. Without it, anonymous Clients may, and every listener must be on a loopback address.',
  },
  {
    key: 'topic-check',
    type: 'section',
    description: 'Who may publish and subscribe to what. Without it everybody may everything.',
  },
  {
    key: 'persistence',
    type: 'section',
    description:
      'Where Sessions, queues and retained messages are kept. Without it they are in memory, except for `sluice start`, which keeps them in `sluice-data`.',
  },
  {
    key: 'log',
    type: 'section',
    description: 'What is logged, how it is written, and where to.',
  },
  {
    key: 'plugins',
    type: 'plugins',
    default: [],
    description:
      'Plugins that are told what happens, such as `event_logger_plugin` and `packet_logger_plugin`: names, module paths or, from a program, objects.',
  },
  {
    key: 'max-connections',
    type: 'integer',
    default: 50_000,
    ...COUNT,
    description: 'Connections in all; further ones are answered 0x89 (3.1.1: 0x03) and closed. 0 = no limit.',
  },
  {
    key: 'max-waiting-connections',
    type: 'integer',
    default: 100,
    min: 1,
    max: UINT32,
    description:
      'Connections beyond `max-connections` (in all, or of a listener) that may still send their CONNECT, because it may be a takeover. Beyond it the oldest one of the address that has most of them is closed.',
  },
  {
    key: 'max-connections-before-connect',
    type: 'integer',
    default: 10_000,
    ...COUNT,
    description:
      'Connections in all that have not logged in: TLS handshakes, upgrades, connections without CONNECT and logins that are not decided yet. Beyond it the oldest one of the address that has most of them is closed. 0 = no limit.',
  },
  {
    key: 'max-connections-per-address',
    type: 'integer',
    default: 0,
    ...COUNT,
    description:
      'Connections from one IP address, each counted from the moment it is accepted. IPv6 addresses count together as `ipv6-prefix-length` says. 0 = no limit.',
  },
  {
    key: 'ipv6-prefix-length',
    type: 'integer',
    default: 64,
    unit: 'bits',
    min: 1,
    max: 128,
    description:
      'First bits of an IPv6 address that tell one holder from another, wherever addresses are counted: one host usually has a whole /64.',
  },
  {
    key: 'max-connect-rate',
    type: 'number',
    default: 0,
    unit: 'per second',
    ...COUNT,
    description: 'CONNECTs accepted per second; further ones are answered 0x9F (3.1.1: 0x03). 0 = no limit.',
  },
  {
    key: 'max-pending-logins',
    type: 'integer',
    default: 1_000,
    min: 1,
    max: UINT32,
    description:
      'Logins that are not decided yet, those that wait for their turn among them. Beyond it a login of the address that has most of them is answered 0x89 (3.1.1: 0x03).',
  },
  {
    key: 'max-sessions',
    type: 'integer',
    default: 100_000,
    ...COUNT,
    description:
      'Sessions that outlive their connections, in all. For one more, the session of the same holder (a user name, or an address for anonymous clients) that has been away the longest is ended; a holder without one is answered 0x97 (3.1.1: 0x03). 0 = no limit.',
  },
  {
    key: 'max-sessions-per-user',
    type: 'integer',
    default: 50_000,
    ...COUNT,
    description:
      'Sessions that outlive their connections, of one user name, or of the anonymous clients of one address. For one more, the one that has been away the longest is ended; where all are connected, the new one is answered 0x97 (3.1.1: 0x03). 0 = no limit.',
  },
  {
    key: 'max-retained-messages',
    type: 'integer',
    default: 1_000_000,
    ...COUNT,
    description:
      'Retained messages; beyond it the message of a new topic is delivered, but not retained. 0 = no limit.',
  },
  {
    key: 'max-retained-bytes',
    type: 'integer',
    default: 1_073_741_824,
    ...BYTES,
    description:
      'Memory that all retained messages may take together; beyond it a message is not retained. 0 = no limit.',
  },
  {
    key: 'max-uncommitted-bytes',
    type: 'integer',
    default: 67_108_864,
    unit: 'bytes',
    min: 65_536,
    max: Number.MAX_SAFE_INTEGER,
    description:
      'What may wait for the disk. Beyond it a Client that adds to it (PUBLISH at QoS 1 and 2, retained messages, SUBSCRIBE of a stored Session) waits; everything else is served.',
  },
  {
    key: 'max-input-bytes',
    type: 'integer',
    default: 134_217_728,
    unit: 'bytes',
    min: 65_536,
    max: Number.MAX_SAFE_INTEGER,
    description:
      'Input held for all clients together: packets that are not complete yet or wait for an answer, and topics behind Topic Aliases. Beyond it the largest connections of the user or address that holds the most are disconnected with 0x97.',
  },
  {
    key: 'max-memory',
    type: 'integer',
    ...BYTES,
    description:
      'Memory that everything the broker keeps for its Clients may take. Default: half of the heap limit of Node, or of the memory of the container or machine if that is less. 0 = no limit.',
  },
  {
    key: 'max-memory-per-user',
    type: 'integer',
    ...BYTES,
    description:
      'The same for one User Name; anonymous Clients count together by their address. Default: half of `max-memory`. 0 = no limit.',
  },
  {
    key: 'retain',
    type: 'boolean',
    default: true,
    description:
      'Whether there are retained messages; `off` announces Retain Available 0 (§3.2.2.3.5). 3.1 and 3.1.1 have no way to announce it: there, RETAIN is ignored.',
  },
  {
    key: 'wildcard-subscriptions',
    type: 'boolean',
    default: true,
    description: 'Whether Topic Filters may have wildcards (§3.2.2.3.11).',
  },
  {
    key: 'shared-subscriptions',
    type: 'boolean',
    default: true,
    description: 'Whether there are Shared Subscriptions (§3.2.2.3.13).',
  },
  {
    key: 'subscription-identifiers',
    type: 'boolean',
    default: true,
    description: 'Whether there are Subscription Identifiers (§3.2.2.3.12).',
  },
  {
    key: 'client-id-ownership',
    type: 'boolean',
    default: true,
    description:
      'Whether a Session belongs to the User Name that made it; another one with the same Client Identifier is answered 0x85 (3.1.1: 0x02).',
  },
  {
    key: 'sys-interval',
    type: 'number',
    default: 20,
    unit: 'seconds',
    min: 0,
    max: DAY,
    description: 'Time between two rounds of `$SYS/broker/` topics. 0 = none.',
  },
  {
    key: 'gather-pause',
    type: 'number',
    default: 0,
    unit: 'milliseconds',
    min: 0,
    max: 10,
    description:
      'Pause behind a small turn while many Clients say little each, so that one turn serves more of them: a fifth to a third less processor time, about that much more delay. It stops the whole thread, so an embedded broker has none unless told; `sluice start` has 0.2. 0 = none.',
  },
  {
    key: 'plugin-timeout',
    type: 'number',
    default: 5,
    unit: 'seconds',
    min: 0.01,
    max: 3_600,
    description: 'How long a plugin may think about one answer; beyond it the answer is no.',
  },
  {
    key: 'response-information',
    type: 'text',
    default: '',
    description: 'Sent to Clients that ask for Response Information (§3.2.2.3.15). Empty = none.',
  },
  {
    key: 'server-reference',
    type: 'text',
    default: '',
    description: 'Another Server for Clients that are told to go there (§4.11). Empty = none.',
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
    description: 'Largest CONNECT, before anybody has logged in.',
  },
  {
    key: 'max-packet-size',
    type: 'integer',
    default: 16_777_216,
    unit: 'bytes',
    min: 16,
    max: LARGEST_PACKET,
    description: 'Largest packet from a Client; announced as Maximum Packet Size (§3.2.2.3.6).',
  },
  {
    key: 'max-user-properties',
    type: 'integer',
    default: 1_000,
    min: 1,
    max: UINT32,
    description:
      'User Properties in one packet, or in the Will of a CONNECT; a client that sends more is disconnected with 0x97.',
  },
  {
    key: 'max-filters-per-packet',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: UINT32,
    description:
      'Topic Filters in one SUBSCRIBE or UNSUBSCRIBE; a client that sends more is disconnected with 0x97 (3.1.1: without a code).',
  },
  {
    key: 'connect-timeout',
    type: 'number',
    default: 10,
    unit: 'seconds',
    min: 0.1,
    max: 3_600,
    description:
      'Time that a new client has from its connection to the end of its CONNECT packet, and for each answer in an AUTH exchange.',
  },
  {
    key: 'login-timeout',
    type: 'number',
    default: 30,
    unit: 'seconds',
    min: 0.1,
    max: 3_600,
    description:
      'Time until a login is decided, the wait for its turn included. Then it is answered 0x89 (3.1.1: 0x03).',
  },
  {
    key: 'packet-timeout',
    type: 'number',
    default: 30,
    unit: 'seconds',
    min: 1,
    max: DAY,
    description:
      'Time in which a packet that has begun to come in has to be complete, besides the time that its bytes take at `min-packet-rate`; a client that is slower is disconnected with 0x97.',
  },
  {
    key: 'min-packet-rate',
    type: 'integer',
    default: 100,
    unit: 'bytes per second',
    min: 1,
    max: UINT32,
    description: 'Slowest rate at which a packet may come in, once `packet-timeout` is over.',
  },
  {
    key: 'timeout-disconnect-delay',
    type: 'number',
    default: 0,
    unit: 'seconds',
    min: 0,
    max: DAY,
    description: 'Grace on top of 1.5 times the Keep Alive before a silent Client is disconnected (§3.1.2.10).',
  },
  {
    key: 'max-keep-alive',
    type: 'integer',
    default: 0,
    unit: 'seconds',
    min: 0,
    max: UINT16,
    description:
      'Longest Keep Alive; a 5.0 client that asks for more, or for none, is given this one; `keep-alive-too-long` says what becomes of an older one. 0 = no limit.',
  },
  {
    key: 'keep-alive-too-long',
    type: 'choice',
    values: ['refuse', 'hold'],
    default: 'refuse',
    description:
      'A 3.1 or 3.1.1 client that asks for a longer Keep Alive than `max-keep-alive`, or for none, cannot be given another one: `refuse` answers CONNACK 0x02; `hold` accepts it, and disconnects it once it has been silent for 1.5 times `max-keep-alive` and `keep-alive-grace`.',
  },
  {
    key: 'keep-alive-grace',
    type: 'number',
    default: 60,
    unit: 'seconds',
    min: 0,
    max: DAY,
    description:
      'Grace for clients that `keep-alive-too-long: hold` accepts: they do not know that they have to send more often.',
  },
  {
    key: 'receive-maximum',
    type: 'integer',
    default: 1_000,
    min: 1,
    max: UINT16,
    description: 'QoS 1 and 2 messages a Client may have in flight towards us (§3.2.2.3.3).',
  },
  {
    key: 'max-inflight-messages',
    type: 'integer',
    default: 1_000,
    min: 1,
    max: UINT16,
    description: "QoS 1 and 2 messages in flight towards one Client; the Client's own Receive Maximum may lower it.",
  },
  {
    key: 'max-qos',
    type: 'choice',
    values: [0, 1, 2],
    default: 2,
    description:
      'Highest QoS granted to subscriptions and accepted from publishers (§3.2.2.3.4). 3.1 and 3.1.1 have no way to announce it: there, a message or Will of a higher QoS is accepted and goes on at this one.',
  },
  {
    key: 'topic-alias-maximum',
    type: 'integer',
    default: 32,
    min: 0,
    max: UINT16,
    description: 'Topic Aliases a Client may use towards us (§3.2.2.3.8). 0 = none.',
  },
  {
    key: 'max-outgoing-topic-aliases',
    type: 'integer',
    default: 32,
    min: 0,
    max: UINT16,
    description:
      'Topic Aliases we use towards a Client, if it allows as many, for topics of 65,536 characters together. 0 = none.',
  },
  {
    key: 'max-outgoing-bytes',
    type: 'integer',
    default: 1_048_576,
    unit: 'bytes',
    min: 1_024,
    max: Number.MAX_SAFE_INTEGER,
    description: 'Output that may wait for one Connection before QoS 0 messages for it are dropped.',
  },
  {
    key: 'drain-timeout',
    type: 'number',
    default: 60,
    unit: 'seconds',
    min: 0.1,
    max: DAY,
    description: 'Time until a peer that takes no output is closed.',
  },
  {
    key: 'max-session-expiry',
    type: 'integer',
    default: 2_592_000,
    unit: 'seconds',
    min: 0,
    max: UINT32,
    description:
      'Longest Session Expiry Interval granted; also what a 3.1.1 Client with CleanSession 0 gets. 4294967295 = no limit.',
  },
  {
    key: 'max-queued-messages',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: UINT32,
    description: 'QoS 1 and 2 messages waiting in one Session.',
  },
  {
    key: 'max-queued-messages-connected',
    type: 'integer',
    default: 1_000_000,
    min: 1,
    max: UINT32,
    description:
      'The same while its Client is connected, where this is more: its queue is limited by `max-queued-bytes` then.',
  },
  {
    key: 'max-queued-bytes',
    type: 'integer',
    default: 16_777_216,
    unit: 'bytes',
    min: 1_024,
    max: Number.MAX_SAFE_INTEGER,
    description: 'Memory that the messages waiting in one Session would take, wherever their payloads are.',
  },
  {
    key: 'max-memory-per-connection',
    type: 'integer',
    ...BYTES,
    description:
      'Memory that one Connection may take: packets that are not complete or wait for an answer (beyond it, the Connection is ended with 0x97), and output that is not taken or waits for the Store (beyond it, QoS 0 is dropped, everything else waits). Default: four times `max-packet-size`, and at least 64 MiB. 0 = no limit.',
  },
  {
    key: 'max-memory-per-session',
    type: 'integer',
    default: 67_108_864,
    ...BYTES,
    description:
      'Memory that one Session may take: its subscriptions, its Will, and its messages, waiting or in flight. 0 = no limit.',
  },
  {
    key: 'queue-full',
    type: 'choice',
    values: ['drop-newest', 'drop-oldest'],
    default: 'drop-newest',
    description: 'Which message goes when the queue of a Session is full; each is counted and told as an event.',
  },
  {
    key: 'max-delivery-attempts',
    type: 'integer',
    default: 10,
    ...COUNT,
    description:
      'QoS 1 and 2 messages are sent again on each new connection until they are acknowledged; one over which so many connections have ended because its client broke the protocol is dropped. 0 = never.',
  },
  {
    key: 'max-subscriptions',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: UINT32,
    description: 'Subscriptions of one Client; beyond it SUBACK says 0x97 (3.1.1: 0x80).',
  },
  {
    key: 'max-topic-levels',
    type: 'integer',
    default: 200,
    min: 1,
    max: 65_535,
    description: 'Levels of a Topic Name or Topic Filter.',
  },
  {
    key: 'protocol-versions',
    type: 'protocol-versions',
    default: [3, 4, 5],
    description: 'Protocol versions served, written as 3.1, 3.1.1 and 5.0.',
  },
  {
    key: 'bridges',
    type: 'boolean',
    default: true,
    description:
      'Whether clients of 3.1 and 3.1.1 may say that they are the bridge of another broker, as Mosquitto does: they get no messages back that they published, RETAIN is kept, and they may publish to `$SYS/broker/connection/CLIENT-ID/state` with their own client identifier. Off: they are answered 0x01, upon which Mosquitto connects as an ordinary client.',
  },
  {
    key: 'max-publish-rate',
    type: 'number',
    default: 0,
    unit: 'per second',
    ...COUNT,
    description: 'Messages one Client may publish; beyond it the Client is read more slowly. 0 = no limit.',
  },
  {
    key: 'max-byte-rate',
    type: 'number',
    default: 0,
    unit: 'per second',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    description: 'Bytes one Client may send; beyond it the Client is read more slowly. 0 = no limit.',
  },
])

const listenerRows = rows('listener', [
  {
    key: 'type',
    type: 'choice',
    values: ['tcp', 'ws', 'unix'],
    default: 'tcp',
    description: 'Transport: plain stream, WebSocket, or Unix domain socket. `ssl` makes the first two mqtts and wss.',
  },
  {
    key: 'bind',
    type: 'bind',
    description:
      '`host:port`, `[v6]:port`, or `:port` for every interface; port 0 lets the system choose. A host name stands for all of its addresses. `[::]` takes IPv4 as well, unless another listener has an IPv4 address with that port. For `type: unix` the path of the socket. Not inherited.',
  },
  {
    key: 'retry',
    type: 'boolean',
    default: false,
    description:
      'If the address cannot be had (it comes after boot, a name is not known yet, another program has it), the broker starts without it and tries again, after 1 s at first and up to 60 s later. Off: the start fails.',
  },
  {
    key: 'max-connections',
    type: 'integer',
    default: 0,
    ...COUNT,
    description: 'Connections of this listener; further ones are answered 0x89 (3.1.1: 0x03) and closed. 0 = no limit.',
  },
  {
    key: 'mode',
    type: 'text',
    default: '',
    description:
      "For `type: unix`: who may connect to the socket, as an octal file mode in quotes, such as `'0660'`. Empty = as the umask of the process has it; with `group`, 0660.",
  },
  {
    key: 'group',
    type: 'text',
    default: '',
    description:
      'For `type: unix`: the group of the socket, by number or by its name in /etc/group. The process has to be a member of it. Empty = its own.',
  },
  {
    key: 'client-id',
    type: 'choice',
    values: ['any', 'user-name'],
    default: 'any',
    description:
      'Which Client Identifiers may be used through this listener. `user-name`: only the user name itself; any other, and an empty one, is answered 0x85 (3.1.1: 0x02).',
  },
  {
    key: 'client-id-prefix',
    type: 'text',
    default: '',
    description:
      'What Client Identifiers have to begin with; `%u` in it stands for the user name. Any other, an empty one, and with `%u` one of a client without a user name, is answered 0x85 (3.1.1: 0x02). Empty = anything.',
  },
  {
    key: 'max-handshakes',
    type: 'integer',
    default: 1_000,
    min: 1,
    max: UINT32,
    description:
      'Connections of this listener that have not finished what comes before MQTT: a PROXY header, a TLS handshake, a WebSocket upgrade. Beyond it the oldest one of the address that has most of them is closed.',
  },
  {
    key: 'ssl',
    type: 'boolean',
    default: false,
    description: 'Whether the listener speaks TLS; needs `certfile` and `keyfile`.',
  },
  { key: 'certfile', type: 'path', exists: 'file', description: "The listener's certificate chain, PEM." },
  { key: 'keyfile', type: 'path', exists: 'file', description: 'The private key that goes with `certfile`, PEM.' },
  {
    key: 'keyfile-password-file',
    type: 'path',
    exists: 'file',
    description: 'A file whose first line is the password of an encrypted `keyfile`.',
  },
  { key: 'cafile', type: 'path', exists: 'file', description: 'CAs that may sign client certificates: a PEM file.' },
  {
    key: 'capath',
    type: 'path',
    exists: 'folder',
    description: 'CAs that may sign client certificates: a folder of PEM files.',
  },
  {
    key: 'cadata',
    type: 'text',
    secret: true,
    description: 'CAs that may sign client certificates: PEM text, here in the configuration.',
  },
  {
    key: 'crlfile',
    type: 'path',
    exists: 'file',
    description:
      'Certificates that were revoked: a PEM file of CRLs. Needed is the list of each CA that issues client certificates; CAs themselves are looked up where the list of the CA above them is there.',
  },
  {
    key: 'certificate-warning-days',
    type: 'integer',
    default: 14,
    unit: 'days',
    min: 0,
    max: 3_650,
    description:
      'How long before its end the log warns of a certificate, a CA or a CRL: at the start, at a reload, and daily. 0 = only once it has expired.',
  },
  {
    key: 'client-certificates',
    type: 'choice',
    values: ['off', 'optional', 'required'],
    description: 'Whether Clients show a certificate. Default `optional` where a CA is given, otherwise `off`.',
  },
  {
    key: 'certificate-user-name',
    type: 'choice',
    values: ['off', 'cn', 'subject', 'san'],
    default: 'off',
    description: "Which part of a client certificate is the Client's user name.",
  },
  {
    key: 'certificates',
    type: 'certificates',
    default: [],
    description:
      'Further certificates, chosen by SNI: a list of `server-name`, `certfile`, `keyfile`, `keyfile-password-file`.',
  },
  {
    key: 'min-tls-version',
    type: 'choice',
    values: ['1.2', '1.3'],
    default: '1.2',
    description: 'Oldest TLS version spoken.',
  },
  {
    key: 'proxy-protocol',
    type: 'boolean',
    default: false,
    description: 'Whether every Connection begins with a PROXY protocol header (v1 or v2); needs `trusted-proxies`.',
  },
  {
    key: 'trusted-proxies',
    type: 'address-ranges',
    default: [],
    description: 'Addresses (`10.0.0.1`, `10.0.0.0/8`) whose PROXY header or `X-Forwarded-For` is believed.',
  },
  {
    key: 'websocket-path',
    type: 'websocket-path',
    default: '',
    description: 'The one path WebSocket Clients may ask for, such as `/mqtt`. Empty = any.',
  },
  {
    key: 'allowed-origins',
    type: 'origins',
    default: [],
    description:
      'Origins whose pages may connect by WebSocket, beside those of this very host and port: `https://example.com`, `https://*.example.com` for its subdomains, `null` for pages without one, `*` for any. A request without an `Origin` is no page, and may.',
  },
  {
    key: 'allowed-hosts',
    type: 'hosts',
    default: [],
    description:
      'Host names of this listener whose own pages may connect where anonymous clients may log in; `localhost` and addresses always count. Any other name could be one that a foreign site has given this address.',
  },
  {
    key: 'allow-anonymous',
    type: 'boolean',
    description: 'Overrides `auth.allow-anonymous` for this listener.',
  },
  {
    key: 'auth-plugins',
    type: 'plugins',
    description: 'Which of `auth.plugins` are asked about Clients of this listener. Default: all of them.',
  },
  {
    key: 'durability',
    type: 'choice',
    values: ['disk', 'process', 'memory'],
    description: 'Overrides `persistence.durability` for messages that come through this listener.',
  },
  {
    key: 'tcp-keepalive',
    type: 'integer',
    default: 600,
    unit: 'seconds',
    min: 0,
    max: 32_767,
    description: 'Silence after which the system probes whether the peer is still there. 0 = never.',
  },
])

const authRows = rows('auth', [
  {
    key: 'plugins',
    type: 'plugins',
    description:
      'Who is asked, by name. Default: those whose keys are given: `auth.file` with `password-file`, `auth.jwt`, `auth.http` and `auth.scram` with their sections, `auth.certificate` with `certificate-user-name` and `auth.anonymous` with `allow-anonymous` on any listener.',
  },
  {
    key: 'allow-anonymous',
    type: 'boolean',
    default: false,
    description: 'Whether `auth.anonymous` lets in Clients without User Name and Password.',
  },
  {
    key: 'unknown-user-names',
    type: 'choice',
    values: ['refuse', 'as-anonymous'],
    description:
      'What happens where anonymous clients may log in and one sends a user name or a password that no plugin knows: it is refused, or it is let in as an anonymous client, whose name counts for nothing and is only shown, as `claimedUserName`. Default: `as-anonymous` where `auth.anonymous` is the only login plugin, otherwise `refuse`.',
  },
  {
    key: 'password-file',
    type: 'path',
    exists: 'file',
    description: 'Lines of `user:hash` for `auth.file`; `sluice passwd` writes them.',
  },
  {
    key: 'max-password-checks',
    type: 'integer',
    default: 2,
    min: 1,
    max: 100_000,
    description:
      'Checks of `auth.file` that its thread is given at one time. Others wait for their turn, which goes round by address.',
  },
  {
    key: 'password-cache-ms',
    type: 'integer',
    default: 60_000,
    ...MILLISECONDS,
    description: 'How long `auth.file` remembers a password that it found right. 0 = not at all.',
  },
  {
    key: 'login-delay-after',
    type: 'integer',
    default: 3,
    ...COUNT,
    description:
      'Wrong logins in a row from one address that cost no time. After that the next login from there is checked after 250 ms, and each further one after twice as long as the one before, one at a time.',
  },
  {
    key: 'max-login-delay-ms',
    type: 'integer',
    default: 5_000,
    ...MILLISECONDS,
    description: 'Longest time between two logins of an address that has had wrong ones. 0 = they cost no time.',
  },
  {
    key: 'max-logins-per-address',
    type: 'integer',
    default: 16,
    min: 1,
    max: UINT32,
    description:
      'Logins of one address that are checked at one time while none was wrong. Others of that address wait for their turn. User names that have logged in from there before are counted on their own.',
  },
  {
    key: 'max-delayed-addresses',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: UINT32,
    description: 'Addresses whose wrong logins are remembered, for ten minutes; beyond it the oldest is forgotten.',
  },
  {
    key: 'max-delayed-names',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: UINT32,
    description:
      'User names whose wrong logins are remembered, for ten minutes; beyond it the oldest is forgotten. They slow only addresses from which that user has not logged in.',
  },
  {
    key: 'max-known-logins',
    type: 'integer',
    default: 50_000,
    min: 1,
    max: UINT32,
    description:
      'Pairs of a user name and an address from which it has logged in that are remembered while the broker runs; beyond it the oldest is forgotten.',
  },
  {
    key: 'client-ids',
    type: 'groups',
    default: {},
    description:
      'Client Identifiers of single users: user name → list, in which a `*` at the end stands for anything. A user that is in it and comes with another one is answered 0x85 (3.1.1: 0x02); others are not affected.',
  },
  {
    key: 'penalty-exempt',
    type: 'address-ranges',
    default: [],
    description: 'Addresses (`10.0.0.1`, `10.0.0.0/8`) whose wrong logins cost no time.',
  },
  { key: 'jwt', type: 'section', description: 'Settings of `auth.jwt`: log-in by JSON Web Token.' },
  { key: 'http', type: 'section', description: 'Settings of `auth.http`: a web service is asked about each log-in.' },
  { key: 'scram', type: 'section', description: 'Settings of `auth.scram`: SCRAM-SHA-256, for 5.0 Clients (§4.12).' },
])

const jwtRows = rows('auth.jwt', [
  {
    key: 'key-file',
    type: 'path',
    exists: 'file',
    description:
      'Public key or certificate (PEM), or a JWK or JWKS. One of `key-file`, `jwks-url`, `secret-file` is needed.',
  },
  { key: 'jwks-url', type: 'url', description: 'Where the issuer publishes its keys.' },
  {
    key: 'secret-file',
    type: 'path',
    exists: 'file',
    description: 'A shared secret of at least 32 bytes, for HS256 and its like.',
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
    description: 'Signatures accepted. Default: all that go with the kind of key.',
  },
  { key: 'issuer', type: 'text', description: 'What `iss` has to be.' },
  { key: 'audience', type: 'text', description: 'What `aud` has to be.' },
  {
    key: 'user-name-claim',
    type: 'text',
    default: 'sub',
    description: 'The claim that names the Client from then on.',
  },
  { key: 'require-expiry', type: 'boolean', default: true, description: 'Whether a token without `exp` is refused.' },
  {
    key: 'clock-tolerance-ms',
    type: 'integer',
    default: 0,
    ...MILLISECONDS,
    description: "How far the issuer's clock may be off.",
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
    description: "Size of the issuer's key set; a longer answer is given up, and the login denied.",
  },
])

const httpRows = rows('auth.http', [
  { key: 'url', type: 'url', description: 'Where questions are posted, as JSON. Needed.' },
  {
    key: 'headers',
    type: 'headers',
    secret: true,
    description: 'Sent along, such as a secret the service knows us by.',
  },
  {
    key: 'timeout-ms',
    type: 'integer',
    default: 3_000,
    ...MILLISECONDS,
    description: 'Time the service has to answer; beyond it the answer is no.',
  },
  {
    key: 'cache-ms',
    type: 'integer',
    default: 10_000,
    ...MILLISECONDS,
    description: 'How long an allow is remembered. 0 = not at all.',
  },
  {
    key: 'recheck-url',
    type: 'url',
    description:
      'Where it is asked, without the password, whether a client that is logged in may stay. Default: such clients stay until they disconnect, or until the time that the service gave.',
  },
  {
    key: 'recheck-ms',
    type: 'integer',
    default: 0,
    ...MILLISECONDS,
    description:
      'Time between two rounds of such questions. 0 = after a reload, and when another plugin revokes logins.',
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
    description: 'Questions under way at one time. Others wait for their turn, which goes round by address.',
  },
  {
    key: 'max-answer-bytes',
    type: 'integer',
    default: 65_536,
    unit: 'bytes',
    min: 1,
    max: UINT32,
    description: 'Size of an answer; a longer one is given up, and the login denied.',
  },
])

const scramRows = rows('auth.scram', [
  {
    key: 'file',
    type: 'path',
    exists: 'file',
    description: 'Users and their credentials; `sluice passwd --kind scram-sha-256` writes them. Needed.',
  },
])

const topicCheckRows = rows('topic-check', [
  { key: 'enabled', type: 'boolean', default: true, description: 'Whether anybody is asked at all.' },
  {
    key: 'plugins',
    type: 'plugins',
    description:
      'Who is asked, by name. Default: `topic_acl` if `acl` is given, `acl.file` if `acl-file` is, `topic_taboo` if `taboo` is.',
  },
  {
    key: 'acl',
    type: 'access-list',
    description:
      'For `topic_acl`: user → list of Topic Filters to publish and subscribe to, or a map of `publish`, `subscribe` and `deny` lists. `anonymous` is the entry of Clients without a User Name, and not of a user of that name; `%u` and `%c` as a whole level stand for User Name and Client Identifier.',
  },
  {
    key: 'taboo',
    type: 'topic-filters',
    description:
      'For `topic_taboo`: what nobody but the user `admin` may use. Default `[prohibited, top-secret, data/classified]`.',
  },
  {
    key: 'groups',
    type: 'groups',
    description: 'For `topic_acl`: group → list of users; an `acl` entry named `@group` holds for all of them.',
  },
  {
    key: 'retained-check',
    type: 'choice',
    values: ['off', 'publisher'],
    default: 'off',
    description:
      'Whether a retained message goes to new subscriptions although its publisher may not publish to its topic any longer. `publisher`: it does not, and is counted and reported as dropped; `off`: it does.',
  },
  { key: 'acl-file', type: 'path', exists: 'file', description: "Rules in Mosquitto's format, for `acl.file`." },
])

const persistenceRows = rows('persistence', [
  { key: 'path', type: 'path', default: 'sluice-data', description: 'Folder of the data; made when it is missing.' },
  {
    key: 'durability',
    type: 'choice',
    values: ['disk', 'process', 'memory'],
    default: 'disk',
    description:
      'What an acknowledgement promises: survives a power cut (`disk`), a crash of the process (`process`), or neither.',
  },
  {
    key: 'topics',
    type: 'durability-map',
    default: {},
    description:
      'Other levels for messages of some topics: a map from Topic Filter to level. The first that matches counts; it wins over the level of a listener.',
  },
  {
    key: 'max-bytes',
    type: 'integer',
    default: 0,
    ...BYTES,
    description:
      'Space the data may take, besides a reserve of 64 kB to 4 MB. Beyond it new messages, sessions and subscriptions are refused until enough has been consumed. 0 = no limit.',
  },
  {
    key: 'max-ram-bytes',
    type: 'integer',
    default: 134_217_728,
    ...BYTES,
    description:
      'Memory of stored messages that wait in Sessions: payloads beyond this, in all, are on disk only until their turn comes.',
  },
  {
    key: 'max-session-ram-bytes',
    type: 'integer',
    default: 524_288,
    ...BYTES,
    description: 'The same for one Session.',
  },
  {
    key: 'close-timeout',
    type: 'number',
    default: 5,
    unit: 'seconds',
    min: 0.1,
    max: DAY,
    description:
      'Time that a broker which stops waits for the disk. What is not stored by then is given up and reported; except at the level `memory`, nothing of it was acknowledged.',
  },
])

const logRows = rows('log', [
  {
    key: 'level',
    type: 'choice',
    values: ['debug', 'info', 'warn', 'error'],
    default: 'info',
    description: 'The least level that is logged by `sluice start`; `--log-level` overrides it.',
  },
  {
    key: 'connections',
    type: 'boolean',
    default: true,
    description: 'Whether there is a line at info for each client that connects, and for each that leaves.',
  },
  {
    key: 'refusals',
    type: 'boolean',
    default: true,
    description:
      'Whether there is a line at info for each connection that is refused: by a login plugin, a limit, TLS, a PROXY header or a WebSocket request. Equal ones of one address are summed up every ten seconds.',
  },
  {
    key: 'denials',
    type: 'boolean',
    default: true,
    description:
      'Whether there is a line at info for each PUBLISH, subscription and delivery that is denied, with the rule that decided it. Those of one user at one address are summed up every ten seconds.',
  },
  {
    key: 'format',
    type: 'choice',
    values: ['text', 'json'],
    description:
      'How `sluice start` writes a line. Default: `text` on a terminal and in the journal of systemd, otherwise `json`.',
  },
  {
    key: 'time',
    type: 'choice',
    values: ['iso', 'epoch', 'none'],
    description:
      'Whether a line begins with the time: as ISO 8601 in UTC, in milliseconds since 1970, or not at all. Default: `none` for text in the journal, which has its own, the time of day on a terminal, otherwise `iso`.',
  },
  {
    key: 'priorities',
    type: 'boolean',
    description:
      'Whether a line begins with its priority, such as `<6>`, as the journal of systemd reads it from standard output. Default: whether standard output is the journal (`JOURNAL_STREAM`).',
  },
  {
    key: 'file',
    type: 'path',
    description:
      'A file that `sluice start` appends the log to, instead of standard output. SIGHUP opens it again, so that it can be rotated.',
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
  ...persistenceRows,
  ...logRows,
]

/** The keys that may stand in a section: `limits` stand at the top level and in every listener. */
export function rowsOf(section: 'broker' | 'listener' | SectionName): readonly OptionRow[] {
  const withLimits = section === 'broker' || section === 'listener'
  return optionTable.filter((row) => row.scope === section || (withLimits && row.scope === 'limits'))
}
