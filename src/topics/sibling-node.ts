/**
 * The node of a tree that is searched in steps: its children form a list, oldest first, and a cursor points to one of
 * them.
 *
 *   children of `a`    b ⇄ c ⇄ d     a cursor on c: when c is removed, it moves to d
 *
 * A search may be suspended for days while topics are added and removed. An iterator of a Map would keep every table
 * that the Map has had since then, with all of its entries. A cursor is known to its node, which moves it on when the
 * node is removed; so a search refers only to nodes that are in the tree.
 *
 * @module
 */
import { TopicNode, childOf, countChildren } from './topic-node.ts'

export class SiblingNode<Held> extends TopicNode<Held> {
  /** The oldest child. */
  first: SiblingNode<Held> | undefined = undefined
  next: SiblingNode<Held> | undefined = undefined
  /** For the first child: the last one. */
  previous: SiblingNode<Held> = this
  /** One of the cursors on this node. */
  cursor: Cursor<Held> | undefined = undefined

  override makeChild(level: string): SiblingNode<Held> {
    const child = new SiblingNode<Held>(level)
    if (this.first === undefined) this.first = child
    else {
      const last = this.first.previous
      last.next = child
      child.previous = last
      this.first.previous = child
    }
    return child
  }

  override dropped(child: SiblingNode<Held>): void {
    const { next, previous } = child
    if (child === this.first) this.first = next
    else previous.next = next
    if (next !== undefined) next.previous = previous
    else if (this.first !== undefined) this.first.previous = previous
    moveOn(child, next)
    // The nodes removed with it have only one child each.
    for (let below = child.first; below !== undefined; below = below.first) moveOn(below, undefined)
  }
}

function moveOn<Held>({ cursor }: SiblingNode<Held>, next: SiblingNode<Held> | undefined): void {
  while (cursor !== undefined) {
    const following: Cursor<Held> | undefined = cursor.following
    cursor.moveTo(cursor.isOne ? undefined : next)
    cursor = following
  }
}

/** A position among the children of one node: the ones that are still to be visited. */
export class Cursor<Held> {
  /** How many levels of the filter the parent has used. */
  readonly used: number
  /** Whether only one child is to be visited. */
  readonly isOne: boolean
  /**
   * The most children to visit. Children added meanwhile come last: as many steps as there were children at first reach
   * all that stay, and the limit keeps the search finite.
   */
  #left: number
  /** The node to be visited next. */
  #node: SiblingNode<Held> | undefined = undefined
  /** Another cursor on the same node. */
  following: Cursor<Held> | undefined = undefined
  #preceding: Cursor<Held> | undefined = undefined

  /** @param wanted a level of a Topic Filter */
  constructor(parent: SiblingNode<Held>, used: number, wanted: string) {
    this.used = used
    this.isOne = wanted !== '+' && wanted !== '#'
    this.#left = this.isOne ? 1 : countChildren(parent)
    this.moveTo(this.isOne ? (childOf(parent, wanted) as SiblingNode<Held> | undefined) : parent.first)
  }

  /** Returns the next child; `undefined` at the end. */
  take(): SiblingNode<Held> | undefined {
    const node = this.#left-- > 0 ? this.#node : undefined
    this.moveTo(this.#left > 0 ? node?.next : undefined)
    return node
  }

  /** @param node `undefined` at the end */
  moveTo(node: SiblingNode<Held> | undefined): void {
    if (this.#preceding !== undefined) this.#preceding.following = this.following
    else if (this.#node !== undefined) this.#node.cursor = this.following
    if (this.following !== undefined) this.following.#preceding = this.#preceding
    this.#preceding = undefined
    this.#node = node
    this.following = node?.cursor
    if (this.following !== undefined) this.following.#preceding = this
    if (node !== undefined) node.cursor = this
  }
}
