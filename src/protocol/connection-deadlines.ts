/**
 * The time of a Connection: Keep Alive, the pace of a packet that has begun, a login's end, rates that are overdrawn,
 * and a network that takes nothing. Time in which we do not read does not count against Keep Alive.
 *
 * A packet that has begun to arrive must make progress (`pace.ts`); as long as it does, its bytes are a sign of life.
 *
 * @module
 */
import { ReasonCode } from '../codec/reason-code.ts'
import { OutputConnection } from './connection-output.ts'
import { State } from './connection-state.ts'
import { packetDeadline } from './pace.ts'

export abstract class TimedConnection extends OutputConnection {
  protected arm(): void {
    if (this.state === State.Closed) return
    let deadline = this.isConnected ? this.connectedDeadline() : this.connectDeadline()
    if (this.resumeAtMs !== 0) deadline = Math.min(deadline, this.resumeAtMs)
    this.server.turn.arm(this, deadline)
  }

  protected connectDeadline(): number {
    if (this.loginDeadlineMs !== undefined) return this.loginDeadlineMs
    return this.connectedAtMs + this.limits.connectTimeout * 1000
  }

  protected connectedDeadline(): number {
    // While nothing is read, check again after the time that a Keep Alive takes.
    const watch = this.isReading ? this.keepAliveDeadline() : this.server.turn.now() + Math.max(this.keepAliveMs, 1000)
    const rarer = Math.min(this.loginExpiresAtMs ?? Infinity, this.drainDeadlineMs ?? Infinity, this.packetDeadline())
    return this.keepAliveMs === 0 ? rarer : Math.min(watch, rarer)
  }

  /** [5.0 MQTT-3.1.2-22] [3.1.1 MQTT-3.1.2-24] */
  protected keepAliveDeadline(): number {
    if (this.keepAliveMs === 0 || !this.isReading) return Infinity
    return this.lastSignMs + this.keepAliveMs * 1.5 + this.limits.timeoutDisconnectDelay * 1000
  }

  /** When the incomplete packet is late; Infinity if there is none. */
  protected packetDeadline(): number {
    if (this.begunAtMs === undefined) return Infinity
    return packetDeadline(this.begunAtMs, this.incompleteBytes, this.limits)
  }

  /**
   * Notes whether an incomplete packet is left.
   *
   * @param isAnother false if it may be the same one as before
   */
  protected watchPace(isAnother: boolean): void {
    if (this.incompleteBytes === 0 || !this.isReading) {
      this.begunAtMs = undefined
      return
    }
    const now = this.server.turn.now()
    this.lastSignMs = now
    if (isAnother || this.begunAtMs === undefined) this.begunAtMs = now
    const deadline = this.packetDeadline()
    const isArmed = this.wheelIndex >= 0 && this.deadlineMs <= deadline
    if (this.isConnected && !isArmed) this.server.turn.arm(this, deadline)
  }

  protected throttle(waitMs: number, option: 'max-publish-rate' | 'max-byte-rate'): void {
    if (waitMs === 0) return
    this.server.metrics.rateLimited++
    this.server.reports.throttled(this, option)
    this.givesWay = false
    this.resumeAtMs = Math.max(this.resumeAtMs, this.server.turn.now() + waitMs)
    this.arm()
  }

  /** A subscriber of what it published last has little room: nothing more is read until then, or until `proceed`. */
  standBack(untilMs: number): void {
    if (this.resumeAtMs !== 0 || this.state === State.Closed) return
    this.givesWay = true
    this.resumeAtMs = untilMs
    this.arm()
  }

  proceed(): void {
    if (!this.givesWay || this.state === State.Closed) return
    this.givesWay = false
    this.resumeAtMs = 0
    this.askForTurn()
  }

  protected watchDrain(): void {
    this.stuckBytes = this.transport.unsentBytes
    this.takenBytes = this.sender.writtenBytes - this.stuckBytes
    this.drainDeadlineMs = this.server.turn.now() + this.limits.drainTimeout * 1000
    this.arm()
    this.session?.lags()
  }

  /** The Server's clock has reached `deadlineMs`. */
  expire(nowMs: number): void {
    if (this.state === State.Closed) {
      this.transport.destroy()
      return
    }
    if (this.resumeAtMs !== 0 && this.resumeAtMs <= nowMs) {
      this.resumeAtMs = 0
      this.givesWay = false
      this.askForTurn()
    }
    if (!this.isConnected) this.expireUnconnected(nowMs)
    else if (this.loginExpiresAtMs !== undefined && nowMs >= this.loginExpiresAtMs) {
      this.disconnect(ReasonCode.NotAuthorized, 'login expired', 'the login has expired')
    } else if (nowMs >= this.packetDeadline()) {
      const { packetTimeout, minPacketRate } = this.limits
      const detail = `${this.incompleteBytes} bytes of a packet arrived in ${(nowMs - this.begunAtMs!) / 1000} s (packet-timeout ${packetTimeout} s, min-packet-rate ${minPacketRate} bytes/s)`
      this.disconnect(ReasonCode.QuotaExceeded, 'packet timeout', detail)
    } else if (nowMs >= this.keepAliveDeadline()) {
      this.disconnect(
        ReasonCode.KeepAliveTimeout,
        'keep alive timeout',
        `silent for 1.5 × ${this.keepAliveMs / 1000} s`,
      )
    } else if (this.drainDeadlineMs !== undefined && nowMs >= this.drainDeadlineMs) this.expireDrain()
    this.arm()
  }

  protected expireUnconnected(nowMs: number): void {
    if (nowMs < this.connectDeadline()) return
    const isOurTurn = this.state === State.Deciding
    // The Client did nothing wrong: the Reason Code lets it come again.
    if (isOurTurn) this.sendRefusal(ReasonCode.ServerBusy)
    this.close({
      cause: 'connect timeout',
      reasonCode: isOurTurn ? ReasonCode.ServerBusy : ReasonCode.MaximumConnectTime,
      detail: isOurTurn
        ? `its login was not decided within ${this.limits.loginTimeout} s`
        : `not connected within ${this.limits.connectTimeout} s`,
    })
  }

  /** A peer that takes a little is slow; one that has taken nothing for that long is gone. */
  protected expireDrain(): void {
    const unsent = this.transport.unsentBytes
    if (unsent > 0 && this.sender.writtenBytes - unsent <= this.takenBytes) {
      const detail = `read no output for ${this.limits.drainTimeout} s, ${unsent} bytes waiting`
      this.close({ cause: 'slow receiver', reasonCode: ReasonCode.UnspecifiedError, detail }, true)
    } else {
      this.hold('output', unsent)
      this.watchDrain()
    }
  }
}
