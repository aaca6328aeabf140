/**
 * The open listeners, by name, and how a reload changes them: new ones open first, then existing ones take their new
 * options, and only when all of that has worked are removed ones closed. A failure leaves everything as it was.
 *
 * A listener that waits for its address is open in this sense: it takes new options, and it can be removed.
 *
 * A removed listener whose port a new one needs (after a change of its name, to WebSocket, or to another address) has
 * to close first. If the new one cannot open, it opens again.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Incoming, Peer, Transport } from '../../protocol/transport.ts'
import type { Arrival, ArrivingStream } from '../sessions/arrival.ts'
import { ListenerState, type CertificateJudges } from '../sessions/listener-state.ts'
import type { HandshakeRefusal, ListenerTrouble, ListenerUp } from '../../access/listener-events.ts'
import { overlap } from '../../config/listener-checks.ts'
import type { ListenerOptions } from '../../config/options.ts'

/** What a listener has refused before it became a connection, counted since the listener was opened. */
export interface ListenerCounters {
  /** TLS handshakes that failed, including those with an unacceptable client certificate. */
  failedHandshakes: number
  /** PROXY protocol headers that were malformed, late, or from an address that is not trusted. */
  refusedProxyHeaders: number
  /** WebSocket handshakes refused for their path, origin or subprotocol, and requests that are not such a handshake. */
  refusedUpgrades: number
  /** Connections closed to make room for others before their TLS, PROXY or HTTP handshake was complete. */
  refusedWaiting: number
  /** How often an address could not be opened; with `retry: on`, it is tried again. */
  failedOpens: number
}

/** A certificate that a listener shows to its clients. */
export interface ListenerCertificate {
  readonly certfile: string
  /** Of the certificate, on one line. */
  readonly subject: string
  /** In milliseconds since 1970. */
  readonly validFromMs: number
  readonly validToMs: number
}

/** An open listener, as `broker.listeners` shows it. */
export interface ListenerView {
  readonly name: string
  /**
   * Where clients connect, such as `mqtt://127.0.0.1:1883`; empty while the listener waits for its address (`retry`).
   */
  readonly url: string
  /** The URLs of all its addresses; a host name may have several. */
  readonly urls: readonly string[]
  /** The address it is bound to: an IP address, or the path of a Unix domain socket. Empty while it waits for one. */
  readonly address: string
  /** All addresses that it is bound to. */
  readonly addresses: readonly string[]
  /**
   * The actual port, even if 0 was requested; `undefined` for a Unix domain socket, and while it waits for its address.
   */
  readonly port: number | undefined
  /** Whether a client without a user name may connect through it. */
  readonly admitsAnonymous: boolean
  /** Number of clients that are connected through it. */
  readonly connections: number
  /** Empty without TLS. */
  readonly certificates: readonly ListenerCertificate[]
  readonly counters: Readonly<ListenerCounters>
}

/** An open listener. */
export interface OpenListener extends Omit<ListenerView, 'connections' | 'admitsAnonymous'> {
  /**
   * Applies new options (certificates, origins, path, proxies, TLS) to Connections from now on; those that exist stay.
   *
   * @throws {ConfigError} if a file cannot be used; nothing has changed then
   * @throws {UsageError} if the address is another one, which takes another listener
   */
  reload(options: ListenerOptions): Promise<void>
  /** Stops accepting at once and frees the address. Accepted Connections belong to their owner. */
  close(): Promise<void>
}

/** WebSocket on the host program's own HTTP server, as `broker.mount` returns it. */
export interface MountedWebSocket {
  /** Stops answering; connections stay open. */
  close(): void
  /** WebSocket handshakes that were refused: origin or subprotocol. */
  readonly refusedUpgrades: number
}

/** A mounted WebSocket as the broker uses it. */
export interface OpenMount extends MountedWebSocket {
  /** Applies new options to Connections from now on. */
  reload(options: ListenerOptions): void
}

