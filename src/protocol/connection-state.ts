/**
 * The states of a Connection, and what each event does in each of them. `connection.ts` works by this table, and its
 * test covers every cell.
 *
 *   AwaitingConnect ──CONNECT──> Deciding ──accept──> Accepted ──CONNACK──> Connected <──an answer waits──> Answering
 *                                │  ^
 *                      challenge v  │ AUTH
 *                             AwaitingAuth                        from everywhere: DISCONNECT, error, time, loss ──> Closed
 *
 * At run time the table is one array of numbers, so that a question is a single look-up.
 *
 * @module
 */
import { PacketType, type PacketName } from '../codec/packet-types.ts'

export const State = {
  /** Nothing but CONNECT may come. */
  AwaitingConnect: 0,
  /** The Server is deciding about CONNECT or AUTH; later packets wait. */
  Deciding: 1,
  /** The Client has to send AUTH (§4.12). */
  AwaitingAuth: 2,
  /** The Server has accepted it, and CONNACK waits for the Store. */
  Accepted: 3,
  Connected: 4,
  /** Connected, and the Server is answering the current packet; later packets wait. */
  Answering: 5,
  Closed: 6,
} as const
export type State = (typeof State)[keyof typeof State]
export type StateName = keyof typeof State

/** Events other than packets, which are numbered by their types. */
export const Event = {
  // What the Server answers.
  accept: 16,
  challenge: 17,
  refuse: 18,
  reAuthenticated: 19,
  /** The answer to the current packet comes later. */
  pending: 20,
  /** That answer has come. */
  answered: 21,
  /** CONNACK 0x00 has been sent. */
  connackLeft: 22,
  // What ends it.
  disconnect: 23,
  giveWay: 24,
  failed: 25,
  lost: 26,
  // Time.
  connectTimeout: 27,
  loginTimeout: 28,
  loginExpiry: 29,
  keepAliveTimeout: 30,
  packetTimeout: 31,
  drainTimeout: 32,
} as const
export type Event = (typeof Event)[keyof typeof Event]

/** A Protocol Error that ends the Connection, and the statements of the standard that say so. */
export interface Fault {
  readonly statements: readonly string[]
}

/**
 * What an event does in a state: it leads to another one; `stays`: it is processed without a change; `waits`: it is
 * processed in a later state; `ignored`: it comes too late, or cannot happen.
 */
export type Cell = StateName | 'stays' | 'waits' | 'ignored' | Fault

type Row = readonly [Cell, Cell, Cell, Cell, Cell, Cell, Cell]

const fault = (...statements: string[]): Fault => ({ statements })

const notFirst = fault('5.0 MQTT-3.1.0-1', '3.1.1 MQTT-3.1.0-1')
const secondConnect = fault('5.0 MQTT-3.1.0-2', '3.1.1 MQTT-3.1.0-2')
const noAuth = fault('5.0 MQTT-3.1.2-30')
/** Only a Server sends it (Table 2-1). */
const notFromClient = fault()

const taken: Row = [notFirst, 'waits', noAuth, 'waits', 'stays', 'waits', 'ignored']
const forServers: Row = [notFirst, 'waits', noAuth, 'waits', notFromClient, 'waits', 'ignored']
const ends: Row = ['Closed', 'Closed', 'Closed', 'Closed', 'Closed', 'Closed', 'ignored']
const endsConnected: Row = ['ignored', 'ignored', 'ignored', 'ignored', 'Closed', 'Closed', 'ignored']
/** While it is not read, silence of the Client does not count against it. */
const endsWhileRead: Row = ['ignored', 'ignored', 'ignored', 'ignored', 'Closed', 'ignored', 'ignored']

