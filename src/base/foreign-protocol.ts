/**
 * Recognizes the protocol of a peer by its first bytes, for the message when a client that connected to the wrong port
 * is refused. Used only once a stream is refused.
 *
 *   16 03 …              TLS: a ClientHello
 *   GET /, POST /, …     HTTP
 *   10 … 00 04 M Q T T   MQTT; 00 06 M Q I s d p for 3.1
 *
 * @module
 */

export type KnownProtocol = 'TLS' | 'HTTP' | 'MQTT'

const TLS_HANDSHAKE = 0x16
const TLS_MAJOR_VERSION = 3
const CONNECT = 0x10
const LOOKED_AT_BYTES = 16

/** @returns `undefined` for any other protocol, and for too few bytes */
export function protocolOf(bytes: Uint8Array): KnownProtocol | undefined {
  if (bytes[0] === TLS_HANDSHAKE && bytes[1] === TLS_MAJOR_VERSION) return 'TLS'
  const text = Buffer.from(bytes.subarray(0, LOOKED_AT_BYTES)).toString('latin1')
  if (/^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE|PRI) [/*\w]/.test(text)) return 'HTTP'
  return bytes[0] === CONNECT && /MQTT|MQIsdp/.test(text) ? 'MQTT' : undefined
}
