/** Compares the value of an example with its comment; called by the programs that `examples.ts` writes. @module */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { compileFunction } from 'node:vm'

/**
 * Throws unless `give()` returns the value in `value`, by the conventions of docs/examples.md.
 *
 * @param scope the exports of the documented module, which `value` may name
 * @param place file and line, for the message
 * @param value a JavaScript expression, the output of `console.log`, or `throws NAME`
 */
export async function expectValue(
  scope: object,
  place: string,
  value: string,
  give: () => Promise<unknown>,
): Promise<void> {
  const thrown = /^(?:throws|rejects with) ([\w$]+)/.exec(value)?.[1]
  if (thrown !== undefined) return expectThrown(place, thrown, give)
  const actual = await give()
  if (inspect(actual, { depth: null, compact: 3, breakLength: Infinity }) === value) return
  try {
    assert.deepStrictEqual(actual, evaluate(scope, value))
  } catch (error) {
    const why =
      error instanceof assert.AssertionError ? '' : ' (which is neither an expression nor the output of console.log)'
    throw new Error(`${place}: gives ${inspect(actual, { depth: null })}, but its comment says ${value}${why}`)
  }
}

async function expectThrown(place: string, name: string, give: () => Promise<unknown>): Promise<void> {
  let actual: unknown
  try {
    actual = await give()
  } catch (error) {
    const { name: actualName, code } = error as { name?: string; code?: string }
    if (name === actualName || name === code) return
    throw new Error(`${place}: throws ${actualName} ${code ?? ''}, but its comment says ${name}`, { cause: error })
  }
  throw new Error(`${place}: gives ${inspect(actual)}, but its comment says that it throws ${name}`)
}

function evaluate(scope: object, value: string): unknown {
  return compileFunction(`return (${value})`, Object.keys(scope))(...Object.values(scope))
}
