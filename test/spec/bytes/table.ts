/**
 * Reads tables of bytes: what a Client sends, and exactly what the Server says to it. One file a Control Packet,
 * `test/spec/bytes/NAME.txt`; a new file is found by itself. A line is one of:
 *
 *     # for people
 *     config = {"max-qos": 1}                    holds from here on, instead of the last such line; `config = {}` ends it
 *     connect = 10 0D 0004 'MQTT' 05 02 …        a piece, to be written as <connect> in the lines below
 *     A sentence [5.0 MQTT-3.1.0-2] | C0 00 | D0 00 | <connect> | E0 01 82 x
 *
 * The last is a case: its name with the statements it proves, then in turn what the Client sends in one chunk and what
 * the Server answers to that, each case on a Network Connection of its own to a Broker of its own.
 *
 *     C0 0D        bytes in hex; blanks mean nothing
 *     'MQTT'       the bytes of a text
 *     <connect>    a piece
 *     FF*3         that byte three times
 *     x            at the end of an answer: and the Server closes the Network Connection
 *
 * An empty answer is silence. Without `x` the Connection must be open after the last answer: where CONNECT was
 * accepted, the runner asks by a PINGREQ of its own, so that a byte too many shows too. So that answers are short and
 * the same for everybody, `BASE` in the runner announces nothing in CONNACK, and CONNECT should say Request Problem
 * Information 0 (`17 00`), which keeps Reason Strings away.
 *
 * @module
 */
import { readFileSync } from 'node:fs'

/** One chunk from the Client and what the Server says to it. */
export interface Step {
  readonly sent: Uint8Array
  readonly answered: Uint8Array
}

export interface ByteCase {
  readonly name: string
  readonly config: Record<string, unknown>
  readonly steps: readonly Step[]
  /** The Server closes after the last answer. */
  readonly closes: boolean
}

/** @throws {Error} that names file and line, where a line is none of the above */
export function readByteTable(path: string): ByteCase[] {
  const pieces = new Map<string, string>()
  const cases: ByteCase[] = []
  let config: Record<string, unknown> = {}
  for (const [index, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    try {
      if (line === '' || line.startsWith('#')) continue
      const definition = /^([a-z][\w-]*) = (.*)$/.exec(line)
      if (definition === null) cases.push(readCase(line, config, pieces))
      else if (definition[1] === 'config') config = JSON.parse(definition[2]!) as Record<string, unknown>
      else pieces.set(definition[1]!, hexOf(definition[2]!, pieces))
    } catch (cause) {
      throw new Error(`${path}:${index + 1}: ${String(cause)}`, { cause })
    }
  }
  return cases
}

function readCase(line: string, config: Record<string, unknown>, pieces: ReadonlyMap<string, string>): ByteCase {
  const [name, ...parts] = line.split('|').map((part) => part.trim())
  if (parts.length < 2 || parts.length % 2 !== 0) throw new Error('a case needs pairs of sent and answered bytes')
  const closes = /\bx$/.test(parts.at(-1)!)
  const bytes = parts.map((part, at) => {
    const text = closes && at === parts.length - 1 ? part.slice(0, -1) : part
    return Buffer.from(hexOf(text, pieces), 'hex')
  })
  const steps: Step[] = []
  for (let at = 0; at < bytes.length; at += 2) steps.push({ sent: bytes[at]!, answered: bytes[at + 1]! })
  return { name: name!, config, steps, closes }
}

function hexOf(text: string, pieces: ReadonlyMap<string, string>): string {
  const hex = text
    .replaceAll(/'([^']*)'/g, (_all, quoted: string) => Buffer.from(quoted).toString('hex'))
    .replaceAll(/<([\w-]+)>/g, (_all, name: string) => {
      const piece = pieces.get(name)
      if (piece === undefined) throw new Error(`no piece <${name}> above`)
      return piece
    })
    .replaceAll(/([\dA-Fa-f]{2})\*(\d+)/g, (_all, byte: string, count: string) => byte.repeat(Number(count)))
    .replaceAll(/\s/g, '')
  if (!/^(?:[\dA-Fa-f]{2})*$/.test(hex)) throw new Error(`not hex: ${text}`)
  return hex
}
