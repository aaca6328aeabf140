/**
 * The listeners that are open, by name, and how a reload changes them: new ones open first, then those that stay take their
 * new options, and only when all of that worked do removed ones close. What fails leaves everything as it was.
 *
 * A removed one whose port a new one wants (a listener that was renamed, that becomes a WebSocket, that opens to the network)
 * has to close before; if the new one cannot open, it opens again.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Incoming, Peer, Transport } from '../protocol/transport.ts'
import type { Arrival, ArrivingStream } from './arrival.ts'
import { ListenerState } from './connection-notes.ts'
import type { ListenerOptions } from './options.ts'

/** What a listener turned away before it was a Connection; counted since the listener was opened. */
export interface ListenerCounters {
  /** TLS handshakes that failed, client certificates that were not good enough among them. */
  failedHandshakes: number
  /** PROXY protocol headers that were malformed, late, or from an address that is not trusted. */
  refusedProxyHeaders: number
  /** WebSocket handshakes that were refused: path, origin or subprotocol. */
  refusedUpgrades: number
  /** Sockets closed before they had finished their TLS, PROXY or HTTP beginning, to make room for others. */
  refusedWaiting: number
}

/** An open listener, as `broker.listeners` shows it. */
export interface ListenerView {
  readonly name: string
  /** Where Clients find it, such as `mqtt://127.0.0.1:1883`. */
  readonly url: string
  readonly address: string
  /** The real port, also where 0 was asked for; `undefined` for a Unix socket. */
  readonly port: number | undefined
  /** Clients that came through it and are connected now. */
  readonly connections: number
  readonly counters: Readonly<ListenerCounters>
}

/** An open listener. */
export interface OpenListener extends Omit<ListenerView, 'connections'> {
  /** Applies new options to Connections from now on; nothing has changed when it throws. */
  reload(options: ListenerOptions): Promise<void>
  /** Stops accepting and frees the address; Connections that were accepted stay. */
  close(): Promise<void>
}

/** WebSocket on the host program's own HTTP server. */
export interface MountedWebSocket {
  /** Stops answering; Connections stay. */
  close(): void
  /** WebSocket handshakes that were refused: origin or subprotocol. */
  readonly refusedUpgrades: number
}

/** The same as the broker has it. */
export interface OpenMount extends MountedWebSocket {
  /** Applies new options to Connections from now on. */
  reload(options: ListenerOptions): void
}

/** What may have to be passed before MQTT begins. */
export type HandshakeStage = 'PROXY protocol' | 'TLS' | 'WebSocket'

/** A stream that got no further than its beginning. */
export interface HandshakeRefusal {
  readonly listener: string
  readonly address: string
  readonly stage: HandshakeStage
  /** For people; of what the peer sent it has little, and that quoted. */
  readonly detail: string
}

/** What a listener is opened for. */
export interface AcceptingHost {
  /** Counts a stream that has to pass something else before MQTT; `undefined` where it is to be closed at once. */
  arrive(stream: ArrivingStream): Arrival | undefined
  /** @param arrival what `arrive` gave, which is the Connection's from now on, or over where that is refused */
  accept(transport: Transport, peer: Peer, arrival?: Arrival): Incoming | undefined
  /** Counts a stream that was turned away, and makes an event of it. */
  turnedAway(refusal: HandshakeRefusal): void
  readonly clock: Clock
  readonly log: Logger
}

export type OpenOne = (options: ListenerOptions, host: AcceptingHost) => Promise<OpenListener>

/** Takes what comes through that listener. */
export interface Entrance {
  arrive(stream: ArrivingStream, state: ListenerState): Arrival | undefined
  accept(transport: Transport, peer: Peer, state: ListenerState, arrival?: Arrival): Incoming | undefined
  turnedAway(refusal: HandshakeRefusal): void
}

/** A listener's own way through the entrance. */
export function hostFor(entrance: Entrance, state: ListenerState, clock: Clock, log: Logger): AcceptingHost {
  return {
    arrive: (stream) => entrance.arrive(stream, state),
    accept: (transport, peer, arrival) => entrance.accept(transport, peer, state, arrival),
    turnedAway: (refusal) => entrance.turnedAway(refusal),
    clock,
    log,
  }
}

interface Entry {
  readonly listener: OpenListener
  readonly state: ListenerState
}

