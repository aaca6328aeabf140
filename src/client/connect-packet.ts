/** The CONNECT of a client (§3.1). @module */
import { maxControlPacketBytes } from '../codec/decoder.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import { PacketType } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'
import type { ClientOptions } from './client-options.ts'

export function connectPacketOf(options: ClientOptions): ConnectPacket {
  const { protocolVersion, bridge, cleanStart, keepAlive, clientId, will, userName, password } = options
  return {
    type: PacketType.CONNECT,
    protocolVersion,
    // Bit 7 of the version: a convention of servers before 5.0, which has No Local and Retain As Published instead.
    ...(bridge && protocolVersion < 5 && { bridge: true }),
    cleanStart,
    keepAlive,
    clientId,
    will,
    userName,
    password,
    properties: propertiesOf(options),
  }
}

function propertiesOf({ properties, authentication, maximumPacketSize }: ClientOptions): Properties {
  return {
    ...properties,
    ...(maximumPacketSize < maxControlPacketBytes && { maximumPacketSize }),
    ...(authentication !== undefined && {
      authenticationMethod: authentication.method,
      authenticationData: authentication.begin(),
    }),
  }
}
