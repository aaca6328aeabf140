/**
 * `$CONTROL/dynamic-security/v1`: commands of administrators, in messages. What carries them out is loaded with the
 * first of them.
 *
 *   PUBLISH ──> may this client? ──> handler ──> answer to its sender alone ──> PUBACK
 *
 * @module
 */
import { CONTROL_RESPONSE_TOPIC, CONTROL_TOPIC } from '../access/control-topics.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import type { Client } from '../protocol/client.ts'
import type { Connection } from '../protocol/connection.ts'
import type { ActiveConfig } from '../config/active-config.ts'

/**
 * Carries out commands.
 *
 * @param mayStill whether their sender may still send them: asked before each, since each may take time, and others
 * wait for it
 * @param sender for the audit log
 * @returns the answer, once everything is stored
 */
export type ControlHandler = (
  payload: string,
  mayStill: () => boolean,
  sender: Pick<Client, 'userName' | 'address'>,
) => Promise<string>

/**
 * Waits for an answer, with everything that the Client sends after the command.
 *
 * @returns what `act` does, or PENDING
 */
type Wait = (answer: Promise<string>, act: (text: string | undefined) => ReasonCode) => number

const ANSWER = { qos: 0, noLocal: false, retainAsPublished: false, subscriptionIdentifiers: [] } as const

export class Control {
  readonly #current: ActiveConfig
  readonly #load: () => Promise<ControlHandler>
  #handler: Promise<ControlHandler> | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(current: ActiveConfig, load: () => Promise<ControlHandler>) {
    this.#current = current
    this.#load = load
  }

  /** Whether a client may use topics below `$CONTROL/`. */
  mayUse({ userName }: Pick<Client, 'userName'>): boolean {
    const { options, directory } = this.#current
    return options.users?.dynamicSecurity === true && directory.isAdministrator(userName)
  }

  /**
   * Carries out the command that a message is.
   *
   * @param wait calls `act` with the answer, `undefined` if there is none, once it is there
   * @returns what `wait` returns; `undefined` for a message that is no command, or not of somebody who may send one
   */
  publish(connection: Connection, message: ApplicationMessage, nowMs: () => number, wait: Wait): number | undefined {
    const { topicName, retain } = message
    if (topicName !== CONTROL_TOPIC || retain || !this.mayUse(connection.client)) return undefined
    const { client } = connection
    const mayStill = (): boolean => this.mayUse(client) && this.#current.directory.banOf(client) === undefined
    return wait(this.#answer(message, mayStill, client), (text) => {
      if (text === undefined) return ReasonCode.ImplementationSpecificError
      if (!connection.isClosed) respond(connection, text, nowMs())
      return ReasonCode.Success
    })
  }

  /** Commands of several clients come one after the other: each sees what those before have changed. */
  async #answer({ payload }: ApplicationMessage, ...sender: [() => boolean, Client]): Promise<string> {
    const text = Buffer.from(payload).toString()
    const before = this.#last
    const answer = before.then(async () => (await (this.#handler ??= this.#load()))(text, ...sender))
    this.#last = answer.catch(() => undefined)
    return answer
  }
}

function respond({ session }: Connection, text: string, nowMs: number): void {
  const parts = { topicName: CONTROL_RESPONSE_TOPIC, payload: Buffer.from(text), qos: 0, retain: false } as const
  session?.deliver(ApplicationMessage.of({ ...parts, publisher: '', receivedAtMs: nowMs }), ANSWER)
}
