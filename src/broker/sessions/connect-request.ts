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
  const { authenticationMethod } = packet.properties
  return requestOf({
    claimed: packet,
    password: bufferOf(packet.password),
    peer: connection.peer,
    authenticationMethod,
    authenticationData,
    reAuthentication,
  })
}

/** The request for a Client that is logged in and authenticates again. */
export function requestAgain(connection: Connection, authenticationData: Uint8Array | undefined): ConnectRequest {
  const { client, peer, authenticationMethod } = connection
  return requestOf({
    claimed: client,
    password: undefined,
    peer,
    authenticationMethod,
    authenticationData,
    reAuthentication: true,
  })
}

interface Asked {
  /** What the Client says about itself. */
  readonly claimed: Pick<ConnectRequest, 'clientId' | 'protocolVersion'> & { readonly userName?: string | undefined }
  readonly password: Buffer | undefined
  /** What the listener knows about it, whatever that sends. */
  readonly peer: Peer
  readonly authenticationMethod: string | undefined
  readonly authenticationData: Uint8Array | undefined
  readonly reAuthentication: boolean
}

/** One literal: put together with spreads, the engine makes a hash table of it, which takes 3 kB. */
function requestOf(asked: Asked): ConnectRequest {
  const { clientId, userName, protocolVersion } = asked.claimed
  const { address, listener, encrypted, certificateUserName, certificate } = asked.peer
  const request = {
    clientId,
    userName,
    password: asked.password,
    protocolVersion,
    authenticationMethod: asked.authenticationMethod,
    authenticationData: bufferOf(asked.authenticationData),
    address,
    listener,
    encrypted,
    certificateUserName,
    exchangeState: undefined,
    reAuthentication: asked.reAuthentication,
  }
  return certificate === undefined ? request : { ...request, certificate }
}
