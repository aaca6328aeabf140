/**
 * Password files: one `user:hash` per line; blank lines and lines that begin with `#` are ignored. This is the format
 * of Mosquitto's files and the ancestor's.
 *
 * @module
 */
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { UsageError } from '../base/errors.ts'
import { realClock } from '../turn/clock.ts'
import { LineProblems, linesOf, readText } from '../config/text-file.ts'
import { costProblem } from '../access/credential-costs.ts'
import { passwordHashKind } from '../access/credential-forms.ts'
import { parseScramCredentials } from './scram-credentials.ts'

/** Maps a user name to its password hash. */
export type PasswordEntries = ReadonlyMap<string, string>

/**
 * Parses the text of a password file.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE` that names every invalid line by number, without its content
 *
 * @example
 * parsePasswordFile('# nobody yet\n\n').size // 0
 */
export function parsePasswordFile(text: string): PasswordEntries {
  const entries = new Map<string, string>()
  const lineOf = new Map<string, number>()
  const problems = new LineProblems()
  for (const [index, line] of linesOf(text).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const number = index + 1
    const [user, hash] = entryOf(line)
    if (hash === undefined)
      problems.add(number, 'does not have the form user:hash; `sluice passwd FILE USER` writes such a line')
    else if (passwordHashKind(hash) === undefined)
      problems.add(number, 'has a hash of an unknown kind; `sluice passwd FILE USER` writes a line that works')
    else if (costProblem(hash) !== undefined)
      problems.add(number, `${costProblem(hash)}; \`sluice passwd FILE USER\` writes a line that works`)
    else if (entries.has(user)) problems.add(number, `repeats the user of line ${lineOf.get(user)}`)
    else {
      entries.set(user, hash)
      lineOf.set(user, number)
    }
  }
  problems.throwIfAny()
  return entries
}

/**
 * Spaces around a name are not part of it, as in Mosquitto; an empty name is valid, because `mosquitto_passwd` writes
 * it.
 */
function entryOf(line: string): [user: string, hash: string | undefined] {
  const colon = line.indexOf(':')
  return colon < 0 ? [line, undefined] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
}

/**
 * Writes the line of one user into a password file, in place of the user's old line, or at the end. Other lines and
 * comments stay as they are. The file is replaced as a whole, so that a reader sees either the old or the new one; it
 * keeps its mode and its owner, and a new one is accessible to its owner only (0600).
 *
 * @param hash `undefined` removes the user
 * @returns whether the file contained the user before
 * @throws {UsageError} for a name that a line cannot contain
 */
export async function updatePasswordFile(path: string, user: string, hash: string | undefined): Promise<boolean> {
  if (!/^[^#:\p{Cc}][^:\p{Cc}]*$/u.test(user) || user.trim() !== user) {
    throw new UsageError(
      `a user name must not contain a colon or a control character, begin or end with a space, or begin with #: ${JSON.stringify(user)}`,
    )
  }
  const target = await realpath(path).catch(unlessMissing(path))
  const text = await readText(target).catch(unlessMissing(''))
  const lines = text.split('\n').filter((line, index, all) => line !== '' || index < all.length - 1)
  const at = lines.findIndex((line) => !line.startsWith('#') && line.includes(':') && entryOf(line)[0] === user)
  if (at < 0 && hash === undefined) return false
  lines.splice(at < 0 ? lines.length : at, at < 0 ? 0 : 1, ...(hash === undefined ? [] : [`${user}:${hash}`]))
  await replaceFile(target, lines.map((line) => `${line}\n`).join(''))
  return at >= 0
}

/** Whether a file contains lines for `auth.scram`, for `auth.file`, or none yet. */
export async function kindOfFile(path: string): Promise<'scram' | 'hash' | undefined> {
  const text = await readText(path).catch(unlessMissing(''))
  const line = linesOf(text).find((each) => !each.startsWith('#') && each.includes(':'))
  if (line === undefined) return undefined
  return parseScramCredentials(entryOf(line)[1] ?? '') === undefined ? 'hash' : 'scram'
}

async function replaceFile(path: string, text: string): Promise<void> {
  const before = await stat(path).catch(unlessMissing(undefined))
  const temporary = `${path}.${Buffer.from(realClock.randomBytes(6)).toString('hex')}.new`
  try {
    await using file = await open(temporary, 'wx', 0o600)
    await file.writeFile(text)
    // Root may write a file that belongs to the broker's user, who has to be able to read it afterwards.
    if (before !== undefined) await file.chown(before.uid, before.gid).catch(unless('EPERM', undefined))
    await file.chmod(before === undefined ? 0o600 : before.mode & 0o7777)
    await file.sync()
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

function unlessMissing<Value>(instead: Value): (error: unknown) => Value {
  return unless('ENOENT', instead)
}

function unless<Value>(code: string, instead: Value): (error: unknown) => Value {
  return (error) => {
    if (error instanceof Error && 'code' in error && error.code === code) return instead
    throw error
  }
}
