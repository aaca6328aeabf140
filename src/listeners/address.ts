/**
 * Addresses as people and rules write them.
 *
 * @module
 */

/**
 * Writes an IPv4 address as such where the socket has it in its IPv6 clothes.
 *
 * @example
 * plainAddress('::ffff:192.0.2.7') // '192.0.2.7'
 */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
