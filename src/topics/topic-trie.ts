/**
 * The subscription trie: finds the subscribers of a Topic Name.
 *
 *   a/b, a/+    root ─ a ─┬─ b   s1
 *                         └─ +   s2
 *
 * There is one node for each Topic Level; `+` and `#` are plain levels that only `match` treats as wildcards, and at
 * the root they are skipped for names that begin with `$` [5.0 MQTT-4.7.2-1]. `match` visits only nodes that exist, so
 * its time depends on the topic and on the matches, and hardly on the number of subscriptions. Values are opaque: the
 * trie does not know what a Session is. A single value is stored in its node directly; several are stored in a `Crowd`.
 *
 * @module
 */
import { type NodeCount, TopicNode, childOf, endOfLevel, findNode, makeNode, pruneNode } from './topic-node.ts'

/** If a filter has more values than this, a value is found by an index instead of a search. */
const MAX_SEARCHED = 16

/** Several values of one filter. */
class Crowd<Value> {
  /** In no particular order. An array, because matching reads it far more often than subscribers change. */
  readonly members: Value[] = []
  #indexOf: Map<Value, number> | undefined = undefined

  add(value: Value): boolean {
    if (this.#find(value) !== -1) return false
    this.#indexOf?.set(value, this.members.length)
    this.members.push(value)
    if (this.members.length > MAX_SEARCHED) this.#indexOf ??= new Map(this.members.map((member, at) => [member, at]))
    return true
  }

  /** The last member takes the place of the removed one. */
  remove(value: Value): boolean {
    const index = this.#find(value)
    if (index === -1) return false
    this.#indexOf?.delete(value)
    const last = this.members.pop()!
    if (last !== value) {
      this.members[index] = last
      this.#indexOf?.set(last, index)
    }
    if (this.members.length <= MAX_SEARCHED / 2) this.#indexOf = undefined
    return true
  }

  #find(value: Value): number {
    return this.#indexOf === undefined ? this.members.indexOf(value) : (this.#indexOf.get(value) ?? -1)
  }
}

type Held<Value> = Value | Crowd<Value>

/**
 * A set of (Topic Filter, value) pairs that can be queried by Topic Name. Filters and names must be valid
 * (`topicFilterProblem`, `topicNameProblem`); values are distinguished by identity.
 *
 * @example
 * const trie = new TopicTrie<string>()
 * trie.add('sport/+', 'fan') // true
 * const found: string[] = []
 * trie.match('sport/tennis', found)
 * found // ['fan']
 */
export class TopicTrie<Value extends NonNullable<unknown>> implements NodeCount {
  readonly #root = new TopicNode<Held<Value>>('')
  /** The number of nodes, which determines the memory of the tree. */
  nodes = 0
  /** Nodes that the last `match` visited. */
  visited = 0
  #size = 0

  /** The number of pairs. */
  get size(): number {
    return this.#size
  }

  /** @returns false if the pair exists already */
  add(topicFilter: string, value: Value): boolean {
    const node = makeNode(this, this.#root, topicFilter)
    if (!addTo(node, value)) return false
    this.#size++
    return true
  }

  /** @returns false if the pair does not exist */
  remove(topicFilter: string, value: Value): boolean {
    const node = findNode(this.#root, topicFilter)
    if (node === undefined || !removeFrom(node, value)) return false
    if (node.held === undefined) pruneNode(this, this.#root, topicFilter)
    this.#size--
    return true
  }

  /**
   * Pushes the value of every pair whose filter matches `topicName` to `into`, in no particular order; a value with
   * several matching filters is pushed once for each.
   *
   * Hot: runs for every PUBLISH whose topic is not in the cache. Follows one path in a loop, and puts another aside
   * only where both a name and a `+` lead on.
   */
  match(topicName: string, into: Value[]): void {
    this.visited = 0
    const hidden = topicName.charCodeAt(0) === 0x24 // begins with $
    let aside: Aside<Value> | undefined
    let node: TopicNode<Held<Value>> | undefined = this.#root
    // Where the first unused level begins; past the end when there is none.
    let at = 0
    for (;;) {
      this.visited++
      let next: TopicNode<Held<Value>> | undefined
      if (at > topicName.length) {
        collect(node, into)
        collect(childOf(node, '#'), into)
      } else if (node.children !== undefined) {
        const end = endOfLevel(topicName, at)
        next = childOf(node, topicName.slice(at, end))
        if (at > 0 || !hidden) {
          // [5.0 MQTT-4.7.2-1]
          collect(childOf(node, '#'), into)
          const any = childOf(node, '+')
          if (next === undefined) next = any
          else if (any !== undefined) aside = { node: any, at: end + 1, before: aside }
        }
        at = end + 1
      }
      if (next === undefined) {
        if (aside === undefined) return
        next = aside.node
        at = aside.at
        aside = aside.before
      }
      node = next
    }
  }
}

/** A path to follow later: a linked stack. */
interface Aside<Value> {
  readonly node: TopicNode<Held<Value>>
  readonly at: number
  readonly before: Aside<Value> | undefined
}

function collect<Value>(node: TopicNode<Held<Value>> | undefined, into: Value[]): void {
  const held = node?.held
  if (held === undefined) return
  if (held instanceof Crowd) for (const value of held.members) into.push(value)
  else into.push(held)
}

function addTo<Value>(node: TopicNode<Held<Value>>, value: Value): boolean {
  const held = node.held
  if (held === value) return false
  if (held === undefined) node.held = value
  else if (held instanceof Crowd) return held.add(value)
  else {
    const crowd = new Crowd<Value>()
    crowd.add(held)
    crowd.add(value)
    node.held = crowd
  }
  return true
}

function removeFrom<Value>(node: TopicNode<Held<Value>>, value: Value): boolean {
  const held = node.held
  if (held instanceof Crowd) {
    if (!held.remove(value)) return false
    if (held.members.length === 1) node.held = held.members[0]
    return true
  }
  if (held !== value) return false
  node.held = undefined
  return true
}
