/** The thread that checks passwords for `password-verifier.ts`: one question in, one answer out. @module */
import { parentPort } from 'node:worker_threads'
import { verifyPassword } from './password-hash.ts'

export interface PasswordQuestion {
  readonly number: number
  readonly password: Uint8Array
  readonly hash: string
}

export interface PasswordAnswer {
  readonly number: number
  /** `undefined` when the hash looked like its kind but could not be worked with. */
  readonly matches: boolean | undefined
}

parentPort?.on('message', ({ number, password, hash }: PasswordQuestion) => {
  const tell = (matches: boolean | undefined): void => {
    parentPort?.postMessage({ number, matches } satisfies PasswordAnswer)
  }
  void verifyPassword(password, hash).then(tell, () => tell(undefined))
})
