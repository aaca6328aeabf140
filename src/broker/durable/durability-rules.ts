/**
 * How durable a message has to be: the broker's level, unless a rule for its topic or for its listener says otherwise.
 *
 * A topic rule wins over a listener's level, and the first rule that matches counts.
 *
 * @module
 */
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import type { Durability } from '../../stores/store.ts'
import { matches } from '../../topics/topic-filter.ts'
import type { PersistenceOptions } from '../../config/options.ts'

/**
 * The broker publishes figures of this process there. The next process has its own, and a disk should sleep while
 * nobody publishes. The state of a bridge, which its Client publishes there, is stored like everything else.
 */
const SYS_PREFIX = '$SYS/'
const DOLLAR = 0x24
/** The most topics whose level is remembered. */
const MAX_REMEMBERED = 4096
const MAX_REMEMBERED_LENGTH = 512

export class DurabilityRules {
  /** The level if no rule says otherwise, also for Sessions and Wills. */
  level: Durability
  readonly #topics: readonly (readonly [topicFilter: string, level: Durability])[]
  readonly #levelOfPublisher: ((clientId: string) => Durability | undefined) | undefined
  readonly #known = new Map<string, Durability | undefined>()

  constructor(
    { durability, topics }: Pick<PersistenceOptions, 'durability' | 'topics'>,
    levelOfPublisher: ((clientId: string) => Durability | undefined) | undefined,
  ) {
    this.level = durability
    this.#topics = Object.entries(topics)
    this.#levelOfPublisher = levelOfPublisher
  }

  levelOf({ topicName, publisher }: ApplicationMessage): Durability {
    if (publisher === '' && topicName.charCodeAt(0) === DOLLAR && topicName.startsWith(SYS_PREFIX)) return 'memory'
    return this.#levelOfTopic(topicName) ?? this.#levelOfPublisher?.(publisher) ?? this.level
  }

  #levelOfTopic(topicName: string): Durability | undefined {
    if (this.#topics.length === 0) return undefined
    if (this.#known.has(topicName)) return this.#known.get(topicName)
    const level = this.#topics.find(([topicFilter]) => matches(topicFilter, topicName))?.[1]
    if (topicName.length > MAX_REMEMBERED_LENGTH) return level
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear()
    this.#known.set(topicName, level)
    return level
  }
}
