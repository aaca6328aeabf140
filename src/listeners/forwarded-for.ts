/** Where a request came from, as the proxies before us say it. @module */
import { plainAddress } from '../access/address.ts'

/**
 * Reads from `X-Forwarded-For` where a request came from. Each proxy adds the address it saw at the end, so the list is
 * believed from the end, as far as those who wrote it are trusted.
 *
 * @param peer the address of the socket
 * @param header the header's value; several headers joined by commas
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
