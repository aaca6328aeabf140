/**
 * How a key may be written: kebab-case is the spelling, snake_case and camelCase are aliases of it. And which known key
 * an unknown one probably means.
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
 * Every way in which a canonical key may be written.
 *
 * @example
 * spellingsOf('max-qos') // ['max-qos', 'max_qos', 'maxQos']
 */
export function spellingsOf(key: string): readonly string[] {
  return [...new Set([key, key.replaceAll('-', '_'), toCamel(key)])]
}

/**
 * Whichever of `known` is nearest to `written`, or `undefined` when none is near enough to have been meant.
 *
 * @example
 * nearest('logn', ['login', 'list']) // 'login'
 * nearest('zebra', ['login', 'list']) // undefined
 */
export function nearest(written: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = 2 + Math.floor(written.length / 4)
  for (const candidate of known) {
    const distance = editDistance(written, candidate)
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** Insertions, removals and replacements that lead from one word to the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let line = 1; line <= from.length; line++) {
    const next = [line]
    for (let column = 1; column <= to.length; column++) {
      const replaced = row[column - 1]! + (from[line - 1] === to[column - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1))
    }
    row = next
  }
  return row[to.length]!
}

/** What other servers call a key of ours. */
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
  'persistence-location': 'path',
}

/**
 * The canonical spelling of the key that other servers call `written`.
 *
 * @example
 * fromOtherServers('tls') // 'ssl'
 * fromOtherServers('max-qos') // undefined
 */
export function fromOtherServers(written: string): string | undefined {
  return Object.hasOwn(FOREIGN_NAMES, written) ? FOREIGN_NAMES[written] : undefined
}
