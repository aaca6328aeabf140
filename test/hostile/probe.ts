/**
 * Loaded into the broker's process before the program: says how much memory is in use once everything that nobody needs
 * is gone, how many units of work the largest turn has counted, the most that the flight recorder has taken, and what
 * it has of one Client. The program knows nothing of it. Needs `--expose-gc`.
 *
 * @module
 */
import { Recorder } from '../../src/reporting/recorder/recorder.ts'
import { RecordPages } from '../../src/reporting/recorder/record-pages.ts'
import { WorkBudget } from '../../src/base/work.ts'
import { answerRequests } from './child.ts'

/** Bytes. */
export interface MemoryInUse {
  readonly heap: number
  /** Buffers, which lie outside of the heap. */
  readonly external: number
  readonly resident: number
}

function memory(): MemoryInUse {
  // The second waits for the buffers that the first let go of.
  globalThis.gc!()
  globalThis.gc!()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed, external, resident: rss }
}

let mostTurnUnits = 0
const endTurn = Object.getOwnPropertyDescriptor(WorkBudget.prototype, 'endTurn')!.value as WorkBudget['endTurn']
WorkBudget.prototype.endTurn = function () {
  if (this.units > mostTurnUnits) mostTurnUnits = this.units
  endTurn.call(this)
}

let mostRecorderBytes = 0
const take = Object.getOwnPropertyDescriptor(RecordPages.prototype, 'take')!.value as RecordPages['take']
RecordPages.prototype.take = function () {
  const page = take.call(this)
  if (this.bytes > mostRecorderBytes) mostRecorderBytes = this.bytes
  return page
}

let recorder: Recorder | undefined
const loggedIn = Object.getOwnPropertyDescriptor(Recorder.prototype, 'loggedIn')!.value as Recorder['loggedIn']
Recorder.prototype.loggedIn = function (...login) {
  // oxlint-disable-next-line no-this-alias -- there is no other way to it from outside
  recorder = this
  loggedIn.apply(this, login)
}

/** The entries of a Client, one line each. */
function recordOf(clientId: string): string[] {
  return [...(recorder?.of(clientId)?.entries() ?? [])].map(({ kind, firstByte, atMs, subject = '', detail = '' }) =>
    [kind, firstByte, atMs, subject, detail].join(' '),
  )
}

answerRequests({
  ...{ memory, mostTurnUnits: () => mostTurnUnits, mostRecorderBytes: () => mostRecorderBytes, recordOf },
})
// The program ends when it has nothing more to do, whoever could still ask.
process.channel?.unref()
