/**
 * Our own client against a `VirtualBroker`, or against a server of which the test writes every byte: in memory and in
 * virtual time.
 *
 *   const sensor = ClientEnd.of(broker, { clientId: 'sensor' })     a client of that broker, logged in
 *   const end = ClientEnd.scripted({ protocolVersion: 4 })           the test is the server: end.answer(packet), end.take()
 *
 * @module
 */
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import type { ConnackPacket, Packet, SubackPacket } from '../../src/codec/packets.ts'
import { PacketType } from '../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../src/codec/properties.ts'
import { Client } from '../../src/client/client.ts'
import type { ClientError } from '../../src/client/client-error.ts'
import type { ClientOptions } from '../../src/client/client-options.ts'
import type { Attempt, ClientSide, PacketWatch, Receipt } from '../../src/client/client-side.ts'
import type { ApplicationMessage } from '../../src/protocol/application-message.ts'
import type { Incoming, Transport } from '../../src/protocol/transport.ts'
import { Link } from '../../src/testing/link.ts'
import type { VirtualBroker } from './virtual-broker.ts'
import { VirtualClock } from './virtual-clock.ts'

/** The client's end of a `Link`. */
class LinkTransport implements Transport {
  readonly unsentBytes = 0
  readonly #link: Link

  constructor(link: Link) {
    this.#link = link
  }

  write(bytes: Uint8Array): boolean {
    this.#link.send(new Uint8Array(bytes))
    return true
  }

  pauseReading(): void {
    this.#link.freeze()
  }

  resumeReading(): void {
    this.#link.thaw()
  }

  end(): void {
    this.#link.hangUp()
  }

  destroy(): void {
    this.#link.hangUp()
  }
}

/** The server's end, written by the test. */
class ScriptedTransport implements Transport {
  unsentBytes = 0
  isPaused = false
  isEnded = false
  isDestroyed = false
  readonly written: Uint8Array[] = []

  write(bytes: Uint8Array): boolean {
    this.written.push(new Uint8Array(bytes))
    return true
  }

  pauseReading(): void {
    this.isPaused = true
  }

  resumeReading(): void {
    this.isPaused = false
  }

  end(): void {
    this.isEnded = true
  }

  destroy(): void {
    this.isDestroyed = true
  }
}

type Dial = (attempt: Attempt, end: ClientEnd) => void

/** Opens a byte stream to that broker. */
export function dialBroker(broker: VirtualBroker, attempt: Attempt): Link {
  let incoming: Incoming | undefined
  const link = new Link(broker.clock, {
    received: (bytes) => incoming?.receive(bytes),
    closed: () => incoming?.lost(),
  })
  link.start(broker.broker.accept(link, { listener: 'attached', address: '192.0.2.1', encrypted: false }))
  incoming = attempt.opened(new LinkTransport(link))
  return link
}

export class ClientEnd implements ClientSide {
  readonly client: Client
  readonly clock: VirtualClock
  readonly connacks: ConnackPacket[] = []
  readonly messages: ApplicationMessage[] = []
  readonly receipts: Receipt[] = []
  readonly acknowledgements: (readonly [payload: string, reasonCode: number])[] = []
  readonly drops: (readonly [payload: string, code: string])[] = []
  /** Each end of a connection: the error's code, and whether another attempt follows. */
  readonly ends: (readonly [code: string | undefined, retries: boolean])[] = []
  readonly errors: (ClientError | undefined)[] = []
  readonly addresses: number[] = []
  readonly watch: PacketWatch | undefined
  writableCount = 0
  /** What `received` returns; `undefined` leaves the answer to the test. */
  verdict: number | undefined = 0
  link: Link | undefined
  transport: ScriptedTransport | undefined
  incoming: Incoming | undefined
  retryInMs: number | undefined
  readonly #dial: Dial

  constructor(clock: VirtualClock, options: Partial<ClientOptions>, dial: Dial, watch?: PacketWatch) {
    this.clock = clock
    this.#dial = dial
    this.watch = watch
    this.client = new Client(options, this, clock)
  }

