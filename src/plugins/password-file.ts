/**
 * Password files: one `user:hash` a line; blank lines and lines that begin with `#` count for nothing. The form that
 * Mosquitto's files have, and the ancestor's.
 *
 * @module
 */
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { UsageError } from '../base/errors.ts'
import { realClock } from '../broker/turn/clock.ts'
import { LineProblems, linesOf, readText } from '../config/text-file.ts'
import { passwordHashKind } from './password-hash.ts'
import { parseScramCredentials } from './scram-credentials.ts'

/** User Name to password hash. */
export type PasswordEntries = ReadonlyMap<string, string>

/**
 * Reads the text of a password file.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE` that names every bad line by number, without its content
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
    if (hash === undefined) problems.add(number, 'is not of the form user:hash')
    else if (passwordHashKind(hash) === undefined)
      problems.add(number, 'has a hash of no known kind; see `sluice passwd`')
    else if (entries.has(user)) problems.add(number, `has the user of line ${lineOf.get(user)} again`)
    else {
      entries.set(user, hash)
      lineOf.set(user, number)
    }
  }
  problems.throwIfAny()
  return entries
}

/** Blanks around a name are not part of it, as Mosquitto reads it; an empty name is one, `mosquitto_passwd` writes it. */
function entryOf(line: string): [user: string, hash: string | undefined] {
  const colon = line.indexOf(':')
  return colon < 0 ? [line, undefined] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
}

/**
 * Writes one user's line into a password file, in the place of the line that the user had, or at the end. Other lines,
 * comments among them, stay as they are. The file is replaced whole, so that whoever reads it meanwhile sees the old or the
 * new one; it keeps its mode and its owner, and a new one is only for its owner (0600).
 *
 * @param hash `undefined` takes the user out
 * @returns whether the user was in the file before
 * @throws {UsageError} for a name that no line can hold
 */
export async function updatePasswordFile(path: string, user: string, hash: string | undefined): Promise<boolean> {
  if (!/^[^#:\p{Cc}][^:\p{Cc}]*$/u.test(user) || user.trim() !== user) {
    throw new UsageError(
      `a user name has no colon and no control character, no blank at either end, and does not begin with #: ${JSON.stringify(user)}`,
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

/** Whether a file holds lines for `auth.scram`, for `auth.file`, or none yet. */
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
    // Root may write the file of the user that the broker runs as, who has to be able to read it afterwards.
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
