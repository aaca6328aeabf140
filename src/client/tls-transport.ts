/** A client's byte stream over TLS. @module */
import { isIP, type Socket } from 'node:net'
import { connect, type ConnectionOptions } from 'node:tls'
import type { Address, TlsSettings } from './address.ts'
import type { Attempt } from './client-side.ts'
import { startSocket } from './socket-transport.ts'

/** Opens a TLS connection. @param through a connection that a proxy has opened */
export function dialTls(address: Address, attempt: Attempt, through?: Socket): void {
  const { host, port, localAddress, tls = {} } = address
  const socket = connect({
    host,
    port,
    ...(isIP(host) === 0 && { servername: host }),
    ...(localAddress !== undefined && { localAddress }),
    ...(through !== undefined && { socket: through }),
    ...tlsOptionsOf(tls),
  } as ConnectionOptions)
  socket.setNoDelay(true)
  startSocket(socket, 'secureConnect', attempt, true)
}

/** The settings as Node's options. */
export function tlsOptionsOf(settings: TlsSettings): ConnectionOptions {
  const { ca, cert, key, passphrase, ciphers, alpn, version, acceptsAnyName, acceptsAnyCertificate, psk } = settings
  return {
    ...(ca !== undefined && { ca: [...ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(passphrase !== undefined && { passphrase }),
    ...(ciphers !== undefined && { ciphers }),
    ...(alpn !== undefined && { ALPNProtocols: [...alpn] }),
    ...(version !== undefined && { minVersion: version, maxVersion: version }),
    ...(acceptsAnyName === true && { checkServerIdentity: () => undefined }),
    ...(acceptsAnyCertificate === true && { rejectUnauthorized: false }),
    ...(psk !== undefined && pskOptionsOf(psk, ciphers)),
  }
}

/** Pre-shared keys of this form do not exist in TLS 1.3. */
function pskOptionsOf({ identity, key }: NonNullable<TlsSettings['psk']>, ciphers = 'PSK'): ConnectionOptions {
  return {
    ciphers,
    maxVersion: 'TLSv1.2',
    pskCallback: () => ({ identity, psk: Buffer.from(key) }),
    checkServerIdentity: () => undefined,
  }
}
