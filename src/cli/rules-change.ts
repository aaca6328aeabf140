/**
 * `sluice explain --rules NEWFILE`: who would gain and lose which rules if a file replaced the one in use.
 *
 *   rules of acl.file       compared with `topic-check.acl-file`, without a broker:
 *
 *     meter
 *       + line 7 of rules.new: topic write power/%u/#
 *       - line 4 of rules: topic power/#
 *
 *   JSON                    a file of users and roles: the running broker compares it, as for `sluice access-diff`
 *
 * A rule that only moves, or is written in another way, is the same rule.
 *
 * @module
 */
import { statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { ConfigError, UsageError } from '../base/errors.ts'
import { readTextSync } from '../config/text-file.ts'
import { messageOf } from '../base/thrown.ts'
import { parseAclFile, type AclFile } from '../plugins/acl-file.ts'
import type { TopicRule } from '../plugins/topic-rules.ts'

/** Bytes of a file that is compared. */
export const MAX_RULES_BYTES = 16 << 20
/** Users that are listed; more are counted. */
const MAX_LISTED = 1000

/** @throws {UsageError} for a file that cannot be read or is too large */
export function readRules(path: string): string {
  try {
    const { size } = statSync(path)
    if (size <= MAX_RULES_BYTES) return readTextSync(path)
    throw new UsageError(`${path} has ${size} bytes; a file of rules may have ${MAX_RULES_BYTES} (16 MiB) here.`)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${path}: ${messageOf(error)}.`, { cause: error })
  }
}

/** @throws {UsageError} for text that is no file of rules */
export function parseRules(path: string, text: string): AclFile {
  try {
    return parseAclFile(text, basename(path))
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(`${resolve(path)}: ${error.message}.`, { cause: error })
    throw error
  }
}

/** The differences, for people. */
export function rulesChangeLines(before: AclFile, after: AclFile): string[] {
  const names = new Set([undefined, ...before.ofUsers.keys(), ...after.ofUsers.keys()])
  const users = [...names].flatMap((name) => {
    const who = name ?? 'clients without a user name'
    return linesOf(who, before.ofUsers.get(name) ?? before.patterns, after.ofUsers.get(name) ?? after.patterns)
  })
  const others = linesOf('every user who is in neither file', before.patterns, after.patterns)
  const all = [...users, ...others]
  if (all.length === 0) return ['nobody gains or loses anything']
  const more = all.length - MAX_LISTED
  const listed = all.slice(0, MAX_LISTED).flat()
  return more > 0 ? [...listed, `… and ${more} more users gain or lose something`] : listed
}

/** @returns nothing if they are the same, otherwise a list of lines */
function linesOf(who: string, before: readonly TopicRule[], after: readonly TopicRule[]): string[][] {
  const [old, now] = [byMeaning(before), byMeaning(after)]
  const gained = [...now].flatMap(([meaning, { source }]) => (old.has(meaning) ? [] : [`  + ${source}`]))
  const lost = [...old].flatMap(([meaning, { source }]) => (now.has(meaning) ? [] : [`  - ${source}`]))
  return gained.length + lost.length === 0 ? [] : [[who, ...gained, ...lost]]
}

function byMeaning(rules: readonly TopicRule[]): ReadonlyMap<string, TopicRule> {
  return new Map(rules.map((rule) => [meaningOf(rule), rule]))
}

function meaningOf({ effect, publish, subscribe, shape, templates }: TopicRule): string {
  return JSON.stringify([effect, publish, subscribe, shape.levels, shape.more, [...(templates?.keys() ?? [])]])
}
