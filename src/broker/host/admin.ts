/**
 * The type of `broker.admin`: what operators can see and do, as values. `src/admin` implements it from a table that
 * other doors (HTTP, commands) can use too. It is loaded by the first call.
 *
 * @module
 */
import type { ReasonCode } from '../../codec/reason-code.ts'
import type { Properties } from '../../codec/properties.ts'
import type { ProtocolVersion, QoS } from '../../codec/packet-types.ts'
import type { ConfigInput } from '../../config/options.ts'
import type { DropCause } from '../../protocol/drop-cause.ts'
import type { StoreCondition } from '../../stores/store.ts'
import type { ClientView } from '../sessions/client-view.ts'
import type { ClosedConnectionView } from '../sessions/closed-connections.ts'
import type { HeldMessageView } from '../sessions/held-message-view.ts'
import type { SessionView } from '../sessions/session-view.ts'
import type { ClosedConnectionsOptions } from './closed-connection-pages.ts'
import type { SubscriptionInput, SubscriptionResult } from './client-subscriptions.ts'
import type { ApiKeyRequest, ApiKeyView, CreatedApiKey } from './api-key-views.ts'
import type { ReloadView } from './read-again.ts'
import type { ConfigurationAdmin, ConfigurationParameters } from './configuration-view.ts'
import type { HealthCheckView } from './health-view.ts'
import type { HistoryQuery, HistoryView } from './history-view.ts'
import type { LoginLinkView, LoginView, ResetRequest } from './login-views.ts'
import type { ListenerCertificate, ListenerView } from './open-listeners.ts'
import type { AccessAdmin, AccessParameters, UserView } from './access-admin.ts'
import type { BridgeAdmin, BridgeParameters } from './bridge-admin.ts'
import type { AdminCaller, TraceAdmin, TraceParameters } from './trace-admin.ts'
import type { AuditAdmin, AuditParameters } from './audit-view.ts'
import type { Page, PageOptions } from './page.ts'

export type { AdminHandler, AdminHandlerOptions } from './admin-door.ts'
import type { HintView, WhyQuery, WhyRefusedQuery, WhyView } from './why-view.ts'

/** The broker at a glance. Counters are since its start. */
export interface OverviewView {
  readonly version: string
  readonly uptimeSeconds: number
  /** Clients that are connected. */
  readonly clients: number
  /** Sessions, connected or not. */
  readonly sessions: number
  /** Sessions whose clients are not connected. */
  readonly sessionsAway: number
  readonly subscriptions: number
  readonly retainedMessages: number
  /** Messages of QoS 1 and 2 that wait in sessions. */
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** Messages of QoS 1 and 2 sent and not acknowledged. */
  readonly inflightMessages: number
  /** PUBLISH packets. */
  readonly messagesReceived: number
  readonly messagesSent: number
  /** Messages that did not reach a client, for any reason: `drops` has them by cause. */
  readonly messagesDropped: number
  readonly bytesReceived: number
  readonly bytesSent: number
  /** What everything that the broker keeps for its clients takes in memory, and may take; a limit of 0 is none. */
  readonly memoryBytes: number
  readonly memoryLimit: number
  readonly longestTurnMs: number
  /** `undefined` for a broker that stores nothing. */
  readonly storeCondition: StoreCondition | undefined
}

/** A subscription of a session. */
export interface SubscriptionView {
  readonly clientId: string
  /** As the client wrote it, with `$share/ShareName/` if it is shared. */
  readonly topicFilter: string
  readonly isShared: boolean
  /** Granted. */
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
  readonly subscriptionIdentifiers: readonly number[]
}

/** A retained message, without its payload. Times are in milliseconds since 1970. */
export interface RetainedView {
  readonly topic: string
  readonly qos: QoS
  readonly payloadBytes: number
  /** Client identifier of its publisher; empty for the host program. */
  readonly publisher: string
  readonly receivedAtMs: number
  /** By its Message Expiry Interval; `undefined` if it never expires. */
  readonly expiresAtMs: number | undefined
}

/** Messages that did not reach a client for one reason, since the start of the broker. */
export interface DropView {
  readonly cause: DropCause
  readonly description: string
  readonly messages: number
}

