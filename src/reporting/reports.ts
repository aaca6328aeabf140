/**
 * Reports about Connections that continue, and about mistakes of the broker: a counter, a line in the log, an event.
 * @module
 */
import type { Logger } from '../base/log.ts'
import { safeExcerpt } from '../base/printable.ts'
import type { Connection } from '../protocol/connection.ts'
import type { ConnectionReports } from '../protocol/server-side.ts'
import type { Events } from './events.ts'
import type { Metrics } from './metrics.ts'

export class Reports implements ConnectionReports {
  readonly #events: Events
  readonly #log: Logger
  readonly #metrics: Metrics

  constructor(events: Events, log: Logger, metrics: Metrics) {
    this.#events = events
    this.#log = log
    this.#metrics = metrics
  }

  throttled(connection: Connection, option: string): void {
    const owner = connection.connectPacket?.clientId ?? connection.peer.address
    this.#events.emit('limitReached', { option, owner })
  }

  failed(connection: Connection, error: unknown): void {
    this.#metrics.internalErrors++
    const { clientId, address } = connection.client
    const shown = safeExcerpt(clientId)
    this.#log.error(
      { clientId: shown, address, err: error },
      `internal error while serving ${shown}: ${safeExcerpt(String(error))}`,
    )
    this.#events.failed(clientId, error)
  }

  /** A task of the turn threw. */
  taskFailed(error: unknown): void {
    this.#metrics.internalErrors++
    this.#log.error({ err: error }, `internal error; a task was abandoned: ${String(error)}`)
    this.#events.failed('', error)
  }

  /** Users have lost the role, by somebody who can give it again. */
  noAdministrator(): void {
    this.#log.warn('no user has the role administrator any more; `sluice admin reset NAME` makes one')
  }
}
