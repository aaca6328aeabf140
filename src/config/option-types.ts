/**
 * The options of each section. Made from `option-table.ts` by `tools/reference.ts`: change it there.
 *
 * @module
 */
import type { ProtocolVersion } from '../codec/packet-types.ts'
import type { AccessList, BridgeRule, PluginReference, ServerCertificate } from './option-values.ts'

/** Keys of the top level alone. */
export interface TopLevelSettings {
  /** Plugins that listen to events, such as `event_logger_plugin` and `packet_logger_plugin`: names, module paths or, in a program, objects. Default []. */
  readonly plugins: readonly PluginReference[]
  /** Connections in all. Further ones are answered 0x89 (3.1.1: 0x03) and closed. 0 = no limit. Default 50000. */
  readonly maxConnections: number
  /** Connections beyond `max-connections` (of the broker or of a listener) that may still send their CONNECT, because it may take over a session. Beyond it, the oldest connection of the address that has the most of them is closed. Default 100. */
  readonly maxWaitingConnections: number
  /** Connections in all that have not logged in: TLS handshakes, WebSocket upgrades, connections without a CONNECT, and undecided logins. Beyond it, the oldest connection of the address that has the most of them is closed. 0 = no limit. Default 10000. */
  readonly maxConnectionsBeforeConnect: number
  /** Connections from one IP address, counted from the moment they are accepted. IPv6 addresses are grouped by `ipv6-prefix-length`. 0 = no limit. Default 0. */
  readonly maxConnectionsPerAddress: number
  /** Leading bits by which IPv6 addresses are grouped wherever addresses are counted: one host usually has a whole /64. In bits. Default 64. */
  readonly ipv6PrefixLength: number
  /** CONNECT packets accepted per second. Further ones are answered 0x9F (3.1.1: 0x03). 0 = no limit. Counted per second. Default 0. */
  readonly maxConnectRate: number
  /** Undecided logins, including those waiting to be checked. Beyond it, a login from the address that has the most of them is answered 0x89 (3.1.1: 0x03). Default 1000. */
  readonly maxPendingLogins: number
  /** Ended connections that are remembered with the cause of each, for operators to look at. Beyond it, the oldest is forgotten. 0 = none. Default 1000. */
  readonly maxClosedConnections: number
  /** Memory for the flight recorder, which keeps the latest packets (without payloads, unless `recorder-payload-bytes` is set) and decisions of each client for operators to look at. Beyond it, clients that have disconnected are forgotten, the oldest first. It is not part of `max-memory`. 0 = nothing is recorded. In bytes. Default 33554432. */
  readonly maxRecorderBytes: number
  /** Memory of the flight recorder for one client. Beyond it, and with many clients beyond an equal share of `max-recorder-bytes`, the oldest entries of the same client are overwritten. In bytes. Default 8192. */
  readonly maxRecorderBytesPerClient: number
  /** How many bytes of the payload of a received message the flight recorder keeps, the first ones; of messages that are counted together, those of the last. They take part of `max-recorder-bytes-per-client`. `why` shows them to the host program and to roles that `admin.show-payloads` names. Nothing is kept of messages below `$CONTROL/`, which set passwords. 0 = none. In bytes. Default 0. */
  readonly recorderPayloadBytes: number
  /** Sessions that outlive their connections, in all. To make room for a new one, the broker ends the session of the same owner (a user name, or an address for anonymous clients) that has been disconnected the longest; if the owner has none, the new session is refused with 0x97 (3.1.1: 0x03). 0 = no limit. Default 100000. */
  readonly maxSessions: number
  /** Sessions that outlive their connections, per user name, or per address for anonymous clients. To make room for a new one, the broker ends the one that has been disconnected the longest; if all are connected, the new session is refused with 0x97 (3.1.1: 0x03). 0 = no limit. Default 50000. */
  readonly maxSessionsPerUser: number
  /** Retained messages. Beyond it, a message for a new topic is delivered but not retained. 0 = no limit. Default 1000000. */
  readonly maxRetainedMessages: number
  /** Memory for all retained messages together. Beyond it, a message is delivered but not retained. 0 = no limit. In bytes. Default 1073741824. */
  readonly maxRetainedBytes: number
  /** Data waiting to be written to disk. Beyond it, a client that would add to it (PUBLISH at QoS 1 or 2, a retained message, SUBSCRIBE of a stored session) waits; everything else is served. In bytes. Default 67108864. */
  readonly maxUncommittedBytes: number
  /** Input held for all clients together: packets that are incomplete or waiting for an answer, and topics behind Topic Aliases. Beyond it, the largest connections of the user or address that holds the most are disconnected with 0x97. In bytes. Default 134217728. */
  readonly maxInputBytes: number
  /** Memory for everything that the broker keeps for its clients. Default: half of Node's heap limit, or of the memory of the container or machine if that is less. 0 = no limit. In bytes. */
  readonly maxMemory?: number
  /** The same for one user name; anonymous clients are counted together by address. Default: half of `max-memory`. 0 = no limit. In bytes. */
  readonly maxMemoryPerUser?: number
  /** Whether messages are retained. `off` announces Retain Available 0 (§3.2.2.3.5); for 3.1 and 3.1.1 clients, which cannot be informed, the RETAIN flag is ignored. Default true. */
  readonly retain: boolean
  /** Whether topic filters may contain wildcards (§3.2.2.3.11). Default true. */
  readonly wildcardSubscriptions: boolean
  /** Whether clients may use Shared Subscriptions (§3.2.2.3.13). Default true. */
  readonly sharedSubscriptions: boolean
  /** Whether clients may use Subscription Identifiers (§3.2.2.3.12). Default true. */
  readonly subscriptionIdentifiers: boolean
  /** Whether a session belongs to the user name that created it. Another user with the same client identifier is refused with 0x85 (3.1.1: 0x02). Default true. */
  readonly clientIdOwnership: boolean
  /** Interval at which the `$SYS/broker/` topics are published. 0 = never. In seconds. Default 20. */
  readonly sysInterval: number
  /** Pause after a small turn while many clients each send little, so that one turn serves more of them. It saves processor time and adds delay. With `auto` the broker pauses for about 0.1 milliseconds, while that gathers at least two or three packets, and not otherwise; a number sets the length. A pause blocks the whole thread, so an embedded broker does not pause by default; `sluice start` uses `auto`. 0 = none. In milliseconds. Default 0. */
  readonly gatherPause: number | 'auto'
  /** Time a plugin has for each answer. After that, the answer is no. Also the time it has to close. In seconds. Default 5. */
  readonly pluginTimeout: number
  /** Time a plugin has to load and to start. After that, the broker does not start, or keeps the configuration that it has. In seconds. Default 60. */
  readonly pluginStartTimeout: number
  /** Response Information for clients that request it (§3.2.2.3.15). Empty = none. Default "". */
  readonly responseInformation: string
  /** Server Reference for clients that are redirected to another server (§4.11). Empty = none. Default "". */
  readonly serverReference: string
}

