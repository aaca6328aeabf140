/** The thread that hashes passwords for `credentials.ts`: one question in, one answer out. @module */
import { parentPort } from 'node:worker_threads'
import type { Credentials } from '../access/directory/directory.ts'
import { hashPassword } from './password-hash.ts'

export interface CredentialsQuestion {
  readonly number: number
  readonly password: string
}

export interface CredentialsAnswer {
  readonly number: number
  /** `undefined` if it could not be hashed. */
  readonly credentials: Credentials | undefined
}

parentPort?.on('message', ({ number, password }: CredentialsQuestion) => {
  const answer = (credentials: Credentials | undefined): void => {
    parentPort?.postMessage({ number, credentials } satisfies CredentialsAnswer)
  }
  void Promise.all([hashPassword(password, 'argon2id'), hashPassword(password, 'scram-sha-256')]).then(
    ([passwordHash, scram]) => answer({ passwordHash, scram }),
    () => answer(undefined),
  )
})
