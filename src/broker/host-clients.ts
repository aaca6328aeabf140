/**
 * What the host program reads and does about Clients and their Sessions: the implementation of those methods of the
 * Broker, which hold the contracts.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import { UsageError } from '../base/errors.ts'
import { PacketType } from '../codec/packet-types.ts'
import { isReasonCodeAllowed, ReasonCode } from '../codec/reason-code.ts'
import { closedConnectionPage, type ClosedConnectionsOptions } from './host/closed-connection-pages.ts'
import { heldMessagePage } from './host/held-messages.ts'
import type { SubscribeForOptions, SubscriptionInput, SubscriptionResult } from './host/client-subscriptions.ts'
import type { Page, PageOptions } from './host/page.ts'
import { eachSession, sessionPage } from './host/session-pages.ts'
import type { Server } from './server.ts'
import { clientViewOf, type ClientView } from './sessions/client-view.ts'
import type { ClosedConnectionView } from './sessions/closed-connections.ts'
import type { HeldMessageView } from './sessions/held-message-view.ts'
import { sessionViewOf, type SessionView } from './sessions/session-view.ts'
import type { Registration } from './sessions/sessions.ts'

/** Options of `broker.disconnect`. */
export interface DisconnectOptions {
  /** The Reason Code that a 5.0 client receives. Default 0x98, Administrative action. */
  readonly reasonCode?: ReasonCode
  /**
   * Whether to end the session too. Default false. This does not wait until its end is stored, as `endSession()` does.
   */
  readonly endSession?: boolean
}

export class HostClients {
  readonly #running: () => Server
  readonly #clock: Clock

  /** @param running throws a {UsageError} if the broker is not running */
  constructor(running: () => Server, clock: Clock) {
    this.#running = running
    this.#clock = clock
  }

  #registration(clientId: string): Registration | undefined {
    return this.#running().sessions.get(clientId)
  }

  connected(options: PageOptions): Promise<Page<SessionView>> {
    return sessionPage(this.#running(), this, options, ({ connection }) => connection !== undefined)
  }

  client(clientId: string): ClientView | undefined {
    const registration = this.#registration(clientId)
    return registration && clientViewOf(registration, this.#clock)
  }

  sessions(options: PageOptions): Promise<Page<SessionView>> {
    return sessionPage(this.#running(), this, options, () => true)
  }

  session(clientId: string): SessionView | undefined {
    const registration = this.#registration(clientId)
    return registration && sessionViewOf(registration)
  }

  eachSession(): AsyncGenerator<SessionView, void, undefined> {
    return eachSession(this.#running(), this)
  }

  heldMessages(clientId: string, options: PageOptions): Page<HeldMessageView> | undefined {
    const registration = this.#registration(clientId)
    return registration && heldMessagePage(registration, this.#running().turn, this.#clock, options)
  }

  closedConnections(options: ClosedConnectionsOptions): Promise<Page<ClosedConnectionView>> {
    const { closedConnections, turn } = this.#running()
    return closedConnectionPage(closedConnections, turn, options)
  }

  disconnect(clientId: string, options: DisconnectOptions): boolean {
    const { reasonCode = ReasonCode.AdministrativeAction, endSession = false } = options
    if (!isReasonCodeAllowed(PacketType.DISCONNECT, reasonCode, 'server')) {
      // [5.0 MQTT-3.14.2-1]
      throw new UsageError(`a Server's DISCONNECT does not have the Reason Code 0x${Number(reasonCode).toString(16)}`)
    }
    const { sessions } = this.#running()
    const { connection } = sessions.get(clientId) ?? {}
    connection?.disconnect(reasonCode, 'disconnected by server', 'disconnected by an administrator')
    const left = sessions.get(clientId)
    if (endSession && left !== undefined) sessions.end(left, 'administrator')
    return connection !== undefined || (endSession && left !== undefined)
  }

  async endSession(clientId: string, options: DisconnectOptions): Promise<boolean> {
    const { turn } = this.#running()
    const ended = this.disconnect(clientId, { ...options, endSession: true })
    await new Promise<void>((resolve) => turn.whenCommitted(resolve))
    return ended
  }

  async subscribeFor(
    clientId: string,
    subscriptions: readonly SubscriptionInput[],
    options: SubscribeForOptions,
  ): Promise<readonly SubscriptionResult[] | undefined> {
    const registration = this.#registration(clientId)
    return registration && this.#running().clientSubscriptions.subscribeFor(registration, subscriptions, options)
  }

  async unsubscribeFor(
    clientId: string,
    topicFilters: readonly string[],
  ): Promise<readonly SubscriptionResult[] | undefined> {
    const registration = this.#registration(clientId)
    return registration && this.#running().clientSubscriptions.unsubscribeFor(registration, topicFilters)
  }
}
