/**
 * The WebSocket of an operator's console, on the HTTP server of the API: who may open one has been decided before.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import type { Incoming, Transport } from '../protocol/transport.ts'
import { answerAndClose, NO_HEAD, webSocketServer } from './websocket-upgrade.ts'
import { pumpWebSocket } from './websocket-pump.ts'

/** What a console is given, and what limits it. */
export interface ConsoleSocketParts {
  readonly clock: Clock
  /** Bytes of the largest packet, and of all that comes before CONNACK. */
  readonly maxPacketSize: number
  readonly maxConnectPacketSize: number
  /** @returns `undefined` if there is no room for it */
  readonly accept: (transport: Transport) => Incoming | undefined
}

/** Makes a WebSocket of a request that offers a subprotocol of MQTT; any other is answered 400. */
export function openConsoleSocket(
  request: IncomingMessage,
  stream: Duplex,
  head: Buffer,
  { clock, maxPacketSize, maxConnectPacketSize, accept }: ConsoleSocketParts,
): void {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  if (!offered.includes('mqtt')) return answerAndClose(stream, 400, 'Subprotocol must be mqtt', clock)
  const server = webSocketServer(maxPacketSize)
  let invalid: string | undefined
  server.on('wsClientError', ({ message }) => (invalid = message))
  server.handleUpgrade(request, stream, NO_HEAD, (socket) =>
    pumpWebSocket(
      socket,
      { listener: '', address: '', encrypted: false },
      { accept },
      { stream, head, maxBytes: maxConnectPacketSize },
    ),
  )
  if (invalid !== undefined) answerAndClose(stream, 400, invalid, clock)
}
