/**
 * What can go wrong for a client, as one table of stable codes: programs compare the code, people read the message.
 *
 * @module
 */
import { SluiceError } from '../base/errors.ts'

/** Every code with its meaning. Tests and the manual read this table. */
export const clientErrors = {
  ERR_CLIENT_UNREACHABLE: 'no network connection could be opened',
  ERR_CLIENT_REFUSED: 'the server refused the login; `reasonCode` is that of its CONNACK',
  ERR_CLIENT_DISCONNECTED: 'the server ended the connection with a DISCONNECT; `reasonCode` is that of the packet',
  ERR_CLIENT_LOST: 'the network connection was lost or closed without a DISCONNECT',
  ERR_CLIENT_TIMEOUT: 'the server did not answer a CONNECT or a PINGREQ in time',
  ERR_CLIENT_PROTOCOL: 'the server violated the protocol; `reasonCode` was sent to it',
  ERR_CLIENT_AUTHENTICATION: 'the authentication exchange cannot be continued',
  ERR_CLIENT_NOT_SUPPORTED: 'the server does not support what was requested, such as that QoS or RETAIN',
  ERR_CLIENT_TOO_LARGE: 'the packet exceeds the Maximum Packet Size of the server',
  ERR_CLIENT_NOT_ENCODABLE: 'the packet cannot be encoded',
  ERR_CLIENT_QUEUE_FULL: 'too much waits for the server',
  ERR_CLIENT_EXPIRED: 'the message expired before it could be sent',
  ERR_CLIENT_NOT_CONNECTED: 'a QoS 0 message was published without a connection',
  ERR_CLIENT_OUTPUT_FULL: 'a QoS 0 message was published while the server does not read',
  ERR_CLIENT_ENDED: 'the client was ended',
} as const

/** A stable name for one kind of failure. */
export type ClientErrorCode = keyof typeof clientErrors

/** More about a failure. */
export interface ClientErrorDetails extends ErrorOptions {
  /** A Reason Code of 5.0, or a return code of a CONNACK before 5.0. */
  readonly reasonCode?: number
  /** What the server suggests instead of itself (§4.11). */
  readonly serverReference?: string | undefined
}

/** A failure of a client: the server, the network or a limit prevented what was requested. */
export class ClientError extends SluiceError {
  declare readonly code: ClientErrorCode
  /** A Reason Code of 5.0, or a return code of a CONNACK before 5.0; `undefined` if the server sent none. */
  readonly reasonCode: number | undefined
  /** What the server suggests instead of itself (§4.11). */
  readonly serverReference: string | undefined

  constructor(code: ClientErrorCode, message: string, details: ClientErrorDetails = {}) {
    super(code, message, details)
    this.reasonCode = details.reasonCode
    this.serverReference = details.serverReference
  }
}
