/**
 * What happens to a world of the fuzzer, one line a step: bytes are written down as they are, so that a failure replays
 * without the chance that led to it.
 *
 *     open 0 4         a Network Connection in slot 0, from address 4
 *     send 0 10 0c …   bytes on it, in one chunk
 *     lose 0           it is gone without a word
 *     freeze 0, thaw 0 it takes nothing from the Server, and takes all of it
 *     turn             the turn of the event loop ends
 *     commit           the Store has stored what it was given, and plugins that owe an answer give it
 *     settle           the same until nothing is owed any more
 *     wait 1500        milliseconds go by
 *     end              everybody leaves, time passes, and memory has to be back to where it was
 *     decode 5 client 30 …  a stream of bytes for the decoder alone: version, sender
 *     cost 5 30 …      bytes for a broker of their own, which measures what they cost it: version
 *
 * @module
 */
export type Step = PromptStep | LateStep

/** Steps that are over when they return. */
export type PromptStep =
  | { readonly do: 'open'; readonly slot: number; readonly address: number }
  | { readonly do: 'send'; readonly slot: number; readonly bytes: Uint8Array }
  | { readonly do: 'lose' | 'freeze' | 'thaw'; readonly slot: number }
  | { readonly do: 'turn' }
  | { readonly do: 'wait'; readonly milliseconds: number }
  | {
      readonly do: 'decode'
      readonly version: 3 | 4 | 5
      readonly sender: 'client' | 'server'
      readonly bytes: Uint8Array
    }

/** Steps in which promises come to their end. */
export type LateStep =
  | { readonly do: 'commit' | 'settle' | 'end' }
  | { readonly do: 'cost'; readonly version: 3 | 4 | 5; readonly bytes: Uint8Array }

export function isLate(step: Step): step is LateStep {
  return step.do === 'commit' || step.do === 'settle' || step.do === 'end' || step.do === 'cost'
}

export function printStep(step: Step): string {
  switch (step.do) {
    case 'open':
      return `open ${step.slot} ${step.address}`
    case 'send':
      return `send ${step.slot} ${Buffer.from(step.bytes).toString('hex')}`
    case 'wait':
      return `wait ${step.milliseconds}`
    case 'decode':
      return `decode ${step.version} ${step.sender} ${Buffer.from(step.bytes).toString('hex')}`
    case 'cost':
      return `cost ${step.version} ${Buffer.from(step.bytes).toString('hex')}`
    case 'turn':
    case 'commit':
    case 'settle':
    case 'end':
      return step.do
    default:
      return `${step.do} ${step.slot}`
  }
}

/** @throws {Error} for a line that is no step */
export function parseStep(line: string): Step {
  const [word, ...rest] = line.trim().split(/\s+/)
  const slot = Number(rest[0])
  switch (word) {
    case 'open':
      return { do: word, slot, address: Number(rest[1]) }
    case 'send':
      return { do: word, slot, bytes: Buffer.from(rest.slice(1).join(''), 'hex') }
    case 'lose':
    case 'freeze':
    case 'thaw':
      return { do: word, slot }
    case 'turn':
    case 'commit':
    case 'settle':
    case 'end':
      return { do: word }
    case 'wait':
      return { do: word, milliseconds: slot }
    case 'cost':
      return { do: word, version: slot as 3 | 4 | 5, bytes: Buffer.from(rest.slice(1).join(''), 'hex') }
    case 'decode': {
      const bytes = Buffer.from(rest.slice(2).join(''), 'hex')
      return { do: word, version: slot as 3 | 4 | 5, sender: rest[1] as 'client' | 'server', bytes }
    }
    default:
      throw new Error(`not a step: ${line}`)
  }
}
