/**
 * What a Client is granted, and what CONNACK says about it.
 *
 * @module
 */
import type { ReceivedConnect } from '../../codec/packets.ts'
import type { Properties } from '../../codec/properties.ts'
import type { Client } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import { grantKeepAlive, heldKeepAlive, isTooLong } from '../../protocol/keep-alive.ts'
import { notesOf } from './connection-notes.ts'
import type { ListenerOptions, Options } from '../../config/options.ts'
import { NEVER_EXPIRES } from './sessions.ts'

/** The largest packet of the protocol. A limit from here on need not be announced. */
const LARGEST_PACKET_BYTES = 268_435_460

/** The Keep Alive in seconds. It is announced to a 5.0 Client; an older one cannot be told. */
export function grantedKeepAlive({ protocolVersion, keepAlive }: ReceivedConnect, listener: ListenerOptions): number {
  const { maxKeepAlive, keepAliveGrace } = listener
  if (protocolVersion === 5) return grantKeepAlive(keepAlive, maxKeepAlive)
  return isTooLong(keepAlive, maxKeepAlive) ? heldKeepAlive(maxKeepAlive, keepAliveGrace) : keepAlive
}

/**
 * The expiry that CONNECT asks for, in seconds. 3.1.1 only distinguishes Sessions that end with the Connection and
 * Sessions that are kept.
 */
export function requestedExpiry({ protocolVersion, cleanStart, properties }: ReceivedConnect): number {
  if (protocolVersion === 5) return properties.sessionExpiryInterval ?? 0
  return cleanStart ? 0 : NEVER_EXPIRES
}

/**
 * Decides the Session Expiry Interval.
 *
 * @param requested seconds; 0xFFFFFFFF asks for a Session that never ends
 * @param maximum seconds; 0xFFFFFFFF sets no limit
 *
 * @example
 * grantExpiry(0xffffffff, 3600) // 3600
 */
export function grantExpiry(requested: number, maximum: number): number {
  return Math.min(requested, maximum)
}

/**
 * The properties of CONNACK: those that differ from what the Client asked for and from the protocol's default.
 *
 * @param keepAlive the Keep Alive in force, in seconds
 * @param authenticationData the answer of the login, if there is one
 */
export function connackProperties(
  connection: Connection,
  client: Client,
  options: Options,
  authenticationData: Uint8Array | undefined,
  keepAlive: number,
): Properties {
  const packet = connection.connectPacket!
  const asked = packet.properties
  const listener = notesOf(connection).listener.options
  const said = <Value>(condition: boolean, value: Value): Value | undefined => (condition ? value : undefined)
  const expiry = grantExpiry(requestedExpiry(packet), listener.maxSessionExpiry)
  return {
    sessionExpiryInterval: said(expiry !== (asked.sessionExpiryInterval ?? 0), expiry),
    receiveMaximum: said(listener.receiveMaximum < 65_535, listener.receiveMaximum),
    maximumQoS: said(listener.maxQos < 2, listener.maxQos), // [5.0 MQTT-3.2.2-9]
    retainAvailable: said(!options.retain, 0),
    maximumPacketSize: said(listener.maxPacketSize < LARGEST_PACKET_BYTES, listener.maxPacketSize),
    assignedClientIdentifier: said(packet.clientId === '', client.clientId),
    topicAliasMaximum: said(listener.topicAliasMaximum > 0, listener.topicAliasMaximum),
    wildcardSubscriptionAvailable: said(!options.wildcardSubscriptions, 0),
    subscriptionIdentifierAvailable: said(!options.subscriptionIdentifiers, 0),
    sharedSubscriptionAvailable: said(!options.sharedSubscriptions, 0),
    serverKeepAlive: said(keepAlive !== packet.keepAlive, keepAlive),
    // [5.0 MQTT-3.1.2-28]
    responseInformation: said(
      asked.requestResponseInformation === 1 && options.responseInformation !== '',
      options.responseInformation,
    ),
    authenticationMethod: asked.authenticationMethod, // [5.0 MQTT-4.12.0-5]
    authenticationData,
  }
}
