/**
 * Breakages of 5.0, chapters 3.4 to 4: acknowledgements, SUBSCRIBE, DISCONNECT, AUTH, flow control, sharing, errors.
 * @module
 */
import { mutant, type Mutant } from './mutant.ts'

const ADMISSION_CHECKS = 'src/broker/sessions/admission-checks.ts'
const CONNACK_FILE = 'src/broker/sessions/connack.ts'
const LOGIN = 'src/protocol/connection-login.ts'
const ENDING = 'src/protocol/connection-ending.ts'
const DECODE = 'src/codec/decode.ts'
const ENCODE = 'src/codec/encode.ts'
const PROPERTIES = 'src/codec/property-check.ts'
const CONNECTION = 'src/protocol/connection.ts'
const REQUESTS = 'src/protocol/requests.ts'
const INCOMING = 'src/protocol/incoming-publishes.ts'
const SESSION_FLOW = 'src/protocol/session-flow.ts'
const SESSION_IN_FLIGHT = 'src/protocol/session-in-flight.ts'
const ADMISSION = 'src/broker/sessions/admission.ts'
const ROUTER = 'src/routing/router.ts'
const PUBLISHING = 'src/broker/publishing.ts'
const DEPARTURES = 'src/broker/sessions/departures.ts'
const SHARED = 'src/routing/shared-group.ts'
const ESTATE = 'src/routing/estate.ts'
const SUBSCRIBING = 'src/broker/subscribing.ts'
const FILTER = 'src/topics/topic-filter.ts'

