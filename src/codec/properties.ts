/**
 * The 27 properties of MQTT 5.0 (§2.2.2.2), as a type and as a table.
 *
 * @module
 */

/** The properties of one packet. An absent one is `undefined`; `noProperties` is used if there are none. */
export interface Properties {
  readonly payloadFormatIndicator?: number | undefined
  /** Seconds. */
  readonly messageExpiryInterval?: number | undefined
  readonly contentType?: string | undefined
  readonly responseTopic?: string | undefined
  readonly correlationData?: Uint8Array | undefined
  /** Several in a PUBLISH from the server, one in a SUBSCRIBE. */
  readonly subscriptionIdentifiers?: readonly number[] | undefined
  /** Seconds; 0xFFFFFFFF never expires. */
  readonly sessionExpiryInterval?: number | undefined
  readonly assignedClientIdentifier?: string | undefined
  /** Seconds. */
  readonly serverKeepAlive?: number | undefined
  readonly authenticationMethod?: string | undefined
  readonly authenticationData?: Uint8Array | undefined
  readonly requestProblemInformation?: number | undefined
  /** Seconds. */
  readonly willDelayInterval?: number | undefined
  readonly requestResponseInformation?: number | undefined
  readonly responseInformation?: string | undefined
  readonly serverReference?: string | undefined
  readonly reasonString?: string | undefined
  readonly receiveMaximum?: number | undefined
  readonly topicAliasMaximum?: number | undefined
  readonly topicAlias?: number | undefined
  readonly maximumQoS?: number | undefined
  readonly retainAvailable?: number | undefined
  /** Names may repeat; the order is kept. */
  readonly userProperties?: readonly (readonly [name: string, value: string])[] | undefined
  /** Bytes. */
  readonly maximumPacketSize?: number | undefined
  readonly wildcardSubscriptionAvailable?: number | undefined
  readonly subscriptionIdentifierAvailable?: number | undefined
  readonly sharedSubscriptionAvailable?: number | undefined
}

/** The shared empty set: the result of decoding a packet without properties. */
export const noProperties: Properties = Object.freeze({})
