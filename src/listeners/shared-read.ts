/**
 * Reads many sockets into one buffer.
 *
 * A plain 'data' listener allocates a fresh 64 KiB block for every read. This is external memory, and at full speed
 * freeing it is most of the garbage collector's work. `net.Socket` can read into a buffer of ours instead (its option
 * `onread`), but only if the option is given at construction, and `net.Server` constructs its sockets itself. Therefore
 * the fields that `onread` sets are set afterwards. They are not part of Node's documented API: if they are not found
 * as expected (a test checks every supported Node), reading falls back to 'data', which is only slower.
 *
 * The bytes are valid until the callback returns: the next read of any socket overwrites them.
 *
 * @module
 */
import { Socket } from 'node:net'

/** One read takes at most this many bytes. */
const READ_BYTES = 65_536

const buffer = Buffer.allocUnsafeSlow(READ_BYTES)

/** The fields in which a socket keeps its `onread` setting. */
interface Places {
  readonly buffer: symbol
  readonly callback: symbol
}

const places = findPlaces()

function findPlaces(): Places | undefined {
  const symbols = Object.getOwnPropertySymbols(new Socket())
  const named = (name: string): symbol | undefined => symbols.find(({ description }) => description === name)
  const [bufferPlace, callback] = [named('kBuffer'), named('kBufferCb')]
  return bufferPlace === undefined || callback === undefined ? undefined : { buffer: bufferPlace, callback }
}

/** The undocumented parts of an accepted socket. */
interface Inside {
  [place: symbol]: unknown
  readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null
}

/**
 * Makes a newly accepted socket, before its first read, use the shared buffer.
 *
 * @param onRead called with the socket as `this` and the bytes of each read, which are valid until it returns
 * @returns false if that is impossible: the socket is unchanged then
 */
export function shareReads<Stream extends Socket>(
  socket: Stream,
  onRead: (this: Stream, chunk: Uint8Array) => void,
): boolean {
  const inside = socket as unknown as Inside
  const handle = inside._handle
  if (places === undefined || typeof handle?.useUserBuffer !== 'function' || socket.bytesRead > 0) return false
  inside[places.buffer] = buffer
  inside[places.callback] = callbackOf(onRead)
  handle.useUserBuffer(buffer)
  return true
}

type Callback = (this: Socket, bytes: number) => boolean
const callbacks = new WeakMap<object, Callback>()

/** One callback per reader, not per socket. */
function callbackOf<Stream extends Socket>(onRead: (this: Stream, chunk: Uint8Array) => void): Callback {
  const known = callbacks.get(onRead)
  if (known !== undefined) return known
  const callback: Callback = function (bytes) {
    onRead.call(this as Stream, bytes === READ_BYTES ? buffer : buffer.subarray(0, bytes))
    return true
  }
  callbacks.set(onRead, callback)
  return callback
}
