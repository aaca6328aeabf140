/**
 * Treats Topic Filters as sets of Topic Names: whether one contains another, and whether two overlap. Permissions need
 * this: a client that may read `a/+` must not be able to subscribe to `a/#`.
 *
 * Both questions are answered level by level once each filter is written as "these levels, optionally followed by
 * more", such that a Topic Name with exactly these levels exists:
 *
 *   a/+   is  [a +]            #   is  [+] and more, as there is no Topic Name without a level
 *   a/#   is  [a] and more     /#  is  ['' +] and more, as no Topic Name is empty
 *
 * Filters must be valid, and not shared ones.
 *
 * @module
 */

/** A parsed Topic Filter or Topic Name, for comparing the same one with many others. */
export interface FilterShape {
  readonly levels: readonly string[]
  /** Whether any number of levels may follow. */
  readonly more: boolean
}

export function shapeOf(topicFilter: string): FilterShape {
  const levels = topicFilter.split('/')
  const more = levels.at(-1) === '#'
  if (more) levels.pop()
  if (more && (levels.length === 0 || (levels.length === 1 && levels[0] === ''))) levels.push('+')
  return { levels, more }
}

function toShape(topicFilter: string | FilterShape): FilterShape {
  return typeof topicFilter === 'string' ? shapeOf(topicFilter) : topicFilter
}

/**
 * Whether `rule` matches every Topic Name that `topicFilter` can match. A Topic Name is a filter that matches only
 * itself.
 *
 * @example
 * covers('a/#', 'a/+/b') // true
 * covers('a/+', 'a/#') // false
 * covers('#', '$SYS/#') // false
 */
export function covers(rule: string | FilterShape, topicFilter: string | FilterShape): boolean {
  const outer = toShape(rule)
  const inner = toShape(topicFilter)
  if (inner.more && !outer.more) return false
  if (outer.more ? inner.levels.length < outer.levels.length : inner.levels.length !== outer.levels.length) return false
  for (let index = 0; index < outer.levels.length; index++) {
    const level = outer.levels[index]!
    const innerLevel = inner.levels[index]!
    if (level !== innerLevel && (level !== '+' || isHidden(innerLevel, index))) return false
  }
  return true
}

/**
 * Whether there is a Topic Name that both match.
 *
 * @example
 * overlaps('a/+', '+/b') // true
 * overlaps('a/b', 'a/c/#') // false
 */
export function overlaps(one: string | FilterShape, other: string | FilterShape): boolean {
  const a = toShape(one)
  const b = toShape(other)
  const shared = Math.min(a.levels.length, b.levels.length)
  if (a.levels.length > shared && !b.more) return false
  if (b.levels.length > shared && !a.more) return false
  for (let index = 0; index < shared; index++) {
    const left = a.levels[index]!
    const right = b.levels[index]!
    if (left === right) continue
    if (left === '+' ? isHidden(right, index) : right !== '+' || isHidden(left, index)) return false
  }
  return true
}

/** Whether this is a first level that no wildcard matches [5.0 MQTT-4.7.2-1]. */
function isHidden(level: string, index: number): boolean {
  return index === 0 && level.startsWith('$')
}
