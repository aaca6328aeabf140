/**
 * The part of a Broker that programs listen to. Its methods are those of Node's EventEmitter, so that `once` and `on`
 * of `node:events` work with it.
 *
 * @module
 */
import type { EventListener, EventName } from '../access/broker-events.ts'
import type { PluginEvents } from '../access/plugin.ts'

/** Emits the events of a broker. The functions `once` and `on` of `node:events` accept it. */
export class Emitter {
  readonly #events: PluginEvents

  constructor(events: PluginEvents) {
    this.#events = events
  }

  /**
   * Calls `listener` with every event of that name, until `off`. Listeners remain when the broker is restarted. As with
   * Node's EventEmitter, a function that was added twice is called twice.
   *
   * @throws {UsageError} if no event has that name, or the listener is not a function
   */
  on<Name extends EventName>(name: Name, listener: EventListener<Name>): this {
    this.#events.on(name, listener)
    return this
  }

  /** Calls `listener` with the next event of that name only. */
  once<Name extends EventName>(name: Name, listener: EventListener<Name>): this {
    this.#events.once(name, listener)
    return this
  }

  /** Removes a listener that `on` or `once` added; a function that does not listen is ignored. */
  off<Name extends EventName>(name: Name, listener: EventListener<Name>): this {
    this.#events.off(name, listener)
    return this
  }

  /** The same as `on`. */
  addListener<Name extends EventName>(name: Name, listener: EventListener<Name>): this {
    return this.on(name, listener)
  }

  /** The same as `off`. */
  removeListener<Name extends EventName>(name: Name, listener: EventListener<Name>): this {
    return this.off(name, listener)
  }
}
