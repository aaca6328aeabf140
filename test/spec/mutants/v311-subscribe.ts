/** Breakages of SUBSCRIBE, UNSUBSCRIBE, PINGREQ and DISCONNECT (3.8 to 3.14). @module */
import { mutant, type Mutant } from './mutant.ts'

const DECODE = 'src/codec/decode.ts'
const CONNECTION = 'src/protocol/connection.ts'
const REQUESTS = 'src/protocol/requests.ts'
const SUBSCRIBING = 'src/broker/subscribing.ts'

export const subscribeMutants: readonly Mutant[] = [
  mutant(
    '3.1.1 MQTT-3.8.3-3, 5.0 MQTT-3.8.3-2',
    'A SUBSCRIBE without a filter passes',
    DECODE,
    'if (subscriptions.length === 0) throw',
    'if (subscriptions.length < 0) throw',
  ),
  mutant(
    '3.1.1 MQTT-3.8.3-4',
    'Reserved bits of the Requested QoS are not looked at',
    DECODE,
    'if (options > 2) throw malformed(',
    'if (qos > 2) throw malformed(',
  ),
  mutant(
    '3.1.1 MQTT-3.8.3-4',
    'A Requested QoS of 3 passes',
    DECODE,
    'if (options > 2) throw malformed(',
    'if (options > 3) throw malformed(',
  ),
  mutant(
    '3.1.1 MQTT-3.8.3-2',
    'Wildcards are served although they are switched off',
    SUBSCRIBING,
    'if (!wildcardSubscriptions && /[+#]/.test(matchFilter)) return',
    'if (!wildcardSubscriptions && /#/.test(matchFilter)) return',
  ),
  mutant(
    '3.1.1 MQTT-3.8.4-1',
    'Only the first SUBSCRIBE for a filter gets a SUBACK',
    REQUESTS,
    'this.suback(packet, reasonCodes)',
    'if (this.#session.subscriptions.size !== 2) this.suback(packet, reasonCodes)',
  ),
  mutant(
    '3.1.1 MQTT-3.8.4-3, 5.0 MQTT-3.8.4-3',
    'The older subscription stays beside the newer',
    SUBSCRIBING,
    'if (old !== undefined) router.remove(old)',
    'if (old !== undefined && old.qos === 3 as number) router.remove(old)',
  ),
  mutant(
    '3.1.1 MQTT-3.8.4-4, 5.0 MQTT-3.8.4-5',
    'Only the first filter of a SUBSCRIBE is served',
    'src/routing/subscribe-work.ts',
    'this.reasonCodes.push(this.#side.grant(this, checked, allowed))',
    'this.reasonCodes.push(at > 0 ? checked.request.qos : this.#side.grant(this, checked, allowed))',
  ),
  mutant(
    '3.1.1 MQTT-3.8.4-5, MQTT-3.9.3-1, 5.0 MQTT-3.9.3-1',
    'Codes come in reverse',
    REQUESTS,
    'const suback = { type: PacketType.SUBACK, packetIdentifier, reasonCodes: codes, properties: noProperties }',
    'const suback = { type: PacketType.SUBACK, packetIdentifier, reasonCodes: codes.toReversed(), properties: noProperties }',
  ),
  mutant(
    '3.1.1 MQTT-3.9.3-2',
    'SUBACK of 3.1.1 says the codes of 5.0',
    REQUESTS,
    'return version === 3 ? 0x00 : 0x80',
    'return version === 3 ? 0x00 : reasonCode',
  ),
  mutant(
    '3.1.1 MQTT-3.8.4-6, 5.0 MQTT-3.8.4-8',
    'Delivery is at the published QoS',
    'src/protocol/session.ts',
    'this.send(message, message.qos < options.qos ? message.qos : options.qos, retain, options, shared)',
    'this.send(message, message.qos, retain, options, shared)',
  ),
  mutant(
    '3.1.1 MQTT-3.8.4-6',
    'Retained messages are sent at the granted QoS',
    SUBSCRIBING,
    'const qos = message.qos < subscription.qos ? message.qos : subscription.qos',
    'const qos = subscription.qos',
  ),
  mutant(
    'U311-3.8.4-1',
    'More is granted than the limit says',
    SUBSCRIBING,
    'const qos = request.qos < maxQos ? request.qos : maxQos',
    'const qos = request.qos < maxQos ? maxQos : request.qos',
  ),
  mutant(
    '3.1.1 MQTT-3.10.3-2, 5.0 MQTT-3.10.3-2',
    'An UNSUBSCRIBE without a filter passes',
    DECODE,
    'if (topicFilters.length === 0) throw',
    'if (topicFilters.length < 0) throw',
  ),
  mutant(
    '3.1.1 MQTT-3.10.4-1, 5.0 MQTT-3.10.4-1',
    'UNSUBSCRIBE takes filters for the same in any case',
    SUBSCRIBING,
    'const subscription = session.subscriptions.get(topicFilter) // [5.0 MQTT-3.10.4-1]',
    'const subscription = session.subscriptions.get(topicFilter) ?? session.subscriptions.get(topicFilter.toLowerCase())',
  ),
  mutant(
    '3.1.1 MQTT-3.10.4-1, MQTT-3.10.4-2, 5.0 MQTT-3.10.4-2',
    'UNSUBSCRIBE forgets the subscription and leaves it in the trie',
    SUBSCRIBING,
    'this.#parts.router.remove(subscription)\n    this.#parts.unsubscribed',
    'this.#parts.unsubscribed',
  ),
  mutant(
    '3.1.1 MQTT-3.10.4-3, 5.0 MQTT-3.10.4-3',
    'UNSUBSCRIBE gives up what is in flight',
    SUBSCRIBING,
    'session.unsubscribe(topicFilter)',
    'session.unsubscribe(topicFilter)\n    for (const { packetIdentifier } of session.deliveries()) session.puback(packetIdentifier, 0)',
  ),
  mutant(
    '3.1.1 MQTT-3.10.4-5',
    'There is no UNSUBACK where nothing was removed',
    REQUESTS,
    'this.unsuback(packet, reasonCodes)',
    'if (reasonCodes.includes(0)) this.unsuback(packet, reasonCodes)',
  ),
  mutant(
    '3.1.1 MQTT-3.10.4-6, 5.0 MQTT-3.10.4-6',
    'Only the first filter of an UNSUBSCRIBE counts',
    'src/routing/unsubscribe-work.ts',
    'const { topicFilters } = this.#packet',
    'const topicFilters = this.#packet.topicFilters.slice(0, 1)',
  ),
  mutant(
    '3.1.1 MQTT-3.12.4-1, 5.0 MQTT-3.12.4-1',
    'PINGREQ is heard and not answered',
    REQUESTS,
    'this.#record(decoder, 0)\n    this.#sender.pingResponse()',
    'this.#record(decoder, 0)\n   ',
  ),
  mutant(
    'U311-3.14.4-1, 5.0 U-3.14.4-1',
    'DISCONNECT leaves the Connection open',
    CONNECTION,
    "this.close({ cause: 'disconnected by client', reasonCode, detail })",
    "if (detail !== '') this.close({ cause: 'disconnected by client', reasonCode, detail })",
  ),
]
