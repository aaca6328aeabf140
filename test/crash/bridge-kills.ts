/**
 * Two broker processes with a bridge between them, over a link of which the test holds both ends. `kill -9` of either,
 * and cuts of the link, at random moments, while Clients publish on both sides as fast as they may: each message
 * arrives on the other side, QoS 2 exactly once, and in order.
 *
 *   publishers ──> near ── bridge ──> link ──> far ──> subscribers        and the same the other way
 *
 * @module
 */
import type { ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../../src/bench/process.ts'
import type { SeededRandom } from '../../src/testing/random.ts'
import type { Progress } from '../../tools/progress.ts'
import type { Book } from './book.ts'
import { kill, portOf, spawnBroker } from './broker-process.ts'
import { type Dial, dialTcp } from './byte-stream.ts'
import { Crew } from './crew.ts'
import { RetainedReader } from './reader.ts'

const MAX_MISSING = 20_000
const SETTLE_TIMEOUT_MS = 120_000
const STATE_TOPIC = '$SYS/broker/connection/far/state'
const LIMITS = { 'max-queued-messages': 1_000_000, 'max-queued-bytes': 1 << 30, 'max-memory-per-session': 0 }

/** A TCP connection between the brokers that can be cut. */
class CuttableLink {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server

  constructor(port: number, to: number) {
    this.#server = createServer((socket) => {
      const onward = connect(to, '127.0.0.1')
      for (const [one, other] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        this.#sockets.add(one)
        one.on('error', () => undefined)
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    }).listen(port, '127.0.0.1')
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }
}

/** One of the two brokers: it comes back on the same port, with the same store. */
class Side {
  readonly #folder: string
  readonly #config: object
  readonly #fault: (line: string) => void
  #process: ChildProcess | undefined
  readonly port: number

  constructor(folder: string, port: number, config: object, fault: (line: string) => void) {
    this.#folder = folder
    this.port = port
    const listeners = { default: { bind: `127.0.0.1:${port}` } }
    this.#config = { listeners, persistence: { path: 'data', 'max-bytes-per-user': 0 }, ...LIMITS, ...config }
    this.#fault = fault
  }

  async start(): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    this.#process = await spawnBroker(this.#folder, this.#config)
    await portOf(this.#process, this.#fault)
  }

  async kill(): Promise<void> {
    if (this.#process !== undefined) await kill(this.#process)
  }
}

/** @returns the books of both directions */
export async function bridgeRounds(rounds: number, random: SeededRandom, progress: Progress): Promise<readonly Book[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bridge-'))
  const [nearPort, farPort, linkPort] = [await freePort(), await freePort(), await freePort()]
  const [up, down] = [new Crew(random, MAX_MISSING, 'up'), new Crew(random, MAX_MISSING, 'down')]
  const fault = (line: string): void => up.book.fault(line)
  const link = new CuttableLink(linkPort, farPort)
  const near = new Side(join(folder, 'near'), nearPort, { bridges: { far: bridgeTo(linkPort) } }, fault)
  const far = new Side(join(folder, 'far'), farPort, {}, fault)
  const books = [up.book, down.book]
  const dials = { near: dialTcp(nearPort), far: dialTcp(farPort) }
  const isDone = (): boolean => books.some(({ faults }) => faults.length > 0)
  const step = (): void => {
    up.step(dials.near, dials.far)
    down.step(dials.far, dials.near)
  }
  try {
    await Promise.all([far.start(), near.start()])
    // What is published before the first connection is not for the other side: nobody has subscribed to it.
    await untilConnected(dials.near)
    for (let done = 0; done < rounds && !isDone(); done++) {
      for (const endsAt = performance.now() + random.between(100, 1500); performance.now() < endsAt && !isDone();) {
        step()
        await wait(1)
      }
      const victim = random.pick([near, far, link])
      if (victim === link) link.cut()
      else {
        const side = victim as Side
        await side.kill()
        up.leave()
        down.leave()
        if (random.chance(0.5)) await wait(random.integer(1500))
        await side.start()
      }
      progress.update(done + 1, `${up.book.acknowledged + down.book.acknowledged} acknowledged`)
    }
    for (const endsAt = performance.now() + SETTLE_TIMEOUT_MS; !isDone(); await wait(5)) {
      const finished = [up.finish(dials.near, dials.far), down.finish(dials.far, dials.near)]
      if (finished.every(Boolean)) break
      if (performance.now() > endsAt) for (const book of books) if (book.missing() > 0) book.fault(book.debts())
    }
    return books
  } finally {
    up.leave()
    down.leave()
    link.close()
    await Promise.all([near.kill(), far.kill()])
    await rm(folder, { recursive: true, force: true })
  }
}

async function untilConnected(dial: Dial): Promise<void> {
  for (;;) {
    const reader = new RetainedReader(dial, STATE_TOPIC)
    await wait(100)
    const state = reader.found.get(STATE_TOPIC)
    reader.leave()
    if (state === 1) return
  }
}

function bridgeTo(port: number): object {
  return {
    url: `mqtt://127.0.0.1:${port}`,
    'client-id': 'near',
    'max-reconnect-delay': 1,
    queue: { 'max-messages': 10_000_000 },
    out: [{ filter: 'up/#', qos: 2 }],
    in: [{ filter: 'down/#', qos: 2 }],
  }
}
