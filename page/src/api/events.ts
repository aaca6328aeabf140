/**
 * Streams of the broker (Server-Sent Events): its events as they happen, and traces. Read by `fetch`, because an
 * `EventSource` cannot send an API key.
 *
 * @module
 */
import { ApiProblem, request } from './client.ts'

const RETRY_MS = 3000

export interface BrokerEvent {
  readonly name: string
  readonly value: Readonly<Record<string, unknown>>
  /** The value as it was sent. */
  readonly data: string
}

/**
 * Follows events until `signal` is aborted, and connects again when the stream ends.
 *
 * @param query as `/api/v1/events` takes it
 */
export async function followEvents(
  query: string,
  signal: AbortSignal,
  listener: (event: BrokerEvent) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await readStream(`api/v1/events?${query}`, signal, listener)
    } catch (error) {
      if (signal.aborted) return
      console.debug(error)
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

/**
 * Follows a trace until it ends or `signal` is aborted; a stream that breaks off is resumed after the last record.
 *
 * @throws {ApiProblem} if the broker does not let it be read, or has it no longer
 */
export async function followTrace(
  traceId: string,
  signal: AbortSignal,
  listener: (event: BrokerEvent) => void,
): Promise<void> {
  let after = 0
  let hasEnded = false
  const read = (event: BrokerEvent): void => {
    if (event.name === 'record') after = event.value['seq'] as number
    if (event.name === 'end') hasEnded = true
    // The header is sent at the beginning of every stream.
    if (event.name !== 'trace' || after === 0) listener(event)
  }
  for (;;) {
    try {
      await readStream(`api/v1/traces/${encodeURIComponent(traceId)}/events?after=${after}`, signal, read)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiProblem && error.status !== 0) throw error
    }
    if (hasEnded || signal.aborted) return
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

async function readStream(path: string, signal: AbortSignal, listener: (event: BrokerEvent) => void): Promise<void> {
  const response = await request(path, { signal })
  const bytes = response.body!
  const reader = bytes.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    text += value
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const event of blocks.map(eventOf)) if (event !== undefined) listener(event)
  }
}

function eventOf(block: string): BrokerEvent | undefined {
  const [, name] = /^event: (.*)$/m.exec(block) ?? []
  const [, data] = /^data: (.*)$/m.exec(block) ?? []
  return name === undefined || data === undefined
    ? undefined
    : { name, data, value: JSON.parse(data) as BrokerEvent['value'] }
}
