/**
 * A PUBLISH that is too large to be copied: only the parts that differ between receivers are written anew. The rest, a
 * topic or a payload of any size, is passed on as it is.
 *
 * @module
 */
import type { MessageFrame } from './message-frames.ts'
import type { Output } from './output.ts'

export function appendLargeFrame(
  output: Output,
  { bytes, start, end, packetIdentifierAt }: MessageFrame,
  firstByte: number,
  packetIdentifier: number,
): void {
  appendByte(output, firstByte)
  if (packetIdentifierAt === 0) output.append(bytes, start + 1, end)
  else {
    output.append(bytes, start + 1, packetIdentifierAt)
    appendByte(output, packetIdentifier >> 8)
    appendByte(output, packetIdentifier & 0xff)
    output.append(bytes, packetIdentifierAt + 2, end)
  }
}

function appendByte(output: Output, value: number): void {
  const at = output.reserve(1)
  output.bytes[at] = value
  output.wrote(at + 1)
}
