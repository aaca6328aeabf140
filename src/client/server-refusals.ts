/** The errors that a server's CONNACK and DISCONNECT are to its client. @module */
import type { DisconnectPacket } from '../codec/packets.ts'
import type { ProtocolVersion } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'
import { connectReturnCodes, reasonCodeName } from '../codec/reason-code.ts'
import { ClientError } from './client-error.ts'

/** A CONNACK other than 0. */
export function refusal(reasonCode: number, version: ProtocolVersion, properties: Properties): ClientError {
  const name = version === 5 ? reasonCodeName(reasonCode, 'CONNACK') : (connectReturnCodes[reasonCode] ?? reasonCode)
  const { reasonString, serverReference } = properties
  const why = reasonString === undefined ? '' : ` (${reasonString})`
  return new ClientError('ERR_CLIENT_REFUSED', `The server refused the login: ${name}${why}`, {
    reasonCode,
    serverReference,
  })
}

/** A DISCONNECT of the server. */
export function disconnection({
  reasonCode,
  properties: { reasonString, serverReference },
}: DisconnectPacket): ClientError {
  const why = reasonString === undefined ? '' : ` (${reasonString})`
  const message = `The server ended the connection: ${reasonCodeName(reasonCode, 'DISCONNECT')}${why}`
  return new ClientError('ERR_CLIENT_DISCONNECTED', message, { reasonCode, serverReference })
}
