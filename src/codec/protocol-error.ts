/** Errors of the peer: they end one Network Connection and nothing else (§4.13). @module */
import { SluiceError } from '../base/errors.ts'
import type { ProtocolVersion } from './packet-types.ts'
import { ReasonCode } from './reason-code.ts'

/** The peer violated the protocol: ends its Network Connection and nothing else (§4.13). */
export class ProtocolError extends SluiceError {
  /** Sent in DISCONNECT or CONNACK; for a 3.1.1 peer the connection is only closed. */
  readonly reasonCode: ReasonCode

  constructor(reasonCode: ReasonCode, message: string, options?: ErrorOptions) {
    super('ERR_PROTOCOL', message, options)
    this.reasonCode = reasonCode
  }
}

/** A packet exceeds the Maximum Packet Size (0x95). Only its fixed header was read. */
export class PacketTooLargeError extends ProtocolError {
  /** Packet type and flags. */
  readonly firstByte: number
  /** Of the whole packet, in bytes. */
  readonly size: number
  /** In bytes. */
  readonly limit: number

  constructor(firstByte: number, size: number, limit: number) {
    super(ReasonCode.PacketTooLarge, `A packet of ${size} bytes exceeds the limit of ${limit} bytes`)
    this.firstByte = firstByte
    this.size = size
    this.limit = limit
  }
}

/** The peer obeys the protocol but exceeds a limit of this server (0x97). */
export class LimitExceededError extends ProtocolError {
  constructor(message: string) {
    super(ReasonCode.QuotaExceeded, message)
  }
}

/**
 * The server cannot accept a message of a 3.1.1 peer: that version has no negative acknowledgement, and closing the
 * connection makes its client keep the message. The peer has done nothing wrong.
 */
export class MessageNotAcceptedError extends ProtocolError {
  readonly endCause: 'not stored' | 'limit exceeded'

  constructor(endCause: 'not stored' | 'limit exceeded', message: string) {
    super(ReasonCode.QuotaExceeded, message)
    this.endCause = endCause
  }
}

/** A CONNECT that cannot be accepted. */
export class ConnectError extends ProtocolError {
  /**
   * The version of the CONNACK that the client can read; `undefined` if it is not known from CONNECT (the connection is
   * then only closed). For a malformed CONNECT of 3.1 or 3.1.1 the connection is closed, too [3.1.1 MQTT-3.1.4-1].
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
 * CONNECT requests an unsupported protocol: CONNACK 0x84 for a client newer than 5.0, return code 0x01 for an older one
 * [5.0 MQTT-3.1.2-2] [3.1.1 MQTT-3.1.2-2], and only a close for another protocol [5.0 MQTT-3.1.2-1].
 */
export class UnsupportedVersionError extends ConnectError {
  readonly protocolName: string
  /** The protocol version byte as received. */
  readonly requestedVersion: number

  constructor(protocolName: string, requestedVersion: number) {
    const isMqtt = protocolName === 'MQTT' || protocolName === 'MQIsdp'
    // A client that sends MQIsdp dates from 3.1, whatever version follows: it could not read a CONNACK of 5.0.
    const newest = protocolName === 'MQTT' && requestedVersion >= 5 ? 5 : 4
    const message = `Protocol ${JSON.stringify(protocolName.slice(0, 32))} version ${requestedVersion} is not supported`
    super(isMqtt ? newest : undefined, ReasonCode.UnsupportedProtocolVersion, message)
    this.protocolName = protocolName
    this.requestedVersion = requestedVersion
  }
}

/** The packet cannot be parsed (0x81). */
export function malformed(message: string): ProtocolError {
  return new ProtocolError(ReasonCode.MalformedPacket, message)
}

/** The packet can be parsed, but its contents are not allowed (0x82). */
export function forbidden(message: string): ProtocolError {
  return new ProtocolError(ReasonCode.ProtocolError, message)
}
