/**
 * Addresses as people and rules write them, and whom a listener believes about them.
 *
 * @module
 */
import { BlockList, isIP, SocketAddress } from 'node:net'

/**
 * Writes an address the one way that rules and logs use: IPv6 in its short form, and IPv4 as such where a socket has it in
 * its IPv6 clothes.
 *
 * @returns the address, or `undefined` if that is not one
 *
 * @example
 * plainAddress('::ffff:192.0.2.7') // '192.0.2.7'
 * plainAddress('2001:db8:0:0:0:0:0:1') // '2001:db8::1'
 * plainAddress('unknown') // undefined
 */
export function plainAddress(address: string): string | undefined {
  const version = isIP(address)
  if (version === 4) return address
  if (version === 0) return undefined
  const short = new SocketAddress({ address, family: 'ipv6' }).address
  return short.startsWith('::ffff:') && short.includes('.') ? short.slice('::ffff:'.length) : short
}

/**
 * Makes a list of addresses that are believed when they speak for others.
 *
 * @param ranges addresses and networks, such as `10.0.0.1` and `10.0.0.0/8`
 */
export function trustList(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => {
    const version = isIP(address)
    return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4')
  }
}

/**
 * Reads from `X-Forwarded-For` where a request came from. Each proxy adds the address it saw at the end, so the list is
 * believed from the end, as far as those who wrote it are trusted.
 *
 * @param peer the address of the socket
 * @param header the header's value; several headers joined by commas
 *
 * @example
 * forwardedAddress('10.0.0.1', '203.0.113.9, 10.0.0.2', trustList(['10.0.0.0/8'])) // '203.0.113.9'
 * forwardedAddress('198.51.100.1', '203.0.113.9', trustList(['10.0.0.0/8'])) // '198.51.100.1'
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
