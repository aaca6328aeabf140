/** One simulated device: a client that connects, publishes at its pace, goes away and comes back. @module */
import type { Clock, Timer } from '../../../base/clock.ts'
import { Client } from '../../../client/client.ts'
import type { ClientError } from '../../../client/client-error.ts'
import { type ClientOptions, defaultBackOff } from '../../../client/client-options.ts'
import type { Attempt, ClientSide } from '../../../client/client-side.ts'
import type { Kind, PublishPlan, Span } from './scenario.ts'
import { compileTemplate, type Template } from './template.ts'

/** What all devices have done together. */
export interface Totals {
  connected: number
  logins: number
  published: number
  acknowledged: number
  received: number
  /** Messages that were not sent or were refused. */
  failed: number
  /** Connections and attempts that ended with an error, by code. */
  readonly errors: Map<string, number>
}

/** Opens a byte stream for an attempt. */
export type Dial = (attempt: Attempt) => void

/** A message with its compiled texts. */
interface Compiled {
  readonly plan: PublishPlan
  readonly topic: Template
  readonly payload: Template
}

export class Device {
  readonly #kind: Kind
  readonly #options: Partial<ClientOptions>
  readonly #clock: Clock
  readonly #dial: Dial
  readonly #totals: Totals
  readonly #messages: readonly Compiled[]
  readonly #filters: readonly { readonly topicFilter: string; readonly qos: 0 | 1 | 2 }[]
  readonly #timers = new Set<Timer>()
  #client: Client | undefined
  #isOver = false

  /** @throws {UsageError} for a template that is wrong */
  constructor(kind: Kind, n: number, options: Partial<ClientOptions>, clock: Clock, dial: Dial, totals: Totals) {
    this.#kind = kind
    this.#clock = clock
    this.#dial = dial
    this.#totals = totals
    const clientId = compileTemplate(kind.clientId, { id: '', n, clock })()
    const subject = { id: clientId, n, clock }
    this.#options = { ...options, clientId, backOff: defaultBackOff }
    this.#messages = kind.publish.map((plan) => ({
      plan,
      topic: compileTemplate(plan.topic, subject),
      payload: compileTemplate(plan.payload, subject),
    }))
    this.#filters = kind.subscribe.map(({ filter, qos }) => ({ topicFilter: compileTemplate(filter, subject)(), qos }))
  }

  /** Connects. */
  start(): void {
    if (this.#isOver) return
    this.#client = new Client(this.#options, this.#side(), this.#clock)
    this.#client.start()
  }

  /** Leaves for ever. */
  stop(): void {
    this.#isOver = true
    this.#rest()
    this.#client?.end()
  }

  #side(): ClientSide {
    let isConnected = false
    let hasSubscribed = false
    return {
      dial: this.#dial,
      connected: () => {
        isConnected = true
        this.#totals.connected++
        this.#totals.logins++
        // The client requests subscriptions again by itself.
        if (!hasSubscribed && this.#filters.length > 0) this.#client!.subscribe(this.#filters)
        hasSubscribed = true
        this.#work()
      },
      disconnected: (error) => {
        if (isConnected) this.#totals.connected--
        isConnected = false
        this.#rest()
        if (error !== undefined) this.#count(error)
      },
      received: () => {
        this.#totals.received++
        return 0
      },
      acknowledged: (_message, reasonCode) => {
        if (reasonCode < 0x80) this.#totals.acknowledged++
        else this.#totals.failed++
      },
      dropped: () => void this.#totals.failed++,
    }
  }

  #count({ code }: ClientError): void {
    this.#totals.errors.set(code, (this.#totals.errors.get(code) ?? 0) + 1)
  }

  #work(): void {
    const client = this.#client!
    for (const message of this.#messages) this.#publishLater(client, message)
    const { churn } = this.#kind
    if (churn === undefined) return
    this.#after(churn.online, () => {
      client.end()
      this.#after(churn.away, () => this.start())
    })
  }

  #publishLater(client: Client, message: Compiled): void {
    const { plan, topic, payload } = message
    this.#after(plan.every, () => {
      client.publish(topic(), Buffer.from(payload()), { qos: plan.qos, retain: plan.retain })
      this.#totals.published++
      this.#publishLater(client, message)
    })
  }

  #after({ fromMs, toMs }: Span, run: () => void): void {
    const timer = this.#clock.setTimer(fromMs + this.#clock.random() * (toMs - fromMs), () => {
      this.#timers.delete(timer)
      run()
    })
    this.#timers.add(timer)
  }

  #rest(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }
}
