/**
 * `event_logger_plugin`: one line at `info` for every event, except those of single packets and `error`, which repeats
 * `internalError`. Repeated refusals of one address are summarised, as in the broker's own log.
 *
 * @module
 */
import { logRefusal } from '../base/log.ts'
import type { Plugin, PluginContext } from '../access/plugin.ts'
import { describeFields, listeningPlugin, PACKET_EVENTS } from './describe-event.ts'

/** The events that name the client's address, which a client cannot change at will. */
const REFUSALS: ReadonlySet<string> = new Set([
  'clientRefused',
  'handshakeRefused',
  'loginPenalty',
  'publishRefused',
  'subscribeRefused',
])

/** The fields, as far as an event of these kinds has them. */
interface RefusalEvent {
  readonly address?: string
  readonly network?: string
  readonly reasonCode?: number
  readonly stage?: string
  readonly client?: { readonly address: string; readonly userName: string | undefined }
}

export default function eventLogger({ events, log }: PluginContext): Plugin {
  const names = events?.names.filter((name) => name !== 'error' && !PACKET_EVENTS.includes(name)) ?? []
  return listeningPlugin('event_logger_plugin', events, names, (name, event) => {
    const kind = REFUSALS.has(name) ? kindOf(name, event) : undefined
    if (kind !== undefined && log.isSummedUp?.(kind) === true) return
    const sentence = `${name} ${describeFields(event)}`.trimEnd()
    if (kind === undefined) log.info({ event: name }, sentence)
    else logRefusal(log, { event: name }, sentence, kind)
  })
}

function kindOf(name: string, { address, network, reasonCode, stage, client }: RefusalEvent): string {
  const who = [client?.address ?? address ?? network, client?.userName, stage, reasonCode]
  return `event ${name} of ${who.filter((each) => each !== undefined).join(', ')}`
}
