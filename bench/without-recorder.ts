/** A row without the flight recorder. @module */
import type { Workload } from '../src/bench/workloads.ts'

/** The same row for a broker that records nothing. */
export function withoutRecorder(workload: Workload): Workload {
  return { ...workload, settings: { ...workload.settings, 'max-recorder-bytes': 0 } }
}
