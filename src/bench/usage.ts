/**
 * The resources that a process has used, according to the operating system: processor time of the whole process
 * including its threads (without children), and resident memory, present and peak. Linux only; elsewhere nothing is
 * known.
 *
 * The scheduler's own account of each thread counts nanoseconds; `/proc/PID/stat` counts ticks of 10 ms, and is used if
 * the kernel has no other.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { BrokerUsage } from './driver/measurement.ts'

/** Linux has reported 100 to user space for as long as it has had `/proc`. */
const TICKS_PER_SECOND = 100

/**
 * User and system time in microseconds, from the text of `/proc/PID/stat`.
 *
 * @example
 * processorTimeFromStat('7 (a b) S 1 1 1 0 -1 0 0 0 0 0 12 3 0 0 20 0') // 150000
 */
export function processorTimeFromStat(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND
}

/**
 * A field of `/proc/PID/status` in kB, converted to bytes; 0 if it is missing.
 *
 * @example
 * bytesFromStatus('VmHWM:\t    2048 kB\n', 'VmHWM') // 2097152
 */
export function bytesFromStatus(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024
}

function processorTime(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const nanoseconds = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'))
    return nanoseconds.reduce((sum, text) => sum + parseInt(text, 10), 0) / 1000
  } catch {
    return processorTimeFromStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  }
}

/** @returns `undefined` if there is no `/proc`, or no such process */
export function readUsage(pid: number): BrokerUsage | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return {
      processorMicroseconds: processorTime(pid),
      residentBytes: bytesFromStatus(status, 'VmRSS'),
      peakBytes: bytesFromStatus(status, 'VmHWM'),
    }
  } catch {
    return undefined
  }
}
