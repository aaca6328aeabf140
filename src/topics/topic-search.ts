/**
 * A search in a `TopicMap` that can stop anywhere: it holds its place, and nothing of what it finds.
 *
 *   filter  +/b      root ─┬─ a ─┬─ b   found          branches  [ children of root: at a ] [ b of a ]
 *                          │     └─ c
 *                          └─ d ─── b   found
 *
 * The map may change between two steps: an entry that is there all the time comes exactly once; one that comes or goes
 * meanwhile comes or not; and the search ends.
 *
 * @module
 */
import { WideMap } from '../base/wide-map.ts'
import { TopicNode, childOf } from './topic-node.ts'

/** Children of one node that are yet to be visited. */
interface Branch<Value> {
  readonly children: Iterator<TopicNode<Value>>
  /**
   * How many to visit at most. A Map's iterator sees what is added meanwhile, but last: as many steps as there were children
   * at first reach all that stay, and no more steps than that keeps the search finite.
   */
  left: number
  /** How many levels of the filter the parent has used up. */
  readonly used: number
  /** The level of the child that is visited. */
  level: string
}

/** A search that stops after so many nodes and continues where it was; `TopicMap.search` makes one. */
export class TopicSearch<Value extends NonNullable<unknown>> {
  /** What the last step found; `undefined` where it stopped on the way. */
  value: Value | undefined = undefined
  /** Nodes visited so far. */
  visited = 0
  readonly #filter: readonly string[]
  readonly #showHidden: boolean
  readonly #branches: Branch<Value>[]
  /** Of what was found: entered with the next step, so that until then the branches are its name. */
  #next: Branch<Value> | undefined = undefined

  constructor(root: TopicNode<Value>, filter: readonly string[], showHidden: boolean) {
    this.#filter = filter
    this.#showHidden = showHidden
    this.#branches = [branchOf(root, 0, filter[0]!)]
  }

  /** The Topic Name of what was found. */
  get topicName(): string {
    return this.#branches.map(({ level }) => level).join('/')
  }

  /**
   * Goes on to the next entry, or until so many more nodes were visited.
   *
   * @returns false at the end
   */
  step(maxNodes: number): boolean {
    this.value = undefined
    if (this.#next !== undefined) this.#branches.push(this.#next)
    this.#next = undefined
    for (let left = maxNodes; left > 0 && this.value === undefined; left--) {
      const branch = this.#branches.at(-1)
      if (branch === undefined) return false
      this.visited++
      const child = branch.left-- > 0 ? branch.children.next() : undefined
      if (child === undefined || child.done === true) this.#branches.pop()
      else this.#visit(branch, child.value)
    }
    return true
  }

  #visit(branch: Branch<Value>, child: TopicNode<Value>): void {
    const wanted = this.#filter[branch.used]!
    const isRoot = this.#branches.length === 1
    if (isRoot && !this.#showHidden && wanted !== child.level && child.level.startsWith('$')) return // [5.0 MQTT-4.7.2-1]
    branch.level = child.level
    const used = wanted === '#' ? branch.used : branch.used + 1
    const below = this.#filter[used]
    const deeper = below === undefined || child.children === undefined ? undefined : branchOf(child, used, below)
    // `#` also stands for its parent level.
    if (below === undefined || below === '#') this.value = child.held
    if (this.value !== undefined) this.#next = deeper
    else if (deeper !== undefined) this.#branches.push(deeper)
  }
}

/** The children of `node` that a filter's next level asks for. */
function branchOf<Value>(node: TopicNode<Value>, used: number, wanted: string): Branch<Value> {
  if (wanted !== '+' && wanted !== '#') return { children: only(childOf(node, wanted)), left: 1, used, level: '' }
  const { children } = node
  const isOne = children === undefined || children instanceof TopicNode
  return { children: isOne ? only(children) : children.values(), left: leftOf(children), used, level: '' }
}

/** A `WideMap` counts by itself: what is added to it meanwhile need not come last. */
function leftOf<Value>(children: TopicNode<Value>['children']): number {
  return children instanceof Map ? children.size : children instanceof WideMap ? Infinity : 1
}

function only<Item>(item: Item | undefined): Iterator<Item> {
  return (item === undefined ? [] : [item]).values()
}
