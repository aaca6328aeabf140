/** Waits for the end of a socket that may be reset. @module */
import type { Duplex } from 'node:stream'

/** Reads and waits for the close, whether it is orderly or a reset. @returns whether it was a reset */
export function closed(stream: Duplex): Promise<boolean> {
  return new Promise((resolve) => {
    let error: NodeJS.ErrnoException | undefined
    stream.on('error', (cause: NodeJS.ErrnoException) => (error = cause))
    stream.resume().once('close', () => resolve(error?.code === 'ECONNRESET'))
  })
}
