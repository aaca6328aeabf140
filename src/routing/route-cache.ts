/**
 * The routes of topics that were used recently, until a subscription changes that affects them.
 *
 *   + a/7       no wildcards: at most one name, found by its bytes
 *   - fleet/+   wildcards: a walk past all names, where that costs less than making anew what is kept; else all are forgotten
 *
 * So a fleet that comes and goes does not affect the routes of other names, and very many changes at once cost little
 * more than the first of them. The hot path compares two numbers: a topic whose `version` is the cache's has valid
 * routes.
 *
 * A topic that was removed from the cache, or is too long for it, may still be in use by a Topic Alias. Such strays
 * cannot be found by name, so any change makes them forget their routes.
 *
 * @module
 */
import { Work, type WorkBudget } from '../base/work.ts'
import { MatchCache, type CachedTopic } from '../topics/match-cache.ts'
import { hasWildcards } from '../topics/topic-filter.ts'

/**
 * The most receivers that all routes may contain, before all of them are made anew. A Client can choose any topic
 * names, and with many subscribers to `#`, each name has routes to all of them.
 */
export const MAX_KEPT_RECEIVERS = 250_000
/** The least that routes count, for their entry. */
const LEAST_RECEIVERS = 8
/** Bytes of a Topic Name that count as one receiver; the entry holds them as bytes and as text. */
const NAME_BYTES_PER_RECEIVER = 32
/** Units of work for making the routes of one topic again: about a microsecond. */
const REMAKE_UNITS = 10
/** The most topics whose routes are kept, apart from strays. */
const CAPACITY = 8192

/** Routes with the number of their subscriptions. */
interface Sized {
  /** The number of subscriptions from which they were made. */
  readonly subscriptions: number
}

export class RouteCache<Routes extends Sized> {
  readonly #work: WorkBudget
  readonly #topics: MatchCache<Routes>
  /** Topics outside of `#topics` that have routes. */
  #strays: CachedTopic<Routes>[] = []
  /** The number of topics in `#topics` whose routes are valid. */
  #good = 0
  /** Units of work for walks since all routes were forgotten. */
  #walked = 0
  #receivers = 0
  /** Routes of another version are out of date. Hot: read for every message. */
  version = 0

  constructor(work: WorkBudget, seed: number) {
    this.#work = work
    this.#topics = new MatchCache({ capacity: CAPACITY, seed })
  }

  /** The number of receivers in the routes that are kept. */
  get receivers(): number {
    return this.#receivers
  }

  /** Hot: runs for every PUBLISH without a known Topic Alias. */
  find(bytes: Uint8Array, start: number, end: number): CachedTopic<Routes> | undefined {
    return this.#topics.find(bytes, start, end)
  }

  /** Makes the entry for a topic that `find` did not know. */
  put(bytes: Uint8Array, start: number, end: number, topicName: string): CachedTopic<Routes> {
    const entry = this.#topics.put(bytes, start, end, topicName)
    const { evicted } = this.#topics
    if (evicted?.result !== undefined) {
      if (evicted.version === this.version) this.#good--
      this.#drop(evicted, evicted.result)
    }
    return entry
  }

  /** Keeps the routes of a topic that has none, or whose routes are out of date. */
  keep(topic: CachedTopic<Routes>, routes: Routes): void {
    if (topic.result !== undefined) this.#drop(topic, topic.result)
    const size = sizeOf(topic, routes)
    if (this.#receivers + size > MAX_KEPT_RECEIVERS) this.letGo()
    this.#receivers += size
    topic.version = this.version
    topic.result = routes
    if (topic.isKept) this.#good++
    else this.#strays.push(topic)
  }

  /** The subscriptions with `topicFilter`, which is not a shared one, have changed. */
  changed(topicFilter: string): void {
    if (this.#strays.length > 0) this.#letStraysGo()
    if (this.#good === 0) return
    if (!hasWildcards(topicFilter)) {
      this.#work.spend(Work.node)
      this.#forgetOne(this.#topics.get(topicFilter))
    } else if (this.#walked + this.#topics.walkUnits > this.#good * REMAKE_UNITS) this.forgetAll()
    else {
      for (const topic of this.#topics.findMatching(topicFilter)) this.#forgetOne(topic)
      this.#walked += this.#topics.units
      this.#work.spend(this.#topics.units)
    }
  }

  #forgetOne(topic: CachedTopic<Routes> | undefined): void {
    if (topic?.result === undefined || topic.version !== this.version) return
    this.#good--
    this.#drop(topic, topic.result)
  }

  /** Invalidates all routes. They stay until they are made anew, or until `letGo`. */
  forgetAll(): void {
    this.version++
    this.#good = 0
    this.#walked = 0
    this.#letStraysGo()
  }

  /** Like `forgetAll`, but releases the routes, too. */
  letGo(): void {
    this.forgetAll()
    for (const topic of this.#topics) if (topic.result !== undefined) this.#drop(topic, topic.result)
  }

  #letStraysGo(): void {
    for (const topic of this.#strays) if (topic.result !== undefined) this.#drop(topic, topic.result)
    this.#strays = []
  }

  #drop(topic: CachedTopic<Routes>, routes: Routes): void {
    this.#receivers -= sizeOf(topic, routes)
    topic.result = undefined
    topic.version = -1
  }
}

function sizeOf({ topicBytes }: CachedTopic<unknown>, { subscriptions }: Sized): number {
  return subscriptions + Math.floor(topicBytes.length / NAME_BYTES_PER_RECEIVER) + LEAST_RECEIVERS
}
