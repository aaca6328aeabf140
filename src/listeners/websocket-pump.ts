/**
 * The pump for a WebSocket: MQTT travels in binary frames, whose boundaries have no meaning; one may contain several
 * Control Packets or part of one [5.0 MQTT-6.0.0-2]. Any other data frame closes it [5.0 MQTT-6.0.0-1].
 *
 * `ws` passes a message on when it is complete. What it holds until then is measured on the stream below, and is
 * charged to the Connection like an incomplete packet. To keep clients from filling the memory before they log in,
 * everything that arrives until then is counted there as well. Many small frames wait for their turn (`frame-gate.ts`).
 *
 * @module
 */
import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { ProtocolError } from '../codec/protocol-error.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { Arrival } from '../broker/sessions/arrival.ts'
import type { Incoming, Peer, Transport } from '../protocol/transport.ts'
import { Backlog, LEAST_PIECE_BYTES } from './backlog.ts'
import { FrameGate } from './frame-gate.ts'
import { FrameWatch } from './frame-watch.ts'
import type { PumpHost } from './pump.ts'

const BINARY = { binary: true, compress: false } as const

/** Close codes of RFC 6455 §7.4.1. */
const NORMAL = 1000
const UNSUPPORTED_DATA = 1003

const pumpOf = Symbol('pump')

interface PumpedWebSocket extends WebSocket {
  [pumpOf]?: WebSocketPump
}

/** The most that can follow a complete CONNECT: the result of one read. */
const READ_BYTES = 64 * 1024

/** What is below the WebSocket. */
export interface Below {
  readonly stream: Duplex
  /** Bytes that arrived with the upgrade request. */
  readonly head: Buffer
  /** The limit on bytes before the login. */
  readonly maxBytes: number
}

/** Offers an open WebSocket to the host, and pumps it if it is accepted; a refused one is destroyed. */
export function pumpWebSocket(
  socket: WebSocket,
  peer: Peer,
  host: Pick<PumpHost, 'accept'>,
  below: Below,
  arrival?: Arrival,
): void {
  const pump = new WebSocketPump(socket)
  const incoming = host.accept(pump, peer, arrival)
  pump.start(incoming)
  if (incoming !== undefined) pump.watch(incoming, below)
}