/** The broker as a listener sees it. */
export interface AcceptingHost {
  /** Counts a stream that has to pass something else before MQTT; `undefined` if it has to be closed at once. */
  arrive(stream: ArrivingStream): Arrival | undefined
  /**
   * Accepts a new Network Connection and returns what the listener drives; `undefined` refuses it, and it is destroyed.
   *
   * @param arrival what `arrive` returned. It belongs to the Connection from now on; if that is refused, it has ended
   */
  accept(transport: Transport, peer: Peer, arrival?: Arrival): Incoming | undefined
  /** Counts and reports a stream that was turned away. */
  turnedAway(refusal: HandshakeRefusal): void
  /** The name of the listener of the same broker that already has this address. */
  listenerAt(address: string, port: number): string | undefined
  /** Reports that a listener cannot open all of its addresses. */
  cannotListen(trouble: ListenerTrouble): void
  /** Reports that a listener has opened an address that it waited for. */
  listens(up: ListenerUp): void
  /** Where a listener registers the judge of its Clients' certificates. */
  readonly certificates: CertificateJudges
  /** CAs or revocation lists have changed, so Clients that are connected may be no longer allowed. */
  certificatesChanged(): void
  /** Whether the process may open one more socket. If not, this one is counted and has to be closed. */
  hasFile(address: string): boolean
  /** Counts a socket that the system could not open for lack of files. */
  lostToFiles(): void
  readonly clock: Clock
  readonly log: Logger
}

export type OpenOne = (options: ListenerOptions, host: AcceptingHost) => Promise<OpenListener>

/** The way in for streams of all listeners; each call names the listener. */
export interface Entrance {
  arrive(stream: ArrivingStream, state: ListenerState): Arrival | undefined
  accept(transport: Transport, peer: Peer, state: ListenerState, arrival?: Arrival): Incoming | undefined
  turnedAway(refusal: HandshakeRefusal): void
  cannotListen(trouble: ListenerTrouble): void
  listens(up: ListenerUp): void
  certificatesChanged(): void
  hasFile(address: string, state: ListenerState): boolean
  lostToFiles(address: string, state: ListenerState): void
}

/** The broker as one listener sees it. */
export function hostFor(
  entrance: Entrance,
  state: ListenerState,
  clock: Clock,
  log: Logger,
  listenerAt: AcceptingHost['listenerAt'] = () => undefined,
): AcceptingHost {
  return {
    arrive: (stream) => entrance.arrive(stream, state),
    accept: (transport, peer, arrival) => entrance.accept(transport, peer, state, arrival),
    turnedAway: (refusal) => entrance.turnedAway(refusal),
    listenerAt,
    cannotListen: (trouble) => entrance.cannotListen(trouble),
    listens: (up) => entrance.listens(up),
    certificates: state.certificates,
    certificatesChanged: () => entrance.certificatesChanged(),
    hasFile: (address) => entrance.hasFile(address, state),
    lostToFiles: () => entrance.lostToFiles('', state),
    clock,
    log,
  }
}

interface Entry {
  readonly listener: OpenListener
  readonly state: ListenerState
}

