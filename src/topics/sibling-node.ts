/**
 * The node of a tree that is searched in steps: its children form a list, oldest first, and a cursor stands on one of them.
 *
 *   children of `a`    b ⇄ c ⇄ d     a cursor on c: when c goes, it stands on d
 *
 * A search may be put aside for days while topics come and go. An iterator of a Map would keep every table that the Map has had
 * since then, with all that stood in it. A cursor is known to its node, which moves it on when it goes: so a search refers to
 * nodes of the tree alone.
 *
 * @module
 */
import { TopicNode, childOf, countChildren } from './topic-node.ts'

export class SiblingNode<Held> extends TopicNode<Held> {
  /** The oldest child. */
  first: SiblingNode<Held> | undefined = undefined
  next: SiblingNode<Held> | undefined = undefined
  /** Of the first child: the last. */
  previous: SiblingNode<Held> = this
  /** One of the cursors that stand here. */
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
    // What goes with it are only children.
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

/** A place among the children of one node: those that are yet to be visited. */
export class Cursor<Held> {
  /** How many levels of the filter the parent has used up. */
  readonly used: number
  /** Whether one child only is wanted. */
  readonly isOne: boolean
  /**
   * How many to visit at most. What is added meanwhile comes last: as many steps as there were children at first reach all
   * that stay, and no more steps than that keeps the search finite.
   */
  #left: number
  /** On which it stands, to be visited next. */
  #node: SiblingNode<Held> | undefined = undefined
  /** Others that stand on the same node. */
  following: Cursor<Held> | undefined = undefined
  #preceding: Cursor<Held> | undefined = undefined

  /** @param wanted a level of a Topic Filter */
  constructor(parent: SiblingNode<Held>, used: number, wanted: string) {
    this.used = used
    this.isOne = wanted !== '+' && wanted !== '#'
    this.#left = this.isOne ? 1 : countChildren(parent)
    this.moveTo(this.isOne ? (childOf(parent, wanted) as SiblingNode<Held> | undefined) : parent.first)
  }

  /** The next child; `undefined` at the end. */
  take(): SiblingNode<Held> | undefined {
    const node = this.#left-- > 0 ? this.#node : undefined
    this.moveTo(this.#left > 0 ? node?.next : undefined)
    return node
  }

  /** @param node `undefined` where it ends */
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
