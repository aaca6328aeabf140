/**
 * Topic Names with a value each, to be found by Topic Filter: the retained messages (§3.3.1.3).
 *
 *   a/b = 1, a/c = 2, a = 3     root ─ a (3) ─┬─ b (1)
 *                                             └─ c (2)
 *
 * The look-up is the trie's turned round: the tree has the names, the question has the wildcards, and one answer may be
 * everything. So it comes lazily (`topic-search.ts`), and the map may change between two steps.
 *
 * @module
 */
import { OrderedSearch } from './ordered-search.ts'
import { SiblingNode } from './sibling-node.ts'
import { type NodeCount, findNode, makeNode, pruneNode } from './topic-node.ts'
import { TopicSearch } from './topic-search.ts'

/**
 * A Map from Topic Name to value. Names and filters are taken to be valid.
 *
 * @example
 * const map = new TopicMap<string>()
 * map.set('sport/tennis', '40:15') // undefined
 * map.get('sport/tennis') // '40:15'
 * Array.from(map.match('sport/+')) // [['sport/tennis', '40:15']]
 */
export class TopicMap<Value extends NonNullable<unknown>> implements NodeCount {
  readonly #root = new SiblingNode<Value>('')
  /** Nodes of the tree: what it takes in memory. */
  nodes = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  get(topicName: string): Value | undefined {
    return findNode(this.#root, topicName)?.held
  }

  /** @returns what stood there before */
  set(topicName: string, value: Value): Value | undefined {
    const node = makeNode(this, this.#root, topicName)
    const before = node.held
    if (before === undefined) this.#size++
    node.held = value
    return before
  }

  /** @returns what stood there */
  delete(topicName: string): Value | undefined {
    const node = findNode(this.#root, topicName)
    const before = node?.held
    if (node === undefined || before === undefined) return undefined
    node.held = undefined
    pruneNode(this, this.#root, topicName)
    this.#size--
    return before
  }

  /** Every entry whose name `topicFilter` matches, in no particular order, found as the caller asks for them. */
  *match(topicFilter: string): Generator<[topicName: string, value: Value], void, undefined> {
    yield* this.#walk(topicFilter.split('/'), false)
  }

  /**
   * As `match`, but in steps and without names, for callers that have to stop on the way. One that is given up before it has
   * returned false has to be ended.
   *
   * @example
   * const map = new TopicMap<number>()
   * map.set('a/b', 1) // undefined
   * const search = map.search('+/b')
   * search.step(1) // true: another node may be visited
   * search.value // undefined
   * search.step(1) // true
   * search.value // 1
   * search.step(1000) // false
   */
  search(topicFilter: string): TopicSearch<Value> {
    return new TopicSearch(this.#root, topicFilter.split('/'), false)
  }

  /**
   * As `search`, in an order that depends on the names alone: it may be made anew behind what another one found last, in
   * another process too. It takes more memory and time.
   *
   * @param after the name that was found last; empty to begin
   * @example
   * const map = new TopicMap<string>()
   * for (const name of ['a/b', 'c/b', 'd/b']) map.set(name, name)
   * const first = map.searchInOrder('+/b', '')
   * while (first.step(1) && first.value === undefined);
   * const rest = map.searchInOrder('+/b', first.value ?? '')
   * rest.step(100)
   * rest.value === first.value // false
   */
  searchInOrder(topicFilter: string, after: string): OrderedSearch<Value> {
    return new OrderedSearch(this.#root, topicFilter, after)
  }

  /** Every entry, those that begin with `$` too. */
  *[Symbol.iterator](): Generator<[topicName: string, value: Value], void, undefined> {
    yield* this.#walk(['#'], true)
  }

  *#walk(
    filter: readonly string[],
    showHidden: boolean,
  ): Generator<[topicName: string, value: Value], void, undefined> {
    const levels: string[] = []
    const search = new TopicSearch(this.#root, filter, showHidden, levels)
    try {
      while (search.step(Infinity)) yield [levels.join('/'), search.value!]
    } finally {
      search.end()
    }
  }
}
