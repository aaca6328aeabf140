/**
 * Hands messages of a member that leaves a Shared Subscription to the others (U-4.8.2-8), and messages that a member
 * cannot get: they are too large for its present Client, or may no longer be received.
 *
 * @module
 */
import { Work, type WorkBudget } from '../base/work.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import { unloadedCopyOf } from '../protocol/unloaded-copy.ts'
import type { SharedOrigin } from '../protocol/delivery.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { Session } from '../protocol/session.ts'
import type { MayHave, ReturnedOrigin, SharedGroup } from './shared-group.ts'

/**
 * If there are thousands of other members, the best of all is chosen for each message until this much work is done, and
 * the best of the next few from then on.
 */
const EXACT_UNITS = 50_000
const FEW_LOOKS = 4

/** What a handover works with. */
export interface HandoverSide {
  readonly work: WorkBudget
  now(): number
  /** The group as its members wrote it, `$share/Name/filter`, if it has any left. */
  group(topicFilter: string): SharedGroup | undefined
  readonly mayHave: MayHave
  dropped(session: Session, message: ApplicationMessage, cause: DropCause): void
}

/** Everything that one member hands on, which may be very much. */
export class Handover {
  readonly #side: HandoverSide
  #exactUnits = EXACT_UNITS

  constructor(side: HandoverSide) {
    this.#side = side
  }

  /** @param origin that of a message that some members cannot get. @returns why nobody has taken it */
  give(held: ApplicationMessage, shared: SharedOrigin, origin?: ReturnedOrigin): DropCause | undefined {
    const { work } = this.#side
    work.spend(Work.delivery)
    if (held.isLost) return 'damaged'
    const message = renewed(held)
    if (message.isExpired(this.#side.now())) return 'expired' // [5.0 MQTT-3.3.2-5]
    const group = this.#side.group(shared.topicFilter)
    if (group === undefined) return 'no member'
    const before = work.units
    const looks = this.#exactUnits > 0 ? Infinity : FEW_LOOKS
    const cause = group.deliver(message, this.#side.mayHave, work, origin, looks)
    this.#exactUnits -= work.units - before
    return cause
  }

  /** Whether a member would take a message that nobody has taken, if its payload were in RAM. */
  wouldGoLoaded(message: ApplicationMessage, { topicFilter }: SharedOrigin, origin?: ReturnedOrigin): boolean {
    if (message.isLoaded || message.isLost) return false
    const { work, mayHave } = this.#side
    return this.#side.group(topicFilter)?.wouldTakeLoaded(message, mayHave, work, origin) === true
  }
}

/**
 * A message for another member. Its former member may have been the last for which it was stored, so it is stored anew.
 * A message whose payload is only in the store stays as it is: it never goes to a member for which the Store would not
 * keep it.
 */
function renewed(message: ApplicationMessage): ApplicationMessage {
  // Its payload may be on its way to the former member, which is charged for that.
  if (!message.isLoaded) return message.isLost ? message : unloadedCopyOf(message)
  if (message.messageNumber === 0) return message
  message.own()
  return ApplicationMessage.of(message)
}
