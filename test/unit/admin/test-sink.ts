/** Where events go that a test reads as a client of the HTTP API would (Server-Sent Events). @module */
import type { EventSink } from '../../../src/admin/http/request.ts'

interface SentEvent {
  readonly name: string
  readonly data: Readonly<Record<string, unknown>>
}

/** What a reader has been sent; how many bytes wait is for the test to say. */
export class TestSink implements EventSink {
  text = ''
  waitingBytes = 0
  isClosed = false

  write(text: string): void {
    this.text += text
  }

  close(): void {
    this.isClosed = true
  }

  /** Names of the events so far. */
  get names(): string[] {
    return [...this.text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name!)
  }

  /** The events since the last call. */
  take(): SentEvent[] {
    const found = [...this.text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)]
    this.text = ''
    return found.map(([, name, data]) => ({ name: name!, data: JSON.parse(data!) as SentEvent['data'] }))
  }
}
