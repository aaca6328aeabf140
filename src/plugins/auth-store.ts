/**
 * `auth.store`: users that operators set while the broker runs, and that are kept in its store.
 *
 * A user logs in with a password (`password-logins.ts`), or with SCRAM-SHA-256 (`scram-logins.ts`). A user that is
 * disabled, or comes with another client identifier than its own, is refused, also if another plugin would let it in
 * under the name in CONNECT or in its certificate. A user without credentials here has to be let in by another plugin.
 *
 * Options `max-password-checks` and `password-cache-ms` are those of `auth.file`.
 *
 * @module
 */
import { Directory } from '../access/directory/directory.ts'
import type { UserEntry } from '../access/directory/entries.ts'
import type { ShippedContext } from '../access/directory/shipped-context.ts'
import type { AuthenticationAnswer, Client, ConnectRequest, LoginCheck, Plugin } from '../access/plugin.ts'
import { LoginCache } from './login-cache.ts'
import { DEFAULT_PASSWORD_CACHE_MS, DEFAULT_PASSWORD_CHECKS, PasswordLogins } from './password-logins.ts'
import { PasswordVerifier } from './password-verifier.ts'
import { parseScramCredentials } from './scram-credentials.ts'
import { ScramLogins, type ScramSource } from './scram-logins.ts'
import { passwordsOf } from './store-passwords.ts'

interface Options {
  readonly maxPasswordChecks?: number
  readonly passwordCacheMs?: number
}

export default function authStore(context: ShippedContext): Plugin {
  const { clock, options, directory = new Directory(() => clock.wallNow()) } = context
  const { maxPasswordChecks = DEFAULT_PASSWORD_CHECKS, passwordCacheMs = DEFAULT_PASSWORD_CACHE_MS } =
    options as Options
  const secret = clock.randomBytes(32)
  const passwords = new PasswordLogins(passwordsOf(directory, secret), {
    cache: new LoginCache<true>(clock, passwordCacheMs),
    verifier: new PasswordVerifier(),
  })
  const scram = new ScramLogins(scramOf(directory), clock, secret)
  return new AuthStore({ directory, passwords, scram }, maxPasswordChecks)
}

function scramOf(directory: Directory): ScramSource {
  return {
    credentialsOf: (user) => {
      const text = directory.get('user', user)?.entry.scram
      return text === undefined ? undefined : parseScramCredentials(text)
    },
    // All credentials are made with the same iterations and length of salt.
    decoyFor: () => undefined,
  }
}

interface Parts {
  readonly directory: Directory
  readonly passwords: PasswordLogins
  readonly scram: ScramLogins
}

type Answer = AuthenticationAnswer | undefined

class AuthStore implements Plugin {
  readonly name = 'auth.store'
  readonly maxLoginChecks: number
  readonly #parts: Parts

  constructor(parts: Parts, maxPasswordChecks: number) {
    this.#parts = parts
    this.maxLoginChecks = maxPasswordChecks
  }

  authenticate(request: ConnectRequest): Answer | LoginCheck {
    const { passwords, scram } = this.#parts
    const answer = scram.authenticate(request) ?? passwords.authenticate(request)
    if (answer === undefined) return this.#refusalOf(request.userName ?? request.certificateUserName, request)
    if (answer.decision !== 'check') return this.#restricted(answer, request)
    if (answer.isDecoy === true) return answer
    return { decision: 'check', check: async () => this.#restricted(await answer.check(), request) }
  }

  mayStay(client: Client, evidence: unknown): boolean | undefined {
    const { directory, passwords, scram } = this.#parts
    const user = client.userName === undefined ? undefined : directory.get('user', client.userName)?.entry
    if (user !== undefined && problemOf(user, client.clientId) !== undefined) return false
    return scram.mayStay(client, evidence) ?? passwords.mayStay(client, evidence)
  }

  async close(): Promise<void> {
    await this.#parts.passwords.close()
  }

  /** The password was right: what remains is whether the user may log in at all. */
  #restricted(answer: Answer, request: ConnectRequest): Answer {
    if (answer?.decision !== 'allow') return answer
    return this.#refusalOf(answer.userName ?? request.userName, request) ?? answer
  }

  #refusalOf(userName: string | undefined, { clientId }: ConnectRequest): Answer {
    const user = userName === undefined ? undefined : this.#parts.directory.get('user', userName)?.entry
    const cause = user === undefined ? undefined : problemOf(user, clientId)
    return cause === undefined ? undefined : { decision: 'deny', cause }
  }
}

function problemOf(user: UserEntry, clientId: string): string | undefined {
  if (user.disabled) return 'the user is disabled'
  if (user.clientId === undefined || user.clientId === clientId) return undefined
  return 'the user may only use its own client identifier'
}
