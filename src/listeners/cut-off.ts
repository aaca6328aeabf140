/** Ends a stream that was refused. @module */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Ends a stream without a farewell, by a reset where possible, so that the system releases it at once. */
export function cutOff(stream: Duplex): void {
  if (stream instanceof Socket && isTcp(stream) && !stream.destroyed) stream.resetAndDestroy()
  else stream.destroy()
}

/** False for a socket that something else is built on, and for a Unix domain socket: these cannot be reset. */
function isTcp(socket: Socket): boolean {
  return Object.getPrototypeOf(socket) === Socket.prototype && socket.remotePort !== undefined
}
