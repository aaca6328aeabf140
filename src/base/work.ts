/**
 * Counts work, so that no client can make the broker do much of it at once.
 *
 *   turn     |■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■|  100,000 units, or 8 ms by the clock, whichever is first
 *   shares   |  A  |  B  |  A  |  C  | A |               25,000 units at a time, then another owner's turn
 *   looks    | . . . . . . . . . . . . . . . . . . . . |  the clock is read every 2,000 units
 *
 * A unit is about a tenth of a microsecond on a server's processor, so 2,000 of them stay well below a millisecond even
 * if a weight is too low by half. Counting costs an addition and a comparison. Work that may be long checks `isSpent`
 * on its way, and stops where it can be resumed.
 *
 * @module
 */

/** The cost of each step, in units. Weights are rounded up: a turn that ends early costs next to nothing. */
export const Work = {
  /** A packet is found, parsed, checked and answered. */
  packet: 5,
  /** One message reaches one receiver: 0.13 µs at QoS 0, 0.7 with a Packet Identifier and its acknowledgement. */
  delivery: 5,
  /**
   * A Change is recorded; later it is packed for the Store and applied to the Store's state, which costs the same
   * again.
   */
  change: 10,
  /** One node of a topic tree: mostly memory that is in no cache. */
  node: 2,
  /**
   * A subscription is added or removed: its filter is checked, its nodes are created or removed, and an event is
   * emitted.
   */
  subscription: 30,
  /** A plugin is asked about a topic, and evaluates rules. */
  question: 20,
  /** A Session, a retained message or a Connection is visited in a list. */
  entry: 3,
  /** What an operator sees of a client or a session is gathered: some forty values. */
  view: 50,
  /** One write to a socket: mostly the way into the operating system and back. */
  write: 40,
  /** A client logs in, or a connection ends: Session, lists, deadlines, events, a line in the log. */
  connection: 100,
  /** A task is resumed. */
  task: 5,
} as const

/** Bytes that are examined one by one: decoding, validating, hashing. */
export function scanned(bytes: number): number {
  return bytes >>> 6
}

/** Bytes that are copied. */
export function copied(bytes: number): number {
  return bytes >>> 8
}

/** Units of a turn. */
export const TURN_UNITS = 100_000
/** Units that one owner may use before others get their share. */
export const SHARE_UNITS = 25_000
/** Units for an owner that has just joined the line; one that needs more waits with the owners that ask for much. */
export const FIRST_SHARE_UNITS = 1_000
const LOOK_EVERY_UNITS = 2_000
/** A turn that took this long is spent, however little was counted. */
const TURN_MS = 8

/** Counts the work of a turn, and of the owner at work. */
export class WorkBudget {
  /** Units of this turn. */
  units = 0
  /** The owner at work has to stop: its share or the turn is used up. Hot: read for every packet. */
  isSpent = false
  isTurnSpent = false
  /** Half of the turn is used up: work from earlier turns leaves the rest to new input. */
  isHalfSpent = false
  /** The owner at work. */
  owner: object | undefined = undefined
  readonly #now: () => number
  #startedAtMs = 0
  #shareEnd = SHARE_UNITS
  #nextLook = LOOK_EVERY_UNITS
  /** The nearer of the two limits. */
  #stop = LOOK_EVERY_UNITS

  /** @param now real milliseconds, which advance within a turn */
  constructor(now: () => number) {
    this.#now = now
  }

  beginTurn(nowMs: number): void {
    this.#startedAtMs = nowMs
  }

  endTurn(): void {
    this.units = 0
    this.isTurnSpent = false
    this.isHalfSpent = false
    this.#nextLook = LOOK_EVERY_UNITS
    this.#share(undefined, SHARE_UNITS)
  }

  /** Starts work of `owner`: in a new share, unless it is already at work. */
  enter(owner: object): void {
    if (owner !== this.owner) this.#share(owner, SHARE_UNITS)
  }

  /** Starts work of `owner` in a new share. */
  begin(owner: object, units: number = SHARE_UNITS): void {
    this.#share(owner, units)
  }

  #share(owner: object | undefined, units: number): void {
    this.owner = owner
    this.#shareEnd = this.units + units
    this.isSpent = this.isTurnSpent
    this.#stop = Math.min(this.#nextLook, this.#shareEnd)
  }

  /** Counts units of work. Hot: runs for every packet. */
  spend(units: number): void {
    this.units += units
    if (this.units >= this.#stop) this.#check()
  }

  #check(): void {
    if (this.units >= this.#nextLook) this.look()
    if (this.units >= this.#shareEnd) this.isSpent = true
    this.#stop = this.isSpent ? this.#nextLook : Math.min(this.#nextLook, this.#shareEnd)
  }

  /** Reads the clock now, after a step of unknown cost, such as a question to a plugin. */
  look(): void {
    this.#nextLook = this.units + LOOK_EVERY_UNITS
    const tookMs = this.#now() - this.#startedAtMs
    this.isHalfSpent = this.units * 2 >= TURN_UNITS || tookMs * 2 >= TURN_MS
    if (this.units >= TURN_UNITS || tookMs >= TURN_MS) this.isTurnSpent = this.isSpent = true
  }
}
