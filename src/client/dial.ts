/**
 * Opens the byte streams of a client. A transport is loaded when it is used for the first time, so that a tool that
 * speaks TCP loads neither TLS nor WebSocket.
 *
 * @module
 */
import type { Address } from './address.ts'
import type { Attempt } from './client-side.ts'

/** Opens a byte stream to that address, and calls the attempt back. */
export function dial(address: Address, attempt: Attempt): void {
  void open(address, attempt).catch((error: unknown) => attempt.failed(error as Error))
}

async function open(address: Address, attempt: Attempt): Promise<void> {
  const { proxy, host, port } = address
  const through =
    proxy === undefined ? undefined : await (await import('./proxy.ts')).connectThrough(proxy, host, port, attempt)
  switch (address.transport) {
    case 'tcp':
    case 'unix':
      return (await import('./socket-transport.ts')).dialSocket(address, attempt, through)
    case 'tls':
      return (await import('./tls-transport.ts')).dialTls(address, attempt, through)
    case 'ws':
    case 'wss':
      return (await import('./websocket-transport.ts')).dialWebSocket(address, attempt, through)
  }
}
