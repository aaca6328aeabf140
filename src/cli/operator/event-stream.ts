/** Reads Server-Sent Events as the broker writes them: lines with a name, a number and one line of data. @module */

/** One event of a stream. */
export interface StreamEvent {
  readonly name: string
  /** JSON. */
  readonly data: string
}

/** The longest event; the broker sends none that is. */
const MAX_EVENT_CHARACTERS = 4_194_304

/**
 * Cuts a stream of text into its events. Comments, which only show that the connection is alive, are left out.
 *
 * @throws {Error} for an event that is longer than any of the broker
 */
export async function* streamEvents(text: AsyncIterable<string>): AsyncGenerator<StreamEvent> {
  let waiting = ''
  for await (const piece of text) {
    waiting += piece
    const events = waiting.split('\n\n')
    waiting = events.pop()!
    if (waiting.length > MAX_EVENT_CHARACTERS) throw new Error('the broker sent an event that is too long')
    for (const event of events) {
      const name = fieldOf(event, 'event')
      if (name !== undefined) yield { name, data: fieldOf(event, 'data') ?? 'null' }
    }
  }
}

function fieldOf(event: string, field: string): string | undefined {
  const line = event.split('\n').find((one) => one.startsWith(`${field}: `))
  return line?.slice(field.length + 2)
}
