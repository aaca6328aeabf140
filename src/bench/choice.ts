/** Parses the shared arguments of the benchmark's command lines: an address, names of rows, numbers. @module */
import { UsageError } from '../base/errors.ts'
import type { Target } from './driver/raw-connection.ts'
import type { Workload } from './workloads.ts'

const schemes: Readonly<Record<string, readonly [transport: Target['transport'], port: number]>> = {
  'mqtt:': ['tcp', 1883],
  'mqtts:': ['tls', 8883],
  'ws:': ['ws', 80],
  'wss:': ['wss', 443],
}

/**
 * Parses the address of a broker.
 *
 * @param what the name of the argument in messages
 * @throws {UsageError} for an invalid address, or another scheme
 *
 * @example
 * targetOf('mqtt://localhost') // { transport: 'tcp', host: 'localhost', port: 1883, path: '/' }
 */
export function targetOf(address: string, what = '--url'): Target {
  const url = URL.canParse(address) ? new URL(address) : undefined
  const scheme = url && schemes[url.protocol]
  if (url === undefined || scheme === undefined) {
    throw new UsageError(`${what} must begin with mqtt://, mqtts://, ws:// or wss://, got ${address}`)
  }
  return {
    transport: scheme[0],
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? scheme[1] : Number(url.port),
    path: `${url.pathname || '/'}${url.search}`,
    ...(url.username === '' ? {} : { userName: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
  }
}

/** @throws {UsageError} for a number that is not above 0 */
export function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new UsageError(`--${name} must be a number above 0, got ${text}`)
  return value
}

/** @throws {UsageError} for a name that is not in `offered` */
export function selectRows(names: string | undefined, offered: readonly Workload[]): readonly Workload[] {
  if (names === undefined) return offered
  return names.split(',').map((name) => {
    const found = offered.find((workload) => workload.name === name)
    if (found) return found
    throw new UsageError(`unknown row ${name}; the rows are ${offered.map((workload) => workload.name).join(', ')}`)
  })
}
