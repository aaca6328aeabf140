/**
 * A search in a `TopicMap` that can be resumed after a restart: as `topic-search.ts`, but in an order that depends on the Topic
 * Names alone, so that the last name it found says all about how far it has come.
 *
 *   filter  +/b    found last  d/b      in order of their hash:  a  d │ c  f      behind d: c and f are left, and what is below
 *
 * It holds names, not nodes: of each level on its way the next few of the siblings (a sixteenth of those that are looked
 * through for them, or `WINDOW`). What was removed meanwhile is passed over. What was added may be found or not.
 *
 * @module
 */
import { firstAfter } from '../base/hash-order.ts'
import { sizeOfText } from '../base/memory-account.ts'
import { WideMap } from '../base/wide-map.ts'
import { matches } from './topic-filter.ts'
import { TopicNode, childOf, countChildren } from './topic-node.ts'

/** How many names of siblings are fetched at once. */
const WINDOW = 128
/** What a name takes there, besides its text. */
const NAME_BYTES = 16
/** So many names that are looked through for a window cost as much as a node that is visited. */
const NAMES_A_NODE = 2

/** A level on the way to where the search is. */
class Frame<Value> {
  /** How many levels of the filter the parent has used up. */
  readonly used: number
  /** Names of children that are yet to be visited, from `at` on. */
  names: readonly string[] = []
  at = 0
  /** Behind these there are no others. */
  isLast = false
  /** The child that was visited last. */
  name: string | undefined = undefined
  /** What `names` take in memory. */
  bytes = 0
  /** Known during a step only: the tree changes between two. */
  parent: TopicNode<Value> | undefined = undefined

  constructor(used: number, wanted: string) {
    this.used = used
    if (wanted === '+' || wanted === '#') return
    this.names = [wanted]
    this.isLast = true
  }

  /** @returns how many names were looked through; -1 at the end */
  fetch(): number {
    if (this.isLast) return -1
    const { children } = this.parent!
    const size = children === undefined ? 0 : countChildren(this.parent!)
    const wide = children instanceof WideMap ? children : undefined
    const narrow = children instanceof TopicNode ? [children.level] : children instanceof Map ? children.keys() : []
    this.names = wide?.keysAfter(this.name, windowOf) ?? firstAfter(narrow, this.name, windowOf(size))
    this.at = 0
    this.isLast = wide === undefined ? this.names.length < windowOf(size) : this.names.length === 0
    this.bytes = this.names.reduce((bytes, name) => bytes + NAME_BYTES + sizeOfText(name), 0)
    return this.names.length === 0 ? -1 : size
  }
}

function windowOf(size: number): number {
  return Math.max(WINDOW, size >>> 4)
}

/** A search that stops after so many nodes and continues where it was; `TopicMap.searchInOrder` makes one. */
export class OrderedSearch<Value extends NonNullable<unknown>> {
  /** What the last step found; `undefined` where it stopped on the way. */
  value: Value | undefined = undefined
  /** Nodes visited so far. */
  visited = 0
  readonly #root: TopicNode<Value>
  readonly #filter: readonly string[]
  readonly #frames: Frame<Value>[] = []

  /** @param after what it has found last; empty for a new one */
  constructor(root: TopicNode<Value>, topicFilter: string, after: string) {
    this.#root = root
    this.#filter = topicFilter.split('/')
    this.#enterLevel(0)
    if (after !== '' && matches(topicFilter, after)) this.#moveBehind(after.split('/'))
  }

  /** How many levels it keeps: of the filter, and on the way to where it is. */
  get levels(): number {
    return this.#filter.length + this.#frames.length
  }

  /** What the names that it keeps take in memory. */
  get nameBytes(): number {
    let bytes = 0
    for (const frame of this.#frames) bytes += frame.bytes
    return bytes
  }

  #enterLevel(used: number): void {
    this.#frames.push(new Frame(used, this.#filter[used]!))
  }

  #moveBehind(levels: readonly string[]): void {
    for (const name of levels) {
      const frame = this.#frames.at(-1)!
      frame.name = name
      frame.at = frame.names.length
      const used = this.#usedBehind(frame)
      if (used < this.#filter.length) this.#enterLevel(used)
    }
  }

  #usedBehind({ used }: Frame<Value>): number {
    return this.#filter[used] === '#' ? used : used + 1
  }

  /**
   * Goes on to the next entry, or until so many more nodes were visited.
   *
   * @returns false at the end
   */
  step(maxNodes: number): boolean {
    this.value = undefined
    this.#findParents()
    const end = this.visited + maxNodes
    while (this.visited < end && this.value === undefined && this.#frames.length > 0) this.#visitNext()
    for (const frame of this.#frames) frame.parent = undefined
    return this.value !== undefined || this.#frames.length > 0
  }

  /** What was below a node that is gone is gone too. */
  #findParents(): void {
    let parent: TopicNode<Value> | undefined = this.#root
    for (const [at, frame] of this.#frames.entries()) {
      if (parent === undefined) {
        this.#frames.length = at
        return
      }
      frame.parent = parent
      if (frame.name !== undefined) parent = childOf(parent, frame.name)
    }
  }

  #visitNext(): void {
    const frame = this.#frames.at(-1)!
    this.visited++
    if (frame.at === frame.names.length) {
      const looked = frame.fetch()
      this.visited += Math.max(0, Math.floor(looked / NAMES_A_NODE))
      if (looked < 0) this.#frames.pop()
      return
    }
    frame.name = frame.names[frame.at++]!
    const child = childOf(frame.parent!, frame.name)
    if (child !== undefined) this.#visit(frame, child)
  }

  #visit(frame: Frame<Value>, child: TopicNode<Value>): void {
    const isWild = this.#frames.length === 1 && this.#filter[0] !== child.level
    if (isWild && child.level.startsWith('$')) return // [5.0 MQTT-4.7.2-1]
    const used = this.#usedBehind(frame)
    const below = this.#filter[used]
    // `#` also stands for its parent level.
    if (below === undefined || below === '#') this.value = child.held
    if (below === undefined || child.children === undefined) return
    this.#enterLevel(used)
    this.#frames.at(-1)!.parent = child
  }

  /** It is given up: nothing refers to it. */
  end(): void {
    this.#frames.length = 0
  }
}