/** A certificate that a listener or the HTTP API shows to its clients. */
export interface CertificateView extends ListenerCertificate {
  /** `admin`: the HTTP API. */
  readonly door: 'listener' | 'admin'
  /** The name of the listener; empty for the HTTP API. */
  readonly listener: string
  /** Full days; negative for one that has expired. */
  readonly daysLeft: number
}

/** What was published to a topic, or below it, while it was counted. */
export interface TopicView {
  /** A topic name; with `depth`, also its first levels with `/#`. */
  readonly topic: string
  readonly messages: number
  /** Of their payloads. */
  readonly bytes: number
  /** Subscriptions that they were routed to, all together. */
  readonly receivers: number
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
}

/** A copy of the store. */
export interface BackupView {
  /** Its folder. */
  readonly path: string
  readonly bytes: number
}

/** A connected client with messages or bytes that it has not taken yet. */
export interface SlowSubscriberView {
  readonly clientId: string
  readonly userName: string | undefined
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** Bytes that the network has not taken. */
  readonly unsentBytes: number
  readonly inflightMessages: number
  /** As in `ClientView`. */
  readonly acknowledgementMs: number | null
}

/** A page, and which fields its items have. */
export interface FieldOptions<Field> extends PageOptions {
  /** Only these fields of each item; default: all. */
  readonly fields?: readonly Field[] | undefined
}

/** Which clients. */
export interface ClientsQuery<Field = keyof ClientView> extends FieldOptions<Field> {
  readonly userName?: string | undefined
  readonly listener?: string | undefined
  readonly address?: string | undefined
  /** 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0. */
  readonly protocolVersion?: ProtocolVersion | undefined
}

/** Which sessions. */
export interface SessionsQuery<Field = keyof SessionView> extends FieldOptions<Field> {
  readonly userName?: string | undefined
  readonly connected?: boolean | undefined
}

/** Which subscriptions. */
export interface SubscriptionsQuery<Field = keyof SubscriptionView> extends FieldOptions<Field> {
  readonly clientId?: string | undefined
  /** That topic filter exactly. */
  readonly topicFilter?: string | undefined
  /** Those that a message of that topic matches. */
  readonly topic?: string | undefined
  /** Only Shared Subscriptions, or only ordinary ones. */
  readonly isShared?: boolean | undefined
}

/** Which connections that have ended. */
export interface ClosedConnectionsQuery<Field = keyof ClosedConnectionView>
  extends FieldOptions<Field>, ClosedConnectionsOptions {
  readonly cursor?: string | undefined
}

/** Which retained messages. */
export interface RetainedQuery<Field = keyof RetainedView> extends FieldOptions<Field> {
  /** Default `#`: all except those whose topics begin with `$`. */
  readonly topicFilter?: string | undefined
}

/** Which topics are counted, and for how long. */
export interface TopicsQuery {
  /** Default `#`: all except those that begin with `$`. */
  readonly topicFilter?: string | undefined
  /** From 1 to 20, default 5. */
  readonly seconds?: number | undefined
  /** Levels to count separately; anything published below them is counted together. Default: all. */
  readonly depth?: number | undefined
  readonly limit?: number | undefined
}