export class OpenListeners {
  #entries: Entry[] = []
  readonly #openOne: OpenOne
  readonly #entrance: Entrance
  readonly #clock: Clock
  readonly #log: Logger

  constructor(openOne: OpenOne, entrance: Entrance, clock: Clock, log: Logger) {
    this.#openOne = openOne
    this.#entrance = entrance
    this.#clock = clock
    this.#log = log
  }

  get all(): readonly ListenerView[] {
    return this.#entries.map(({ listener: { name, url, address, port, counters }, state }) => {
      return { name, url, address, port, connections: state.connected, counters: { ...counters } }
    })
  }

  /** @throws {ConfigError} when one cannot be opened; those before it are closed again */
  async open(wanted: readonly ListenerOptions[]): Promise<void> {
    this.#entries = await this.#openAll(wanted)
  }

  async #openAll(wanted: readonly ListenerOptions[]): Promise<Entry[]> {
    const opened: Entry[] = []
    try {
      for (const options of wanted) opened.push(await this.#openEntry(options, new ListenerState(options)))
    } catch (error) {
      await closeAll(opened)
      throw error
    }
    return opened
  }

  async #openEntry(options: ListenerOptions, state: ListenerState): Promise<Entry> {
    const host = hostFor(this.#entrance, state, this.#clock, this.#log)
    return { listener: await this.#openOne(options, host), state }
  }

  /**
   * Changes what is open.
   *
   * @returns the names of the listeners that are gone
   * @throws {ConfigError} when something cannot be opened or used; nothing has changed then
   */
  async change(wanted: readonly ListenerOptions[]): Promise<readonly string[]> {
    const staying = this.#entries.filter(({ state }) => wanted.some((options) => isSamePlace(options, state.options)))
    const leaving = this.#entries.filter((entry) => !staying.includes(entry))
    const coming = wanted.filter((options) => !staying.some(({ state }) => isSamePlace(options, state.options)))
    const inTheWay = leaving.filter((entry) => coming.some((options) => wantsPlaceOf(options, entry)))
    await closeAll(inTheWay)
    let opened: readonly Entry[] = []
    try {
      opened = await this.#openAll(coming)
      await this.#reloadAll(staying, wanted)
    } catch (error) {
      await closeAll(opened)
      await this.#openAgain(inTheWay)
      throw error
    }
    this.#entries = [...staying, ...opened]
    await closeAll(leaving.filter((entry) => !inTheWay.includes(entry)))
    return leaving.map(({ listener }) => listener.name)
  }

  /** Where they were: their Connections have stayed, and go on counting in the same state. */
  async #openAgain(closed: readonly Entry[]): Promise<void> {
    for (const { listener, state } of closed) {
      const again = await this.#openEntry({ ...state.options, port: listener.port ?? 0 }, state)
      this.#entries = this.#entries.map((entry) => (entry.state === state ? again : entry))
    }
  }

  async #reloadAll(staying: readonly Entry[], wanted: readonly ListenerOptions[]): Promise<void> {
    const done: { entry: Entry; before: ListenerOptions }[] = []
    try {
      for (const entry of staying) {
        const options = wanted.find((one) => isSamePlace(one, entry.state.options))!
        const before = entry.state.options
        await entry.listener.reload(options)
        entry.state.options = options
        done.push({ entry, before })
      }
    } catch (error) {
      for (const { entry, before } of done) {
        await entry.listener.reload(before)
        entry.state.options = before
      }
      throw error
    }
  }

  async close(): Promise<void> {
    const entries = this.#entries
    this.#entries = []
    await closeAll(entries)
  }
}

function isSamePlace(one: ListenerOptions, other: ListenerOptions): boolean {
  return (['name', 'type', 'host', 'port', 'path'] as const).every((key) => one[key] === other[key])
}

/** Whether both cannot be open at the same time: one port, whichever addresses, or one socket's path. */
function wantsPlaceOf({ type, port, path }: ListenerOptions, { listener, state }: Entry): boolean {
  if (type === 'unix' || state.options.type === 'unix')
    return type === state.options.type && path === state.options.path
  return port !== 0 && port === listener.port
}

async function closeAll(entries: readonly Entry[]): Promise<void> {
  await Promise.all(entries.map(({ listener }) => listener.close()))
}
