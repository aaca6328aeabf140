/**
 * A world in a box: one broker, its Clients, good and bad, the network between them, and everything that can go wrong,
 * in virtual time from a seed.
 *
 *   SimulatedClient ── Link (delay, pieces, faults) ── Wire (ears) ── the real Broker
 *                                                        └── Oracles
 *
 * Each instant: everything that is due happens, the turn ends, and the oracles judge. Each Client and each link draws
 * its chances from a generator of its own, so that a fault left out changes as little as possible elsewhere.
 *
 * @module
 */
import type { Clock, Timer } from '../../src/base/clock.ts'
import type { QoS } from '../../src/codec/packet-types.ts'
import { StoreError } from '../../src/base/errors.ts'
import { TURN_UNITS } from '../../src/base/work.ts'
import { serverOf } from '../../src/broker/broker.ts'
import { Broker } from '../../src/create-broker.ts'
import { Link, type LinkClient } from '../../src/testing/link.ts'
import { poisonMemory } from '../../src/testing/poison.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { SimulatedClient, type ClientSide } from './client.ts'
import { EventLog } from './event-log.ts'
import { SimulatedDisk } from './disk.ts'
import { describeFault, drawFaults, isOfBroker, type Fault } from './faults.ts'
import { drawAttack } from './hostile.ts'
import { Oracles } from './oracles.ts'
import { RecorderCheck } from './recorder-check.ts'
import { configOf, drawLimits, type SimulationLimits } from './settings.ts'
import { Totals } from './totals.ts'
import { Wire, type WireEar } from './wire.ts'

/** Virtual time after the last fault in which everything owed has to come to its end. */
const CALM_MS = 120_000
const ATTACK_EVERY_MS = 15_000
/** A Store whose disk works again has noticed it by then. */
const STORE_RETRY_MS = 6000
/** So many topics that their retained messages do not fit into a queue, and how often they are asked for. */
const RETAINED_TOPICS = 80
const COLLECT_EVERY_MS = 25_000
/** A fault that finds nobody comes again so much later. */
const FAULT_RETRY_MS = 1000

poisonMemory()

export interface WorldOptions {
  readonly seed: number
  /** Default 50. */
  readonly clients?: number
  /** Virtual minutes before the calm; default 10. */
  readonly minutes?: number
  /** Faults of the network; default 20. */
  readonly faults?: number
  /** Default 3. */
  readonly restarts?: number
  /** In place of the drawn ones. */
  readonly schedule?: readonly Fault[]
  /** Whether the event log can be read afterwards; default true. */
  readonly keepsLog?: boolean
  /** Whether the broker stores what it promises to keep, on a disk with faults of its own; default false. */
  readonly stored?: boolean
}

export interface Outcome {
  readonly seed: number
  /** What an oracle found; the run stops there. */
  readonly violation: string | undefined
  readonly schedule: readonly Fault[]
  readonly log: EventLog
  readonly totals: Totals
}

/** In so many turns others have used up most of the budget before the first packet comes, and how much of it. */
const FULL_TURNS = 0.3
const FULL_UNITS = [TURN_UNITS / 2, TURN_UNITS - 2000, TURN_UNITS - 100]

/** The clock of one process: nothing of it fires once the process is dead. */
class ProcessClock implements Clock {
  isDead = false
  /** Called at the beginning of each turn. */
  onTurn: () => void = () => {}
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  wallNow(): number {
    return this.#clock.wallNow()
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    return this.#clock.setTimer(delayMs, () => void (this.isDead || fire()))
  }

  /** The broker calls it whenever a turn begins. */
  atEndOfTurn(run: () => void): void {
    this.#clock.atEndOfTurn(() => void (this.isDead || run()))
    this.onTurn()
  }

  randomBytes(length: number): Uint8Array {
    return this.#clock.randomBytes(length)
  }

  random(): number {
    return this.#clock.random()
  }
}

