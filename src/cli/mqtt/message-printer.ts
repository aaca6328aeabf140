/** Prints received messages: plainly, with their topic, or in a format. @module */
import type { Receipt } from '../../client/client-side.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import type { Flags } from './flags.ts'
import { compileFormat } from './message-format.ts'
import type { Output } from './output.ts'

/** Prints one message. */
export type PrintMessage = (message: ApplicationMessage, receipt: Receipt) => void

/** @throws {UsageError} for an invalid format */
export function messagePrinter(flags: Flags, output: Output, complain: (line: string) => void): PrintMessage {
  const end = flags.has('N') ? '' : '\n'
  const format = flags.value('F') ?? (flags.has('json') ? '%j' : undefined)
  if (format !== undefined) return formatPrinter(compileFormat(format, flags.has('pretty'), complain), end, output)
  if (!flags.has('verbose')) {
    return ({ payload }) => {
      if (payload.length === 0) return
      output.write(payload)
      output.write(end)
    }
  }
  return ({ topicName, payload }) => {
    if (payload.length > 0) output.write(`${topicName} `)
    if (payload.length > 0) output.write(payload)
    else if (end !== '') output.write(`${topicName} (null)`)
    output.write(end)
  }
}

function formatPrinter(format: ReturnType<typeof compileFormat>, end: string, output: Output): PrintMessage {
  return (message, { qos, packetIdentifier, subscriptionIdentifiers }) => {
    const { topicName, payload, retain, properties } = message
    const receivedAtMs = performance.timeOrigin + performance.now()
    const fields = {
      topicName,
      payload,
      qos,
      retain,
      properties,
      packetIdentifier,
      subscriptionIdentifiers,
      receivedAtMs,
    }
    for (const piece of format(fields)) output.write(piece)
    output.write(end)
  }
}