/** Keys of the top level that a listener may override. */
export interface ListenerLimits {
  /** Largest CONNECT packet, which is received before the login. In bytes. Default 65536. */
  readonly maxConnectPacketSize: number
  /** Largest packet accepted from a client; announced as Maximum Packet Size (§3.2.2.3.6). In bytes. Default 16777216. */
  readonly maxPacketSize: number
  /** User Properties in one packet, or in the Will of a CONNECT. A client that sends more is disconnected with 0x97. Default 1000. */
  readonly maxUserProperties: number
  /** Topic filters in one SUBSCRIBE or UNSUBSCRIBE. A client that sends more is disconnected with 0x97 (3.1.1: without a code). Default 10000. */
  readonly maxFiltersPerPacket: number
  /** Time from accepting a connection to the end of its CONNECT packet, and for each answer in an AUTH exchange. In seconds. Default 10. */
  readonly connectTimeout: number
  /** Time until a login is decided, including the wait to be checked. After that, it is answered 0x89 (3.1.1: 0x03). In seconds. Default 30. */
  readonly loginTimeout: number
  /** Time to receive a complete packet, in addition to the time that its bytes take at `min-packet-rate`. A slower client is disconnected with 0x97. In seconds. Default 30. */
  readonly packetTimeout: number
  /** Lowest rate at which a packet may arrive after `packet-timeout`. Counted bytes per second. Default 100. */
  readonly minPacketRate: number
  /** Grace period after 1.5 times the Keep Alive before a silent client is disconnected (§3.1.2.10). In seconds. Default 0. */
  readonly timeoutDisconnectDelay: number
  /** Longest Keep Alive. A 5.0 client that requests a longer one, or none, is given this one; for older clients, see `keep-alive-too-long`. 0 = no limit. In seconds. Default 0. */
  readonly maxKeepAlive: number
  /** What happens to a 3.1 or 3.1.1 client that requests a Keep Alive longer than `max-keep-alive`, or none, since it cannot be given another one: `refuse` answers CONNACK 0x02; `hold` accepts it and disconnects it once it has been silent for 1.5 times `max-keep-alive` plus `keep-alive-grace`. Default "refuse". */
  readonly keepAliveTooLong: 'refuse' | 'hold'
  /** Grace period for clients accepted by `keep-alive-too-long: hold`, which do not know that they should send more often. In seconds. Default 60. */
  readonly keepAliveGrace: number
  /** QoS 1 and 2 messages that a client may have in flight to the broker (§3.2.2.3.3). Default 1000. */
  readonly receiveMaximum: number
  /** QoS 1 and 2 messages in flight to one client. The client's own Receive Maximum may lower it. Default 1000. */
  readonly maxInflightMessages: number
  /** Highest QoS granted to subscriptions and accepted from publishers (§3.2.2.3.4). 3.1 and 3.1.1 clients cannot be informed; their messages and Wills of a higher QoS are accepted and lowered to this one. Default 2. */
  readonly maxQos: 0 | 1 | 2
  /** Topic Aliases that a client may use when it publishes (§3.2.2.3.8). 0 = none. Default 32. */
  readonly topicAliasMaximum: number
  /** Topic Aliases that the broker uses towards a client, if the client allows that many, for topics of at most 65,536 characters together. 0 = none. Default 32. */
  readonly maxOutgoingTopicAliases: number
  /** Output waiting for one connection before QoS 0 messages for it are dropped. In bytes. Default 1048576. */
  readonly maxOutgoingBytes: number
  /** Time after which a client that reads nothing is disconnected. In seconds. Default 60. */
  readonly drainTimeout: number
  /** Longest Session Expiry Interval granted, and the one given to a 3.1.1 client with CleanSession 0. 4294967295 = no limit. In seconds. Default 2592000. */
  readonly maxSessionExpiry: number
  /** QoS 1 and 2 messages waiting in one session. Default 10000. */
  readonly maxQueuedMessages: number
  /** The same while the client is connected, if this is more; the queue is then limited by `max-queued-bytes`. Default 1000000. */
  readonly maxQueuedMessagesConnected: number
  /** Memory that the messages waiting in one session would take, wherever their payloads are kept. In bytes. Default 16777216. */
  readonly maxQueuedBytes: number
  /** Memory for one connection: packets that are incomplete or waiting for an answer (beyond it, the connection is closed with 0x97), and output that is unread or waiting for the store (beyond it, QoS 0 is dropped and everything else waits). Default: four times `max-packet-size`, but at least 64 MiB. 0 = no limit. In bytes. */
  readonly maxMemoryPerConnection?: number
  /** Memory for one session: its subscriptions, its Will, and its messages, waiting or in flight. 0 = no limit. In bytes. Default 67108864. */
  readonly maxMemoryPerSession: number
  /** Which message is dropped when the queue of a session is full. Each drop is counted and emitted as an event. Default "drop-newest". */
  readonly queueFull: 'drop-newest' | 'drop-oldest'
  /** QoS 1 and 2 messages are sent again on each new connection until they are acknowledged. A message is dropped once this many connections have ended because the client broke the protocol over it. 0 = never. Default 10. */
  readonly maxDeliveryAttempts: number
  /** Subscriptions of one client. Further ones are refused with SUBACK 0x97 (3.1.1: 0x80). Default 10000. */
  readonly maxSubscriptions: number
  /** Levels in a topic name or topic filter. Default 200. */
  readonly maxTopicLevels: number
  /** Protocol versions accepted, written as 3.1, 3.1.1 and 5.0. Default [3,4,5]. */
  readonly protocolVersions: readonly ProtocolVersion[]
  /** Whether 3.1 and 3.1.1 clients may identify themselves as the bridge of another broker, as Mosquitto does. A bridge does not receive the messages it has published, receives RETAIN as published, and may publish to `$SYS/broker/connection/CLIENT-ID/state` with its own client identifier. If off, it is answered 0x01, and Mosquitto then connects as an ordinary client. Default true. */
  readonly bridgeClients: boolean
  /** Messages that one client may publish. Beyond it, the client is read more slowly. 0 = no limit. Counted per second. Default 0. */
  readonly maxPublishRate: number
  /** Bytes that one client may send. Beyond it, the client is read more slowly. 0 = no limit. Counted per second. Default 0. */
  readonly maxByteRate: number
}

