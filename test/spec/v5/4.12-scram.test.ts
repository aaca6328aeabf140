import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type AuthPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import { deriveScramCredentials, formatScramCredentials } from '../../../src/plugins/scram-credentials.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { assertEnded } from './stage.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

const { AUTH } = PacketType
const METHOD = 'SCRAM-SHA-256'
const FIRST = 'n=user,r=nonce'

const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()

const properties = (text: string): Properties => ({
  authenticationMethod: METHOD,
  authenticationData: Buffer.from(text),
})

async function start(t: TestContext): Promise<VirtualBroker> {
  const folder = scratchFolder()
  const file = join(folder, 'users')
  const credentials = deriveScramCredentials('pencil', Buffer.from('0123456789abcdef'), 4096)
  await writeFile(file, `user:${formatScramCredentials(credentials)}\n`)
  const broker = await VirtualBroker.start({ auth: { scram: { file } } })
  t.after(() => broker.close())
  return broker
}

/** The Client's last message, and what the Server has to prove in return (RFC 5802 §3). */
function finish(challenge: AuthPacket, password: string): { message: string; verifier: string } {
  const serverFirst = Buffer.from(challenge.properties.authenticationData!).toString()
  const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst)!
  const salted = pbkdf2Sync(password, Buffer.from(salt!, 'base64'), Number(iterations), 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  const authMessage = `${FIRST},${serverFirst},c=biws,r=${nonce}`
  const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage)
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!)).toString('base64')
  const verifier = `v=${hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')}`
  return { message: `c=biws,r=${nonce},p=${proof}`, verifier }
}

/** The Server's challenge, the one packet that came. */
function challengeOf(client: TestClient): AuthPacket {
  const [challenge, ...others] = client.take()
  assert.ok(challenge?.type === AUTH)
  assert.deepEqual([challenge.reasonCode, challenge.properties.authenticationMethod, others], [0x18, METHOD, []])
  return challenge
}

function logIn(broker: VirtualBroker, password: string): { client: TestClient; verifier: string } {
  const client = broker.open()
  client.connect({ clientId: 'a', properties: properties(`n,,${FIRST}`) })
  const { message, verifier } = finish(challengeOf(client), password)
  client.send({ type: AUTH, reasonCode: 0x18, properties: properties(message) })
  return { client, verifier }
}

test('SCRAM-SHA-256: challenge by AUTH 0x18, and a CONNACK with the same method and the proof [5.0 MQTT-4.12.0-2, MQTT-4.12.0-5] [U-4.12-3]', async (t) => {
  const { client, verifier } = logIn(await start(t), 'pencil')
  const [connack] = client.take()
  assert.ok(connack?.type === PacketType.CONNACK)
  assert.deepEqual([connack.reasonCode, connack.properties.authenticationMethod], [0x00, METHOD])
  assert.equal(Buffer.from(connack.properties.authenticationData!).toString(), verifier)
})

test('SCRAM-SHA-256: a wrong password is refused by CONNACK 0x86 and the close [5.0 MQTT-4.12.0-4]', async (t) => {
  const broker = await start(t)
  const { client } = logIn(broker, 'hammer')
  broker.advance(60_000)
  const [connack, ...others] = client.take()
  assert.ok(connack?.type === PacketType.CONNACK)
  assert.deepEqual([connack.reasonCode, connack.properties.authenticationData, others], [0x86, undefined, []])
  assert.equal(client.isClosed, true)
})

test('SCRAM-SHA-256 again: AUTH 0x19, 0x18, 0x18, 0x00; with a wrong password DISCONNECT 0x87 [5.0 MQTT-4.12.1-2] [U-4.12.1-1]', async (t) => {
  const { client } = logIn(await start(t), 'pencil')
  client.take()
  for (const password of ['pencil', 'hammer']) {
    client.send({ type: AUTH, reasonCode: 0x19, properties: properties(`n,,${FIRST}`) })
    const { message, verifier } = finish(challengeOf(client), password)
    client.send({ type: AUTH, reasonCode: 0x18, properties: properties(message) })
    if (password === 'hammer') break
    const [done] = client.take()
    assert.ok(done?.type === AUTH)
    assert.equal(done.reasonCode, 0x00)
    assert.equal(Buffer.from(done.properties.authenticationData!).toString(), verifier)
  }
  assertEnded(client, 0x87)
})
