/**
 * Addresses as rules, logs and tables write them, and the networks that they are counted by.
 *
 * Every table with an address as its key takes `networkOf`: one host has a whole IPv6 /64 and can come from a new address
 * each time, so that only its network tells it from others.
 *
 * @module
 */
import { BlockList, isIP, SocketAddress } from 'node:net'

const GROUP_BITS = 16
/** 64:ff9b::/96 (RFC 6052): IPv4 hosts, as a translator in front of an IPv6-only server shows them. */
const TRANSLATED = [0x64, 0xff9b, 0, 0, 0, 0]

/**
 * Writes an address the one way that rules and logs use: IPv6 in its short form without a zone, and IPv4 as such where a
 * socket has it in its IPv6 clothes.
 *
 * @returns the address, or `undefined` if that is not one
 *
 * @example
 * plainAddress('::ffff:192.0.2.7') // '192.0.2.7'
 * plainAddress('2001:db8:0:0:0:0:0:1') // '2001:db8::1'
 * plainAddress('fe80::1%eth0') // 'fe80::1'
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
 * The network that an address is counted by: an IPv4 address alone, an IPv6 address with all that share its first bits.
 *
 * @param ipv6PrefixLength bits of an IPv6 address that tell one holder from another, 1 to 128
 * @returns what is no IP address, as it is: an attached stream may say anything, or nothing, of where it comes from
 *
 * @example
 * networkOf('2001:db8::1:2:3:4', 64) // '2001:db8:0:0::/64'
 * networkOf('::ffff:192.0.2.7', 64) // '192.0.2.7'
 * networkOf('', 64) // ''
 */
export function networkOf(address: string, ipv6PrefixLength: number): string {
  if (!address.includes(':')) return address
  const plain = plainAddress(address)
  if (plain === undefined || !plain.includes(':')) return plain ?? address
  const groups = groupsOf(plain)
  if (TRANSLATED.every((group, index) => groups[index] === group)) return dotted(groups[6]!, groups[7]!)
  const kept = groups.slice(0, Math.ceil(ipv6PrefixLength / GROUP_BITS))
  const spareBits = kept.length * GROUP_BITS - ipv6PrefixLength
  kept[kept.length - 1]! &= 0xffff << spareBits
  const written = kept.map((group) => group.toString(16)).join(':')
  return `${written}${kept.length < 8 ? '::' : ''}/${ipv6PrefixLength}`
}

/** The eight groups of an IPv6 address in its short form, which has no dots but behind `::` or `::ffff:`. */
function groupsOf(plain: string): number[] {
  const end = plain.slice(plain.lastIndexOf(':') + 1)
  const [head = '', tail] = (end.includes('.') ? plain.slice(0, -end.length) + toGroups(end) : plain).split('::')
  const numbers = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)))
  const [first, last] = [numbers(head), numbers(tail ?? '')]
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
}

function toGroups(address: string): string {
  const [a, b, c, d] = address.split('.').map(Number) as [number, number, number, number]
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

/**
 * Makes a list of addresses, such as the proxies that are believed or the networks that are spared.
 *
 * @param ranges addresses and networks, such as `10.0.0.1` and `10.0.0.0/8`
 * @returns whether an address is in it; what is no address never is
 *
 * @example
 * addressList(['10.0.0.0/8'])('10.1.2.3') // true
 */
export function addressList(ranges: readonly string[]): (address: string) => boolean {
  if (ranges.length === 0) return () => false
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => {
    const plain = plainAddress(address)
    return plain !== undefined && list.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4')
  }
}
