/** `sluice sub`: subscribes, and prints what arrives. @module */
import { UsageError } from '../../base/errors.ts'
import { defaultBackOff } from '../../client/client-options.ts'
import { ClientError } from '../../client/client-error.ts'
import type { Receipt } from '../../client/client-side.ts'
import type { ConnackPacket, SubackPacket, SubscriptionRequest } from '../../codec/packets.ts'
import { noProperties } from '../../codec/properties.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import { matches, parseSharedFilter, topicFilterProblem } from '../../topics/topic-filter.ts'
import type { Terminal } from '../terminal.ts'
import type { Flags } from './flags.ts'
import { messagePrinter, type PrintMessage } from './message-printer.ts'
import { explain } from './reasons.ts'
import { integerOf, settingsOf } from './settings.ts'
import { type Task, ToolClient } from './tool-client.ts'

const RETAIN_HANDLING: Readonly<Record<string, 0 | 1 | 2>> = { always: 0, new: 1, never: 2 }

/** @returns the exit code */
export async function sub(flags: Flags, terminal: Terminal): Promise<number> {
  const settings = settingsOf(flags)
  if (settings.topics.length === 0) throw new UsageError('What should be subscribed to? Use -t TOPIC.')
  for (const filter of [...settings.topics, ...listOf(flags, 'unsubscribe'), ...listOf(flags, 'filter-out')]) {
    checkFilter(filter)
  }
  const tool = new ToolClient(settings, terminal, { backOff: defaultBackOff })
  const printer = messagePrinter(flags, tool.output, (line) => tool.complain(line))
  const task = new Subscribing(tool, flags, printer)
  const seconds = integerOf(flags, 'W', 1, 0x7fff_ffff, 0)
  if (seconds > 0) tool.limit(seconds)
  endOnSignals(tool)
  return tool.run(task)
}

function listOf(flags: Flags, name: string): string[] {
  return flags.all(name).map(([value]) => value!)
}

function checkFilter(filter: string): void {
  const shared = parseSharedFilter(filter)
  const problem = typeof shared === 'string' ? shared : topicFilterProblem(shared?.topicFilter ?? filter)
  if (problem !== undefined) throw new UsageError(`Invalid topic filter ${filter}: ${problem}.`)
}

/** A first signal ends the tool in order. */
export function endOnSignals(tool: ToolClient): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => tool.finish(0))
}

class Subscribing implements Task {
  readonly #tool: ToolClient
  readonly #flags: Flags
  readonly #print: PrintMessage
  readonly #filterOut: readonly string[]
  readonly #share: number
  readonly #most: number
  #printed = 0
  #isOver = false
  #hasRequested = false
  readonly #noRetained: boolean
  readonly #retainedOnly: boolean
  readonly #removesRetained: boolean

  constructor(tool: ToolClient, flags: Flags, print: PrintMessage) {
    this.#tool = tool
    this.#flags = flags
    this.#print = print
    this.#filterOut = listOf(flags, 'filter-out')
    this.#share = shareOf(flags)
    this.#most = integerOf(flags, 'C', 1, 0x7fff_ffff, 0)
    this.#noRetained = flags.has('R')
    this.#retainedOnly = flags.has('retained-only')
    this.#removesRetained = flags.has('remove-retained')
  }

  connected(_connack: ConnackPacket): void {
    // The client requests subscriptions again by itself.
    if (this.#hasRequested) return
    this.#hasRequested = true
    const { client, settings } = this.#tool
    client.subscribe(
      this.#requests(),
      (answer) => this.#answered(answer),
      settings.properties.SUBSCRIBE ?? noProperties,
    )
    const unwanted = listOf(this.#flags, 'unsubscribe')
    if (unwanted.length > 0) client.unsubscribe(unwanted, undefined, settings.properties.UNSUBSCRIBE ?? noProperties)
  }

  #requests(): (Partial<SubscriptionRequest> & { readonly topicFilter: string })[] {
    const { qos, topics } = this.#tool.settings
    const handling = this.#flags.value('retain-handling') ?? 'always'
    const retainHandling = RETAIN_HANDLING[handling]
    if (retainHandling === undefined)
      throw new UsageError(`--retain-handling must be always, new or never, got ${handling}.`)
    const noLocal = this.#flags.has('no-local')
    const retainAsPublished = this.#flags.has('retain-as-published')
    return topics.map((topicFilter) => ({ topicFilter, qos, noLocal, retainAsPublished, retainHandling }))
  }

  #answered(answer: SubackPacket | ClientError): void {
    if (answer instanceof ClientError) {
      if (this.#tool.client.state === 'ended') return
      this.#tool.complain(`Error: ${explain(answer)}`)
      this.#tool.finish(1)
    } else if (answer.reasonCodes.every((code) => code >= 0x80)) {
      this.#tool.complain('All subscription requests were denied.')
      this.#tool.finish(0)
    } else if (this.#flags.has('E')) this.#tool.finish(0)
  }

  /** Hot: runs for every message. */
  received(message: ApplicationMessage, receipt: Receipt): void {
    if (this.#isOver) return
    if (this.#retainedOnly && !message.retain) {
      this.#end()
      return
    }
    if (this.#filterOut.length > 0 && this.#filterOut.some((filter) => matches(filter, message.topicName))) return
    if (this.#removesRetained && message.retain) {
      this.#tool.client.publish(message.topicName, new Uint8Array(0), { qos: 1, retain: true })
    }
    if (this.#noRetained && message.retain) return
    if (this.#share < 100 && this.#tool.clock.random() * 100 >= this.#share) return
    this.#print(message, receipt)
    if (this.#most > 0 && ++this.#printed === this.#most) this.#end()
  }

  acknowledged(): void {
    if (this.#isOver) queueMicrotask(() => this.#end())
  }

  /** What removes retained messages still has to be answered; and the last message, to be acknowledged. */
  #end(): void {
    this.#isOver = true
    if (this.#removesRetained && this.#tool.client.pending > 0) return
    queueMicrotask(() => {
      if (this.#tool.client.state !== 'ended') this.#tool.finish(0)
    })
  }
}

function shareOf(flags: Flags): number {
  const text = flags.value('random-filter')
  if (text === undefined) return 100
  const share = Number(text)
  if (!(share >= 0.1 && share <= 100)) throw new UsageError(`--random-filter must be from 0.1 to 100, got ${text}.`)
  return share
}
