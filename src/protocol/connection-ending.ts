/**
 * How a Connection ends: who causes it, what its peer is sent, and what is released.
 *
 * A ProtocolError ends it with the answer of the standard. Any other error is a mistake of the broker: it is reported
 * to the Server and ends the Connection, too. Nothing that one Client sends can affect another.
 *
 * @module
 */
import { protocolOf } from '../base/foreign-protocol.ts'
import { PacketType } from '../codec/packet-types.ts'
import { noProperties, type Properties } from '../codec/properties.ts'
import { ConnectError, LimitExceededError, MessageNotAcceptedError, ProtocolError } from '../codec/protocol-error.ts'
import { ReasonCode, toReturnCode } from '../codec/reason-code.ts'
import { ConnectionCore } from './connection-core.ts'
import { allows, Event, State } from './connection-state.ts'
import type { ConnectionEnd, EndCause } from './server-side.ts'

/** How long a closed Connection may take to pass on its last bytes. */
const CLOSING_MS = 5_000

export abstract class EndingConnection extends ConnectionCore {
  /** Refuses the login: CONNACK with that code, if the version has a fitting one, then the close. */
  refuse(reasonCode: ReasonCode, detail: string, properties: Properties = noProperties): void {
    if (!allows(this.state, Event.refuse)) return
    this.sendRefusal(reasonCode, properties)
    this.close({ cause: 'refused', reasonCode, detail })
  }

  protected sendRefusal(reasonCode: ReasonCode, properties: Properties = noProperties): void {
    const code = this.sender.version === 5 ? reasonCode : toReturnCode(reasonCode)
    if (code === undefined) return
    // [5.0 MQTT-3.2.2-6] [3.1.1 MQTT-3.2.2-4]
    this.sender.immediate({ type: PacketType.CONNACK, sessionPresent: false, reasonCode: code, properties })
  }

  /** Ends the Connection: DISCONNECT with the code, if the version has it, then the close. */
  disconnect(reasonCode: ReasonCode, cause: EndCause, detail: string, properties: Properties = noProperties): void {
    if (!allows(this.state, Event.disconnect)) return
    this.sender.discardHeld()
    if (this.isConnected && this.sender.version === 5) {
      const tells = this.sender.sendsProblemInformation && detail !== '' && properties.reasonString === undefined
      const all = tells ? { ...properties, reasonString: detail } : properties
      this.sender.immediate({ type: PacketType.DISCONNECT, reasonCode, properties: all })
    }
    this.close({ cause, reasonCode, detail })
  }

  /** Ends the Connection in any state: before CONNACK, the code goes into that. */
  turnAway(reasonCode: ReasonCode, cause: EndCause, detail: string): void {
    if (this.isLoggingIn) this.refuse(reasonCode, detail)
    else this.disconnect(reasonCode, cause, detail)
  }

  protected close(end: ConnectionEnd, atOnce = false): void {
    this.state = State.Closed
    if (atOnce) this.sender.discard()
    else {
      this.sender.discardHeld()
      this.sender.flush()
      this.hold('output', this.transport.unsentBytes)
    }
    this.discharge()
    this.server.turn.arm(this, this.server.turn.now() + CLOSING_MS)
    this.session?.disconnect()
    this.server.departures.closed(this, end)
    this.forget()
    if (atOnce) this.transport.destroy()
    else this.transport.end()
  }

  /**
   * Ends a Connection that has not logged in, to make room. If it has sent CONNECT, it gets a reason; nothing waits for
   * it to read that.
   */
  giveWay(): void {
    const detail = 'too many connections have not logged in, most of them from its address'
    if (this.settleLoss() || !allows(this.state, Event.giveWay)) return
    if (this.isLoggingIn) this.refuse(ReasonCode.ServerBusy, detail)
    else this.close({ cause: 'refused', reasonCode: ReasonCode.ServerBusy, detail }, true)
    this.cut()
  }

  /** Ends the byte stream at once, for a Server that can wait no longer. */
  cut(): void {
    this.transport.destroy()
  }

  /**
   * Thousands of streams may close in one poll, and the end of each costs as much as a login. If one no longer fits
   * into the turn, it waits; until then it is treated as if its loss were not known yet.
   */
  lost(error?: Error): void {
    const { work } = this.server.turn
    work.enter(this.session ?? this)
    if (work.isSpent && allows(this.state, Event.lost)) {
      this.loss = { error }
      this.server.departures.lost(this)
    } else this.leave(error)
  }

