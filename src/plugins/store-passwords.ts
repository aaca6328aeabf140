/**
 * The passwords of the users that operators set while the broker runs: of clients (`auth.store`), and of operators.
 * @module
 */
import { createHmac } from 'node:crypto'
import type { Directory } from '../access/directory/directory.ts'
import type { ConnectRequest } from '../access/plugin.ts'
import type { Clock } from '../base/clock.ts'
import { LoginCache } from './login-cache.ts'
import { PasswordLogins, type PasswordSource } from './password-logins.ts'
import { PasswordVerifier } from './password-verifier.ts'
import { StoreDecoys } from './store-decoys.ts'

/** @param secret chooses which hash stands in for which name */
export function passwordsOf(directory: Directory, secret: Uint8Array): PasswordSource {
  const decoys = new StoreDecoys(directory)
  return {
    hashOf: (user) => directory.get('user', user)?.entry.passwordHash,
    decoyFor: (user) => decoys.at(createHmac('sha256', secret).update(user).digest().readUInt32BE()),
  }
}

/** Checks passwords in a thread of its own. */
export interface StorePasswords {
  /** Whether it is the password of that user; takes as long for a name that does not exist. */
  check(userName: string, password: string): Promise<boolean>
  close(): Promise<void>
}

/** Right passwords are not remembered: operators log in rarely. */
export function openStorePasswords(directory: Directory, clock: Clock): StorePasswords {
  const cache = new LoginCache<true>(clock, 0)
  const parts = { verifier: new PasswordVerifier(), cache }
  const logins = new PasswordLogins(passwordsOf(directory, clock.randomBytes(32)), parts)
  return {
    check: async (userName, password) => {
      const request: Pick<ConnectRequest, 'userName' | 'password'> = { userName, password: Buffer.from(password) }
      const answer = logins.authenticate(request as ConnectRequest)
      if (answer?.decision !== 'check') return false
      return (await answer.check())?.decision === 'allow'
    },
    close: () => logins.close(),
  }
}
