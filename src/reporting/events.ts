/**
 * Typed events for everything that happens to Clients and their messages. A listener changes nothing, and an error in
 * it is logged.
 *
 * Events of the hot path (`published`, `delivered`, `dropped`, `packetReceived`, `packetSent`) cost nothing while
 * nobody listens.
 *
 * @module
 */
import { InvariantError, UsageError } from '../base/errors.ts'
import { logRepeatedError, type Logger } from '../base/log.ts'
import { show } from '../base/show.ts'
import { watchPromise } from '../base/thrown.ts'
import { eventTable } from './event-table.ts'
import { nearest } from '../base/nearest.ts'
import type { BrokerEvents, EventListener, EventName } from '../access/broker-events.ts'
import type { PluginEvents } from '../access/plugin.ts'

/** The names of all events. */
export const eventNames = Object.keys(eventTable) as EventName[]

type AnyListener = (event: object) => void

interface Entry {
  readonly listener: AnyListener
  readonly isOnce: boolean
}

const NO_ENTRIES: readonly Entry[] = []

/** A part of the broker that is called with every event that is emitted, before the listeners. */
export interface EventObserver {
  observe<Name extends EventName>(name: Name, event: BrokerEvents[Name]): void
}

/**
 * Listeners by event, as in Node's EventEmitter: a function that was added twice is called twice, and `off` removes the
 * latest. Unlike there, an unknown name throws, and `error` without a listener does not.
 */
export class Events implements PluginEvents {
  /** Replaced and never changed, so that a listener may add and remove others while an event is emitted. */
  readonly #entries = new Map<EventName, readonly Entry[]>()
  readonly #log: Logger
  /** Of the broker itself: the recorder, replaced at each start. It does not make events of the hot path emitted. */
  observer: EventObserver | undefined = undefined
  /** Which events of the hot path have a listener: plain fields, because they are read for every message. */
  readonly hasListener: { published: boolean; delivered: boolean; dropped: boolean; packets: boolean } = {
    published: false,
    delivered: false,
    dropped: false,
    packets: false,
  }

  constructor(log: Logger) {
    this.#log = log
  }

  /** The names of all events. */
  readonly names: readonly EventName[] = eventNames

  /** @throws {UsageError} if no event has that name, or the listener is not a function */
  on<Name extends EventName>(name: Name, listener: EventListener<Name>): void {
    this.#add(name, listener, false)
  }

  /** @throws {UsageError} as for `on` */
  once<Name extends EventName>(name: Name, listener: EventListener<Name>): void {
    this.#add(name, listener, true)
  }

  /** @throws {UsageError} as for `on`; a function that does not listen is ignored */
  off<Name extends EventName>(name: Name, listener: EventListener<Name>): void {
    checkListener(name, listener)
    const entries = this.#entriesOf(name)
    const at = entries.findLastIndex((entry) => entry.listener === listener)
    if (at >= 0) this.#replace(name, entries.toSpliced(at, 1))
  }

  /** The same as `on`. */
  addListener<Name extends EventName>(name: Name, listener: EventListener<Name>): void {
    this.on(name, listener)
  }

  /** The same as `off`: Node's `events.on` calls it when its loop is left. */
  removeListener<Name extends EventName>(name: Name, listener: EventListener<Name>): void {
    this.off(name, listener)
  }

  #add<Name extends EventName>(name: Name, listener: EventListener<Name>, isOnce: boolean): void {
    checkListener(name, listener)
    this.#replace(name, [...this.#entriesOf(name), { listener: listener as AnyListener, isOnce }])
  }

  #entriesOf(name: EventName): readonly Entry[] {
    return this.#entries.get(name) ?? NO_ENTRIES
  }

  #replace(name: EventName, entries: readonly Entry[]): void {
    if (entries.length > 0) this.#entries.set(name, entries)
    else this.#entries.delete(name)
    this.#look()
  }

  #look(): void {
    const has = (name: EventName): boolean => this.#entries.has(name)
    this.hasListener.published = has('published')
    this.hasListener.delivered = has('delivered')
    this.hasListener.dropped = has('dropped')
    this.hasListener.packets = has('packetReceived') || has('packetSent')
  }

  emit<Name extends EventName>(name: Name, event: BrokerEvents[Name]): void {
    this.observer?.observe(name, event)
    for (const entry of this.#entriesOf(name)) {
      if (entry.isOnce) this.#replace(name, without(this.#entriesOf(name), entry))
      callGuarded(entry.listener, event, (error) =>
        logRepeatedError(this.#log, { event: name, err: error }, `a listener of the event ${name} threw`),
      )
    }
  }

  /** Emits a mistake of the broker as `internalError`, and as `error`, which always carries an Error. */
  failed(clientId: string, thrown: unknown): void {
    this.emit('internalError', { clientId, error: thrown })
    this.emit('error', thrown instanceof Error ? thrown : new InvariantError(`${show(thrown)} was thrown`))
  }
}

function without(entries: readonly Entry[], entry: Entry): readonly Entry[] {
  return entries.filter((each) => each !== entry)
}

/** Checks the name, because a program in JavaScript has no types, and a misspelt name would never be emitted. */
function mustBeEvent(name: unknown): void {
  if (eventNames.includes(name as EventName)) return
  const near = typeof name === 'string' ? nearestEvents(name) : []
  const hint = near.length === 0 ? `the events are ${eventNames.join(', ')}` : `did you mean ${near.join(' or ')}?`
  throw new UsageError(`there is no event ${show(name)}; ${hint}`)
}

/** Names of other brokers' events, with similar events of this one. */
const ELSEWHERE: Readonly<Record<string, readonly EventName[]>> = {
  connect: ['clientConnected'],
  connection: ['clientConnected'],
  disconnect: ['clientDisconnected'],
  message: ['published', 'delivered'],
  ready: ['started'],
}

/** The events that a wrong name may mean: a slip, the beginning of a name, or the name of another broker. */
function nearestEvents(name: string): readonly EventName[] {
  if (Object.hasOwn(ELSEWHERE, name)) return ELSEWHERE[name]!
  const near = nearest(name, eventNames) as EventName | undefined
  if (near !== undefined) return [near]
  return name.length < 3 ? [] : eventNames.filter((each) => each.toLowerCase().startsWith(name.toLowerCase()))
}

/** @throws {UsageError} */
function checkListener(name: EventName, listener: unknown): void {
  mustBeEvent(name)
  if (typeof listener === 'function') return
  throw new UsageError(`a listener of the event ${name} must be a function, got ${show(listener)}`)
}

/**
 * Calls a function of the host program. If it throws, or returns a Promise that rejects, `failed` is called with the
 * error.
 */
export function callGuarded<Value>(
  listener: (value: Value) => unknown,
  value: Value,
  failed: (error: unknown) => void,
): void {
  try {
    watchPromise(listener(value), failed)
  } catch (error) {
    failed(error)
  }
}
