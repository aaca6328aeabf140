/** The public door: named re-exports only. @module */
export { Broker, createBroker, type BrokerConstructor } from './create-broker.ts'
export type { BrokerSettings } from './broker/broker.ts'
export type { PublishOptions } from './broker/host/host-message.ts'
export type { ListenerCounters, ListenerView, MountedWebSocket } from './broker/host/open-listeners.ts'
export type { BrokerEvents, EventListener, EventName, SessionEndCause } from './access/broker-events.ts'
export type { HostQuestion } from './broker/host/host-question.ts'
export type { MountOptions } from './broker/host/host-streams.ts'
export type { HostSubscription, SubscribeOptions } from './broker/host/host-subscriber.ts'
export type { SessionView } from './broker/sessions/session-view.ts'
export type { ConfigInput, ListenerInput, Options } from './config/options.ts'
export type {
  AuthenticationAnswer,
  Client,
  ConnectRequest,
  Explanation,
  LoginCheck,
  Plugin,
  PluginContext,
  PluginEvents,
  PluginFactory,
  TopicQuestion,
} from './access/plugin.ts'
export { ConfigError, InvariantError, PluginError, SluiceError, StoreError, UsageError } from './base/errors.ts'
export type { Clock, Timer } from './base/clock.ts'
export type { Logger } from './base/log.ts'
export type { MaybePromise } from './base/maybe-promise.ts'
export type { ProtocolVersion, QoS } from './codec/packet-types.ts'
export type { Properties } from './codec/properties.ts'
export { ProtocolError } from './codec/protocol-error.ts'
export { ReasonCode } from './codec/reason-code.ts'
export type { Message } from './protocol/message.ts'
export type { Peer } from './protocol/transport.ts'
