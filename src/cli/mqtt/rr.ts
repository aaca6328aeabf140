/** `sluice rr`: publishes a request, and prints the response. @module */
import { UsageError } from '../../base/errors.ts'
import { ClientError } from '../../client/client-error.ts'
import type { Receipt } from '../../client/client-side.ts'
import type { SubackPacket } from '../../codec/packets.ts'
import { noProperties } from '../../codec/properties.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import { topicNameProblem } from '../../topics/topic-name.ts'
import type { Terminal } from '../terminal.ts'
import type { Flags } from './flags.ts'
import { messagePrinter, type PrintMessage } from './message-printer.ts'
import { payloadOf, payloadSourceOf } from './payload-source.ts'
import { explain } from './reasons.ts'
import { integerOf, settingsOf } from './settings.ts'
import { endOnSignals } from './sub.ts'
import { type Task, ToolClient } from './tool-client.ts'

/** @returns the exit code */
export async function rr(flags: Flags, terminal: Terminal): Promise<number> {
  const settings = settingsOf(flags)
  const [topicName, ...others] = settings.topics
  const responseTopic = flags.value('e')
  if (topicName === undefined || others.length > 0) throw new UsageError('A request requires one topic: -t TOPIC.')
  if (responseTopic === undefined) throw new UsageError('Where will the response be published? Use -e TOPIC.')
  for (const topic of [topicName, responseTopic]) {
    const problem = topicNameProblem(topic)
    if (problem !== undefined) throw new UsageError(`Invalid topic ${topic}: ${problem}.`)
  }
  const payload = payloadOf(flags, payloadSourceOf(flags))
  const tool = new ToolClient(settings, terminal)
  const print = messagePrinter(flags, tool.output, (line) => tool.complain(line))
  const seconds = integerOf(flags, 'W', 1, 0x7fff_ffff, 0)
  if (seconds > 0) tool.limit(seconds)
  endOnSignals(tool)
  return tool.run(new Requesting(tool, flags, { topicName, responseTopic, payload }, print))
}

interface Request {
  readonly topicName: string
  readonly responseTopic: string
  readonly payload: Uint8Array
}

class Requesting implements Task {
  readonly #tool: ToolClient
  readonly #flags: Flags
  readonly #request: Request
  readonly #print: PrintMessage
  #isOver = false

  constructor(tool: ToolClient, flags: Flags, request: Request, print: PrintMessage) {
    this.#tool = tool
    this.#flags = flags
    this.#request = request
    this.#print = print
  }

  connected(): void {
    const { qos, properties } = this.#tool.settings
    const subscription = { topicFilter: this.#request.responseTopic, qos }
    this.#tool.client.subscribe(
      [subscription],
      (answer) => this.#answered(answer),
      properties.SUBSCRIBE ?? noProperties,
    )
  }

  #answered(answer: SubackPacket | ClientError): void {
    if (answer instanceof ClientError) {
      if (this.#tool.client.state === 'ended') return
      this.#tool.complain(`Error: ${explain(answer)}`)
      this.#tool.finish(1)
      return
    }
    if (answer.reasonCodes[0]! >= 0x80) {
      this.#tool.complain('All subscription requests were denied.')
      this.#tool.finish(0)
      return
    }
    const { version, qos, properties } = this.#tool.settings
    const { topicName, responseTopic, payload } = this.#request
    const options = { qos, retain: this.#flags.has('retain') }
    const own = version === 5 && { properties: { ...properties.PUBLISH, responseTopic } }
    this.#tool.client.publish(topicName, payload, { ...options, ...own })
  }

  received(message: ApplicationMessage, receipt: Receipt): void {
    if (this.#isOver || (message.retain && this.#flags.has('R'))) return
    this.#isOver = true
    this.#print(message, receipt)
    // The response is acknowledged first.
    queueMicrotask(() => this.#tool.finish(0))
  }

  acknowledged(_message: ApplicationMessage, reasonCode: number): void {
    if (reasonCode < 0x80) return
    this.#tool.complain('The server did not accept the request.')
    queueMicrotask(() => this.#tool.finish(1))
  }

  dropped(_message: ApplicationMessage, error: ClientError): void {
    this.#tool.complain(`Error: ${explain(error)}`)
    queueMicrotask(() => this.#tool.finish(1))
  }
}
