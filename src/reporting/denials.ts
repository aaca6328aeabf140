/**
 * Log lines about denied actions of Clients, with the rule that decided:
 *
 *   denied meter-1 (user ann, from 192.0.2.7) to publish to a/b: topic_acl: nothing in topic-check.acl.ann allows it
 *   41 more like this in the last 10 s: denied meter-1 …
 *   no room for a message of meter-1 (user ann, from 192.0.2.7) to a/b: the store has room for 90112 bytes, …
 *
 * The rule is looked up once for each kind in ten seconds, so a Client that repeats itself only costs a table lookup.
 *
 * @module
 */
import { isEnabled, logRefusal, type Logger } from '../base/log.ts'
import { safeExcerpt } from '../base/printable.ts'
import { reasonCodeName, ReasonCode } from '../codec/reason-code.ts'
import type { Client } from '../protocol/client.ts'
import { parseSharedFilter } from '../topics/topic-filter.ts'
import type { AccessExplanation } from '../access/access.ts'
import { placeOf } from './connection-log.ts'
import type { ActiveConfig } from '../config/active-config.ts'

const DOING = { publish: 'to publish to', subscribe: 'to subscribe to', receive: 'a message of' } as const

export type DeniedAction = keyof typeof DOING

export class Denials {
  readonly #log: Logger
  readonly #current: ActiveConfig

  constructor(log: Logger, current: ActiveConfig) {
    this.#log = log
    this.#current = current
  }

  /**
   * Logs a message that the client may publish and that does not fit. @param detail which limit, and how much there is
   */
  full(client: Client, topic: string, detail: string): void {
    if (!this.#current.options.log.denials || !isEnabled(this.#log, 'info')) return
    const who = whoIs(client)
    const kind = `no room for a message of ${who}`
    if (this.#log.isSummedUp?.(kind) === true) return
    const [clientId, shown, why] = [safeExcerpt(client.clientId), safeExcerpt(topic), safeExcerpt(detail)]
    const { userName, address, listener } = client
    const fields = { clientId, userName, address, listener, action: 'publish', topic: shown, why }
    logRefusal(this.#log, fields, `no room for a message of ${clientId} (${who}) to ${shown}: ${why}`, kind)
  }

  /**
   * @param topic a Topic Name, or a Topic Filter as the Client wrote it
   * @param reasonCode codes other than Not authorized are not a plugin's decision, and explain themselves
   * @param detail why, if that is already known
   */
  denied(client: Client, action: DeniedAction, topic: string, reasonCode: number, detail?: string): void {
    if (!this.#current.options.log.denials || !isEnabled(this.#log, 'info')) return
    const { address, userName } = client
    const who = whoIs(client)
    const kind = `denied ${who} ${DOING[action]} a topic: ${reasonCodeName(reasonCode as ReasonCode)}`
    if (this.#log.isSummedUp?.(kind) === true) return
    const write = (why: string): void => {
      const [clientId, shown] = [safeExcerpt(client.clientId), safeExcerpt(topic)]
      const fields = { clientId, userName, address, listener: client.listener, action, topic: shown, why }
      logRefusal(this.#log, fields, `denied ${clientId} (${who}) ${DOING[action]} ${shown}: ${why}`, kind)
    }
    if (detail !== undefined) write(safeExcerpt(detail))
    else if (reasonCode !== ReasonCode.NotAuthorized) write(reasonCodeName(reasonCode as ReasonCode))
    else {
      this.explain(client, action, topic).then(
        (why) => write(why ?? 'not authorized'),
        () => write('not authorized'),
      )
    }
  }

  /** @returns which plugin denies it, and by which rule; `undefined` if it is allowed by now */
  async explain(client: Client, action: DeniedAction, topic: string): Promise<string | undefined> {
    const shared = action === 'subscribe' ? parseSharedFilter(topic) : undefined
    const question = { client, action, topic: typeof shared === 'object' ? shared.topicFilter : topic }
    const explanation = await this.#current.access.explain(question)
    return explanation.decision === 'allow' ? undefined : safeExcerpt(decidedBy(explanation))
  }
}

function whoIs({ userName, address }: Client): string {
  const user = userName === undefined ? 'anonymous' : `user ${safeExcerpt(userName)}`
  return `${user}, from ${placeOf(address)}`
}

/** A deny decides; without one, the absence of an allow does. */
export function decidedBy({ decision, explanations }: AccessExplanation): string {
  if (decision === 'allow') return 'not authorized'
  const denies = explanations.filter((each) => each.decision === 'deny')
  const deciding = denies.length > 0 ? denies.slice(0, 1) : explanations
  if (deciding.length === 0) return 'no plugin of topic-check decides about it'
  return deciding.map(({ plugin, rule }) => `${plugin}: ${rule}`).join('; ')
}
