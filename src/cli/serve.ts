/**
 * Runs a broker as a program: starts and announces it, reloads it on SIGHUP, and stops it on SIGINT or SIGTERM; a
 * second signal stops it at once. Each step is reported to the service manager, if there is one.
 *
 * @module
 */
import { constants } from 'node:os'
import { StoreError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { stayAlive } from '../turn/clock.ts'
import { noServiceManager } from './service-manager.ts'
import type { ServiceManager } from './service-manager.ts'

/** Stopped, but not everything was stored. */
const UNSTORED = 3

/** The part of a broker that is used here. */
export interface Served {
  readonly listeners: readonly { readonly name: string; readonly urls: readonly string[] }[]
  start(): Promise<void>
  close(): Promise<void>
  /** Whoever asked for the reload. */
  on(event: 'reloaded', listener: () => void): unknown
  /** Resolves while the broker is alive. */
  pulse(): Promise<void>
}

/** The source of signals: `process`, or an event emitter in a test. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

export interface ServeOptions {
  readonly log: Logger
  readonly signals: SignalSource
  /** Logged after the listeners, for instance where state is kept. */
  readonly announcements: readonly string[]
  /** Called when that is done. */
  readonly announced?: () => Promise<void>
  /** Called on SIGHUP; a rejection is logged and changes nothing. Absent: the system handles SIGHUP. */
  readonly reload?: () => Promise<void>
  /** Absent: there is none. */
  readonly manager?: ServiceManager
}

/**
 * Runs until a signal.
 *
 * @returns the exit code: 0 after a clean stop, 3 if not everything could be stored, 128 plus the signal's number after
 * a second signal
 */
export async function serve(broker: Served, options: ServeOptions): Promise<number> {
  const { signals, reload, manager = noServiceManager } = options
  const firstStop = nextStop(signals)
  // Keeps the process alive without listeners: Node ends a process that waits for no socket.
  const alive = stayAlive()
  manager.starting()
  let isStopping = false
  const announced = broker.start().then(() => {
    if (!isStopping) return announce(broker, options)
    return undefined
  })
  // Installed at once: an unhandled signal ends the process, and a start may take long to read a million messages.
  const hangUps = reload === undefined ? undefined : reloadOnHangUp(broker, { ...options, manager, reload }, announced)
  try {
    await Promise.race([announced, firstStop])
    const signal = await firstStop
    isStopping = true
    // A start that is stopped ends with an error of its own.
    announced.catch(() => {})
    hangUps?.ignore()
    manager.stopping()
    return await stop(broker, signal, options)
  } finally {
    hangUps?.end()
    alive.cancel()
  }
}

async function announce(broker: Served, options: ServeOptions): Promise<void> {
  const { log, announcements, announced, manager = noServiceManager } = options
  let places = announceChanges([], broker, log)
  broker.on('reloaded', () => (places = announceChanges(places, broker, log)))
  for (const announcement of announcements) log.info(announcement)
  reportReady(broker, manager)
  await announced?.()
}

interface Place {
  readonly listener: string
  readonly url: string
}

function placesOf({ listeners }: Served): readonly Place[] {
  return listeners.flatMap(({ name, urls }) => urls.map((url) => ({ listener: name, url })))
}

/** One line for each new address, and one for each that was removed. @returns what is announced now */
function announceChanges(before: readonly Place[], broker: Served, log: Logger): readonly Place[] {
  const after = placesOf(broker)
  const without = (places: readonly Place[], others: readonly Place[]): readonly Place[] =>
    places.filter((place) => !others.some(({ listener, url }) => listener === place.listener && url === place.url))
  for (const place of without(before, after)) log.info(place, `no longer listening on ${place.url}`)
  for (const place of without(after, before)) log.info(place, `listening on ${place.url}`)
  return after
}

async function stop(broker: Served, signal: NodeJS.Signals, { log, signals }: ServeOptions): Promise<number> {
  const secondStop = nextStop(signals)
  log.info({ signal }, `${signal}: stopping; a second signal stops at once`)
  const code = await Promise.race([
    broker.close().then(() => 0, unstored),
    secondStop.then((second) => 128 + constants.signals[second]),
  ])
  log.info(code > 128 ? 'stopped at once' : code === 0 ? 'stopped' : 'stopped; not everything could be stored')
  return code
}

/** The broker has logged the details. */
function unstored(error: unknown): number {
  if (error instanceof StoreError) return UNSTORED
  throw error
}

/** The next signal that requests a stop. */
function nextStop(signals: SignalSource): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const take = (signal: NodeJS.Signals): void => {
      signals.off('SIGINT', take)
      signals.off('SIGTERM', take)
      resolve(signal)
    }
    signals.on('SIGINT', take)
    signals.on('SIGTERM', take)
  })
}

function reportReady(broker: Served, manager: ServiceManager): void {
  const urls = broker.listeners.flatMap((listener) => listener.urls)
  manager.ready(urls.length === 0 ? 'no listener is open' : `listening on ${urls.join(', ')}`, () => broker.pulse())
}

interface HangUps {
  /** From now on the signal has no effect: without a listener it would end the process in the middle of a stop. */
  ignore(): void
  end(): void
}

/** @param announced a signal before this waits for it; if the start fails, the signal is ignored */
function reloadOnHangUp(
  broker: Served,
  { log, signals, reload, manager }: ServeOptions & Required<Pick<ServeOptions, 'reload' | 'manager'>>,
  announced: Promise<void>,
): HangUps {
  let reloaded = announced
  let isIgnored = false
  const reloadAndReport = async (): Promise<void> => {
    if (isIgnored) return
    manager.reloading()
    await reloadOnce(log, reload)
    if (!isIgnored) reportReady(broker, manager)
  }
  const onHangUp = (): void => {
    if (isIgnored) return
    reloaded = reloaded.then(reloadAndReport)
    reloaded.catch(() => {}) // the error of the start is thrown to its caller
  }
  signals.on('SIGHUP', onHangUp)
  return { ignore: () => void (isIgnored = true), end: () => signals.off('SIGHUP', onHangUp) }
}

async function reloadOnce(log: Logger, reload: () => Promise<void>): Promise<void> {
  try {
    await reload()
    log.info('SIGHUP: configuration reloaded')
  } catch (error) {
    log.error(`SIGHUP: configuration not reloaded, nothing was changed:\n${(error as Error).message}`)
  }
}
