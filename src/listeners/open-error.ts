/**
 * Why a listener cannot open, said so that the reader knows what to do next.
 *
 * @module
 */
import { ConfigError } from '../base/errors.ts'
import type { ListenerOptions } from '../broker/options.ts'

/** By the operating system's code: our stable code, what it means, the way out. */
const CAUSES: Readonly<Record<string, readonly [code: string, meaning: string, wayOut: string]>> = {
  EADDRINUSE: [
    'ERR_LISTENER_IN_USE',
    'something else listens there already',
    'stop it, or give this listener another `bind`',
  ],
  EACCES: [
    'ERR_LISTENER_ACCESS',
    'this user may not listen there',
    'take a port above 1023, a path this user may write to, or grant CAP_NET_BIND_SERVICE',
  ],
  EADDRNOTAVAIL: [
    'ERR_LISTENER_HOST',
    'this machine does not have that address',
    'take one that `ip address` shows, or 0.0.0.0 for all',
  ],
  ENOTFOUND: ['ERR_LISTENER_HOST', 'that host name is not known', 'write an address, or repair the name'],
  ENOENT: ['ERR_LISTENER_PATH', 'the folder does not exist', 'make it, or give this listener another path'],
}

/** Where a listener wants to listen, as the configuration writes it. */
export function placeOf(options: ListenerOptions): string {
  const { type, host, port, path } = options
  if (type === 'unix') return path
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Turns what the operating system says about `listen` into a ConfigError. */
export function openError(options: ListenerOptions, cause: NodeJS.ErrnoException): ConfigError {
  const [code, meaning, wayOut] = CAUSES[cause.code ?? ''] ?? ['ERR_LISTENER', cause.message, 'check its `bind`']
  const sentence = `Listener \`${options.name}\` cannot listen on ${placeOf(options)}: ${meaning}; ${wayOut}`
  return new ConfigError(code, `${sentence} (${cause.code ?? cause.name})`, { cause })
}
