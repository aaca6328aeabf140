/**
 * The request that plugins decide on: for a CONNECT, for a step of its exchange, or for a re-authentication.
 *
 * @module
 */
import type { ReceivedConnect } from '../../codec/packets.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { Peer } from '../../protocol/transport.ts'
import type { ConnectRequest } from '../../access/plugin.ts'

/** The same bytes as a Buffer, as plugins get them. */
function bufferOf(bytes: Uint8Array | undefined): Buffer | undefined {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** The request for a CONNECT. */
export function connectRequestOf(
  connection: Connection,
  packet: ReceivedConnect,
  authenticationData: Uint8Array | undefined,
  reAuthentication: boolean,
): ConnectRequest {
  const { clientId, userName, protocolVersion, properties } = packet
  const claimed = { clientId, userName, password: bufferOf(packet.password), protocolVersion }
  const { authenticationMethod } = properties
  const asked = { ...claimed, authenticationMethod, authenticationData: bufferOf(authenticationData) }
  return { ...asked, ...factsOf(connection.peer), exchangeState: undefined, reAuthentication }
}

/** The request for a Client that is logged in and authenticates again. */
export function requestAgain(connection: Connection, authenticationData: Uint8Array | undefined): ConnectRequest {
  const { clientId, userName, protocolVersion } = connection.client
  const claimed = { clientId, userName, password: undefined, protocolVersion }
  const { authenticationMethod } = connection
  const asked = { ...claimed, authenticationMethod, authenticationData: bufferOf(authenticationData) }
  return { ...asked, ...factsOf(connection.peer), exchangeState: undefined, reAuthentication: true }
}

/** What the listener knows about the peer, whatever that sends. */
function factsOf({ address, listener, encrypted, certificateUserName, certificate }: Peer) {
  return { address, listener, encrypted, certificateUserName, ...(certificate !== undefined && { certificate }) }
}
