/**
 * The pump: connects one byte stream with one Connection (§4.2: an ordered, lossless byte stream).
 *
 *   net.Socket ── 'data' ──> incoming.receive            transport.write ──> socket.write
 *              ── 'end' ───> end of this turn, then end()          true: the kernel has it, memory is free
 *              ── 'close' ─> incoming.lost                         false: held; incoming.drained() follows
 *
 * A stream is given only as much at a time as shows whether its reader makes progress: the rest waits here
 * (`backlog.ts`).
 *
 * An idle Connection must cost next to nothing, so all sockets share four handler functions and find their pump through
 * a symbol on the socket; there is no closure, buffer or timer. A stream that was ended stays until the peer ends too,
 * because closing a socket while bytes of the peer are in transit makes the kernel send a reset, which can overtake the
 * DISCONNECT that gives the reason. The Connection limits how long that may take, with `destroy`.
 *
 * @module
 */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import { UsageError } from '../base/errors.ts'
import { plainAddress } from '../access/address.ts'
import type { Arrival } from '../broker/sessions/arrival.ts'
import type { Incoming, Peer, Transport } from '../protocol/transport.ts'
import { Backlog, LEAST_PIECE_BYTES } from './backlog.ts'
import { shareReads } from './shared-read.ts'
import { cutOff } from './cut-off.ts'

const NOTHING = new Uint8Array(0)

const pumpOf = Symbol('pump')

interface PumpedStream extends Duplex {
  [pumpOf]?: StreamPump
}

/** The host of a pump. */
export interface PumpHost {
  /**
   * Accepts a new Network Connection and returns what receives its bytes; `undefined` refuses it, and it is destroyed.
   *
   * @param arrival how it was counted while something came before MQTT
   */
  accept(transport: Transport, peer: Peer, arrival?: Arrival): Incoming | undefined
  readonly clock: Clock
}

/**
 * Offers a connected stream to the host, and pumps it if it is accepted; a refused stream is destroyed.
 *
 * @returns true if the stream was accepted
 */
export function pumpStream(stream: Duplex, peer: Peer, host: PumpHost, arrival?: Arrival): boolean {
  const pump = new StreamPump(stream, host.clock)
  const incoming = host.accept(pump, peer, arrival)
  pump.start(incoming)
  return incoming !== undefined
}

/** A socket whose bytes are the client's own. */
function isPlain(stream: Duplex): stream is Socket {
  return stream instanceof Socket && !(stream instanceof TLSSocket)
}

/**
 * Makes a Connection from any connected byte stream of the host program: a socket, or one end of an in-memory pair.
 *
 * @param peer details of the other side beyond those of the socket; without them it counts as a local, unencrypted peer
 * without an address
 * @returns true if the stream was accepted; false if it was refused, and is destroyed
 * @throws {UsageError} if it is not a stream, is already closed, or does not carry bytes (object mode, or an encoding
 * set)
 */
export function attachStream(stream: Duplex, peer: Partial<Peer>, host: PumpHost): boolean {
  if (!isDuplex(stream))
    throw new UsageError(`attach() takes a Node Duplex stream, such as a net.Socket; got ${kindOf(stream)}`)
  if (stream.destroyed || !stream.readable || !stream.writable) {
    throw new UsageError('attach() takes an open stream; this one has ended or was destroyed')
  }
  if (stream.readableObjectMode || stream.writableObjectMode || stream.readableEncoding !== null) {
    throw new UsageError('attach() takes a byte stream; this one is in object mode or has an encoding set')
  }
  const {
    listener = 'attached',
    address = addressOf(stream as Partial<Socket>),
    port = (stream as Partial<Socket>).remotePort,
    ...rest
  } = peer ?? {}
  if (typeof address !== 'string')
    throw new UsageError(`the address of a peer must be a string, got ${kindOf(address)}`)
  const encrypted = rest.encrypted ?? (stream as Partial<TLSSocket>).encrypted === true
  const known = { ...rest, listener, address, encrypted }
  return pumpStream(stream, port === undefined ? known : { ...known, port }, host)
}

function isDuplex(stream: unknown): boolean {
  if (typeof stream !== 'object' || stream === null) return false
  const { on, write, pause } = stream as Partial<Duplex>
  return [on, write, pause].every((method) => typeof method === 'function')
}

/** Describes an argument for an error message, with the remedy if there is one. */
function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const name = value.constructor?.name ?? 'an object'
  if ('readable' in value && 'writable' in value) return `${name} (Duplex.fromWeb converts a pair of web streams)`
  return name.includes('WebSocket') ? `${name} (for WebSockets, pass the HTTP server to mount())` : name
}

/** The address of a socket or of an object like it; other streams have none. */
function addressOf({ remoteAddress = '' }: Partial<Socket>): string {
  return plainAddress(remoteAddress) ?? ''
}

