/** Measures PINGREQ at a steady rate from many connections, each in a write of its own. @module */
import { Crowd, inParallel } from './crowd.ts'
import { PINGREQ } from './frames.ts'
import { Stopwatch, type Measurement, type UsageProbe } from './measurement.ts'
import type { RawConnection, Target } from './raw-connection.ts'
import type { Job, Pings } from './shape.ts'
import { startPacing } from './traffic.ts'

const PINGRESP_BYTES = 2

/** Drives `shape`; see `drive`. A message is a PINGRESP, its latency the time since the PINGREQ. */
export async function drivePings(target: Target, job: Job, shape: Pings, probe: UsageProbe): Promise<Measurement> {
  const crowd = new Crowd(target, job.version)
  const watch = new Stopwatch(probe)
  let stopPacing: (() => void) | undefined
  try {
    const links = await inParallel(shape.connections, () => crowd.logIn())
    crowd.watch(links)
    const pingers = links.map((link) => new Pinger(link, watch))
    stopPacing = startPacing(pingers, shape.perSecond, watch, (pinger, now) => pinger.ping(now))
    await crowd.wait(job.warmUpSeconds * 1000)
    watch.begin()
    await crowd.wait(job.seconds * 1000)
    return watch.end()
  } finally {
    stopPacing?.()
    crowd.close()
  }
}

class Pinger {
  readonly #link: RawConnection
  #sentAt = NaN

  constructor(link: RawConnection, watch: Stopwatch) {
    this.#link = link
    link.receive = (_bytes, start, end) => {
      const answers = (end - start) / PINGRESP_BYTES
      watch.messages += answers
      watch.latencies.record(performance.now() - this.#sentAt, answers)
    }
  }

  ping(now: number): void {
    this.#sentAt = now
    this.#link.send(PINGREQ)
  }
}
