/** What the process of an attempt reports to its parent: a reporter for `node:test` that sends each result. @module */
import type { TestEvent } from 'node:test/reporters'

/** What became of one test. */
export interface Report {
  readonly name: string
  readonly passed: boolean
}

/** The exit code if a test file cannot be loaded: then nothing was tested. */
export const CANNOT_LOAD = 3

export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { name, details, skip, todo } = event.data
    if (details.type === 'suite' || skip !== undefined || todo !== undefined) continue
    process.send?.({ name, passed: event.type === 'test:pass' } satisfies Report)
  }
  yield ''
}
