/**
 * Maps Topic Names to values that can be found by Topic Filter: the retained messages (§3.3.1.3).
 *
 *   a/b = 1, a/c = 2, a = 3     root ─ a (3) ─┬─ b (1)
 *                                             └─ c (2)
 *
 * This is the reverse of the trie: the tree contains the names, the query contains the wildcards, and one result may be
 * everything. The search is therefore lazy (`topic-search.ts`), and the map may change between two steps.
 *
 * @module
 */
import { OrderedSearch } from './ordered-search.ts'
import { SiblingNode } from './sibling-node.ts'
import { type NodeCount, findNode, makeNode, pruneNode } from './topic-node.ts'
import { TopicSearch } from './topic-search.ts'

/**
 * A Map from Topic Name to value. Names and filters must be valid.
 *
 * @example
 * const map = new TopicMap<string>()
 * map.set('sport/tennis', '40:15') // undefined
 * map.get('sport/tennis') // '40:15'
 * Array.from(map.match('sport/+')) // [['sport/tennis', '40:15']]
 */
export class TopicMap<Value extends NonNullable<unknown>> implements NodeCount {
  readonly #root = new SiblingNode<Value>('')
  /** The number of nodes, which determines the memory of the tree. */
  nodes = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  get(topicName: string): Value | undefined {
    return findNode(this.#root, topicName)?.held
  }

  /** @returns the previous value */
  set(topicName: string, value: Value): Value | undefined {
    const node = makeNode(this, this.#root, topicName)
    const before = node.held
    if (before === undefined) this.#size++
    node.held = value
    return before
  }

  /** @returns the removed value */
  delete(topicName: string): Value | undefined {
    const node = findNode(this.#root, topicName)
    const before = node?.held
    if (node === undefined || before === undefined) return undefined
    node.held = undefined
    pruneNode(this, this.#root, topicName)
    this.#size--
    return before
  }

  /** Yields every entry whose name `topicFilter` matches, in no particular order, as the caller asks for them. */
  *match(topicFilter: string): Generator<[topicName: string, value: Value], void, undefined> {
    yield* this.#walk(topicFilter.split('/'), false)
  }

  /**
   * Like `match`, but in steps and without names, for callers that have to stop on the way. A search that is abandoned
   * before it has returned false has to be ended.
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
   * Like `search`, but in an order that depends only on the names, so that another search can continue after the name
   * that this one found last, even in another process. It takes more memory and time.
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

  /** Yields every entry, including those that begin with `$`. */
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
