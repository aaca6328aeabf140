/**
 * The subscriptions of the host program, and the services of the Server that they use.
 *
 * @module
 */
import { UsageError } from '../base/errors.ts'
import { logRepeatedError, type Logger } from '../base/log.ts'
import type { Message } from '../protocol/message.ts'
import { topicFilterProblem } from '../topics/topic-filter.ts'
import { callGuarded, type Events } from '../reporting/events.ts'
import { HostSubscriber, type HostSide, type HostSubscription, type SubscribeOptions } from './host/host-subscriber.ts'
import type { Server } from './server.ts'

export class HostSubscribers {
  readonly #events: Events
  readonly #log: Logger
  readonly #open = new Set<HostSubscriber>()

  constructor(events: Events, log: Logger) {
    this.#events = events
    this.#log = log
  }

  /** @throws {UsageError} if the Topic Filter is not valid */
  subscribe(
    server: Server,
    topicFilter: string,
    listenerOrOptions: SubscribeOptions | ((message: Message) => void) | undefined,
    maybeOptions: SubscribeOptions,
  ): HostSubscription {
    const problem = topicFilterProblem(topicFilter)
    if (problem !== undefined) throw new UsageError(`cannot subscribe to ${JSON.stringify(topicFilter)}: ${problem}`)
    if (topicFilter.startsWith('$share/')) {
      throw new UsageError('the host program cannot use Shared Subscriptions')
    }
    const listener = typeof listenerOrOptions === 'function' ? this.#guard(listenerOrOptions) : undefined
    const options = typeof listenerOrOptions === 'function' ? maybeOptions : (listenerOrOptions ?? {})
    const subscription = new HostSubscriber(this.#hostSide(server), topicFilter, options, listener)
    this.#open.add(subscription)
    return subscription
  }

  /** Ends all of them. @param attempt runs each step, so that an error of one does not keep the others open */
  close(attempt: (act: () => void) => void): void {
    for (const subscription of [...this.#open]) attempt(() => subscription.close())
  }

  /** An error or rejection of a listener is logged; the broker and other receivers continue. */
  #guard(listener: (message: Message) => void): (message: Message) => void {
    return (message) => {
      callGuarded(listener, message, (error) =>
        logRepeatedError(
          this.#log,
          { topic: message.topic, err: error },
          'a subscription listener of the host program threw',
        ),
      )
    }
  }

  #hostSide(server: Server): HostSide {
    return {
      payer: server.memory.of({ userName: undefined, address: '' }),
      subscribe: (subscription) => {
        server.router.add(subscription)
        if (subscription.retainHandling === 2) return
        const host = subscription.subscriber as HostSubscriber
        const owed = { subscription, upToNumber: server.retainedMessages.lastNumber }
        server.replays.owe(host, () => host.replayReceiver, [owed])
      },
      hasRoom: (host) => server.replays.hasRoom(host),
      unsubscribe: (subscription) => {
        server.router.remove(subscription)
        server.replays.end(subscription.subscriber)
        this.#open.delete(subscription.subscriber as HostSubscriber)
      },
      dropped: (message, cause) => {
        server.metrics.dropped[cause]++
        server.packets.spans?.dropped('', message, cause)
        this.#events.emit('dropped', { clientId: '', message, cause })
      },
      now: () => server.now(),
    }
  }
}
