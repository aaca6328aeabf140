/** Which Keep Alive holds (§3.1.2.10, §3.2.2.3.14). @module */

/**
 * Decides the Keep Alive that holds for a Network Connection.
 *
 * @param requested what CONNECT asks for, in seconds; 0 asks for none (§3.1.2.10)
 * @param maximum what this Server allows, in seconds; 0 sets no limit (always 0 before 5.0, which has no way to say so)
 * @returns seconds; where it differs from `requested`, CONNACK says so (§3.2.2.3.14)
 *
 * @example
 * grantKeepAlive(60, 0) // 60
 * grantKeepAlive(60, 30) // 30
 * grantKeepAlive(0, 300) // 300: a Client that asks for none still gets this Server's limit
 */
export function grantKeepAlive(requested: number, maximum: number): number {
  if (maximum === 0) return requested
  return requested === 0 ? maximum : Math.min(requested, maximum)
}
