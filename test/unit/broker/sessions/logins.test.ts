/**
 * Logins against a whole broker: guesses are slow, honest devices wait for their turn, and nobody locks anybody out.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerEvents } from '../../../../src/access/broker-events.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import type { AuthenticationAnswer, ConnectRequest, LoginCheck, Plugin } from '../../../../src/access/plugin.ts'
import { type ConnackPacket } from '../../../../src/codec/packets.ts'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../../src/codec/reason-code.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import type { TestClient } from '../../../support/test-client.ts'

const HOME = '192.0.2.1'
const AWAY = '198.51.100.9'

/** Lets in whoever has the password `right`; it takes time, of which the test's clock knows. */
class SlowJudge implements Plugin {
  readonly name = 'slow'
  readonly maxLoginChecks = 1
  readonly checkMs: number
  checks = 0
  broker: VirtualBroker | undefined

  constructor(checkMs = 10) {
    this.checkMs = checkMs
  }

  authenticate({ password }: ConnectRequest): LoginCheck {
    const isRight = Buffer.from(password ?? []).toString() === 'right'
    return { decision: 'check', check: () => this.#check(isRight) }
  }

  #check(isRight: boolean): Promise<AuthenticationAnswer> {
    this.checks++
    return new Promise((resolve) => {
      this.broker!.clock.setTimer(this.checkMs, () => resolve({ decision: isRight ? 'allow' : 'deny' }))
    })
  }
}

const judge: Plugin = {
  name: 'judge',
  authenticate: ({ password }) => ({ decision: Buffer.from(password ?? []).toString() === 'right' ? 'allow' : 'deny' }),
}

async function withSlowJudge(config: ConfigInput = {}, checkMs = 10) {
  const plugin = new SlowJudge(checkMs)
  const broker = await VirtualBroker.start({ auth: { plugins: [plugin] }, ...config })
  plugin.broker = broker
  /** Time passes in steps in which answers can come in. */
  const pass = async (milliseconds: number): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += checkMs) {
      broker.advance(checkMs)
      await new Promise(setImmediate)
      broker.clock.runTurns()
    }
  }
  return { broker, plugin, pass }
}

function logIn(
  broker: VirtualBroker,
  userName: string,
  password: string,
  address: string,
  version: 4 | 5 = 5,
): TestClient {
  const client = broker.open(version, { address })
  client.connect({ clientId: `${userName}@${address}`, userName, password })
  return client
}

/** What CONNACK said, now or before. */
function codeOf(client: TestClient): number | undefined {
  client.connack ??= client.takeFirst(PacketType.CONNACK) as ConnackPacket | undefined
  return client.connack?.reasonCode
}

test('300 honest devices at once, each with its own address: all get in, none is refused', async () => {
  const { broker, pass } = await withSlowJudge()
  const devices = Array.from({ length: 300 }, (_, n) =>
    logIn(broker, `device-${n}`, 'right', `10.0.${n >> 8}.${n & 255}`),
  )
  await pass(4000)
  assert.deepEqual(new Set(devices.map(codeOf)), new Set([0]))
  assert.equal(broker.broker.metrics.connectsRefused, 0)
  await broker.close()
})

test('300 honest devices at once behind one address: all get in, none is refused', async () => {
  const { broker, pass } = await withSlowJudge()
  const devices = Array.from({ length: 300 }, (_, n) => logIn(broker, `device-${n}`, 'right', HOME))
  await pass(4000)
  assert.deepEqual(new Set(devices.map(codeOf)), new Set([0]))
  assert.equal(broker.broker.metrics.connectsRefused, 0)
  await broker.close()
})

test('one address with wrong passwords keeps nobody out', async () => {
  const { broker, pass } = await withSlowJudge()
  for (let n = 0; n < 500; n++) logIn(broker, `guess-${n}`, 'wrong', AWAY)
  const honest = Array.from({ length: 15 }, (_, n) => logIn(broker, `user-${n}`, 'right', `192.0.2.${n}`))
  await pass(1000)
  assert.deepEqual(honest.map(codeOf), Array<number>(15).fill(0))
  await broker.close()
})

test('a guesser who hangs up at once gets no more guesses than one who waits', async () => {
  for (const hangsUp of [true, false]) {
    const { broker, plugin, pass } = await withSlowJudge()
    for (let round = 0; round < 600; round++) {
      for (let n = 0; n < 5; n++) {
        const guess = logIn(broker, `guess-${round}-${n}`, 'wrong', AWAY)
        if (hangsUp) broker.clock.setTimer(15, () => guess.drop())
      }
      await pass(10)
    }
    assert.ok(plugin.checks <= 16 + 4, `${plugin.checks} guesses in 6 s, hanging up: ${hangsUp}`)
    await broker.close()
  }
})

