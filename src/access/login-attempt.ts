/** One question to the plugins about a login: at CONNECT, or a step of an AUTH exchange. @module */
import type { Connection } from '../protocol/connection.ts'
import type { GatedLogin } from './login-gate.ts'
import type { Debtor } from './login-penalties.ts'
import type { LoginTurn } from './login-questions.ts'
import type { ConnectRequest } from './plugin.ts'

export class LoginAttempt implements GatedLogin, LoginTurn {
  readonly connection: Connection
  request: ConnectRequest
  /** The network of its address. */
  readonly holder: string
  readonly debtor: Debtor | undefined
  /** Its check has begun, and will be settled. */
  hasBegun = false
  /** Its connection is gone, or it was turned away: nobody waits for the answer. */
  isOver = false
  readonly #ask: (attempt: LoginAttempt) => void

  constructor(
    connection: Connection,
    request: ConnectRequest,
    holder: string,
    debtor: Debtor | undefined,
    ask: (attempt: LoginAttempt) => void,
  ) {
    this.connection = connection
    this.request = request
    this.holder = holder
    this.debtor = debtor
    this.#ask = ask
  }

  isWanted(): boolean {
    return !this.isOver
  }

  /** It waits: what it was asked with may lie in a chunk that is used again. */
  keepBytes(): void {
    const { authenticationData } = this.request
    if (authenticationData === undefined) return
    this.request = { ...this.request, authenticationData: Buffer.from(authenticationData) }
  }

  start(): void {
    this.hasBegun = true
    this.#ask(this)
  }
}

/** Whether there is anything in it that could be guessed. */
export function claimsSomething({ userName, password, authenticationMethod }: ConnectRequest): boolean {
  return userName !== undefined || password !== undefined || authenticationMethod !== undefined
}
