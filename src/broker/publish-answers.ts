/** What a Client can be told about a PUBLISH. @module */
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Connection } from '../protocol/connection.ts'
import { notesOf } from './sessions/connection-notes.ts'

/**
 * Whether its CONNACK said that there are no retained messages. An older Client cannot be told, and a reload may have
 * come later.
 */
export function knowsOfNoRetain(connection: Connection): boolean {
  return connection.protocolVersion === 5 && !notesOf(connection).announced!.retain
}

/** Whether the packet can be answered with a refusal. Others are acknowledged, or not answered at all. */
export function canBeRefused({ protocolVersion }: Connection, { qos }: ApplicationMessage): boolean {
  return protocolVersion === 5 && qos > 0
}
