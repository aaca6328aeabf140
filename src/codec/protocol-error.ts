/** The peer's errors: they end one Network Connection and nothing else (§4.13). @module */
import { SluiceError } from '../base/errors.ts'
import type { ProtocolVersion } from './packet-types.ts'
import { ReasonCode } from './reason-code.ts'

/** The peer broke the protocol: ends its Network Connection and nothing else (§4.13). */
export class ProtocolError extends SluiceError {
  /** Sent in DISCONNECT or CONNACK; a 3.1.1 peer only sees the close. */
  readonly reasonCode: ReasonCode

  constructor(reasonCode: ReasonCode, message: string, options?: ErrorOptions) {
    super('ERR_PROTOCOL', message, options)
    this.reasonCode = reasonCode
  }
}

/** The peer keeps the protocol but exceeds a limit of this Server (0x97). */
export class LimitExceededError extends ProtocolError {
  constructor(message: string) {
    super(ReasonCode.QuotaExceeded, message)
  }
}

/**
 * A message of a 3.1.1 peer that the Server cannot accept: that version has no answer that says so, and the close makes its
 * Client keep the message. The peer has done nothing wrong.
 */
export class MessageNotAcceptedError extends ProtocolError {
  readonly endCause: 'not stored' | 'limit exceeded'

  constructor(endCause: 'not stored' | 'limit exceeded', message: string) {
    super(ReasonCode.QuotaExceeded, message)
    this.endCause = endCause
  }
}

/** A CONNECT that cannot be served as it came. */
export class ConnectError extends ProtocolError {
  /**
   * The version whose CONNACK the Client can read; `undefined` while its CONNECT does not say (then only a close is left).
   * A malformed CONNECT of 3.1 or 3.1.1 gets a close too [3.1.1 MQTT-3.1.4-1].
   */
  readonly protocolVersion: ProtocolVersion | undefined

  constructor(
    protocolVersion: ProtocolVersion | undefined,
    reasonCode: ReasonCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(reasonCode, message, options)
    this.protocolVersion = protocolVersion
  }
}

/**
 * CONNECT asks for a protocol that is not served: CONNACK 0x84 to a Client newer than 5.0, return code 0x01 to an older
 * one [5.0 MQTT-3.1.2-2] [3.1.1 MQTT-3.1.2-2], and only a close to one that speaks something else [5.0 MQTT-3.1.2-1].
 */
export class UnsupportedVersionError extends ConnectError {
  readonly protocolName: string
  /** The protocol version byte as it came. */
  readonly requestedVersion: number

  constructor(protocolName: string, requestedVersion: number) {
    const isMqtt = protocolName === 'MQTT' || protocolName === 'MQIsdp'
    // Whoever says MQIsdp is of the days of 3.1, whatever version follows: it could not read a CONNACK of 5.0.
    const newest = protocolName === 'MQTT' && requestedVersion >= 5 ? 5 : 4
    const message = `Protocol ${JSON.stringify(protocolName.slice(0, 32))} version ${requestedVersion} is not served`
    super(isMqtt ? newest : undefined, ReasonCode.UnsupportedProtocolVersion, message)
    this.protocolName = protocolName
    this.requestedVersion = requestedVersion
  }
}

/** The packet cannot be parsed (0x81). */
export function malformed(message: string): ProtocolError {
  return new ProtocolError(ReasonCode.MalformedPacket, message)
}

/** The packet parses, and says what the protocol does not allow (0x82). */
export function forbidden(message: string): ProtocolError {
  return new ProtocolError(ReasonCode.ProtocolError, message)
}
