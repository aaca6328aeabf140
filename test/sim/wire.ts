/**
 * A Network Connection with an ear on it, at the broker's end: packets are read where the broker gets and gives them,
 * so that oracles judge what it did at the instant at which it did it.
 *
 *   Client ──> Link ──> Wire ──handed──> broker
 *                        │  <──written──
 *                        └──> oracles
 *
 * @module
 */
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { type ConnectPacket, type Packet } from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../src/codec/packet-types.ts'
import type { Incoming, Transport } from '../../src/protocol/transport.ts'
import { WireFacts } from './facts.ts'
import type { Link } from '../../src/testing/link.ts'
import { isPoisoned } from '../../src/testing/poison.ts'

/** Who listens. */
export interface WireEar {
  /** @param bytes the whole packet; to be looked at only until this returns */
  handed(wire: Wire, packet: Packet, bytes: Uint8Array): void
  written(wire: Wire, packet: Packet, bytes: Uint8Array): void
  /** The broker wrote what nobody can read. */
  garbled(wire: Wire, error: unknown): void
  /** Input is on its way into the broker, or was. */
  entering(wire: Wire | undefined): void
}

export class Wire implements Transport, Incoming {
  readonly link: Link
  /** What the oracles know of it. */
  readonly facts: WireFacts = new WireFacts()
  /** Whose Connection it is, for the log. */
  readonly name: string
  /** Behaves as it likes: only what the broker writes has to be well-formed. */
  readonly isHostile: boolean
  connect: ConnectPacket | undefined
  version: ProtocolVersion = 5
  /** When the last whole packet was handed to the broker. */
  lastPacketAtMs = 0
  /** The same of a part of a packet that is not complete. */
  lastPartAtMs = 0
  /** When the broker read again what it had left unread for a while. */
  readsAgainAtMs = 0
  /** Most bytes held on the broker's side since it last had none. */
  mostUnsentBytes = 0
  /** The process that it leads to is gone. */
  isDetached = false
  readonly #ear: WireEar
  readonly #now: () => number
  readonly #up = new Decoder()
  readonly #down = new Decoder()
  #incoming: Incoming | undefined
  #isUnreadable = false

  constructor(link: Link, name: string, isHostile: boolean, ear: WireEar, now: () => number) {
    this.link = link
    this.name = name
    this.isHostile = isHostile
    this.#ear = ear
    this.#now = now
  }

  /** @param accept the broker's, or nobody's while there is none */
  start(accept: ((transport: Transport) => Incoming | undefined) | undefined): void {
    this.#incoming = accept?.(this)
    this.link.start(this.#incoming === undefined ? undefined : this)
  }

  /** The broker's process dies: its end is closed by the system, and it hears nothing any more. */
  detach(): void {
    this.isDetached = true
    this.link.destroy()
  }

  // ---- towards the broker ----

  get isConnected(): boolean {
    return this.#incoming?.isConnected ?? false
  }

  receive(chunk: Uint8Array): void {
    if (this.isDetached) return
    this.#readUp(chunk)
    this.#ear.entering(this)
    // The broker may look at the bytes only until it returns: then they are others.
    const shared = new Uint8Array(chunk)
    this.#incoming!.receive(shared)
    shared.fill(0xff)
    this.#ear.entering(undefined)
  }

  #readUp(chunk: Uint8Array): void {
    if (this.#isUnreadable) return
    try {
      this.#up.push(chunk)
      while (this.#up.next()) {
        const packet = this.#decode(this.#up, 'client')
        this.lastPacketAtMs = this.#now()
        if (packet.type === PacketType.CONNECT && this.connect === undefined) {
          this.connect = packet
          this.version = packet.protocolVersion
        }
        this.#ear.handed(this, packet, bytesOf(this.#up))
      }
      if (this.#up.heldBytes > 0) this.lastPartAtMs = this.#now()
      this.#up.detach()
    } catch {
      this.#isUnreadable = true // A hostile Client; the broker has to see it as well.
    }
  }

  #decode(decoder: Decoder, sender: 'client' | 'server'): Packet {
    const { bytes, firstByte, bodyStart, end } = decoder
    const packet = decodePacket(bytes, firstByte, bodyStart, end, this.version, sender)
    return 'payload' in packet ? { ...packet, payload: new Uint8Array(packet.payload) } : packet
  }

  drained(): void {
    this.mostUnsentBytes = 0
    if (!this.isDetached) this.#incoming?.drained()
  }

  lost(error?: Error): void {
    if (!this.isDetached) this.#incoming?.lost(error)
  }

  // ---- from the broker ----

  get unsentBytes(): number {
    return this.link.unsentBytes
  }

  write(bytes: Uint8Array): boolean {
    if (this.isDetached) return true
    this.#checkWritten(bytes)
    if (this.connect !== undefined || !isForeign(bytes)) this.#readDown(bytes)
    const hasLeft = this.link.write(bytes)
    this.mostUnsentBytes = Math.max(this.mostUnsentBytes, this.link.unsentBytes)
    return hasLeft
  }

  #checkWritten(bytes: Uint8Array): void {
    if (isPoisoned(bytes)) this.#ear.garbled(this, new Error(`of ${bytes.length} bytes some were never written`))
  }

  /** The far end gets these: a buffer that was used again too early is full of something else by now. */
  arrive(bytes: Uint8Array): void {
    this.#checkWritten(bytes)
  }

  #readDown(bytes: Uint8Array): void {
    try {
      this.#down.push(bytes)
      while (this.#down.next()) {
        this.#ear.written(this, this.#decode(this.#down, 'server'), bytesOf(this.#down))
      }
      this.#down.detach()
    } catch (error) {
      this.#ear.garbled(this, error)
    }
  }

  pauseReading(): void {
    if (!this.isDetached) this.link.pauseReading()
  }

  resumeReading(): void {
    if (this.link.isPaused) this.readsAgainAtMs = this.#now()
    if (!this.isDetached) this.link.resumeReading()
  }

  end(): void {
    if (!this.isDetached) this.link.end()
  }

  destroy(): void {
    if (!this.isDetached) this.link.destroy()
  }
}

function bytesOf({ bytes, start, end }: Decoder): Uint8Array {
  return bytes.subarray(start, end)
}

/** The refusal of a version that nobody knows, which has the form of 3.1.1 [3.1.1 MQTT-3.1.2-2]. */
function isForeign(bytes: Uint8Array): boolean {
  return bytes.length === 4 && [0x20, 2, 0, 1].every((byte, at) => bytes[at] === byte)
}