export const mutantsDeliver5: readonly Mutant[] = [
  mutant(
    '5.0 U-2.2.2.2-1',
    'A property may stand in any packet',
    PROPERTIES,
    'if ((rules.allowed & (1 << number)) === 0) {',
    'if ((rules.allowed & (1 << number)) < -1e12) {',
  ),
  mutant(
    '5.0 MQTT-3.3.2-14',
    'A Response Topic may hold wildcards',
    PROPERTIES,
    'if (bytes[index] === PLUS || bytes[index] === NUMBER_SIGN) throw',
    'if (bytes[index] === PLUS && bytes[index] === NUMBER_SIGN) throw',
  ),
  mutant(
    '5.0 MQTT-2.2.2-1',
    'An empty property set is left out of SUBACK',
    ENCODE,
    'if (version === 5) writer.properties(properties, holder)',
    'if (version === 5 && properties !== noProperties) writer.properties(properties, holder)',
  ),
  mutant(
    '5.0 MQTT-3.2.2-15',
    'A packet may be one byte larger than CONNACK said',
    'src/codec/decoder.ts',
    'if (size > this.maxPacketSize) throw',
    'if (size > this.maxPacketSize + 1) throw',
  ),
  mutant('5.0 MQTT-3.2.2-11', 'A PUBLISH above Maximum QoS is taken', INCOMING, 'qos > maxQos ?', 'qos > maxQos + 1 ?'),
  mutant(
    '5.0 MQTT-3.2.2-14',
    'RETAIN 1 is taken although retained messages are off',
    PUBLISHING,
    'if (message.retain && !this.#parts.current.options.retain && knowsOfNoRetain(connection)) {',
    'if (message.retain && message.qos > 2 && knowsOfNoRetain(connection)) {',
  ),
  mutant(
    '5.0 MQTT-3.2.2-13',
    'Will Retain is taken although retained messages are off',
    ADMISSION_CHECKS,
    'if (will.retain && !this.#parts.current.options.retain) {',
    'if (will.retain && will.qos > 2 && !this.#parts.current.options.retain) {',
  ),
  mutant(
    '5.0 MQTT-3.3.1-4',
    'QoS 3 is told like a QoS that the Server lacks',
    'src/codec/publish-view.ts',
    'if (qos === 3) throw',
    'if (qos > 3) throw',
  ),
  mutant(
    '5.0 MQTT-3.1.2-12',
    'Will QoS 3 is told like a QoS that the Server lacks',
    'src/codec/decode-connect.ts',
    'if ((flags & Flag.willQoS) === Flag.willQoS) throw',
    'if ((flags & Flag.willQoS) > Flag.willQoS) throw',
  ),
  mutant(
    '5.0 MQTT-3.3.4-4',
    'One copy for several matches names only the first identifier',
    ROUTER,
    'this.subscriptionIdentifiers.push(...subscriptionIdentifiers)',
    'if (subscriptionIdentifiers.length > 9) this.subscriptionIdentifiers.push(...subscriptionIdentifiers)',
  ),
  mutant(
    '5.0 MQTT-3.8.3-3',
    'No Local is overlooked',
    ROUTER,
    'if (route.noLocal && subscriber.clientId === publisher) continue',
    "if (route.noLocal && publisher === '\\0') continue",
  ),
  mutant(
    '5.0 MQTT-3.8.3-5',
    'Bit 6 of the Subscription Options is not looked at',
    DECODE,
    'if (options > 0b0011_1111) throw',
    'if (options > 0b0111_1111) throw',
  ),
  mutant(
    '5.0 U-3.8.3.1-1',
    'Retain Handling 3 passes',
    DECODE,
    'if (retainHandling === 3) throw',
    'if (retainHandling > 3) throw',
  ),
  mutant(
    '5.0 MQTT-3.3.1-11',
    'Retain Handling 2 is taken for 0',
    SUBSCRIBING,
    'const isOwed = request.retainHandling === 0 ||',
    'const isOwed = request.retainHandling !== 1 ||',
  ),
  mutant(
    '5.0 U-3.8.2.1.2-2',
    'Subscription Identifiers are not stored',
    SUBSCRIBING,
    'const subscriptionIdentifiers = packet.properties.subscriptionIdentifiers ?? NO_IDENTIFIERS',
    'const subscriptionIdentifiers = packet.properties.subscriptionIdentifiers?.slice(1) ?? NO_IDENTIFIERS',
  ),
  mutant(
    '5.0 MQTT-3.11.3-1',
    'Codes of UNSUBACK come in reverse',
    REQUESTS,
    'const unsuback = { type: PacketType.UNSUBACK, packetIdentifier, reasonCodes: codes, properties: noProperties }',
    'const unsuback = { type: PacketType.UNSUBACK, packetIdentifier, reasonCodes: codes.toReversed(), properties: noProperties }',
  ),
  mutant(
    '5.0 MQTT-3.10.4-4, MQTT-3.10.4-5',
    'There is no UNSUBACK where nothing was removed',
    REQUESTS,
    'this.unsuback(packet, reasonCodes)',
    'if (reasonCodes.includes(0)) this.unsuback(packet, reasonCodes)',
  ),
  mutant(
    '5.0 MQTT-3.14.2-3',
    'A Reason String goes out however large it makes the packet',
    ENCODE,
    'return bytes.length <= maximumPacketSize ? bytes : undefined',
    'return bytes.length <= maximumPacketSize || maximumPacketSize > 0 ? bytes : undefined',
  ),
  mutant(
    '5.0 MQTT-3.14.2-2',
    'A Server’s DISCONNECT has a Session Expiry Interval',
    ENDING,
    'this.sender.immediate({ type: PacketType.DISCONNECT, reasonCode, properties: all })',
    'this.sender.immediate({ type: PacketType.DISCONNECT, reasonCode, properties: { ...all, sessionExpiryInterval: 0 } })',
  ),
  mutant(
    '5.0 MQTT-3.14.4-2, MQTT-4.13.2-1',
    'A Server that said DISCONNECT leaves the Connection open',
    ENDING,
    'else this.transport.end()\n',
    "else if (end.cause !== 'disconnected by server') this.transport.end()\n",
  ),
  mutant(
    '5.0 U-3.14.2.2.2-2',
    'DISCONNECT may set a Session Expiry after 0 at CONNECT',
    CONNECTION,
    'if (this.session.sessionExpiryInterval === 0 && sessionExpiryInterval > 0) {',
    'if (this.session.sessionExpiryInterval === 0 && sessionExpiryInterval < 0) {',
  ),
  mutant(
    '5.0 U-3.14.2.2.2-1',
    'The Session Expiry of a DISCONNECT is overlooked',
    CONNECTION,
    'this.session.sessionExpiryInterval = Math.min(sessionExpiryInterval, this.limits.maxSessionExpiry)',
    'void Math.min(sessionExpiryInterval, this.limits.maxSessionExpiry)',
  ),
  mutant(
    '5.0 U-3.1.2.5-1',
    'Every DISCONNECT takes the Will away',
    DEPARTURES,
    "const isNormal = cause === 'disconnected by client' && reasonCode === ReasonCode.Success",
    "const isNormal = cause === 'disconnected by client' && reasonCode !== ReasonCode.UnspecifiedError",
  ),
  mutant(
    '5.0 MQTT-3.1.2-23',
    'No Session outlives its Connection',
    'src/broker/sessions/sessions.ts',
    'if (session.sessionExpiryInterval === 0) {',
    'if (session.sessionExpiryInterval >= 0) {',
  ),
  mutant(
    '5.0 MQTT-4.12.0-7',
    'AUTH is overlooked where CONNECT named no method',
    LOGIN,
    'if (this.authenticationMethod === undefined) {\n',
    'if (this.authenticationMethod === undefined) {\n      if (method !== undefined) return\n',
  ),
  mutant(
    '5.0 MQTT-4.12.1-1',
    'A re-authentication may change the method',
    LOGIN,
    'if (method !== this.authenticationMethod) {',
    'if (method === undefined) {',
  ),
  mutant(
    '5.0 MQTT-4.12.0-2',
    'A challenge says Success',
    LOGIN,
    'reasonCode: ReasonCode.ContinueAuthentication, properties })',
    'reasonCode: ReasonCode.Success, properties })',
  ),
  mutant(
    '5.0 MQTT-4.12.0-3',
    'AUTH of any code goes on with an exchange',
    ADMISSION,
    'if (notes.login !== undefined || begins !== mayBegin) {',
    'if (notes.login !== undefined || (begins !== mayBegin && connection.isConnected)) {',
  ),
  mutant(
    '5.0 MQTT-4.12.0-5',
    'CONNACK does not name the method',
    CONNACK_FILE,
    'authenticationMethod: asked.authenticationMethod, // [5.0',
    'authenticationMethod: undefined, // [5.0',
  ),
  mutant(
    '5.0 MQTT-3.1.2-30',
    'PINGREQ during the authentication is overlooked',
    'src/protocol/connection-state.ts',
    'PINGREQ:          taken,',
    "PINGREQ: [notFirst, 'waits', 'stays', 'waits', 'stays', 'waits', 'ignored'],",
  ),
  mutant(
    '5.0 MQTT-4.3.3-4',
    'PUBREC is not answered the first time',
    SESSION_IN_FLIGHT,
    'this.ledger?.released(this, delivery)\n    }\n    return ReasonCode.Success',
    'this.ledger?.released(this, delivery)\n      return undefined\n    }\n    return ReasonCode.Success',
  ),
  mutant(
    '5.0 MQTT-4.3.3-9',
    'A refused QoS 2 identifier is remembered',
    INCOMING,
    'if (reasonCode < 0x80) this.#connection.session!.addReceived(packetIdentifier)',
    'if (reasonCode <= 0xff) this.#connection.session!.addReceived(packetIdentifier)',
  ),
  mutant(
    '5.0 MQTT-4.4.0-2',
    'A PUBREC that refuses is taken for one that agrees',
    SESSION_IN_FLIGHT,
    'if (reasonCode >= 0x80) {\n',
    'if (reasonCode > 0xff) {\n',
  ),
  mutant(
    '5.0 U-4.9-1',
    'The send quota does not grow again',
    SESSION_IN_FLIGHT,
    'if (delivery.isOpen) this.openOnConnection--',
    'if (delivery.isOpen && delivery.qos === 1) this.openOnConnection--',
  ),
  mutant(
    '5.0 U-4.9-2',
    'The send quota grows with each PUBCOMP, whoever it belongs to',
    SESSION_IN_FLIGHT,
    'if (delivery.isOpen) this.openOnConnection--',
    'this.openOnConnection--',
  ),
  mutant(
    '5.0 U-4.9-3',
    'The send quota is the Session’s',
    SESSION_FLOW,
    'this.openOnConnection = 0\n',
    'this.openOnConnection = this.window.size\n',
  ),
  mutant(
    '5.0 MQTT-4.8.2-1',
    'An empty ShareName passes',
    FILTER,
    "if (shareName === '') return",
    "if (shareName === '\\0') return",
  ),
  mutant(
    '5.0 MQTT-4.8.2-2',
    'A ShareName may hold a +',
    FILTER,
    'if (/[+#]/.test(shareName)) return',
    'if (/[#]/.test(shareName)) return',
  ),
  mutant(
    '5.0 U-4.8.2-3',
    'A shared message goes to two members',
    SHARED,
    'member.subscriber.deliver(message, member, origin ?? this)\n',
    'member.subscriber.deliver(message, member, origin ?? this)\n    this.#members.at(-1)!.subscriber.deliver(message, member, this)\n',
  ),
  mutant(
    '5.0 MQTT-4.8.2-3',
    'Shared delivery is at the published QoS',
    SHARED,
    'member.subscriber.deliver(message, member, origin ?? this)\n',
    'member.subscriber.deliver(message, { ...member, qos: 2 }, this)\n',
  ),
  mutant(
    '5.0 MQTT-4.8.2-5',
    'QoS 2 in flight moves to another member when the Session ends',
    ESTATE,
    'return shared !== undefined && (qos === 1 || state === DeliveryState.Waiting)',
    'return shared !== undefined && (qos >= 1 || state === DeliveryState.Waiting)',
  ),
  mutant(
    '5.0 U-4.8.2-8',
    'QoS 1 in flight dies with the Session of its member',
    ESTATE,
    'return shared !== undefined && (qos === 1 || state === DeliveryState.Waiting)',
    'return shared !== undefined && (qos > 2 || state === DeliveryState.Waiting)',
  ),
  mutant(
    '5.0 U-4.8.2-5',
    'Who subscribes twice joins twice',
    ROUTER,
    'group.remove(subscription.subscriber as Session)',
    'if (group.size > 8) group.remove(subscription.subscriber as Session)',
  ),
]
