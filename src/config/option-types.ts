/**
 * The options of each section. Made from `option-table.ts` by `tools/reference.ts`: change it there.
 *
 * @module
 */
import type { ProtocolVersion } from '../codec/packet-types.ts'
import type { AccessList, PluginReference, ServerCertificate } from './option-values.ts'

/** Keys of the top level alone. */
export interface TopLevelSettings {
  /** Plugins that are told what happens, such as `event_logger_plugin` and `packet_logger_plugin`: names, module paths or, from a program, objects. Default []. */
  readonly plugins: readonly PluginReference[]
  /** Connections in all; further ones are answered 0x89 (3.1.1: 0x03) and closed. 0 = no limit. Default 50000. */
  readonly maxConnections: number
  /** Connections beyond `max-connections` (in all, or of a listener) that may still send their CONNECT, because it may be a takeover. Beyond it the oldest one of the address that has most of them is closed. Default 100. */
  readonly maxWaitingConnections: number
  /** Connections in all that have not logged in: TLS handshakes, upgrades, connections without CONNECT and logins that are not decided yet. Beyond it the oldest one of the address that has most of them is closed. 0 = no limit. Default 10000. */
  readonly maxConnectionsBeforeConnect: number
  /** Connections from one IP address, each counted from the moment it is accepted. IPv6 addresses count together as `ipv6-prefix-length` says. 0 = no limit. Default 0. */
  readonly maxConnectionsPerAddress: number
  /** First bits of an IPv6 address that tell one holder from another, wherever addresses are counted: one host usually has a whole /64. In bits. Default 64. */
  readonly ipv6PrefixLength: number
  /** CONNECTs accepted per second; further ones are answered 0x9F (3.1.1: 0x03). 0 = no limit. Counted per second. Default 0. */
  readonly maxConnectRate: number
  /** Logins that are not decided yet, those that wait for their turn among them. Beyond it a login of the address that has most of them is answered 0x89 (3.1.1: 0x03). Default 1000. */
  readonly maxPendingLogins: number
  /** Sessions that outlive their connections, in all. For one more, the session of the same holder (a user name, or an address for anonymous clients) that has been away the longest is ended; a holder without one is answered 0x97 (3.1.1: 0x03). 0 = no limit. Default 100000. */
  readonly maxSessions: number
  /** Sessions that outlive their connections, of one user name, or of the anonymous clients of one address. For one more, the one that has been away the longest is ended; where all are connected, the new one is answered 0x97 (3.1.1: 0x03). 0 = no limit. Default 50000. */
  readonly maxSessionsPerUser: number
  /** Retained messages; beyond it the message of a new topic is delivered, but not retained. 0 = no limit. Default 1000000. */
  readonly maxRetainedMessages: number
  /** Memory that all retained messages may take together; beyond it a message is not retained. 0 = no limit. In bytes. Default 1073741824. */
  readonly maxRetainedBytes: number
  /** What may wait for the disk. Beyond it a Client that adds to it (PUBLISH at QoS 1 and 2, retained messages, SUBSCRIBE of a stored Session) waits; everything else is served. In bytes. Default 67108864. */
  readonly maxUncommittedBytes: number
  /** Input held for all clients together: packets that are not complete yet or wait for an answer, and topics behind Topic Aliases. Beyond it the largest connections of the user or address that holds the most are disconnected with 0x97. In bytes. Default 134217728. */
  readonly maxInputBytes: number
  /** Memory that everything the broker keeps for its Clients may take. Default: half of the heap limit of Node, or of the memory of the container or machine if that is less. 0 = no limit. In bytes. */
  readonly maxMemory?: number
  /** The same for one User Name; anonymous Clients count together by their address. Default: half of `max-memory`. 0 = no limit. In bytes. */
  readonly maxMemoryPerUser?: number
  /** Whether there are retained messages; `off` announces Retain Available 0 (§3.2.2.3.5). 3.1 and 3.1.1 have no way to announce it: there, RETAIN is ignored. Default true. */
  readonly retain: boolean
  /** Whether Topic Filters may have wildcards (§3.2.2.3.11). Default true. */
  readonly wildcardSubscriptions: boolean
  /** Whether there are Shared Subscriptions (§3.2.2.3.13). Default true. */
  readonly sharedSubscriptions: boolean
  /** Whether there are Subscription Identifiers (§3.2.2.3.12). Default true. */
  readonly subscriptionIdentifiers: boolean
  /** Whether a Session belongs to the User Name that made it; another one with the same Client Identifier is answered 0x85 (3.1.1: 0x02). Default true. */
  readonly clientIdOwnership: boolean
  /** Time between two rounds of `$SYS/broker/` topics. 0 = none. In seconds. Default 20. */
  readonly sysInterval: number
  /** Pause behind a small turn while many Clients say little each, so that one turn serves more of them: a fifth to a third less processor time, about that much more delay. It stops the whole thread, so an embedded broker has none unless told; `sluice start` has 0.2. 0 = none. In milliseconds. Default 0. */
  readonly gatherPause: number
  /** How long a plugin may think about one answer; beyond it the answer is no. In seconds. Default 5. */
  readonly pluginTimeout: number
  /** Sent to Clients that ask for Response Information (§3.2.2.3.15). Empty = none. Default "". */
  readonly responseInformation: string
  /** Another Server for Clients that are told to go there (§4.11). Empty = none. Default "". */
  readonly serverReference: string
}

