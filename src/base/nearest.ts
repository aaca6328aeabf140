/** Finds the known word that a misspelt one probably means. @module */

/**
 * Returns the word of `known` that is nearest to `written`, or `undefined` if none is near enough to be meant.
 *
 * @example
 * nearest('logn', ['login', 'list']) // 'login'
 * nearest('zebra', ['login', 'list']) // undefined
 */
export function nearest(written: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = 2 + Math.floor(written.length / 4)
  for (const candidate of known) {
    const distance = editDistance(written, candidate)
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** The number of insertions, removals and replacements that turn one word into the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let line = 1; line <= from.length; line++) {
    const next = [line]
    for (let column = 1; column <= to.length; column++) {
      const replaced = row[column - 1]! + (from[line - 1] === to[column - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1))
    }
    row = next
  }
  return row[to.length]!
}
