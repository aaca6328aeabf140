/**
 * Loaded into the broker's process before the program: says how much memory is in use once everything that nobody needs is
 * gone, how many units of work the largest turn has counted, and the
 * most that the flight recorder has taken. The program knows nothing of it. Needs `--expose-gc`.
 *
 * @module
 */
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

answerRequests({ memory, mostTurnUnits: () => mostTurnUnits, mostRecorderBytes: () => mostRecorderBytes })
// The program ends when it has nothing more to do, whoever could still ask.
process.channel?.unref()
