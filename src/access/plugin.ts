/**
 * What a plugin is: questions that it may answer about who may do what. What is only told is an event instead
 * (`broker/reporting/events.ts`). How the answers of several plugins become one decision is the vote (`access/access.ts`).
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { ProtocolVersion, QoS } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'
import type { Client } from '../protocol/client.ts'
import type { Message } from '../protocol/message.ts'
import type { ReasonCode } from '../codec/reason-code.ts'
import type { PeerCertificate } from '../protocol/transport.ts'
import type { EventListener, EventName } from './broker-events.ts'

export type { Client }

/** What a log-in is judged by. */
export interface ConnectRequest {
  /** Empty when the Client asks the Server to assign one. */
  readonly clientId: string
  readonly userName: string | undefined
  /** Never a string, whatever the protocol version. */
  readonly password: Buffer | undefined
  readonly address: string
  readonly listener: string
  readonly encrypted: boolean
  readonly protocolVersion: ProtocolVersion
  readonly certificateUserName: string | undefined
  /** What the listener makes of the client certificate at the moment: also as evidence for `mayStay`. Absent without TLS. */
  readonly certificate?: PeerCertificate | undefined
  /** 5.0 only: the Authentication Method, if CONNECT or AUTH names one (§4.12). */
  readonly authenticationMethod: string | undefined
  readonly authenticationData: Buffer | undefined
  /**
   * What this plugin put into its last `continue` answer on this Connection, for the next step of an AUTH exchange;
   * `undefined` in the first step.
   */
  readonly exchangeState: unknown
  /** True when an accepted Client authenticates again (§4.12.1). */
  readonly reAuthentication: boolean
}

/** A plugin's answer to a log-in. No opinion is `undefined`. */
export type AuthenticationAnswer =
  | {
      readonly decision: 'allow'
      /** The name this Client goes by from now on; absent keeps CONNECT's User Name. */
      readonly userName?: string
      /** Lets the Client in as an anonymous one, whatever User Name it sent, unless another plugin allows it as well. */
      readonly anonymous?: true
      /** Last data of an AUTH exchange, for CONNACK or the final AUTH. */
      readonly authenticationData?: Uint8Array
      /** Wall-clock milliseconds when this log-in ends: the Connection is then closed with 0x87 (an expired token). */
      readonly expiresAtMs?: number
      /**
       * What this login rests on, such as which entry of a file or which key: plain data and no secret. It stays with the
       * Connection and is handed to `mayStay`, after a reload to that of the new plugin of this name.
       */
      readonly evidence?: unknown
    }
  | {
      readonly decision: 'deny'
      /** 0x86 unless said otherwise; 0x87 in place of a code that is no refusal or that CONNACK does not have. */
      readonly reasonCode?: ReasonCode
      /** For the log, never for the peer; holds no secret. */
      readonly cause?: string
    }
  | {
      /** One more step of an AUTH exchange (0x18): this data goes to the Client. */
      readonly decision: 'continue'
      /** The name that the Client claims in the exchange, for the account of wrong logins; absent: that of CONNECT. */
      readonly userName?: string
      readonly authenticationData?: Uint8Array
      readonly exchangeState?: unknown
    }

/**
 * A login that takes time to check: the broker calls `check` when its turn comes, which goes round by address, and counts
 * `plugin-timeout` from then on. A plugin that does not mind how many logins it has at a time may return a promise instead.
 */
export interface LoginCheck {
  readonly decision: 'check'
  /**
   * True for a check that only takes time, so that a name which the plugin does not know takes as long as a wrong password.
   * Its answer does not count, and it is spared where another plugin lets the client in.
   */
  readonly isDecoy?: true
  check(): MaybePromise<AuthenticationAnswer | undefined>
}

/** Another message in place of the one that passes. What is absent stays as it is; QoS and RETAIN always do. */
export interface MessageReplacement {
  readonly decision: 'replace'
  /** A Topic Name. */
  readonly topic?: string
  /** Text is sent as UTF-8. Copied. */
  readonly payload?: string | Uint8Array
  /** All properties of the new message, in place of those of the old one. */
  readonly properties?: Properties
}

/** What becomes of a message that `intercept` was asked about. `undefined` lets it pass. */
export type Interception =
  | MessageReplacement
  | {
      /** It goes nowhere, and its publisher is told so where the protocol can. */
      readonly decision: 'refuse'
      /** One of 0x80 and above that PUBACK has; default 0x87, Not authorized. */
      readonly reasonCode?: ReasonCode
      /** For the log and for events, never for the peer; holds no secret. */
      readonly cause?: string
    }
  | {
      /** It goes nowhere, and is acknowledged as though it had. */
      readonly decision: 'drop'
    }

/** What becomes of a delivery that `transformDelivery` was asked about. `undefined` lets it pass. */
export type DeliveryChange =
  | MessageReplacement
  | {
      /** This client does not get it. At QoS 1 and 2 it counts as delivered. */
      readonly decision: 'drop'
    }

/** Why a topic question was answered so; what `broker.explain` prints. */
export interface Explanation {
  readonly plugin: string
  readonly decision: 'allow' | 'deny' | 'no opinion'
  /** The rule in its own words and where it stands, such as `line 12 of acl.txt: topic read sensors/#`. */
  readonly rule: string
}

