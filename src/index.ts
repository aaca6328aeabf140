/** The public door: named re-exports only. @module */
export { PROMETHEUS_CONTENT_TYPE, prometheusText } from './admin/prometheus.ts'
export { Broker, createBroker, type BrokerConstructor } from './create-broker.ts'
export type { ReadConfig, ReloadView } from './broker/host/read-again.ts'
export type { BrokerSettings, BrokerState } from './broker/broker-settings.ts'
export type { DisconnectOptions } from './broker/host-clients.ts'
export type { PublishOptions } from './broker/host/host-message.ts'
export type {
  ListenerCertificate,
  ListenerCounters,
  ListenerView,
  MountedWebSocket,
} from './broker/host/open-listeners.ts'
export type { BrokerEvents, EventListener, EventName, RetainedEnd, SessionEndCause } from './access/broker-events.ts'
export type { HostQuestion } from './broker/host/host-question.ts'
export type { MountOptions } from './broker/host/host-streams.ts'
export type { HostSubscription, SubscribeOptions } from './broker/host/host-subscriber.ts'
export type { AccessRule, BanKind, Membership, RuleAction } from './access/directory/entries.ts'
export type {
  ConfigurationAdmin,
  ConfigurationEntryView,
  ConfigurationParameters,
} from './broker/host/configuration-view.ts'
export type {
  AccessAdmin,
  AccessDifference,
  AccessParameters,
  BanRequest,
  BanView,
  DefaultAccessView,
  DeleteRuleRequest,
  ExplainRequest,
  ExplainView,
  GroupView,
  IfVersion,
  ImportRequest,
  ImportView,
  Labelled,
  MembershipInput,
  NameParameter,
  PutDefaultAccessRequest,
  PutGroupRequest,
  PutRoleRequest,
  PutUserRequest,
  RoleView,
  RuleInput,
  RuleRequest,
  UnbanRequest,
  UserNameParameter,
  UserView,
} from './broker/host/access-admin.ts'
export type {
  Admin,
  AdminParameters,
  CallOptions,
  ClientIdParameter,
  ClientsQuery,
  ClosedConnectionsQuery,
  DropView,
  FieldOptions,
  BackupView,
  CertificateView,
  OverviewView,
  TopicsQuery,
  TopicView,
  PublishRequest,
  RetainedQuery,
  RetainedView,
  SessionsQuery,
  SlowSubscriberView,
  SubscribeForRequest,
  SubscriptionsQuery,
  SubscriptionView,
  UnsubscribeForRequest,
} from './broker/host/admin.ts'
export type { HistoryFigure, HistoryQuery, HistorySample, HistoryView } from './broker/host/history-view.ts'
export type {
  AdminCaller,
  TraceAdmin,
  TraceBytes,
  TraceEnd,
  TraceFilter,
  TracePacket,
  TraceParameters,
  TraceRecord,
  TraceRecordsView,
  TraceRequest,
  TraceView,
} from './broker/host/trace-admin.ts'
export type { PacketName } from './codec/packet-types.ts'
export type { Certainty, HintView, WhyFact, WhyQuery, WhyRefusedQuery, WhyView } from './broker/host/why-view.ts'
export type { HealthCheckName, HealthCheckView } from './broker/host/health-view.ts'
export type { BridgeAdmin, BridgeParameters } from './broker/host/bridge-admin.ts'
export type { BridgeState, BridgeTraffic, BridgeView } from './broker/host/bridge-view.ts'
export type { AdminRole, ApiKeyRequest, ApiKeyView, CreatedApiKey } from './broker/host/api-key-views.ts'
export type { AdminHandler, AdminHandlerOptions } from './broker/host/admin-door.ts'
export type { AuditAdmin, AuditParameters, AuditView } from './broker/host/audit-view.ts'
export type { LoginLinkView, LoginView, ResetRequest } from './broker/host/login-views.ts'
export type { SubscribeForOptions, SubscriptionInput, SubscriptionResult } from './broker/host/client-subscriptions.ts'
export type { ClosedConnectionsOptions } from './broker/host/closed-connection-pages.ts'
export type { Page, PageOptions } from './broker/host/page.ts'
export type { OpenFiles } from './limits/open-files.ts'
export type { MemoryWatch, ProcessMemory } from './limits/process-memory.ts'
export type { Emitter } from './reporting/emitter.ts'
export type { Metrics } from './reporting/metrics.ts'
export type { Histogram, HistogramView } from './base/histogram.ts'
export type { Figure, FigureFacts, HistogramFigure, NumberFigure } from './reporting/figure.ts'
export type { ConnectionIdentity } from './broker/sessions/connection-identity.ts'
export type { ClientView } from './broker/sessions/client-view.ts'
export type { ClosedConnectionView } from './broker/sessions/closed-connections.ts'
export type { HeldMessageView, WaitReason } from './broker/sessions/held-message-view.ts'
export type { SessionView } from './broker/sessions/session-view.ts'
export type { PluginWithOptions } from './config/plugin-reference.ts'
export type {
  AuthInput,
  KebabCase,
  ProtocolVersionInput,
  SectionInput,
  SnakeCase,
  ValueInput,
} from './config/config-input.ts'
export type {
  AuthHttpOptions,
  AuthJwtOptions,
  AuthScramOptions,
  AdminOpenidOptions,
  AdminSettings,
  AuthSettings,
  InterceptSettings,
  ListenerSettings,
  TopicCheckSettings,
  TopLevelSettings,
} from './config/option-types.ts'
export type {
  AccessList,
  AccessRules,
  AdminOptions,
  AuthOptions,
  BindAddress,
  BridgeInput,
  BridgeOptions,
  BridgeQueueOptions,
  BridgeRule,
  BridgeSettings,
  ConfigInput,
  ConfigSource,
  InterceptOptions,
  ListenerInput,
  ListenerLimits,
  ListenerOptions,
  LogOptions,
  Options,
  BansOptions,
  PersistenceOptions,
  TelemetryOptions,
  UsersOptions,
  PluginReference,
  ReloadChanges,
  ServerCertificate,
  Switch,
  TopicCheckOptions,
  UnknownUserNames,
} from './config/options.ts'
export type { AccessExplanation } from './access/access.ts'
export type { HandshakeRefusal, HandshakeStage, ListenerTrouble, ListenerUp } from './access/listener-events.ts'
export type {
  AuthenticationAnswer,
  Client,
  ConnectRequest,
  DeliveryChange,
  Explanation,
  Interception,
  LoginCheck,
  MessageReplacement,
  Plugin,
  PluginContext,
  PluginEvents,
  PluginFactory,
  PublishQuestion,
  TopicQuestion,
} from './access/plugin.ts'
export type {
  Change,
  Damage,
  Durability,
  AccessRecord,
  EntryRecord,
  Loaded,
  LoadProgress,
  MessageRecord,
  ReplayRecord,
  SessionRecord,
  Store,
  StoreCondition,
  StoreFigures,
  StoreHealth,
  SubscriptionRecord,
  WillRecord,
} from './stores/store.ts'
export {
  ConfigError,
  InvariantError,
  PluginError,
  SluiceError,
  StoreError,
  UsageError,
  type ConfigProblem,
} from './base/errors.ts'
export type { Clock, Timer } from './base/clock.ts'
export type { Disk, DiskFile } from './base/disk.ts'
export type { Logger, LogMethod, RepeatedLevel } from './base/log.ts'
export type { MaybePromise } from './base/maybe-promise.ts'
export type { AccountKind } from './base/memory-account.ts'
export { PacketType, type ProtocolVersion, type QoS } from './codec/packet-types.ts'
export type {
  AcknowledgementPacket,
  AuthPacket,
  ConnackPacket,
  ConnectPacket,
  DisconnectPacket,
  Packet,
  PingreqPacket,
  PingrespPacket,
  PublishPacket,
  SubackPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubackPacket,
  UnsubscribePacket,
  WillFields,
} from './codec/packets.ts'
export type { Properties } from './codec/properties.ts'
export { ProtocolError } from './codec/protocol-error.ts'
export { ReasonCode } from './codec/reason-code.ts'
export type { ConsoleRights } from './protocol/client.ts'
export type { DropCause } from './protocol/drop-cause.ts'
export type { Message } from './protocol/message.ts'
export type { ConnectionMetrics, EndCause } from './protocol/server-side.ts'
export type {
  Incoming,
  Peer,
  PeerCertificate,
  PeerOperator,
  PeerTls,
  TlsView,
  Transport,
} from './protocol/transport.ts'
