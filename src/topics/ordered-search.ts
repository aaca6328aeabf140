/**
 * A search in a `TopicMap` that can be resumed after a restart. It works like `topic-search.ts`, but in an order that
 * depends only on the Topic Names, so that the last name it found is all that has to be remembered.
 *
 *   filter  +/b    found last  d/b      in order of their hash:  a  d │ c  f      after d: c and f are left, and what is below
 *
 * It holds names instead of nodes: for each level on its path, the next few siblings (a sixteenth of the names examined
 * for them, or `WINDOW`). Names that were removed meanwhile are skipped. Names that were added may or may not be found.
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
/** The memory of a name there, in addition to its text. */
const NAME_BYTES = 16
/** This many names examined for a window cost as much as a visited node. */
const NAMES_A_NODE = 2

/** A level on the path to the current place. */
class Frame<Value> {
  /** How many levels of the filter the parent has used. */
  readonly used: number
  /** Names of the children that are still to be visited, from `at` on. */
  names: readonly string[] = []
  at = 0
  /** Whether there are no others after these. */
  isLast = false
  /** The child that was visited last. */
  name: string | undefined = undefined
  /** The memory of `names`. */
  bytes = 0
  /** Known only during a step, because the tree changes between two. */
  parent: TopicNode<Value> | undefined = undefined

  constructor(used: number, wanted: string) {
    this.used = used
    if (wanted === '+' || wanted === '#') return
    this.names = [wanted]
    this.isLast = true
  }

  /** @returns how many names were examined; -1 at the end */
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

/** A search that stops after a number of nodes and can be continued; created by `TopicMap.searchInOrder`. */
export class OrderedSearch<Value extends NonNullable<unknown>> {
  /** The value that the last step found; `undefined` if it stopped on the way. */
  value: Value | undefined = undefined
  /** Nodes visited so far. */
  visited = 0
  readonly #root: TopicNode<Value>
  readonly #filter: readonly string[]
  readonly #frames: Frame<Value>[] = []

  /** @param after the name that was found last; empty for a new search */
  constructor(root: TopicNode<Value>, topicFilter: string, after: string) {
    this.#root = root
    this.#filter = topicFilter.split('/')
    this.#enterLevel(0)
    if (after !== '' && matches(topicFilter, after)) this.#moveBehind(after.split('/'))
  }

  /** The number of levels that it keeps: of the filter, and on the path to the current place. */
  get levels(): number {
    return this.#filter.length + this.#frames.length
  }

  /** The memory of the names that it keeps. */
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
   * Advances to the next entry, or until this many more nodes were visited.
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

  /** If a node is gone, everything below it is gone too. */
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
    // `#` also matches its parent level.
    if (below === undefined || below === '#') this.value = child.held
    if (below === undefined || child.children === undefined) return
    this.#enterLevel(used)
    this.#frames.at(-1)!.parent = child
  }

  /** The search is abandoned; no other object refers to it. */
  end(): void {
    this.#frames.length = 0
  }
}
