/**
 * Network Connections from the host program: byte streams of its own, and WebSocket on its own HTTP server. They come
 * through no listener of the configuration, so its top level sets their limits.
 *
 * @module
 */
import type { Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { messageOf } from '../../base/thrown.ts'
import type { Incoming, Peer, Transport } from '../../protocol/transport.ts'
import { ListenerState } from '../sessions/listener-state.ts'
import { HostTransport } from './host-transport.ts'
import { hostFor, type AcceptingHost, type Entrance, type MountedWebSocket, type OpenMount } from './open-listeners.ts'
import { admitsAnonymous } from '../../config/access-options.ts'
import { limitKeys, resolveOptions, type ListenerOptions, type Options } from '../../config/options.ts'

/** Options of `broker.mount`. */
export interface MountOptions {
  /** The path. Default `/mqtt`. */
  readonly path?: string
  /**
   * Origins whose pages may connect in addition to this server's own, as `allowed-origins` of a listener. Default:
   * none.
   */
  readonly allowedOrigins?: readonly string[]
  /**
   * Names of this server whose pages may connect if anonymous clients may log in, as `allowed-hosts` of a listener.
   * Default: none.
   */
  readonly allowedHosts?: readonly string[]
}

/** What the floor above implements for such streams. */
export interface StreamPumps {
  mountWebSocket(server: HttpServer, options: ListenerOptions, host: AcceptingHost): OpenMount
  attachStream(stream: Duplex, peer: Partial<Peer>, host: AcceptingHost): boolean
}

export class HostStreams {
  readonly #pumps: StreamPumps
  readonly #entrance: Entrance
  readonly #clock: Clock
  readonly #log: Logger
  readonly #mounted = new Map<OpenMount, ListenerState>()
  #attached: ListenerState | undefined

  constructor(pumps: StreamPumps, entrance: Entrance, clock: Clock, log: Logger) {
    this.#pumps = pumps
    this.#entrance = entrance
    this.#clock = clock
    this.#log = log
  }

  /** @returns whether it was accepted; a refused stream is destroyed */
  attach(stream: Duplex, peer: Partial<Peer>, options: Options): boolean {
    return this.#pumps.attachStream(stream, peer, this.#hostFor(this.#attachedState(options)))
  }

  accept(transport: Transport, peer: Peer, options: Options): Incoming | undefined {
    const guarded = new HostTransport(transport, this.#clock)
    guarded.incoming = this.#entrance.accept(guarded, peer, this.#attachedState(options))
    return guarded.incoming
  }

  /**
   * @throws {UsageError} if it is not an HTTP server, and {ConfigError} for options that a listener could not have
   *   either
   */
  mount(server: HttpServer, mountOptions: MountOptions, options: Options): MountedWebSocket {
    const known = { ...topLevel(options, 'mounted'), ...checkedMount(mountOptions) }
    const state = new ListenerState(known)
    const mounted = this.#pumps.mountWebSocket(server, known, this.#hostFor(state))
    this.#mounted.set(mounted, state)
    return {
      close: () => {
        this.#mounted.delete(mounted)
        mounted.close()
      },
      get refusedUpgrades() {
        return mounted.refusedUpgrades
      },
    }
  }

  #attachedState(options: Options): ListenerState {
    return (this.#attached ??= new ListenerState(topLevel(options, 'attached')))
  }

  #hostFor(state: ListenerState): AcceptingHost {
    return hostFor(this.#entrance, state, this.#clock, this.#log)
  }

  /** Applies new limits to Connections from now on. */
  reload(options: Options): void {
    if (this.#attached !== undefined) this.#attached.options = topLevel(options, 'attached')
    for (const [mounted, state] of this.#mounted) {
      const { type, websocketPath, allowedOrigins, allowedHosts } = state.options
      state.options = { ...topLevel(options, 'mounted'), type, websocketPath, allowedOrigins, allowedHosts }
      mounted.reload(state.options)
    }
  }

  /** Accepts no more streams. */
  close(): void {
    for (const mounted of this.#mounted.keys()) {
      try {
        mounted.close()
      } catch (error) {
        // The HTTP server is the program's own, and may throw.
        this.#log.error({ err: error }, `a mounted WebSocket cannot be closed: ${messageOf(error)}`)
      }
    }
    this.#mounted.clear()
    this.#attached = undefined
  }
}

/** The options of the top level, in the form of a listener's. */
export function topLevel(options: Options, name: string): ListenerOptions {
  const usual = resolveOptions({}).listeners[0]!
  const limits = limitKeys()
  const common = Object.fromEntries(Object.entries(options).filter(([key]) => key in usual || limits.has(key)))
  return { ...usual, ...common, name, maxConnections: 0, admitsAnonymous: admitsAnonymous(options.auth, name) }
}

/** Checks the options of a mount as the keys of a listener are checked. */
function checkedMount({ path = '/mqtt', allowedOrigins = [], allowedHosts = [] }: MountOptions) {
  const input = { type: 'ws', websocketPath: path, allowedOrigins, allowedHosts, bind: '127.0.0.1:0' } as const
  const [checked] = resolveOptions({ listeners: { mounted: input } }).listeners
  const { type, websocketPath } = checked!
  return { type, websocketPath, allowedOrigins: checked!.allowedOrigins, allowedHosts: checked!.allowedHosts }
}