/** Keys of the top level that a listener may override. */
export interface ListenerLimits {
  /** Largest CONNECT, before anybody has logged in. In bytes. Default 65536. */
  readonly maxConnectPacketSize: number
  /** Largest packet from a Client; announced as Maximum Packet Size (§3.2.2.3.6). In bytes. Default 16777216. */
  readonly maxPacketSize: number
  /** User Properties in one packet, or in the Will of a CONNECT; a client that sends more is disconnected with 0x97. Default 1000. */
  readonly maxUserProperties: number
  /** Topic Filters in one SUBSCRIBE or UNSUBSCRIBE; a client that sends more is disconnected with 0x97 (3.1.1: without a code). Default 10000. */
  readonly maxFiltersPerPacket: number
  /** Time that a new client has from its connection to the end of its CONNECT packet, and for each answer in an AUTH exchange. In seconds. Default 10. */
  readonly connectTimeout: number
  /** Time until a login is decided, the wait for its turn included. Then it is answered 0x89 (3.1.1: 0x03). In seconds. Default 30. */
  readonly loginTimeout: number
  /** Time in which a packet that has begun to come in has to be complete, besides the time that its bytes take at `min-packet-rate`; a client that is slower is disconnected with 0x97. In seconds. Default 30. */
  readonly packetTimeout: number
  /** Slowest rate at which a packet may come in, once `packet-timeout` is over. Counted bytes per second. Default 100. */
  readonly minPacketRate: number
  /** Grace on top of 1.5 times the Keep Alive before a silent Client is disconnected (§3.1.2.10). In seconds. Default 0. */
  readonly timeoutDisconnectDelay: number
  /** Longest Keep Alive; a 5.0 client that asks for more, or for none, is given this one; `keep-alive-too-long` says what becomes of an older one. 0 = no limit. In seconds. Default 0. */
  readonly maxKeepAlive: number
  /** A 3.1 or 3.1.1 client that asks for a longer Keep Alive than `max-keep-alive`, or for none, cannot be given another one: `refuse` answers CONNACK 0x02; `hold` accepts it, and disconnects it once it has been silent for 1.5 times `max-keep-alive` and `keep-alive-grace`. Default "refuse". */
  readonly keepAliveTooLong: 'refuse' | 'hold'
  /** Grace for clients that `keep-alive-too-long: hold` accepts: they do not know that they have to send more often. In seconds. Default 60. */
  readonly keepAliveGrace: number
  /** QoS 1 and 2 messages a Client may have in flight towards us (§3.2.2.3.3). Default 1000. */
  readonly receiveMaximum: number
  /** QoS 1 and 2 messages in flight towards one Client; the Client's own Receive Maximum may lower it. Default 1000. */
  readonly maxInflightMessages: number
  /** Highest QoS granted to subscriptions and accepted from publishers (§3.2.2.3.4). 3.1 and 3.1.1 have no way to announce it: there, a message or Will of a higher QoS is accepted and goes on at this one. Default 2. */
  readonly maxQos: 0 | 1 | 2
  /** Topic Aliases a Client may use towards us (§3.2.2.3.8). 0 = none. Default 32. */
  readonly topicAliasMaximum: number
  /** Topic Aliases we use towards a Client, if it allows as many, for topics of 65,536 characters together. 0 = none. Default 32. */
  readonly maxOutgoingTopicAliases: number
  /** Output that may wait for one Connection before QoS 0 messages for it are dropped. In bytes. Default 1048576. */
  readonly maxOutgoingBytes: number
  /** Time until a peer that takes no output is closed. In seconds. Default 60. */
  readonly drainTimeout: number
  /** Longest Session Expiry Interval granted; also what a 3.1.1 Client with CleanSession 0 gets. 4294967295 = no limit. In seconds. Default 2592000. */
  readonly maxSessionExpiry: number
  /** QoS 1 and 2 messages waiting in one Session. Default 10000. */
  readonly maxQueuedMessages: number
  /** The same while its Client is connected, where this is more: its queue is limited by `max-queued-bytes` then. Default 1000000. */
  readonly maxQueuedMessagesConnected: number
  /** Memory that the messages waiting in one Session would take, wherever their payloads are. In bytes. Default 16777216. */
  readonly maxQueuedBytes: number
  /** Memory that one Connection may take: packets that are not complete or wait for an answer (beyond it, the Connection is ended with 0x97), and output that is not taken or waits for the Store (beyond it, QoS 0 is dropped, everything else waits). Default: four times `max-packet-size`, and at least 64 MiB. 0 = no limit. In bytes. */
  readonly maxMemoryPerConnection?: number
  /** Memory that one Session may take: its subscriptions, its Will, and its messages, waiting or in flight. 0 = no limit. In bytes. Default 67108864. */
  readonly maxMemoryPerSession: number
  /** Which message goes when the queue of a Session is full; each is counted and told as an event. Default "drop-newest". */
  readonly queueFull: 'drop-newest' | 'drop-oldest'
  /** QoS 1 and 2 messages are sent again on each new connection until they are acknowledged; one over which so many connections have ended because its client broke the protocol is dropped. 0 = never. Default 10. */
  readonly maxDeliveryAttempts: number
  /** Subscriptions of one Client; beyond it SUBACK says 0x97 (3.1.1: 0x80). Default 10000. */
  readonly maxSubscriptions: number
  /** Levels of a Topic Name or Topic Filter. Default 200. */
  readonly maxTopicLevels: number
  /** Protocol versions served, written as 3.1, 3.1.1 and 5.0. Default [3,4,5]. */
  readonly protocolVersions: readonly ProtocolVersion[]
  /** Whether clients of 3.1 and 3.1.1 may say that they are the bridge of another broker, as Mosquitto does: they get no messages back that they published, RETAIN is kept, and they may publish to `$SYS/broker/connection/CLIENT-ID/state` with their own client identifier. Off: they are answered 0x01, upon which Mosquitto connects as an ordinary client. Default true. */
  readonly bridges: boolean
  /** Messages one Client may publish; beyond it the Client is read more slowly. 0 = no limit. Counted per second. Default 0. */
  readonly maxPublishRate: number
  /** Bytes one Client may send; beyond it the Client is read more slowly. 0 = no limit. Counted per second. Default 0. */
  readonly maxByteRate: number
}

