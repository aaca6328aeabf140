/**
 * What each configuration key does, as something that can be seen: `observe` looks at a broker and must see `expected`
 * with the key and something else without it, so that an ignored key is a failing test.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DisconnectPacket, type Packet, type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType, type QoS } from '../../../src/codec/packet-types.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import type { EventName } from '../../../src/access/broker-events.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { ConnectOptions, TestClient } from '../../support/test-client.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { sessionsOf } from '../../support/sessions.ts'

export interface Effect {
  /** Has the key. */
  readonly config: ConfigInput
  readonly expected: unknown
  readonly observe: (broker: VirtualBroker) => unknown
}

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const

/** What the Server granted, by the name of a property of CONNACK. */
const granted =
  (name: keyof Properties, options: ConnectOptions = {}) =>
  (broker: VirtualBroker): unknown =>
    broker.connect(options).connack?.properties[name]

/** The code of the DISCONNECT that ended it; `undefined` if it lives. */
function endCode(client: TestClient): number | undefined {
  return (client.takeFirst(PacketType.DISCONNECT) as DisconnectPacket | undefined)?.reasonCode
}

/** CONNACK codes of several Clients, one after the other; `undefined` where there was none. */
function connectCodes(broker: VirtualBroker, clientIds: readonly string[], options: ConnectOptions = {}): unknown[] {
  return clientIds.map((clientId) => broker.connect({ ...options, clientId }).connack?.reasonCode)
}

/** A Client that has subscribed, and is away with so many messages waiting. */
function awayWith(broker: VirtualBroker, payloads: readonly string[]): TestClient {
  const away = broker.connect({ clientId: 'away', ...KEPT })
  away.subscribe('#', 1)
  away.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const payload of payloads) sensor.publish('a', payload, 1)
  return broker.connect({ clientId: 'away', ...KEPT })
}

/** The same Client, with the beginning of a packet behind what it sent. */
function sends(client: TestClient, digits: string): TestClient {
  client.sendHex(digits)
  return client
}

/** Retains these payloads, each under its own topic, and counts what was kept. */
function retainedCount(broker: VirtualBroker, payloads: readonly string[]): number {
  const sensor = broker.connect({ clientId: 'sensor' })
  payloads.forEach((payload, at) => sensor.publish(`t/${at}`, payload, 0, { retain: true }))
  const client = broker.connect()
  client.subscribe('t/#')
  return client.take().length
}

/** After how many milliseconds of silence the Server ends that Client, found to the tenth of a second. */
function silenceMs(broker: VirtualBroker, client: TestClient, longestMs: number): number | undefined {
  for (let passed = 100; passed <= longestMs; passed += 100) {
    broker.advance(100)
    if (client.isClosed) return passed
  }
  return undefined
}

const subscribeCode =
  (filter: string, properties: Properties = {}) =>
  (broker: VirtualBroker): unknown => {
    const client = broker.connect()
    const suback = client.subscribe(filter, 2, {}, properties) as { reasonCodes: readonly number[] } | undefined
    return suback?.reasonCodes[0] ?? endCode(client)
  }

function heard(broker: VirtualBroker, name: EventName): unknown[] {
  const events: unknown[] = []
  broker.broker.on(name, (event) => events.push(event))
  return events
}

const everybody: Plugin = { name: 'everybody', authenticate: () => ({ decision: 'allow' }) }
const never: Plugin = { name: 'never', authenticate: () => new Promise(() => {}) }
const byPassword: Plugin = {
  name: 'by-password',
  authenticate: ({ password }) => ({
    decision: Buffer.from(password ?? []).toString() === 'secret' ? 'allow' : 'deny',
  }),
}
const denier: Plugin = { name: 'denier', authenticate: () => ({ decision: 'deny' }) }
const moved: Plugin = {
  name: 'moved',
  authenticate: () => ({ decision: 'deny', reasonCode: ReasonCode.ServerMoved }),
}

/** `ann` with the password `secret`, as Mosquitto writes it: one SHA-512. */
const ANN =
  'ann:$6$c2FsdHNhbHRzYWx0$3aiBbchfIZo+1WYrkPzJjQxZ79F/NmwLQ+wF073kTd+6ANhaic8G/jWF/X4sqSFUKpLNdm1FZjBck6HQ8knM3A=='

export function passwordFile(line = ANN): string {
  const path = join(scratchFolder(), 'passwords')
  writeFileSync(path, `${line}\n`)
  return path
}

function aclFile(): string {
  const path = join(scratchFolder(), 'acl')
  writeFileSync(path, 'topic read a\n')
  return path
}

/** What an anonymous Client may do: the codes of a SUBSCRIBE to each. */
const subscribeCodes =
  (...filters: string[]) =>
  (broker: VirtualBroker): readonly number[] =>
    broker.connect().subscribe(filters).reasonCodes

const asAnn = { userName: 'ann', password: 'secret' } as const

