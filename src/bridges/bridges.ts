/**
 * All bridges of a broker: begun with it, changed by a reload, each without touching the others.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { type Broker, serverOf } from '../broker/broker.ts'
import type { BridgeView } from '../broker/host/bridge-view.ts'
import type { Server } from '../broker/server.ts'
import type { Bridges, BridgesHost } from '../broker/host/open-bridges.ts'
import type { Address } from '../client/address.ts'
import type { Attempt } from '../client/client-side.ts'
import { dial as dialNetwork } from '../client/dial.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import { noPropertyList } from '../codec/property-list.ts'
import type { Options } from '../config/options.ts'
import { Bridge, type BridgeHost } from './bridge.ts'
import { type BridgeSettings, readBridgeSettings } from './bridge-settings.ts'
import { hopProblem } from './hops.ts'
import { LocalEnd } from './local-end.ts'

/** How a bridge opens a byte stream to another broker. */
export type DialBridge = (address: Address, attempt: Attempt) => void

const STATE_TOPIC = '$SYS/broker/connection/'

/** @param dial how to reach other brokers; default: over the network */
export async function createBridges(
  broker: Broker,
  host: BridgesHost,
  dial: DialBridge = dialNetwork,
): Promise<Bridges> {
  return new BridgeList(broker, host, dial)
}

class BridgeList implements Bridges {
  readonly #broker: Broker
  readonly #host: BridgesHost
  readonly #parts: BridgeHost
  readonly #ownIds = new Set<string>()
  #bridges = new Map<string, Bridge>()
  readonly #published = new Map<string, string>()

  constructor(broker: Broker, host: BridgesHost, dial: DialBridge) {
    this.#broker = broker
    this.#host = host
    this.#parts = {
      clock: host.clock,
      log: host.log,
      metrics: serverOf(broker).metrics,
      ownIds: this.#ownIds,
      dial,
      isConnectedHere: (clientId) => serverOf(broker).sessions.get(clientId)?.connection !== undefined,
      changed: (bridge) => this.#changed(bridge),
    }
  }

  get views(): readonly BridgeView[] {
    return Array.from(this.#bridges.values(), (bridge) => bridge.view())
  }

  async prepare(options: Options): Promise<() => void> {
    const settings = await Promise.all(options.bridges.map(readBridgeSettings))
    return () => this.#apply(settings, options)
  }

  #apply(settings: readonly BridgeSettings[], options: Options): void {
    const before = this.#bridges
    this.#bridges = new Map()
    this.#ownIds.clear()
    for (const {
      options: { clientId },
    } of settings)
      this.#ownIds.add(clientId)
    const names = new Set(settings.map(({ options: { name } }) => name))
    for (const [name, bridge] of before) if (!names.has(name)) this.#remove(bridge)
    for (const each of settings) this.#begin(each, options, before.get(each.options.name))
    this.#count()
  }

  #begin(settings: BridgeSettings, options: Options, earlier: Bridge | undefined): void {
    const { name, paused } = settings.options
    if (earlier !== undefined && isDeepStrictEqual(earlier.settings, settings)) {
      earlier.local.reload(settings.options, options)
      this.#bridges.set(name, earlier)
      return
    }
    earlier?.close()
    const server = (): Server => serverOf(this.#broker)
    const { clock } = this.#host
    const expired = (count: number): void => bridge.expired(count)
    const local = new LocalEnd(server, clock, settings.options, options, expired, earlier?.local)
    const bridge = new Bridge(settings, local, this.#parts, earlier)
    this.#bridges.set(name, bridge)
    bridge.start(paused)
  }

  #remove(bridge: Bridge): void {
    bridge.close()
    bridge.local.remove()
    this.#publish(bridge.name, '')
    this.#published.delete(bridge.name)
    this.#host.log.info(`bridge ${bridge.name}: removed, with what waited for the other broker`)
  }

  setPaused(name: string, isPaused: boolean): boolean {
    const bridge = this.#bridges.get(name)
    if (isPaused) bridge?.pause()
    else bridge?.resume()
    return bridge !== undefined
  }

  /** A message that comes back is dropped, and acknowledged: whoever sends it can do nothing about it. */
  get returns(): ActiveConfig['returns'] {
    const [ids, { metrics }] = [this.#guarded, serverOf(this.#broker)]
    if (ids.size === 0) return undefined
    return ({ own }, message) => {
      if (own === true || message.propertyList === noPropertyList) return false
      if (hopProblem(message.properties, ids, Infinity) === undefined) return false
      metrics.bridgeMessagesReturned++
      return true
    }
  }

  /** The identifiers of bridges that add theirs to messages. */
  get #guarded(): ReadonlySet<string> {
    const guarded = [...this.#bridges.values()].filter(({ settings }) => settings.options.maxHops > 0)
    return new Set(guarded.map(({ settings }) => settings.options.clientId))
  }

  #count(): void {
    const connected = [...this.#bridges.values()].filter(({ state }) => state === 'connected')
    serverOf(this.#broker).metrics.bridgesConnected = connected.length
  }

  #changed(bridge: Bridge): void {
    const { name, state, reason } = bridge
    this.#count()
    this.#host.events.emit('bridgeChanged', { name, state, reason: reason ?? '' })
    this.#publish(name, state === 'connected' ? '1' : '0')
    this.#log(bridge)
  }

  /** The client of its session here comes and goes with it, and has no lines of its own. */
  #log({ name, state, reason, url, nextAttemptAtMs }: Bridge): void {
    const { log, clock } = this.#host
    if (state === 'connected') log.info(`bridge ${name}: connected to ${url}`)
    else if (state === 'paused') log.info(`bridge ${name}: paused; messages for ${url} wait`)
    else if (state === 'connecting' && reason === undefined) {
      log.info(`bridge ${name}: connecting to ${url}; messages for it wait until it is connected`)
    } else if (state === 'waiting') {
      const seconds = nextAttemptAtMs === undefined ? undefined : Math.ceil((nextAttemptAtMs - clock.now()) / 1000)
      const next = seconds === undefined ? '' : `; the next attempt is in ${seconds} s`
      log.warn(`bridge ${name}: not connected to ${url}: ${reason ?? 'the connection has ended'}${next}`)
    }
  }

  /** As Mosquitto does: whether a bridge is connected, retained. */
  #publish(name: string, text: string): void {
    if (this.#published.get(name) === text) return
    this.#published.set(name, text)
    serverOf(this.#broker).publishing.publishText(`${STATE_TOPIC}${name}/state`, text)
  }

  close(): void {
    for (const bridge of this.#bridges.values()) bridge.close()
    this.#bridges.clear()
  }
}
