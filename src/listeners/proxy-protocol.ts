/**
 * The PROXY protocol, versions 1 and 2: before everything else, TLS included, a load balancer sends a few bytes that
 * name the client whose connection it forwards.
 *
 *   v1   PROXY TCP4 203.0.113.9 192.0.2.1 51234 1883\r\n                       one line, at most 107 bytes
 *   v2   0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A | 2 command | family | length | source, destination, ports, extensions
 *
 * A connection of the proxy itself (`LOCAL`, `UNKNOWN`: health checks) keeps the address of its socket.
 *
 * @module
 */
import type { Socket } from 'node:net'
import { plainAddress } from '../access/address.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const V1_START = Buffer.from('PROXY ')
const V1_MAX_BYTES = 107
const V2_FIXED_BYTES = 16
/** Addresses and extensions of version 2; real ones are much smaller. */
const V2_MAX_BYTES = 4096

/** The contents of a complete header. */
export interface ProxyHeader {
  /** Bytes that the header takes. */
  readonly length: number
  /** The client at the other end of the proxy; absent if the proxy speaks for itself or does not know it. */
  readonly source?: { readonly address: string; readonly port: number | undefined } | undefined
}

/**
 * Parses the header at the start of `bytes`.
 *
 * @returns `'more'` if it is incomplete
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | 'more' | 'malformed' {
  if (begins(bytes, SIGNATURE)) return bytes.length < V2_FIXED_BYTES ? 'more' : parseVersion2(bytes)
  if (begins(bytes, V1_START)) return parseVersion1(bytes)
  return 'malformed'
}

/** Whether `bytes` matches `start`, as far as it has arrived. */
function begins(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

function parseVersion1(bytes: Buffer): ProxyHeader | 'more' | 'malformed' {
  const end = bytes.subarray(0, V1_MAX_BYTES).indexOf('\r\n')
  if (end === -1) return bytes.length < V1_MAX_BYTES ? 'more' : 'malformed'
  const length = end + 2
  const [, family, address = '', destination = '', port = '', destinationPort = '', ...rest] = bytes
    .toString('latin1', 0, end)
    .split(' ')
  if (family === 'UNKNOWN') return { length }
  const isFamily = (text: string) => text.includes(':') === (family === 'TCP6')
  const source = plainAddress(address)
  const isWhole =
    (family === 'TCP4' || family === 'TCP6') &&
    [address, destination].every(isFamily) &&
    plainAddress(destination) !== undefined &&
    [port, destinationPort].every(isPort) &&
    rest.length === 0
  return isWhole && source !== undefined ? { length, source: { address: source, port: Number(port) } } : 'malformed'
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff
}

function parseVersion2(bytes: Buffer): ProxyHeader | 'more' | 'malformed' {
  const command = bytes[12]!
  const bodyLength = bytes.readUInt16BE(14)
  if ((command !== 0x20 && command !== 0x21) || bodyLength > V2_MAX_BYTES) return 'malformed'
  const length = V2_FIXED_BYTES + bodyLength
  if (bytes.length < length) return 'more'
  if (command === 0x20) return { length }
  const body = bytes.subarray(V2_FIXED_BYTES, length)
  const family = bytes[13]! >> 4
  if (family === 1) return bodyLength < 12 ? 'malformed' : { length, source: source4(body) }
  if (family === 2) return bodyLength < 36 ? 'malformed' : { length, source: source6(body) }
  return { length }
}

function source4(body: Buffer) {
  return { address: body.subarray(0, 4).join('.'), port: body.readUInt16BE(8) }
}

function source6(body: Buffer) {
  const groups = Array.from({ length: 8 }, (_, index) => body.readUInt16BE(index * 2).toString(16))
  return { address: plainAddress(groups.join(':'))!, port: body.readUInt16BE(32) }
}

/**
 * Waits for the header at the start of a socket and removes it; the bytes after it stay to be read.
 *
 * @param answer called once: with the header, with a sentence that describes the error, or with `silent` if the peer
 * ended the connection without a byte; never if the socket closes first
 */
export function readProxyHeader(socket: Socket, answer: (header: ProxyHeader | string) => void): void {
  let bytes: Buffer = Buffer.alloc(0)
  const finish = (result: ProxyHeader | string) => {
    socket.off('readable', onReadable).off('end', onEnd)
    answer(result)
  }
  const onEnd = () => finish(bytes.length === 0 ? 'silent' : 'the connection ended within the PROXY protocol header')
  const onReadable = () => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    bytes = Buffer.concat([bytes, chunk])
    const header = parseProxyHeader(bytes)
    if (header === 'more') return
    if (header === 'malformed') return finish('malformed PROXY protocol header')
    if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length))
    finish(header)
  }
  socket.on('readable', onReadable).on('end', onEnd)
}
