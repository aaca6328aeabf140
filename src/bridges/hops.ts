/**
 * The last guard against loops: each bridge that a message crosses adds its client identifier at the other broker as
 * the User Property `via`. A bridge drops a message that has crossed a bridge of its own broker, or too many.
 *
 *   A ── bridge a ──> B ── bridge b ──> C ── bridge c ──> A        via: a, b, c: A knows a, and drops it
 *
 * Versions before 5.0 have no User Properties.
 *
 * @module
 */
import type { Properties } from '../codec/properties.ts'

/** The name of the User Property. */
export const VIA = 'via'

/** Whether a message must not cross another bridge, and why. */
export function hopProblem(
  { userProperties = [] }: Properties,
  own: ReadonlySet<string>,
  maxHops: number,
): 'loop' | 'too many hops' | undefined {
  let hops = 0
  for (const [name, value] of userProperties) {
    if (name !== VIA) continue
    if (own.has(value)) return 'loop'
    if (++hops >= maxHops) return 'too many hops'
  }
  return undefined
}
