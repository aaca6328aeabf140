/** Brokers that are broken on purpose: if an oracle misses one, it is the oracle that is broken. @module */
import type { Variant } from './variant.ts'

export type { Variant }

export const variants: readonly Variant[] = [
  {
    name: 'a QoS 2 message that comes again is taken over again',
    file: 'src/protocol/incoming-publishes.ts',
    from: 'if (!this.#connection.session!.hasReceived(packetIdentifier)) return false',
    to: 'if (packetIdentifier > 0) return false',
  },
  {
    name: "the publisher's Topic Alias travels on",
    file: 'src/codec/property-list.ts',
    from: 'if (aliasAt >= 0) return without(',
    to: 'if (aliasAt < -1) return without(',
  },
  {
    name: 'what is sent again has no DUP',
    file: 'src/protocol/session.ts',
    from: 'connection.sendDelivery(next, true)',
    to: 'connection.sendDelivery(next, false)',
  },
  {
    name: 'what was in flight is not sent again',
    file: 'src/protocol/session.ts',
    from: 'if (this.#window.size > 0) {',
    to: 'if (this.#window.size > 1_000_000) {',
  },
  {
    name: "one message more than the Client's Receive Maximum",
    file: 'src/protocol/session.ts',
    from: 'this.#openOnConnection < this.#receiveMaximum',
    to: 'this.#openOnConnection <= this.#receiveMaximum',
  },
  {
    name: 'PUBREC is forgotten',
    file: 'src/protocol/session.ts',
    from: 'if (delivery.state !== DeliveryState.Released) {\n      delivery.state = DeliveryState.Released',
    to: 'if (delivery.state !== DeliveryState.Released) {\n      delivery.state = DeliveryState.Sent',
  },
  {
    name: 'an expired message leaves the queue all the same',
    file: 'src/protocol/session.ts',
    from: "if (message.isExpired(this.#side.now())) return 'expired'",
    to: "if (message.isExpired(0)) return 'expired'",
  },
  {
    name: 'Packet Identifiers come again while they are in use',
    file: 'src/protocol/outgoing-window.ts',
    from: `let identifier = this.#lastIdentifier
    do identifier = identifier === LAST_IDENTIFIER ? 1 : identifier + 1
    while (this.#slots[identifier & mask] !== undefined)`,
    to: 'const identifier = (this.#lastIdentifier & 3) + 1',
  },
  {
    name: 'Message Expiry Interval is not counted down',
    file: 'src/protocol/application-message.ts',
    from: 'Math.max(0, interval - age)',
    to: 'Math.max(age, interval)',
  },
  {
    name: 'a Topic Alias is used before the Client knows it',
    file: 'src/protocol/sender.ts',
    from: "topicName: known === 0 ? message.topicName : '',",
    to: "topicName: known === 0 && topicAlias === 0 ? message.topicName : '',",
  },
  {
    name: 'Keep Alive is watched too late',
    file: 'src/protocol/connection.ts',
    from: 'this.#keepAliveMs * 1.5 +',
    to: 'this.#keepAliveMs * 2.5 +',
  },
  {
    name: 'Will Delay Interval is ignored',
    file: 'src/broker/sessions.ts',
    from: 'undefined : now + willSeconds * 1000',
    to: 'undefined : now + willSeconds',
  },
  {
    name: 'a Will is sent after DISCONNECT 0x00',
    file: 'src/broker/sessions.ts',
    from: 'if (!keepsWill) this.#dropWill(registration)',
    to: 'if (keepsWill) this.#dropWill(registration)',
  },
  {
    name: 'Sessions live longer than they asked for',
    file: 'src/broker/sessions.ts',
    from: 'now + expirySeconds * 1000',
    to: 'now + expirySeconds * 1001',
  },
  {
    name: 'a takeover leaves the old Connection open',
    file: 'src/broker/admission.ts',
    from: 'old.disconnect(ReasonCode.SessionTakenOver',
    to: "if (clientId === '') old.disconnect(ReasonCode.SessionTakenOver",
  },
  {
    name: 'a Session is open to another User Name',
    file: 'src/broker/admission.ts',
    from: 'if (existing.session.userName === userName) return undefined',
    to: 'if (existing.session.userName !== clientId) return undefined',
  },
  {
    name: 'a clean start keeps the old Session',
    file: 'src/broker/admission.ts',
    from: 'if (registration !== undefined && packet.cleanStart) {',
    to: "if (registration !== undefined && packet.cleanStart && packet.clientId === '') {",
  },
  {
    name: 'No Local is ignored',
    file: 'src/broker/router.ts',
    from: 'if (route.noLocal && subscriber.clientId === publisher) continue',
    to: "if (route.noLocal && subscriber.clientId === '') continue",
  },
  {
    name: 'overlapping Subscriptions deliver at the lowest QoS',
    file: 'src/broker/router.ts',
    from: 'if (qos > this.qos) this.qos = qos',
    to: 'if (qos < this.qos) this.qos = qos',
  },
  {
    name: 'a member of a Shared Subscription that leaves takes its messages along',
    file: 'src/broker/server.ts',
    from: 'this.#handOver(session, undefined, true)',
    to: 'session.takeShared(undefined, true)',
    within: 100,
  },
  {
    name: 'retained messages are shown to who may not receive them',
    file: 'src/broker/subscribing.ts',
    from: 'if (access.mayReceive(present.client, message.topicName)) session.send(',
    to: 'if (access !== undefined) session.send(',
  },
  {
    name: 'an empty retained message is kept',
    file: 'src/broker/retained.ts',
    from: 'if (message.payloadLength === 0) {',
    to: 'if (message.payloadLength < 0) {',
  },
  {
    name: 'retained messages outlive their time',
    file: 'src/broker/retained.ts',
    from: 'this.#turn.arm(entry, message.expiresAtMs)',
    to: 'this.#turn.arm(entry, message.expiresAtMs + 1500)',
  },
  {
    name: 'a turn with many receivers forgets some',
    file: 'src/broker/flushes.ts',
    from: '      connection.flush()\n',
    to: '      if (count <= 12) connection.flush()\n',
  },
  {
    name: 'acknowledgements do not wait for the disk',
    stored: true,
    file: 'src/broker/commits.ts',
    from: 'if (stored === undefined) this',
    to: "if (stored === undefined || level === 'disk') this",
  },
  {
    name: 'what has to survive a power cut is not synced',
    stored: true,
    file: 'src/stores/journal.ts',
    from: 'return batch.synced.promise\n  }\n\n  /** Done',
    to: 'return batch.written.promise\n  }\n\n  /** Done',
  },
  {
    name: 'a start knows no QoS 2 Packet Identifiers of publishers',
    stored: true,
    file: 'src/broker/ledger.ts',
    from: "this.#record({ kind: 'received', sessionNumber, packetIdentifier })",
    to: "if (packetIdentifier > 1000) this.#record({ kind: 'received', sessionNumber, packetIdentifier })",
    within: 100,
  },
  {
    name: 'a start does not know what was released',
    stored: true,
    file: 'src/broker/restore.ts',
    from: 'state = DeliveryState.Released',
    to: 'state = DeliveryState.Sent',
  },
  {
    name: 'a start forgets Wills',
    stored: true,
    file: 'src/broker/restore.ts',
    from: 'registration.will = will',
    to: 'registration.will = undefined',
  },
  {
    name: 'the wait of a Session begins anew with each start',
    stored: true,
    file: 'src/broker/sessions.ts',
    from: 'if (expiresAtMs !== undefined && sessionExpiryInterval',
    to: 'if (expiresAtMs !== undefined && expiresAtMs < 0 && sessionExpiryInterval',
  },
  {
    name: 'retained messages that were cleared come back with a start',
    stored: true,
    file: 'src/broker/ledger.ts',
    from: "this.#record({ kind: 'retained-cleared', topicName }, sizeOfText(topicName))",
    to: "if (topicName === '') this.#record({ kind: 'retained-cleared', topicName }, sizeOfText(topicName))",
  },
]
