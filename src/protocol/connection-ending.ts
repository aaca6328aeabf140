/**
 * How a Connection ends: by whose fault or wish, what its peer reads of it, and what is let go.
 *
 * A ProtocolError ends it with the standard's answer; any other error is our own mistake, reported to the Server, and ends it
 * too: nothing that one Client sends reaches another.
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

/** How long a closed Connection may take to hand over its last bytes. */
const CLOSING_MS = 5_000

export abstract class EndingConnection extends ConnectionCore {
  /** The Server's no: CONNACK with that code, where the version has one that fits, then the close. */
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

  /** Ends a Connection from the Server's side: DISCONNECT with the code where the version has it, then the close. */
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

  /** Ends a Connection whatever state it is in: before CONNACK with that code in it. */
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

  /** Ends it to make room before it has logged in: where it has sent CONNECT it reads why, and is not waited for. */
  giveWay(): void {
    const detail = 'too many connections have not logged in, most of them from its address'
    if (this.settleLoss() || !allows(this.state, Event.giveWay)) return
    if (this.isLoggingIn) this.refuse(ReasonCode.ServerBusy, detail)
    else this.close({ cause: 'refused', reasonCode: ReasonCode.ServerBusy, detail }, true)
    this.cut()
  }

  /** Ends the byte stream at once, for a Server that cannot wait any longer. */
  cut(): void {
    this.transport.destroy()
  }

  /**
   * Thousands of streams may close in one poll, and the end of each costs as much as a login: one that no longer fits into the
   * turn waits. Until then it is as if the network had not reported the loss yet.
   */
  lost(error?: Error): void {
    const { work } = this.server.turn
    work.enter(this.session ?? this)
    if (work.isSpent && allows(this.state, Event.lost)) {
      this.loss = { error }
      this.server.departures.lost(this)
    } else this.leave(error)
  }

  /** Ends it now if it was lost and its end waits. @returns whether it was */
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

  /** The last bytes may take seconds to leave: until then nothing is kept of what came in. */
  protected forget(): void {
    this.connectPacket = undefined
    this.requests?.forgetTopics()
  }

  /** Does for this Connection what had to wait: what it throws ends it, as in `receive`. */
  guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.fail(error)
    }
  }

  /** That was thrown while this Connection was served: ends it, by whoever's fault it is. */
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
    // A message of its own that has no room says nothing about those that it was sent.
    if (!(error instanceof MessageNotAcceptedError)) this.session!.clientFailed(this.answeredIdentifier())
    this.disconnect(reasonCode, endCauseOf(error, isOverLimit), message)
  }

  /** The Packet Identifier of the acknowledgement at hand, however wrong the rest of it is; `undefined` if it is no such packet. */
  protected answeredIdentifier(): number | undefined {
    const { bytes, firstByte, bodyStart, end } = this.decoder
    const type = firstByte >> 4
    const isAnswer = type === PacketType.PUBACK || type === PacketType.PUBREC || type === PacketType.PUBCOMP
    return isAnswer && end - bodyStart >= 2 ? (bytes[bodyStart]! << 8) | bytes[bodyStart + 1]! : undefined
  }

  /** Before CONNACK, a 5.0 peer gets the reason in CONNACK; an older one sees only the close, unless its version is the reason. */
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

  /** A Client that came to the wrong port speaks another protocol: that says more than which field of CONNECT is wrong. */
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
