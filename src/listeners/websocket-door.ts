/**
 * WebSocket at a listener of its own: an HTTP server that never listens but is handed streams, and has nothing to say
 * except upgrades.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Peer } from '../protocol/transport.ts'
import type { Door, House } from './door.ts'
import { answerAndClose, WebSocketUpgrade } from './websocket-upgrade.ts'

/** A request for an upgrade needs no more. */
const MAX_HEADER_BYTES = 16 * 1024

export class WebSocketDoor implements Door {
  readonly #house: House
  readonly #upgrade: WebSocketUpgrade
  readonly #server: Server
  readonly #peers = new WeakMap<Duplex, Peer>()

  constructor(house: House) {
    this.#house = house
    this.#upgrade = new WebSocketUpgrade(house.options, house.host)
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES })
    this.#server.on('upgrade', (request, stream, head) => this.#onUpgrade(request, stream, head))
    this.#server.on('request', (request, response) => this.#onRequest(request, response))
    this.#server.on('clientError', (_error, stream) => answerAndClose(stream, 400, 'Not an HTTP request'))
  }

  enter(stream: Duplex, peer: Peer): void {
    const { room, options } = this.#house
    if (!room.enter(stream, options.connectTimeout * 1000, ignore)) return
    this.#peers.set(stream, peer)
    this.#server.emit('connection', stream)
  }

  close(): void {}

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const peer = this.#peers.get(stream)!
    this.#house.room.leave(stream)
    if (!this.#upgrade.upgrade(request, stream, head, peer)) this.#house.counters.refusedUpgrades++
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const status = this.#upgrade.isForUs(request) ? 426 : 404
    response.writeHead(status, { Upgrade: 'websocket', Connection: 'close', 'Content-Type': 'text/plain' })
    response.end('This is an MQTT Server; connect by WebSocket with subprotocol mqtt\n')
  }
}

/** A late request has said nothing worth a line in the log. */
function ignore(): void {}
