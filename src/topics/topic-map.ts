/**
 * Topic Names with a value each, to be found by Topic Filter: the retained messages (§3.3.1.3).
 *
 *   a/b = 1, a/c = 2, a = 3     root ─ a (3) ─┬─ b (1)
 *                                             └─ c (2)
 *
 * The look-up is the trie's turned round: the tree has the names, the question has the wildcards, and one answer may be
 * everything. So it comes lazily, and the map may change between two steps: an entry that is there all the time comes
 * exactly once; one that comes or goes meanwhile comes or not; and the walk ends.
 *
 * @module
 */
import { type NodeCount, TopicNode, childOf, countChildren, findNode, makeNode, pruneNode } from './topic-node.ts'

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
  readonly #root = new TopicNode<Value>('')
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
    for (const found of this.matchInSteps(topicFilter, Infinity)) if (found !== undefined) yield found
  }

  /**
   * As `match`, but also yields `undefined` whenever another `maxNodes` nodes were visited: a chance to stop until the next
   * turn, also where much is searched and little found (`+/x` among a million names that end otherwise).
   */
  matchInSteps(
    topicFilter: string,
    maxNodes: number,
  ): Generator<[topicName: string, value: Value] | undefined, void, undefined> {
    return walk(this.#root, topicFilter.split('/'), maxNodes, false)
  }

  /** Every entry, those that begin with `$` too. */
  *[Symbol.iterator](): Generator<[topicName: string, value: Value], void, undefined> {
    for (const found of walk(this.#root, ['#'], Infinity, true)) if (found !== undefined) yield found
  }
}

/** Children of one node that are yet to be visited. */
interface Branch<Value> {
  readonly children: Iterator<TopicNode<Value>>
  /**
   * How many to visit at most. A Map's iterator sees what is added meanwhile, but last: as many steps as there were children
   * at first reach all that stay, and no more steps than that keeps the walk finite.
   */
  left: number
  /** Name of the parent; `undefined` for the root. */
  readonly parentName: string | undefined
  /** How many levels of the filter the parent has used up. */
  readonly used: number
}

function* walk<Value>(
  root: TopicNode<Value>,
  filter: readonly string[],
  maxNodes: number,
  showHidden: boolean,
): Generator<[topicName: string, value: Value] | undefined, void, undefined> {
  const branches = [branchOf(root, undefined, 0, filter[0]!)]
  for (let visited = 1; ; visited++) {
    if (visited % maxNodes === 0) yield undefined
    const branch = branches.at(-1)
    if (branch === undefined) return
    const child = branch.left-- > 0 ? branch.children.next() : undefined
    if (child === undefined || child.done === true) {
      branches.pop()
      continue
    }
    const { level, held } = child.value
    const wanted = filter[branch.used]!
    if (branch.parentName === undefined && !showHidden && wanted !== level && level.startsWith('$')) continue // [5.0 MQTT-4.7.2-1]
    const name: string = branch.parentName === undefined ? level : `${branch.parentName}/${level}`
    const used = wanted === '#' ? branch.used : branch.used + 1
    const below = filter[used]
    if (below !== undefined) branches.push(branchOf(child.value, name, used, below))
    // `#` also stands for its parent level.
    if (held !== undefined && (below === undefined || below === '#')) yield [name, held]
  }
}

/** The children of `node` that a filter's next level asks for. */
function branchOf<Value>(
  node: TopicNode<Value>,
  parentName: string | undefined,
  used: number,
  wanted: string,
): Branch<Value> {
  if (wanted === '+' || wanted === '#') {
    const children = node.children instanceof Map ? node.children.values() : only(node.children)
    return { children, left: countChildren(node), parentName, used }
  }
  return { children: only(childOf(node, wanted)), left: 1, parentName, used }
}

function only<Item>(item: Item | undefined): Iterator<Item> {
  return (item === undefined ? [] : [item]).values()
}
