/** Script of each frame in a trace of Chromium. @module */

/** As `devtools.timeline` has it; times in microseconds. */
export interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly ts: number
  readonly dur?: number
  readonly pid: number
  readonly tid: number
}

const SCRIPT: ReadonlySet<string> = new Set(['FunctionCall', 'EvaluateScript', 'RunMicrotasks'])

/** @returns milliseconds of script between one frame and the next, of frames that had some */
export function scriptPerFrame(events: readonly TraceEvent[]): readonly number[] {
  const frames = events.filter(({ name }) => name === 'FireAnimationFrame').toSorted((one, other) => one.ts - other.ts)
  const { pid, tid } = frames[0] ?? { pid: -1, tid: -1 }
  const scripts = outermost(events.filter((event) => event.pid === pid && event.tid === tid && SCRIPT.has(event.name)))
  const spent = frames.map((frame, at) => {
    const end = frames[at + 1]?.ts ?? Infinity
    const within = scripts.filter(({ ts }) => ts >= frame.ts && ts < end)
    return within.reduce((sum, { dur = 0 }) => sum + dur / 1000, 0)
  })
  return spent.slice(0, -1).filter((milliseconds) => milliseconds > 0)
}

/** A call within another is counted with it. */
function outermost(events: readonly TraceEvent[]): readonly TraceEvent[] {
  let end = -1
  return events
    .filter(({ ph }) => ph === 'X')
    .toSorted((one, other) => one.ts - other.ts)
    .filter(({ ts, dur = 0 }) => {
      if (ts < end) return false
      end = ts + dur
      return true
    })
}
