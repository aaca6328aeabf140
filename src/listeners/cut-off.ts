/** The end of a stream that was refused. @module */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Ends a stream that is not worth a farewell: by a reset where it can, so that the system forgets it at once. */
export function cutOff(stream: Duplex): void {
  if (stream instanceof Socket && isTcp(stream) && !stream.destroyed) stream.resetAndDestroy()
  else stream.destroy()
}

/** Not one that something else was built on, nor a Unix domain socket: these cannot be reset. */
function isTcp(socket: Socket): boolean {
  return Object.getPrototypeOf(socket) === Socket.prototype && socket.remotePort !== undefined
}
