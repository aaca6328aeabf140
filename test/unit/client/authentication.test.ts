import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthPacket, ConnectPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { Authentication } from '../../../src/client/client-options.ts'
import { ClientEnd } from '../../support/client-end.ts'

/** Counts its steps, and fails at that one. */
function counting(failsAt = 0): Authentication & { readonly seen: string[] } {
  const seen: string[] = []
  return {
    seen,
    method: 'COUNT',
    begin: () => Buffer.from('0'),
    continue: (data, isLast) => {
      seen.push(`${Buffer.from(data ?? []).toString()}${isLast ? ' last' : ''}`)
      if (seen.length === failsAt) throw new Error('wrong proof')
      return Buffer.from(`${seen.length}`)
    },
  }
}

function auth(reasonCode: number, data: string, authenticationMethod = 'COUNT'): AuthPacket {
  return {
    type: PacketType.AUTH,
    reasonCode,
    properties: { authenticationMethod, authenticationData: Buffer.from(data) },
  }
}

const ACCEPTED = { properties: { authenticationMethod: 'COUNT', authenticationData: Buffer.from('proof') } }

function dataOf({ properties }: AuthPacket | ConnectPacket): string {
  return Buffer.from(properties.authenticationData!).toString()
}

test('an exchange runs from CONNECT through AUTH to CONNACK [5.0 MQTT-4.12.0-3]', () => {
  const authentication = counting()
  const end = ClientEnd.scripted({ authentication })
  assert.equal(dataOf(end.take()[0] as ConnectPacket), '0')
  end.answer(auth(0x18, 'challenge'))
  const [answer] = end.take() as [AuthPacket]
  assert.deepEqual([answer.reasonCode, dataOf(answer)], [0x18, '1'])
  end.accept(ACCEPTED)
  assert.deepEqual(authentication.seen, ['challenge', 'proof last'])
  assert.equal(end.client.state, 'connected')
})

test('a server that cannot prove who it is, is left', () => {
  const end = ClientEnd.scripted({ authentication: counting(1) })
  end.accept(ACCEPTED)
  assert.deepEqual(end.ends, [['ERR_CLIENT_AUTHENTICATION', false]])
  assert.match(end.errors[0]!.message, /wrong proof/)
})

test('another Authentication Method in AUTH is a Protocol Error [5.0 MQTT-4.12.0-5]', () => {
  const end = ClientEnd.scripted({ authentication: counting() })
  end.answer(auth(0x18, 'x', 'OTHER'))
  assert.deepEqual(end.ends, [['ERR_CLIENT_PROTOCOL', false]])
})

test('AUTH with Success instead of CONNACK is a Protocol Error', () => {
  const end = ClientEnd.scripted({ authentication: counting() })
  end.answer(auth(0, 'x'))
  assert.deepEqual(end.ends, [['ERR_CLIENT_PROTOCOL', false]])
})

test('a re-authentication begins with 0x19 and ends with 0x00; a server may not begin one [5.0 MQTT-4.12.1-1]', () => {
  const authentication = counting()
  const end = ClientEnd.scripted({ authentication })
  end.accept(ACCEPTED)
  end.take()
  end.client.reauthenticate()
  end.run()
  const [begin] = end.take() as [AuthPacket]
  assert.deepEqual([begin.reasonCode, dataOf(begin)], [0x19, '0'])
  end.answer(auth(0x18, 'again'))
  end.answer(auth(0, 'done'))
  assert.deepEqual(authentication.seen, ['proof last', 'again', 'done last'])
  assert.equal(end.client.state, 'connected')
  end.answer(auth(0x18, 'unasked'))
  assert.deepEqual(end.ends, [['ERR_CLIENT_PROTOCOL', false]])
})

test('a re-authentication that fails in the client ends the connection with 0x80', () => {
  const end = ClientEnd.scripted({ authentication: counting(2) })
  end.accept(ACCEPTED)
  end.client.reauthenticate()
  end.run()
  end.take()
  end.answer(auth(0x18, 'again'))
  assert.equal((end.take()[0] as { reasonCode: number }).reasonCode, 0x80)
  assert.deepEqual(end.ends, [['ERR_CLIENT_AUTHENTICATION', false]])
})
