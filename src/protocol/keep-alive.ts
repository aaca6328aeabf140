/** The Keep Alive of a Connection (§3.1.2.10, §3.2.2.3.14). @module */

/**
 * Decides the Keep Alive that holds for a Network Connection.
 *
 * @param requested what CONNECT asks for, in seconds; 0 asks for none (§3.1.2.10)
 * @param maximum what this Server allows, in seconds; 0 sets no limit (before 5.0 there is no way to say so:
 * `heldKeepAlive`)
 * @returns seconds; if they differ from `requested`, CONNACK says so (§3.2.2.3.14)
 *
 * @example
 * grantKeepAlive(60, 0) // 60
 * grantKeepAlive(60, 30) // 30
 * grantKeepAlive(0, 300) // 300: a Client that asks for none still gets this Server's limit
 */
export function grantKeepAlive(requested: number, maximum: number): number {
  return isTooLong(requested, maximum) ? maximum : requested
}

/**
 * Whether a Client asks for a longer Keep Alive than this Server allows, in seconds. 0 asks for none, which is longer
 * than any.
 *
 * @example
 * isTooLong(0, 300) // true
 * isTooLong(0, 0) // false: there is no limit
 */
export function isTooLong(requested: number, maximum: number): boolean {
  return maximum > 0 && (requested === 0 || requested > maximum)
}

/**
 * The Keep Alive that is enforced for an older Client, which cannot be told one. The grace period starts after one and
 * a half times this value.
 *
 * @example
 * heldKeepAlive(10, 60) // 50: silent for 75 s, which is 1.5 × 10 s and 60 s
 */
export function heldKeepAlive(maximum: number, graceSeconds: number): number {
  return maximum + graceSeconds / 1.5
}
