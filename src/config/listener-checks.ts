/**
 * Checks a listener for errors in the combination of keys that are valid by themselves.
 *
 * @module
 */
import { isIP, isIPv4, isIPv6 } from 'node:net'
import type { ConfigProblems } from './config-problems.ts'
import type { Values } from './option-reader.ts'
import { toKebab } from './option-spelling.ts'
import { rowsOf } from './option-table.ts'
import type { ListenerOptions } from './resolved-options.ts'

/**
 * Keys that have no effect unless their condition holds; an error if they are written there, but not if they are
 * inherited.
 */
const CONDITIONAL: readonly {
  keys: readonly (keyof ListenerOptions)[]
  needs: string
  holds: (listener: ListenerOptions) => boolean
}[] = [
  {
    keys: [
      'certfile',
      'keyfile',
      'keyfilePasswordFile',
      'cafile',
      'capath',
      'cadata',
      'crlfile',
      'clientCertificates',
      'certificateUserName',
      'certificates',
      'minTlsVersion',
      'certificateWarningDays',
    ],
    needs: '`ssl: on`',
    holds: ({ ssl }) => ssl,
  },
  {
    keys: ['websocketPath', 'allowedOrigins', 'allowedHosts'],
    needs: '`type: ws`',
    holds: ({ type }) => type === 'ws',
  },
  { keys: ['mode', 'group'], needs: '`type: unix`', holds: ({ type }) => type === 'unix' },
  { keys: ['tcpKeepalive'], needs: '`type: tcp` or `type: ws`', holds: ({ type }) => type !== 'unix' },
  {
    keys: ['trustedProxies'],
    needs: '`proxy-protocol: on` or `type: ws`',
    holds: ({ type, proxyProtocol }) => type === 'ws' || proxyProtocol,
  },
]

/** Combinations that cannot work, wherever the values come from. */
const IMPOSSIBLE: readonly {
  key: keyof ListenerOptions
  message: string
  is: (listener: ListenerOptions) => boolean
}[] = [
  {
    key: 'ssl',
    message: 'cannot be on for a Unix domain socket (`type: unix`)',
    is: ({ ssl, type }) => ssl && type === 'unix',
  },
  {
    key: 'certfile',
    message: 'is missing; `ssl: on` requires `certfile` and `keyfile`',
    is: ({ ssl, certfile }) => ssl && certfile === undefined,
  },
  {
    key: 'keyfile',
    message: 'is missing; `ssl: on` requires `certfile` and `keyfile`',
    is: ({ ssl, keyfile }) => ssl && keyfile === undefined,
  },
  {
    key: 'clientCertificates',
    message: 'requires a CA to verify client certificates: set `cafile`, `capath` or `cadata`',
    is: (listener) => listener.ssl && listener.clientCertificates !== 'off' && !hasCa(listener),
  },
  {
    key: 'certificateUserName',
    message: 'requires client certificates: set a CA, and `client-certificates: required` or `optional`',
    is: ({ ssl, certificateUserName, clientCertificates }) =>
      ssl && certificateUserName !== 'off' && clientCertificates === 'off',
  },
  {
    key: 'crlfile',
    message: 'requires the CA that signed it: set `cafile`, `capath` or `cadata`',
    is: (listener) => listener.ssl && listener.crlfile !== undefined && !hasCa(listener),
  },
  {
    key: 'mode',
    message: "must be an octal file mode in quotes, such as '0660'",
    is: ({ mode }) => mode !== '' && !/^0?[0-7]{3}$/.test(mode),
  },
  {
    key: 'proxyProtocol',
    message: 'requires `trusted-proxies`: without it, any client could claim any address',
    is: ({ proxyProtocol, trustedProxies, type }) => proxyProtocol && trustedProxies.length === 0 && type !== 'unix',
  },
]

function hasCa({ cafile, capath, cadata }: ListenerOptions): boolean {
  return cafile !== undefined || capath !== undefined || cadata !== undefined
}

/**
 * Reports errors of one listener.
 *
 * @param own the values of its own section, without inherited ones
 */
export function checkListener(listener: ListenerOptions, own: Values, problems: ConfigProblems): void {
  const pathOf = (key: string) => ['listeners', listener.name, toKebab(key)]
  for (const { keys, needs, holds } of CONDITIONAL) {
    if (holds(listener)) continue
    for (const key of keys) {
      if (differsFromDefault(key, own[key])) problems.add(pathOf(key), `has no effect here without ${needs}`, 'key')
    }
  }
  for (const { key, message, is } of IMPOSSIBLE) {
    if (is(listener)) problems.add(pathOf(key), message, 'key')
  }
}

/** Whether a key is set to a value other than its default. */
function differsFromDefault(key: string, value: unknown): boolean {
  const assumed = rowsOf('listener').find((row) => row.key === toKebab(key))!.default ?? 'off'
  return value !== undefined && JSON.stringify(value) !== JSON.stringify(assumed)
}

/** Reports listeners with the same address, or one that contains the other's. */
export function checkListeners(listeners: readonly ListenerOptions[], problems: ConfigProblems): void {
  for (const [index, one] of listeners.entries()) {
    const other = listeners.slice(0, index).find((earlier) => haveSameAddress(one, earlier))
    if (other === undefined) continue
    const isEqual = one.path === other.path && canonical(one.host) === canonical(other.host)
    const message = isEqual ? 'is already used by' : 'overlaps the address of'
    problems.add(['listeners', one.name, 'bind'], `${message} \`listeners.${other.name}\``)
  }
}

function haveSameAddress(one: ListenerOptions, other: ListenerOptions): boolean {
  if (one.path !== '' || other.path !== '') return one.path === other.path
  return one.port !== 0 && one.port === other.port && overlap(one.host, other.host)
}

/**
 * Whether two addresses cannot both be opened at the same port. `::` leaves IPv4 to listeners that use it explicitly;
 * the addresses of a host name are unknown until it is looked up.
 *
 * @example
 * overlap('0.0.0.0', '127.0.0.1') // true
 * overlap('0.0.0.0', '::') // false
 * overlap('', '::1') // true: every interface
 */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [canonical(one), canonical(other)]
  if (a === b || a === '' || b === '') return true
  const isWildcard = a === ANY_IPV4 || b === ANY_IPV4 || a === ANY_IPV6 || b === ANY_IPV6
  return isWildcard && isIP(a) !== 0 && isIP(a) === isIP(b)
}

/** Whether an IPv6 wildcard has to leave IPv4 to another listener at its port: by itself it takes both. */
export function leavesIpv4({ host, port }: Place, listeners: readonly Place[]): boolean {
  if (port === 0 || canonical(host) !== ANY_IPV6) return false
  return listeners.some((other) => other.port === port && isIPv4(other.host))
}

type Place = Pick<ListenerOptions, 'host' | 'port'>

const ANY_IPV4 = '0.0.0.0'
const ANY_IPV6 = '::'

/** The canonical spelling of an IPv6 address. */
function canonical(host: string): string {
  if (!isIPv6(host) || host.includes('%')) return host.toLowerCase()
  return new URL(`http://[${host}]/`).hostname.slice(1, -1)
}

/**
 * Whether an address can only be reached from this machine.
 *
 * @example
 * isLoopback('127.0.0.2') // true
 * isLoopback('') // false
 */
export function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3}|localhost)$/i.test(host)
}
