/** Finds the origin of a request that came through proxies. @module */
import { plainAddress } from '../access/address.ts'

/**
 * Reads the origin of a request from `X-Forwarded-For`. Each proxy appends the address that it saw, so the list is read
 * from the end, as long as the entry was written by a trusted proxy.
 *
 * @param peer the address of the socket
 * @param header the value of the header; several headers joined by commas
 *
 * @example
 * const isTrusted = (address: string): boolean => address.startsWith('10.')
 * forwardedAddress('10.0.0.1', '203.0.113.9, 10.0.0.2', isTrusted) // '203.0.113.9'
 * forwardedAddress('198.51.100.1', '203.0.113.9', isTrusted) // '198.51.100.1'
 */
export function forwardedAddress(peer: string, header: string, isTrusted: (address: string) => boolean): string {
  let believed = peer
  for (const entry of header.split(',').toReversed()) {
    if (!isTrusted(believed)) break
    const address = plainAddress(withoutPort(entry.trim()))
    if (address === undefined) break
    believed = address
  }
  return believed
}

/** Some proxies write `192.0.2.7:4711` or `[2001:db8::1]:4711`. */
function withoutPort(entry: string): string {
  return /^\[(.*)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry
}