/** Columns as in `State`. AUTH exists in 5.0 only; before, it is a reserved type, and malformed. */
// prettier-ignore
export const connectionTable: Readonly<Record<PacketName | keyof typeof Event, Row>> = {
  //                AwaitingConnect Deciding        AwaitingAuth Accepted     Connected      Answering    Closed
  CONNECT:          ['Deciding',    'waits',        secondConnect, 'waits',   secondConnect, 'waits',     'ignored'],
  CONNACK:          forServers,
  PUBLISH:          taken,
  PUBACK:           taken,
  PUBREC:           taken,
  PUBREL:           taken,
  PUBCOMP:          taken,
  SUBSCRIBE:        taken,
  SUBACK:           forServers,
  UNSUBSCRIBE:      taken,
  UNSUBACK:         forServers,
  PINGREQ:          taken,
  PINGRESP:         forServers,
  DISCONNECT:       [notFirst,      'waits',        'Closed',    'waits',     'Closed',      'waits',     'ignored'],
  AUTH:             [notFirst,      'waits',        'Deciding',  'waits',     'stays',       'waits',     'ignored'],
  accept:           ['ignored',     'Accepted',     'ignored',   'ignored',   'ignored',     'ignored',   'ignored'],
  challenge:        ['ignored',     'AwaitingAuth', 'ignored',   'ignored',   'stays',       'stays',     'ignored'],
  refuse:           ['Closed',      'Closed',       'Closed',    'Closed',    'ignored',     'ignored',   'ignored'],
  reAuthenticated:  ['ignored',     'ignored',      'ignored',   'ignored',   'stays',       'stays',     'ignored'],
  pending:          ['ignored',     'ignored',      'ignored',   'ignored',   'Answering',   'ignored',   'ignored'],
  answered:         ['ignored',     'ignored',      'ignored',   'ignored',   'ignored',     'Connected', 'ignored'],
  connackLeft:      ['ignored',     'ignored',      'ignored',   'Connected', 'ignored',     'ignored',   'ignored'],
  disconnect:       ends,
  giveWay:          ends,
  failed:           ends,
  lost:             ends,
  connectTimeout:   ['Closed',      'ignored',      'Closed',    'ignored',   'ignored',     'ignored',   'ignored'],
  loginTimeout:     ['ignored',     'Closed',       'ignored',   'Closed',    'ignored',     'ignored',   'ignored'],
  loginExpiry:      endsConnected,
  keepAliveTimeout: endsWhileRead,
  packetTimeout:    endsWhileRead,
  drainTimeout:     endsConnected,
}

/** The numbers for events that lead to no state. */
const WAITS = 7
const IGNORED = 8
const FAULT = 9

/** A row has room for eight states, so that its index is a shift. */
const ROW_BITS = 3

const outcomes = new Uint8Array((Event.drainTimeout + 1) << ROW_BITS)
for (const [name, row] of Object.entries(connectionTable)) {
  const event = name in Event ? Event[name as keyof typeof Event] : PacketType[name as keyof typeof PacketType]
  row.forEach((cell, state) => (outcomes[(event << ROW_BITS) | state] = outcomeOf(cell, state)))
}

function outcomeOf(cell: Cell, state: number): number {
  if (typeof cell !== 'string') return FAULT
  if (cell === 'stays') return state
  return cell === 'waits' ? WAITS : cell === 'ignored' ? IGNORED : State[cell]
}

/** The state after that event; the same one if it does nothing. */
export function after(state: State, event: Event | PacketType): State {
  const outcome = outcomes[(event << ROW_BITS) | state]!
  return outcome <= State.Closed ? (outcome as State) : state
}

/** Whether that event has any effect. */
export function allows(state: State, event: Event | PacketType): boolean {
  return outcomes[(event << ROW_BITS) | state]! <= State.Closed
}

/** Whether that packet is a Protocol Error in that state. */
export function isFault(state: State, type: PacketType): boolean {
  return outcomes[(type << ROW_BITS) | state] === FAULT
}

/** One bit for each state in which packets are processed; in the others they wait, or nothing is read. */
const TAKING = maskOf(
  (state) => connectionTable.CONNECT[state] !== 'waits' && connectionTable.CONNECT[state] !== 'ignored',
)

/** One bit for each state after CONNACK. */
const CONNECTED = maskOf((state) => connectionTable.loginExpiry[state] === 'Closed')

function maskOf(has: (state: State) => boolean): number {
  return Object.values(State).reduce<number>((mask, state) => (has(state) ? mask | (1 << state) : mask), 0)
}

/** Whether the next packet is processed. Hot: runs for every packet received. */
export function takesPackets(state: State): boolean {
  return ((TAKING >> state) & 1) === 1
}

/** Whether CONNACK 0x00 has left, and it has not ended. */
export function isBehindConnack(state: State): boolean {
  return ((CONNECTED >> state) & 1) === 1
}
