/**
 * A search in a `TopicMap` that can stop anywhere: it keeps its place, but none of its results.
 *
 *   filter  +/b      root ─┬─ a ─┬─ b   found          cursors  [ children of root: at d ] [ b of a: at its end ]
 *                          │     └─ c
 *                          └─ d ─── b   found
 *
 * The map may change between two steps: an entry that exists all the time is found exactly once; one that is added or
 * removed meanwhile may or may not be found; and the search ends. Nodes of the tree know the cursors on them
 * (`sibling-node.ts`), so a search that is abandoned has to be ended.
 *
 * @module
 */
import { Cursor, type SiblingNode } from './sibling-node.ts'

/** A search that stops after a number of nodes and can be continued; created by `TopicMap.search`. */
export class TopicSearch<Value extends NonNullable<unknown>> {
  /** The value that the last step found; `undefined` if it stopped on the way. */
  value: Value | undefined = undefined
  /** Nodes visited so far. */
  visited = 0
  readonly #filter: readonly string[]
  readonly #showHidden: boolean
  /** The levels on the path to the current place, for callers that need names. */
  readonly #levels: string[] | undefined
  readonly #cursors: Cursor<Value>[]
  /** The children of the entry that was found: entered in the next step. */
  #next: Cursor<Value> | undefined = undefined

  /** @param levels an empty array, which receives the levels of each result */
  constructor(root: SiblingNode<Value>, filter: readonly string[], showHidden: boolean, levels?: string[]) {
    this.#filter = filter
    this.#showHidden = showHidden
    this.#levels = levels
    this.#cursors = [new Cursor(root, 0, filter[0]!)]
  }

  /** The number of levels that it keeps: of the filter, and on the path to the current place. */
  get levels(): number {
    return this.#filter.length + this.#cursors.length
  }

  /** The memory of the names that it keeps: only those of the filter. */
  get nameBytes(): number {
    return 0
  }

  /**
   * Advances to the next entry, or until this many more nodes were visited.
   *
   * @returns false at the end
   */
  step(maxNodes: number): boolean {
    this.value = undefined
    if (this.#next !== undefined) this.#cursors.push(this.#next)
    this.#next = undefined
    for (let left = maxNodes; left > 0 && this.value === undefined; left--) {
      const cursor = this.#cursors.at(-1)
      if (cursor === undefined) return false
      this.visited++
      const child = cursor.take()
      if (child === undefined) this.#cursors.pop()
      else this.#visit(cursor, child)
    }
    return true
  }

  /** The search is abandoned. */
  end(): void {
    for (const cursor of this.#cursors.splice(0)) cursor.moveTo(undefined)
    this.#next?.moveTo(undefined)
    this.#next = undefined
  }

  #visit(cursor: Cursor<Value>, child: SiblingNode<Value>): void {
    const wanted = this.#filter[cursor.used]!
    const depth = this.#cursors.length
    if (depth === 1 && !this.#showHidden && wanted !== child.level && child.level.startsWith('$')) return // [5.0 MQTT-4.7.2-1]
    this.#levels?.splice(depth - 1, Infinity, child.level)
    const used = wanted === '#' ? cursor.used : cursor.used + 1
    const below = this.#filter[used]
    const deeper = below === undefined || child.children === undefined ? undefined : new Cursor(child, used, below)
    // `#` also matches its parent level.
    if (below === undefined || below === '#') this.value = child.held
    if (this.value !== undefined) this.#next = deeper
    else if (deeper !== undefined) this.#cursors.push(deeper)
  }
}
