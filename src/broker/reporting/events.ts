/**
 * What the broker tells: typed events for everything that happens to Clients and their messages. Telling is not asking: a
 * listener changes nothing, and one that throws is logged and forgotten.
 *
 * Events of the hot path (`published`, `delivered`, `dropped`, `packetReceived`, `packetSent`) cost nothing while nobody
 * listens.
 *
 * @module
 */
import { UsageError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { show } from '../../base/show.ts'
import { eventTable } from './event-table.ts'
import { nearest } from '../../base/nearest.ts'
import type { BrokerEvents, EventName } from './broker-events.ts'

/** The names of all events, for whoever listens to everything. */
export const eventNames = Object.keys(eventTable) as EventName[]

export type Listener<Name extends EventName> = (event: BrokerEvents[Name]) => void
type AnyListener = (event: object) => void

/** Listeners by event. */
export class Events {
  readonly #listeners = new Map<string, Set<AnyListener>>()
  readonly #log: Logger
  /** Whether anybody listens to the event of that name: plain fields, because the hot path asks. */
  readonly hears: { published: boolean; delivered: boolean; dropped: boolean; packets: boolean } = {
    published: false,
    delivered: false,
    dropped: false,
    packets: false,
  }

  constructor(log: Logger) {
    this.#log = log
  }

  /** All names there are. */
  readonly names: readonly EventName[] = eventNames

  /** @throws {UsageError} for a name that no event has, and a listener that is no function */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    mustBeEvent(name)
    mustBeListener(name, listener)
    const set = this.#listeners.get(name) ?? new Set()
    set.add(listener as AnyListener)
    this.#listeners.set(name, set)
    this.#look()
  }

  /** @throws {UsageError} for a name that no event has */
  off<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    mustBeEvent(name)
    this.#listeners.get(name)?.delete(listener as AnyListener)
    this.#look()
  }

  #look(): void {
    const has = (name: EventName): boolean => (this.#listeners.get(name)?.size ?? 0) > 0
    this.hears.published = has('published')
    this.hears.delivered = has('delivered')
    this.hears.dropped = has('dropped')
    this.hears.packets = has('packetReceived') || has('packetSent')
  }

  tell<Name extends EventName>(name: Name, event: BrokerEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      callGuarded(listener, event, (error) =>
        this.#log.error({ event: name, err: error }, `a listener of the event ${name} threw`),
      )
    }
  }
}

/** Types do not reach a program in JavaScript, and a misspelt name would never be emitted. */
function mustBeEvent(name: unknown): void {
  if (eventNames.includes(name as EventName)) return
  const near = typeof name === 'string' ? nearest(name, eventNames) : undefined
  const hint = near === undefined ? 'the reference lists every event' : `did you mean ${near}?`
  throw new UsageError(`there is no event ${show(name)}; ${hint}`)
}

/** @throws {UsageError} */
export function mustBeListener(name: EventName, listener: unknown): void {
  if (typeof listener === 'function') return
  throw new UsageError(`a listener of the event ${name} must be a function, got ${show(listener)}`)
}

/** Calls what the host program gave. Where it throws, or is `async` and rejects, `failed` is told and nobody else. */
export function callGuarded<Value>(
  listener: (value: Value) => unknown,
  value: Value,
  failed: (error: unknown) => void,
): void {
  try {
    const result = listener(value)
    if (result instanceof Promise) result.catch(failed)
  } catch (error) {
    failed(error)
  }
}
