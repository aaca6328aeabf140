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
  /** `undefined` if the hash has the form of its kind but cannot be used. */
  readonly matches: boolean | undefined
}

parentPort?.on('message', ({ number, password, hash }: PasswordQuestion) => {
  const answer = (matches: boolean | undefined): void => {
    parentPort?.postMessage({ number, matches } satisfies PasswordAnswer)
  }
  void verifyPassword(password, hash).then(answer, () => answer(undefined))
})