/** How long, to a quarter of a second, each of these waits for the answer to a wrong login. */
const refusalDelaysMs =
  (...logins: (string | readonly [address: string, userName: string])[]) =>
  (broker: VirtualBroker): readonly number[] =>
    logins.map((login, n) => {
      const [address, userName] = typeof login === 'string' ? [login, `user-${n}`] : login
      const client = broker.connect({ peer: { address }, userName })
      let passed = 0
      while (!client.isClosed) {
        broker.advance(250)
        passed += 250
      }
      return passed
    })

/** By `scope/key`. */
export const effects: Readonly<Record<string, Effect>> = {
  'broker/listeners': {
    config: { listeners: { door: { bind: '127.0.0.1:0' } } },
    expected: ['door'],
    observe: ({ broker }) => broker.listeners.map(({ name }) => name),
  },
  'broker/auth': {
    config: { auth: { 'allow-anonymous': false } },
    expected: [ReasonCode.NotAuthorized],
    observe: (broker) => connectCodes(broker, ['a']),
  },
  'broker/topic-check': {
    config: { 'topic-check': { acl: {} } },
    expected: [ReasonCode.NotAuthorized],
    observe: subscribeCodes('a'),
  },
  'broker/plugins': {
    config: { plugins: [{ name: 'nobody', authenticate: () => ({ decision: 'deny' }) } as Plugin] },
    expected: [ReasonCode.BadUserNameOrPassword],
    observe: (broker) => connectCodes(broker, ['a']),
  },
  'broker/max-connections': {
    config: { 'max-connections': 1 },
    expected: [0, ReasonCode.ServerBusy],
    observe: (broker) => connectCodes(broker, ['a', 'b']),
  },
  'broker/max-waiting-connections': {
    config: { 'max-connections': 1, 'max-waiting-connections': 1 },
    expected: [true, false, false],
    observe: (broker) => [broker.open(), broker.open(), broker.open()].map(({ isClosed }) => isClosed),
  },
  'broker/max-connections-before-connect': {
    config: { 'max-connections-before-connect': 1 },
    expected: [true, false],
    observe: (broker) => [broker.open(), broker.open()].map(({ isClosed }) => isClosed),
  },
  'broker/max-connections-per-address': {
    config: { 'max-connections-per-address': 1 },
    expected: [0, undefined],
    observe: (broker) => connectCodes(broker, ['a', 'b']),
  },
  'broker/ipv6-prefix-length': {
    config: { 'ipv6-prefix-length': 48, 'max-connections-per-address': 1 },
    expected: [false, true],
    observe: (broker) => ['2001:db8:0:1::1', '2001:db8:0:2::1'].map((address) => broker.open(5, { address }).isClosed),
  },
  'broker/max-connect-rate': {
    config: { 'max-connect-rate': 1 },
    expected: [0, ReasonCode.ConnectionRateExceeded],
    observe: (broker) => connectCodes(broker, ['a', 'b']),
  },
  'broker/max-pending-logins': {
    config: { auth: { plugins: [never] }, 'max-pending-logins': 1 },
    expected: [undefined, ReasonCode.ServerBusy],
    observe: (broker) => connectCodes(broker, ['a', 'b']),
  },
  'broker/max-closed-connections': {
    config: { 'max-closed-connections': 1 },
    expected: ['b'],
    observe: async (broker) => {
      for (const clientId of ['a', 'b']) broker.connect({ clientId }).drop()
      return (await broker.broker.closedConnections()).items.map(({ clientId }) => clientId)
    },
  },
  'broker/max-recorder-bytes': {
    config: { 'max-recorder-bytes': 0 },
    expected: 0,
    observe: (broker) => {
      broker.connect({ clientId: 'a' })
      return serverOf(broker.broker).recorder.pages.bytes
    },
  },
  'broker/max-recorder-bytes-per-client': {
    config: { 'max-recorder-bytes-per-client': 600 },
    expected: true,
    observe: (broker) => {
      const client = broker.connect({ clientId: 'a' })
      for (let at = 0; at < 100; at++) client.publish(`topic/${at}`, 'x', 0)
      return serverOf(broker.broker).recorder.of('a')!.bytes < 2_500
    },
  },
  'broker/recorder-payload-bytes': {
    config: { 'recorder-payload-bytes': 4 },
    expected: ['12.3'],
    observe: (broker) => {
      broker.connect({ clientId: 'a' }).publish('power', '12.345')
      const entries = [...serverOf(broker.broker).recorder.of('a')!.entries()]
      return entries.flatMap(({ payload = [] }) => payload)
    },
  },
  'broker/max-sessions': {
    config: { 'max-sessions': 1 },
    expected: ['b'],
    observe: (broker) => {
      for (const clientId of ['a', 'b']) broker.connect({ clientId, ...KEPT }).drop()
      return sessionsOf(broker.broker).map(({ clientId }) => clientId)
    },
  },
  'broker/max-sessions-per-user': {
    config: { auth: { plugins: [everybody] }, 'max-sessions-per-user': 1 },
    expected: ['b', 'other'],
    observe: (broker) => {
      for (const clientId of ['a', 'b']) broker.connect({ clientId, ...asAnn, ...KEPT }).drop()
      broker.connect({ clientId: 'other', userName: 'bob', ...KEPT }).drop()
      return sessionsOf(broker.broker).map(({ clientId }) => clientId)
    },
  },
  'broker/max-retained-messages': {
    config: { 'max-retained-messages': 2 },
    expected: 2,
    observe: (broker) => retainedCount(broker, ['1', '2', '3']),
  },
  'broker/max-retained-bytes': {
    config: { 'max-retained-bytes': 1500 },
    expected: 1,
    observe: (broker) => retainedCount(broker, ['seven..', 'seven..']),
  },
  'broker/max-input-bytes': {
    config: { 'max-input-bytes': 65_536 },
    expected: ReasonCode.QuotaExceeded,
    observe: (broker) => {
      const client = broker.connect()
      client.sendBytes(Buffer.concat([Buffer.from('30ffff7f', 'hex'), Buffer.alloc(70_000)]))
      return endCode(client)
    },
  },
  'broker/max-memory': {
    config: { 'max-memory': 18_000, 'max-memory-per-user': 0 },
    expected: 1,
    observe: (broker) => awayWith(broker, ['x'.repeat(9000), 'y'.repeat(9000)]).takePayloads().length,
  },
  'broker/max-memory-per-user': {
    config: { 'max-memory-per-user': 18_000 },
    expected: 1,
    observe: (broker) => awayWith(broker, ['x'.repeat(9000), 'y'.repeat(9000)]).takePayloads().length,
  },
  'broker/retain': {
    config: { retain: false },
    expected: [0, ReasonCode.RetainNotSupported, ReasonCode.RetainNotSupported],
    observe: (broker) => {
      const client = broker.connect()
      client.publish('a', 'x', 0, { retain: true })
      const will = broker.connect({ clientId: 'will', will: { topicName: 'w', retain: true } })
      return [client.connack?.properties.retainAvailable, endCode(client), will.connack?.reasonCode]
    },
  },
  'broker/wildcard-subscriptions': {
    config: { 'wildcard-subscriptions': false },
    expected: ReasonCode.WildcardSubscriptionsNotSupported,
    observe: subscribeCode('a/+'),
  },
  'broker/shared-subscriptions': {
    config: { 'shared-subscriptions': false },
    expected: ReasonCode.SharedSubscriptionsNotSupported,
    observe: subscribeCode('$share/g/a'),
  },
  'broker/subscription-identifiers': {
    config: { 'subscription-identifiers': false },
    expected: ReasonCode.SubscriptionIdentifiersNotSupported,
    observe: subscribeCode('a', { subscriptionIdentifiers: [1] }),
  },
  'broker/client-id-ownership': {
    config: { auth: { plugins: [everybody] }, 'client-id-ownership': false },
    expected: [0, 0],
    observe: (broker) => [
      broker.connect({ userName: 'ann', ...KEPT }).connack?.reasonCode,
      broker.connect({ userName: 'bob', ...KEPT }).connack?.reasonCode,
    ],
  },
  'broker/sys-interval': {
    config: { 'sys-interval': 7 },
    expected: ['0 seconds', '7 seconds', '14 seconds'],
    observe: (broker) => {
      const client = broker.connect()
      client.subscribe('$SYS/broker/uptime')
      broker.advance(14_000)
      return client.takePayloads()
    },
  },
  'broker/gather-pause': {
    config: { 'gather-pause': 0.3 },
    expected: [0.3],
    observe: (broker) => {
      const pauses: number[] = []
      Object.assign(broker.clock, { pause: (milliseconds: number) => pauses.push(milliseconds) })
      broker.connect()
      return pauses
    },
  },
  'broker/plugin-start-timeout': {
    config: { 'plugin-start-timeout': 7 },
    expected: 'plugin factory has not started within 7 s (plugin-start-timeout)',
    observe: async (broker) => {
      const factory = (): Promise<Plugin> => new Promise(() => undefined)
      const config = { listeners: {}, plugins: [factory], pluginStartTimeout: broker.broker.options.pluginStartTimeout }
      const failed = broker.broker.reload(config).then(
        () => undefined,
        (error: unknown) => error as Error,
      )
      await broker.settle()
      broker.advance(60_000)
      return (await failed)?.message.split(': ').at(-1)
    },
  },
  'broker/plugin-timeout': {
    config: { auth: { plugins: [never] }, 'plugin-timeout': 2 },
    expected: ReasonCode.ServerUnavailable,
    observe: async (broker) => {
      const client = broker.open()
      client.connect()
      broker.advance(2000)
      await broker.settle()
      return (client.take()[0] as { reasonCode?: number } | undefined)?.reasonCode
    },
  },
  'broker/response-information': {
    config: { 'response-information': 'answers/here' },
    expected: 'answers/here',
    observe: granted('responseInformation', { properties: { requestResponseInformation: 1 } }),
  },
  'broker/server-reference': {
    config: { auth: { plugins: [moved] }, 'server-reference': 'elsewhere:1883' },
    expected: 'elsewhere:1883',
    observe: granted('serverReference'),
  },

  'limits/max-connect-packet-size': {
    config: { 'max-connect-packet-size': 50 },
    expected: [0, undefined],
    observe: (broker) => connectCodes(broker, ['a', 'x'.repeat(60)]),
  },
  'limits/max-packet-size': {
    config: { 'max-packet-size': 50 },
    expected: [50, ReasonCode.PacketTooLarge],
    observe: (broker) => {
      const client = broker.connect()
      client.publish('a', Buffer.alloc(60))
      return [client.connack?.properties.maximumPacketSize, endCode(client)]
    },
  },
  'limits/max-user-properties': {
    config: { 'max-user-properties': 2 },
    expected: [
      [0, undefined],
      [ReasonCode.QuotaExceeded, ReasonCode.QuotaExceeded],
    ],
    observe: (broker) =>
      [2, 3].map((count) => {
        const properties = { userProperties: Array.from({ length: count }, () => ['a', 'b'] as const) }
        const publisher = broker.connect({ clientId: 'publisher' })
        publisher.publish('a', 'x', 0, { properties })
        return [broker.connect({ properties }).connack?.reasonCode, endCode(publisher)]
      }),
  },
  'limits/max-filters-per-packet': {
    config: { 'max-filters-per-packet': 2 },
    expected: [undefined, ReasonCode.QuotaExceeded],
    observe: (broker) =>
      [2, 3].map((count) => {
        const client = broker.connect()
        client.subscribe(Array.from({ length: count }, (_, number) => `a/${number}`))
        return endCode(client)
      }),
  },
  'limits/packet-timeout': {
    config: { 'packet-timeout': 3 },
    expected: 3100,
    observe: (broker) => silenceMs(broker, sends(broker.connect(), '30'), 40_000),
  },
  'limits/min-packet-rate': {
    config: { 'min-packet-rate': 1 },
    expected: 32_000,
    observe: (broker) => silenceMs(broker, sends(broker.connect(), '3003'), 40_000),
  },
  'limits/connect-timeout': {
    config: { 'connect-timeout': 3 },
    expected: 3000,
    observe: (broker) => silenceMs(broker, broker.open(), 30_000),
  },
  'limits/login-timeout': {
    config: { auth: { plugins: [never] }, 'login-timeout': 2, 'plugin-timeout': 60 },
    expected: 2000,
    observe: (broker) => silenceMs(broker, broker.connect(asAnn), 30_000),
  },
  'limits/timeout-disconnect-delay': {
    config: { 'timeout-disconnect-delay': 2 },
    expected: 5000,
    observe: (broker) => silenceMs(broker, broker.connect({ keepAlive: 2 }), 30_000),
  },
  'limits/max-keep-alive': {
    config: { 'max-keep-alive': 4 },
    expected: [4, 6000],
    observe: (broker) => {
      const client = broker.connect({ keepAlive: 60 })
      return [client.connack?.properties.serverKeepAlive, silenceMs(broker, client, 10_000)]
    },
  },
  'limits/keep-alive-too-long': {
    config: { 'max-keep-alive': 4, 'keep-alive-too-long': 'hold' },
    expected: [0, 0, 0],
    observe: (broker) => [0, 4, 5].map((keepAlive) => broker.connect({ version: 4, keepAlive }).connack?.reasonCode),
  },
  'limits/keep-alive-grace': {
    config: { 'max-keep-alive': 4, 'keep-alive-too-long': 'hold', 'keep-alive-grace': 3 },
    expected: 9000,
    observe: (broker) => silenceMs(broker, broker.connect({ version: 4, keepAlive: 60 }), 80_000),
  },
  'limits/receive-maximum': {
    config: { 'receive-maximum': 2 },
    expected: [2, ReasonCode.ReceiveMaximumExceeded],
    observe: (broker) => {
      const client = broker.connect()
      for (let at = 0; at < 3; at++) client.publish('a', 'x', 2)
      return [client.connack?.properties.receiveMaximum, endCode(client)]
    },
  },
  'limits/max-inflight-messages': {
    config: { 'max-inflight-messages': 2 },
    expected: ['1', '2'],
    observe: (broker) => awayWith(broker, ['1', '2', '3']).takePayloads(),
  },
  'limits/max-qos': {
    config: { 'max-qos': 1 },
    expected: [1, 1, ReasonCode.QoSNotSupported],
    observe: (broker) => {
      const client = broker.connect()
      const code = client.subscribe('a', 2).reasonCodes[0]
      client.publish('a', 'x', 2)
      return [client.connack?.properties.maximumQoS, code, endCode(client)]
    },
  },
  'limits/topic-alias-maximum': {
    config: { 'topic-alias-maximum': 2 },
    expected: [2, ReasonCode.TopicAliasInvalid],
    observe: (broker) => {
      const client = broker.connect()
      client.publish('a', 'x', 0, { properties: { topicAlias: 3 } })
      return [client.connack?.properties.topicAliasMaximum, endCode(client)]
    },
  },
  'limits/max-outgoing-topic-aliases': {
    config: { 'max-outgoing-topic-aliases': 1 },
    expected: [1, undefined],
    observe: (broker) => {
      const client = broker.connect({ properties: { topicAliasMaximum: 10 } })
      client.subscribe('#')
      for (const topic of ['a', 'b']) client.publish(topic, 'x')
      return client.take().map((packet) => (packet as PublishPacket).properties.topicAlias)
    },
  },
  'limits/max-outgoing-bytes': {
    config: { 'max-outgoing-bytes': 2000 },
    expected: 2,
    observe: (broker) => {
      const frozen = broker.connect({ clientId: 'frozen' })
      frozen.subscribe('#')
      frozen.isFrozen = true
      const sensor = broker.connect({ clientId: 'sensor' })
      for (let at = 0; at < 5; at++) sensor.publish('a', Buffer.alloc(1000))
      frozen.thaw()
      return frozen.take().length
    },
  },
  'limits/drain-timeout': {
    config: { 'drain-timeout': 5 },
    expected: true,
    observe: (broker) => {
      const frozen = broker.connect()
      frozen.subscribe('#')
      frozen.isFrozen = true
      broker.connect({ clientId: 'sensor' }).publish('a', 'x')
      broker.advance(10_000)
      return frozen.isClosed
    },
  },
  'limits/max-session-expiry': {
    config: { 'max-session-expiry': 10 },
    expected: [10, 0],
    observe: (broker) => {
      const client = broker.connect({ clientId: 'new', ...KEPT })
      client.drop()
      broker.connect({ clientId: 'old', version: 4, cleanStart: false }).drop()
      broker.advance(10_000)
      return [client.connack?.properties.sessionExpiryInterval, sessionsOf(broker.broker).length]
    },
  },
  'limits/max-queued-messages-connected': {
    config: { 'max-queued-messages': 1, 'max-queued-messages-connected': 3 },
    expected: 3,
    observe: (broker) => {
      const client = broker.connect({ properties: { receiveMaximum: 1 } })
      client.subscribe('#', 1)
      for (let at = 0; at < 9; at++) broker.connect({ clientId: `sensor${at}` }).publish('a', String(at), 1)
      return sessionsOf(broker.broker).find(({ clientId }) => clientId === 'client')!.queuedMessages
    },
  },
  'limits/max-queued-messages': {
    config: { 'max-queued-messages': 2 },
    expected: ['1', '2'],
    observe: (broker) => awayWith(broker, ['1', '2', '3']).takePayloads(),
  },
  'limits/max-queued-bytes': {
    config: { 'max-queued-bytes': 10_000 },
    expected: 1,
    observe: (broker) => awayWith(broker, ['x'.repeat(9000), 'y'.repeat(9000)]).takePayloads().length,
  },
  'limits/max-memory-per-connection': {
    config: { 'max-memory-per-connection': 65_536 },
    expected: [false, true],
    observe: (broker) => {
      const incomplete = (bytes: number): boolean => {
        const client = broker.connect({ clientId: String(bytes) })
        client.sendBytes(Buffer.concat([Buffer.from('30ffff7f', 'hex'), Buffer.alloc(bytes)]))
        return client.isClosed
      }
      return [incomplete(30_000), incomplete(70_000)]
    },
  },
  'limits/max-memory-per-session': {
    config: { 'max-memory-per-session': 18_000 },
    expected: 1,
    observe: (broker) => awayWith(broker, ['x'.repeat(9000), 'y'.repeat(9000)]).takePayloads().length,
  },
  'limits/queue-full': {
    config: { 'max-queued-messages': 2, 'queue-full': 'drop-oldest' },
    expected: ['2', '3'],
    observe: (broker) => awayWith(broker, ['1', '2', '3']).takePayloads(),
  },
  'limits/max-delivery-attempts': {
    config: { 'max-delivery-attempts': 1 },
    expected: [],
    observe: (broker) => {
      awayWith(broker, ['1']).sendHex('f2 00')
      return broker.connect({ clientId: 'away', ...KEPT }).takePayloads()
    },
  },
  'limits/max-subscriptions': {
    config: { 'max-subscriptions': 1 },
    expected: [[0, ReasonCode.QuotaExceeded], [0]],
    observe: (broker) => {
      const client = broker.connect()
      return [client.subscribe(['a', 'b']).reasonCodes, client.subscribe('a').reasonCodes]
    },
  },
  'limits/max-topic-levels': {
    config: { 'max-topic-levels': 2 },
    expected: [[0, ReasonCode.QuotaExceeded], ReasonCode.TopicNameInvalid, ReasonCode.TopicNameInvalid],
    observe: (broker) => {
      const client = broker.connect()
      const codes = client.subscribe(['a/b', 'a/b/c']).reasonCodes
      client.publish('a/b/c', 'x', 1)
      const [puback] = client.take() as (Packet & { reasonCode: number })[]
      const will = broker.connect({ clientId: 'will', will: { topicName: 'a/b/c' } })
      return [codes, puback?.reasonCode, will.connack?.reasonCode]
    },
  },
  'limits/protocol-versions': {
    config: { 'protocol-versions': ['5.0'] },
    expected: [1, 1, 0],
    observe: (broker) => ([3, 4, 5] as const).map((version) => broker.connect({ version }).connack?.reasonCode),
  },
  'limits/bridge-clients': {
    config: { 'bridge-clients': false },
    expected: [1, 0],
    observe: (broker) => [
      broker.connect({ version: 4, bridge: true }).connack?.reasonCode,
      broker.connect({ version: 4 }).connack?.reasonCode,
    ],
  },
  'limits/max-publish-rate': {
    config: { 'max-publish-rate': 1 },
    expected: [2, 3],
    observe: (broker) => throttled(broker),
  },
  'limits/max-byte-rate': {
    config: { 'max-byte-rate': 8 },
    expected: [0, 3],
    observe: (broker) => throttled(broker),
  },

  'auth/plugins': {
    config: { auth: { plugins: [everybody] } },
    expected: [0],
    observe: (broker) => connectCodes(broker, ['a'], asAnn),
  },
  'auth/allow-anonymous': {
    config: { auth: { 'allow-anonymous': true } },
    expected: [0],
    observe: (broker) => connectCodes(broker, ['a']),
  },
  'auth/password-file': {
    config: { auth: { 'password-file': passwordFile() } },
    expected: [0, ReasonCode.BadUserNameOrPassword],
    observe: async (broker) => [
      await loginCode(broker, asAnn),
      await loginCode(broker, { userName: 'ann', password: 'wrong' }),
    ],
  },
  'auth/login-delay-after': {
    config: { auth: { plugins: [denier], 'login-delay-after': 1 } },
    expected: [0, 250, 500],
    observe: refusalDelaysMs('::1', '::1', '::1'),
  },
  'auth/max-login-delay-ms': {
    config: { auth: { plugins: [denier], 'max-login-delay-ms': 250 } },
    expected: [0, 0, 0, 250, 250],
    observe: refusalDelaysMs('::1', '::1', '::1', '::1', '::1'),
  },
  'auth/max-delayed-addresses': {
    config: { auth: { plugins: [denier], 'login-delay-after': 1, 'max-delayed-addresses': 1 } },
    expected: [0, 0, 0],
    observe: refusalDelaysMs('::1', '192.0.2.1', '::1'),
  },
  'auth/max-delayed-names': {
    config: { auth: { plugins: [denier], 'login-delay-after': 1, 'max-delayed-names': 1 } },
    expected: [0, 0, 0],
    observe: refusalDelaysMs(['192.0.2.1', 'ann'], ['192.0.2.2', 'bob'], ['192.0.2.3', 'ann']),
  },
  'auth/client-ids': {
    config: { auth: { plugins: [everybody], 'client-ids': { ann: ['a', 'b-*'] } } },
    expected: [0, 0, ReasonCode.ClientIdentifierNotValid],
    observe: (broker) => connectCodes(broker, ['a', 'b-1', 'c'], asAnn),
  },
  'auth/penalty-exempt': {
    config: { auth: { plugins: [denier], 'login-delay-after': 1, 'penalty-exempt': ['192.0.2.0/24'] } },
    expected: [0, 0, 0, 250],
    observe: refusalDelaysMs('192.0.2.1', '192.0.2.1', '::1', '::1'),
  },
  'auth/max-known-logins': {
    config: { auth: { plugins: [byPassword], 'login-delay-after': 1, 'max-known-logins': 1 } },
    expected: [0, 0, undefined],
    observe: (broker) => {
      for (const userName of ['ann', 'bob']) broker.connect({ userName, password: 'secret', clientId: userName })
      broker.connect({ userName: 'eve', password: 'wrong' })
      return ['eve', 'bob', 'ann'].map((userName) => {
        if (userName === 'eve') return 0
        return broker.connect({ userName, password: 'secret', clientId: userName }).connack?.reasonCode
      })
    },
  },
  'auth/max-logins-per-address': {
    config: { auth: { plugins: [never], 'max-logins-per-address': 2 }, 'plugin-timeout': 1 },
    expected: [true, true, false],
    observe: async (broker) => {
      const clients = ['a', 'b', 'c'].map((userName) => broker.connect({ userName, clientId: userName }))
      broker.advance(1000)
      await broker.settle()
      return clients.map(({ isClosed }) => isClosed)
    },
  },
  'topic-check/enabled': {
    config: { 'topic-check': { enabled: false, acl: {} } },
    expected: [0],
    observe: subscribeCodes('a'),
  },
  'topic-check/plugins': {
    config: { 'topic-check': { plugins: ['topic_taboo'], acl: { anonymous: [] } } },
    expected: [0, ReasonCode.NotAuthorized],
    observe: subscribeCodes('a', '#'),
  },
  'topic-check/acl': {
    config: { 'topic-check': { acl: { anonymous: ['a'] } } },
    expected: [0, ReasonCode.NotAuthorized],
    observe: subscribeCodes('a', 'b'),
  },
  'topic-check/taboo': {
    config: { 'topic-check': { plugins: ['topic_taboo'], taboo: ['x'] } },
    expected: [ReasonCode.NotAuthorized, 0],
    observe: subscribeCodes('x', 'prohibited'),
  },
  'topic-check/groups': {
    config: {
      auth: { plugins: [everybody] },
      'topic-check': { acl: { ann: [], '@staff': ['news'] }, groups: { staff: ['ann'] } },
    },
    expected: [0],
    observe: (broker) => broker.connect(asAnn).subscribe('news').reasonCodes,
  },
  'topic-check/acl-file': {
    config: { 'topic-check': { 'acl-file': aclFile() } },
    expected: [0, ReasonCode.NotAuthorized],
    observe: subscribeCodes('a', 'b'),
  },
}

