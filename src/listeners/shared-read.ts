/**
 * Reading many sockets into one buffer.
 *
 * A plain 'data' listener costs a fresh 64 KiB block for every read: that is external memory, and at full speed freeing it is
 * most of what the garbage collector does. `net.Socket` can read into a buffer of ours instead (its option `onread`), but only
 * if it is told so when it is made, and `net.Server` makes its sockets itself. So what `onread` would have set is set
 * afterwards. That is not part of Node's documented surface: where it is not found as expected (and a test says so for every
 * Node that we support), reading goes on by 'data', only slower.
 *
 * The bytes are good until the callback returns: the next read of any socket overwrites them.
 *
 * @module
 */
import { Socket } from 'node:net'

/** One read takes at most so many bytes. */
const READ_BYTES = 65_536

const buffer = Buffer.allocUnsafeSlow(READ_BYTES)

/** Where a socket keeps what `onread` set. */
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

/** What an accepted socket is behind its documented surface. */
interface Inside {
  [place: symbol]: unknown
  readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null
}

/**
 * Makes a freshly accepted socket, of which nothing was read yet, read into the shared buffer.
 *
 * @param onRead called with the socket as `this` and the bytes of each read, which are good until it returns
 * @returns false where that cannot be done: then the socket is as it was
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

/** One callback a reader, not one a socket. */
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
