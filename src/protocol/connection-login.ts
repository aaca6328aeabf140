/**
 * A Connection from CONNECT to CONNACK, and AUTH (§3.1, §3.2, §4.12). The Server decides. Later packets wait in the
 * Connection meanwhile, and CONNACK itself may wait for the Store.
 *
 * @module
 */
import { Work } from '../base/work.ts'
import type { AuthPacket, ReceivedConnect } from '../codec/packets.ts'
import { PacketType } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { TimedConnection } from './connection-deadlines.ts'
import { after, Event, State } from './connection-state.ts'
import { RateLimit } from './rate-limit.ts'
import { Requests } from './requests.ts'
import type { Acceptance } from './served-connection.ts'

export abstract class LoginConnection extends TimedConnection {
  protected connect(packet: ReceivedConnect): void {
    this.server.turn.work.spend(Work.connection)
    this.sender.version = packet.protocolVersion
    this.decoder.shortestLengths = packet.protocolVersion === 5
    const { maximumPacketSize, requestProblemInformation, receiveMaximum, authenticationMethod } = packet.properties
    if (maximumPacketSize !== undefined) this.sender.maximumPacketSize = maximumPacketSize
    this.sender.sendsProblemInformation = requestProblemInformation !== 0
    this.receiveMaximum = receiveMaximum ?? 65_535
    this.authenticationMethod = authenticationMethod
    this.connectPacket = packet
    this.state = after(this.state, PacketType.CONNECT)
    this.waitingBytes = this.packetBytes
    this.setLoginDeadline(this.limits.loginTimeout)
    this.server.admission.connect(this, packet)
  }

  /**
   * Limits the time of the side that has to act next: what the broker needs for a decision does not count against the
   * Client.
   */
  protected setLoginDeadline(seconds: number): void {
    this.loginDeadlineMs = this.server.turn.now() + seconds * 1000
    this.arm()
  }

  /**
   * Whether CONNACK 0x00 with these properties is within the Client's Maximum Packet Size. Without it, nothing else may
   * be sent [5.0 MQTT-3.2.0-1].
   */
  takesConnack(properties: Properties): boolean {
    return this.sender.fits({ type: PacketType.CONNACK, sessionPresent: false, reasonCode: 0, properties })
  }

  /** Accepts the login. CONNACK waits for the Store if necessary, and everything else waits for CONNACK. */
  accept(acceptance: Acceptance): void {
    if (!this.enter(Event.accept)) return
    const { properties } = this.connectPacket!
    this.client = acceptance.client
    this.session = acceptance.session
    this.memory?.belongsTo(acceptance.client.clientId, acceptance.session.memory.parent)
    this.keepAliveMs = acceptance.keepAlive * 1000
    this.loginExpiresAtMs = acceptance.loginExpiresAtMs
    this.decoder.maxPacketSize = this.limits.maxPacketSize
    const { maxOutgoingTopicAliases, maxPublishRate, maxByteRate } = this.limits
    this.sender.allowAliases(Math.min(properties.topicAliasMaximum ?? 0, maxOutgoingTopicAliases))
    const now = this.server.turn.now()
    if (maxPublishRate > 0) this.publishRate = new RateLimit(maxPublishRate, now)
    if (maxByteRate > 0) this.byteRate = new RateLimit(maxByteRate, now)
    const { sessionPresent, properties: granted } = acceptance
    const connack = { type: PacketType.CONNACK, sessionPresent, reasonCode: ReasonCode.Success, properties: granted }
    this.sender.committed(connack, acceptance.afterChange)
    if (!this.sender.isHolding) this.begin()
  }

  /** CONNACK has been sent, so deliveries may follow [5.0 MQTT-3.2.0-1]. */
  protected begin(): void {
    if (!this.enter(Event.connackLeft)) return
    this.connectPacket = undefined
    this.waitingBytes = 0
    this.loginDeadlineMs = undefined
    this.lastSignMs = this.server.turn.now()
    this.arm()
    this.requests = new Requests(this.server, this, this.session!, this.sender)
    this.session!.connect(this, this.sender.version === 5 ? this.receiveMaximum : 65_535)
    this.askForTurn()
  }

  /** Sends the next step of an AUTH exchange [5.0 MQTT-4.12.0-2]. */
  challenge(authenticationData: Uint8Array | undefined): void {
    if (!this.enter(Event.challenge)) return
    const properties = { authenticationMethod: this.authenticationMethod, authenticationData }
    this.sender.immediate({ type: PacketType.AUTH, reasonCode: ReasonCode.ContinueAuthentication, properties })
    if (this.state !== State.AwaitingAuth) return
    this.setLoginDeadline(this.limits.connectTimeout)
    this.askForTurn()
  }

  /** A re-authentication succeeded (§4.12.1). */
  reAuthenticated(authenticationData: Uint8Array | undefined, loginExpiresAtMs: number | undefined): void {
    if (!this.enter(Event.reAuthenticated)) return
    this.loginExpiresAtMs = loginExpiresAtMs
    const properties = { authenticationMethod: this.authenticationMethod, authenticationData }
    this.sender.immediate({ type: PacketType.AUTH, reasonCode: ReasonCode.Success, properties })
    this.arm()
  }

  protected auth(packet: AuthPacket): void {
    const method = packet.properties.authenticationMethod
    if (this.authenticationMethod === undefined) {
      throw new ProtocolError(ReasonCode.ProtocolError, 'AUTH, but CONNECT named no Authentication Method') // [5.0 MQTT-4.12.0-7]
    }
    if (method !== this.authenticationMethod) {
      throw new ProtocolError(ReasonCode.ProtocolError, 'AUTH with a different Authentication Method than CONNECT') // [5.0 MQTT-4.12.1-1]
    }
    // Before CONNACK, later packets wait; during a re-authentication they are processed (U-4.12.1-2).
    this.state = after(this.state, PacketType.AUTH)
    if (this.state === State.Deciding) this.setLoginDeadline(this.limits.loginTimeout)
    this.server.admission.authenticate(this, packet)
  }
}
