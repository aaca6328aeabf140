/** What the process of an attempt reports to its parent: a reporter for `node:test` that sends each result. @module */
import type { TestEvent } from 'node:test/reporters'

/** What became of one test. */
export interface Report {
  readonly name: string
  readonly passed: boolean
  /** The first line of what was thrown; empty if it passed. */
  readonly problem: string
}

/** The exit code if a test file cannot be loaded: then nothing was tested. */
export const CANNOT_LOAD = 3

export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { name, details, skip, todo } = event.data
    if (details.type === 'suite' || skip !== undefined || todo !== undefined) continue
    const problem = event.type === 'test:fail' ? firstLine(event.data.details.error) : ''
    process.send?.({ name, passed: event.type === 'test:pass', problem } satisfies Report)
  }
  yield ''
}

function firstLine({ cause, message }: Error): string {
  return (cause instanceof Error ? `${cause.name}: ${cause.message}` : message).split('\n')[0]!
}
