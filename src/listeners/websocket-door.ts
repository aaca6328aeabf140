/**
 * WebSocket on a listener of its own: an HTTP server that never listens but is given streams, and accepts only
 * upgrades.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { invariant } from '../base/errors.ts'
import { protocolOf, type KnownProtocol } from '../base/foreign-protocol.ts'
import type { Arrival } from '../broker/sessions/arrival.ts'
import type { Peer } from '../protocol/transport.ts'
import type { Door, House } from './door.ts'
import type { Stay } from './waiting-room.ts'
import { answerAndClose, WebSocketUpgrade } from './websocket-upgrade.ts'

/** An upgrade request needs no more. */
const MAX_HEADER_BYTES = 16 * 1024

/** Characters that an HTTP parser may accept before it recognises that they are not a method. */
const LONGEST_METHOD = 16
const BAD_REQUEST = 'this is not a valid HTTP request'

/** The fields that an HTTP parser adds to its errors. */
interface ClientError extends Error {
  readonly rawPacket?: Uint8Array
  readonly bytesParsed?: number
}

export class WebSocketDoor implements Door {
  readonly #house: House
  readonly #upgrade: WebSocketUpgrade
  readonly #server: Server
  readonly #arrivals = new WeakMap<Duplex, { readonly peer: Peer; readonly stay: Stay }>()
  /** Streams that have had an answer which ends the connection: a chunk may contain thousands of requests. */
  readonly #answered = new WeakSet<Duplex>()

  constructor(house: House) {
    this.#house = house
    this.#upgrade = new WebSocketUpgrade(house.options, house.host)
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES })
    this.#server.on('upgrade', (request, stream, head) => this.#onUpgrade(request, stream, head))
    this.#server.on('request', (request, response) => this.#onRequest(request, response))
    this.#server.on('clientError', (error: ClientError, stream) => this.#onNoRequest(error, stream))
  }

  enter(stream: Duplex, peer: Peer, stay: Stay | undefined): void {
    invariant(stay !== undefined, 'an upgrade begins in the waiting room')
    // The stream may be a TLS socket: its stay ends with the socket, and the socket has to end with it.
    this.#arrivals.set(stream, { peer, stay })
    this.#server.emit('connection', stream)
  }

  close(): void {}

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const { peer, stay } = this.#arrivals.get(stream)!
    // It stays in the room until it is a WebSocket, so that a refusal which the peer does not read ends there, too.
    const leave = (): Arrival | undefined => this.#house.room.leave(stay)
    if (!this.#upgrade.upgrade(request, stream, head, peer, leave)) this.#house.counters.refusedUpgrades++
  }

  /** Bytes that are not an HTTP request. Without any bytes the connection was lost, not refused. */
  #onNoRequest({ rawPacket, bytesParsed = 0 }: ClientError, stream: Duplex): void {
    const arrival = this.#arrivals.get(stream)
    if (rawPacket !== undefined && rawPacket.length > 0 && arrival !== undefined) {
      this.#house.counters.refusedUpgrades++
      // An error after the first line does not mean another protocol.
      const protocol = protocolOf(rawPacket)
      this.#upgrade.turnedAway(arrival.peer, 400, bytesParsed > LONGEST_METHOD ? BAD_REQUEST : this.#mismatch(protocol))
    }
    answerAndClose(stream, 400, 'Not an HTTP request', this.#house.host.clock)
  }

  #mismatch(protocol: KnownProtocol | undefined): string {
    const { name, ssl } = this.#house.options
    const listener = `listener ${name} is of type ws`
    if (protocol === 'MQTT') return `this is MQTT without WebSocket; ${listener}`
    if (protocol === 'TLS') return `this is TLS; ${listener} with ssl: ${ssl ? 'on' : 'off'}`
    return `${BAD_REQUEST}; ${listener}`
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    if (this.#answered.has(request.socket)) return
    this.#answered.add(request.socket)
    const status = this.#upgrade.isForUs(request) ? 426 : 404
    const arrival = this.#arrivals.get(request.socket)
    if (arrival !== undefined) {
      this.#house.counters.refusedUpgrades++
      const cause = 'this is an HTTP request without a WebSocket upgrade'
      this.#upgrade.turnedAway(
        arrival.peer,
        status,
        `${cause}; listener ${this.#house.options.name} is of type ws`,
        request,
      )
    }
    response.writeHead(status, { Upgrade: 'websocket', Connection: 'Upgrade, close', 'Content-Type': 'text/plain' })
    response.end('This is an MQTT server; connect by WebSocket with subprotocol mqtt\n')
  }
}
