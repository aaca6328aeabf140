/**
 * What a leaving member of a Shared Subscription held goes to the others (U-4.8.2-8), and so does what a member turns out not
 * to be able to have: it is too large for the Client that is there now, or it may not receive it any longer.
 *
 * @module
 */
import { Work, type WorkBudget } from '../../base/work.ts'
import { ApplicationMessage, unloadedCopyOf } from '../../protocol/application-message.ts'
import type { Delivery } from '../../protocol/delivery.ts'
import type { DropCause, Session } from '../../protocol/session.ts'
import { ReturnedOrigin, type MayHave, type SharedGroup } from './shared-group.ts'

/**
 * All that one member holds changes hands in one go. Where there are thousands of other members, the best of all is chosen for
 * each message until this much work is done, and the best of the next few from then on.
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

/**
 * Hands over what `session` holds for those Shared Subscriptions, or for any if none are given.
 *
 * @param sessionEnds then also what is in flight at QoS 1
 */
export function handOver(
  session: Session,
  topicFilters: ReadonlySet<string> | undefined,
  sessionEnds: boolean,
  side: HandoverSide,
): void {
  const { work } = side
  const exactUntil = work.units + EXACT_UNITS
  for (const delivery of session.takeShared(topicFilters, sessionEnds)) {
    work.spend(Work.delivery)
    const message = renewed(delivery.message)
    if (message.isExpired(side.now())) {
      side.dropped(session, message, 'expired') // [5.0 MQTT-3.3.2-5]
      continue
    }
    const group = side.group(delivery.shared!.topicFilter)
    const looks = work.units < exactUntil ? Infinity : FEW_LOOKS
    const cause = group === undefined ? 'no member' : group.deliver(message, side.mayHave, work, undefined, looks)
    if (cause !== undefined) side.dropped(session, message, sessionEnds ? 'session ended' : cause)
  }
}

/**
 * Hands one delivery on, to a member that it has not been with.
 *
 * @returns whether there was one
 */
export function handOn(session: Session, { message, shared }: Delivery, side: HandoverSide): boolean {
  const before = shared instanceof ReturnedOrigin ? shared.sessions : []
  const origin = new ReturnedOrigin(shared!.topicFilter, [...before, session])
  const group = side.group(origin.topicFilter)
  return group !== undefined && group.deliver(renewed(message), side.mayHave, side.work, origin) === undefined
}

/**
 * A message that changes hands: the one who had it may have been the last for whom the Store kept it, so that it is stored
 * anew. Whose payload is in the Store alone stays what it is: it goes to nobody who would let the Store forget it.
 */
function renewed(message: ApplicationMessage): ApplicationMessage {
  // Its payload may be on its way to the one who had it, who is charged for that.
  if (!message.isLoaded) return message.isLost ? message : unloadedCopyOf(message)
  if (message.messageNumber === 0) return message
  message.own()
  return ApplicationMessage.of(message)
}
