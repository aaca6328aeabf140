/**
 * The consoles of operators: MQTT clients in the page, each over a WebSocket that the API has let in.
 *
 *   GET /api/v1/console ──locks of the API──> check ──WebSocket──> open ──> Connection, a client as any other
 *                                                                    │
 *      each second, and with all that passes: may it still? ──no──> the connection ends
 *
 * A console has the rights of its operator's role (`console-rights.ts`), and a session that ends with it.
 *
 * @module
 */
import type { Timer } from '../../base/clock.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { AdminHost } from '../../broker/host/admin-door.ts'
import { topLevel } from '../../broker/host/host-streams.ts'
import { ListenerState } from '../../broker/sessions/listener-state.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import type { ListenerOptions, Options } from '../../config/resolved-options.ts'
import { Holders } from '../../limits/holders.ts'
import type { ConsoleRights } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { Incoming, Peer, Transport } from '../../protocol/transport.ts'
import { recordAction } from '../record-action.ts'
import type { Principal } from '../http/principal.ts'
import { Problem } from '../http/problem.ts'
import type { Answer, RequestHead } from '../http/request.ts'
import { consoleRights } from './console-rights.ts'
import { ConsoleStream } from './console-stream.ts'

/** The listener that its clients show. */
const LISTENER = 'console'
/** A browser whose machine has vanished is noticed within one and a half of it. */
const MAX_KEEP_ALIVE_SECONDS = 60
const ID_BYTES = 6
const TICK_MS = 1000

/** Who opens one, and from where. */
export interface ConsoleCaller {
  readonly principal: Principal
  readonly head: Pick<RequestHead, 'address' | 'isEncrypted'>
}

interface Console {
  readonly caller: ConsoleCaller
  readonly clientId: string
  readonly openedAt: number
  readonly stream: ConsoleStream
  readonly connection: Connection
}

export class Consoles {
  readonly #broker: Broker
  readonly #host: AdminHost
  readonly #options: () => Options
  readonly #state: ListenerState
  /** By the owner of their callers. */
  readonly #open = new Holders<Console>()
  readonly #all = new Set<Console>()
  #timer: Timer | undefined

  constructor(broker: Broker, host: AdminHost, options: () => Options) {
    this.#broker = broker
    this.#host = host
    this.#options = options
    this.#state = new ListenerState(limitsOf(options()))
  }

  /** Applies new limits to consoles from now on. */
  configure(): void {
    this.#state.options = limitsOf(this.#options())
  }

