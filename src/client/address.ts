/** Where a server is, and how to reach it. @module */
import { UsageError } from '../base/errors.ts'
import type { Proxy } from './proxy.ts'

/** How TLS is set up. Contents are PEM. */
export interface TlsSettings {
  /** Trusted authorities; default: those of Node. */
  readonly ca?: readonly (string | Buffer)[]
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly passphrase?: string
  readonly ciphers?: string
  readonly alpn?: readonly string[]
  /** The only version that is used, such as `TLSv1.3`. */
  readonly version?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
  /** Accepts a certificate for another host name; default false. */
  readonly acceptsAnyName?: boolean
  /** Accepts every certificate; default false. */
  readonly acceptsAnyCertificate?: boolean
  /** Uses a pre-shared key and no certificate. */
  readonly psk?: { readonly identity: string; readonly key: Uint8Array }
}

/** One address of a server. */
export interface Address {
  readonly transport: 'tcp' | 'tls' | 'ws' | 'wss' | 'unix'
  /** Empty for a Unix socket. */
  readonly host: string
  /** 0 for a Unix socket. */
  readonly port: number
  /** Of a WebSocket, such as `/mqtt`, or of a Unix socket. */
  readonly path?: string
  /** WebSocket only. */
  readonly headers?: Readonly<Record<string, string>>
  /** The address of this machine to connect from. */
  readonly localAddress?: string
  readonly tls?: TlsSettings
  /** Not for a Unix socket. */
  readonly proxy?: Proxy
}

/** What a URL of a server says. */
export interface ServerUrl {
  readonly address: Address
  readonly userName: string | undefined
  readonly password: string | undefined
}

const SCHEMES: Readonly<Record<string, readonly [transport: Address['transport'], port: number]>> = {
  'mqtt:': ['tcp', 1883],
  'tcp:': ['tcp', 1883],
  'mqtts:': ['tls', 8883],
  'ssl:': ['tls', 8883],
  'ws:': ['ws', 80],
  'wss:': ['wss', 443],
}

/**
 * Reads the URL of a server: `mqtt://`, `mqtts://`, `ws://` or `wss://`, with `user:password@` if it requires them, or
 * `unix:/path`.
 *
 * @throws {UsageError} for anything else; passwords are not repeated in it
 *
 * @example
 * serverUrlOf('mqtts://ann@example.com').address.port // 8883
 */
export function serverUrlOf(text: string): ServerUrl {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '')
    if (path === '') throw new UsageError('unix: requires the path of a socket')
    return { address: { transport: 'unix', host: '', port: 0, path }, userName: undefined, password: undefined }
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const scheme = url === undefined ? undefined : SCHEMES[url.protocol]
  if (url === undefined || scheme === undefined || url.hostname === '') {
    const shown = text.replace(/\/\/[^/@]*@/, '//')
    throw new UsageError(`The URL of a server begins with mqtt://, mqtts://, ws://, wss:// or unix:, got ${shown}`)
  }
  const [transport, port] = scheme
  const isWebSocket = transport === 'ws' || transport === 'wss'
  const address: Address = {
    transport,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? port : Number(url.port),
    ...(isWebSocket && { path: url.pathname === '/' ? '/mqtt' : url.pathname + url.search }),
  }
  return { address, userName: decoded(url.username), password: decoded(url.password) }
}

function decoded(part: string): string | undefined {
  return part === '' ? undefined : decodeURIComponent(part)
}

/** The URL of an address, without credentials. */
export function urlOfAddress({ transport, host, port, path }: Address): string {
  if (transport === 'unix') return `unix:${path}`
  const scheme = transport === 'tcp' ? 'mqtt' : transport === 'tls' ? 'mqtts' : transport
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path ?? ''}`
}
