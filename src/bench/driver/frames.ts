/**
 * Packets that are encoded before the clock starts. The benchmark has its own short encoder, so that a change of the
 * product's codec can neither speed up nor break what measures it.
 *
 * A `Batch` is a buffer of many PUBLISH frames of equal size. Only their stamps (when they were sent) and Packet
 * Identifiers are updated each time; then a slice of it leaves in one write.
 *
 *   prefix? | fixed header | topic | identifier? | properties? | stamp … payload | fixed header | topic | …
 *           |<------------------------ frameBytes ----------------------------->|
 *
 * @module
 */

/** 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. */
export type Version = 3 | 4 | 5

/** The packets that are the same in every version. */
export const PINGREQ = Uint8Array.of(0xc0, 0)
export const DISCONNECT = Uint8Array.of(0xe0, 0)

/** Size of a stamp at the start of a payload, and so the minimum payload. */
export const STAMP_BYTES = 8

/** The positions of the fields in PUBLISH frames of equal size; offsets count from a frame's first byte. */
export interface Layout {
  readonly frameBytes: number
  /** The bytes up to the Topic Name, which are the same in all frames. */
  readonly head: Uint8Array
  /** -1 at QoS 0. */
  readonly identifierAt: number
  readonly stampAt: number
}

/** Many prepared frames. A slice is sent by one write. */
export interface Batch {
  readonly layout: Layout
  readonly slices: readonly Slice[]
}

/** `framesAt` is where its first frame begins: after the prefix that a WebSocket requires, otherwise 0. */
export interface Slice {
  bytes: Buffer
  view: DataView
  readonly frames: number
  readonly framesAt: number
}

/**
 * Encodes a Variable Byte Integer (§1.5.5).
 *
 * @example
 * variableByteInteger(321) // [193, 2]
 */
export function variableByteInteger(value: number): number[] {
  const bytes: number[] = []
  do {
    const rest = value >>> 7
    bytes.push((value & 0x7f) | (rest > 0 ? 0x80 : 0))
    value = rest
  } while (value > 0)
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}

function packet(firstByte: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([firstByte, ...variableByteInteger(body.length)]), body])
}

const noProperties = Buffer.from([0])

function properties(version: Version): Buffer {
  return version === 5 ? noProperties : Buffer.alloc(0)
}

/** The fields of a CONNECT. */
export interface ConnectShape {
  readonly version: Version
  readonly clientId: string
  readonly userName?: string | undefined
  readonly password?: string | undefined
  readonly cleanStart: boolean
}

/** Encodes a CONNECT without Keep Alive. */
export function connectPacket({ version, clientId, userName, password, cleanStart }: ConnectShape): Buffer {
  const flags = (cleanStart ? 0x02 : 0) | (userName === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40)
  return packet(
    0x10,
    text(version === 3 ? 'MQIsdp' : 'MQTT'),
    Buffer.from([version, flags, 0, 0]),
    properties(version),
    text(clientId),
    userName === undefined ? Buffer.alloc(0) : text(userName),
    password === undefined ? Buffer.alloc(0) : text(password),
  )
}

/** Encodes a SUBSCRIBE for all of `topicFilters` at one QoS. */
export function subscribePacket(
  version: Version,
  identifier: number,
  topicFilters: readonly string[],
  qos: number,
): Buffer {
  const requests = topicFilters.map((topicFilter) => Buffer.concat([text(topicFilter), Buffer.from([qos])]))
  return packet(0x82, Buffer.from([identifier >> 8, identifier & 0xff]), properties(version), ...requests)
}

/** Encodes an UNSUBSCRIBE for all of `topicFilters`. */
export function unsubscribePacket(version: Version, identifier: number, topicFilters: readonly string[]): Buffer {
  const identifierBytes = Buffer.from([identifier >> 8, identifier & 0xff])
  return packet(0xa2, identifierBytes, properties(version), ...topicFilters.map(text))
}