  /** Ends it now if it was lost and its end has waited. @returns whether it had */
  settleLoss(): boolean {
    const { loss } = this
    if (loss === undefined) return false
    this.loss = undefined
    this.leave(loss.error)
    return true
  }

  protected leave(error: Error | undefined): void {
    this.server.turn.arm(this, Infinity)
    if (allows(this.state, Event.lost)) this.lose(error)
    this.hold('output', 0)
    this.server.departures.gone(this)
  }

  protected lose(error: Error | undefined): void {
    const isSilent = this.state === State.AwaitingConnect && this.incompleteBytes === 0
    this.state = State.Closed
    this.sender.discard()
    this.discharge()
    this.session?.disconnect()
    const detail = error === undefined ? 'closed without DISCONNECT' : error.message
    this.server.departures.closed(this, {
      cause: 'connection lost',
      reasonCode: ReasonCode.UnspecifiedError,
      detail,
      isSilent,
    })
    this.forget()
  }

  /** Frees all input that is held, because the last bytes of output may take seconds to leave. */
  protected forget(): void {
    this.connectPacket = undefined
    this.requests?.forgetTopics()
  }

  /** Runs work that had to wait. An error in it ends this Connection, as in `receive`. */
  guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.fail(error)
    }
  }

  /** Ends the Connection because of an error that was thrown while it was served. */
  fail(error: unknown): void {
    if (error instanceof ProtocolError) this.failedByPeer(error)
    else {
      this.server.reports.failed(this, error)
      this.disconnect(ReasonCode.UnspecifiedError, 'internal error', 'internal error')
    }
  }

  protected failedByPeer(error: ProtocolError): void {
    if (!allows(this.state, Event.failed)) return
    const { reasonCode, message } = error
    const isOverLimit = error instanceof LimitExceededError || error.cause instanceof LimitExceededError
    if (isOverLimit) this.server.metrics.packetsOverLimit++
    if (!this.isConnected) {
      this.refuseByError(error)
      return
    }
    // If its own message has no room, that means nothing for the messages it was sent.
    if (!(error instanceof MessageNotAcceptedError)) this.session!.clientFailed(this.answeredIdentifier())
    this.disconnect(reasonCode, endCauseOf(error, isOverLimit), message)
  }

  /**
   * The Packet Identifier of the current acknowledgement, even if the rest of it is wrong; `undefined` for other
   * packets.
   */
  protected answeredIdentifier(): number | undefined {
    const { bytes, firstByte, bodyStart, end } = this.decoder
    const type = firstByte >> 4
    const isAnswer = type === PacketType.PUBACK || type === PacketType.PUBREC || type === PacketType.PUBCOMP
    return isAnswer && end - bodyStart >= 2 ? (bytes[bodyStart]! << 8) | bytes[bodyStart + 1]! : undefined
  }

  /**
   * Before CONNACK, a 5.0 peer gets the reason in CONNACK. An older one only sees the close, unless its version is the
   * reason.
   */
  protected refuseByError(error: ProtocolError): void {
    const { reasonCode } = error
    const message = this.state === State.AwaitingConnect ? this.explained(error.message) : error.message
    const protocolVersion = error instanceof ConnectError ? error.protocolVersion : undefined
    if (this.state === State.AwaitingConnect && protocolVersion !== undefined) {
      this.sender.version = protocolVersion
    }
    const isKnown = this.state !== State.AwaitingConnect || protocolVersion !== undefined
    const tells = isKnown && (this.sender.version === 5 || reasonCode === ReasonCode.UnsupportedProtocolVersion)
    if (tells) this.refuse(reasonCode, message)
    else this.close({ cause: 'protocol error', reasonCode, detail: message })
  }

  /**
   * Explains an error by the protocol that a peer on the wrong port speaks, which is more useful than the field of
   * CONNECT that is wrong.
   */
  protected explained(message: string): string {
    const { bytes, start, end } = this.decoder
    const protocol = protocolOf(bytes.subarray(start, end))
    if (protocol === 'TLS') return `this looks like TLS; connect without it, or to a listener with ssl: on (${message})`
    if (protocol === 'HTTP') return `this looks like HTTP; connect with MQTT, or to a listener of type ws (${message})`
    return message
  }
}

function endCauseOf(error: ProtocolError, isOverLimit: boolean): EndCause {
  if (error instanceof MessageNotAcceptedError) return error.endCause
  return isOverLimit ? 'limit exceeded' : 'protocol error'
}
