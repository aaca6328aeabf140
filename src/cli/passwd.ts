/**
 * `sluice passwd FILE USER`: writes a user's line into a password file.
 *
 * On a terminal it prompts twice without echo; otherwise the first line of standard input is the password, so that a
 * script can pass it without showing it in the process list.
 *
 * @module
 */
import { SluiceError, UsageError } from '../base/errors.ts'
import { printable } from '../base/printable.ts'
import { kindOfFile, updatePasswordFile } from '../plugins/password-file.ts'
import { hashPassword, WRITABLE_PASSWORD_HASH_KINDS } from '../plugins/password-hash.ts'
import { askPassword, type PasswordPrompt } from './password-prompt.ts'

/** The arguments of the command, compatible with `Call` of the command table. */
export interface PasswdCall {
  /** `kind` of hash, and `delete` to remove the user. */
  readonly options: Readonly<Partial<Record<string, string>>>
  /** FILE and USER. */
  readonly positionals: readonly string[]
  readonly terminal: { readonly out: (text: string) => void }
}

/**
 * @returns the exit code, 0
 * @throws {UsageError} for an unknown kind, and for a user or a password that cannot be stored
 * @throws {SluiceError} `ERR_PASSWORD` if there is no password, or there are two different ones, or the file cannot be
 * read or written
 */
export async function passwd(call: PasswdCall, prompt: PasswordPrompt = process): Promise<number> {
  const [path, user] = call.positionals as [string, string]
  const removing = call.options['delete'] !== undefined
  const cannotChange = (error: unknown): never => {
    if (error instanceof SluiceError) throw error
    throw failure(`cannot change ${path}: ${(error as Error).message}; nothing was changed`, error)
  }
  const given = call.options['kind']
  const kind = removing ? findKind(given) : kindFor(path, given, await kindOfFile(path).catch(cannotChange))
  const hash = removing ? undefined : await hashPassword(await askPassword(user, prompt), kind)
  const wasThere = await updatePasswordFile(path, user, hash).catch(cannotChange)
  if (removing && !wasThere) throw failure(`${printable(user)} is not in ${path}; nothing was changed`)
  const done = removing ? 'removed from' : wasThere ? 'changed in' : 'added to'
  call.terminal.out(`${user} ${done} ${path}`)
  return 0
}

type Kind = (typeof WRITABLE_PASSWORD_HASH_KINDS)[number]

/** A file is either for `auth.scram` or for `auth.file`: neither could read one with both kinds of lines. */
function kindFor(path: string, given: string | undefined, lines: 'scram' | 'hash' | undefined): Kind {
  const kind = given === undefined && lines === 'scram' ? 'scram-sha-256' : findKind(given)
  if (lines === undefined || (kind === 'scram-sha-256') === (lines === 'scram')) return kind
  const content = lines === 'scram' ? 'SCRAM-SHA-256 lines for auth.scram' : 'password hashes for auth.file'
  throw failure(
    `${path} contains ${content}, which cannot be mixed with --kind ${kind}; use another file. Nothing was changed`,
  )
}

function findKind(name: string = WRITABLE_PASSWORD_HASH_KINDS[0]!): Kind {
  const kind = WRITABLE_PASSWORD_HASH_KINDS.find((known) => known === name)
  if (kind !== undefined) return kind
  throw new UsageError(`--kind must be one of ${WRITABLE_PASSWORD_HASH_KINDS.join(', ')}, got ${name}.`)
}

function failure(message: string, cause?: unknown): SluiceError {
  return new SluiceError('ERR_PASSWORD', message, { cause })
}
