/** One way to attack a broker, with parameters that chance decides. @module */
import type { ConfigInput } from '../../src/config/options.ts'
import type { SeededRandom } from '../../src/testing/random.ts'
import type { Attack } from './attack.ts'
import type { Posture } from './posture.ts'

export interface Shape extends Posture {
  /** In words with hyphens, for `--shape`. */
  readonly name: string
  /** What it tries, for people. */
  readonly tries: string
  /**
   * The errors that the log has to name, and the only ones that it may: those of a service that the operator chose and
   * that the shape makes misbehave. Nothing that a Client does is one.
   */
  readonly accuses?: RegExp
  /** Draws the parameters of one attack. */
  plan(random: SeededRandom): Plan
}

export interface Plan {
  /** What was drawn, for the result line. */
  readonly parameters: string
  /**
   * Units of work of the largest step that cannot be divided, where that is more than a share: a message reaches all
   * its receivers in one go.
   */
  readonly stepUnits?: number
  /**
   * The broker is told to store no more than the attacker has messages for: while the store is full, everybody's are
   * refused, as the manual says, and afterwards nobody's.
   */
  readonly fillsStore?: boolean
  /**
   * Before the broker starts: what its configuration has to say besides, such as where a service of the attacker is.
   */
  prepare?(): Promise<ConfigInput>
  /** Goes on until it has done what it wanted, or until time is up. */
  attack(attack: Attack): Promise<unknown>
  /**
   * Takes back what the broker keeps for good, such as retained messages, so that memory can be compared. Without it
   * the attack leaves nothing behind but its Connections.
   */
  cleanUp?(attack: Attack): Promise<unknown>
}