/** Keys of one listener. */
export interface ListenerSettings {
  /** Transport: TCP, WebSocket, or Unix domain socket. With `ssl`, the first two become mqtts and wss. Default "tcp". */
  readonly type: 'tcp' | 'ws' | 'unix'
  /** If the address is not available (the interface comes up after boot, the name does not resolve yet, another program uses it), the broker starts without it and tries again, after 1 s at first and then at intervals of up to 60 s. If off, the start fails. Default false. */
  readonly retry: boolean
  /** Connections of this listener. Further ones are answered 0x89 (3.1.1: 0x03) and closed. 0 = no limit. Default 0. */
  readonly maxConnections: number
  /** For `type: unix`: the permissions of the socket, as an octal file mode in quotes, such as `'0660'`. Empty = given by the umask of the process, or 0660 with `group`. Default "". */
  readonly mode: string
  /** For `type: unix`: the group of the socket, by number or by its name in /etc/group. The process must be a member of it. Empty = the group of the process. Default "". */
  readonly group: string
  /** Which client identifiers this listener accepts. `user-name`: only the user name itself; any other, or an empty one, is refused with 0x85 (3.1.1: 0x02). Default "any". */
  readonly clientId: 'any' | 'user-name'
  /** Required prefix of client identifiers; `%u` in it stands for the user name. Any other identifier, an empty one, or (with `%u`) that of a client without a user name is refused with 0x85 (3.1.1: 0x02). Empty = any. Default "". */
  readonly clientIdPrefix: string
  /** Connections of this listener that have not completed what precedes MQTT: a PROXY header, a TLS handshake, a WebSocket upgrade. Beyond it, the oldest connection of the address that has the most of them is closed. Default 1000. */
  readonly maxHandshakes: number
  /** Whether the listener uses TLS; requires `certfile` and `keyfile`. Default false. */
  readonly ssl: boolean
  /** The listener's certificate chain, in PEM. */
  readonly certfile?: string
  /** The private key of `certfile`, in PEM. */
  readonly keyfile?: string
  /** A file whose first line is the password of an encrypted `keyfile`. */
  readonly keyfilePasswordFile?: string
  /** CAs that may issue client certificates: a PEM file. */
  readonly cafile?: string
  /** CAs that may issue client certificates: a folder of PEM files. */
  readonly capath?: string
  /** CAs that may issue client certificates: PEM text in the configuration itself. */
  readonly cadata?: string
  /** Revoked certificates: a PEM file of CRLs. It must hold the list of each CA that issues client certificates; a CA is itself checked if the list of the CA above it is present. */
  readonly crlfile?: string
  /** How many days before a certificate, CA or CRL expires the log starts to warn: at start, at a reload, and daily. The health check `certificates` fails as early for certificates of the listener. 0 = only once it has expired. In days. Default 14. */
  readonly certificateWarningDays: number
  /** Whether clients present a certificate. Default `optional` if a CA is given, otherwise `off`. */
  readonly clientCertificates?: 'off' | 'optional' | 'required'
  /** Which part of a client certificate is used as the user name. Default "off". */
  readonly certificateUserName: 'off' | 'cn' | 'subject' | 'san'
  /** Additional certificates, selected by SNI: a list of `server-name`, `certfile`, `keyfile`, `keyfile-password-file`. Default []. */
  readonly certificates: readonly ServerCertificate[]
  /** Oldest TLS version accepted. Default "1.2". */
  readonly minTlsVersion: '1.2' | '1.3'
  /** Whether every connection begins with a PROXY protocol header (v1 or v2); requires `trusted-proxies`. Default false. */
  readonly proxyProtocol: boolean
  /** Addresses (`10.0.0.1`, `10.0.0.0/8`) whose PROXY header or `X-Forwarded-For` is trusted. Default []. */
  readonly trustedProxies: readonly string[]
  /** The only path accepted for WebSocket connections, such as `/mqtt`. Empty = any. Default "". */
  readonly websocketPath: string
  /** Origins whose pages may connect by WebSocket, in addition to those of the listener's own host and port: `https://example.com`, `https://*.example.com` for its subdomains, `null` for pages without an origin, `*` for any. A request without an `Origin` header does not come from a page and is accepted. Default []. */
  readonly allowedOrigins: readonly string[]
  /** Host names under which the listener's own pages may connect where anonymous clients may log in; `localhost` and IP addresses are always allowed. A foreign site could point any other name at this address. Default []. */
  readonly allowedHosts: readonly string[]
  /** Overrides `auth.allow-anonymous` for this listener. */
  readonly allowAnonymous?: boolean
  /** Which of `auth.plugins` are asked about clients of this listener. Default: all of them. */
  readonly authPlugins?: readonly PluginReference[]
  /** Overrides `persistence.durability` for messages received by this listener. */
  readonly durability?: 'disk' | 'process' | 'memory'
  /** Idle time after which the operating system probes whether the peer is still there. 0 = never. In seconds. Default 600. */
  readonly tcpKeepalive: number
}

