/**
 * Asks for a new password: twice without echo on a terminal; otherwise the first line of standard input is the
 * password, so that a script can pass it without showing it in the process list.
 *
 * @module
 */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { SluiceError } from '../base/errors.ts'
import { printable } from '../base/printable.ts'

/** Where the password is read and the prompt is written: the process's own streams, or those of a test. */
export interface PasswordPrompt {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream
}

/** @throws {SluiceError} `ERR_PASSWORD` if there is no password, or there are two different ones */
export async function askPassword(user: string, prompt: PasswordPrompt): Promise<string> {
  if (prompt.stdin.isTTY !== true) return readLine(prompt)
  const first = await readLine(prompt, `Password for ${printable(user)}: `)
  const second = await readLine(prompt, 'Repeat password: ')
  if (first === second) return first
  throw noPassword('the two passwords differ; nothing was changed')
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
    lines.once('SIGINT', () => finish(() => reject(noPassword('cancelled; nothing was changed'))))
    lines.once('close', () => finish(() => reject(noPassword('no password was given; nothing was changed'))))
    if (question !== undefined) stderr.write(question)
  })
}

function noPassword(message: string): SluiceError {
  return new SluiceError('ERR_PASSWORD', message)
}
