/** Opens the Store that a configuration asks for. @module */
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { UsageError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { HostStore } from './host-store.ts'
import { MemoryStore } from '../../stores/memory-store.ts'
import type { Store } from '../../stores/store.ts'
import type { Options } from '../../config/options.ts'

export interface StoreSettings {
  readonly clock: Clock
  readonly log: Logger
  /** Where to keep it, instead of the folder that `persistence.path` names. */
  readonly disk: Disk | undefined
  /** A Store of the host program, to be used instead. */
  readonly own: Store | undefined
  /** Whether to start from a damaged store with what is readable. */
  readonly repair: boolean
}

/** Whether anything at all outlives the process: a topic or listener may ask for more than the broker as a whole. */
export function keepsState({ persistence, listeners }: Pick<Options, 'persistence' | 'listeners'>): boolean {
  if (persistence === undefined) return false
  const levels = [persistence.durability, ...Object.values(persistence.topics)]
  levels.push(...listeners.map(({ durability }) => durability ?? persistence.durability))
  return levels.some((level) => level !== 'memory')
}

/**
 * @throws {StoreError} if the store cannot be used: another process has it, or it is damaged
 * @throws {UsageError} if the object of the host program is not a Store
 */
export async function openStoreFor(options: Options, { clock, log, disk, own, repair }: StoreSettings): Promise<Store> {
  const { persistence } = options
  if (persistence === undefined || !keepsState(options)) return new MemoryStore()
  if (own !== undefined) {
    mustBeStore(own)
    return new HostStore(own, log, clock)
  }
  const { path, maxBytes } = persistence
  // Forty modules, which a broker in memory does without.
  const { JournalStore, openStore } = await import('../../stores/journal-store.ts')
  const common = { clock, log, repair, ...(maxBytes > 0 && { maxBytes }) }
  return disk === undefined ? openStore({ ...common, path }) : new JournalStore({ ...common, disk })
}

/** What a store has brought back. */
interface Kept {
  readonly sessions: number
  readonly subscriptions: number
  readonly retainedMessages: number
  readonly queuedMessages: number
}

/** Logs what could not be loaded from a damaged store, and what it has kept. */
export function logDamage({ damage = [] }: Store, kept: Kept, log: Logger): void {
  if (damage.length === 0) return
  for (const { name, path, offset, what } of damage)
    log.warn({ name, offset }, `damage: ${path}, byte ${offset}: ${what}`)
  const { sessions, subscriptions, retainedMessages, queuedMessages } = kept
  const places = damage.length === 1 ? 'one finding' : `${damage.length} findings`
  log.warn(
    { findings: damage.length, ...kept },
    `the store was repaired, with ${places} (see above); kept: sessions ${sessions}, subscriptions ${subscriptions}, messages that wait for clients ${queuedMessages}, retained messages ${retainedMessages}`,
  )
}

const METHODS = ['onHealth', 'load', 'write', 'read', 'close'] as const satisfies readonly (keyof Store)[]

/** @throws {UsageError} if the object is not a Store, which a program in JavaScript may pass */
function mustBeStore(own: Store): void {
  const missing = METHODS.filter((name) => typeof own[name] !== 'function')
  if (missing.length === 0) return
  throw new UsageError(
    `the store of this program has no method ${missing.join(', ')}; the type Store of sluice/testing lists what it needs`,
  )
}