/** Keys of `auth`. */
export interface AuthSettings {
  /** Plugins that decide about logins, by name. Default: those with settings: `auth.store` with the section `users`, `auth.file` with `password-file`, `auth.jwt`, `auth.http` and `auth.scram` with their sections, `auth.certificate` with `certificate-user-name`, and `auth.anonymous` with `allow-anonymous` on any listener. */
  readonly plugins?: readonly PluginReference[]
  /** Whether `auth.anonymous` accepts clients without a user name and password. Default false. */
  readonly allowAnonymous: boolean
  /** Where anonymous clients may log in: what happens to a client that sends a user name or a password that no plugin recognizes. It is refused, or accepted as an anonymous client, whose name has no effect and is only reported, as `claimedUserName`. Default: `as-anonymous` if `auth.anonymous` is the only login plugin, otherwise `refuse`. */
  readonly unknownUserNames?: 'refuse' | 'as-anonymous'
  /** A file with lines of `user:hash` for `auth.file`, as written by `sluice passwd`. */
  readonly passwordFile?: string
  /** Password checks given to the thread of `auth.file` at one time. The others wait, one address after the other. Default 2. */
  readonly maxPasswordChecks: number
  /** How long `auth.file` remembers a correct password. 0 = not at all. In milliseconds. Default 60000. */
  readonly passwordCacheMs: number
  /** Consecutive wrong logins from one address that cause no delay. After that, the next login from it is checked after 250 ms, and each further one after twice as long as the one before, one at a time. Default 3. */
  readonly loginDelayAfter: number
  /** Longest delay between two logins of an address that has had wrong ones. 0 = no delay. In milliseconds. Default 5000. */
  readonly maxLoginDelayMs: number
  /** Logins of one address that are checked at one time while none has been wrong. The others from that address wait. User names that have logged in from it before are counted separately. Default 16. */
  readonly maxLoginsPerAddress: number
  /** Addresses whose wrong logins are remembered, for ten minutes. Beyond it, the oldest is forgotten. Default 10000. */
  readonly maxDelayedAddresses: number
  /** User names whose wrong logins are remembered, for ten minutes. Beyond it, the oldest is forgotten. They delay only logins from addresses from which that user has not logged in. Default 10000. */
  readonly maxDelayedNames: number
  /** Pairs of a user name and an address from which it has logged in that are remembered while the broker runs. Beyond it, the oldest is forgotten. Default 50000. */
  readonly maxKnownLogins: number
  /** Client identifiers of individual users: user name → list, in which a trailing `*` matches anything. A listed user with any other identifier is refused with 0x85 (3.1.1: 0x02); other users are not affected. Default {}. */
  readonly clientIds: Readonly<Record<string, readonly string[]>>
  /** Addresses (`10.0.0.1`, `10.0.0.0/8`) whose wrong logins cause no delay. Default []. */
  readonly penaltyExempt: readonly string[]
  /** Settings of `auth.jwt`: login by JSON Web Token. */
  readonly jwt?: AuthJwtOptions
  /** Settings of `auth.http`: a web service decides about each login. */
  readonly http?: AuthHttpOptions
  /** Settings of `auth.scram`: SCRAM-SHA-256 for 5.0 clients (§4.12). */
  readonly scram?: AuthScramOptions
}

/** Keys of `auth.jwt`. */
export interface AuthJwtOptions {
  /** A public key or certificate (PEM), or a JWK or JWKS. One of `key-file`, `jwks-url`, `secret-file` is required. */
  readonly keyFile?: string
  /** The URL at which the issuer publishes its keys. */
  readonly jwksUrl?: string
  /** A shared secret of at least 32 bytes, for HS256, HS384 and HS512. */
  readonly secretFile?: string
  /** Which field of CONNECT carries the token. Default "password". */
  readonly from: 'password' | 'user-name'
  /** Signature algorithms accepted. Default: all that fit the kind of key. */
  readonly algorithms?: readonly string[]
  /** Required value of `iss`. */
  readonly issuer?: string
  /** Required value of `aud`. */
  readonly audience?: string
  /** The claim that becomes the client's user name. Default "sub". */
  readonly userNameClaim: string
  /** Whether a token without `exp` is refused. Default true. */
  readonly requireExpiry: boolean
  /** Tolerated difference between the issuer's clock and the broker's. In milliseconds. Default 0. */
  readonly clockToleranceMs: number
  /** Time the issuer has to answer. In milliseconds. Default 3000. */
  readonly fetchTimeoutMs: number
  /** Largest key set accepted from the issuer. A longer one is discarded, and the login is denied. In bytes. Default 1048576. */
  readonly maxAnswerBytes: number
}

