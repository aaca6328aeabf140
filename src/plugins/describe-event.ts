/** Describes events in one line, and holds what both loggers share. @module */
import { safeExcerpt } from '../base/printable.ts'
import type { EventName } from '../access/broker-events.ts'
import type { Plugin, PluginEvents } from '../access/plugin.ts'

/** The events of single packets; they are frequent, and emitted only if there is a listener. */
export const PACKET_EVENTS: readonly EventName[] = ['packetReceived', 'packetSent']

/** Fields that are never logged, whichever event contains them. */
const SECRETS = new Set(['password', 'authenticationData', 'correlationData'])

/**
 * Formats the fields of a value as `name=value`. Bytes are counted, not shown, and fields that may be secret are
 * omitted.
 *
 * @example
 * describeFields({ clientId: 'c1', payload: new Uint8Array(3) }) // 'clientId=c1 payload=3 bytes'
 */
export function describeFields(fields: object): string {
  return Object.entries(fields)
    .filter(([name, value]) => value !== undefined && !SECRETS.has(name))
    .map(([name, value]) => `${name}=${describeValue(value)}`)
    .join(' ')
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return describeText(safeExcerpt(value))
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (value instanceof Error) return describeText(safeExcerpt(value.message))
  if (Array.isArray(value)) return `[${value.map(describeValue).join(', ')}]`
  if (typeof value === 'object' && value !== null) return `{${describeFields(value)}}`
  return String(value)
}

function describeText(text: string): string {
  // Control characters are already escaped, so only quotes are left.
  return /^[\w$/+#.:@()-]+$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`
}

/** A plugin that only logs: it listens to each event in `names` until it is closed. */
export function listeningPlugin(
  name: string,
  events: PluginEvents | undefined,
  names: readonly EventName[],
  listener: (name: EventName, event: object) => void,
): Plugin {
  const listeners = names.map((each) => [each, (event: object) => listener(each, event)] as const)
  for (const [each, listen] of listeners) events?.on(each, listen)
  return {
    name,
    close: () => {
      for (const [each, listen] of listeners) events?.off(each, listen)
    },
  }
}
