/** Breakages of chapter 4: Session state, delivery, order, errors. @module */
import { mutant, type Mutant } from './mutant.ts'

const DEADLINES = 'src/protocol/connection-deadlines.ts'
const ENDING = 'src/protocol/connection-ending.ts'
const SESSION_CORE = 'src/protocol/session-core.ts'
const SESSION_FLOW = 'src/protocol/session-flow.ts'
const SESSION_IN_FLIGHT = 'src/protocol/session-in-flight.ts'
const SESSION_QUEUE = 'src/protocol/session-queue.ts'
const SESSION = 'src/protocol/session.ts'
const REQUESTS = 'src/protocol/requests.ts'
const INCOMING = 'src/protocol/incoming-publishes.ts'

export const deliveryMutants: readonly Mutant[] = [
  mutant(
    '3.1.1 MQTT-3.1.2-5, MQTT-4.5.0-1, 5.0 MQTT-4.5.0-1',
    'Nothing is queued for an absent Client',
    SESSION,
    'if (waits ? !this.makeRoom(message, identifiers)',
    'if (waits ? this.connection === undefined || !this.makeRoom(message, identifiers)',
  ),
  mutant(
    '3.1.1 MQTT-4.3.1-1, 5.0 MQTT-4.3.1-1',
    'QoS 0 is sent with DUP 1',
    'src/protocol/sender.ts',
    'const firstByte = PUBLISH_BYTE | (retain ? RETAIN_BIT : 0)',
    'const firstByte = PUBLISH_BYTE | DUP_BIT | (retain ? RETAIN_BIT : 0)',
  ),
  mutant(
    '3.1.1 MQTT-4.3.2-1, 5.0 MQTT-4.3.2-2',
    'QoS 1 is sent first with DUP 1',
    SESSION_FLOW,
    'const cause = this.connection!.sendDelivery(delivery, false)',
    'const cause = this.connection!.sendDelivery(delivery, true)',
  ),
  mutant(
    '3.1.1 MQTT-4.3.2-1, 5.0 MQTT-4.3.2-3',
    'QoS 1 is forgotten as soon as it is sent',
    SESSION_FLOW,
    'this.side.delivered(this, delivery.message, delivery.qos)\n    } else',
    'this.side.delivered(this, delivery.message, delivery.qos)\n      if (delivery.qos === 1) this.forget(delivery)\n    } else',
  ),
  mutant(
    '3.1.1 MQTT-4.3.2-2, 5.0 MQTT-4.3.2-5',
    'A QoS 1 message with DUP 1 is acknowledged and thrown away',
    INCOMING,
    'this.#server.metrics.publishReceived++',
    'this.#server.metrics.publishReceived++\n    if (qos === 1 && view.dup) {\n      this.#answer(qos, packetIdentifier, 0)\n      return false\n    }',
  ),
  mutant(
    '3.1.1 MQTT-4.3.3-1, 5.0 MQTT-4.3.3-5',
    'PUBREC ends a QoS 2 delivery',
    SESSION_IN_FLIGHT,
    'delivery.state = DeliveryState.Released\n      this.ledger',
    'delivery.state = DeliveryState.Released\n      this.forget(delivery)\n      this.ledger',
  ),
  mutant(
    '3.1.1 MQTT-4.3.3-1',
    'PUBCOMP before PUBREC ends a QoS 2 delivery',
    SESSION_IN_FLIGHT,
    'if (delivery?.qos === 2 && delivery.state === DeliveryState.Released) this.finish(delivery)',
    'if (delivery?.qos === 2) this.finish(delivery)',
  ),
  mutant(
    '3.1.1 MQTT-4.3.3-1, MQTT-4.4.0-1, 5.0 MQTT-4.3.3-6',
    'After PUBREC the PUBLISH is sent again',
    SESSION_FLOW,
    'if (next.state === DeliveryState.Released) connection.sendPubrel(next)\n      else {',
    '{',
  ),
  mutant(
    '3.1.1 MQTT-4.3.3-2, 5.0 MQTT-4.3.3-10',
    'A repeated QoS 2 message is delivered again',
    INCOMING,
    'if (!this.#connection.session!.hasReceived(packetIdentifier)) return false',
    'if (this.#connection.session!.hasReceived(packetIdentifier + 1)) return true\n    if (packetIdentifier > 0) return false',
  ),
  mutant(
    '3.1.1 MQTT-4.3.3-2, 5.0 MQTT-4.3.3-12',
    'A QoS 2 identifier is never new again',
    SESSION_CORE,
    'if (identifiers?.delete(packetIdentifier) !== true) return false',
    'if (identifiers?.has(packetIdentifier) !== true) return false',
  ),
  mutant(
    '3.1.1 MQTT-4.3.3-2',
    'PUBREL for an unknown identifier is not answered',
    REQUESTS,
    'const code = known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound\n',
    'if (!known) return\n    const code = known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound\n',
  ),
  mutant(
    '3.1.1 MQTT-4.4.0-1, 5.0 MQTT-4.4.0-1',
    'Nothing is sent again on reconnect',
    SESSION_FLOW,
    'if (this.window.size > 0) {\n      this.side.work',
    'if (this.window.size > 1_000_000) {\n      this.side.work',
  ),
  mutant(
    '3.1.1 MQTT-4.6.0-1',
    'What is sent again comes in the order of identifiers, from behind',
    'src/protocol/outgoing-window.ts',
    'return deliveries.sort((one, other) => one.entryNumber - other.entryNumber)',
    'return deliveries.sort((one, other) => other.entryNumber - one.entryNumber)',
  ),
  mutant(
    '3.1.1 MQTT-4.6.0-4',
    'PUBRELs go out at the end of the turn, the last one first',
    REQUESTS,
    'this.#sender.answer(PacketType.PUBREL, packetIdentifier, answer)',
    'queueMicrotask(() => this.#sender.answer(PacketType.PUBREL, packetIdentifier, answer))',
  ),
  mutant(
    '3.1.1 MQTT-4.6.0-5, MQTT-4.6.0-6, 5.0 MQTT-4.6.0-5',
    'The newest of those that wait is taken first',
    SESSION_QUEUE,
    'const delivery = this.queue?.shift()\n',
    'for (let at = 1; at < this.queuedMessages; at++) this.queue!.push(this.queue!.shift()!, false)\n    const delivery = this.queue?.shift()\n',
  ),
  mutant(
    '3.1.1 MQTT-4.5.0-1',
    'One receiver of a topic is enough',
    'src/routing/router.ts',
    'subscriber.deliver(message, route)\n      count++',
    'subscriber.deliver(message, route)\n      count++\n      if (count === 2) break',
  ),
  mutant(
    '3.1.1 MQTT-4.8.0-1',
    'Bytes left over behind a packet are overlooked',
    'src/codec/decode.ts',
    'reader.expectEnd()\n  return packet',
    'return packet',
  ),
  mutant(
    '3.1.1 MQTT-4.8.0-1, 5.0 MQTT-4.13.1-1',
    'A violation is overlooked',
    ENDING,
    'this.disconnect(reasonCode, endCauseOf(error, isOverLimit), message)',
    'if (reasonCode > 0x8f) this.disconnect(reasonCode, endCauseOf(error, isOverLimit), message)',
  ),
  mutant(
    '3.1.1 MQTT-4.8.0-2',
    'A receiver that takes nothing is kept',
    DEADLINES,
    'if (unsent > 0 && this.sender.writtenBytes - unsent <= this.takenBytes) {',
    'if (unsent > 1e9 && this.sender.writtenBytes - unsent <= this.takenBytes) {',
  ),
  mutant(
    'U311-4.4-1',
    'What is unacknowledged is sent again with every new message',
    SESSION,
    'this.ledger?.queued(this, delivery)',
    'this.ledger?.queued(this, delivery)\n    for (const open of this.window.inOrder()) this.connection?.sendDelivery(open, true)',
  ),
]
