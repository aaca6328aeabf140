/**
 * A limit that bites is counted, and told as an event: each row brings its limit to bite once, and names the counter
 * and the event that say so.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Step } from '../../../src/access/directory/directory.ts'
import type { SluiceError } from '../../../src/base/errors.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import type { BrokerEvents, EventName } from '../../../src/access/broker-events.ts'
import type { Metrics } from '../../../src/reporting/metrics.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { optionTable } from '../../../src/config/option-table.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
const everybody: Plugin = { name: 'everybody', authenticate: () => ({ decision: 'allow' }) }
const never: Plugin = { name: 'never', authenticate: () => new Promise(() => {}) }
const denier: Plugin = { name: 'denier', authenticate: () => ({ decision: 'deny' }) }

type Row = readonly [
  config: ConfigInput,
  counter: (metrics: Readonly<Metrics>) => number,
  bite: (broker: VirtualBroker) => void,
  /** Among the events that come, one of this name; of `limitReached`, one that names the option. */
  event: EventName,
]

const connectTwice = (broker: VirtualBroker): void => ['a', 'b'].forEach((clientId) => broker.connect({ clientId }))
const leaveTwice = (broker: VirtualBroker): void =>
  ['a', 'b'].forEach((clientId) => broker.connect({ clientId, userName: 'ann', ...KEPT }).drop())
const queueTwo = (broker: VirtualBroker): void => {
  const away = broker.connect({ clientId: 'away', ...KEPT })
  away.subscribe('#', 1)
  away.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const payload of ['x'.repeat(9000), 'y'.repeat(9000)]) sensor.publish('a', payload, 1)
}
const retainTwo = (broker: VirtualBroker): void => {
  const sensor = broker.connect()
  for (const topicName of ['a', 'b']) sensor.publish(topicName, 'x', 0, { retain: true })
}

const role = (name: string, rules: number): Step => {
  const rule = { action: 'publish', effect: 'allow', topic: 'a', priority: 0, literal: false } as const
  const entry = { textName: '', textDescription: '', rules: Array.from({ length: rules }, () => rule) }
  return { type: 'role', name, entry }
}
/** Makes one and then another, as far as the limit lets it. */
const carryOut =
  (...steps: readonly Step[]) =>
  ({ broker }: VirtualBroker): void => {
    const { directory } = serverOf(broker)
    try {
      for (const step of steps) directory.carryOut([step])
    } catch (error) {
      assert.equal((error as SluiceError).code, 'ERR_LIMIT')
    }
  }
const labels = { textName: '', textDescription: '' }
const user = { disabled: false, clientId: undefined, passwordHash: undefined, scram: undefined, roles: [], groups: [] }
const ban = { kind: 'user', reason: '', createdAtMs: 0, untilMs: undefined } as const

