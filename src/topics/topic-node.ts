/**
 * The tree behind `TopicTrie` and `TopicMap`: one node for each Topic Level; `+` and `#` are levels like any other.
 *
 * There may be a million nodes, and most have one child and hold one value or none. A node therefore stores an only
 * child directly and uses a Map from the second child on (a Map also because a level may be called `__proto__`), which
 * becomes a `WideMap` before its growth causes a pause; a node knows its own level but not its parent. There is no
 * recursion: a topic may have tens of thousands of levels.
 *
 * @module
 */

import { WideMap } from '../base/wide-map.ts'

/** The number of children from which a `WideMap` is used. */
const WIDE_CHILDREN = 4_096

/** One Topic Level of the tree. */
export class TopicNode<Held> {
  readonly level: string
  /** The value of this node; `undefined` for a node that only leads to others. */
  held: Held | undefined = undefined
  /** None, the only one, or all of them by level. */
  children: TopicNode<Held> | Map<string, TopicNode<Held>> | WideMap<TopicNode<Held>> | undefined = undefined

  constructor(level: string) {
    this.level = level
  }

  /** Creates a node for a child of that level, which the caller adds to the children. */
  makeChild(level: string): TopicNode<Held> {
    return new TopicNode(level)
  }

  /** Called when that child is removed, with everything below it. */
  dropped(_child: TopicNode<Held>): void {}
}

/** A tree that counts its nodes, without the root. */
export interface NodeCount {
  nodes: number
}

/** Returns the child of that level. Hot: runs three times for each level of a topic that is matched. */
export function childOf<Held>(node: TopicNode<Held>, level: string): TopicNode<Held> | undefined {
  const children = node.children
  if (children === undefined) return undefined
  if (children instanceof TopicNode) return children.level === level ? children : undefined
  return children.get(level)
}

/** Returns the node at the end of `topic`, if it exists. */
export function findNode<Held>(root: TopicNode<Held>, topic: string): TopicNode<Held> | undefined {
  let node: TopicNode<Held> | undefined = root
  for (let at = 0; node !== undefined && at <= topic.length;) {
    const end = endOfLevel(topic, at)
    node = childOf(node, topic.slice(at, end))
    at = end + 1
  }
  return node
}

/** Returns the node at the end of `topic`, creating it and its ancestors if they are missing. */
export function makeNode<Held>(tree: NodeCount, root: TopicNode<Held>, topic: string): TopicNode<Held> {
  let node = root
  for (let at = 0; at <= topic.length;) {
    const end = endOfLevel(topic, at)
    const level = topic.slice(at, end)
    let child = childOf(node, level)
    if (child === undefined) {
      child = addChild(node, level)
      tree.nodes++
    }
    node = child
    at = end + 1
  }
  return node
}

/**
 * Removes the node at the end of `topic` if it has neither a value nor children, and with it all ancestors that lead
 * only to it.
 */
export function pruneNode<Held>(tree: NodeCount, root: TopicNode<Held>, topic: string): void {
  let stays = root
  /** The child of `stays` on this path. */
  let branch = root
  let node = root
  /** Nodes below `stays` on this path. */
  let below = 0
  for (let at = 0; at <= topic.length;) {
    const end = endOfLevel(topic, at)
    const next = childOf(node, topic.slice(at, end))
    if (next === undefined) return
    if (node === root || node.held !== undefined || countChildren(node) > 1) {
      stays = node
      branch = next
      below = 0
    }
    node = next
    below++
    at = end + 1
  }
  if (node.held !== undefined || node.children !== undefined) return
  removeChild(stays, branch)
  tree.nodes -= below
}

/** The end of the Topic Level that begins at `at`. */
export function endOfLevel(topic: string, at: number): number {
  const slash = topic.indexOf('/', at)
  return slash === -1 ? topic.length : slash
}

export function countChildren<Held>(node: TopicNode<Held>): number {
  if (node.children === undefined) return 0
  return node.children instanceof TopicNode ? 1 : node.children.size
}

function addChild<Held>(node: TopicNode<Held>, level: string): TopicNode<Held> {
  const child = node.makeChild(level)
  if (node.children === undefined) node.children = child
  else if (node.children instanceof TopicNode) {
    node.children = new Map([
      [node.children.level, node.children],
      [level, child],
    ])
  } else {
    if (node.children instanceof Map && node.children.size >= WIDE_CHILDREN) node.children = new WideMap(node.children)
    node.children.set(level, child)
  }
  return child
}

function removeChild<Held>(node: TopicNode<Held>, child: TopicNode<Held>): void {
  node.dropped(child)
  if (node.children !== undefined && !(node.children instanceof TopicNode)) {
    node.children.delete(child.level)
    if (node.children.size > 0) return
  }
  node.children = undefined
}