/** Keys of `auth.http`. */
export interface AuthHttpOptions {
  /** The URL to which each login is posted, as JSON. Required. */
  readonly url?: string
  /** Headers sent with each request, such as a secret that identifies the broker. */
  readonly headers?: Readonly<Record<string, string>>
  /** Time the service has to answer. After that, the answer is no. In milliseconds. Default 3000. */
  readonly timeoutMs: number
  /** How long an answer that allows a login is remembered. 0 = not at all. In milliseconds. Default 10000. */
  readonly cacheMs: number
  /** The URL to ask, without the password, whether a client that has logged in may stay. Default: such clients stay until they disconnect, or until the time given by the service. */
  readonly recheckUrl?: string
  /** Interval between such checks. 0 = only after a reload, and when another plugin revokes logins. In milliseconds. Default 0. */
  readonly recheckMs: number
  /** Connections to the service. Default 16. */
  readonly maxConnections: number
  /** Requests in progress at one time. The others wait, one address after the other. Default 100. */
  readonly maxPending: number
  /** Largest answer accepted. A longer one is discarded, and the login is denied. In bytes. Default 65536. */
  readonly maxAnswerBytes: number
}

/** Keys of `auth.scram`. */
export interface AuthScramOptions {
  /** Users and their credentials, as written by `sluice passwd --kind scram-sha-256`. Required. */
  readonly file?: string
}

/** Keys of `topic-check`. */
export interface TopicCheckSettings {
  /** Whether topics are checked at all. Default true. */
  readonly enabled: boolean
  /** Plugins that decide about topics, by name. Default: `acl.store` if there is a section `users`, `topic_acl` if `acl` is given, `acl.file` if `acl-file` is, `topic_taboo` if `taboo` is. */
  readonly plugins?: readonly PluginReference[]
  /** For `topic_acl`: user → list of topic filters to publish and subscribe to, or a map of `publish`, `subscribe` and `deny` lists. The entry `anonymous` applies to clients without a user name, not to a user of that name. `%u` and `%c` as a whole level stand for the user name and the client identifier. */
  readonly acl?: AccessList
  /** For `topic_taboo`: topic filters that only the user `admin` may use. Default `[prohibited, top-secret, data/classified]`. */
  readonly taboo?: readonly string[]
  /** For `topic_acl`: group → list of users. An `acl` entry named `@group` applies to all of them. */
  readonly groups?: Readonly<Record<string, readonly string[]>>
  /** Whether new subscriptions receive a retained message whose publisher may no longer publish to its topic. `off`: they do. `publisher`: they do not, and the message is counted and reported as dropped. Default "off". */
  readonly retainedCheck: 'off' | 'publisher'
  /** A file of rules in Mosquitto's format, for `acl.file`. */
  readonly aclFile?: string
}

/** Keys of `intercept`. */
export interface InterceptSettings {
  /** Plugins that intercept messages, in the order in which each message passes through them; those of the top-level `plugins` that intercept messages follow. Other keys in this section are options for these plugins. Default []. */
  readonly plugins: readonly PluginReference[]
}

/** Keys of `users`. */
export interface UsersOptions {
  /** A file with the first users, groups and roles, read at a start that finds none in the store: an export, or a file that `mosquitto_ctrl dynsec init` made. */
  readonly initialFile?: string
  /** Whether users with the role `administrator` may change users, groups and roles by messages to `$CONTROL/dynamic-security/v1`, as `mosquitto_ctrl dynsec` sends them. Default false. */
  readonly dynamicSecurity: boolean
  /** Users that can be kept. Each takes about 1 KB of memory. Default 100000. */
  readonly maxUsers: number
  /** Groups that can be kept. Default 10000. */
  readonly maxGroups: number
  /** Roles that can be kept. Default 10000. */
  readonly maxRoles: number
  /** Rules of all roles together. Each takes about 500 bytes of memory. Default 100000. */
  readonly maxRules: number
}

/** Keys of `bans`. */
export interface BansOptions {
  /** Bans that can be kept. Those that are over are removed first. Default 10000. */
  readonly maxBans: number
  /** Connections of one client identifier, or CONNECT packets from one address, within `flapping-window`, that lead to a ban for `flapping-ban`. 0 = none do. Default 0. */
  readonly flappingConnects: number
  /** The time in which connections are counted for `flapping-connects`. In seconds. Default 60. */
  readonly flappingWindow: number
  /** How long a client identifier or address that reached `flapping-connects` is banned. In seconds. Default 300. */
  readonly flappingBan: number
}