/** The Transport over a Node stream. */
class StreamPump implements Transport {
  readonly #stream: PumpedStream
  readonly #clock: Clock
  /** A plain socket tries the system call at once; TLS and other streams keep the bytes for a while. */
  readonly #writesThrough: boolean
  /** A stream in memory may pass these very bytes to a reader that keeps them, long after its callback. */
  readonly #copies: boolean
  #incoming: Incoming | undefined
  /** True from a `write` that returned false until `drained`. */
  #holds = false
  #ending = false
  #error: Error | undefined
  #settled: (() => void) | undefined
  /** Created when a write is larger than a piece, or comes while the stream has enough. */
  #backlog: Backlog | undefined = undefined

  constructor(stream: PumpedStream, clock: Clock) {
    this.#stream = stream
    this.#clock = clock
    this.#writesThrough = isPlain(stream)
    this.#copies = !(stream instanceof Socket)
    stream[pumpOf] = this
    stream.on('error', onError)
  }

  start(incoming: Incoming | undefined): void {
    this.#incoming = incoming
    const stream = this.#stream
    stream.on('close', onClose)
    stream.on('end', onEnd)
    if (!isPlain(stream) || !shareReads(stream, onData)) stream.on('data', onData)
    if (incoming === undefined) cutOff(stream)
  }

  get unsentBytes(): number {
    return this.#stream.writableLength + this.#waitingBytes
  }

  get #waitingBytes(): number {
    return this.#backlog === undefined ? 0 : this.#backlog.bytes
  }

  /**
   * An error thrown by a stream of the host program ends only that stream: the caller may be working for another
   * Connection.
   */
  write(bytes: Uint8Array): boolean {
    if (!this.#stream.writable || this.#ending) return true
    try {
      return this.#write(bytes)
    } catch (error) {
      this.#stream.destroy(error as Error)
      return false
    }
  }

  /** Hot: once for each Connection and turn. A write that the kernel accepts at once makes no callback. */
  #write(bytes: Uint8Array): boolean {
    const stream = this.#stream
    const isLarge = (this.#holds ? this.unsentBytes : 0) + bytes.length > LEAST_PIECE_BYTES
    if (isLarge) return this.#writeInPieces(bytes)
    if (this.#writesThrough && !this.#holds) {
      stream.write(bytes)
      if (stream.writableLength === 0) return true
      // 'drain' comes only above the high-water mark; an empty write after the held bytes reports in any case.
      bytes = NOTHING
    }
    this.#holds = true
    this.#hand(bytes)
    return false
  }

  readonly #hand = (bytes: Uint8Array): void => {
    this.#stream.write(this.#copies ? Uint8Array.from(bytes) : bytes, (this.#settled ??= () => this.#settle()))
  }

  #writeInPieces(bytes: Uint8Array): boolean {
    this.#backlog ??= new Backlog()
    this.#backlog.push(bytes)
    if (this.#holds) return false
    this.#feed(this.#backlog)
    this.#holds = this.unsentBytes > 0
    return !this.#holds
  }

  /** Passes on pieces of what waits, as long as each is accepted at once. */
  #feed(backlog: Backlog): void {
    const stream = this.#stream
    do {
      stream.cork()
      backlog.handPiece(this.#hand)
      stream.uncork()
      backlog.taken(stream.writableLength === 0)
    } while (backlog.bytes > 0 && stream.writableLength === 0)
    if (this.#ending && backlog.bytes === 0 && !stream.writableEnded) stream.end()
  }

  #settle(): void {
    const stream = this.#stream
    if (!this.#holds || stream.destroyed || stream.writableLength > 0) return
    if (this.#waitingBytes > 0) this.#feedLater(this.#backlog!)
    if (this.unsentBytes > 0) return
    this.#holds = false
    this.#incoming?.drained()
  }

  /** As in `write`: an error thrown by a stream ends only that stream. */
  #feedLater(backlog: Backlog): void {
    try {
      this.#feed(backlog)
    } catch (error) {
      this.#stream.destroy(error as Error)
    }
  }

  pauseReading(): void {
    this.#stream.pause()
  }

  resumeReading(): void {
    this.#stream.resume()
  }

  end(): void {
    if (this.#ending) return
    this.#ending = true
    const stream = this.#stream
    // From here on bytes are read only to reach the peer's end.
    stream.resume()
    if (this.#waitingBytes === 0) stream.end()
  }

  destroy(): void {
    this.#stream.destroy()
  }

  /** Hot: once for each chunk. An exception here is a bug of ours; it ends this Connection, not the process. */
  take(chunk: Uint8Array): void {
    if (this.#ending) return
    try {
      this.#incoming!.receive(chunk)
    } catch (error) {
      this.#stream.destroy(error as Error)
    }
  }

  /** Answers to input just before the peer's end leave at the end of this turn; the stream ends after them. */
  peerEnded(): void {
    this.#clock.atEndOfTurn(() => this.end())
  }

  note(error: Error): void {
    this.#error ??= error
  }

  finish(): void {
    this.#backlog?.clear()
    this.#incoming?.lost(this.#error)
  }
}

function onData(this: PumpedStream, chunk: Uint8Array): void {
  this[pumpOf]!.take(chunk)
}

function onEnd(this: PumpedStream): void {
  this[pumpOf]!.peerEnded()
}

function onError(this: PumpedStream, error: Error): void {
  this[pumpOf]!.note(error)
}

function onClose(this: PumpedStream): void {
  this[pumpOf]!.finish()
}
