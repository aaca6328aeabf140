/** One login question to the plugins: at CONNECT, or in a step of an AUTH exchange. @module */
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
  /** Its check has started, and will be settled. */
  hasBegun = false
  /** Its connection is gone, or it was refused: the answer is no longer needed. */
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

  isNeeded(): boolean {
    return !this.isOver
  }

  /** Copies the bytes of the request, which may be in a chunk that is reused while it waits. */
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

/** Whether the request contains anything that could be guessed. */
export function claimsSomething({ userName, password, authenticationMethod }: ConnectRequest): boolean {
  return userName !== undefined || password !== undefined || authenticationMethod !== undefined
}