/** Keys of `persistence`. */
export interface PersistenceOptions {
  /** Folder for the data; created if it does not exist. Default "sluice-data". */
  readonly path: string
  /** What acknowledged data survives: a power cut (`disk`), a crash of the process (`process`), or neither (`memory`). Default "disk". */
  readonly durability: 'disk' | 'process' | 'memory'
  /** Durability for messages of particular topics: a map from topic filter to level. The first match applies and overrides that of the listener. Default {}. */
  readonly topics: Readonly<Record<string, 'disk' | 'process' | 'memory'>>
  /** Disk space for the data, in addition to a reserve of 64 kB to 4 MB. Beyond it, new messages, sessions and subscriptions are refused until enough has been consumed. 0 = no limit. In bytes. Default 0. */
  readonly maxBytes: number
  /** Messages in the data that belong to one user name: retained by it, or queued for its sessions. Anonymous clients are counted together by address. Beyond it, messages are dropped for that user, and answered with 0x97 if nobody takes them. Default: half of `max-bytes`. 0 = no limit. In bytes. */
  readonly maxBytesPerUser?: number
  /** Memory for stored messages that wait in sessions. Beyond it, payloads are kept only on disk until they are due. In bytes. Default 134217728. */
  readonly maxRamBytes: number
  /** The same for one session. In bytes. Default 524288. */
  readonly maxSessionRamBytes: number
  /** Time that the broker waits for the disk when it stops. Whatever is not stored by then is discarded and reported; except at the level `memory`, none of it had been acknowledged. In seconds. Default 5. */
  readonly closeTimeout: number
}

/** Keys of `log`. */
export interface LogOptions {
  /** Lowest level that `sluice start` logs; overridden by `--log-level`. Default "info". */
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** Whether to log a line at info for each client that connects or disconnects. Default true. */
  readonly connections: boolean
  /** Whether to log a line at info for each connection that is refused: by a login plugin, a limit, TLS, a PROXY header or a WebSocket request, and for each address whose logins are slowed. Identical refusals from one address are summed up every ten seconds. Default true. */
  readonly refusals: boolean
  /** Whether to log a line at info for each PUBLISH, subscription and delivery that is denied, with the rule that decided, and for each PUBLISH for which there is no room. Those of one user at one address are summed up every ten seconds. Default true. */
  readonly denials: boolean
  /** Format of the lines that `sluice start` writes. Default: `text` on a terminal and in the systemd journal, otherwise `json`. */
  readonly format?: 'text' | 'json'
  /** Timestamp at the start of a line: ISO 8601 in UTC, milliseconds since 1970, or none. Default: the time of day on a terminal, `none` for text in the journal, which adds its own, otherwise `iso`. */
  readonly time?: 'iso' | 'epoch' | 'none'
  /** Whether a line begins with its priority, such as `<6>`, for the systemd journal. Default: on if standard output is the journal (`JOURNAL_STREAM`). */
  readonly priorities?: boolean
  /** A file to which `sluice start` appends the log instead of standard output. SIGHUP reopens it, so that it can be rotated. */
  readonly file?: string
}

/** Keys of `admin`. */
export interface AdminSettings {
  /** Path of the Unix domain socket of the HTTP API, for commands on the same machine. Anyone who can open it (the user that runs the broker, and root) is an administrator. `off` = none. Default: `admin.sock` in the folder of `persistence.path`; without persistence, `sluice-admin.sock` in `$XDG_RUNTIME_DIR`, or none if that is not set. */
  readonly socket?: string
  /** Whether the TCP address uses TLS; requires `certfile` and `keyfile`. A reload reads the files again. Default false. */
  readonly ssl: boolean
  /** The certificate chain of the HTTP API, in PEM. */
  readonly certfile?: string
  /** The private key of `certfile`, in PEM. */
  readonly keyfile?: string
  /** A file whose first line is the password of an encrypted `keyfile`. */
  readonly keyfilePasswordFile?: string
  /** CAs whose client certificates are a login to the HTTP API, with the role `certificate-role`: a PEM file. Without it, certificates are not asked for. */
  readonly cafile?: string
  /** How many days before `certfile` or a CA expires the log starts to warn, at start and at a reload, and the health check `certificates` fails for `certfile`. 0 = only once it has expired. In days. Default 14. */
  readonly certificateWarningDays: number
  /** The role of a client that has logged in by its certificate. Default "viewer". */
  readonly certificateRole: 'viewer' | 'operator' | 'administrator'
  /** Tokens of an OpenID provider as a login to the HTTP API. */
  readonly openid?: AdminOpenidOptions
  /** The file of API keys, which `createApiKey` writes: only hashes of them, mode 0600. Default: `admin-keys.json` in the folder of `persistence.path`; without persistence, none, and keys cannot be made. */
  readonly keysFile?: string
  /** The audit log: a line of JSON for each action through the HTTP API, and for each request that was refused for its role. `off` = none. Default: `admin-audit.jsonl` in the folder of `persistence.path`; without persistence, none. */
  readonly auditFile?: string
  /** Where the figures of the last month are stored, once an hour, for the plots of the page; a file that cannot be read is renamed to end in `.unreadable`. `off` = nowhere: they begin anew with each start. Default: `admin-history.json` in the folder of `persistence.path`; without persistence, nowhere. */
  readonly historyFile?: string
  /** Size of the audit log after which it is renamed to end in `.1` and a new one begins. The one before is deleted. In bytes. Default 16777216. */
  readonly maxAuditBytes: number
  /** What happens while the audit log cannot be written: actions go on, and up to 1,000 lines wait; or they are refused with 503 until it can. Views are never refused. Default "go-on". */
  readonly auditFailure: 'go-on' | 'refuse'
  /** Logins to the HTTP API with a browser at one time. Beyond it, the oldest login of the user who has most of them ends. Default 100. */
  readonly maxLogins: number
  /** Time without a request after which a login with a browser ends. In seconds. Default 1800. */
  readonly loginIdleTimeout: number
  /** Time after which a login with a browser ends, whether it is used or not. In seconds. Default 43200. */
  readonly loginLifetime: number
  /** Host names under which the HTTP API may be requested over TCP, in addition to the host of `bind`; `localhost` and IP addresses are always allowed. A foreign site could point any other name at this address. Default []. */
  readonly allowedHosts: readonly string[]
  /** Addresses and networks (`10.0.0.1`, `10.0.0.0/8`) that may read `/metrics` without a login. Behind a proxy on this machine, every request comes from 127.0.0.1. Default []. */
  readonly metricsNetworks: readonly string[]
  /** Connections to the socket, and as many to `bind`. Beyond it, the oldest connection without a request under way gives way: of the address that has most of them (IPv6 addresses are grouped by `ipv6-prefix-length`). Default 100. */
  readonly maxConnections: number
  /** Largest body of a request. A longer one is answered 413. In bytes. Default 1048576. */
  readonly maxRequestBytes: number
  /** Requests from one IP address over TCP, of which as many may arrive at once. Further ones are answered 429. IPv6 addresses are grouped by `ipv6-prefix-length`. 0 = no limit. Counted per second. Default 100. */
  readonly maxRequestRate: number
  /** Readers of `/api/v1/events` and of traces at one time. Further ones are answered 429, unless somebody else has at least two more: then the oldest of these ends. Default 16. */
  readonly maxEventReaders: number
  /** Events that wait for one reader. Beyond it, events for it are lost, and it is sent how many; a reader that takes none for a minute is disconnected. In bytes. Default 262144. */
  readonly maxEventBufferBytes: number
  /** Consoles (`/api/v1/console`, the MQTT client of the page) at one time. Further ones are answered 429. Each is a connection of `max-connections` as well. 0 = there are none. Default 16. */
  readonly maxConsoles: number
  /** Consoles of one login or API key at one time. Further ones are answered 429. Default 4. */
  readonly maxConsolesPerCaller: number
  /** The least role that may see the payloads of messages: in a trace, with Correlation Data and User Properties; what `why` shows of them (`recorder-payload-bytes`); and by subscribing in a console. Passwords and Authentication Data are never shown. Default "off". */
  readonly showPayloads: 'off' | 'administrator' | 'operator'
  /** Traces at one time. Further ones are answered 429. Default 4. */
  readonly maxTraces: number
  /** Traces of one API key, certificate or other caller at one time. Default 2. */
  readonly maxTracesPerCaller: number
  /** The longest time that a trace may last. In seconds. Default 3600. */
  readonly maxTraceSeconds: number
  /** Records after which a trace ends. Default 1000000. */
  readonly maxTraceRecords: number
  /** Bytes of its records after which a trace ends. In bytes. Default 268435456. */
  readonly maxTraceBytes: number
  /** Records of one trace in a second. Further ones are lost, and counted. A record costs some 10 µs. Counted per second. Default 2000. */
  readonly maxTraceRate: number
  /** Connections that one trace follows at a time. Further ones are left out, and counted. Default 1000. */
  readonly maxTraceClients: number
  /** Records of one trace that are held for its readers. Beyond it, the oldest are dropped; readers see the gap. In bytes. Default 1048576. */
  readonly maxTraceBufferBytes: number
  /** Time in which a request has to arrive, and a connection that reads nothing is closed. In seconds. Default 30. */
  readonly requestTimeout: number
}

