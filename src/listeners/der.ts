/**
 * Reads DER, as far as certificates and revocation lists need it beyond what `node:crypto` offers: nested values of
 * tag, length and content (X.690 §8, §10).
 *
 * @module
 */

/** A value. */
export interface DerValue {
  readonly tag: number
  readonly content: Buffer
  /** Including its tag and its length. */
  readonly whole: Buffer
}

export const DER_BOOLEAN = 0x01
export const DER_INTEGER = 0x02
export const DER_BIT_STRING = 0x03
export const DER_OCTET_STRING = 0x04
export const DER_UTC_TIME = 0x17
export const DER_GENERALIZED_TIME = 0x18
export const DER_SEQUENCE = 0x30

/**
 * Reads the value that begins at `at`.
 *
 * @throws {RangeError} if the bytes end before the value does
 *
 * @example
 * readDer(Buffer.from([0x02, 0x01, 0x05])).content // <Buffer 05>
 * readDer(Buffer.from([0x02, 0x02, 0x05])) // throws RangeError
 */
export function readDer(bytes: Buffer, at = 0): DerValue {
  const tag = bytes.readUInt8(at)
  const first = bytes.readUInt8(at + 1)
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  if (first === 0x80 || lengthBytes > 4) throw new RangeError('the length has a form that DER does not allow')
  const start = at + 2 + lengthBytes
  const end = start + (lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes))
  if (end > bytes.length) throw new RangeError('the bytes end before the value does')
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) }
}

/** The nested values, in order. */
export function* derChildren({ content }: DerValue): IterableIterator<DerValue> {
  for (let at = 0; at < content.length;) {
    const value = readDer(content, at)
    at += value.whole.length
    yield value
  }
}

/**
 * Formats an object identifier in the usual way.
 *
 * @example
 * objectIdentifier(readDer(Buffer.from('06032b6570', 'hex'))) // '1.3.101.112'
 */
export function objectIdentifier({ content }: DerValue): string {
  const arcs: number[] = []
  let arc = 0
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      arcs.push(arc)
      arc = 0
    }
  }
  const [first = 0, ...rest] = arcs
  const top = Math.min(2, Math.floor(first / 40))
  return [top, first - top * 40, ...rest].join('.')
}

/** Milliseconds since 1970 of a UTCTime or a GeneralizedTime, each in the only form that RFC 5280 §4.1.2.5 allows. */
export function derTimeMs({ tag, content }: DerValue): number {
  const text = content.toString('latin1')
  // Two digits mean 1950 to 2049.
  const full = tag === DER_UTC_TIME ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full)
  if (match === null) throw new RangeError('the time has a form that RFC 5280 does not allow')
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  return Date.UTC(year, month - 1, day, hour, minute, second)
}
