/** `event_logger_plugin`: one line at `info` for every event that is told, except those of single packets. @module */
import type { LoadedPluginContext } from '../broker/access-plugins.ts'
import type { Plugin } from '../broker/plugin.ts'
import { describeFields, listeningPlugin, PACKET_EVENTS } from './describe-event.ts'

export default function eventLogger({ events, log }: LoadedPluginContext): Plugin {
  const names = events?.names.filter((name) => !PACKET_EVENTS.includes(name)) ?? []
  return listeningPlugin('event_logger_plugin', events, names, (name, event) => {
    log.info({ event: name }, `${name} ${describeFields(event)}`.trimEnd())
  })
}
