/**
 * Normalizes addresses for rules, logs and tables, and determines the network for which each is counted.
 *
 * Every table keyed by address uses `networkOf`: an IPv6 host has a whole /64 and can use a new address each time, so
 * only its network distinguishes it from others.
 *
 * @module
 */
import { BlockList, isIP, SocketAddress } from 'node:net'

const GROUP_BITS = 16
/** 64:ff9b::/96 (RFC 6052): IPv4 hosts, as an IPv6-only server sees them through a translator. */
const TRANSLATED = [0x64, 0xff9b, 0, 0, 0, 0]

/**
 * Writes an address in the form that rules and logs use: IPv6 in its short form without a zone, and IPv4 without the
 * IPv6 prefix of a dual-stack socket.
 *
 * @returns the address, or `undefined` if it is not one
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
 * The network that an address counts for: an IPv4 address itself, an IPv6 address together with all that share its
 * first bits.
 *
 * @param ipv6PrefixLength bits that distinguish one owner of IPv6 addresses from another, 1 to 128
 * @returns the network; a text that is not an IP address is returned as it is, because an attached stream may name any
 * origin, or none
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

/**
 * The first bits of an address, as a key: two addresses of one family have the same key if they are in the same
 * network.
 *
 * @param plain as returned by `plainAddress`
 * @param bits 0 to 32, or to 128 for IPv6
 *
 * @example
 * prefixOf('10.1.2.3', 8) === prefixOf('10.200.0.1', 8) // true
 */
export function prefixOf(plain: string, bits: number): string {
  if (!plain.includes(':')) {
    const number = plain.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    return `4 ${Math.floor(number / 2 ** (32 - bits))}/${bits}`
  }
  const groups = groupsOf(plain).slice(0, Math.ceil(bits / GROUP_BITS))
  if (groups.length > 0) groups[groups.length - 1]! &= 0xffff << (groups.length * GROUP_BITS - bits)
  return `6 ${groups.join(':')}/${bits}`
}

/**
 * The canonical text of a network.
 *
 * @returns `undefined` for a text that is no network in CIDR notation
 *
 * @example
 * plainNetwork('10.1.2.3/8') // '10.0.0.0/8'
 * plainNetwork('2001:db8::1/32') // '2001:db8::/32'
 * plainNetwork('::ffff:10.1.2.3/104') // '10.0.0.0/8'
 */
export function plainNetwork(text: string): string | undefined {
  const [, given = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const plain = plainAddress(given)
  if (plain === undefined) return undefined
  if (plain.includes(':')) return Number(length) > 128 ? undefined : plainIpv6Network(plain, Number(length))
  // IPv4 in the form of a dual-stack socket has 96 bits in front of its own.
  const bits = given.includes(':') ? Number(length) - 96 : Number(length)
  if (bits < 0 || bits > 32) return undefined
  const first = Number(/ (\d+)/.exec(prefixOf(plain, bits))![1]) * 2 ** (32 - bits)
  return `${dotted(Math.floor(first / 65536), first % 65536)}/${bits}`
}

function plainIpv6Network(plain: string, bits: number): string {
  const groups = groupsOf(plain).map((group, index) => {
    const kept = Math.min(GROUP_BITS, Math.max(0, bits - index * GROUP_BITS))
    return group & ((0xffff << (GROUP_BITS - kept)) & 0xffff)
  })
  const address = groups.map((group) => group.toString(16)).join(':')
  return `${new SocketAddress({ address, family: 'ipv6' }).address}/${bits}`
}

/** The eight groups of an IPv6 address in its short form, which contains dots only after `::` or `::ffff:`. */
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
 * Creates a list of addresses, such as trusted proxies or exempt networks.
 *
 * @param ranges addresses and networks, such as `10.0.0.1` and `10.0.0.0/8`
 * @returns whether an address is in the list; a text that is not an address never is
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