  /** @throws {Problem} `ERR_RATE` if there are too many */
  check({ owner }: Principal): void {
    const { maxConsoles, maxConsolesPerCaller } = this.#options().admin!
    if (this.#open.sizeOf(owner) >= maxConsolesPerCaller) {
      throw tooMany(`you have ${maxConsolesPerCaller} consoles open already; close one`, {
        ...{ limit: maxConsolesPerCaller, option: 'admin.max-consoles-per-caller' },
      })
    }
    if (this.#open.size < maxConsoles) return
    const detail = `${maxConsoles} consoles are open already; try again later`
    throw tooMany(detail, { limit: maxConsoles, option: 'admin.max-consoles' })
  }

  /**
   * What a caller gets that may have one.
   *
   * @throws {Problem} `ERR_UPGRADE` if it does not ask for a WebSocket
   */
  answer(head: RequestHead, principal: Principal): Answer {
    if (head.isUpgrade !== true) {
      const detail = 'this is a WebSocket with the subprotocol mqtt'
      throw new Problem('ERR_UPGRADE', detail, {}, { Upgrade: 'websocket' })
    }
    const { maxPacketSize, maxConnectPacketSize } = this.#state.options
    const accept = (socket: Transport): Incoming | undefined => this.open(socket, { principal, head })
    return { status: 101, headers: {}, body: [], upgrade: { maxPacketSize, maxConnectPacketSize, accept } }
  }

  /**
   * Makes a client of a WebSocket.
   *
   * @returns `undefined` if it has to be closed at once, because there is no room or the login has ended
   */
  open(socket: Transport, caller: ConsoleCaller): Incoming | undefined {
    const { principal, head } = caller
    const rights = this.#rightsOf(principal)
    if (rights === undefined || this.#broker.state !== 'started' || !this.#hasRoom(principal)) return undefined
    const clientId = `console-${Buffer.from(this.#host.clock.randomBytes(ID_BYTES)).toString('hex')}`
    const mayStay = (): boolean => this.#rightsOf(principal) === rights
    const stream = new ConsoleStream(socket, mayStay, () => this.#lost(opened))
    const connection = serverOf(this.#broker).connections.accept(stream, peerOf(caller, clientId, rights), this.#state)
    if (connection === undefined) return undefined
    stream.incoming = connection
    const opened: Console = { caller, clientId, openedAt: this.#host.clock.now(), stream, connection }
    this.#open.add(principal.owner, opened)
    this.#all.add(opened)
    this.#timer ??= this.#nextTick()
    const parameters = { clientId, rights }
    recordAction(this.#broker, {
      who: principal.name,
      from: head.address,
      what: 'consoleOpened',
      parameters,
      status: 101,
    })
    return stream
  }

  #hasRoom(principal: Principal): boolean {
    try {
      this.check(principal)
      return true
    } catch (error) {
      // Somebody else has come first.
      if (error instanceof Problem) return false
      throw error
    }
  }

  #rightsOf({ roleNow }: Principal): ConsoleRights | undefined {
    return consoleRights(roleNow(), this.#options().admin!)
  }

  #lost(console: Console): void {
    const { caller, clientId, openedAt, connection } = console
    const { name, owner } = caller.principal
    if (!this.#open.remove(owner, console)) return
    this.#all.delete(console)
    if (this.#all.size === 0) this.#stopTimer()
    const { received, sent } = connection.messageCounts
    const seconds = Math.round((this.#host.clock.now() - openedAt) / 1000)
    const parameters = { clientId, seconds, messagesPublished: received, messagesDelivered: sent }
    recordAction(this.#broker, { who: name, from: caller.head.address, what: 'consoleClosed', parameters, status: 200 })
  }

  #nextTick(): Timer {
    return this.#host.clock.setTimer(TICK_MS, () => {
      this.#timer = this.#nextTick()
      for (const console of this.#all) if (!console.stream.isOpen) this.#end(console)
    })
  }

  #stopTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #end({ connection }: Console): void {
    if (this.#broker.state !== 'started') return
    const detail = 'its operator has logged out, or has another role'
    const end = (): void => connection.turnAway(ReasonCode.NotAuthorized, 'login revoked', detail)
    serverOf(this.#broker).turn.addTask(connection, { resume: () => (connection.guard(end), true) })
  }

  /** Ends all of them. */
  close(): void {
    this.#stopTimer()
    for (const { stream } of [...this.#all]) stream.destroy()
  }
}

/** What a session of a console has: the limits of the top level, and nothing that outlives it. */
function limitsOf(options: Options): ListenerOptions {
  const limits = topLevel(options, LISTENER)
  const maxKeepAlive = Math.min(limits.maxKeepAlive || Infinity, MAX_KEEP_ALIVE_SECONDS)
  return { ...limits, protocolVersions: [5], maxSessionExpiry: 0, maxKeepAlive }
}

function peerOf({ principal, head }: ConsoleCaller, clientId: string, rights: ConsoleRights): Peer {
  const { name, login } = principal
  const operator = { clientId, userName: login?.userName, name, rights }
  return { listener: LISTENER, address: head.address, encrypted: head.isEncrypted, operator }
}

function tooMany(detail: string, fields: { readonly limit: number; readonly option: string }): Problem {
  return new Problem('ERR_RATE', detail, fields)
}
