/**
 * Decides which web pages may connect. With each WebSocket a browser sends the origin of the page that opens it; other
 * programs may send one too, mostly derived from the address that they dial. A request without an `Origin` does not
 * come from a page and is accepted.
 *
 *   Origin: https://app.example        in `allowed-origins`? then it is accepted
 *   Host: mqtt.example:8080            the same host and port? then it is accepted as a page of this server or a program, but:
 *
 * A name that leads to us is not always ours. Where anonymous clients may log in, any site could point one of its own
 * names to this address (DNS rebinding), and so let its pages use a broker that only a machine or a network can reach.
 * There a name counts only if it is `localhost` or in `allowed-hosts`; an address is not a name.
 *
 * @module
 */
import { isIP } from 'node:net'
import type { ListenerOptions } from '../config/options.ts'

export type OriginOptions = Pick<ListenerOptions, 'allowedOrigins' | 'allowedHosts' | 'admitsAnonymous'>

/** Headers may have 16 KiB; a log line and an answer only need enough to recognise them. */
const MAX_SHOWN = 200

export class OriginRules {
  readonly #options: OriginOptions
  readonly #exact: ReadonlySet<string>
  /** The text before and after the `*` of `https://*.example.com`. */
  readonly #wild: readonly (readonly [scheme: string, end: string])[]
  readonly #hosts: ReadonlySet<string>

  constructor(options: OriginOptions) {
    this.#options = options
    const origins = options.allowedOrigins.map(normalized)
    this.#exact = new Set(origins)
    this.#wild = origins
      .filter((origin) => origin.includes('://*.'))
      .map((origin) => origin.split('*') as [string, string])
    this.#hosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()))
  }

  /** @returns why a request with these headers may not become a WebSocket; `undefined` if it may */
  refusal(origin: string | undefined, host: string | undefined): string | undefined {
    if (origin === undefined || this.#isListed(normalized(origin))) return undefined
    if (host === undefined || !isSameHost(origin, host)) {
      return `Origin ${show(origin)} is not in \`allowed-origins\` and does not match the Host, which is ${show(host ?? '')}`
    }
    if (!this.#options.admitsAnonymous || this.#isOurs(hostName(host))) return undefined
    return `Host ${show(host)} is not in \`allowed-hosts\`, which is required because anonymous clients may log in and a page of Origin ${show(origin)} is connecting`
  }

  #isListed(origin: string): boolean {
    if (this.#exact.has('*') || this.#exact.has(origin)) return true
    return this.#wild.some(
      ([scheme, end]) =>
        origin.startsWith(scheme) && origin.endsWith(end) && origin.length > scheme.length + end.length,
    )
  }

  #isOurs(name: string): boolean {
    return name === 'localhost' || isIP(name) !== 0 || this.#hosts.has(name)
  }
}

/** Scheme, host and port in lower case, without the default port of the scheme. */
function normalized(origin: string): string {
  if (!URL.canParse(origin)) return origin.toLowerCase()
  const { protocol, host } = new URL(origin)
  return host === '' ? origin.toLowerCase() : `${protocol}//${host}`
}

/** The scheme is not compared: behind a proxy it differs, and programs send an arbitrary one. */
function isSameHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false
  const from = new URL(origin)
  const to = `${from.protocol}//${host}`
  return from.host !== '' && /^[^/?#@\s]+$/.test(host) && URL.canParse(to) && new URL(to).host === from.host
}

/** The name or address in a Host header, without its port and the brackets of IPv6. */
function hostName(host: string): string {
  const [, v6, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))/.exec(host)!
  return (v6 ?? name).toLowerCase()
}

function show(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)
}
