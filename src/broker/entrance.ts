/**
 * The way into a Broker for listeners and the host program: byte streams, and refusals before MQTT. Some may come while
 * the broker starts or closes.
 *
 * @module
 */
import { ReasonCode } from '../codec/reason-code.ts'
import type { ListenerState } from './sessions/listener-state.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import type { Events } from '../reporting/events.ts'
import type { Server } from './server.ts'
import type { Entrance } from './host/open-listeners.ts'
import type { HandshakeRefusal, ListenerTrouble } from '../access/listener-events.ts'
import type { FileRoom } from '../limits/open-files.ts'

/** The parts of a Broker that an entrance uses. */
export interface Inside {
  readonly events: Events
  readonly server: Server | undefined
  readonly current: ActiveConfig | undefined
  readonly fileRoom: FileRoom | undefined
  /** @throws {UsageError} if the broker is not running */
  running(): Server
}

export function entranceTo(inside: Inside): Entrance {
  return {
    arrive: (...what) => inside.running().connections.arrive(...what),
    accept: (...what) => inside.running().connections.accept(...what),
    turnedAway: (refusal) => turnedAway(inside, refusal),
    cannotListen: (trouble) => cannotListen(inside, trouble),
    listens: (up) => inside.events.emit('listenerOpened', up),
    certificatesChanged: () => inside.current?.access.revoked(),
    hasFile: (...who) => hasFile(inside, ...who),
    lostToFiles: (...who) => lostToFiles(inside, ...who),
  }
}

/** Such refusals may come while the broker starts or closes. */
function turnedAway(inside: Inside, refusal: HandshakeRefusal): void {
  if (inside.server !== undefined) inside.server.metrics.handshakesRefused++
  inside.events.emit('handshakeRefused', refusal)
}

function cannotListen(inside: Inside, trouble: ListenerTrouble): void {
  if (inside.server !== undefined) inside.server.metrics.failedOpens++
  inside.events.emit('listenerFailed', trouble)
}

function hasFile(inside: Inside, address: string, state: ListenerState): boolean {
  const { lobby } = inside.running().connections
  if (inside.fileRoom === undefined || lobby.streams < inside.fileRoom.streams) return true
  lostToFiles(inside, address, state)
  return false
}

function lostToFiles(inside: Inside, address: string, { options: { name: listener } }: ListenerState): void {
  inside.running().metrics.connectionsLostToFiles++
  inside.fileRoom?.lost()
  const detail = 'the process has reached its limit of open files (ulimit -n, LimitNOFILE=)'
  const refused = { clientId: '', userName: undefined, address, listener, reasonCode: ReasonCode.ServerBusy, detail }
  inside.events.emit('clientRefused', refused)
}