class WebSocketPump implements Transport {
  readonly #socket: PumpedWebSocket
  #incoming: Incoming | undefined
  #gate: FrameGate | undefined
  #holds = false
  #ending = false
  #error: Error | undefined
  /** Created when a write is larger than a piece, or comes while the stream has enough. */
  #backlog: Backlog | undefined = undefined
  /** Our frames that are not yet reported as sent. */
  #reportsDue = 0
  readonly #settled = (): void => {
    this.#reportsDue--
    this.#settle()
  }

  constructor(socket: PumpedWebSocket) {
    this.#socket = socket
    socket[pumpOf] = this
    socket.on('error', onError)
  }

  start(incoming: Incoming | undefined): void {
    this.#incoming = incoming
    this.#socket.on('close', onClose)
    this.#socket.on('message', onMessage)
    if (incoming === undefined) this.#socket.terminate()
  }

  /** Follows the stream below; `ws` receives each chunk first. */
  watch(incoming: Incoming, { stream, head, maxBytes }: Below): void {
    const frames = new FrameWatch()
    const gate = new FrameGate(stream, incoming, frames)
    this.#gate = gate
    let heldBytes = 0
    let left = maxBytes + READ_BYTES
    const see = (chunk: Buffer): void => {
      if (!incoming.isConnected && (left -= chunk.length) < 0) {
        stream.off('data', see)
        this.note(new ProtocolError(ReasonCode.PacketTooLarge, `More than ${maxBytes} bytes before the login`))
        this.#socket.terminate()
        return
      }
      const held = frames.heldBytes + gate.heldBytes
      if (held === 0 && heldBytes === 0) return
      heldBytes = held
      incoming.arriving?.(heldBytes)
    }
    stream.on('data', see)
    if (head.length > 0) gate.push(head)
  }

  /** Bytes that `ws` sends by itself (the answer to the upgrade, pongs) are not counted. */
  get unsentBytes(): number {
    return this.#handedBytes + this.#waitingBytes
  }

  get #handedBytes(): number {
    return this.#reportsDue === 0 ? 0 : this.#socket.bufferedAmount
  }

  get #waitingBytes(): number {
    return this.#backlog === undefined ? 0 : this.#backlog.bytes
  }

  /** Hot: once for each Connection and turn. The output of a turn travels in one frame, unless it is large. */
  write(bytes: Uint8Array): boolean {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN || this.#ending) return true
    const isLarge = (this.#holds ? this.unsentBytes : 0) + bytes.length > LEAST_PIECE_BYTES
    if (isLarge) this.#writeInPieces(bytes)
    else this.#send(bytes)
    if (this.unsentBytes === 0) return true
    this.#holds = true
    return false
  }

  readonly #send = (bytes: Uint8Array): void => {
    this.#reportsDue++
    try {
      this.#socket.send(bytes, BINARY, this.#settled)
    } catch (error) {
      this.#reportsDue--
      // The error ends only this stream: the caller may be working for another Connection.
      this.note(error as Error)
      this.#socket.terminate()
    }
  }

  #writeInPieces(bytes: Uint8Array): void {
    this.#backlog ??= new Backlog()
    this.#backlog.push(bytes)
    if (!this.#holds) this.#feed(this.#backlog)
  }

  /** Passes on pieces of what waits, as long as each is accepted at once. */
  #feed(backlog: Backlog): void {
    const socket = this.#socket
    do {
      backlog.handPiece(this.#send)
      backlog.taken(this.#handedBytes === 0)
    } while (backlog.bytes > 0 && this.#handedBytes === 0 && socket.readyState === socket.OPEN)
    if (this.#ending && backlog.bytes === 0) socket.close(NORMAL)
  }

  #settle(): void {
    const socket = this.#socket
    if (!this.#holds || this.#reportsDue > 0 || socket.readyState === socket.CLOSED) return
    if (this.#waitingBytes > 0) this.#feed(this.#backlog!)
    if (this.unsentBytes > 0) return
    this.#holds = false
    this.#incoming?.drained()
  }

  pauseReading(): void {
    this.#gate?.pause()
    this.#socket.pause()
  }

  resumeReading(): void {
    this.#socket.resume()
    this.#gate?.resume()
  }

  end(): void {
    if (this.#waitingBytes === 0) {
      this.#end(NORMAL)
      return
    }
    this.#ending = true
    this.resumeReading()
  }

  #end(code: number, reason?: string): void {
    this.#ending = true
    this.#backlog?.clear()
    // The peer's answer to the close frame has to be read.
    this.resumeReading()
    this.#socket.close(code, reason)
  }

  destroy(): void {
    this.#socket.terminate()
  }

  /** Hot: once for each frame. An exception here is a bug of ours; it ends this Connection, not the process. */
  take(data: RawData, isBinary: boolean): void {
    if (this.#ending) return
    if (!isBinary) {
      this.#error = new ProtocolError(
        ReasonCode.ProtocolError,
        'A WebSocket text frame was received; MQTT requires binary frames',
      )
      return this.#end(UNSUPPORTED_DATA, 'MQTT requires binary frames')
    }
    try {
      // ws creates Buffers unless its binaryType is changed.
      this.#incoming!.receive(data as Buffer)
    } catch (error) {
      this.#error = error as Error
      this.#socket.terminate()
    }
  }

  note(error: Error): void {
    this.#error ??= error
  }

  finish(): void {
    this.#backlog?.clear()
    this.#incoming?.lost(this.#error)
  }
}

function onMessage(this: PumpedWebSocket, data: RawData, isBinary: boolean): void {
  this[pumpOf]!.take(data, isBinary)
}

function onError(this: PumpedWebSocket, error: Error): void {
  this[pumpOf]!.note(error)
}

function onClose(this: PumpedWebSocket): void {
  this[pumpOf]!.finish()
}
