/** `event_logger_plugin`: one line at `info` for every event that is told, except those of single packets. @module */
import type { Plugin, PluginContext } from '../broker/plugin.ts'
import { describeFields, listeningPlugin, PACKET_EVENTS } from './describe-event.ts'

export default function eventLogger({ events, log }: PluginContext): Plugin {
  const names = events?.names.filter((name) => !PACKET_EVENTS.includes(name)) ?? []
  return listeningPlugin('event_logger_plugin', events, names, (name, event) => {
    log.info({ event: name }, `${name} ${describeFields(event)}`.trimEnd())
  })
}
