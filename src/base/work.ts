/**
 * Work is counted, so that nobody can make the broker do much of it at once.
 *
 *   turn     |■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■|  100,000 units, or 8 ms by the clock, whichever is first
 *   shares   |  A  |  B  |  A  |  C  | A |               25,000 units at a time, then it is somebody else's turn
 *   looks    | . . . . . . . . . . . . . . . . . . . . |  the clock is read every 2,000 units
 *
 * A unit is about a tenth of a microsecond of a server's processor, so that 2,000 of them stay well below a millisecond even
 * where a weight is too low by half. Counting costs an addition and a comparison. What may be long asks `isSpent` on its way,
 * and stops where it can be resumed.
 *
 * @module
 */

/** What each step costs, in units. Weights are rounded up: a turn that ends early costs next to nothing. */
export const Work = {
  /** A packet is found, parsed, checked and answered. */
  packet: 5,
  /** One message reaches one receiver: 0.13 µs at QoS 0, 0.7 with a Packet Identifier and its acknowledgement. */
  delivery: 5,
  /** A Change is recorded; and later packed for the Store and applied to what it keeps, which costs the same again. */
  change: 10,
  /** One node of a topic tree: mostly memory that no cache has. */
  node: 2,
  /** A subscription comes or goes: its filter is checked, its nodes are made or removed, somebody is told. */
  subscription: 30,
  /** A plugin is asked about a topic, and has rules to go through. */
  question: 20,
  /** A Session, a retained message or a Connection is looked at in a list. */
  entry: 3,
  /** One write to a socket: mostly the way into the operating system and back. */
  write: 40,
  /** A Client logs in, or a Connection ends: Session, lists, deadlines, events, a line in the log. */
  connection: 100,
  /** A task is resumed at all. */
  task: 5,
} as const

/** Bytes that are looked at one by one: decoding, validating, hashing. */
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
/** Units for an owner that has just come into the line: whoever needs more waits with those who ask for much. */
export const FIRST_SHARE_UNITS = 1_000
const LOOK_EVERY_UNITS = 2_000
/** A turn that took that long is spent, however little it counted. */
const TURN_MS = 8

/** Counts the work of a turn, and of whoever is at work in it. */
export class WorkBudget {
  /** Units of this turn. */
  units = 0
  /** Whoever is at work has to stop: its share or the turn is used up. Hot: read for every packet. */
  isSpent = false
  isTurnSpent = false
  /** Half of the turn is used up: what waited from earlier turns leaves the rest to what comes in. */
  isHalfSpent = false
  /** Who is at work. */
  owner: object | undefined = undefined
  readonly #now: () => number
  #startedAtMs = 0
  #shareEnd = SHARE_UNITS
  #nextLook = LOOK_EVERY_UNITS
  /** The nearer of both. */
  #stop = LOOK_EVERY_UNITS

  /** @param now real milliseconds, which move within a turn */
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

  /** From here on it is `owner` that works: in a new share, unless it is at work already. */
  enter(owner: object): void {
    if (owner !== this.owner) this.#share(owner, SHARE_UNITS)
  }

  /** From here on it is `owner` that works, in a new share. */
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

  /** Reads the clock now: behind a step whose cost nobody here can know, such as a question to a plugin. */
  look(): void {
    this.#nextLook = this.units + LOOK_EVERY_UNITS
    const tookMs = this.#now() - this.#startedAtMs
    this.isHalfSpent = this.units * 2 >= TURN_UNITS || tookMs * 2 >= TURN_MS
    if (this.units >= TURN_UNITS || tookMs >= TURN_MS) this.isTurnSpent = this.isSpent = true
  }
}