const rows: Readonly<Record<string, Row>> = {
  'max-users': [
    { users: { 'max-users': 1 } },
    (m) => m.directoryRefusedAtLimit,
    carryOut(
      { type: 'user', name: 'ann', entry: { ...labels, ...user } },
      { type: 'user', name: 'bob', entry: { ...labels, ...user } },
    ),
    'limitReached',
  ],
  'max-groups': [
    { users: { 'max-groups': 1 } },
    (m) => m.directoryRefusedAtLimit,
    carryOut(
      { type: 'group', name: 'a', entry: { ...labels, roles: [] } },
      { type: 'group', name: 'b', entry: { ...labels, roles: [] } },
    ),
    'limitReached',
  ],
  'max-roles': [
    { users: { 'max-roles': 1 } },
    (m) => m.directoryRefusedAtLimit,
    carryOut(role('a', 0), role('b', 0)),
    'limitReached',
  ],
  'max-rules': [
    { users: { 'max-rules': 3 } },
    (m) => m.directoryRefusedAtLimit,
    carryOut(role('a', 2), role('a', 3), role('b', 1)),
    'limitReached',
  ],
  'max-bans': [
    { bans: { 'max-bans': 1 } },
    (m) => m.directoryRefusedAtLimit,
    carryOut(
      { type: 'ban', name: 'user:ann', entry: { ...ban, value: 'ann' } },
      { type: 'ban', name: 'user:bob', entry: { ...ban, value: 'bob' } },
    ),
    'limitReached',
  ],
  'max-connections': [{ 'max-connections': 1 }, (m) => m.connectsRefusedAtLimit, connectTwice, 'clientRefused'],
  'max-connections-per-address': [
    { 'max-connections-per-address': 1 },
    (m) => m.connectionsClosedAtLimit,
    connectTwice,
    'limitReached',
  ],
  'max-waiting-connections': [
    { 'max-connections': 1, 'max-waiting-connections': 1 },
    (m) => m.connectionsGaveWay,
    (broker) => void [broker.open(), broker.open(), broker.open()],
    'limitReached',
  ],
  'max-connections-before-connect': [
    { 'max-connections-before-connect': 1 },
    (m) => m.connectionsGaveWay,
    (broker) => void [broker.open(), broker.open()],
    'limitReached',
  ],
  'max-connect-rate': [{ 'max-connect-rate': 1 }, (m) => m.connectsRefusedAtLimit, connectTwice, 'clientRefused'],
  'max-pending-logins': [
    { auth: { plugins: [never] }, 'max-pending-logins': 1 },
    (m) => m.connectsRefusedAtLimit,
    connectTwice,
    'clientRefused',
  ],
  'login-delay-after': [
    { auth: { plugins: [denier], 'login-delay-after': 1 } },
    (m) => m.loginsSlowed,
    (broker) => ['a', 'b'].forEach((userName) => broker.connect({ userName })),
    'loginPenalty',
  ],
  'max-delayed-names': [
    { auth: { plugins: [denier], 'max-delayed-names': 1 } },
    (m) => m.loginNamesForgotten,
    (broker) => ['a', 'b'].forEach((userName) => broker.connect({ userName })),
    'limitReached',
  ],
  'max-known-logins': [
    { auth: { plugins: [everybody], 'max-known-logins': 1 } },
    (m) => m.knownLoginsForgotten,
    (broker) => ['a', 'b'].forEach((userName) => broker.connect({ userName, clientId: userName })),
    'limitReached',
  ],
  'max-delayed-addresses': [
    { auth: { plugins: [denier], 'max-delayed-addresses': 1 } },
    (m) => m.loginAddressesForgotten,
    (broker) => ['192.0.2.1', '192.0.2.2'].forEach((address) => broker.connect({ peer: { address }, userName: 'a' })),
    'limitReached',
  ],
  'max-sessions': [{ 'max-sessions': 1 }, (m) => m.sessionsEndedAtLimit, leaveTwiceAnonymously, 'sessionEnded'],
  'max-sessions-per-user': [
    { auth: { plugins: [everybody] }, 'max-sessions-per-user': 1 },
    (m) => m.sessionsEndedAtLimit,
    leaveTwice,
    'sessionEnded',
  ],
  'max-retained-messages': [{ 'max-retained-messages': 1 }, (m) => m.retainedRefusedAtLimit, retainTwo, 'retained'],
  'max-retained-bytes': [{ 'max-retained-bytes': 1500 }, (m) => m.retainedRefusedAtLimit, retainTwo, 'retained'],
  'max-memory': [
    { 'max-memory': 18_000, 'max-memory-per-user': 0 },
    (m) => m.dropped['memory limit'] * m.memoryRefusedBroker,
    queueTwo,
    'memoryLimit',
  ],
  'max-memory-per-user': [
    { 'max-memory-per-user': 18_000 },
    (m) => m.dropped['memory limit'] * m.memoryRefusedUser,
    queueTwo,
    'memoryLimit',
  ],
  'max-memory-per-connection': [
    { 'max-memory-per-connection': 65_536 },
    (m) => m.packetsOverLimit * m.memoryRefusedConnection,
    (broker) => broker.connect().sendBytes(Buffer.concat([Buffer.from('30ffff7f', 'hex'), Buffer.alloc(70_000)])),
    'memoryLimit',
  ],
  'max-memory-per-session': [
    { 'max-memory-per-session': 18_000 },
    (m) => m.dropped['memory limit'] * m.memoryRefusedSession,
    queueTwo,
    'memoryLimit',
  ],
  'max-queued-messages': [{ 'max-queued-messages': 1 }, (m) => m.dropped['queue full'], queueTwo, 'dropped'],
  'max-queued-bytes': [{ 'max-queued-bytes': 10_000 }, (m) => m.dropped['queue full'], queueTwo, 'dropped'],
  'max-queued-messages-connected': [
    { 'max-queued-messages': 1, 'max-queued-messages-connected': 2 },
    (m) => m.dropped['queue full'],
    (broker) => {
      broker.connect({ properties: { receiveMaximum: 1 } }).subscribe('#', 1)
      for (let at = 0; at < 4; at++) broker.connect({ clientId: `sensor${at}` }).publish('a', 'x', 1)
    },
    'dropped',
  ],
  'max-subscriptions': [
    { 'max-subscriptions': 1 },
    (m) => m.subscribesRefused,
    (broker) => void broker.connect().subscribe(['a', 'b']),
    'subscribeRefused',
  ],
  'max-topic-levels': [
    { 'max-topic-levels': 2 },
    (m) => m.publishesRefused,
    (broker) => void broker.connect().publish('a/b/c', 'x', 1),
    'publishRefused',
  ],
  'max-packet-size': [
    { 'max-packet-size': 100 },
    (m) => m.protocolErrors,
    (broker) => void broker.connect().publish('a', 'x'.repeat(200)),
    'clientDisconnected',
  ],
  'max-user-properties': [
    { 'max-user-properties': 1 },
    (m) => m.packetsOverLimit,
    (broker) => {
      const userProperties = ['a', 'b'].map((name) => [name, ''] as const)
      broker.connect().publish('a', 'x', 0, { properties: { userProperties } })
    },
    'clientDisconnected',
  ],
  'max-filters-per-packet': [
    { 'max-filters-per-packet': 1 },
    (m) => m.packetsOverLimit,
    (broker) => void broker.connect().subscribe(['a', 'b']),
    'clientDisconnected',
  ],
  'max-input-bytes': [
    { 'max-input-bytes': 65_536 },
    (m) => m.inputOverLimit,
    (broker) => broker.connect().sendBytes(Buffer.concat([Buffer.from('30ffff7f', 'hex'), Buffer.alloc(70_000)])),
    'clientDisconnected',
  ],
  'packet-timeout': [
    { 'packet-timeout': 1 },
    (m) => m.packetTimeouts,
    (broker) => {
      broker.connect().sendHex('30')
      broker.advance(1_100)
    },
    'clientDisconnected',
  ],
  'min-packet-rate': [
    { 'packet-timeout': 1, 'min-packet-rate': 1000 },
    (m) => m.packetTimeouts,
    (broker) => {
      broker.connect().sendHex('30')
      broker.advance(1_010)
    },
    'clientDisconnected',
  ],
  'max-publish-rate': [
    { 'max-publish-rate': 1 },
    (m) => Math.min(1, m.rateLimited),
    (broker) => {
      const client = broker.connect()
      for (let count = 0; count < 5; count++) client.publish('a', 'x')
    },
    'limitReached',
  ],
  'max-byte-rate': [
    { 'max-byte-rate': 100 },
    (m) => Math.min(1, m.rateLimited),
    (broker) => {
      const client = broker.connect()
      for (let count = 0; count < 5; count++) client.publish('a', 'x'.repeat(90))
    },
    'limitReached',
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
    'dropped',
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
    'clientDisconnected',
  ],
  'timeout-disconnect-delay': [
    { 'timeout-disconnect-delay': 1 },
    (m) => m.keepAliveTimeouts,
    (broker) => {
      broker.connect({ keepAlive: 1 })
      broker.advance(2500)
    },
    'clientDisconnected',
  ],
}

