/**
 * Adds and removes subscriptions during a measurement, like a fleet whose clients connect and disconnect. Half of them
 * contain a wildcard. None matches a published topic.
 *
 * @module
 */
import type { Crowd } from './crowd.ts'
import { subscribePacket, unsubscribePacket, type Version } from './frames.ts'

/** Subscriptions that exist at a time. */
const PRESENT = 100
const STEP_MS = 10

function filterOf(number: number): string {
  return `fleet/${number}/${number % 2 === 0 ? '+' : 'command'}`
}

/**
 * Makes `perSecond` subscriptions per second, each of which ends after 100 others were made. @returns a function that
 * stops it
 */
export async function startChurn(crowd: Crowd, version: Version, perSecond: number): Promise<() => void> {
  const link = await crowd.logIn()
  crowd.watch([link])
  const begin = performance.now()
  let number = 0
  const timer = setInterval(() => {
    const packets: Buffer[] = []
    for (const due = ((performance.now() - begin) * perSecond) / 1000; number < due; number++) {
      packets.push(...changes(version, number))
    }
    link.send(Buffer.concat(packets))
  }, STEP_MS)
  return () => clearInterval(timer)
}

function changes(version: Version, number: number): Buffer[] {
  // Each answer arrives long before its Packet Identifier is used again.
  const identifier = ((number * 2) % 65_534) + 1
  const come = subscribePacket(version, identifier, [filterOf(number)], 0)
  if (number < PRESENT) return [come]
  return [come, unsubscribePacket(version, identifier + 1, [filterOf(number - PRESENT)])]
}