test('a guesser with an account of its own gains nothing by logging in between two guesses', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: [judge] } })
  let guesses = 0
  for (let round = 0; round < 100; round++) {
    assert.equal(codeOf(logIn(broker, 'mallory', 'right', AWAY)), 0)
    const guess = logIn(broker, 'ann', 'wrong', AWAY)
    if (codeOf(guess) !== undefined) guesses++
    guess.drop()
  }
  assert.equal(guesses, 3)
  await broker.close()
})

test('nobody can lock a user out: where it has logged in before, guesses from elsewhere do not slow it', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: [judge] } })
  logIn(broker, 'ann', 'right', HOME).drop()
  for (let n = 0; n < 200; n++) logIn(broker, 'ann', 'wrong', `203.0.113.${n}`)
  assert.equal(codeOf(logIn(broker, 'ann', 'right', HOME)), 0)
  const elsewhere = logIn(broker, 'ann', 'right', AWAY)
  assert.equal(codeOf(elsewhere), undefined, 'from a new address it waits')
  broker.advance(5000)
  assert.equal(codeOf(elsewhere), 0)
  await broker.close()
})

test('a site behind one address with one wrong device: those that have been here do not wait, others get in', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: [judge] } })
  logIn(broker, 'meter-1', 'right', HOME).drop()
  for (let n = 0; n < 20; n++) {
    logIn(broker, 'old-device', 'wrong', HOME).drop()
    broker.advance(1000)
  }
  assert.equal(codeOf(logIn(broker, 'meter-1', 'right', HOME)), 0)
  const fresh = logIn(broker, 'meter-2', 'right', HOME)
  broker.advance(5000)
  assert.equal(codeOf(fresh), 0)
  await broker.close()
})

test('penalty-exempt: a network whose wrong logins cost nothing', async () => {
  const auth = { plugins: [judge], 'penalty-exempt': ['192.0.2.0/24'] }
  const broker = await VirtualBroker.start({ auth })
  for (let n = 0; n < 50; n++) assert.equal(codeOf(logIn(broker, 'ann', 'wrong', HOME)), 0x86)
  assert.equal(broker.broker.metrics.loginsSlowed, 0)
  await broker.close()
})

test('IPv6: a guesser with a whole /64 is one guesser', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: [judge] } })
  for (let n = 0; n < 3; n++) logIn(broker, `user-${n}`, 'wrong', `2001:db8::${n}`)
  assert.equal(codeOf(logIn(broker, 'user-9', 'wrong', '2001:db8::ffff:9')), undefined)
  assert.equal(codeOf(logIn(broker, 'user-9', 'wrong', '2001:db8:0:1::9')), 0x86)
  await broker.close()
})

test('a connection that claims nothing is refused at once, and costs nobody time', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: [judge] } })
  for (let n = 0; n < 10; n++) assert.equal(broker.connect({ peer: { address: HOME } }).connack?.reasonCode, 0x86)
  assert.equal(codeOf(logIn(broker, 'ann', 'right', HOME)), 0)
  await broker.close()
})

test('guesses are counted and told: who, how many, how long', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: [judge] } })
  const told: BrokerEvents['loginPenalty'][] = []
  broker.broker.on('loginPenalty', (event) => told.push(event))
  for (let n = 0; n < 4; n++) logIn(broker, 'ann\u001b[2J', 'wrong', AWAY)
  broker.advance(250)
  const userName = 'ann\\u001b[2J'
  assert.deepEqual(told, [
    { network: AWAY, userName, wrongLogins: 3, delayMs: 250 },
    { network: AWAY, userName, wrongLogins: 4, delayMs: 500 },
  ])
  assert.deepEqual([broker.broker.metrics.loginsRefused, broker.broker.metrics.loginsSlowed], [4, 1])
  await broker.close()
})

test('login-timeout: a login that waits too long is answered 0x89, in 3.1.1 code 3', async () => {
  for (const [version, code] of [
    [5, ReasonCode.ServerBusy],
    [4, 3],
  ] as const) {
    const { broker, pass } = await withSlowJudge({ 'login-timeout': 2, 'plugin-timeout': 60 }, 5000)
    logIn(broker, 'slow', 'right', HOME)
    const waiting = logIn(broker, 'ann', 'right', AWAY, version)
    broker.advance(1999)
    assert.equal(codeOf(waiting), undefined)
    broker.advance(1)
    assert.equal(codeOf(waiting), code)
    assert.ok(waiting.isClosed)
    await pass(10_000)
    await broker.close()
  }
})