/** How many of three messages in one chunk went through at once, and how many in the end. */
function throttled(broker: VirtualBroker): number[] {
  const published = heard(broker, 'published')
  const client = broker.connect()
  const message = { type: PacketType.PUBLISH, dup: false, qos: 0 as QoS, retain: false, packetIdentifier: 0 } as const
  const publish: PublishPacket = { ...message, topicName: 'a', properties: {}, payload: Buffer.from('x') }
  client.send(publish, publish, publish)
  const atOnce = published.length
  broker.advance(10_000)
  return [atOnce, published.length]
}

/** The CONNACK code of a log-in that a thread thinks about. */
async function loginCode(broker: VirtualBroker, options: ConnectOptions): Promise<number | undefined> {
  const client = broker.open()
  client.connect(options)
  for (let round = 0; client.packets.length === 0 && client.connack === undefined; round++) {
    if (round > 1000) return undefined
    await new Promise<void>((resolve) => setTimeout(resolve, 1))
    broker.clock.runTurns()
  }
  return client.connack?.reasonCode ?? (client.packets[0] as { reasonCode: number }).reasonCode
}

/** Keys whose effect needs a socket, a certificate or another server: which test shows it. */
export const elsewhere: Readonly<Record<string, string>> = {
  'bridge/max-packet-size': 'bridges/remotes.test.ts',
  'bridge/outage-warning': 'bridges/admin.test.ts',
  'broker/bridges': 'bridges/bridges.test.ts',
  'broker/admin': 'admin/http/http-door.test.ts',
  'admin/bind': 'admin/http/http-door.test.ts',
  'admin/socket': 'admin/http/http-door.test.ts',
  'admin/keys-file': 'admin/http/api-keys.test.ts',
  'admin/audit-file': 'admin/http/audit-log.test.ts',
  'admin/history-file': 'admin/history.test.ts',
  'admin/max-audit-bytes': 'admin/http/audit-log.test.ts',
  'admin/audit-failure': 'admin/http/audit-log.test.ts',
  'admin/max-event-readers': 'admin/http/events.test.ts',
  'admin/max-consoles': 'admin/console/console.test.ts',
  'admin/max-consoles-per-caller': 'admin/console/console.test.ts',
  'admin/max-event-buffer-bytes': 'admin/http/events.test.ts',
  'admin/show-payloads': 'admin/trace/limits.test.ts',
  'admin/max-traces': 'admin/trace/limits.test.ts',
  'admin/max-traces-per-caller': 'admin/trace/limits.test.ts',
  'admin/max-trace-seconds': 'admin/trace/trace.test.ts',
  'admin/max-trace-records': 'admin/trace/trace.test.ts',
  'admin/max-trace-bytes': 'admin/trace/limits.test.ts',
  'admin/max-trace-rate': 'admin/trace/limits.test.ts',
  'admin/max-trace-clients': 'admin/trace/limits.test.ts',
  'admin/max-trace-buffer-bytes': 'admin/trace/limits.test.ts',
  'admin/ssl': 'admin/http/http-tls.test.ts',
  'admin/certfile': 'admin/http/http-tls.test.ts',
  'admin/keyfile': 'admin/http/http-tls.test.ts',
  'admin/keyfile-password-file': 'admin/http/http-tls.test.ts',
  'admin/cafile': 'admin/http/http-tls.test.ts',
  'admin/certificate-role': 'admin/http/http-tls.test.ts',
  'admin/certificate-warning-days': 'admin/health-checks.test.ts',
  'admin/allowed-hosts': 'admin/http/api-limits.test.ts',
  'admin/metrics-networks': 'admin/http/api.test.ts',
  'admin/max-connections': 'admin/http/http-door.test.ts',
  'admin/max-request-bytes': 'admin/http/http-door.test.ts',
  'admin/max-logins': 'admin/http/login.test.ts',
  'admin/login-idle-timeout': 'admin/http/login.test.ts',
  'admin/login-lifetime': 'admin/http/login.test.ts',
  'admin/openid': 'admin/http/openid.test.ts',
  'admin/max-request-rate': 'admin/http/api-limits.test.ts',
  'admin/request-timeout': 'admin/http/http-door.test.ts',
  'broker/telemetry': 'telemetry/telemetry.test.ts',
  'listener/type': 'listeners/websocket.test.ts',
  'listener/bind': 'listeners/listener.test.ts',
  'listener/max-connections': 'broker/listener-limits.test.ts',
  'listener/max-handshakes': 'listeners/waiting-room.test.ts',
  'listener/mode': 'listeners/unix.test.ts',
  'listener/retry': 'listeners/listener.test.ts',
  'topic-check/retained-check': 'broker/retained-check.test.ts',
  'listener/group': 'listeners/unix.test.ts',
  'persistence/max-bytes-per-user': 'broker/store-shares.test.ts',
  'persistence/close-timeout': 'broker/closing-store.test.ts',
  'listener/client-id': 'broker/sessions/client-id-rules.test.ts',
  'listener/client-id-prefix': 'broker/sessions/client-id-rules.test.ts',
  'listener/ssl': 'listeners/tls.test.ts',
  'listener/certfile': 'listeners/tls.test.ts',
  'listener/keyfile': 'listeners/tls.test.ts',
  'listener/cafile': 'listeners/tls.test.ts',
  'listener/capath': 'listeners/tls.test.ts',
  'listener/cadata': 'listeners/tls.test.ts',
  'listener/crlfile': 'listeners/tls.test.ts',
  'listener/certificate-warning-days': 'listeners/certificate-dates.test.ts',
  'listener/keyfile-password-file': 'listeners/certificate-dates.test.ts',
  'listener/client-certificates': 'listeners/tls.test.ts',
  'listener/certificate-user-name': 'listeners/tls.test.ts',
  'listener/certificates': 'listeners/tls.test.ts',
  'listener/min-tls-version': 'listeners/tls.test.ts',
  'listener/proxy-protocol': 'listeners/proxy-protocol.test.ts',
  'listener/trusted-proxies': 'listeners/proxy-protocol.test.ts',
  'listener/websocket-path': 'listeners/websocket.test.ts',
  'listener/allowed-origins': 'listeners/websocket.test.ts',
  'listener/allowed-hosts': 'listeners/origin.test.ts',
  'listener/allow-anonymous': 'broker/listener-limits.test.ts',
  'listener/auth-plugins': 'broker/listener-limits.test.ts',
  'listener/tcp-keepalive': 'listeners/listener.test.ts',
  'listener/durability': 'broker/durable.test.ts',
  'broker/intercept': 'broker/intercepting.test.ts',
  'broker/users': 'broker/limit-counters.test.ts',
  'users/max-users': 'broker/limit-counters.test.ts',
  'users/max-groups': 'broker/limit-counters.test.ts',
  'users/max-roles': 'broker/limit-counters.test.ts',
  'users/max-rules': 'broker/limit-counters.test.ts',
  'users/dynamic-security': 'broker/control.test.ts',
  'users/initial-file': 'broker/initial-file.test.ts',
  'broker/bans': 'broker/limit-counters.test.ts',
  'bans/max-bans': 'broker/limit-counters.test.ts',
  'bans/flapping-connects': 'broker/bans.test.ts',
  'bans/flapping-window': 'broker/bans.test.ts',
  'bans/flapping-ban': 'broker/bans.test.ts',
  'broker/persistence': 'broker/durable.test.ts',
  'broker/max-uncommitted-bytes': 'broker/durable.test.ts',
  'broker/log': 'cli/log.test.ts',
  'log/connections': 'broker/log-lines.test.ts',
  'log/refusals': 'broker/log-lines.test.ts',
  'log/denials': 'broker/log-lines.test.ts',
  'log/level': 'cli/log.test.ts',
  'log/format': 'cli/log.test.ts',
  'log/time': 'cli/log.test.ts',
  'log/priorities': 'cli/log.test.ts',
  'log/file': 'cli/log.test.ts',
  'auth/unknown-user-names': 'broker/unknown-user-names.test.ts',
  'auth/max-password-checks': 'plugins/auth-file.test.ts',
  'auth/password-cache-ms': 'plugins/auth-file.test.ts',
  'auth/jwt': 'plugins/auth-jwt.test.ts',
  'auth/http': 'plugins/auth-http.test.ts',
  'auth.http/recheck-url': 'broker/revoked-logins.test.ts',
  'auth.http/recheck-ms': 'broker/revoked-logins.test.ts',
  'auth/scram': 'plugins/auth-scram.test.ts',
}

/** The same for whole sections. */
export const sectionsElsewhere: Readonly<Record<string, string>> = {
  'admin.openid': 'plugins/openid-tokens.test.ts',
  'auth.jwt': 'plugins/auth-jwt.test.ts',
  'auth.http': 'plugins/auth-http.test.ts',
  'auth.scram': 'plugins/auth-scram.test.ts',
  bridge: 'bridges/options.test.ts',
  'bridge.queue': 'bridges/options.test.ts',
  intercept: 'broker/intercepting.test.ts',
  persistence: 'broker/durable.test.ts',
  telemetry: 'telemetry/telemetry.test.ts',
}
