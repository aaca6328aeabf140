/**
 * Controls how much V8 inlines.
 *
 * A message passes through some forty small functions, each with one purpose. V8 stops inlining at 920 bytes of
 * bytecode for a whole hot path, which is a quarter of it, and the rest costs a call each. With room for all of it a
 * message costs a tenth less (docs/decisions/engine.md). Only the program may set this: an embedding program's other
 * code is not ours.
 *
 * @module
 */
import { setFlagsFromString } from 'node:v8'

const INLINED_BYTECODE_BYTES = 2500

/** Lets V8 inline more. Does nothing on an engine without this flag, such as Bun's. */
export function inlineMore(): void {
  if (process.versions['bun'] !== undefined || process.versions['deno'] !== undefined) return
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED_BYTECODE_BYTES}`)
}
