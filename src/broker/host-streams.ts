/**
 * Network Connections that the host program brings along: byte streams of its own, and WebSocket on its own HTTP server. They
 * come through no listener of the configuration, so its top level sets their limits.
 *
 * @module
 */
import type { Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Incoming, Peer, Transport } from '../protocol/transport.ts'
import { ListenerState } from './connection-notes.ts'
import { hostFor, type AcceptingHost, type Entrance, type MountedWebSocket } from './open-listeners.ts'
import { resolveOptions, type ListenerOptions, type Options } from './options.ts'

export interface MountOptions {
  /** Default `/mqtt`. */
  readonly path?: string
  /** Origins whose pages may connect, such as `https://example.com`; `*` is any. Default: none. */
  readonly allowedOrigins?: readonly string[]
}

/** What the floor above does with them. */
export interface StreamPumps {
  mountWebSocket(server: HttpServer, options: ListenerOptions, host: AcceptingHost): MountedWebSocket
  attachStream(stream: Duplex, peer: Partial<Peer>, host: AcceptingHost): boolean
}

export class HostStreams {
  readonly #pumps: StreamPumps
  readonly #entrance: Entrance
  readonly #clock: Clock
  readonly #log: Logger
  readonly #mounted = new Map<MountedWebSocket, ListenerState>()
  #attached: ListenerState | undefined

  constructor(pumps: StreamPumps, entrance: Entrance, clock: Clock, log: Logger) {
    this.#pumps = pumps
    this.#entrance = entrance
    this.#clock = clock
    this.#log = log
  }

  /** @returns whether it was taken; a refused stream is destroyed */
  attach(stream: Duplex, peer: Partial<Peer>, options: Options): boolean {
    return this.#pumps.attachStream(stream, peer, this.#hostFor(this.#attachedState(options)))
  }

  accept(transport: Transport, peer: Peer, options: Options): Incoming | undefined {
    return this.#entrance.accept(transport, peer, this.#attachedState(options))
  }

  mount(server: HttpServer, { path = '/mqtt', allowedOrigins = [] }: MountOptions, options: Options): MountedWebSocket {
    const known = { ...topLevel(options, 'mounted'), type: 'ws', websocketPath: path, allowedOrigins } as const
    const state = new ListenerState(known)
    const mounted = this.#pumps.mountWebSocket(server, known, this.#hostFor(state))
    const handle: MountedWebSocket = {
      close: () => {
        this.#mounted.delete(handle)
        mounted.close()
      },
      get refusedUpgrades() {
        return mounted.refusedUpgrades
      },
    }
    this.#mounted.set(handle, state)
    return handle
  }

  #attachedState(options: Options): ListenerState {
    return (this.#attached ??= new ListenerState(topLevel(options, 'attached')))
  }

  #hostFor(state: ListenerState): AcceptingHost {
    return hostFor(this.#entrance, state, this.#clock, this.#log)
  }

  /** New limits, for Connections from now on. */
  reload(options: Options): void {
    for (const state of [this.#attached, ...this.#mounted.values()]) {
      if (state === undefined) continue
      const { name, type, websocketPath, allowedOrigins } = state.options
      state.options = { ...topLevel(options, name), type, websocketPath, allowedOrigins }
    }
  }

  /** Takes no more. */
  close(): void {
    for (const mounted of [...this.#mounted.keys()]) mounted.close()
    this.#attached = undefined
  }
}

/** A listener's options, as the top level has them. */
function topLevel(options: Options, name: string): ListenerOptions {
  const usual = resolveOptions({}).listeners[0]!
  const common = Object.fromEntries(Object.entries(options).filter(([key]) => key in usual))
  return { ...usual, ...common, name, maxConnections: 0 }
}
