/**
 * A raw connection to a broker over TCP, TLS or WebSocket, without a client library: output in as few writes as
 * possible, input through one buffer that all links share.
 *
 * On a WebSocket each write is one binary frame. Its mask is four zero bytes, so that prepared packets can be sent
 * unchanged; the broker still has to unmask them.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { connectPacket, type Version } from './frames.ts'

/** The address of a broker, and the credentials. */
export interface Target {
  readonly transport: 'tcp' | 'tls' | 'ws' | 'wss'
  readonly host: string
  readonly port: number
  /** WebSocket only. */
  readonly path?: string
  readonly userName?: string
  readonly password?: string
}

/** Receives one chunk of MQTT bytes, from `start` up to `end`. They are overwritten after the call. */
export type Receive = (bytes: Uint8Array, start: number, end: number) => void

/** An error on the way to or from the broker. */
export class RawConnectionError extends Error {
  override readonly name = 'RawConnectionError'
}

const CONNECT_TIMEOUT_MS = 10_000
const LEAVE_TIMEOUT_MS = 1_000

/** Size of the read buffer that all links share, and so the most bytes of one `receive`. */
export const CHUNK_BYTES = 65_536

const sharedChunk = Buffer.allocUnsafe(CHUNK_BYTES)

function ignore(): void {}

/** The head of a binary WebSocket frame of `bytes` bytes with a zero mask. */
function webSocketHead(bytes: number): Uint8Array {
  if (bytes < 126) return Uint8Array.of(0x82, 0x80 | bytes, 0, 0, 0, 0)
  const head = Buffer.alloc(bytes < 65_536 ? 8 : 14)
  head[0] = 0x82
  if (bytes < 65_536) {
    head[1] = 0x80 | 126
    head.writeUInt16BE(bytes, 2)
  } else {
    head[1] = 0x80 | 127
    head.writeBigUInt64BE(BigInt(bytes), 2)
  }
  return head
}

const noBytes = new Uint8Array(0)

export class RawConnection {
  /** Called with received bytes. */
  receive: Receive = ignore
  /** Called when a write reported by `pending` has left. */
  writable: () => void = ignore
  /** Called once if the link fails before `destroy`. */
  broken: (error: Error) => void = ignore
  /** True while a write waits for the operating system; its memory must not be changed until `writable`. */
  pending = false
  readonly #webSocket: boolean
  readonly #secure: boolean
  readonly #socket: Socket
  readonly #written: () => void
  readonly #timeoutMs: number
  #take: Receive

  private constructor(target: Target, timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    this.#webSocket = target.transport === 'ws' || target.transport === 'wss'
    this.#secure = target.transport === 'tls' || target.transport === 'wss'
    this.#take = (bytes, start, end) => this.receive(bytes, start, end)
    this.#written = () => {
      if (!this.pending || this.#socket.writableLength > 0) return
      this.pending = false
      this.writable()
    }
    const onread: OnReadOpts = {
      buffer: sharedChunk,
      callback: (length) => {
        this.#deliver(length)
        return true
      },
    }
    const { host, port } = target
    this.#socket = this.#secure
      ? connectTls({ host, port, rejectUnauthorized: false, onread } as ConnectionOptions)
      : connectTcp({ host, port, noDelay: true, onread })
    this.#socket.on('error', (error) => this.broken(error))
    this.#socket.on('close', () => this.broken(new RawConnectionError('the broker closed the connection')))
  }

