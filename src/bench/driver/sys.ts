/** Reads one figure that a broker publishes about itself. @module */
import { subscribePacket } from './frames.ts'
import { RawConnection, type Target } from './raw-connection.ts'

/** Longer than the interval at which the measured broker publishes. */
const WAIT_MS = 1500

/**
 * Subscribes to one topic under `$SYS/` until its first message.
 *
 * @returns the number in the message, or `undefined` if none arrives within 1.5 s
 */
export async function readSysNumber(target: Target, topicName: string): Promise<number | undefined> {
  const link = await RawConnection.logIn(target, 4, 'bench-reader')
  try {
    const received: Buffer[] = []
    return await new Promise<number | undefined>((resolve) => {
      setTimeout(resolve, WAIT_MS, undefined)
      link.broken = () => resolve(undefined)
      link.receive = (bytes, start, end) => {
        received.push(Buffer.from(bytes.subarray(start, end)))
        const value = payloadAfter(Buffer.concat(received).toString('latin1'), topicName)
        if (value !== undefined) resolve(value)
      }
      link.send(subscribePacket(4, 1, [topicName], 0))
    })
  } finally {
    link.destroy()
  }
}

/** Such messages are so short that they never arrive in two parts. */
function payloadAfter(received: string, topicName: string): number | undefined {
  const at = received.indexOf(topicName)
  if (at < 0) return undefined
  const value = parseFloat(received.slice(at + topicName.length))
  return Number.isNaN(value) ? undefined : value
}