/** Keys of one listener. */
export interface ListenerSettings {
  /** Transport: plain stream, WebSocket, or Unix domain socket. `ssl` makes the first two mqtts and wss. Default "tcp". */
  readonly type: 'tcp' | 'ws' | 'unix'
  /** If the address cannot be had (it comes after boot, a name is not known yet, another program has it), the broker starts without it and tries again, after 1 s at first and up to 60 s later. Off: the start fails. Default false. */
  readonly retry: boolean
  /** Connections of this listener; further ones are answered 0x89 (3.1.1: 0x03) and closed. 0 = no limit. Default 0. */
  readonly maxConnections: number
  /** For `type: unix`: who may connect to the socket, as an octal file mode in quotes, such as `'0660'`. Empty = as the umask of the process has it; with `group`, 0660. Default "". */
  readonly mode: string
  /** For `type: unix`: the group of the socket, by number or by its name in /etc/group. The process has to be a member of it. Empty = its own. Default "". */
  readonly group: string
  /** Which Client Identifiers may be used through this listener. `user-name`: only the user name itself; any other, and an empty one, is answered 0x85 (3.1.1: 0x02). Default "any". */
  readonly clientId: 'any' | 'user-name'
  /** What Client Identifiers have to begin with; `%u` in it stands for the user name. Any other, an empty one, and with `%u` one of a client without a user name, is answered 0x85 (3.1.1: 0x02). Empty = anything. Default "". */
  readonly clientIdPrefix: string
  /** Connections of this listener that have not finished what comes before MQTT: a PROXY header, a TLS handshake, a WebSocket upgrade. Beyond it the oldest one of the address that has most of them is closed. Default 1000. */
  readonly maxHandshakes: number
  /** Whether the listener speaks TLS; needs `certfile` and `keyfile`. Default false. */
  readonly ssl: boolean
  /** The listener's certificate chain, PEM. */
  readonly certfile?: string
  /** The private key that goes with `certfile`, PEM. */
  readonly keyfile?: string
  /** A file whose first line is the password of an encrypted `keyfile`. */
  readonly keyfilePasswordFile?: string
  /** CAs that may sign client certificates: a PEM file. */
  readonly cafile?: string
  /** CAs that may sign client certificates: a folder of PEM files. */
  readonly capath?: string
  /** CAs that may sign client certificates: PEM text, here in the configuration. */
  readonly cadata?: string
  /** Certificates that were revoked: a PEM file of CRLs. Needed is the list of each CA that issues client certificates; CAs themselves are looked up where the list of the CA above them is there. */
  readonly crlfile?: string
  /** How long before its end the log warns of a certificate, a CA or a CRL: at the start, at a reload, and daily. 0 = only once it has expired. In days. Default 14. */
  readonly certificateWarningDays: number
  /** Whether Clients show a certificate. Default `optional` where a CA is given, otherwise `off`. */
  readonly clientCertificates?: 'off' | 'optional' | 'required'
  /** Which part of a client certificate is the Client's user name. Default "off". */
  readonly certificateUserName: 'off' | 'cn' | 'subject' | 'san'
  /** Further certificates, chosen by SNI: a list of `server-name`, `certfile`, `keyfile`, `keyfile-password-file`. Default []. */
  readonly certificates: readonly ServerCertificate[]
  /** Oldest TLS version spoken. Default "1.2". */
  readonly minTlsVersion: '1.2' | '1.3'
  /** Whether every Connection begins with a PROXY protocol header (v1 or v2); needs `trusted-proxies`. Default false. */
  readonly proxyProtocol: boolean
  /** Addresses (`10.0.0.1`, `10.0.0.0/8`) whose PROXY header or `X-Forwarded-For` is believed. Default []. */
  readonly trustedProxies: readonly string[]
  /** The one path WebSocket Clients may ask for, such as `/mqtt`. Empty = any. Default "". */
  readonly websocketPath: string
  /** Origins whose pages may connect by WebSocket, beside those of this very host and port: `https://example.com`, `https://*.example.com` for its subdomains, `null` for pages without one, `*` for any. A request without an `Origin` is no page, and may. Default []. */
  readonly allowedOrigins: readonly string[]
  /** Host names of this listener whose own pages may connect where anonymous clients may log in; `localhost` and addresses always count. Any other name could be one that a foreign site has given this address. Default []. */
  readonly allowedHosts: readonly string[]
  /** Overrides `auth.allow-anonymous` for this listener. */
  readonly allowAnonymous?: boolean
  /** Which of `auth.plugins` are asked about Clients of this listener. Default: all of them. */
  readonly authPlugins?: readonly PluginReference[]
  /** Overrides `persistence.durability` for messages that come through this listener. */
  readonly durability?: 'disk' | 'process' | 'memory'
  /** Silence after which the system probes whether the peer is still there. 0 = never. In seconds. Default 600. */
  readonly tcpKeepalive: number
}

