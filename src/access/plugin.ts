/**
 * The interface of a plugin: questions about permissions that it may answer. Notifications are events instead
 * (`reporting/events.ts`). The vote (`access/access.ts`) combines the answers of several plugins into one
 * decision.
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

/** The data on which a login is judged. */
export interface ConnectRequest {
  /** Empty if the client asks the server to assign one. */
  readonly clientId: string
  readonly userName: string | undefined
  /** Never a string, whatever the protocol version. */
  readonly password: Buffer | undefined
  readonly address: string
  readonly listener: string
  readonly encrypted: boolean
  readonly protocolVersion: ProtocolVersion
  readonly certificateUserName: string | undefined
  /** The listener's present verdict on the client certificate: also evidence for `mayStay`. Absent without TLS. */
  readonly certificate?: PeerCertificate | undefined
  /** 5.0 only: the Authentication Method, if CONNECT or AUTH contains one (§4.12). */
  readonly authenticationMethod: string | undefined
  readonly authenticationData: Buffer | undefined
  /**
   * The state from this plugin's last `continue` answer on this connection, for the next step of an AUTH exchange;
   * `undefined` in the first step.
   */
  readonly exchangeState: unknown
  /** True when a connected client authenticates again (§4.12.1). */
  readonly reAuthentication: boolean
}

/** A plugin's answer to a login. `undefined` means no opinion. */
export type AuthenticationAnswer =
  | {
      readonly decision: 'allow'
      /** The user name of the client from now on; absent keeps that of CONNECT. */
      readonly userName?: string
      /** Admits the client as anonymous, whatever user name it sent, unless another plugin allows it as well. */
      readonly anonymous?: true
      /** The last data of an AUTH exchange, for CONNACK or the final AUTH. */
      readonly authenticationData?: Uint8Array
      /**
       * Wall-clock milliseconds at which this login ends: the connection is then closed with 0x87 (an expired token).
       */
      readonly expiresAtMs?: number
      /**
       * The basis of this login, such as the entry of a file or a key: plain data without secrets. It is kept with the
       * connection and passed to `mayStay`; after a reload, to the new plugin of this name.
       */
      readonly evidence?: unknown
    }
  | {
      readonly decision: 'deny'
      /** Default: 0x86. A code that is not a refusal, or that CONNACK does not have, is replaced by 0x87. */
      readonly reasonCode?: ReasonCode
      /** For the log, never for the peer; contains no secret. */
      readonly cause?: string
    }
  | {
      /** One more step of an AUTH exchange (0x18): the data is sent to the client. */
      readonly decision: 'continue'
      /**
       * The name that the client claims in the exchange, to which wrong logins are charged; absent: that of CONNECT.
       */
      readonly userName?: string
      readonly authenticationData?: Uint8Array
      readonly exchangeState?: unknown
    }

/**
 * A login that takes time to check: the broker calls `check` when its turn comes (addresses take turns), and applies
 * `plugin-timeout` from then on. A plugin that can handle any number of logins at a time may return a promise instead.
 */
export interface LoginCheck {
  readonly decision: 'check'
  /**
   * True for a check that only takes time, so that a name which the plugin does not know takes as long as a wrong
   * password. Its answer does not count, and it is skipped if another plugin admits the client.
   */
  readonly isDecoy?: true
  check(): MaybePromise<AuthenticationAnswer | undefined>
}

/** The message, or the Will, that a client wants to publish. */
export interface PublishQuestion {
  /** The Topic Name. */
  readonly topic: string
  /** The same as `topic`, under the name that the standard uses. */
  readonly topicName: string
  readonly qos: QoS
  readonly retain: boolean
}

/** Replaces parts of a message. Absent fields remain unchanged; QoS and RETAIN always do. */
export interface MessageReplacement {
  readonly decision: 'replace'
  /** A Topic Name. */
  readonly topic?: string
  /** Text is sent as UTF-8. Copied. */
  readonly payload?: string | Uint8Array
  /** All properties of the new message, which replace those of the old one. */
  readonly properties?: Properties
}

/** The result of `intercept` for a message. `undefined` accepts it unchanged. */
export type Interception =
  | MessageReplacement
  | {
      /** It is not delivered, and its publisher is notified if the protocol allows. */
      readonly decision: 'refuse'
      /** A code of PUBACK from 0x80 on; default 0x87, Not authorized. */
      readonly reasonCode?: ReasonCode
      /** For the log and for events, never for the peer; contains no secret. */
      readonly cause?: string
    }
  | {
      /** It is not delivered, but acknowledged as if it had been. */
      readonly decision: 'drop'
    }

/** The result of `transformDelivery` for a delivery. `undefined` leaves it unchanged. */
export type DeliveryChange =
  | MessageReplacement
  | {
      /** This client does not receive it. At QoS 1 and 2 it counts as delivered. */
      readonly decision: 'drop'
    }

