/**
 * How far V8 builds functions into their callers.
 *
 * A message passes some forty small functions, each with one purpose. V8 stops building them into their callers at 920 bytes of
 * bytecode for a whole hot path, which is a quarter of it, and then pays for a call each. With room for all of it a message
 * costs a tenth less (docs/decisions/engine.md). It is the program's to say: an embedding program's other code is not ours.
 *
 * @module
 */
import { setFlagsFromString } from 'node:v8'

const INLINED_BYTECODE_BYTES = 2500

/** Lets V8 inline more. An engine that has no such flag, as Bun's, stays as it is. */
export function inlineMore(): void {
  if (process.versions['bun'] !== undefined || process.versions['deno'] !== undefined) return
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED_BYTECODE_BYTES}`)
}