export class World {
  readonly clock: VirtualClock
  readonly log: EventLog
  readonly totals: Totals = new Totals()
  readonly schedule: readonly Fault[]
  readonly clients: readonly SimulatedClient[]
  readonly #seed: number
  readonly #minutes: number
  readonly #random: SeededRandom
  readonly #turns: SeededRandom
  readonly #limits: SimulationLimits
  readonly #settingsSeed: number
  readonly #oracles: Oracles
  readonly #recorderCheck = new RecorderCheck()
  #broker: Broker | undefined
  #process: ProcessClock | undefined
  readonly #disk: SimulatedDisk | undefined
  #isClosing = false
  /** Starts and closes that are under way. */
  #unsettled = 0
  readonly #wires = new Set<Wire>()
  #links = 0
  #attacks = 0
  #violation: string | undefined

  constructor({
    seed,
    clients = 50,
    minutes = 10,
    faults = 20,
    restarts = 3,
    schedule,
    keepsLog,
    stored = false,
  }: WorldOptions) {
    const random = new SeededRandom(seed)
    this.#seed = seed
    this.#minutes = minutes
    this.#random = random
    this.#turns = new SeededRandom(seed * 19)
    this.log = new EventLog(keepsLog)
    this.clock = new VirtualClock({ seed: random.integer(2 ** 31) })
    this.#settingsSeed = random.integer(2 ** 31)
    this.#limits = drawLimits(random, stored)
    const { durability } = this.#limits
    if (durability !== undefined) this.#disk = new SimulatedDisk(new SeededRandom(random.integer(2 ** 31)))
    const drawn = drawFaults(random, { clients, minutes, faults, restarts, durability })
    this.schedule = schedule ?? drawn
    const now = (): number => this.clock.now()
    const isClosing = (): boolean => this.#isClosing
    const violation = (text: string): void => this.#failed(text)
    const side = {
      now,
      wallNow: () => this.clock.wallNow(),
      violation,
      get isClosing() {
        return isClosing()
      },
    }
    this.#oracles = new Oracles(side, this.#limits, this.totals)
    this.clients = Array.from({ length: clients }, (_, index) => this.#makeClient(index, random.integer(2 ** 31)))
  }

  #makeClient(index: number, seed: number, isCollector = false): SimulatedClient {
    const side: ClientSide = {
      receiveMaximum: this.#limits.receiveMaximum,
      topicAliasMaximum: this.#limits.topicAliasMaximum,
      now: () => this.clock.now(),
      after: (milliseconds, run) => void this.clock.setTimer(milliseconds, run),
      open: (client, name) => this.#open(client, name, false),
      applied: (wire, topicName, payload) => this.#oracles.applied(wire, topicName, payload),
      note: (...words) => this.#note(...words),
    }
    return new SimulatedClient(index, seed, side, isCollector)
  }