/** One topic question, as `explain` asks it. */
export interface TopicQuestion {
  readonly client: Client
  readonly action: 'publish' | 'subscribe' | 'receive'
  /** A Topic Name, or for `subscribe` a Topic Filter (a shared one without its `$share/Name/`). */
  readonly topic: string
}

/** Questions a plugin may answer. `undefined` means "no opinion". */
export interface Plugin {
  readonly name: string
  /**
   * True when `mayPublish`, `maySubscribe` and `mayReceive` give the same answer for the same Client and topic until the
   * plugin calls `context.changed()`: the broker then remembers them.
   */
  readonly stable?: boolean
  /** How many of its {@link LoginCheck}s may run at one time; default 16. */
  readonly maxLoginChecks?: number
  authenticate?(request: ConnectRequest): MaybePromise<AuthenticationAnswer | undefined> | LoginCheck
  /**
   * Whether this plugin still lets that Client in, which shows no password now: asked about each Client that is logged in, after a
   * reload and after a plugin called `context.revoked()`. A Client stays if no plugin says false and one says true; a plugin
   * that let it in and lacks this method counts as true.
   *
   * @param evidence what this plugin gave when it let the Client in, `true` if it gave nothing; `undefined` if it did not let
   *   the Client in
   */
  mayStay?(client: Client, evidence: unknown): MaybePromise<boolean | undefined>
  mayPublish?(
    client: Client,
    message: { readonly topicName: string; readonly qos: QoS; readonly retain: boolean },
  ): MaybePromise<boolean | undefined>
  maySubscribe?(client: Client, topicFilter: string, qos: QoS): MaybePromise<boolean | undefined>
  mayReceive?(client: Client, topicName: string): boolean | undefined
  /**
   * Sees each message of a client, and each Will that is due, before it is retained and routed: it may let the message pass
   * (`undefined`), replace parts of it, refuse it or drop it. Only asked of plugins in the section `intercept` and in the top-level
   * `plugins`, one after the other; each sees what the one before has made. Asked after `mayPublish` has allowed the
   * message; for a changed topic, `mayPublish` is asked again. While a promise is pending, this client's next packets and the
   * acknowledgement wait. A QoS 2 message is asked about once, also when its PUBLISH is sent again.
   *
   * A plugin that throws, rejects, answers something else or exceeds `plugin-timeout` has refused the message with 0x83.
   *
   * @param message to be read only; it may be kept
   *
   * @example
   * const tenants: Plugin = {
   *   name: 'tenants',
   *   intercept: (client, message) => ({ decision: 'replace', topic: `${client.userName}/${message.topic}` }),
   * }
   */
  intercept?(client: Client, message: Message): MaybePromise<Interception | undefined>
  /**
   * Sees each message that is about to be sent to a client, whoever published it, and may replace parts of it for this client alone
   * or drop it. Answers at once, never by promise. It should depend on its arguments only: it is asked again whenever the message is
   * sent again. `mayReceive` is asked before it, about the topic that the message had.
   *
   * A plugin that throws or answers something else has dropped the delivery.
   *
   * @param client the receiver
   * @param message to be read only
   *
   * @example
   * const discreet: Plugin = {
   *   name: 'discreet',
   *   transformDelivery: ({ userName }) =>
   *     userName === 'guest' ? { decision: 'replace', properties: {} } : undefined,
   * }
   */
  transformDelivery?(client: Client, message: Message): DeliveryChange | undefined
  /** Says which rule decides, without side effects; used by `broker.explain`. */
  explain?(question: TopicQuestion): Explanation
  close?(): MaybePromise<void>
}

/** The broker's events, as a plugin listens to them. A plugin that is closed has to take its listeners away. */
export interface PluginEvents {
  /** Every event there is. */
  readonly names: readonly EventName[]
  on<Name extends EventName>(name: Name, listener: EventListener<Name>): void
  once<Name extends EventName>(name: Name, listener: EventListener<Name>): void
  off<Name extends EventName>(name: Name, listener: EventListener<Name>): void
  addListener<Name extends EventName>(name: Name, listener: EventListener<Name>): void
  removeListener<Name extends EventName>(name: Name, listener: EventListener<Name>): void
}

/** What a plugin is made with. */
export interface PluginContext {
  /**
   * The configuration section that names the plugin (`auth`, `topic-check` or `intercept`), or the `options` written beside its name;
   * keys in camelCase, already validated.
   */
  readonly options: Readonly<Record<string, unknown>>
  /** Where relative paths count from: the configuration file's folder, or the working directory. */
  readonly baseFolder: string
  readonly log: Logger
  readonly clock: Clock
  /** Absent where plugins are made without a Broker, as `sluice check` and `sluice explain` do. */
  readonly events?: PluginEvents | undefined
  /** To be called when answers that were declared stable may be different from now on. */
  changed(): void
  /** To be called when logins may not be good any longer (a user is gone, a key): `mayStay` is then asked about each Client. */
  revoked(): void
}

/** What a plugin module exports as `default`, and what an embedding program may list in `plugins`. */
export type PluginFactory = (context: PluginContext) => MaybePromise<Plugin>

/** True where a plugin has a say about topics at all. */
export function answersAboutTopics(plugin: Plugin): boolean {
  return plugin.mayPublish !== undefined || plugin.maySubscribe !== undefined || plugin.mayReceive !== undefined
}
