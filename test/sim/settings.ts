/** What a seed makes of the broker's configuration, and what the oracles have to know of it. @module */
import type { ConfigInput } from '../../src/config/options.ts'
import type { SeededRandom } from '../../src/testing/random.ts'
import { accessPlugin } from './rules.ts'

/** Limits that the oracles hold the broker to. */
export interface SimulationLimits {
  readonly maxQueuedMessages: number
  readonly maxQueuedMessagesConnected: number
  readonly maxQueuedBytes: number
  readonly maxInflightMessages: number
  readonly receiveMaximum: number
  readonly maxOutgoingBytes: number
  /** Seconds. */
  readonly maxSessionExpiry: number
  /** Sessions that outlive their Connections, connected or not: in all, and of one user. */
  readonly maxSessions: number
  readonly maxSessionsPerUser: number
  readonly topicAliasMaximum: number
  readonly queueFull: 'drop-newest' | 'drop-oldest'
  /** `undefined`: nothing is stored. */
  readonly durability: 'disk' | 'process' | undefined
  /** Milliseconds that an operation of the disk takes at most. */
  readonly diskMostMs: number
}

/** @param isStored whether the broker stores anything */
export function drawLimits(random: SeededRandom, isStored: boolean): SimulationLimits {
  const maxQueuedMessages = random.pick([10, 40, 200])
  return {
    maxQueuedMessages,
    maxQueuedMessagesConnected: maxQueuedMessages * 2,
    maxQueuedBytes: random.pick([20_000, 1_000_000]),
    maxInflightMessages: random.pick([4, 20, 1000]),
    receiveMaximum: random.between(6, 20),
    maxOutgoingBytes: random.pick([2048, 16_384]),
    maxSessionExpiry: random.pick([60, 200, 4_294_967_295]),
    maxSessions: random.pick([20, 30, 1000]),
    maxSessionsPerUser: random.pick([6, 10, 1000]),
    topicAliasMaximum: random.pick([0, 4]),
    queueFull: random.pick(['drop-newest', 'drop-oldest']),
    durability: isStored ? random.pick(['process', 'disk', 'disk']) : undefined,
    diskMostMs: random.pick([0, 5, 100]),
  }
}

export function configOf(limits: SimulationLimits, random: SeededRandom): ConfigInput {
  const plugins = [accessPlugin(random.chance(0.5))]
  const { durability } = limits
  return {
    ...(durability !== undefined && { persistence: persistenceOf(durability, random) }),
    listeners: {},
    'sys-interval': 0,
    auth: { plugins },
    'topic-check': { plugins },
    'max-queued-messages': limits.maxQueuedMessages,
    'max-queued-messages-connected': limits.maxQueuedMessagesConnected,
    'max-queued-bytes': limits.maxQueuedBytes,
    'max-inflight-messages': limits.maxInflightMessages,
    'receive-maximum': limits.receiveMaximum,
    'max-outgoing-bytes': limits.maxOutgoingBytes,
    'max-session-expiry': limits.maxSessionExpiry,
    'max-sessions': limits.maxSessions,
    'max-sessions-per-user': limits.maxSessionsPerUser,
    'topic-alias-maximum': limits.topicAliasMaximum,
    'max-outgoing-topic-aliases': random.pick([0, 3, 32]),
    'queue-full': limits.queueFull,
    'drain-timeout': random.pick([5, 30]),
    'max-recorder-bytes': random.pick([0, 20_000, 33_554_432]),
    'recorder-payload-bytes': random.pick([0, 0, 16, 1024]),
  }
}

function persistenceOf(durability: 'disk' | 'process', random: SeededRandom): Record<string, unknown> {
  return {
    durability,
    // Segments and checkpoints are a part of it: some fill up.
    'max-bytes': 64 * 2 ** 20,
    'max-ram-bytes': random.pick([20_000, 67_108_864]),
    'max-session-ram-bytes': random.pick([2000, 262_144]),
  }
}