/** Who calls, and how long a call waits. */
export interface CallOptions {
  /** Whose limits hold, and whose rights for traces; default: the host program, which may see everything. */
  readonly caller?: AdminCaller | undefined
  /** Ends the call, which rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined
}

/** What is published. */
export interface PublishRequest {
  readonly topic: string
  /** Text is sent as UTF-8. */
  readonly payload: string | Uint8Array
  readonly qos?: QoS | undefined
  readonly retain?: boolean | undefined
  readonly properties?: Properties | undefined
}

/** One client or session. */
export interface ClientIdParameter {
  readonly clientId: string
}

/** What a client is to be subscribed to. */
export interface SubscribeForRequest extends ClientIdParameter {
  readonly subscriptions: readonly SubscriptionInput[]
  /** Of all of them; default: none. */
  readonly subscriptionIdentifier?: number | undefined
}

/** What a client is to be unsubscribed from. */
export interface UnsubscribeForRequest extends ClientIdParameter {
  readonly topicFilters: readonly string[]
}

/** The parameters of each operation. */
export interface AdminParameters
  extends AccessParameters, AuditParameters, BridgeParameters, ConfigurationParameters, TraceParameters {
  overview: object
  history: HistoryQuery
  listeners: object
  clients: ClientsQuery
  client: ClientIdParameter
  sessions: SessionsQuery
  session: ClientIdParameter
  heldMessages: ClientIdParameter & FieldOptions<keyof HeldMessageView>
  subscriptions: SubscriptionsQuery
  closedConnections: ClosedConnectionsQuery
  retained: RetainedQuery
  drops: object
  why: WhyQuery
  whyClosed: ClientIdParameter & Pick<WhyQuery, 'at'>
  whyRefused: WhyRefusedQuery
  hints: object
  healthChecks: object
  slowSubscribers: { readonly limit?: number | undefined }
  topics: TopicsQuery
  certificates: object
  backup: { readonly path: string }
  apiKeys: object
  createApiKey: ApiKeyRequest
  deleteApiKey: { readonly keyId: string }
  logins: object
  endLogin: { readonly loginId: string }
  createLoginLink: object
  resetAdministrator: ResetRequest
  disconnect: ClientIdParameter & { readonly reasonCode?: ReasonCode | undefined }
  endSession: ClientIdParameter & { readonly reasonCode?: ReasonCode | undefined }
  publish: PublishRequest
  subscribeFor: SubscribeForRequest
  unsubscribeFor: UnsubscribeForRequest
  deleteRetained: { readonly topicFilter: string }
  reload: { readonly configuration?: ConfigInput | undefined }
}

/**
 * Views and actions for operators: `broker.admin`. Every call takes one object of parameters and returns a promise.
 * Lists come in pages, `{ items, cursor }`, and are read in slices, so that clients are served meanwhile.
 *
 * Each call rejects with a `UsageError` if a parameter is unknown, missing or invalid, or if the broker is not running.
 */
export interface Admin extends AccessAdmin, AuditAdmin, BridgeAdmin, ConfigurationAdmin, TraceAdmin {
  /** The broker at a glance. */
  overview(parameters?: object): Promise<OverviewView>
  /** The figures of the last hour by the second, or of the last month by the hour; takes a section `admin`. */
  history(parameters?: HistoryQuery): Promise<HistoryView>
  /** The open listeners. */
  listeners(parameters?: object): Promise<readonly ListenerView[]>
  /** Connected clients. */
  clients<Field extends keyof ClientView = keyof ClientView>(
    parameters?: ClientsQuery<Field>,
  ): Promise<Page<Pick<ClientView, Field>>>
  /** One connected client; `undefined` if there is none of that client identifier. */
  client(parameters: AdminParameters['client']): Promise<ClientView | undefined>
  /** Sessions, connected or not. */
  sessions<Field extends keyof SessionView = keyof SessionView>(
    parameters?: SessionsQuery<Field>,
  ): Promise<Page<Pick<SessionView, Field>>>
  /** One session; `undefined` if there is none of that client identifier. */
  session(parameters: AdminParameters['session']): Promise<SessionView | undefined>
  /** What a session holds for its client, and what each message waits for; `undefined` if there is no such session. */
  heldMessages<Field extends keyof HeldMessageView = keyof HeldMessageView>(
    parameters: ClientIdParameter & FieldOptions<Field>,
  ): Promise<Page<Pick<HeldMessageView, Field>> | undefined>
  /** Subscriptions of all sessions, or of one. */
  subscriptions<Field extends keyof SubscriptionView = keyof SubscriptionView>(
    parameters?: SubscriptionsQuery<Field>,
  ): Promise<Page<Pick<SubscriptionView, Field>>>
  /** The connections that have ended last, the newest first. */
  closedConnections<Field extends keyof ClosedConnectionView = keyof ClosedConnectionView>(
    parameters?: ClosedConnectionsQuery<Field>,
  ): Promise<Page<Pick<ClosedConnectionView, Field>>>
  /** Retained messages whose topics a filter matches. */
  retained<Field extends keyof RetainedView = keyof RetainedView>(
    parameters?: RetainedQuery<Field>,
  ): Promise<Page<Pick<RetainedView, Field>>>
  /** Whether each part of the broker is well, and why not. */
  healthChecks(parameters?: object): Promise<readonly HealthCheckView[]>
  /** Messages that did not reach a client, by cause. */
  drops(parameters?: object): Promise<readonly DropView[]>
  /**
   * Why a client did not get a message, is not connected, or was refused, as the parameters say: facts, the deciding
   * one first, each recorded, derived from what holds now, or unknown.
   */
  why(parameters: WhyQuery, options?: CallOptions): Promise<WhyView>
  /** Why the latest connection of a client ended, or its latest login was refused. */
  whyClosed(parameters: AdminParameters['whyClosed']): Promise<WhyView>
  /** Why logins and handshakes were refused, the newest first. */
  whyRefused(parameters?: WhyRefusedQuery): Promise<WhyView>
  /** What is allowed and probably not meant, each with advice. */
  hints(parameters?: object): Promise<readonly HintView[]>
  /** The connected clients that have the most bytes waiting, the slowest first. */
  slowSubscribers(parameters?: AdminParameters['slowSubscribers']): Promise<readonly SlowSubscriberView[]>
  /**
   * Counts what is published from now on, for some seconds; the topics with the most messages first. Rejects with
   * `ERR_BUSY` while two counts of the caller, or six in all, are under way.
   */
  topics(parameters?: TopicsQuery, options?: CallOptions): Promise<readonly TopicView[]>
  /** The certificates of all listeners and of the HTTP API, those that end first at the top. */
  certificates(parameters?: object): Promise<readonly CertificateView[]>
  /** Copies the store to a folder that is empty or does not exist, in a thread of its own. */
  backup(parameters: AdminParameters['backup']): Promise<BackupView>
  /** The keys for the HTTP API, without their secrets. */
  apiKeys(parameters?: object): Promise<readonly ApiKeyView[]>
  /** Makes a key for the HTTP API; it is shown only now. */
  createApiKey(parameters: ApiKeyRequest): Promise<CreatedApiKey>
  /** Makes a key for the HTTP API invalid at once; `false` if there is none. */
  deleteApiKey(parameters: AdminParameters['deleteApiKey']): Promise<boolean>
  /** Who is logged in to the HTTP API with a browser. */
  logins(parameters?: object): Promise<readonly LoginView[]>
  /** Ends a login to the HTTP API at once; `false` if there is none. */
  endLogin(parameters: AdminParameters['endLogin']): Promise<boolean>
  /** Makes a link with which a browser logs in as an administrator, once within ten minutes. */
  createLoginLink(parameters?: object): Promise<LoginLinkView>
  /**
   * Lets an administrator in again: gives a user, who is made if there is none, a password and the role
   * `administrator`, ends its ban, and ends all logins and links.
   */
  resetAdministrator(parameters: ResetRequest): Promise<UserView>
  /** Ends a client's connection, not its session; `false` if there is none. */
  disconnect(parameters: AdminParameters['disconnect']): Promise<boolean>
  /** Ends a session and its connection, and waits until that is stored; `false` if there is none. */
  endSession(parameters: AdminParameters['endSession']): Promise<boolean>
  /** Publishes a message as the host program: no permission is asked. */
  publish(parameters: PublishRequest): Promise<void>
  /** As `broker.subscribeFor`. */
  subscribeFor(parameters: SubscribeForRequest): Promise<readonly SubscriptionResult[] | undefined>
  /** As `broker.unsubscribeFor`. */
  unsubscribeFor(parameters: UnsubscribeForRequest): Promise<readonly SubscriptionResult[] | undefined>
  /**
   * Removes the retained messages whose topics a filter matches, once that is stored; subscribers get nothing. Returns
   * how many.
   */
  deleteRetained(parameters: AdminParameters['deleteRetained']): Promise<number>
  /** Applies a configuration, and returns what has changed; without one, reads the configuration file again. */
  reload(parameters?: AdminParameters['reload']): Promise<ReloadView>
}

/** The name of an operation. */
export type OperationName = keyof Admin

/**
 * An Admin that is loaded with its first call.
 *
 * @param load makes it
 */
export function lazyAdmin(load: () => Promise<Admin>): Admin {
  let admin: Promise<Admin> | undefined
  const call = async (name: OperationName, parameters: readonly unknown[]): Promise<unknown> => {
    const loaded = await (admin ??= load())
    if (!Object.hasOwn(loaded, name)) throw new TypeError(`broker.admin has no operation ${name}`)
    return (loaded[name] as (...parameters: readonly unknown[]) => unknown)(...parameters)
  }
  return new Proxy({} as Admin, {
    // A promise that resolves to it must not take it for one.
    get: (_, name) =>
      typeof name === 'symbol' || name === 'then'
        ? undefined
        : (...parameters: readonly unknown[]) => call(name as OperationName, parameters),
  })
}
