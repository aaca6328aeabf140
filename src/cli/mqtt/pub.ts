/** `sluice pub`: publishes a message, several, or each line of standard input. @module */
import { UsageError } from '../../base/errors.ts'
import type { Client, PublishOptions } from '../../client/client.ts'
import type { ClientError } from '../../client/client-error.ts'
import type { PublishHead } from '../../client/publish-head.ts'
import { noProperties } from '../../codec/properties.ts'
import { reasonCodeName } from '../../codec/reason-code.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import { topicNameProblem } from '../../topics/topic-name.ts'
import type { Terminal } from '../terminal.ts'
import type { Flags } from './flags.ts'
import { LineReader } from './line-reader.ts'
import { payloadOf, payloadSourceOf } from './payload-source.ts'
import { explain } from './reasons.ts'
import { integerOf, settingsOf } from './settings.ts'
import { type Task, ToolClient } from './tool-client.ts'

/** Messages in flight, as in Mosquitto's tools. */
const DEFAULT_INFLIGHT = 20
/** Lines of QoS 1 and 2 that wait beyond which standard input is not read; what was read at once comes on top. */
const MOST_PENDING = 2000
/** The queue has room for any message of the protocol. */
const MOST_QUEUED_BYTES = 600 * 1024 * 1024
/** The exit code if a message could not be sent. */
const NOT_SENT = 1

/** @returns the exit code */
export async function pub(flags: Flags, terminal: Terminal): Promise<number> {
  const settings = settingsOf(flags)
  const [topicName, ...others] = settings.topics
  if (topicName === undefined) throw new UsageError('Where should it be published? Use -t TOPIC.')
  if (others.length > 0) throw new UsageError('`sluice pub` publishes to one topic; -t was given several times.')
  const problem = topicNameProblem(topicName)
  if (problem !== undefined) throw new UsageError(`Invalid topic ${topicName}: ${problem}.`)
  const { PUBLISH = noProperties } = settings.properties
  const options = { qos: settings.qos, retain: flags.has('retain'), properties: PUBLISH }
  const source = payloadSourceOf(flags)
  const count = integerOf(flags, 'repeat', 1, 0x7fff_ffff, 1)
  const delay = Number(flags.value('repeat-delay') ?? 0)
  if (!(delay >= 0))
    throw new UsageError(`--repeat-delay must be a number of seconds, got ${flags.value('repeat-delay')}.`)
  const tool = new ToolClient(settings, terminal, {
    maxQueuedBytes: MOST_QUEUED_BYTES,
    maxInflightMessages: Math.min(60_000, integerOf(flags, 'M', 1, 65_535, DEFAULT_INFLIGHT)),
    ...(PUBLISH.topicAlias !== undefined && { outgoingTopicAliases: 1 }),
  })
  if (source === 'stdin-line') return tool.run(new Lines(tool, topicName, options))
  const payload = payloadOf(flags, source)
  return tool.run(new Repeats(tool, { topicName, payload, options, count, delayMs: delay * 1000 }))
}

/** What both ways of publishing do with answers. */
abstract class Publishing implements Task {
  protected readonly tool: ToolClient
  protected readonly client: Client
  protected exitCode = 0
  #answers = 0

  constructor(tool: ToolClient) {
    this.tool = tool
    this.client = tool.client
  }

  abstract connected(): void
  protected abstract next(): void

  acknowledged(_message: ApplicationMessage, reasonCode: number): void {
    this.#answers++
    if (reasonCode >= 0x80) {
      this.tool.complain(`Warning: Publish ${this.#answers} failed: ${reasonCodeName(reasonCode)}.`)
    }
    // Once the client has counted it.
    queueMicrotask(() => this.next())
  }

  dropped(_message: ApplicationMessage, error: ClientError): void {
    this.exitCode = NOT_SENT
    this.tool.complain(`Error: ${explain(error)}`)
    queueMicrotask(() => this.next())
  }
}

interface Repeated {
  readonly topicName: string
  readonly payload: Uint8Array
  readonly options: PublishOptions
  readonly count: number
  readonly delayMs: number
}

/** One message, once or several times: the next one follows the answer to the one before. */
class Repeats extends Publishing {
  readonly #what: Repeated
  #left: number

  constructor(tool: ToolClient, what: Repeated) {
    super(tool)
    this.#what = what
    this.#left = what.count
  }

  connected(): void {
    this.#publish()
  }

  #publish(): void {
    const { topicName, payload, options } = this.#what
    this.#left--
    this.client.publish(topicName, payload, options)
    if (options.qos === 0 && this.exitCode === 0) this.next()
  }

  protected next(): void {
    if (this.client.state === 'ended') return
    if (this.#left === 0 || this.exitCode !== 0) this.tool.finish(this.exitCode)
    else if (this.#what.delayMs > 0) this.tool.clock.setTimer(this.#what.delayMs, () => this.#publish())
    // A turn for what comes back: the count may be a million.
    else setImmediate(() => this.#publish())
  }
}

/** Each line of standard input, as fast as the server takes them. */
class Lines extends Publishing {
  readonly #topicName: string
  readonly #options: PublishOptions
  #head: PublishHead | undefined
  #isOver = false

  constructor(tool: ToolClient, topicName: string, options: PublishOptions) {
    super(tool)
    this.#topicName = topicName
    this.#options = options
  }

  connected(): void {
    const { qos } = this.#options
    const isPlain = qos === 0 && this.tool.watch === undefined && this.client.options.outgoingTopicAliases === 0
    if (isPlain && !(this.#options.retain === true && !this.client.limits.retainAvailable)) {
      this.#head = this.client.headOf(this.#topicName, this.#options)
    }
    const reader = new LineReader((bytes, start, end) => this.#publish(bytes, start, end))
    process.stdin.on('data', (chunk: Buffer) => {
      reader.push(chunk)
      if (!this.#takesMore) process.stdin.pause()
    })
    process.stdin.on('end', () => {
      reader.end()
      this.#isOver = true
      this.next()
    })
  }

  get #takesMore(): boolean {
    return this.client.pending <= MOST_PENDING && this.client.takesMore
  }

  #publish(bytes: Uint8Array, start: number, end: number): void {
    if (this.client.state === 'ended') return
    const head = this.#head
    if (head !== undefined && this.client.publishLine(head, bytes, start, end)) return
    // Its way reports why a line cannot be sent.
    this.client.publish(this.#topicName, Buffer.from(bytes.subarray(start, end)), this.#options)
  }

  writable(): void {
    if (!this.#isOver && this.#takesMore) process.stdin.resume()
  }

  protected next(): void {
    if (!this.#isOver && process.stdin.isPaused() && this.#takesMore) process.stdin.resume()
    if (this.#isOver && this.client.pending === 0 && this.client.state !== 'ended') this.tool.finish(this.exitCode)
  }

  ended(): void {
    process.stdin.destroy()
  }
}