/** The parameters of a batch of PUBLISH frames. */
export interface BatchShape {
  readonly version: Version
  readonly qos: 0 | 1 | 2
  readonly retain?: boolean
  /** One for each frame, all of the same length. A single name may serve many frames: see `framesPerSlice`. */
  readonly topicNames: readonly string[]
  readonly payloadBytes: number
  /** Frames per write; topic names are repeated until the last slice is full. */
  readonly framesPerSlice: number
  /** The prefix that this kind of link requires before that many bytes. */
  readonly prefix?: (bytes: number) => Uint8Array
}

function layoutOf(shape: BatchShape): Layout {
  const topicBytes = Buffer.byteLength(shape.topicNames[0]!)
  const identifierBytes = shape.qos === 0 ? 0 : 2
  const propertyBytes = shape.version === 5 ? 1 : 0
  const remaining = 2 + topicBytes + identifierBytes + propertyBytes + shape.payloadBytes
  const firstByte = 0x30 | (shape.qos << 1) | (shape.retain === true ? 1 : 0)
  const head = Uint8Array.from([firstByte, ...variableByteInteger(remaining), topicBytes >> 8, topicBytes & 0xff])
  const afterTopic = head.length + topicBytes
  return {
    frameBytes: head.length - 2 + remaining,
    head,
    identifierAt: shape.qos === 0 ? -1 : afterTopic,
    stampAt: afterTopic + identifierBytes + propertyBytes,
  }
}

/**
 * Encodes PUBLISH frames of equal size, divided into slices of equal size.
 *
 * @throws {RangeError} if a payload has no room for a stamp, or the Topic Names differ in length
 */
export function publishBatch(shape: BatchShape): Batch {
  const { topicNames, framesPerSlice, payloadBytes } = shape
  if (payloadBytes < STAMP_BYTES) {
    throw new RangeError(`a payload must have at least ${STAMP_BYTES} bytes for its stamp, got ${payloadBytes}`)
  }
  const layout = layoutOf(shape)
  const slices: Slice[] = []
  for (let name = 0; name < topicNames.length; name += framesPerSlice) {
    const prefix = shape.prefix?.(framesPerSlice * layout.frameBytes) ?? new Uint8Array(0)
    const bytes = Buffer.alloc(prefix.length + framesPerSlice * layout.frameBytes, 0x2e)
    bytes.set(prefix)
    for (let frame = 0; frame < framesPerSlice; frame++) {
      const at = prefix.length + frame * layout.frameBytes
      const topicName = topicNames[(name + frame) % topicNames.length]!
      bytes.set(layout.head, at)
      const written = bytes.write(topicName, at + layout.head.length)
      if (written !== layout.head.at(-1)! + 256 * layout.head.at(-2)!) {
        throw new RangeError(
          `all topic names of a batch must have the same length; ${topicName} differs from ${topicNames[0]}`,
        )
      }
      bytes.fill(0, at + layout.head.length + written, at + layout.stampAt)
    }
    slices.push(withView(bytes, framesPerSlice, prefix.length))
  }
  return { layout, slices }
}

function withView(bytes: Buffer, frames: number, framesAt: number): Slice {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), frames, framesAt }
}

/** Gives the slice new memory, because a write still uses the old one. */
export function renew(slice: Slice): void {
  slice.bytes = Buffer.from(slice.bytes)
  slice.view = new DataView(slice.bytes.buffer, slice.bytes.byteOffset, slice.bytes.byteLength)
}

/**
 * Writes the time and, above QoS 0, new Packet Identifiers into a slice.
 *
 * Hot: runs for every message sent, so it only stores numbers.
 *
 * @param identifier the last Packet Identifier used before
 * @returns the last Packet Identifier used now
 */
export function stampSlice(slice: Slice, layout: Layout, now: number, identifier: number): number {
  const { view } = slice
  const { frameBytes, stampAt, identifierAt } = layout
  let at = slice.framesAt
  for (let frame = 0; frame < slice.frames; frame++, at += frameBytes) {
    view.setFloat64(at + stampAt, now)
    if (identifierAt < 0) continue
    identifier = identifier === 0xffff ? 1 : identifier + 1
    view.setUint16(at + identifierAt, identifier)
  }
  return identifier
}