export class OpenListeners {
  #entries: readonly Entry[] = []
  /** The listeners that the present change has opened. */
  #opened: Entry[] = []
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
    return this.#entries.map(({ listener, state }) => {
      const { name, url, urls, address, addresses, port, certificates, counters } = listener
      const place = { name, url, urls, address, addresses, port, certificates }
      const { admitsAnonymous } = state.options
      return { ...place, admitsAnonymous, connections: state.connected, counters: { ...counters } }
    })
  }

  /** @throws {ConfigError} if one cannot be opened; those before it are closed again */
  async open(wanted: readonly ListenerOptions[]): Promise<void> {
    this.#entries = await this.#openAll(wanted)
  }

  async #openAll(wanted: readonly ListenerOptions[], states: readonly ListenerState[] = []): Promise<readonly Entry[]> {
    this.#opened = []
    const opened = this.#opened
    try {
      for (const options of wanted) {
        const state = states.find((one) => isSamePlace(options, one.options)) ?? new ListenerState(options)
        opened.push(await this.#openEntry(options, state))
      }
    } catch (error) {
      await closeAll(opened)
      throw error
    } finally {
      this.#opened = []
    }
    return opened
  }

  async #openEntry(options: ListenerOptions, state: ListenerState): Promise<Entry> {
    const host = hostFor(this.#entrance, state, this.#clock, this.#log, (...where) => this.#listenerAt(...where))
    return { listener: await this.#openOne(options, host), state }
  }

  #listenerAt(address: string, port: number): string | undefined {
    const there = ({ listener }: Entry): boolean =>
      listener.port === port && listener.addresses.some((other) => overlap(other, address))
    return [...this.#entries, ...this.#opened].find(there)?.listener.name
  }

  /**
   * Changes the listeners to the wanted ones.
   *
   * @returns the names of the listeners that were removed
   * @throws {ConfigError} if something cannot be opened or used; nothing has changed then
   */
  async change(wanted: readonly ListenerOptions[]): Promise<readonly string[]> {
    const isWanted = (entry: Entry): boolean => wanted.some((options) => isSamePlace(options, entry.state.options))
    // An IPv6 wildcard that has to leave IPv4 to another listener from now on, or need no longer do so; its Connections
    // stay.
    const narrowed = this.#entries.filter((entry) => isWanted(entry) && changesFamilies(entry, wanted))
    const staying = this.#entries.filter((entry) => isWanted(entry) && !narrowed.includes(entry))
    const leaving = this.#entries.filter((entry) => !isWanted(entry))
    const coming = wanted.filter((options) => !staying.some(({ state }) => isSamePlace(options, state.options)))
    const inTheWay = leaving.filter((entry) => coming.some((options) => wantsPlaceOf(options, entry)))
    const states = narrowed.map(({ state }) => state)
    const closed = [...inTheWay, ...narrowed]
    await closeAll(closed)
    let opened: readonly Entry[] = []
    try {
      opened = await this.#openAll(coming, states)
      await this.#reloadAll(staying, wanted)
    } catch (error) {
      await closeAll(opened)
      await this.#openAgain(closed)
      throw error
    }
    for (const state of states) state.options = wanted.find((options) => isSamePlace(options, state.options))!
    this.#entries = [...staying, ...opened]
    await closeAll(leaving.filter((entry) => !inTheWay.includes(entry)))
    return leaving.map(({ listener }) => listener.name)
  }

  /** Opens listeners again where they were. Their Connections have stayed, and are still counted in the same state. */
  async #openAgain(closed: readonly Entry[]): Promise<void> {
    for (const { listener, state } of closed) {
      const again = await this.#openEntry({ ...state.options, port: listener.port ?? state.options.port }, state)
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

/**
 * Whether it is the same place except for IPv4, which an IPv6 wildcard takes as well unless another listener has it.
 */
function changesFamilies({ state }: Entry, wanted: readonly ListenerOptions[]): boolean {
  return wanted.some((options) => isSamePlace(options, state.options) && options.ipv6Only !== state.options.ipv6Only)
}

function isSamePlace(one: ListenerOptions, other: ListenerOptions): boolean {
  return (['name', 'type', 'host', 'port', 'path'] as const).every((key) => one[key] === other[key])
}

/** Whether both cannot be open at the same time: they have the same port, at any address, or the same socket path. */
function wantsPlaceOf({ type, port, path }: ListenerOptions, { listener, state }: Entry): boolean {
  if (type === 'unix' || state.options.type === 'unix')
    return type === state.options.type && path === state.options.path
  return port !== 0 && port === (listener.port ?? state.options.port)
}

async function closeAll(entries: readonly Entry[]): Promise<void> {
  await Promise.all(entries.map(({ listener }) => listener.close()))
}