/** Keys of `auth`. */
export interface AuthSettings {
  /** Who is asked, by name. Default: those whose keys are given: `auth.file` with `password-file`, `auth.jwt`, `auth.http` and `auth.scram` with their sections, `auth.certificate` with `certificate-user-name` and `auth.anonymous` with `allow-anonymous` on any listener. */
  readonly plugins?: readonly PluginReference[]
  /** Whether `auth.anonymous` lets in Clients without User Name and Password. Default false. */
  readonly allowAnonymous: boolean
  /** What happens where anonymous clients may log in and one sends a user name or a password that no plugin knows: it is refused, or it is let in as an anonymous client, whose name counts for nothing and is only shown, as `claimedUserName`. Default: `as-anonymous` where `auth.anonymous` is the only login plugin, otherwise `refuse`. */
  readonly unknownUserNames?: 'refuse' | 'as-anonymous'
  /** Lines of `user:hash` for `auth.file`; `sluice passwd` writes them. */
  readonly passwordFile?: string
  /** Checks of `auth.file` that its thread is given at one time. Others wait for their turn, which goes round by address. Default 2. */
  readonly maxPasswordChecks: number
  /** How long `auth.file` remembers a password that it found right. 0 = not at all. In milliseconds. Default 60000. */
  readonly passwordCacheMs: number
  /** Wrong logins in a row from one address that cost no time. After that the next login from there is checked after 250 ms, and each further one after twice as long as the one before, one at a time. Default 3. */
  readonly loginDelayAfter: number
  /** Longest time between two logins of an address that has had wrong ones. 0 = they cost no time. In milliseconds. Default 5000. */
  readonly maxLoginDelayMs: number
  /** Logins of one address that are checked at one time while none was wrong. Others of that address wait for their turn. User names that have logged in from there before are counted on their own. Default 16. */
  readonly maxLoginsPerAddress: number
  /** Addresses whose wrong logins are remembered, for ten minutes; beyond it the oldest is forgotten. Default 10000. */
  readonly maxDelayedAddresses: number
  /** User names whose wrong logins are remembered, for ten minutes; beyond it the oldest is forgotten. They slow only addresses from which that user has not logged in. Default 10000. */
  readonly maxDelayedNames: number
  /** Pairs of a user name and an address from which it has logged in that are remembered while the broker runs; beyond it the oldest is forgotten. Default 50000. */
  readonly maxKnownLogins: number
  /** Client Identifiers of single users: user name → list, in which a `*` at the end stands for anything. A user that is in it and comes with another one is answered 0x85 (3.1.1: 0x02); others are not affected. Default {}. */
  readonly clientIds: Readonly<Record<string, readonly string[]>>
  /** Addresses (`10.0.0.1`, `10.0.0.0/8`) whose wrong logins cost no time. Default []. */
  readonly penaltyExempt: readonly string[]
  /** Settings of `auth.jwt`: log-in by JSON Web Token. */
  readonly jwt?: AuthJwtOptions
  /** Settings of `auth.http`: a web service is asked about each log-in. */
  readonly http?: AuthHttpOptions
  /** Settings of `auth.scram`: SCRAM-SHA-256, for 5.0 Clients (§4.12). */
  readonly scram?: AuthScramOptions
}

