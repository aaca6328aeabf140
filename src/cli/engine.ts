/**
 * Settings of V8 for the program, which are made before anything else (docs/decisions/engine.md).
 *
 * A message passes through some forty small functions, each with one purpose. V8 stops inlining at 920 bytes of
 * bytecode for a whole hot path, which is a quarter of it, and the rest costs a call each. With room for all of it a
 * message costs a tenth less.
 *
 * V8 11 compiles a function as soon as it has done a little work, whether it will ever do more or not. Most of what it
 * compiled belonged to the start and to the first logins, and what is compiled from so few calls is soon discarded, and
 * compiled again. If it waits for four times as much work, it compiles half as much. Later versions count calls
 * instead.
 *
 * Only the program may set this: an embedding program's other code is not ours.
 *
 * @module
 */
import { setFlagsFromString } from 'node:v8'

const INLINED_BYTECODE_BYTES = 2500
/** Bytes of bytecode between two looks at a function; four times as many as by default. */
const BYTES_BEFORE_LOOK = 270_336

/** Makes the settings that this engine has. Does nothing on an engine other than V8, such as Bun's. */
export function tuneEngine(versions: NodeJS.ProcessVersions = process.versions, set = setFlagsFromString): void {
  if (versions['bun'] !== undefined || versions['deno'] !== undefined) return
  set(`--max-inlined-bytecode-size-cumulative=${INLINED_BYTECODE_BYTES}`)
  if (versions.v8.startsWith('11.')) set(`--interrupt-budget=${BYTES_BEFORE_LOOK}`)
}
