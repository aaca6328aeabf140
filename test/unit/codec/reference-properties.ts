/**
 * Properties read the plain way: by a list of what the standard says (§2.2.2.2), one object for each value, nothing
 * shared with the decoder. Slow and hungry, and simple enough to be believed.
 *
 * @module
 */
import type { PropertyHolder } from '../../../src/codec/property-table.ts'
import type { Sender } from '../../../src/codec/packet-types.ts'

/** Reason Code of the fault, or the values in their order. */
export type Verdict =
  { readonly code: number } | { readonly values: readonly (readonly [id: number, value: unknown])[] }

const ANYWHERE =
  'CONNECT CONNACK PUBLISH WILL PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK DISCONNECT AUTH'
const ANSWERS = 'CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH'

/** Identifier: type, where it may stand. */
const STANDARD: Readonly<Record<number, readonly [type: string, holders: string]>> = {
  1: ['byte', 'PUBLISH WILL'],
  2: ['four', 'PUBLISH WILL'],
  3: ['string', 'PUBLISH WILL'],
  8: ['string', 'PUBLISH WILL'],
  9: ['binary', 'PUBLISH WILL'],
  11: ['variable', 'PUBLISH SUBSCRIBE'],
  17: ['four', 'CONNECT CONNACK DISCONNECT'],
  18: ['string', 'CONNACK'],
  19: ['two', 'CONNACK'],
  21: ['string', 'CONNECT CONNACK AUTH'],
  22: ['binary', 'CONNECT CONNACK AUTH'],
  23: ['byte', 'CONNECT'],
  24: ['four', 'WILL'],
  25: ['byte', 'CONNECT'],
  26: ['string', 'CONNACK'],
  28: ['string', 'CONNACK DISCONNECT'],
  31: ['string', ANSWERS],
  33: ['two', 'CONNECT CONNACK'],
  34: ['two', 'CONNECT CONNACK'],
  35: ['two', 'PUBLISH'],
  36: ['byte', 'CONNACK'],
  37: ['byte', 'CONNACK'],
  38: ['pair', ANYWHERE],
  39: ['four', 'CONNECT CONNACK'],
  40: ['byte', 'CONNACK'],
  41: ['byte', 'CONNACK'],
  42: ['byte', 'CONNACK'],
}
const FLAGS = new Set([1, 23, 25, 36, 37, 40, 41, 42])
const NOT_ZERO = new Set([11, 33, 35, 39])

class Fault extends Error {
  readonly code: number

  constructor(code: number) {
    super()
    this.code = code
  }
}

export function judge(bytes: Uint8Array, holder: PropertyHolder, sender: Sender): Verdict {
  try {
    return { values: read(Buffer.from(bytes), holder, sender) }
  } catch (error) {
    if (error instanceof Fault) return { code: error.code }
    throw error
  }
}

function read(bytes: Buffer, holder: PropertyHolder, sender: Sender): (readonly [number, unknown])[] {
  const values: (readonly [number, unknown])[] = []
  let at = 0
  const take = (count: number): Buffer => {
    if (at + count > bytes.length) throw new Fault(0x81)
    at += count
    return bytes.subarray(at - count, at)
  }
  const variable = (): number => {
    const digits: number[] = []
    do digits.push(take(1)[0]!)
    while (digits.at(-1)! >= 128 && digits.length < 4)
    if (digits.at(-1)! >= 128 || (digits.length > 1 && digits.at(-1) === 0)) throw new Fault(0x81)
    return digits.reduce((sum, digit, place) => sum + (digit % 128) * 128 ** place, 0)
  }
  const binary = (): Buffer => take(take(2).readUInt16BE())
  const string = (): string => {
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(binary())
      if (!text.includes('\0')) return text
    } catch (error) {
      if (error instanceof Fault) throw error
    }
    throw new Fault(0x81)
  }
  const readers: Readonly<Record<string, () => unknown>> = {
    byte: () => take(1)[0]!,
    two: () => take(2).readUInt16BE(),
    four: () => take(4).readUInt32BE(),
    variable,
    string,
    binary,
    pair: () => [string(), string()],
  }
  while (at < bytes.length) {
    const id = variable()
    const [type, holders] = STANDARD[id] ?? ['', '']
    if (!holders.split(' ').includes(holder)) throw new Fault(0x81)
    const mayRepeat = id === 38 || (id === 11 && holder === 'PUBLISH')
    if (!mayRepeat && values.some(([known]) => known === id)) throw new Fault(0x82)
    const value = readers[type]!()
    if (FLAGS.has(id) && (value as number) > 1) throw new Fault(0x82)
    if (NOT_ZERO.has(id) && value === 0) throw new Fault(id === 35 ? 0x94 : 0x82)
    values.push([id, value])
  }
  checkWhole(new Map(values), holder, sender)
  return values
}

function checkWhole(values: ReadonlyMap<number, unknown>, holder: PropertyHolder, sender: Sender): void {
  const responseTopic = values.get(8) as string | undefined
  const isWrong =
    responseTopic === '' ||
    /[+#]/.test(responseTopic ?? '') ||
    (holder === 'PUBLISH' && sender === 'client' && values.has(11)) ||
    (holder === 'DISCONNECT' && sender === 'server' && values.has(17)) ||
    (holder === 'CONNECT' && values.has(22) && !values.has(21))
  if (isWrong) throw new Fault(0x82)
}