  /**
   * Opens a link up to the point where MQTT bytes can flow.
   *
   * @param timeoutMs the longest time for each answer, also for later ones
   */
  static async open(target: Target, timeoutMs: number = CONNECT_TIMEOUT_MS): Promise<RawConnection> {
    const link = new RawConnection(target, timeoutMs)
    await link.#within(`connect to ${target.host}:${target.port}`, (resolve) => {
      link.#socket.once(link.#secure ? 'secureConnect' : 'connect', resolve)
    })
    if (link.#webSocket) await link.#upgrade(target)
    return link
  }

  /** Opens a link and logs in with MQTT. */
  static async logIn(target: Target, version: Version, clientId: string, cleanStart = true): Promise<RawConnection> {
    const link = await RawConnection.open(target)
    const { userName, password } = target
    const connack = await link.exchange(connectPacket({ version, clientId, userName, password, cleanStart }), 2)
    if (connack[3] !== 0) throw new RawConnectionError(`the broker refused ${clientId} with code ${connack[3]}`)
    return link
  }

  /**
   * Sends one packet and waits for the next one, which must be of type `answerType` and the last of its chunk.
   *
   * @throws {RawConnectionError} if another packet arrives, or none in time
   */
  async exchange(packet: Uint8Array, answerType: number): Promise<Buffer> {
    const received: Buffer[] = []
    const answer = await this.#within<Buffer>(`wait for a packet of type ${answerType}`, (resolve) => {
      this.receive = (bytes, start, end) => {
        received.push(Buffer.from(bytes.subarray(start, end)))
        const all = Buffer.concat(received)
        if (isWholePacket(all)) resolve(all)
      }
      this.send(packet)
    })
    this.receive = ignore
    if (answer[0]! >> 4 === answerType) return answer
    throw new RawConnectionError(
      `expected a packet of type ${answerType}, got ${answer.subarray(0, 16).toString('hex')}`,
    )
  }

  /** The prefix that is required before `bytes` unframed bytes. */
  prefix(bytes: number): Uint8Array {
    return this.#webSocket ? webSocketHead(bytes) : noBytes
  }

  /** Sends packets; check `pending` before changing their memory. */
  send(packets: Uint8Array): void {
    this.write(this.#webSocket ? Buffer.concat([webSocketHead(packets.length), packets]) : packets)
  }

  /** Sends bytes that include their prefix. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes, this.#written)
    if (this.#socket.writableLength > 0) this.pending = true
  }

  /** Stops reading for ever. */
  freeze(): void {
    this.#socket.pause()
  }

  /** Sends a last packet and waits until the broker has closed the connection: after a reset it might never be read. */
  async leave(packet: Uint8Array): Promise<void> {
    this.broken = ignore
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LEAVE_TIMEOUT_MS)
      this.#socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      this.send(packet)
      this.#socket.end()
    })
  }

  /** Closes at once with a reset, so that thousands of links leave nothing behind in the operating system. */
  destroy(): void {
    this.broken = ignore
    this.receive = ignore
    if (this.#secure) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  #deliver(length: number): void {
    try {
      this.#take(sharedChunk, 0, length)
    } catch (error) {
      this.broken(error as Error)
    }
  }

  async #upgrade(target: Target): Promise<void> {
    const request =
      `GET ${target.path ?? '/mqtt'} HTTP/1.1\r\nHost: ${target.host}:${target.port}\r\nConnection: Upgrade\r\n` +
      `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`
    const answer = await this.#within<string>('upgrade to a WebSocket', (resolve) => {
      let received = ''
      this.#take = (bytes, start, end) => {
        received += Buffer.from(bytes.subarray(start, end)).toString('latin1')
        if (received.includes('\r\n\r\n')) resolve(received)
      }
      this.#socket.write(request)
    })
    if (!answer.startsWith('HTTP/1.1 101'))
      throw new RawConnectionError(`the broker does not accept a WebSocket: ${answer.split('\r\n', 1)[0]}`)
    this.#take = webSocketReader((bytes, start, end) => this.receive(bytes, start, end))
  }

  /** Waits until `begin` calls back, for a limited time and only as long as the link works. */
  async #within<Value = void>(what: string, begin: (resolve: (value: Value) => void) => void): Promise<Value> {
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<Value>((resolve, reject) => {
        timer = setTimeout(
          () => reject(new RawConnectionError(`could not ${what} within ${this.#timeoutMs} ms`)),
          this.#timeoutMs,
        )
        this.broken = (error) => reject(new RawConnectionError(`could not ${what}: ${error.message}`, { cause: error }))
        begin(resolve)
      })
    } catch (error) {
      this.destroy()
      throw error
    } finally {
      clearTimeout(timer)
      this.broken = ignore
    }
  }
}

function isWholePacket(bytes: Buffer): boolean {
  let length = 0
  for (let index = 1; index < 5 && index < bytes.length; index++) {
    length += (bytes[index]! & 0x7f) << (7 * (index - 1))
    if (bytes[index]! < 0x80) return bytes.length >= 1 + index + length
  }
  return false
}

/** Removes the frame heads that a server sends (never masked), and passes on the contents. */
export function webSocketReader(receive: Receive): Receive {
  const head = new Uint8Array(10)
  let held = 0
  let left = 0
  return (bytes, start, end) => {
    let at = start
    while (at < end) {
      if (left > 0) {
        const step = Math.min(left, end - at)
        receive(bytes, at, at + step)
        left -= step
        at += step
        continue
      }
      head[held++] = bytes[at++]!
      const kind = held > 1 ? head[1]! & 0x7f : 0
      if (held < 2 || held < (kind === 127 ? 10 : kind === 126 ? 4 : 2)) continue
      if ((head[0]! & 0x0f) > 2)
        throw new RawConnectionError(`received a WebSocket control frame of type ${head[0]! & 0x0f}`)
      left =
        kind === 127 ? Number(Buffer.from(head).readBigUInt64BE(2)) : kind === 126 ? (head[2]! << 8) | head[3]! : kind
      held = 0
    }
  }
}
