/**
 * What the guard measures our broker against: `node relay.js PORT` passes QoS 0 PUBLISH frames on to whoever
 * subscribed, and does nothing else. It stays as it is, since recorded ratios are only comparable while it does; so it
 * shares no code with the product, and a change to it asks for `--record`.
 *
 * It understands what the generator sends and no more: whole Topic Names and filters that end in `/#`.
 *
 * @module
 */
import { createServer, type Socket } from 'node:net'

const CONNACK = Buffer.from([0x20, 2, 0, 0])
const FLUSH_BYTES = 65_536

/** One client: bytes that came in part, and frames that leave at the end of this turn. */
class Peer {
  readonly #socket: Socket
  #partial: Buffer | undefined
  #output: Buffer[] = []
  #outputBytes = 0

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => forget(this))
  }

  queue(frame: Buffer): void {
    if (this.#outputBytes === 0) setImmediate(() => this.#flush())
    this.#output.push(frame)
    this.#outputBytes += frame.length
    if (this.#outputBytes >= FLUSH_BYTES) this.#flush()
  }

  #flush(): void {
    if (this.#outputBytes === 0) return
    this.#socket.write(this.#output.length === 1 ? this.#output[0]! : Buffer.concat(this.#output, this.#outputBytes))
    this.#output = []
    this.#outputBytes = 0
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#partial ? Buffer.concat([this.#partial, chunk]) : chunk
    let at = 0
    for (let end = packetEnd(bytes, at); end > 0; end = packetEnd(bytes, at)) {
      this.#packet(bytes.subarray(at, end))
      at = end
    }
    this.#partial = at < bytes.length ? bytes.subarray(at) : undefined
  }

  #packet(packet: Buffer): void {
    const type = packet[0]! >> 4
    if (type === 1) this.queue(CONNACK)
    else if (type === 3) publish(packet)
    else if (type === 8) this.#subscribe(packet)
  }

  #subscribe(packet: Buffer): void {
    const at = bodyStart(packet)
    const topicFilter = packet.toString('utf8', at + 4, at + 4 + packet.readUInt16BE(at + 2))
    const subscribers = subscribersByTopic.get(topicFilter) ?? []
    subscribers.push(this)
    subscribersByTopic.set(topicFilter, subscribers)
    matches.clear()
    this.queue(Buffer.from([0x90, 3, packet[at]!, packet[at + 1]!, 0]))
  }
}

const subscribersByTopic = new Map<string, Peer[]>()
const matches = new Map<string, readonly Peer[]>()

function forget(peer: Peer): void {
  for (const [topicFilter, peers] of subscribersByTopic) {
    subscribersByTopic.set(
      topicFilter,
      peers.filter((other) => other !== peer),
    )
  }
  matches.clear()
}

function publish(packet: Buffer): void {
  const at = bodyStart(packet)
  const topicName = packet.toString('latin1', at + 2, at + 2 + packet.readUInt16BE(at))
  let subscribers = matches.get(topicName)
  if (subscribers === undefined) {
    subscribers = match(topicName)
    matches.set(topicName, subscribers)
  }
  for (const subscriber of subscribers) subscriber.queue(packet)
}

/** Every filter that is the name itself, or a level of it followed by `#`. */
function match(topicName: string): Peer[] {
  const levels = topicName.split('/')
  const filters = levels.map((_, index) => [...levels.slice(0, index), '#'].join('/'))
  return [topicName, `${topicName}/#`, ...filters].flatMap((filter) => subscribersByTopic.get(filter) ?? [])
}

/** Where the packet at `at` ends; 0 when it is not all here. */
function packetEnd(bytes: Buffer, at: number): number {
  let length = 0
  for (let index = 1; index < 5 && at + index < bytes.length; index++) {
    length |= (bytes[at + index]! & 0x7f) << (7 * (index - 1))
    if (bytes[at + index]! >= 0x80) continue
    const end = at + 1 + index + length
    return end <= bytes.length ? end : 0
  }
  return 0
}

function bodyStart(packet: Buffer): number {
  let at = 1
  while (packet[at]! >= 0x80) at++
  return at + 1
}

process.once('disconnect', () => process.exit())
createServer((socket) => new Peer(socket)).listen(Number(process.argv[2]), '127.0.0.1')
