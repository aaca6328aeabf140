/** Breakages of PUBLISH and of retained messages (3.3 to 3.7). @module */
import { mutant, type Mutant } from './mutant.ts'

const VIEW = 'src/codec/publish-view.ts'
const PUBLISHING = 'src/broker/publishing.ts'
const ROUTER = 'src/routing/router.ts'
const RETAINED = 'src/routing/retained.ts'
const SUBSCRIBING = 'src/broker/subscribing.ts'
const INCOMING = 'src/protocol/incoming-publishes.ts'
const SESSION_FLOW = 'src/protocol/session-flow.ts'
const SESSION = 'src/protocol/session.ts'

export const publishMutants: readonly Mutant[] = [
  mutant(
    '3.1.1 MQTT-3.3.1-1, MQTT-4.4.0-1, 5.0 MQTT-3.3.1-1, MQTT-4.4.0-1',
    'A resent PUBLISH has DUP 0',
    SESSION_FLOW,
    'const cause = connection.sendDelivery(next, true)',
    'const cause = connection.sendDelivery(next, false)',
  ),
  mutant(
    '3.1.1 MQTT-3.3.1-2',
    'DUP 1 passes at QoS 0',
    VIEW,
    'if (dup && qos === 0) throw',
    'if (dup && qos < 0) throw',
  ),
  mutant(
    '3.1.1 MQTT-3.3.1-3, 5.0 MQTT-3.3.1-3',
    'The publisher’s DUP is handed on',
    'src/protocol/sender.ts',
    'bytes[at] = firstByte\n  if (identifier === 0) return',
    'bytes[at] = firstByte | (bytes[at]! & DUP_BIT)\n  if (identifier === 0) return',
  ),
  mutant(
    '3.1.1 MQTT-3.3.1-5, MQTT-3.3.1-6, 5.0 MQTT-3.3.1-5',
    'Only messages of QoS 1 and 2 are retained',
    PUBLISHING,
    'const noRoom = message.retain ? this.#retain(message, client, connection) : undefined',
    'const noRoom = message.retain && message.qos > 0 ? this.#retain(message, client, connection) : undefined',
  ),
  mutant(
    '3.1.1 MQTT-3.3.1-12',
    'Everything is retained',
    PUBLISHING,
    'const noRoom = message.retain ? this.#retain(message, client, connection) : undefined',
    'const noRoom = this.#retain(message, client, connection)',
  ),
  mutant(
    '3.1.1 MQTT-3.3.1-7',
    'A retained message of QoS 0 leaves one of a higher QoS where it is',
    PUBLISHING,
    'const noRoom = message.retain ? this.#retain(message, client, connection) : undefined',
    'const noRoom = message.retain && message.qos >= (this.#retained.get(message.topicName)?.qos ?? 0) ? this.#retain(message, client, connection) : undefined',
  ),
  mutant(
    '3.1.1 MQTT-3.3.1-10, MQTT-3.3.1-11',
    'An empty payload is retained like any other',
    RETAINED,
    'if (message.payloadLength === 0) {',
    'if (message.payloadLength < 0) {',
  ),
  mutant(
    '3.1.1 MQTT-3.3.1-10',
    'An empty payload leaves the retained message where it is',
    RETAINED,
    'const old = this.#remove(topicName)\n    if (message.payloadLength === 0) {',
    'const old = message.payloadLength > 0 ? this.#remove(topicName) : undefined\n    if (message.payloadLength === 0) {',
  ),
  mutant(
    '3.1.1 MQTT-3.3.1-10, U311-3.3.1.3-1',
    'A message that erases is not delivered',
    PUBLISHING,
    'const receivers = this.#router.route(message, topic)',
    'const receivers = message.retain && message.payloadLength === 0 ? 0 : this.#router.route(message, topic)',
  ),
  mutant(
    '3.1.1 MQTT-3.3.1-6',
    'A new subscription gets no retained message',
    SUBSCRIBING,
    'if (isOwed && !isShared) owed.push(',
    'if (isOwed && isShared) owed.push(',
  ),
  mutant(
    '3.1.1 MQTT-3.8.4-3',
    'Retained messages go out for new subscriptions only',
    SUBSCRIBING,
    'const isOwed = request.retainHandling === 0 ||',
    'const isOwed = (request.retainHandling === 0 && old === undefined) ||',
  ),
  mutant(
    '3.1.1 MQTT-3.3.1-8, 5.0 U-3.3.1.3-2',
    'Retained messages are sent with RETAIN 0',
    SUBSCRIBING,
    'session.send(message, qos, true, subscription)',
    'session.send(message, qos, false, subscription)',
  ),
  mutant(
    '3.1.1 MQTT-3.3.1-9',
    'RETAIN is handed on as the publisher set it',
    SESSION,
    'const retain = options.retainAsPublished && message.retain',
    'const retain = message.retain',
  ),
  mutant(
    '3.1.1 MQTT-3.3.2-3, 5.0 MQTT-3.3.2-3',
    'The Topic Name is handed on without its first level',
    VIEW,
    "refuseWildcard(topicName, 'Topic Name')\n  return topicName",
    "refuseWildcard(topicName, 'Topic Name')\n  return topicName.replace(/^a\\//, '')",
  ),
  mutant(
    '3.1.1 MQTT-3.3.4-1, 5.0 MQTT-3.3.4-1',
    'QoS 1 is answered with PUBREC',
    INCOMING,
    'this.#sender.answer(PacketType.PUBACK, packetIdentifier, reasonCode)',
    'this.#sender.answer(PacketType.PUBREC, packetIdentifier, reasonCode)',
  ),
  mutant(
    '3.1.1 MQTT-3.3.5-1, 5.0 MQTT-3.3.4-2',
    'Of overlapping subscriptions the lowest QoS holds',
    ROUTER,
    'if (qos > this.qos) this.qos = qos',
    'if (qos < this.qos) this.qos = qos',
  ),
  mutant(
    'U311-3.3.5-1',
    'Overlapping subscriptions have a copy each',
    ROUTER,
    'if (at < 0) routes.push(subscription)',
    'if (at < 1) routes.push(subscription)',
  ),
  mutant(
    '3.1.1 MQTT-3.3.5-2',
    'A PUBLISH without permission is delivered all the same',
    PUBLISHING,
    'return allowed\n      ? this.#pass(connection, message, topic)',
    'return allowed || message.qos > 0\n      ? this.#pass(connection, message, topic)',
  ),
  mutant(
    'U311-4.7.2-1',
    'Clients may publish to $SYS',
    'src/access/bridge-client.ts',
    'return topicName.startsWith(SYS_PREFIX) && !isOwnState(client, topicName)',
    'return topicName === SYS_PREFIX && !isOwnState(client, topicName)',
  ),
]
