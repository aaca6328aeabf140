/**
 * `sluice passwd FILE USER`: writes a user's line into a password file.
 *
 * On a terminal it prompts twice without echo; otherwise the first line of standard input is the password, so that a
 * script can pass it without showing it in the process list.
 *
 * @module
 */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { SluiceError, UsageError } from '../base/errors.ts'
import { printable } from '../base/printable.ts'
import { kindOfFile, updatePasswordFile } from '../plugins/password-file.ts'
import { hashPassword, WRITABLE_PASSWORD_HASH_KINDS } from '../plugins/password-hash.ts'

/** The arguments of the command, compatible with `Call` of the command table. */
export interface PasswdCall {
  /** `kind` of hash, and `delete` to remove the user. */
  readonly options: Readonly<Partial<Record<string, string>>>
  /** FILE and USER. */
  readonly positionals: readonly string[]
  readonly terminal: { readonly out: (text: string) => void }
}

/** Where the password is read and the prompt is written: the process's own streams, or those of a test. */
export interface PasswordPrompt {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream
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

async function askPassword(user: string, prompt: PasswordPrompt): Promise<string> {
  if (prompt.stdin.isTTY !== true) return readLine(prompt)
  const first = await readLine(prompt, `Password for ${printable(user)}: `)
  const second = await readLine(prompt, 'Repeat password: ')
  if (first === second) return first
  throw failure('the two passwords differ; nothing was changed')
}

/** Reads one line; with a prompt, from a terminal without echo. */
function readLine({ stdin, stderr }: PasswordPrompt, question?: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: question !== undefined })
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      lines.removeAllListeners().close()
      if (question !== undefined) stderr.write('\n')
      settle()
    }
    lines.once('line', (line) => finish(() => resolve(line)))
    lines.once('SIGINT', () => finish(() => reject(failure('cancelled; nothing was changed'))))
    lines.once('close', () => finish(() => reject(failure('no password was given; nothing was changed'))))
    if (question !== undefined) stderr.write(question)
  })
}

function failure(message: string, cause?: unknown): SluiceError {
  return new SluiceError('ERR_PASSWORD', message, { cause })
}
