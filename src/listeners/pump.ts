/**
 * The pump: one byte stream on one side, one Connection on the other (§4.2: an ordered, lossless byte stream).
 *
 *   net.Socket ── 'data' ──> incoming.receive            transport.write ──> socket.write
 *              ── 'end' ───> end of this turn, then end()          true: the kernel has it, memory is free
 *              ── 'close' ─> incoming.lost                         false: held; incoming.drained() follows
 *
 * A stream is given no more at a time than it takes to see whether its reader gets on: the rest waits here (`backlog.ts`).
 *
 * An idle Connection must cost next to nothing, so all sockets share four handler functions and find their pump through a
 * symbol on the socket; there is no closure, buffer or timer. A stream that was ended stays until the peer ends too, because
 * closing a socket while bytes of the peer are under way makes the kernel send a reset, which can overtake the DISCONNECT
 * that says why. How long that may take is for the Connection to say, with `destroy`.
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

/** What a pump works for. */
export interface PumpHost {
  /**
   * Takes a new Network Connection and says what shall be driven; `undefined` refuses it, and it is destroyed.
   *
   * @param arrival how it was counted while something came before MQTT
   */
  accept(transport: Transport, peer: Peer, arrival?: Arrival): Incoming | undefined
  readonly clock: Clock
}

/**
 * Offers a connected stream to the host and pumps it from then on; a refused stream is destroyed.
 *
 * @returns true when the stream was accepted
 */
export function pumpStream(stream: Duplex, peer: Peer, host: PumpHost, arrival?: Arrival): boolean {
  const pump = new StreamPump(stream, host.clock)
  const incoming = host.accept(pump, peer, arrival)
  pump.start(incoming)
  return incoming !== undefined
}

/** A socket whose bytes are the Client's own. */
function isPlain(stream: Duplex): stream is Socket {
  return stream instanceof Socket && !(stream instanceof TLSSocket)
}

/**
 * Makes a Connection of any connected stream of bytes that the host program has: a socket, or one end of an in-memory pair.
 *
 * @param peer what is known of the other side beyond what a socket tells of itself; what nobody says reads as a local,
 *   unencrypted peer without an address
 * @returns true when the stream was accepted; false when it was refused, and is destroyed
 * @throws {UsageError} for what is no stream, one that is closed already, or one that does not carry bytes (object mode, or an
 *   encoding set)
 */
export function attachStream(stream: Duplex, peer: Partial<Peer>, host: PumpHost): boolean {
  if (!isDuplex(stream))
    throw new UsageError(`attach() takes a Duplex stream of Node, such as a net.Socket; got ${kindOf(stream)}`)
  if (stream.destroyed || !stream.readable || !stream.writable) {
    throw new UsageError('Only an open stream can be attached; this one has ended or is destroyed')
  }
  if (stream.readableObjectMode || stream.writableObjectMode || stream.readableEncoding !== null) {
    throw new UsageError('Only a stream of bytes can be attached; this one is in object mode or has an encoding set')
  }
  const {
    listener = 'attached',
    address = addressOf(stream as Partial<Socket>),
    port = (stream as Partial<Socket>).remotePort,
    ...rest
  } = peer ?? {}
  if (typeof address !== 'string') throw new UsageError(`the address of a peer is a text, got ${kindOf(address)}`)
  const encrypted = rest.encrypted ?? (stream as Partial<TLSSocket>).encrypted === true
  const known = { ...rest, listener, address, encrypted }
  return pumpStream(stream, port === undefined ? known : { ...known, port }, host)
}

function isDuplex(stream: unknown): boolean {
  if (typeof stream !== 'object' || stream === null) return false
  const { on, write, pause } = stream as Partial<Duplex>
  return [on, write, pause].every((method) => typeof method === 'function')
}

/** What somebody has given, for a sentence; with the way out where there is one. */
function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const name = value.constructor?.name ?? 'an object'
  if ('readable' in value && 'writable' in value)
    return `${name} (Duplex.fromWeb makes a stream of a pair of web streams)`
  return name.includes('WebSocket') ? `${name} (mount() takes the HTTP server that WebSockets come to)` : name
}

/** Of a socket, or of what passes for one; other streams have none. */
function addressOf({ remoteAddress = '' }: Partial<Socket>): string {
  return plainAddress(remoteAddress) ?? ''
}

/** The Transport over a Node stream. */
class StreamPump implements Transport {
  readonly #stream: PumpedStream
  readonly #clock: Clock
  /** A plain socket tries the system call at once; TLS and foreign streams keep the bytes for a while. */
  readonly #writesThrough: boolean
  /** A stream in memory may hand the very bytes on to a reader who keeps them, long after it called back. */
  readonly #copies: boolean
  #incoming: Incoming | undefined
  /** True from a `write` that answered false until `drained`. */
  #holds = false
  #ending = false
  #error: Error | undefined
  #settled: (() => void) | undefined
  /** Made when a write is larger than a piece, or comes while the stream has enough. */
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

  /** A stream of the host program that throws costs itself: the caller may be in the middle of somebody else's turn. */
  write(bytes: Uint8Array): boolean {
    if (!this.#stream.writable || this.#ending) return true
    try {
      return this.#write(bytes)
    } catch (error) {
      this.#stream.destroy(error as Error)
      return false
    }
  }

  /** Hot: once for each Connection and turn. A write that the kernel takes at once makes no callback. */
  #write(bytes: Uint8Array): boolean {
    const stream = this.#stream
    const isLarge = (this.#holds ? this.unsentBytes : 0) + bytes.length > LEAST_PIECE_BYTES
    if (isLarge) return this.#writeInPieces(bytes)
    if (this.#writesThrough && !this.#holds) {
      stream.write(bytes)
      if (stream.writableLength === 0) return true
      // 'drain' comes only above the high-water mark; an empty write behind the held bytes reports in any case.
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

  /** Hands on a piece of what waits, and more of it as long as it is taken at once. */
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

  /** As `write`: a stream that throws costs itself. */
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
    // From here on bytes are read only to see the peer's end behind them.
    stream.resume()
    if (this.#waitingBytes === 0) stream.end()
  }

  destroy(): void {
    this.#stream.destroy()
  }

  /** Hot: once for each chunk. What escapes the machine is our own mistake; it costs this Connection, not the process. */
  take(chunk: Uint8Array): void {
    if (this.#ending) return
    try {
      this.#incoming!.receive(chunk)
    } catch (error) {
      this.#stream.destroy(error as Error)
    }
  }

  /** The answers to what came just before the peer's end leave at the end of this turn; the stream ends behind them. */
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