/** Keys of `auth.jwt`. */
export interface AuthJwtOptions {
  /** Public key or certificate (PEM), or a JWK or JWKS. One of `key-file`, `jwks-url`, `secret-file` is needed. */
  readonly keyFile?: string
  /** Where the issuer publishes its keys. */
  readonly jwksUrl?: string
  /** A shared secret of at least 32 bytes, for HS256 and its like. */
  readonly secretFile?: string
  /** Which field of CONNECT carries the token. Default "password". */
  readonly from: 'password' | 'user-name'
  /** Signatures accepted. Default: all that go with the kind of key. */
  readonly algorithms?: readonly string[]
  /** What `iss` has to be. */
  readonly issuer?: string
  /** What `aud` has to be. */
  readonly audience?: string
  /** The claim that names the Client from then on. Default "sub". */
  readonly userNameClaim: string
  /** Whether a token without `exp` is refused. Default true. */
  readonly requireExpiry: boolean
  /** How far the issuer's clock may be off. In milliseconds. Default 0. */
  readonly clockToleranceMs: number
  /** Time the issuer has to answer. In milliseconds. Default 3000. */
  readonly fetchTimeoutMs: number
  /** Size of the issuer's key set; a longer answer is given up, and the login denied. In bytes. Default 1048576. */
  readonly maxAnswerBytes: number
}

/** Keys of `auth.http`. */
export interface AuthHttpOptions {
  /** Where questions are posted, as JSON. Needed. */
  readonly url?: string
  /** Sent along, such as a secret the service knows us by. */
  readonly headers?: Readonly<Record<string, string>>
  /** Time the service has to answer; beyond it the answer is no. In milliseconds. Default 3000. */
  readonly timeoutMs: number
  /** How long an allow is remembered. 0 = not at all. In milliseconds. Default 10000. */
  readonly cacheMs: number
  /** Where it is asked, without the password, whether a client that is logged in may stay. Default: such clients stay until they disconnect, or until the time that the service gave. */
  readonly recheckUrl?: string
  /** Time between two rounds of such questions. 0 = after a reload, and when another plugin revokes logins. In milliseconds. Default 0. */
  readonly recheckMs: number
  /** Connections to the service. Default 16. */
  readonly maxConnections: number
  /** Questions under way at one time. Others wait for their turn, which goes round by address. Default 100. */
  readonly maxPending: number
  /** Size of an answer; a longer one is given up, and the login denied. In bytes. Default 65536. */
  readonly maxAnswerBytes: number
}