function leaveTwiceAnonymously(broker: VirtualBroker): void {
  for (const clientId of ['a', 'b']) broker.connect({ clientId, ...KEPT }).drop()
}

for (const [key, [config, counter, bite, event]] of Object.entries(rows)) {
  test(`${key}: counted once and told as ${event} when it bites, and not before`, async () => {
    const broker = await VirtualBroker.start(config)
    const told: BrokerEvents[EventName][] = []
    broker.broker.on(event, (each) => void told.push(each))
    assert.equal(counter(broker.broker.metrics), 0)
    bite(broker)
    assert.equal(counter(broker.broker.metrics), 1)
    const about = told.filter((each) => !('option' in each) || each.option === key)
    assert.ok(about.length > 0, `no ${event} of ${told.length} is about it`)
    await broker.close()
  })
}

/** Settings of what is granted or assumed, which nobody can exceed or run into. */
const NO_LIMITS: ReadonlySet<string> = new Set([
  'max-qos',
  'max-keep-alive',
  'max-session-expiry',
  'max-outgoing-topic-aliases',
  'max-login-delay-ms',
  'bridge.max-reconnect-delay',
])
/** Limits at which work waits its turn: nothing is refused, dropped or ended. */
const WAITING: ReadonlySet<string> = new Set([
  'max-inflight-messages',
  'max-uncommitted-bytes',
  'max-logins-per-address',
  'max-password-checks',
  'auth.http.max-connections',
  'auth.http.max-pending',
  'persistence.max-ram-bytes',
  'persistence.max-session-ram-bytes',
  'bridge.max-inflight-messages',
  'bridge.max-message-rate',
])
/** Limits whose counter and event other tests prove: each with its test. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'max-connect-packet-size', // connection-limits.test.ts: protocolErrors, clientRefused
  'max-closed-connections', // closed-connections.test.ts: closedConnectionsForgotten; it is reached all the time, without an event
  'max-recorder-bytes', // recorder.test.ts: recorderClientsForgotten, recorderEntriesLost, limitReached
  'max-recorder-bytes-per-client', // recorder.test.ts: a client overwrites its own oldest entries, all the time
  'max-delivery-attempts', // delivery-attempts.test.ts: dropped, "too many attempts"
  'max-handshakes', // waiting-room.test.ts: handshakesRefused, handshakeRefused
  'auth.jwt.max-answer-bytes', // auth-jwt.test.ts: loginsRefused, clientRefused
  'auth.http.max-answer-bytes', // auth-http.test.ts: loginsRefused, clientRefused
  'admin.max-audit-bytes', // audit-log.test.ts: nothing is refused, the file begins anew
  'admin.max-event-readers', // events.test.ts: adminOverLimit
  'admin.max-consoles', // console.test.ts: adminOverLimit
  'admin.max-consoles-per-caller', // console.test.ts: adminOverLimit
  'admin.max-event-buffer-bytes', // events.test.ts: adminEventsLost
  'admin.max-traces', // trace/limits.test.ts: tracesRefused
  'admin.max-traces-per-caller', // trace/limits.test.ts: tracesRefused
  'admin.max-trace-seconds', // trace/limits.test.ts: traceEnded
  'admin.max-trace-records', // trace/limits.test.ts: traceEnded
  'admin.max-trace-bytes', // trace/limits.test.ts: traceEnded
  'admin.max-trace-rate', // trace/limits.test.ts: traceRecordsLost, limitReached
  'admin.max-trace-clients', // trace/limits.test.ts: traceClientsLeftOut, limitReached
  'admin.max-trace-buffer-bytes', // trace/limits.test.ts: traceRecordsOverwritten, limitReached
  'admin.max-connections', // http-door.test.ts: adminOverLimit
  'admin.max-request-bytes', // http-door.test.ts: adminOverLimit
  'admin.max-logins', // login.test.ts, http-door.test.ts: adminOverLimit, limitReached
  'admin.openid.max-answer-bytes', // openid-tokens.test.ts, openid.test.ts: adminLoginsRefused, the log
  'admin.openid.max-token-bytes', // openid-tokens.test.ts, openid.test.ts: adminLoginsRefused
  'admin.max-request-rate', // api-limits.test.ts: adminOverLimit
  'bridge.max-hops', // bridges/options.test.ts: bridgeMessagesDropped
  'bridge.max-packet-size', // bridges/remotes.test.ts: bridgeMessagesDropped, the log
  'bridge.queue.max-messages', // bridges/options.test.ts: dropped, as of any session
  'bridge.queue.max-bytes', // bridges/options.test.ts: dropped, as of any session
  'telemetry.max-batch', // telemetry.test.ts: a full batch is exported at once
  'telemetry.max-queued', // telemetry.test.ts: telemetrySpansLost, telemetryHealth
  'persistence.max-bytes', // slow-store.test.ts: storeHealth
  'persistence.max-bytes-per-user', // store-shares.test.ts: storeRefusedUser, storeLimit
])

test('every limit of the table of options has a row here, or a reason for having none', () => {
  const limits = optionTable
    .filter(({ key, scope }) => key.startsWith('max-') && !(scope === 'listener' && key === 'max-connections'))
    .map(({ key, scope }) =>
      ['auth.jwt', 'auth.http', 'persistence', 'admin', 'admin.openid', 'telemetry', 'bridge', 'bridge.queue'].includes(
        scope,
      )
        ? `${scope}.${key}`
        : key,
    )
  const known = [...Object.keys(rows), ...NO_LIMITS, ...WAITING, ...ELSEWHERE]
  assert.deepEqual(
    limits.filter((key) => !known.includes(key)),
    [],
  )
  const keys = new Set(optionTable.map(({ key }) => key))
  assert.deepEqual(
    known.filter((key) => !limits.includes(key) && !keys.has(key)),
    [],
  )
})
