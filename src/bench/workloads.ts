/**
 * The rows of the benchmark, as a table of data. A name is stable: `--rows`, `--json` and the guard use it.
 *
 * Windows are small enough that no broker drowns in a backlog (aedes then spends its time on queues) and large enough
 * that each read contains several messages, as if many devices were sending at once.
 *
 * @module
 */
import type { Version } from './driver/frames.ts'
import type { Target } from './driver/raw-connection.ts'
import type { UserPlace } from './many-users.ts'
import type { Durable, Job, Kept, Shape, Traffic, Visits } from './driver/shape.ts'

/** The most that our broker may use per message, as a share of a peer's cost. */
export interface Goal {
  readonly mosquitto?: number
  readonly aedes?: number
}

export interface Workload {
  readonly name: string
  readonly title: string
  readonly shape: Shape
  readonly version: Version
  readonly transport: Target['transport']
  /** Rows of the target table have one, and only these run against the peers too. */
  readonly goal?: Goal
  /** If it differs from the usual: for a slow start, or for an effect that needs longer to appear. */
  readonly warmUpSeconds?: number
  /** Settings of our broker without which the row would measure its limits; the peers' limits are out of the way. */
  readonly settings?: Settings
  /** Whether a plugin of ours intercepts each message and each delivery; see `passing-plugin.ts`. */
  readonly isIntercepted?: true
  /**
   * Where 100,000 users with their rights are: in the store of our broker, or in a file of rules; see `many-users.ts`.
   */
  readonly users?: UserPlace
  /** Space for the store of our broker, if a checkpoint must be made within the row. */
  readonly storeBytes?: number
  /** Measured time of each run, if the usual one is too short. */
  readonly seconds?: number
  /** If one run is long enough to need no repetition. */
  readonly mostRuns?: number
}

/** Top-level keys of our configuration. */
export type Settings = Readonly<Record<string, number>>

/** Room for the messages in transit of such a row: by default more than 1 MiB for one client is dropped at QoS 0. */
const roomy: Settings = { 'max-outgoing-bytes': 33_554_432 }

const oneToOne = traffic({ pace: { window: 1000, batch: 100 } })
const pairs = traffic({ groups: 50, pace: { window: 100, batch: 50 } })
const fanOut = traffic({ subscribers: 50, pace: { window: 200, batch: 50 } })
const fanIn = traffic({ publishers: 50, pace: { window: 5000, batch: 50 } })
const paced = { perSecond: 20_000 }
const wideFanOut = traffic({ subscribers: 450, pace: { perSecond: 100 } })
const slowAmong = traffic({ subscribers: 49, payloadBytes: 16_384, pace: { perSecond: 100 } })

/** One publisher, one subscriber, 64 bytes at QoS 0 by default. */
function traffic(parts: Partial<Traffic> & Pick<Traffic, 'pace'>): Traffic {
  return { kind: 'traffic', groups: 1, publishers: 1, subscribers: 1, qos: 0, payloadBytes: 64, ...parts }
}

function row(name: string, title: string, shape: Shape, more: Partial<Workload> = {}): Workload {
  return { name, title, shape, version: 4, transport: 'tcp', ...more }
}

function subscriptionRow(name: string, title: string, subscriptions: number): Workload {
  return row(name, title, {
    kind: 'subscriptions',
    subscriptions,
    connections: 100,
    topics: 100_000,
    qos: 0,
    payloadBytes: 64,
    pace: { window: 1000, batch: 100 },
  })
}

const idle: Shape = { kind: 'idle', connections: 10_000, connectionsBefore: 1000 }

function kept(things: Kept['things'], count: number): Kept {
  return { kind: 'kept', things, count, countBefore: 1000, qos: 0, payloadBytes: 64 }
}

function visitsRow(what: Visits['what'], title: string, count: number): Workload {
  return row(what, title, { kind: 'visits', what, count, countBefore: 2000 }, { goal: { mosquitto: 2, aedes: 1 } })
}

/** Nothing is dropped, however much waits. */
const unbounded: Settings = {
  'max-queued-messages': 10_000_000,
  'max-queued-bytes': 10_000_000_000,
  'max-retained-messages': 0,
  'max-memory-per-session': 0,
  'max-memory-per-user': 0,
  'max-inflight-messages': 5000,
}

/** As many Sessions and retained messages as a row makes, all from one address. */
const crowded: Settings = {
  ...unbounded,
  'max-retained-bytes': 0,
  'max-sessions': 0,
  'max-sessions-per-user': 0,
  'max-memory': 0,
}

function durableRow(name: string, title: string, parts: Partial<Durable>, more: Partial<Workload> = {}): Workload {
  const pace = { window: 5000, batch: 50 }
  const shape: Durable = {
    ...{ kind: 'durable', publishers: 50, sessions: 50, connected: true, messages: 1_000_000, qos: 1 },
    ...{ payloadBytes: 256, pace },
    ...parts,
  }
  return row(name, title, shape, { settings: unbounded, mostRuns: 1, ...more })
}

