/**
 * Events of the broker as they happen (Server-Sent Events). Read by `fetch`, because an `EventSource` cannot send an API key.
 *
 * @module
 */
import { request } from './client.ts'

const RETRY_MS = 3000

export interface BrokerEvent {
  readonly name: string
  readonly value: Readonly<Record<string, unknown>>
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
      const response = await request(`api/v1/events?${query}`, { signal })
      await readAll(response.body!, listener)
    } catch (error) {
      if (signal.aborted) return
      console.debug(error)
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

async function readAll(body: ReadableStream<Uint8Array>, listener: (event: BrokerEvent) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
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
    : { name, value: JSON.parse(data) as BrokerEvent['value'] }
}
