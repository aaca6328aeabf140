/**
 * MQTT over WebSocket on an HTTP server that the host program has anyway.
 *
 * @module
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { plainAddress } from '../broker/address.ts'
import type { MountedWebSocket } from '../broker/open-listeners.ts'
import type { ListenerHost } from './host.ts'
import { WebSocketUpgrade, type WebSocketOptions } from './websocket-upgrade.ts'

/**
 * Answers WebSocket requests for one path of an HTTP or HTTPS server. Requests for other paths, upgrades and ordinary ones,
 * are left to whoever else listens on that server.
 *
 * @param options `websocketPath` is the path; with an empty one every upgrade is taken
 * @returns `close` stops answering; Connections stay open, they are their owner's to close
 */
export function mountWebSocket(server: Server, options: WebSocketOptions, host: ListenerHost): MountedWebSocket {
  let refusedUpgrades = 0
  const upgrade = new WebSocketUpgrade(options, host)
  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (!upgrade.isForUs(request)) return
    const { remoteAddress = '', remotePort } = request.socket as Socket
    const peer = {
      listener: options.name,
      address: plainAddress(remoteAddress) ?? '',
      port: remotePort,
      encrypted: request.socket instanceof TLSSocket,
    }
    if (!upgrade.upgrade(request, stream, head, peer)) refusedUpgrades++
  }
  server.on('upgrade', onUpgrade)
  return {
    close: () => void server.off('upgrade', onUpgrade),
    get refusedUpgrades() {
      return refusedUpgrades
    },
  }
}