/**
 * All rows, in the order of the table. By default MQTT 3.1.1 over TCP with 64 bytes of payload; exceptions are in the
 * title.
 */
export const workloads: readonly Workload[] = [
  row('1-1', '1 → 1, QoS 0', oneToOne, { goal: { mosquitto: 1 / 12, aedes: 1 / 16 } }),
  row('50-50', '50 → 50, QoS 0', pairs, { goal: { mosquitto: 1 / 12, aedes: 1 / 16 } }),
  row('1-50', '1 → 50, QoS 0', fanOut, { goal: { mosquitto: 1 / 11, aedes: 1 / 14 } }),
  row('50-1', '50 → 1, QoS 0', fanIn, { goal: { mosquitto: 1 / 12, aedes: 1 / 16 } }),
  row('50-50-q1', '50 → 50, QoS 1', { ...pairs, qos: 1 }, { goal: { mosquitto: 1 / 15, aedes: 1 / 18 } }),
  row('50-50-q2', '50 → 50, QoS 2', { ...pairs, qos: 2 }, { goal: { mosquitto: 1 / 10, aedes: 1 / 18 } }),
  row('400-400', '400 → 400, 20,000/s', traffic({ groups: 400, pace: paced }), { goal: { mosquitto: 1, aedes: 0.7 } }),
  row('400-400-pause', '400 → 400, 20,000/s, gather-pause 0.2', traffic({ groups: 400, pace: paced }), {
    settings: { 'gather-pause': 0.2 },
  }),
  row('400-400-5k', '400 → 400, 5,000/s', traffic({ groups: 400, pace: { perSecond: 5000 } }), {
    goal: { mosquitto: 1.15, aedes: 0.7 },
    warmUpSeconds: 3,
  }),
  row('400-400-1k', '400 → 400, 1,000/s', traffic({ groups: 400, pace: { perSecond: 1000 } }), {
    goal: { mosquitto: 1.3, aedes: 0.7 },
    warmUpSeconds: 6,
    seconds: 10,
  }),
  row(
    'pings',
    '400 Clients, 1,000 PINGREQ/s',
    { kind: 'pings', connections: 400, perSecond: 1000 },
    {
      goal: { mosquitto: 1.5, aedes: 0.7 },
      warmUpSeconds: 3,
      seconds: 5,
    },
  ),
  row('450-1', '450 → 1, 20,000/s', traffic({ publishers: 450, pace: paced })),
  row('1-450', '1 → 450, 100/s', wideFanOut, { goal: { mosquitto: 1.2, aedes: 0.7 } }),
  row('16k', '1 → 1, 16 KiB', traffic({ payloadBytes: 16_384, pace: { window: 64, batch: 4 } }), {
    goal: { mosquitto: 1.8, aedes: 0.65 },
    settings: roomy,
  }),
  row('1m', '1 → 1, 1 MiB', traffic({ payloadBytes: 1_048_576, pace: { window: 4, batch: 1 } }), { settings: roomy }),
  row('single', '1 → 1, one message at a time', traffic({ pace: { window: 1, batch: 1 } })),
  row('1-1-q1', '1 → 1, QoS 1', { ...oneToOne, qos: 1 }),
  row('1-1-q2', '1 → 1, QoS 2', { ...oneToOne, qos: 2 }),
  row('1-50-q1', '1 → 50, QoS 1', { ...fanOut, qos: 1 }),
  row('1-50-q2', '1 → 50, QoS 2', { ...fanOut, qos: 2 }),
  row('50-1-q1', '50 → 1, QoS 1', { ...fanIn, qos: 1 }),
  row('50-1-q2', '50 → 1, QoS 2', { ...fanIn, qos: 2 }),
  row('1-1-v5', '1 → 1, QoS 0, MQTT 5.0', oneToOne, { version: 5 }),
  row('50-50-v5', '50 → 50, QoS 0, MQTT 5.0', pairs, { version: 5 }),
  row('50-50-q1-v5', '50 → 50, QoS 1, MQTT 5.0', { ...pairs, qos: 1 }, { version: 5 }),
  row('1-1-tls', '1 → 1, QoS 0, TLS', oneToOne, { transport: 'tls' }),
  row('50-50-tls', '50 → 50, QoS 0, TLS', pairs, { transport: 'tls' }),
  row('1-450-tls', '1 → 450, 100/s, TLS', wideFanOut, { transport: 'tls' }),
  row('1-1-ws', '1 → 1, QoS 0, WebSocket', oneToOne, { transport: 'ws' }),
  row('50-50-ws', '50 → 50, QoS 0, WebSocket', pairs, { transport: 'ws' }),
  row('1-450-ws', '1 → 450, 100/s, WebSocket', wideFanOut, { transport: 'ws' }),
  row('shared', '1 → shared group of 50, QoS 0', { ...fanOut, shared: true, pace: { window: 2000, batch: 100 } }),
  row('topics', '1 → 1, 100,000 Topic Names', { ...oneToOne, topics: 100_000 }),
  row('10k-topics', '1 → 1, 10,000 Topic Names', { ...oneToOne, topics: 10_000 }),
  row('10k-topics-fleet', '1 → 1, 10,000 Topic Names, 1,000 subscriptions a second come and go', {
    ...oneToOne,
    topics: 10_000,
    churnPerSecond: 1000,
  }),
  row(
    '10k-topics-users',
    '1 → 1, 10,000 Topic Names, 100,000 users and 10,000 roles',
    { ...oneToOne, topics: 10_000 },
    { users: 'store' },
  ),
  row(
    '10k-topics-files',
    '1 → 1, 10,000 Topic Names, 100,000 users in a file of rules',
    { ...oneToOne, topics: 10_000 },
    { users: 'file' },
  ),
  row('1-1-plugin', '1 → 1, QoS 0, a plugin that lets all pass', oneToOne, { isIntercepted: true }),
  row('1-50-plugin', '1 → 50, QoS 0, a plugin that lets all pass', fanOut, { isIntercepted: true }),
  row('49', '1 → 49, 16 KiB, 100/s', slowAmong, { warmUpSeconds: 3 }),
  row('49-frozen', '1 → 49, 16 KiB, 100/s, and one frozen', { ...slowAmong, frozen: 1 }, { warmUpSeconds: 3 }),
  row('retained', '100,000 retained to #', { kind: 'replay', retained: 100_000, qos: 0, payloadBytes: 64 }),
  row(
    '1m-retained',
    '1,000,000 retained to #',
    { kind: 'replay', retained: 1_000_000, qos: 0, payloadBytes: 64 },
    { settings: crowded, mostRuns: 1 },
  ),
  subscriptionRow('1k-subscriptions', '1,000 subscriptions', 1000),
  subscriptionRow('1m-subscriptions', '1,000,000 subscriptions', 1_000_000),
  row(
    'storm',
    '9,000 stored Sessions with 10 messages each come back',
    { kind: 'storm', sessions: 9000, messagesEach: 10, qos: 1, payloadBytes: 64 },
    { goal: { mosquitto: 2 }, settings: crowded, mostRuns: 1 },
  ),
  visitsRow('connects', '8,000 connects', 8000),
  visitsRow('takeovers', '4,000 connects with the Client Identifier of another connection', 4000),
  visitsRow('drops', '8,000 connections end without DISCONNECT', 8000),
  row('start', 'Start of a broker', { kind: 'start' }, { goal: { aedes: 1 } }),
  row('idle', '10,000 idle connections', idle, { goal: { aedes: 0.4 } }),
  row('idle-tls', '10,000 idle connections, TLS', idle, { transport: 'tls', mostRuns: 1 }),
  row('idle-ws', '10,000 idle connections, WebSocket', idle, { transport: 'ws', mostRuns: 1 }),
  row('kept-sessions', '50,000 stored Sessions with one subscription', kept('sessions', 50_000), {
    goal: { mosquitto: 1.25 },
    settings: crowded,
    mostRuns: 1,
  }),
  row('kept-retained', '1,000,000 retained messages', kept('retained messages', 1_000_000), {
    goal: { aedes: 1.05 },
    settings: crowded,
    mostRuns: 1,
  }),
  durableRow('durable-offline', '1,000,000 from 50 to one stored, absent Session', { sessions: 1, connected: false }),
  durableRow('durable-online', '1,000,000 from 50 to 50 stored Sessions', {}),
  durableRow(
    'durable-paced',
    '50 to 50 stored Sessions, 10,000/s',
    { pace: { perSecond: 10_000 } },
    { storeBytes: 268_435_456, seconds: 20 },
  ),
  durableRow('durable-1k', '50 to 50 stored Sessions, 1,000/s', { pace: { perSecond: 1000 } }, { seconds: 10 }),
  durableRow('restart', '1,000,000 queued, 100,000 retained', {
    ...{ sessions: 10, connected: false, topics: 20, retained: 100_000, restarts: true },
  }),
]

/** The rows that need only an address: those for any running broker. */
export const remoteWorkloads: readonly Workload[] = workloads.filter(
  ({ shape, transport, isIntercepted, users }) =>
    shape.kind === 'traffic' && transport === 'tcp' && !isIntercepted && users === undefined,
)

/** The job for the generator. */
export function jobOf(workload: Workload, seconds: number): Job {
  const { shape, version, warmUpSeconds = 1 } = workload
  return { shape, version, seconds: workload.seconds ?? seconds, warmUpSeconds }
}