  /** A client of that broker. CONNACK has arrived if the broker answers at once. */
  static of(broker: VirtualBroker, options: Partial<ClientOptions> = {}, watch?: PacketWatch): ClientEnd {
    const end = new ClientEnd(
      broker.clock,
      options,
      (attempt, self) => (self.link = dialBroker(broker, attempt)),
      watch,
    )
    end.client.start()
    end.run()
    return end
  }

  /** The test is the server. CONNECT has been sent. */
  static scripted(options: Partial<ClientOptions> = {}, watch?: PacketWatch): ClientEnd {
    const dial: Dial = (attempt, self) => {
      self.transport = new ScriptedTransport()
      self.incoming = attempt.opened(self.transport)
    }
    const end = new ClientEnd(new VirtualClock(), options, dial, watch)
    end.client.start()
    end.run()
    return end
  }

  /** As `scripted`, logged in. */
  static loggedIn(options: Partial<ClientOptions> = {}, properties: Properties = noProperties): ClientEnd {
    const end = ClientEnd.scripted(options)
    end.take()
    end.accept({ properties })
    return end
  }

  run(): void {
    this.clock.runTurns()
  }

  advance(milliseconds: number): void {
    this.clock.advance(milliseconds)
  }

  // ---- the server that the test is ----

  /** Sends packets to the client, in one chunk whose memory is used again. */
  answer(...packets: Packet[]): void {
    this.answerBytes(Buffer.concat(packets.map((packet) => encodePacket(packet, this.client.options.protocolVersion))))
  }

  answerBytes(bytes: Uint8Array): void {
    const chunk = new Uint8Array(bytes)
    this.incoming!.receive(chunk)
    chunk.fill(0xee)
    this.run()
  }

  accept(fields: Partial<ConnackPacket> = {}): void {
    const accepted = {
      type: PacketType.CONNACK,
      sessionPresent: false,
      reasonCode: 0,
      properties: noProperties,
    } as const
    this.answer({ ...accepted, ...fields })
  }

  /** What the client has sent since the last call. */
  take(): Packet[] {
    const decoder = new Decoder()
    const packets: Packet[] = []
    decoder.push(Buffer.concat(this.transport!.written.splice(0)))
    while (decoder.next()) {
      const { bytes, firstByte, bodyStart, end } = decoder
      packets.push(decodePacket(bytes, firstByte, bodyStart, end, this.client.options.protocolVersion, 'client'))
    }
    return packets
  }

  /** The network connection is lost. */
  lose(error?: Error): void {
    this.incoming!.lost(error)
    this.run()
  }

  // ---- what the client does ----

  publish(topicName: string, payload: string, options: Parameters<Client['publish']>[2] = {}): void {
    this.client.publish(topicName, Buffer.from(payload), options)
    this.run()
  }

  /** @returns the SUBACK or the error, once it is there */
  subscribe(topicFilter: string, qos: 0 | 1 | 2 = 0, properties: Properties = noProperties) {
    const outcome: { answer: SubackPacket | ClientError | undefined } = { answer: undefined }
    this.client.subscribe([{ topicFilter, qos }], (answer) => (outcome.answer = answer), properties)
    this.run()
    return outcome
  }

  get payloads(): string[] {
    return this.messages.map((message) => message.text())
  }

  // ---- ClientSide ----

  dial(attempt: Attempt): void {
    this.addresses.push(attempt.address)
    this.#dial(attempt, this)
  }

  connected(connack: ConnackPacket): void {
    this.connacks.push(connack)
  }

  disconnected(error: ClientError | undefined, retryInMs: number | undefined): void {
    this.errors.push(error)
    this.ends.push([error?.code, retryInMs !== undefined])
    this.retryInMs = retryInMs
  }

  received(message: ApplicationMessage, receipt: Receipt): number | undefined {
    message.own()
    this.messages.push(message)
    this.receipts.push(receipt)
    return this.verdict
  }

  acknowledged(message: ApplicationMessage, reasonCode: number): void {
    this.acknowledgements.push([message.text(), reasonCode])
  }

  dropped(message: ApplicationMessage, { code }: ClientError): void {
    this.drops.push([message.text(), code])
  }

  writable(): void {
    this.writableCount++
  }
}
