/**
 * A Map with string keys that may hold millions of entries and grows without a noticeable pause.
 *
 * A plain Map moves all its entries when it doubles: at a million that takes a tenth of a second. Here a Map that
 * reaches `LEAF_ENTRIES` is divided into 64 by six bits of a hash of the key, and each of these may be divided again by
 * the next six. At most one leaf is therefore moved at a time.
 *
 *   root ─┬─ leaf Map   up to 8,192 entries
 *         ├─ node ─┬─ leaf Map
 *         │        └─ …
 *         └─ …  64
 *
 * @module
 */
import { firstAfter, hashText } from './hash-order.ts'

/** A leaf that reaches this size is divided. Moving that many entries takes less than half a millisecond. */
const LEAF_ENTRIES = 8_192
const BITS = 6
const PARTS = 1 << BITS
/** When all bits of the hash are used up, a leaf grows like a plain Map. */
const LAST_SHIFT = 30

type Leaf<Value> = Map<string, Value>

class Node<Value> {
  readonly shift: number
  readonly parts: (Node<Value> | Leaf<Value>)[] = Array.from({ length: PARTS }, () => new Map<string, Value>())

  constructor(shift: number) {
    this.shift = shift
  }

  slotOf(hash: number): number {
    return (hash >>> this.shift) & (PARTS - 1)
  }
}

/**
 * @example
 * const map = new WideMap<number>()
 * map.set('a', 1)
 * map.get('a') // 1
 * Array.from(map.values()) // [1]
 */
export class WideMap<Value> {
  #root: Node<Value> | Leaf<Value>
  #size: number

  /** @param first initial entries; the Map itself is used */
  constructor(first: Map<string, Value> = new Map()) {
    this.#root = first
    this.#size = first.size
  }

  get size(): number {
    return this.#size
  }

  /** Hot: runs for each level of a topic whose parent has very many children. */
  get(key: string): Value | undefined {
    const root = this.#root
    return root instanceof Map ? root.get(key) : leafOf(root, hashText(key)).get(key)
  }

  has(key: string): boolean {
    const root = this.#root
    return root instanceof Map ? root.has(key) : leafOf(root, hashText(key)).has(key)
  }

  set(key: string, value: Value): void {
    if (this.#root instanceof Map) {
      if (this.#root.size >= LEAF_ENTRIES && !this.#root.has(key)) this.#root = divide(this.#root, 0)
      else return this.#setIn(this.#root, key, value)
    }
    const hash = hashText(key)
    let node = this.#root
    for (;;) {
      const slot = node.slotOf(hash)
      const part = node.parts[slot]!
      if (part instanceof Node) {
        node = part
        continue
      }
      if (part.size < LEAF_ENTRIES || node.shift >= LAST_SHIFT || part.has(key)) return this.#setIn(part, key, value)
      node.parts[slot] = divide(part, node.shift + BITS)
    }
  }

  #setIn(leaf: Leaf<Value>, key: string, value: Value): void {
    const before = leaf.size
    leaf.set(key, value)
    this.#size += leaf.size - before
  }

  /** @returns whether the entry existed */
  delete(key: string): boolean {
    const root = this.#root
    const leaf = root instanceof Map ? root : leafOf(root, hashText(key))
    if (!leaf.delete(key)) return false
    this.#size--
    return true
  }

  /**
   * Returns keys that follow `after` in the order of `hash-order.ts`: some of the next ones, in order, and none only at
   * the end. It costs a walk through the keys of one leaf.
   *
   * @param after `undefined` for the beginning
   * @param most returns how many keys to return at most, for a leaf of that size
   */
  keysAfter(after: string | undefined, most: (size: number) => number): string[] {
    for (const leaf of leavesFrom(this.#root, after === undefined ? 0 : hashText(after))) {
      const keys = firstAfter(leaf.keys(), after, most(leaf.size))
      if (keys.length > 0) return keys
    }
    return []
  }

  /**
   * Yields every value as the caller asks for it. The map may change meanwhile: an entry that exists all the time is
   * yielded exactly once; one that is added or removed may or may not be, even after it was removed; and the walk ends.
   */
  *values(): Generator<Value, void, undefined> {
    for (const leaf of leavesOf(this.#root)) yield* asManyAs(leaf.size, leaf.values())
  }

  /** The same with the keys. */
  *entries(): Generator<readonly [string, Value], void, undefined> {
    for (const leaf of leavesOf(this.#root)) yield* asManyAs(leaf.size, leaf.entries())
  }
}

function* leavesOf<Value>(part: Node<Value> | Leaf<Value>): Generator<Leaf<Value>, void, undefined> {
  if (part instanceof Map) yield part
  else for (let slot = 0; slot < PARTS; slot++) yield* leavesOf(part.parts[slot]!)
}

/** Leaves in the order of the ranks of their entries, from that of `hash` on. */
function* leavesFrom<Value>(part: Node<Value> | Leaf<Value>, hash: number): Generator<Leaf<Value>, void, undefined> {
  if (part instanceof Map) {
    yield part
    return
  }
  const from = part.slotOf(hash)
  yield* leavesFrom(part.parts[from]!, hash)
  for (let slot = from + 1; slot < PARTS; slot++) yield* leavesOf(part.parts[slot]!)
}

/**
 * A Map's iterator also visits entries added meanwhile, but last. A leaf that is divided meanwhile remains unchanged.
 */
function* asManyAs<Item>(count: number, items: Iterable<Item>): Generator<Item, void, undefined> {
  let left = count
  for (const item of items) {
    if (left-- === 0) return
    yield item
  }
}

function leafOf<Value>(root: Node<Value>, hash: number): Leaf<Value> {
  let part: Node<Value> | Leaf<Value> = root
  while (part instanceof Node) part = part.parts[part.slotOf(hash)]!
  return part
}

function divide<Value>(leaf: Leaf<Value>, shift: number): Node<Value> {
  const node = new Node<Value>(shift)
  for (const [key, value] of leaf) (node.parts[node.slotOf(hashText(key))] as Leaf<Value>).set(key, value)
  return node
}
