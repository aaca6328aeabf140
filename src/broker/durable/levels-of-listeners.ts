/**
 * The durability that listeners ask for.
 *
 * @module
 */
import type { ListenerOptions } from '../../config/options.ts'
import type { Durability } from '../../stores/store.ts'
import { notesOf } from '../sessions/connection-notes.ts'
import type { Sessions } from '../sessions/sessions.ts'

/** The level by the publisher's Client Identifier; `undefined` if no listener sets one. */
export function levelsOfListeners(
  listeners: readonly ListenerOptions[],
  sessions: Sessions,
): ((clientId: string) => Durability | undefined) | undefined {
  if (listeners.every(({ durability }) => durability === undefined)) return undefined
  return (clientId) => {
    const connection = sessions.get(clientId)?.connection
    return connection === undefined ? undefined : notesOf(connection).listener.options.durability
  }
}