/** Keys of `admin.openid`. */
export interface AdminOpenidOptions {
  /** The provider: required value of `iss`, and where it publishes its keys (`/.well-known/openid-configuration`). Required. */
  readonly issuer?: string
  /** Required value of `aud`, such as `sluice`. Required. */
  readonly audience?: string
  /** The claim with the roles of a token: a name, or a path such as `realm_access.roles`. Default "roles". */
  readonly rolesClaim: string
  /** Which values of the claim give which role; a token has the highest that it is given. Required. */
  readonly roles?: Readonly<Partial<Record<'viewer' | 'operator' | 'administrator', readonly string[]>>>
  /** The claim that names the caller in the audit log. Default "sub". */
  readonly nameClaim: string
  /** Tolerated difference between the provider's clock and the broker's. In milliseconds. Default 5000. */
  readonly clockToleranceMs: number
  /** Time the provider has to answer. Then it is not asked again for 30 seconds, and its tokens are answered 503. In milliseconds. Default 3000. */
  readonly fetchTimeoutMs: number
  /** Largest answer of the provider. A longer one is discarded, and its tokens are answered 503. In bytes. Default 1048576. */
  readonly maxAnswerBytes: number
  /** Largest token. A longer one is refused. In bytes. Default 8192. */
  readonly maxTokenBytes: number
}

/** Keys of `telemetry`. */
export interface TelemetryOptions {
  /** The base URL of the collector, such as `http://127.0.0.1:4318`; `/v1/metrics`, `/v1/logs` and `/v1/traces` are appended. Default "http://127.0.0.1:4318". */
  readonly endpoint: string
  /** What is exported. Default ["metrics","logs","traces"]. */
  readonly signals: readonly string[]
  /** Headers sent with each request. */
  readonly headers?: Readonly<Record<string, string>>
  /** A file with further headers, `Name: value` on each line, such as a token that must not be in the configuration. A reload reads it again. */
  readonly headersFile?: string
  /** CAs that may sign the certificate of the collector: a PEM file. Default: those that Node trusts. */
  readonly cafile?: string
  /** Attributes of everything that is exported, such as `deployment.environment.name`. `service.name` is `sluice` unless it is set here. */
  readonly resourceAttributes?: Readonly<Record<string, string>>
  /** The share of messages without a trace context that are traced: 0 = none, 1 = all. A message with a trace context is traced if its publisher has sampled it. Default 0. */
  readonly samplingRatio: number
  /** The least level of exported log lines, whatever the section `log` sets. Default "info". */
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** Time between two exports of the figures. In seconds. Default 60. */
  readonly metricsInterval: number
  /** Longest time that spans and log lines wait for more before they are exported. In seconds. Default 5. */
  readonly batchInterval: number
  /** Spans, or log lines, in one export. When so many wait, they are exported at once. Default 512. */
  readonly maxBatch: number
  /** Spans, and as many log lines, that wait to be exported. Beyond it, new ones are lost and counted. Default 2048. */
  readonly maxQueued: number
  /** Time for one export, including its repetitions. After that, its content is lost and counted. In seconds. Default 10. */
  readonly timeout: number
}