test('the time that a login waits is not the time that the plugin has for its answer', async () => {
  const { broker, pass } = await withSlowJudge({ 'plugin-timeout': 1 }, 500)
  const clients = Array.from({ length: 10 }, (_, n) => logIn(broker, `user-${n}`, 'right', `192.0.2.${n}`))
  await pass(6000)
  assert.deepEqual(new Set(clients.map(codeOf)), new Set([0]))
  await broker.close()
})

test('max-pending-logins: whoever has most of them is turned away, and nobody else', async () => {
  const { broker, pass } = await withSlowJudge({ 'max-pending-logins': 20 })
  const many = Array.from({ length: 40 }, (_, n) => logIn(broker, `device-${n}`, 'right', AWAY))
  assert.deepEqual(many.slice(20).map(codeOf), Array<number>(20).fill(ReasonCode.ServerBusy))
  const other = logIn(broker, 'ann', 'right', HOME)
  assert.equal(codeOf(other), undefined)
  assert.equal(many.slice(0, 20).filter(({ isClosed }) => isClosed).length, 1)
  await pass(500)
  assert.equal(codeOf(other), 0)
  assert.equal(broker.broker.metrics.connectsRefusedAtLimit, 21)
  await broker.close()
})

test('AUTH: guessing by re-authentication is as slow as by CONNECT', async () => {
  const exchange: Plugin = {
    name: 'exchange',
    authenticate: ({ authenticationMethod, authenticationData }) => {
      if (authenticationMethod === undefined) return undefined
      return {
        decision: Buffer.from(authenticationData ?? []).toString() === 'right' ? 'allow' : 'deny',
        userName: 'ann',
      }
    },
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [exchange] } })
  const properties = (data: string) => ({ authenticationMethod: 'X', authenticationData: Buffer.from(data) })
  const open = (): TestClient => {
    const client = broker.open(5, { address: AWAY })
    client.connect({ userName: 'ann', clientId: '', properties: properties('right') })
    return client
  }
  const clients = Array.from({ length: 6 }, open)
  for (const client of clients) {
    client.send({ type: PacketType.AUTH, reasonCode: 0x19, properties: properties('wrong') })
  }
  assert.deepEqual(
    clients.map(({ isClosed }) => isClosed),
    [true, true, true, false, false, false],
  )
  broker.advance(250)
  assert.equal(clients.filter(({ isClosed }) => isClosed).length, 4)
  broker.advance(60_000)
  assert.ok(clients.every(({ isClosed }) => isClosed))
  await broker.close()
})

test('an exchange names its user in the exchange: a name that is guessed so is slowed elsewhere', async () => {
  const exchange: Plugin = {
    name: 'exchange',
    authenticate: ({ exchangeState, authenticationMethod }) => {
      if (authenticationMethod === undefined) return undefined
      return exchangeState === undefined
        ? { decision: 'continue', userName: 'ann', exchangeState: 1 }
        : { decision: 'deny' }
    },
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [exchange] } })
  const properties = { authenticationMethod: 'X', authenticationData: Buffer.from('1') }
  const guess = (address: string): TestClient => {
    const client = broker.open(5, { address })
    client.connect({ properties })
    client.send({ type: PacketType.AUTH, reasonCode: 0x18, properties })
    return client
  }
  const guesses = [1, 2, 3, 4].map((n) => guess(`203.0.113.${n}`))
  assert.deepEqual(
    guesses.map(({ isClosed }) => isClosed),
    [true, true, true, false],
  )
  broker.advance(250)
  assert.ok(guesses[3]!.isClosed)
  await broker.close()
})

test('a wrong password and an unknown user: one code, in every version', async () => {
  const one: Plugin = {
    name: 'one',
    authenticate: ({ userName }) => (userName === 'ann' ? { decision: 'deny' } : undefined),
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [one] } })
  for (const [version, code] of [
    [5, ReasonCode.BadUserNameOrPassword],
    [4, 4],
    [3, 4],
  ] as const) {
    const codes = ['ann', 'nobody'].map(
      (userName, n) =>
        broker.connect({ version, userName, password: 'x', peer: { address: `192.0.2.${version}${n}` } }).connack
          ?.reasonCode,
    )
    assert.deepEqual(codes, [code, code])
  }
  assert.equal(broker.connect({ peer: { address: '192.0.2.99' } }).connack?.reasonCode, ReasonCode.NotAuthorized)
  await broker.close()
})