  #note(who: string, ...words: (string | number)[]): void {
    this.log.add(this.clock.now(), who, ...words)
  }

  #failed(text: string): void {
    if (this.#violation !== undefined) return
    this.#violation = text
    this.#note('oracle', text)
  }

  // ---- the network ----

  #open(client: LinkClient, name: string, isHostile: boolean): Wire {
    const received = (bytes: Uint8Array): void => {
      wire.arrive(bytes)
      client.received(bytes)
    }
    const link = new Link(this.clock, { received, closed: () => client.closed() })
    const random = new SeededRandom(this.#seed * 31 + ++this.#links)
    let mostMs = random.pick([0, 5, 5, 200])
    if (isHostile) mostMs = 0
    const pieces = random.pick([Infinity, Infinity, 3, 200])
    link.conditions.delayMs = () => random.integer(mostMs + 1)
    link.conditions.pieceBytes = () =>
      pieces === Infinity ? pieces : random.between(1, random.chance(0.1) ? 20_000 : pieces)
    link.conditions.windowBytes = random.pick([1000, 65_536])
    const wire = new Wire(link, name, isHostile, this.#ear(), () => this.clock.now())
    for (const other of this.#wires) if (other.link.isOver) this.#wires.delete(other)
    this.#wires.add(wire)
    const broker = this.#isClosing ? undefined : this.#broker
    const peer = { listener: 'attached', address: '', encrypted: false }
    wire.start(broker && ((transport) => broker.accept(transport, peer)))
    this.#note(name, broker === undefined ? 'finds nobody' : 'opens')
    return wire
  }

  #ear(): WireEar {
    const oracles = this.#oracles
    return {
      handed: (wire, packet, bytes) => {
        this.log.addPacket(this.clock.now(), wire.name, '->', packet, bytes)
        oracles.handed(wire, packet)
        this.#recorderCheck.handed(wire, packet)
      },
      written: (wire, packet, bytes) => {
        this.log.addPacket(this.clock.now(), wire.name, '<-', packet, bytes)
        oracles.written(wire, packet, bytes)
      },
      garbled: (wire, error) => oracles.garbled(wire, error),
      entering: (wire) => oracles.entering(wire),
    }
  }

  // ---- the broker ----

  #startBroker(): void {
    this.#unsettled++
    void this.#startProcess()
      .catch((error: unknown) => this.#failed(`the broker does not start: ${String(error)}`))
      .finally(() => this.#unsettled--)
  }

  async #startProcess(): Promise<void> {
    const clock = new ProcessClock(this.clock)
    const config = configOf(this.#limits, new SeededRandom(this.#settingsSeed))
    if (this.#disk !== undefined && this.#process !== undefined) this.#oracles.restore(await this.#disk.readBack())
    const broker = new Broker(config, { clock, ...(this.#disk && { disk: this.#disk.disk }) })
    this.#process = clock
    this.#oracles.listen(broker)
    await broker.start()
    this.#fillTurns(broker, clock)
    this.#disk?.serve(clock)
    this.#broker = broker
    this.#note('broker', 'is up')
  }

  /** What is left of a full turn has to be done in the next ones: so what happens at their boundaries is tried, too. */
  #fillTurns(broker: Broker, clock: ProcessClock): void {
    const { work } = serverOf(broker).turn
    clock.onTurn = () => {
      if (!this.#turns.chance(FULL_TURNS)) return
      work.spend(this.#turns.pick(FULL_UNITS))
      this.totals.fullTurns++
    }
  }

  #endProcess(why: string, losesPower = false): void {
    this.#note('broker', why)
    if (this.#process !== undefined) this.#process.isDead = true
    this.#broker = undefined
    this.#isClosing = false
    for (const wire of this.#wires) wire.detach()
    this.#wires.clear()
    if (this.#disk === undefined) this.#oracles.forget()
    else this.#disk.end(losesPower)
    this.totals.restarts++
    this.clock.setTimer(this.#random.between(100, 5000), () => this.#startBroker())
  }

  #stop(): void {
    const broker = this.#broker!
    this.#isClosing = true
    this.#note('broker', 'closes')
    const process = this.#process
    this.#unsettled++
    const closed = (text: string): void => {
      this.#unsettled--
      if (process?.isDead === false) this.#endProcess(text)
    }
    const failed = (error: unknown): void => {
      const { code } = error as { readonly code?: string }
      // Its disk could not write in time; none of it was acknowledged.
      if (code === 'ERR_STORE_UNSTORED') closed('has closed, and has not stored everything')
      // What survives a crash of the process is with the disk, which takes its time to sync it.
      else if (code === 'ERR_STORE_CLOSE' && this.#disk?.isSlow === true) closed('does not wait for its disk')
      else throw error
    }
    void broker.close().then(() => closed('has closed'), failed)
  }

  // ---- what goes wrong ----

  #apply(fault: Fault): void {
    const { kind } = fault
    const hitsBroker = isOfBroker(kind)
    const client = hitsBroker ? undefined : this.#victimOf(fault)
    if (hitsBroker ? this.#broker === undefined || this.#isClosing : client === undefined) {
      this.clock.setTimer(FAULT_RETRY_MS, () => this.#apply(fault))
      return
    }
    this.#note('fault', describeFault(fault), client === undefined ? '' : `hits ${client.clientId}`)
    this.totals.faults++
    if (kind === 'crash') this.#endProcess('dies')
    else if (kind === 'power cut') this.#endProcess('loses power', true)
    else if (kind === 'stop') this.#stop()
    else if (client === undefined) this.#applyToDisk(this.#disk!, fault)
    else this.#applyTo(client, fault)
  }

  #applyToDisk(disk: SimulatedDisk, { kind, forMs }: Fault): void {
    if (kind === 'slow disk') disk.mostMs = 3000
    else if (kind === 'broken disk') disk.isFailing = true
    else disk.fill()
    this.clock.setTimer(forMs, () => disk.mend(this.#limits.diskMostMs))
  }

  /** The Client that is meant, or the next one that has a Connection. */
  #victimOf({ client }: Fault): SimulatedClient | undefined {
    const order = [...this.clients.slice(client), ...this.clients.slice(0, client)]
    return order.find(({ link }) => link?.isOver === false)
  }

  #applyTo(client: SimulatedClient, { kind, forMs }: Fault): void {
    const wire = client.wire!
    const { link } = wire
    if (kind === 'cut') link.reset()
    else if (kind === 'hang up') client.hangUp()
    else if (kind === 'silence') {
      link.silence()
      this.clock.setTimer(forMs, () => void (client.wire === wire && client.abandon()))
    } else if (kind === 'double') client.connect()
    else if (kind === 'freeze') {
      link.freeze()
      this.clock.setTimer(forMs, () => link.thaw())
    } else this.#worsen(link, kind, forMs)
  }

  #worsen(link: Link, kind: Fault['kind'], forMs: number): void {
    const { conditions } = link
    const { delayMs } = conditions
    if (kind === 'slow') conditions.bytesPerSecond = 200
    else conditions.delayMs = 1500
    this.clock.setTimer(forMs, () => {
      conditions.bytesPerSecond = Infinity
      conditions.delayMs = delayMs
    })
  }

  #attack(): void {
    const name = `h${++this.#attacks}`
    const random = new SeededRandom(this.#seed * 17 + this.#attacks)
    const victims = [...this.#oracles.sessions.keys()].filter((clientId) => clientId.startsWith('c'))
    const victim = victims.length > 0 ? random.pick(victims) : name
    const wire = this.#open({ received: () => {}, closed: () => {} }, name, true)
    this.totals.attacks++
    for (const chunk of drawAttack(random, name, victim)) wire.link.send(chunk)
    this.clock.setTimer(random.between(10, 12_000), () => wire.link.reset())
  }

  #hostPublish(count: number): void {
    const options = { qos: (count % 3) as QoS, retain: count % 5 === 0 }
    this.#publishFromHost(`t/${count % 6}/y`, `host ${count}`, options)
    if (count % 3 === 0 && this.#disk !== undefined) this.#retain(this.#random.integer(RETAINED_TOPICS), count)
  }

  #retain(topic: number, count: number): void {
    this.#publishFromHost(`many/${topic % 7}/${topic}`, `retained ${topic} ${count}`, { qos: 2, retain: true })
  }

  #publishFromHost(topicName: string, payload: string, options: { readonly qos: QoS; readonly retain: boolean }): void {
    const broker = this.#broker
    if (broker === undefined || this.#isClosing) return
    this.#oracles.hostPublishes(topicName, payload)
    void broker.publish(topicName, payload, options).catch((error: unknown) => {
      if (!(error instanceof StoreError) || error.code !== 'ERR_STORE_FULL') throw error
      this.#oracles.hostRefused(topicName, payload)
    })
  }

  /** A Client whose Session is stored asks for more retained messages than it can be sent before it is cut off. */
  #collectRetained(endMs: number): SimulatedClient {
    for (let topic = 0; topic < RETAINED_TOPICS; topic++) this.#retain(topic, 0)
    const random = new SeededRandom(this.#seed * 13)
    const collector = this.#makeClient(this.clients.length + 1, this.#seed * 13, true)
    collector.connect()
    this.#repeat(COLLECT_EVERY_MS, endMs, () =>
      collector.collect('many/#', random.pick([1, 2]), random.between(50, 1000)),
    )
    return collector
  }

  // ---- time ----

  /** Runs to the end, or to the first violation. */
  async run(): Promise<Outcome> {
    const startMs = this.clock.now()
    const endMs = startMs + this.#minutes * 60_000
    this.#startBroker()
    await this.#settle()
    for (const fault of this.schedule) this.clock.setTimer(fault.atMs, () => this.#apply(fault))
    for (const client of this.clients) this.clock.setTimer(this.#random.between(0, 5000), () => client.connect())
    this.#repeat(1000, endMs + CALM_MS, () => this.#everySecond())
    this.#repeat(ATTACK_EVERY_MS, endMs, () => this.#attack())
    const collector = this.#disk === undefined ? undefined : this.#collectRetained(endMs)
    let hostMessages = 0
    this.#repeat(7000, endMs, () => this.#hostPublish(++hostMessages))
    await this.#runUntil(endMs)
    if (this.#violation === undefined) await this.#calm(collector)
    this.totals.virtualMinutes = (this.clock.now() - startMs) / 60_000
    this.totals.clients = this.clients.filter(({ hasBeenConnected, isRefused }) => hasBeenConnected || isRefused).length
    const { log, totals, schedule } = this
    return { seed: this.#seed, violation: this.#violation, schedule, log, totals }
  }

  #repeat(everyMs: number, untilMs: number, run: () => void): void {
    this.clock.setTimer(everyMs, () => {
      run()
      if (this.clock.now() < untilMs) this.#repeat(everyMs, untilMs, run)
    })
  }

  #everySecond(): void {
    if (this.#broker === undefined || this.#isClosing) return
    this.#oracles.sweep()
    if (this.clock.now() % 10_000 === 0) {
      this.#audit(this.#broker)
    }
  }

  #audit(broker: Broker): void {
    this.#oracles.audit(broker)
    const problem = this.#recorderCheck.problemOf(broker)
    if (problem !== undefined) this.#failed(problem)
  }

  async #runUntil(untilMs: number): Promise<void> {
    while (this.#violation === undefined && this.clock.step(untilMs)) {
      this.clock.runTurns()
      if (this.#unsettled > 0 || this.#disk !== undefined) await this.#settle()
      if (this.#disk === undefined) this.#oracles.endOfInstant(true)
      else if (this.#broker !== undefined) this.#oracles.endOfInstant(this.#disk.isQuiet)
    }
  }

  /** A broker that starts or closes makes promises: they go as far as they can at this instant. */
  async #settle(): Promise<void> {
    do {
      this.clock.runTurns()
      await new Promise<void>((resolve) => setImmediate(resolve))
    } while (this.clock.isTurnOpen)
  }

  /** No more faults: whatever is owed has to come to its end. */
  async #calm(collector: SimulatedClient | undefined): Promise<void> {
    const until = this.clock.now() + CALM_MS
    this.#note('world', 'is calm')
    while (this.#broker === undefined || this.#isClosing) await this.#runUntil(this.clock.now() + 1000)
    this.#disk?.mend(this.#limits.diskMostMs)
    await this.#runUntil(this.clock.now() + STORE_RETRY_MS)
    const clients = collector === undefined ? this.clients : [...this.clients, collector]
    for (const client of clients) this.clock.setTimer(this.#random.integer(5000), () => client.becomeQuiet())
    const auditor = this.#makeClient(this.clients.length, this.#seed)
    auditor.becomeQuiet()
    await this.#runUntil(until - CALM_MS / 2)
    // Where its Session is refused, one of the others asks for everything.
    const reader = [auditor, ...this.clients].find(({ isConnected }) => isConnected)
    reader?.subscribeTo(['#', '$up/#'])
    await this.#runUntil(until)
    if (this.#violation !== undefined) return
    this.#audit(this.#broker!)
    this.#oracles.finish()
    for (const { clientId, isConnected, isRefused, unfinished } of clients) {
      const session = this.#oracles.sessions.get(clientId)
      // A Session that ends with a Connection which the broker takes for alive needs room as a new one does, to be kept
      // instead.
      const hasRoom = !isRefused || session?.expiryMs !== 0
      if (!isConnected && session !== undefined && hasRoom) this.#failed(`${clientId} is not connected in the end`)
      if (unfinished > 0 && !isRefused) this.#failed(`${clientId} waits for ${unfinished} acknowledgements in the end`)
    }
  }
}
