import assert from 'node:assert/strict'
import type { ConnectRequest, Plugin } from '../../../src/access/plugin.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { ACCEPTED, assertCloses, everyone, scene, takeHex } from './scene.ts'

/** Lets everybody in and keeps what they said. */
class Clerk implements Plugin {
  readonly name = 'clerk'
  last: ConnectRequest | undefined

  authenticate(request: ConnectRequest) {
    this.last = request
    return { decision: 'allow' } as const
  }

  get claims(): (string | undefined)[] {
    const { userName, password } = this.last!
    return [userName, password && Buffer.from(password).toString()]
  }
}

const ANYBODY = { auth: { plugins: [everyone] } }

scene(
  'User Name Flag 0: a user name in the payload is a surplus, and ends the Connection [3.1.1 MQTT-3.1.2-18]',
  (stage) => {
    assertCloses(stage.broker.open(4), '10 * "MQTT" 04 02 0000 "id" "user"')
    assertCloses(stage.broker.open(4), '10 * "MQTT" 04 06 0000 "id" "will" 0000 "user"')
    assert.equal(stage.hasSession('id'), false)
    assert.equal(takeHex(stage.raw('10 * "MQTT" 04 02 0000 "id"')), ACCEPTED)
  },
  ANYBODY,
)

const clerk = new Clerk()
const WITH_CLERK = { auth: { plugins: [clerk] } }

scene(
  'User Name Flag 0 and Password Flag 0: who asks is told of neither [3.1.1 MQTT-3.1.2-18, MQTT-3.1.2-20]',
  (stage) => {
    assert.equal(takeHex(stage.raw('10 * "MQTT" 04 02 0000 "id"')), ACCEPTED)
    assert.deepEqual(clerk.claims, [undefined, undefined])
  },
  WITH_CLERK,
)

scene(
  'User Name Flag 1: the payload has one, and without it the Connection ends [3.1.1 MQTT-3.1.2-19]',
  (stage) => {
    assertCloses(stage.broker.open(4), '10 * "MQTT" 04 82 0000 "id"')
    assertCloses(stage.broker.open(4), '10 * "MQTT" 04 82 0000 "id" 0004 75')
    assert.equal(takeHex(stage.raw('10 * "MQTT" 04 82 0000 "id" "user"')), ACCEPTED)
    assert.deepEqual(clerk.claims, ['user', undefined])
    assert.equal(takeHex(stage.raw('10 * "MQTT" 04 82 0000 "id2" ""')), ACCEPTED)
    assert.deepEqual(clerk.claims, ['', undefined], 'an empty User Name is one')
  },
  WITH_CLERK,
)

scene(
  'Password Flag 0: a password in the payload is a surplus, and ends the Connection [3.1.1 MQTT-3.1.2-20]',
  (stage) => {
    assertCloses(stage.broker.open(4), '10 * "MQTT" 04 82 0000 "id" "user" "word"')
    assertCloses(stage.broker.open(4), '10 * "MQTT" 04 82 0000 "id" "user" 00')
    assert.equal(stage.hasSession('id'), false)
  },
  ANYBODY,
)

scene(
  'Password Flag 1: the payload has one, and without it the Connection ends [3.1.1 MQTT-3.1.2-21]',
  (stage) => {
    assertCloses(stage.broker.open(4), '10 * "MQTT" 04 c2 0000 "id" "user"')
    assertCloses(stage.broker.open(4), '10 * "MQTT" 04 c2 0000 "id" "user" 0003 6162')
    assert.equal(takeHex(stage.raw('10 * "MQTT" 04 c2 0000 "id" "user" "word"')), ACCEPTED)
    assert.deepEqual(clerk.claims, ['user', 'word'])
  },
  WITH_CLERK,
)

scene(
  'A password without a user name is refused by a close [3.1.1 MQTT-3.1.2-22]',
  (stage) => {
    assertCloses(stage.broker.open(4), '10 * "MQTT" 04 42 0000 "id" "word"')
    assert.equal(stage.hasSession('id'), false)
  },
  ANYBODY,
)

function refusing(reasonCode: ReasonCode | undefined): Plugin {
  const answer = { decision: 'deny', ...(reasonCode !== undefined && { reasonCode }) } as const
  return { name: 'refusing', authenticate: () => answer }
}

for (const [what, reasonCode, said] of [
  ['bad user name or password', undefined, '20020004'],
  ['not authorized', ReasonCode.NotAuthorized, '20020005'],
  ['banned', ReasonCode.Banned, '20020005'],
  ['the Server is unavailable', ReasonCode.ServerUnavailable, '20020003'],
  ['the Server is busy', ReasonCode.ServerBusy, '20020003'],
  ['the identifier is rejected', ReasonCode.ClientIdentifierNotValid, '20020002'],
] as const) {
  scene(
    `A log-in that fails, ${what}: CONNACK ${said.slice(4)}, then the close [U311-3.1.4-2, U311-3.2.2.3-1] [3.1.1 MQTT-3.2.2-5]`,
    (stage) => {
      const client = stage.raw('10 * "MQTT" 04 c2 0000 "id" "user" "word"')
      assert.deepEqual([takeHex(client), client.isClosed, stage.hasSession('id')], [said, true, false])
    },
    { auth: { plugins: [refusing(reasonCode)] } },
  )
}

scene(
  'Where no code from 0x01 to 0x05 fits, the close is all [3.1.1 MQTT-3.2.2-6]',
  (stage) => {
    assertCloses(stage.broker.open(4), '10 * "MQTT" 04 c2 0000 "id" "user" "word"')
    assert.equal(stage.hasSession('id'), false)
  },
  { auth: { plugins: [refusing(ReasonCode.ImplementationSpecificError)] } },
)

scene(
  'Above a limit of Connections CONNECT gets 0x03 and the close [U311-3.1.4-2, U311-3.2.2.3-1]',
  (stage) => {
    const first = stage.client('first')
    const second = stage.raw('10 * "MQTT" 04 02 0000 "second"')
    assert.deepEqual([takeHex(second), second.isClosed, first.isClosed], ['20020003', true, false])
  },
  { 'max-connections': 1 },
)
