/**
 * A broker's life as a program: started, announced, reloaded on SIGHUP, stopped on SIGINT or SIGTERM; a second signal does
 * not wait any longer. The service manager that started it, if any, is sent each step.
 *
 * @module
 */
import { constants } from 'node:os'
import { StoreError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { stayAlive } from '../broker/turn/clock.ts'
import { noServiceManager } from './service-manager.ts'
import type { ServiceManager } from './service-manager.ts'

/** Stopped, but the disk did not take everything. */
const UNSTORED = 3

/** What is served: of a Broker, what this needs. */
export interface Served {
  readonly listeners: readonly { readonly name: string; readonly urls: readonly string[] }[]
  start(): Promise<void>
  close(): Promise<void>
  /** Resolves while it is alive. */
  pulse(): Promise<void>
}

/** Where signals come from: `process`, or an event emitter in a test. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

export interface ServeOptions {
  readonly log: Logger
  readonly signals: SignalSource
  /** Logged after the listeners' lines, such as where state lives. */
  readonly announcements: readonly string[]
  /** What SIGHUP asks for; a rejection is logged and changes nothing. Absent: SIGHUP is left to the system. */
  readonly reload?: () => Promise<void>
  /** Absent: nobody. */
  readonly manager?: ServiceManager
}

/**
 * Serves until a signal ends it.
 *
 * @returns the exit code: 0 after a clean stop, 3 if not everything could be stored, 128 and the signal's number after a second
 *   signal
 */
export async function serve(broker: Served, options: ServeOptions): Promise<number> {
  const { signals, reload, manager = noServiceManager } = options
  const firstStop = nextStop(signals)
  // Without listeners nothing else would: Node ends a process that waits for no socket.
  const alive = stayAlive()
  manager.starting()
  let isStopping = false
  const announced = broker.start().then(() => {
    if (!isStopping) announce(broker, options)
  })
  // Installed at once: an unhandled signal ends the process, and a start may have a million messages to read.
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

function announce(broker: Served, { log, announcements, manager = noServiceManager }: ServeOptions): void {
  announceChanges([], broker, log)
  for (const announcement of announcements) log.info(announcement)
  reportReady(broker, manager)
}

interface Place {
  readonly listener: string
  readonly url: string
}

function placesOf({ listeners }: Served): readonly Place[] {
  return listeners.flatMap(({ name, urls }) => urls.map((url) => ({ listener: name, url })))
}

/** One line for each address that is new, and one for each that is gone. */
function announceChanges(before: readonly Place[], broker: Served, log: Logger): void {
  const after = placesOf(broker)
  const without = (places: readonly Place[], others: readonly Place[]): readonly Place[] =>
    places.filter((place) => !others.some(({ listener, url }) => listener === place.listener && url === place.url))
  for (const place of without(before, after)) log.info(place, `no longer listening on ${place.url}`)
  for (const place of without(after, before)) log.info(place, `listening on ${place.url}`)
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

/** The next signal that asks for an end. */
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
  /** From now on the signal does nothing: without a listener it would end the process in the middle of a stop. */
  ignore(): void
  end(): void
}

/** @param announced until then a signal waits; where the start fails, it means nothing any more */
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
    const before = placesOf(broker)
    await reloadOnce(log, reload)
    announceChanges(before, broker, log)
    if (!isIgnored) reportReady(broker, manager)
  }
  const onHangUp = (): void => {
    if (isIgnored) return
    reloaded = reloaded.then(reloadAndReport)
    reloaded.catch(() => {}) // the start's own error, which is thrown to its caller
  }
  signals.on('SIGHUP', onHangUp)
  return { ignore: () => void (isIgnored = true), end: () => signals.off('SIGHUP', onHangUp) }
}

async function reloadOnce(log: Logger, reload: () => Promise<void>): Promise<void> {
  try {
    await reload()
    log.info('SIGHUP: configuration reloaded')
  } catch (error) {
    log.error(`SIGHUP: configuration not reloaded, nothing has changed:\n${(error as Error).message}`)
  }
}
