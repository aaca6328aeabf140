/**
 * An Authentication Method for tests (§4.12), and the packets of its exchange in short.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { AuthenticationAnswer, Plugin } from '../../../src/access/plugin.ts'
import { type AuthPacket, type ConnackPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import type { TestClient } from '../../support/test-client.ts'
import type { Stage } from './stage.ts'

const { AUTH, CONNACK, DISCONNECT } = PacketType

/** Counts: `1` is answered by `2?`, `2` by `3?`, `3` lets in with `well done`; without a method everybody may come. */
export const counting: Plugin = {
  name: 'counting',
  authenticate({
    authenticationMethod,
    authenticationData,
    exchangeState,
    userName,
  }): AuthenticationAnswer | undefined {
    if (authenticationMethod === undefined) return { decision: 'allow' }
    if (authenticationMethod !== 'COUNT') return undefined
    const step = ((exchangeState as number | undefined) ?? 0) + 1
    if (String(Buffer.from(authenticationData ?? [])) !== String(step)) return { decision: 'deny' }
    if (step === 3)
      return { decision: 'allow', userName: userName ?? 'counter', authenticationData: Buffer.from('well done') }
    return { decision: 'continue', authenticationData: Buffer.from(`${step + 1}?`), exchangeState: step }
  },
}

export const COUNTING = { auth: { plugins: [counting] } }

export function data(text: string, authenticationMethod = 'COUNT'): Properties {
  return { authenticationMethod, authenticationData: Buffer.from(text) }
}

/** What came, in short: packet type, code, method, data. */
export function said(client: TestClient): unknown[][] {
  return client
    .take()
    .filter((packet): packet is AuthPacket | ConnackPacket =>
      [AUTH, CONNACK, DISCONNECT].includes(packet.type as never),
    )
    .map(({ type, reasonCode, properties: { authenticationMethod, authenticationData } }) => [
      type,
      reasonCode,
      ...(authenticationMethod === undefined ? [] : [authenticationMethod]),
      ...(authenticationData === undefined ? [] : [String(Buffer.from(authenticationData))]),
    ])
}

/** A new Network Connection whose CONNECT begins to count; the first question is taken. */
export function begun(stage: Stage, clientId = 'a'): TestClient {
  const client = stage.open()
  client.connect({ clientId, properties: data('1') })
  assert.deepEqual(said(client), [[AUTH, 0x18, 'COUNT', '2?']])
  return client
}

export function auth(client: TestClient, reasonCode: number, properties: Properties): unknown[][] {
  client.send({ type: AUTH, reasonCode, properties })
  return said(client)
}

/** A Client that has counted to three. */
export function counted(stage: Stage, clientId = 'a'): TestClient {
  const client = begun(stage, clientId)
  assert.deepEqual(auth(client, 0x18, data('2')), [[AUTH, 0x18, 'COUNT', '3?']])
  assert.deepEqual(auth(client, 0x18, data('3')), [[CONNACK, 0x00, 'COUNT', 'well done']])
  return client
}