/** Keys of `auth.scram`. */
export interface AuthScramOptions {
  /** Users and their credentials; `sluice passwd --kind scram-sha-256` writes them. Needed. */
  readonly file?: string
}

/** Keys of `topic-check`. */
export interface TopicCheckSettings {
  /** Whether anybody is asked at all. Default true. */
  readonly enabled: boolean
  /** Who is asked, by name. Default: `topic_acl` if `acl` is given, `acl.file` if `acl-file` is, `topic_taboo` if `taboo` is. */
  readonly plugins?: readonly PluginReference[]
  /** For `topic_acl`: user → list of Topic Filters to publish and subscribe to, or a map of `publish`, `subscribe` and `deny` lists. `anonymous` is the entry of Clients without a User Name, and not of a user of that name; `%u` and `%c` as a whole level stand for User Name and Client Identifier. */
  readonly acl?: AccessList
  /** For `topic_taboo`: what nobody but the user `admin` may use. Default `[prohibited, top-secret, data/classified]`. */
  readonly taboo?: readonly string[]
  /** For `topic_acl`: group → list of users; an `acl` entry named `@group` holds for all of them. */
  readonly groups?: Readonly<Record<string, readonly string[]>>
  /** Whether a retained message goes to new subscriptions although its publisher may not publish to its topic any longer. `publisher`: it does not, and is counted and reported as dropped; `off`: it does. Default "off". */
  readonly retainedCheck: 'off' | 'publisher'
  /** Rules in Mosquitto's format, for `acl.file`. */
  readonly aclFile?: string
}

/** Keys of `persistence`. */
export interface PersistenceOptions {
  /** Folder of the data; made when it is missing. Default "sluice-data". */
  readonly path: string
  /** What an acknowledgement promises: survives a power cut (`disk`), a crash of the process (`process`), or neither. Default "disk". */
  readonly durability: 'disk' | 'process' | 'memory'
  /** Other levels for messages of some topics: a map from Topic Filter to level. The first that matches counts; it wins over the level of a listener. Default {}. */
  readonly topics: Readonly<Record<string, 'disk' | 'process' | 'memory'>>
  /** Space the data may take, besides a reserve of 64 kB to 4 MB. Beyond it new messages, sessions and subscriptions are refused until enough has been consumed. 0 = no limit. In bytes. Default 0. */
  readonly maxBytes: number
  /** Memory of stored messages that wait in Sessions: payloads beyond this, in all, are on disk only until their turn comes. In bytes. Default 134217728. */
  readonly maxRamBytes: number
  /** The same for one Session. In bytes. Default 524288. */
  readonly maxSessionRamBytes: number
  /** Time that a broker which stops waits for the disk. What is not stored by then is given up and reported; except at the level `memory`, nothing of it was acknowledged. In seconds. Default 5. */
  readonly closeTimeout: number
}

/** Keys of `log`. */
export interface LogOptions {
  /** The least level that is logged by `sluice start`; `--log-level` overrides it. Default "info". */
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** Whether there is a line at info for each client that connects, and for each that leaves. Default true. */
  readonly connections: boolean
  /** Whether there is a line at info for each connection that is refused: by a login plugin, a limit, TLS, a PROXY header or a WebSocket request. Equal ones of one address are summed up every ten seconds. Default true. */
  readonly refusals: boolean
  /** Whether there is a line at info for each PUBLISH, subscription and delivery that is denied, with the rule that decided it. Those of one user at one address are summed up every ten seconds. Default true. */
  readonly denials: boolean
  /** How `sluice start` writes a line. Default: `text` on a terminal and in the journal of systemd, otherwise `json`. */
  readonly format?: 'text' | 'json'
  /** Whether a line begins with the time: as ISO 8601 in UTC, in milliseconds since 1970, or not at all. Default: `none` for text in the journal, which has its own, the time of day on a terminal, otherwise `iso`. */
  readonly time?: 'iso' | 'epoch' | 'none'
  /** Whether a line begins with its priority, such as `<6>`, as the journal of systemd reads it from standard output. Default: whether standard output is the journal (`JOURNAL_STREAM`). */
  readonly priorities?: boolean
  /** A file that `sluice start` appends the log to, instead of standard output. SIGHUP opens it again, so that it can be rotated. */
  readonly file?: string
}
