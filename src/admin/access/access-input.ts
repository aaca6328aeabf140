/** Checks what callers write about users, groups, roles and bans. @module */
import { isIP } from 'node:net'
import { plainAddress, plainNetwork } from '../../access/address.ts'
import { MAX_MEMBERSHIPS, MAX_TEXT } from '../../access/directory/directory-limits.ts'
import { RULE_ACTIONS, type AccessRule, type BanKind, type Reference } from '../../access/directory/entries.ts'
import { UsageError } from '../../base/errors.ts'
import { show } from '../../base/show.ts'
import { parseSharedFilter, topicFilterProblem } from '../../topics/topic-filter.ts'

const MAX_PRIORITY = 1_000_000

/** @throws {UsageError} for a text that cannot be a name */
export function checkName(name: unknown, what: string): string {
  const text = checkText(name, what)
  // oxlint-disable-next-line no-control-regex -- these are what a name must not have
  if (text === '' || /[\u0000-\u001f\u007f]/.test(text)) {
    throw new UsageError(`${what} must not be empty or have control characters, got ${show(name)}`)
  }
  return text
}

/** @throws {UsageError} */
export function checkText(text: unknown, what: string): string {
  if (typeof text === 'string' && text.length <= MAX_TEXT && !/\p{Surrogate}/u.test(text)) return text
  throw new UsageError(`${what} must be a text of at most ${MAX_TEXT} characters, got ${show(text)}`)
}

/** @throws {UsageError} */
export function checkPriority(priority: unknown): number {
  if (priority === undefined) return 0
  if (typeof priority === 'number' && Number.isInteger(priority) && Math.abs(priority) <= MAX_PRIORITY) return priority
  throw new UsageError(
    `priority must be a whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}, got ${show(priority)}`,
  )
}

/**
 * Roles or groups by name. Their numbers are found when the plan is carried out.
 *
 * @throws {UsageError}
 */
export function checkMemberships(list: unknown, what: string): Reference[] {
  if (!Array.isArray(list)) throw new UsageError(`${what} must be a list, got ${show(list)}`)
  if (list.length > MAX_MEMBERSHIPS) throw new UsageError(`${what} must have at most ${MAX_MEMBERSHIPS} entries`)
  const found = list.map((each: unknown) => checkMembership(each, what))
  const names = new Set(found.map(({ name }) => name))
  if (names.size < found.length) throw new UsageError(`${what} must name nothing twice`)
  return found
}

function checkMembership(input: unknown, what: string): Reference {
  const { name, priority } = typeof input === 'string' ? { name: input, priority: 0 } : checkObject(input, what)
  return { name: checkName(name, `a name in ${what}`), priority: checkPriority(priority), id: 0 }
}

/** @throws {UsageError} */
export function checkRules(list: unknown): AccessRule[] {
  if (!Array.isArray(list)) throw new UsageError(`rules must be a list, got ${show(list)}`)
  return list.map(checkRule)
}

/** @throws {UsageError} */
export function checkRule(input: unknown): AccessRule {
  const { action, effect, topic, priority, literal = false } = checkObject(input, 'a rule')
  const known = RULE_ACTIONS.find((each) => each === action)
  if (known === undefined) throw new UsageError(`action must be one of ${RULE_ACTIONS.join(', ')}, got ${show(action)}`)
  if (effect !== 'allow' && effect !== 'deny') throw new UsageError(`effect must be allow or deny, got ${show(effect)}`)
  if (typeof literal !== 'boolean') throw new UsageError(`literal must be true or false, got ${show(literal)}`)
  const rule = { action: known, effect, topic: checkTopic(topic), priority: checkPriority(priority), literal } as const
  return rule
}

/** @throws {UsageError} */
function checkTopic(topic: unknown): string {
  const text = checkText(topic, 'topic')
  const problem =
    parseSharedFilter(text) === undefined ? topicFilterProblem(text) : 'write it without $share/ShareName/'
  if (problem === undefined) return text
  throw new UsageError(`${show(topic)} is not a topic filter for a rule: ${problem}`)
}

/** @throws {UsageError} */
export function checkObject(input: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Record<string, unknown>
  throw new UsageError(`${what} must be an object, got ${show(input)}`)
}

/**
 * A name that a client has chosen: it may have control characters, and has to be bannable all the same.
 *
 * @throws {UsageError}
 */
function checkChosen(value: unknown): string {
  const text = checkText(value, 'value')
  if (text === '') throw new UsageError('value must not be empty')
  return text
}

/**
 * The value of a ban in its canonical form.
 *
 * @throws {UsageError}
 */
export function checkBanValue(kind: BanKind, value: unknown): string {
  if (kind === 'client-id' || kind === 'user') return checkChosen(value)
  const text = checkName(value, 'value')
  if (kind === 'address') {
    const address = isIP(text) === 0 ? undefined : plainAddress(text)
    if (address !== undefined) return address
    throw new UsageError(`an address must be an IPv4 or IPv6 address, got ${show(value)}`)
  }
  const network = plainNetwork(text)
  if (network !== undefined) return network
  throw new UsageError(`a network must be written as 10.0.0.0/8 or 2001:db8::/32, got ${show(value)}`)
}
