/**
 * The spellings of a key: kebab-case is canonical, snake_case and camelCase are aliases.
 *
 * @module
 */

/**
 * The canonical spelling of a key.
 *
 * @example
 * toKebab('maxKeepAlive') // 'max-keep-alive'
 * toKebab('max_keep_alive') // 'max-keep-alive'
 */
export function toKebab(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase()
}

/**
 * The name of the resolved option.
 *
 * @example
 * toCamel('max-keep-alive') // 'maxKeepAlive'
 */
export function toCamel(key: string): string {
  return key.replace(/(?<![-_])[-_]+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/**
 * All spellings of a canonical key.
 *
 * @example
 * spellingsOf('max-qos') // ['max-qos', 'max_qos', 'maxQos']
 */
export function spellingsOf(key: string): readonly string[] {
  return [...new Set([key, key.replaceAll('-', '_'), toCamel(key)])]
}

/** The names of our keys in other servers. */
const FOREIGN_NAMES: Readonly<Record<string, string>> = {
  tls: 'ssl',
  secure: 'ssl',
  'use-tls': 'ssl',
  cert: 'certfile',
  certificate: 'certfile',
  'private-key': 'keyfile',
  ca: 'cafile',
  'ca-certificate': 'cafile',
  crl: 'crlfile',
  port: 'bind',
  host: 'bind',
  address: 'bind',
  listen: 'bind',
  protocol: 'type',
  transport: 'type',
  'require-certificate': 'client-certificates',
  listener: 'listeners',
  bridge: 'bridges',
  // Before 0.2.
  bridges: 'bridge-clients',
  'persistence-location': 'path',
}

/**
 * The canonical spelling of a key that other servers call `written`.
 *
 * @example
 * fromOtherServers('tls') // 'ssl'
 * fromOtherServers('max-qos') // undefined
 */
export function fromOtherServers(written: string): string | undefined {
  return Object.hasOwn(FOREIGN_NAMES, written) ? FOREIGN_NAMES[written] : undefined
}
