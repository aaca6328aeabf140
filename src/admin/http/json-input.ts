/**
 * The body of a request as a value: JSON in UTF-8, with a limit to its depth, because what reads it later may recurse.
 *
 * @module
 */
import { Problem } from './problem.ts'

/** The deepest nesting; the deepest configuration has about eight levels. */
const MAX_DEPTH = 32

/** @throws {Problem} `ERR_JSON` */
export function parseJson(bytes: Uint8Array): unknown {
  const text = textOf(bytes)
  if (isDeeper(text)) {
    throw new Problem('ERR_JSON', `the body is nested more than ${MAX_DEPTH} levels deep`, { limit: MAX_DEPTH })
  }
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new Problem('ERR_JSON', `the body is not JSON: ${(error as Error).message}`)
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Problem('ERR_JSON', 'the body is not valid UTF-8')
  }
}

/** Counts brackets outside of strings. What is no JSON is found by the parser. */
function isDeeper(text: string): boolean {
  let depth = 0
  let isInString = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (isInString) {
      if (character === '\\') at++
      else if (character === '"') isInString = false
    } else if (character === '"') isInString = true
    else if (character === '{' || character === '[') {
      if (++depth > MAX_DEPTH) return true
    } else if (character === '}' || character === ']') depth--
  }
  return false
}
