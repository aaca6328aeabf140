/** A limit that bites is counted: each row brings its limit to bite once, and names the counter that says so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metrics } from '../../../src/broker/metrics.ts'
import type { ConfigInput } from '../../../src/broker/options.ts'
import type { Plugin } from '../../../src/broker/plugin.ts'
import { TestBroker } from '../../support/test-broker.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
const everybody: Plugin = { name: 'everybody', authenticate: () => ({ decision: 'allow' }) }
const never: Plugin = { name: 'never', authenticate: () => new Promise(() => {}) }
const denier: Plugin = { name: 'denier', authenticate: () => ({ decision: 'deny' }) }

type Row = readonly [
  config: ConfigInput,
  counter: (metrics: Readonly<Metrics>) => number,
  bite: (broker: TestBroker) => void,
]

const connectTwice = (broker: TestBroker): void => ['a', 'b'].forEach((clientId) => broker.connect({ clientId }))
const leaveTwice = (broker: TestBroker): void =>
  ['a', 'b'].forEach((clientId) => broker.connect({ clientId, userName: 'ann', ...KEPT }).drop())
const queueTwo = (broker: TestBroker): void => {
  const away = broker.connect({ clientId: 'away', ...KEPT })
  away.subscribe('#', 1)
  away.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const payload of ['x'.repeat(9000), 'y'.repeat(9000)]) sensor.publish('a', payload, 1)
}
const retainTwo = (broker: TestBroker): void => {
  const sensor = broker.connect()
  for (const topicName of ['a', 'b']) sensor.publish(topicName, 'x', 0, { retain: true })
}

const rows: Readonly<Record<string, Row>> = {
  'max-connections': [{ 'max-connections': 1 }, (m) => m.connectsRefusedAtLimit, connectTwice],
  'max-connections-per-address': [
    { 'max-connections-per-address': 1 },
    (m) => m.connectionsClosedAtLimit,
    connectTwice,
  ],
  'max-waiting-connections': [
    { 'max-connections': 1, 'max-waiting-connections': 1 },
    (m) => m.connectionsGaveWay,
    (broker) => void [broker.open(), broker.open(), broker.open()],
  ],
  'max-connections-before-connect': [
    { 'max-connections-before-connect': 1 },
    (m) => m.connectionsGaveWay,
    (broker) => void [broker.open(), broker.open()],
  ],
  'max-connect-rate': [{ 'max-connect-rate': 1 }, (m) => m.connectsRefusedAtLimit, connectTwice],
  'max-pending-logins': [
    { auth: { plugins: [never] }, 'max-pending-logins': 1 },
    (m) => m.connectsRefusedAtLimit,
    connectTwice,
  ],
  'login-delay-after': [
    { auth: { plugins: [denier], 'login-delay-after': 1 } },
    (m) => m.loginsSlowed,
    (broker) => ['a', 'b'].forEach((userName) => broker.connect({ userName })),
  ],
  'max-delayed-names': [
    { auth: { plugins: [denier], 'max-delayed-names': 1 } },
    (m) => m.loginNamesForgotten,
    (broker) => ['a', 'b'].forEach((userName) => broker.connect({ userName })),
  ],
  'max-known-logins': [
    { auth: { plugins: [everybody], 'max-known-logins': 1 } },
    (m) => m.knownLoginsForgotten,
    (broker) => ['a', 'b'].forEach((userName) => broker.connect({ userName, clientId: userName })),
  ],
  'max-delayed-addresses': [
    { auth: { plugins: [denier], 'max-delayed-addresses': 1 } },
    (m) => m.loginAddressesForgotten,
    (broker) => ['192.0.2.1', '192.0.2.2'].forEach((address) => broker.connect({ peer: { address }, userName: 'a' })),
  ],
  'max-sessions': [{ 'max-sessions': 1 }, (m) => m.sessionsEndedAtLimit, leaveTwiceAnonymously],
  'max-sessions-per-user': [
    { auth: { plugins: [everybody] }, 'max-sessions-per-user': 1 },
    (m) => m.sessionsEndedAtLimit,
    leaveTwice,
  ],
  'max-retained-messages': [{ 'max-retained-messages': 1 }, (m) => m.retainedRefusedAtLimit, retainTwo],
  'max-retained-bytes': [{ 'max-retained-bytes': 1500 }, (m) => m.retainedRefusedAtLimit, retainTwo],
  'max-memory': [
    { 'max-memory': 18_000, 'max-memory-per-user': 0 },
    (m) => m.dropped['memory limit'] * m.memoryRefusedBroker,
    queueTwo,
  ],
  'max-memory-per-user': [
    { 'max-memory-per-user': 18_000 },
    (m) => m.dropped['memory limit'] * m.memoryRefusedUser,
    queueTwo,
  ],
  'max-memory-per-session': [
    { 'max-memory-per-session': 18_000 },
    (m) => m.dropped['memory limit'] * m.memoryRefusedSession,
    queueTwo,
  ],
  'max-queued-messages': [{ 'max-queued-messages': 1 }, (m) => m.dropped['queue full'], queueTwo],
  'max-queued-bytes': [{ 'max-queued-bytes': 10_000 }, (m) => m.dropped['queue full'], queueTwo],
  'max-subscriptions': [
    { 'max-subscriptions': 1 },
    (m) => m.subscribesRefused,
    (broker) => void broker.connect().subscribe(['a', 'b']),
  ],
  'max-topic-levels': [
    { 'max-topic-levels': 2 },
    (m) => m.publishesRefused,
    (broker) => void broker.connect().publish('a/b/c', 'x', 1),
  ],
  'max-packet-size': [
    { 'max-packet-size': 100 },
    (m) => m.protocolErrors,
    (broker) => void broker.connect().publish('a', 'x'.repeat(200)),
  ],
  'max-user-properties': [
    { 'max-user-properties': 1 },
    (m) => m.packetsOverLimit,
    (broker) => {
      const userProperties = ['a', 'b'].map((name) => [name, ''] as const)
      broker.connect().publish('a', 'x', 0, { properties: { userProperties } })
    },
  ],
  'max-filters-per-packet': [
    { 'max-filters-per-packet': 1 },
    (m) => m.packetsOverLimit,
    (broker) => void broker.connect().subscribe(['a', 'b']),
  ],
  'max-input-bytes': [
    { 'max-input-bytes': 65_536 },
    (m) => m.inputOverLimit,
    (broker) => broker.connect().sendBytes(Buffer.concat([Buffer.from('30ffff7f', 'hex'), Buffer.alloc(70_000)])),
  ],
  'packet-timeout': [
    { 'packet-timeout': 1 },
    (m) => m.packetTimeouts,
    (broker) => {
      broker.connect().sendHex('30')
      broker.advance(1_100)
    },
  ],
  'min-packet-rate': [
    { 'packet-timeout': 1, 'min-packet-rate': 1000 },
    (m) => m.packetTimeouts,
    (broker) => {
      broker.connect().sendHex('30')
      broker.advance(1_010)
    },
  ],
  'max-publish-rate': [
    { 'max-publish-rate': 1 },
    (m) => Math.min(1, m.rateLimited),
    (broker) => {
      const client = broker.connect()
      for (let count = 0; count < 5; count++) client.publish('a', 'x')
    },
  ],
  'max-byte-rate': [
    { 'max-byte-rate': 100 },
    (m) => Math.min(1, m.rateLimited),
    (broker) => {
      const client = broker.connect()
      for (let count = 0; count < 5; count++) client.publish('a', 'x'.repeat(90))
    },
  ],
  'max-outgoing-bytes': [
    { 'max-outgoing-bytes': 1024 },
    (m) => Math.min(1, m.dropped['output full']),
    (broker) => {
      const frozen = broker.connect({ clientId: 'frozen' })
      frozen.subscribe('a')
      frozen.isFrozen = true
      const sensor = broker.connect({ clientId: 'sensor' })
      for (let count = 0; count < 9; count++) sensor.publish('a', 'x'.repeat(900))
    },
  ],
  'drain-timeout': [
    { 'drain-timeout': 1 },
    (m) => m.slowReceiversClosed,
    (broker) => {
      const frozen = broker.connect({ clientId: 'frozen' })
      frozen.subscribe('a')
      frozen.isFrozen = true
      broker.connect({ clientId: 'sensor' }).publish('a', 'x')
      broker.advance(5000)
    },
  ],
  'timeout-disconnect-delay': [
    { 'timeout-disconnect-delay': 1 },
    (m) => m.keepAliveTimeouts,
    (broker) => {
      broker.connect({ keepAlive: 1 })
      broker.advance(2500)
    },
  ],
}

function leaveTwiceAnonymously(broker: TestBroker): void {
  for (const clientId of ['a', 'b']) broker.connect({ clientId, ...KEPT }).drop()
}

for (const [key, [config, counter, bite]] of Object.entries(rows)) {
  test(`${key}: counted once when it bites, and not before`, async () => {
    const broker = await TestBroker.start(config)
    assert.equal(counter(broker.broker.metrics), 0)
    bite(broker)
    assert.equal(counter(broker.broker.metrics), 1)
    await broker.close()
  })
}
