/**
 * The states of a Connection, and what each event does in each of them. `connection.ts` works by this table, and its test goes
 * through every cell.
 *
 *   AwaitingConnect ──CONNECT──> Deciding ──accept──> Accepted ──CONNACK──> Connected <──an answer waits──> Answering
 *                                │  ^
 *                      challenge v  │ AUTH
 *                             AwaitingAuth                        from everywhere: DISCONNECT, error, time, loss ──> Closed
 *
 * At run time the table is one array of numbers, and a question to it one look.
 *
 * @module
 */
import { PacketType, type PacketName } from '../codec/packet-types.ts'

export const State = {
  /** Nothing but CONNECT may come. */
  AwaitingConnect: 0,
  /** CONNECT or AUTH is with the Server, and everything behind it waits. */
  Deciding: 1,
  /** The Client has to send AUTH (§4.12). */
  AwaitingAuth: 2,
  /** The Server has said yes, and CONNACK waits for the Store. */
  Accepted: 3,
  Connected: 4,
  /** Connected, and the packet at hand is with the Server: everything behind it waits. */
  Answering: 5,
  Closed: 6,
} as const
export type State = (typeof State)[keyof typeof State]
export type StateName = keyof typeof State

/** What happens to a Connection, besides packets, which go by the numbers of their types. */
export const Event = {
  // What the Server answers.
  accept: 16,
  challenge: 17,
  refuse: 18,
  reAuthenticated: 19,
  /** The answer to the packet at hand comes later. */
  pending: 20,
  /** It has come. */
  answered: 21,
  /** CONNACK 0x00 is on its way. */
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
 * What an event does in a state: leads to another one; `stays`: is taken, and changes none; `waits`: is taken in a later state;
 * `ignored`: comes too late, or cannot be.
 */
export type Cell = StateName | 'stays' | 'waits' | 'ignored' | Fault

type Row = readonly [Cell, Cell, Cell, Cell, Cell, Cell, Cell]

const fault = (...statements: string[]): Fault => ({ statements })

const notFirst = fault('5.0 MQTT-3.1.0-1', '3.1.1 MQTT-3.1.0-1')
const secondConnect = fault('5.0 MQTT-3.1.0-2', '3.1.1 MQTT-3.1.0-2')
const noAuth = fault('5.0 MQTT-3.1.2-30')
/** Only a Server sends it; Table 2-1. */
const notFromClient = fault()

const taken: Row = [notFirst, 'waits', noAuth, 'waits', 'stays', 'waits', 'ignored']
const forServers: Row = [notFirst, 'waits', noAuth, 'waits', notFromClient, 'waits', 'ignored']
const ends: Row = ['Closed', 'Closed', 'Closed', 'Closed', 'Closed', 'Closed', 'ignored']
const endsConnected: Row = ['ignored', 'ignored', 'ignored', 'ignored', 'Closed', 'Closed', 'ignored']
/** While it is not read, nothing that the Client does not send counts against it. */
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

/** What an event does if it leads to no state. */
const WAITS = 7
const IGNORED = 8
const FAULT = 9

/** A row has room for eight states, so that its place is a shift. */
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

/** The state after that event; the same one where it does nothing. */
export function after(state: State, event: Event | PacketType): State {
  const outcome = outcomes[(event << ROW_BITS) | state]!
  return outcome <= State.Closed ? (outcome as State) : state
}

/** Whether that event does anything. */
export function allows(state: State, event: Event | PacketType): boolean {
  return outcomes[(event << ROW_BITS) | state]! <= State.Closed
}

/** Whether that packet is a Protocol Error. */
export function isFault(state: State, type: PacketType): boolean {
  return outcomes[(type << ROW_BITS) | state] === FAULT
}

/** One bit for each state in which packets are taken: in the others they wait, or nothing reads them. */
const TAKING = maskOf(
  (state) => connectionTable.CONNECT[state] !== 'waits' && connectionTable.CONNECT[state] !== 'ignored',
)

/** One bit for each state behind CONNACK. */
const CONNECTED = maskOf((state) => connectionTable.loginExpiry[state] === 'Closed')

function maskOf(has: (state: State) => boolean): number {
  return Object.values(State).reduce<number>((mask, state) => (has(state) ? mask | (1 << state) : mask), 0)
}

/** Whether the next packet is taken. Hot: runs for every packet received. */
export function takesPackets(state: State): boolean {
  return ((TAKING >> state) & 1) === 1
}

/** Whether CONNACK 0x00 has left, and it has not ended. */
export function isBehindConnack(state: State): boolean {
  return ((CONNECTED >> state) & 1) === 1
}
