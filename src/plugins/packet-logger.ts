/** `packet_logger_plugin`: one line at `debug` for every Control Packet that is received or sent. @module */
import type { Plugin, PluginContext } from '../access/plugin.ts'
import { type Packet } from '../codec/packets.ts'
import { PacketType } from '../codec/packet-types.ts'
import { safeExcerpt } from '../base/printable.ts'
import { describeFields, listeningPlugin, PACKET_EVENTS } from './describe-event.ts'

const PACKET_NAMES = new Map<number, string>(Object.entries(PacketType).map(([name, type]) => [type, name]))

interface PacketEvent {
  readonly clientId: string
  readonly packet: Packet
}

export default function packetLogger({ events, log }: PluginContext): Plugin {
  return listeningPlugin('packet_logger_plugin', events, PACKET_EVENTS, (name, event) => {
    const { clientId, packet } = event as PacketEvent
    const { type, ...fields } = packet
    const direction = name === 'packetReceived' ? '->' : '<-'
    const shown = safeExcerpt(clientId)
    log.debug(
      { clientId: shown },
      `${shown} ${direction} ${PACKET_NAMES.get(type)} ${describeFields(fields)}`.trimEnd(),
    )
  })
}