/** The reason for the answer to a topic question; `broker.explain` prints it. */
export interface Explanation {
  readonly plugin: string
  readonly decision: 'allow' | 'deny' | 'no opinion'
  /** The rule as written and its place, such as `line 12 of acl.txt: topic read sensors/#`. */
  readonly rule: string
}

/** A topic question for `explain`. */
export interface TopicQuestion {
  readonly client: Client
  readonly action: 'publish' | 'subscribe' | 'receive'
  /** A topic name, or for `subscribe` a topic filter (without `$share/Name/`, if it is a shared one). */
  readonly topic: string
}

/** The questions that a plugin may answer. `undefined` means "no opinion". */
export interface Plugin {
  readonly name: string
  /**
   * True if `mayPublish`, `maySubscribe` and `mayReceive` always give the same answer for the same client and topic
   * until the plugin calls `context.changed()`: the broker then remembers the answers.
   */
  readonly stable?: boolean
  /** How many of its {@link LoginCheck}s may run at a time; default 16. */
  readonly maxLoginChecks?: number
  authenticate?(request: ConnectRequest): MaybePromise<AuthenticationAnswer | undefined> | LoginCheck
  /**
   * Whether this plugin still admits a client, for which there is no password now. Asked about each connected client
   * after a reload and after a plugin called `context.revoked()`. A client stays if no plugin returns false and one
   * returns true; a plugin that admitted it and lacks this method counts as true.
   *
   * @param evidence the evidence that this plugin gave when it admitted the client, `true` if it gave none; `undefined`
   * if it did not admit the client
   */
  mayStay?(client: Client, evidence: unknown): MaybePromise<boolean | undefined>
  mayPublish?(client: Client, message: PublishQuestion): MaybePromise<boolean | undefined>
  maySubscribe?(client: Client, topicFilter: string, qos: QoS): MaybePromise<boolean | undefined>
  mayReceive?(client: Client, topic: string): boolean | undefined
  /**
   * Sees each message of a client, and each Will that is due, before it is retained and routed: it may let the message
   * pass (`undefined`), replace parts of it, refuse it or drop it. Only asked of plugins in the section `intercept` and
   * in the top-level `plugins`, one after the other; each sees what the one before has made. Asked after `mayPublish`
   * has allowed the message; for a changed topic, `mayPublish` is asked again. While a promise is pending, this
   * client's next packets and the acknowledgement wait. A QoS 2 message is asked about once, also when its PUBLISH is
   * sent again.
   *
   * A plugin that throws, rejects, answers something else or exceeds `plugin-timeout` has refused the message with
   * 0x83.
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
   * Called for each message just before it is sent to a client; may replace parts of it for this client alone, or drop
   * it. Answers at once, never by promise. It should depend on its arguments only: it is asked again whenever the
   * message is sent again. `mayReceive` is asked before it, about the topic that the message had.
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
  /** Returns the rule that decides, without side effects; used by `broker.explain`. */
  explain?(question: TopicQuestion): Explanation
  close?(): MaybePromise<void>
}

/** The events of the broker, for plugins. A plugin has to remove its listeners when it is closed. */
export interface PluginEvents {
  /** The names of all events. */
  readonly names: readonly EventName[]
  on<Name extends EventName>(name: Name, listener: EventListener<Name>): void
  once<Name extends EventName>(name: Name, listener: EventListener<Name>): void
  off<Name extends EventName>(name: Name, listener: EventListener<Name>): void
  addListener<Name extends EventName>(name: Name, listener: EventListener<Name>): void
  removeListener<Name extends EventName>(name: Name, listener: EventListener<Name>): void
}

/** The arguments with which a plugin is created. */
export interface PluginContext {
  /**
   * The configuration section that names the plugin (`auth`, `topic-check` or `intercept`), or the `options` given with
   * its name; keys in camelCase, already validated.
   */
  readonly options: Readonly<Record<string, unknown>>
  /** The folder to which relative paths refer: that of the configuration file, or the working directory. */
  readonly baseFolder: string
  readonly log: Logger
  readonly clock: Clock
  /** Absent if plugins are created without a broker, as in `sluice check` and `sluice explain`. */
  readonly events?: PluginEvents | undefined
  /** Has to be called when answers that were declared stable may have changed. */
  changed(): void
  /**
   * Has to be called when logins may have become invalid (a user or a key was removed): `mayStay` is then asked about
   * each client.
   */
  revoked(): void
}

/** The `default` export of a plugin module, also accepted in `plugins` by an embedding program. */
export type PluginFactory = (context: PluginContext) => MaybePromise<Plugin>

/** True if a plugin answers any questions about topics. */
export function answersAboutTopics(plugin: Plugin): boolean {
  return plugin.mayPublish !== undefined || plugin.maySubscribe !== undefined || plugin.mayReceive !== undefined
}