/** Keys of one bridge. */
export interface BridgeSettings {
  /** Where the other broker is: `mqtt://`, `mqtts://`, `ws://` or `wss://` with host and port, or `unix:/path`; or a list of addresses of the same broker. User name and password have keys of their own. */
  readonly url?: readonly string[]
  /** Which address of a list is tried after a connection was lost: the first one again, or the one after the last. Default "in-order". */
  readonly addresses: 'in-order' | 'round-robin'
  /** The client identifier at the other broker. Required, because two bridges with the same one would take over each other’s session. */
  readonly clientId?: string
  /** The user name at the other broker. */
  readonly userName?: string
  /** A file whose first line is the password at the other broker. Requires `user-name` before 5.0. */
  readonly passwordFile?: string
  /** The certificate chain that the bridge presents, in PEM. Requires `keyfile`. */
  readonly certfile?: string
  /** The private key of `certfile`, in PEM. */
  readonly keyfile?: string
  /** The CAs that may issue the other broker's certificate, in PEM. Default: those of Node. */
  readonly cafile?: string
  /** The application protocol to ask for during the TLS handshake (ALPN), such as `x-amzn-mqtt-ca`. */
  readonly alpn?: string
  /** Headers of the request that opens a WebSocket. Default {}. */
  readonly headers: Readonly<Record<string, string>>
  /** A proxy to connect through: `socks5h://[user:password@]host[:port]` or `http://…`. */
  readonly proxy?: string
  /** The version of MQTT that the bridge speaks. Default "5.0". */
  readonly protocol: '5.0' | '3.1.1' | '3.1'
  /** Whether the bridge identifies itself as one in 3.1 and 3.1.1, so that the other broker sends none of its messages back. Mosquitto and Sluice support this; some cloud services refuse the connection. Default true. */
  readonly bridgeBit: boolean
  /** Messages that go to the other broker: a list of `{filter, qos, local-prefix, remote-prefix}`. The topic here is `local-prefix` and what `filter` matches; the topic there begins with `remote-prefix` instead. Where several rules match, the first one applies. Default []. */
  readonly out: readonly BridgeRule[]
  /** Messages that come from the other broker: as `out`, with the topic there `remote-prefix` and what `filter` matches. Default []. */
  readonly in: readonly BridgeRule[]
  /** The messages of QoS 1 and 2 that wait for the other broker. */
  readonly queue?: BridgeQueueOptions
  /** How long the connection may be silent before it is probed. In seconds. Default 60. */
  readonly keepAlive: number
  /** Time for an attempt, from opening the connection to CONNACK, and for each answer to a SUBSCRIBE. In seconds. Default 30. */
  readonly connectTimeout: number
  /** Longest wait before the next attempt. Waits begin at a second at most and double; half of each is random. In seconds. Default 30. */
  readonly maxReconnectDelay: number
  /** Time without a connection after which the health check `bridges` reports the bridge. 0 = never. In seconds. Default 60. */
  readonly outageWarning: number
  /** How long the other broker is asked to keep the session of the bridge while it is away, and with it messages for `in`. 5.0 only. In seconds. Default 604800. */
  readonly sessionExpiry: number
  /** Messages of QoS 1 and 2 that are sent and not acknowledged, in each direction. Default: 1000 in 5.0, where the Receive Maximum of the other broker applies as well; 20 before, since Mosquitto disconnects a client that has more of QoS 2 in flight. */
  readonly maxInflightMessages?: number
  /** Largest packet accepted from the other broker; announced as Maximum Packet Size in 5.0. In 3.1 and 3.1.1 a larger message is acknowledged and dropped. Default: `max-packet-size` of the broker, which it must not exceed. In bytes. */
  readonly maxPacketSize?: number
  /** Messages that go to the other broker, so that what has waited does not flood it. As many as for a second may go at once. 0 = no limit. Counted per second. Default 0. */
  readonly maxMessageRate: number
  /** Bridges that a message may cross. Each adds its client identifier as the User Property `via` (5.0 only), and drops a message that has crossed this many, or a bridge of the same broker. 0 = nothing is added or checked. Default 8. */
  readonly maxHops: number
  /** Whether RETAIN is kept in both directions. `off` sends every message with RETAIN 0. Default true. */
  readonly retain: boolean
  /** Whether the bridge stays disconnected. Messages for the other broker wait meanwhile. Default false. */
  readonly paused: boolean
}

/** Keys of `queue` of a bridge. */
export interface BridgeQueueOptions {
  /** Messages of QoS 1 and 2 that wait. Default 1000000. */
  readonly maxMessages: number
  /** Size of these messages; a number, or text such as `512 MiB`. In bytes. Default 1073741824. */
  readonly maxBytes: number
  /** Which message is dropped when the queue is full. Default "drop-oldest". */
  readonly whenFull: 'drop-oldest' | 'drop-newest'
  /** How long a message may wait for the other broker; then it is dropped, up to a sixty-fourth of this time later, unless it is in flight. A Message Expiry Interval that is shorter applies as well. A restart of this broker begins the time again for what waits. 0 = no limit. In seconds. Default 604800. */
  readonly expiry: number
}
