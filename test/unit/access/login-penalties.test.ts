import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoginPenalties } from '../../../src/access/login-penalties.ts'
import { resolveOptions, type ConfigInput } from '../../../src/config/options.ts'

const makePenalties = (auth: NonNullable<ConfigInput['auth']> = {}): LoginPenalties =>
  new LoginPenalties(resolveOptions({ listeners: {}, auth }).auth)

const HOME = '192.0.2.1'
const AWAY = '198.51.100.9'

const debtorOf = (penalties: LoginPenalties, address: string, userName?: string) =>
  penalties.debtorOf(address, address, userName)!

function chargeMany(penalties: LoginPenalties, count: number, address = HOME, userName = 'ann', now = 0): number[] {
  return Array.from({ length: count }, () => penalties.charge(debtorOf(penalties, address, userName), now).delayMs)
}

test('each further wrong login in a row costs twice the time, up to five seconds', () => {
  assert.deepEqual(chargeMany(makePenalties(), 10), [0, 0, 250, 500, 1000, 2000, 4000, 5000, 5000, 5000])
})

test('max-login-delay-ms 0: wrong logins cost no time', () => {
  assert.deepEqual(chargeMany(makePenalties({ 'max-login-delay-ms': 0 }), 5), [0, 0, 0, 0, 0])
})

test('the time runs from the last wrong login; ten quiet minutes forgive all', () => {
  const penalties = makePenalties()
  const ann = debtorOf(penalties, HOME, 'ann')
  chargeMany(penalties, 4)
  assert.equal(penalties.accountDelayMs(ann.account, 100), 400)
  assert.equal(penalties.accountDelayMs(ann.account, 500), 0)
  assert.ok(penalties.isSuspect(ann.account, 599_999))
  assert.ok(!penalties.isSuspect(ann.account, 600_000))
  assert.equal(chargeMany(penalties, 1, HOME, 'ann', 600_000)[0], 0)
})

test('a name that is guessed from anywhere is slowed from everywhere, but not where its user has logged in', () => {
  const penalties = makePenalties()
  penalties.remember(debtorOf(penalties, HOME, 'ann'))
  for (let n = 0; n < 5; n++) penalties.charge(debtorOf(penalties, `203.0.113.${n}`, 'ann'), 0)
  const [fromHome, fromAway, other] = [
    debtorOf(penalties, HOME, 'ann'),
    debtorOf(penalties, AWAY, 'ann'),
    debtorOf(penalties, AWAY, 'bob'),
  ]
  assert.deepEqual([penalties.nameDelayMs(fromHome, 0), penalties.accountDelayMs(fromHome.account, 0)], [0, 0])
  assert.equal(penalties.nameDelayMs(fromAway, 0), 1000)
  assert.equal(penalties.nameDelayMs(other, 0), 0)
})

test('wrong logins of others behind one address do not slow a user who has logged in from it', () => {
  const penalties = makePenalties()
  penalties.remember(debtorOf(penalties, HOME, 'ann'))
  chargeMany(penalties, 8, HOME, 'old-device')
  assert.equal(penalties.accountDelayMs(debtorOf(penalties, HOME, 'ann').account, 0), 0)
  assert.equal(penalties.accountDelayMs(debtorOf(penalties, HOME, 'bob').account, 0), 5000)
})

test('a user whose password is guessed from the address that it uses is slowed there, and nobody else is', () => {
  const penalties = makePenalties()
  penalties.remember(debtorOf(penalties, HOME, 'ann'))
  chargeMany(penalties, 8, HOME, 'ann')
  assert.equal(penalties.accountDelayMs(debtorOf(penalties, HOME, 'ann').account, 0), 5000)
  assert.equal(penalties.accountDelayMs(debtorOf(penalties, HOME, 'bob').account, 0), 0)
  assert.equal(penalties.nameDelayMs(debtorOf(penalties, AWAY, 'ann'), 0), 0)
})

test('a login that succeeds forgives no wrong one', () => {
  const penalties = makePenalties()
  chargeMany(penalties, 8, HOME, 'ann')
  penalties.remember(debtorOf(penalties, HOME, 'mallory'))
  assert.equal(penalties.accountDelayMs(debtorOf(penalties, HOME, 'ann').account, 0), 5000)
})

test('no user name is no name that could be guessed: tokens of some devices do not slow others elsewhere', () => {
  const penalties = makePenalties()
  for (let n = 0; n < 5; n++) penalties.charge(debtorOf(penalties, AWAY), 0)
  assert.equal(penalties.nameDelayMs(debtorOf(penalties, HOME), 0), 0)
})

test('penalty-exempt: networks of both families, IPv4 in any form', () => {
  const penalties = makePenalties({ 'penalty-exempt': ['10.0.0.0/8', '2001:db8::/32'] })
  const isExempt = (address: string) => penalties.debtorOf(address, address, 'ann') === undefined
  assert.deepEqual(['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::7', '11.0.0.1', ''].map(isExempt), [
    true,
    true,
    true,
    false,
    false,
  ])
})

test('long names are told apart, and kept as a hash', () => {
  const penalties = makePenalties()
  const [one, other] = [`${'x'.repeat(60_000)}1`, `${'x'.repeat(60_000)}2`]
  chargeMany(penalties, 5, AWAY, one)
  assert.equal(penalties.nameDelayMs(debtorOf(penalties, HOME, one), 0), 1000)
  assert.equal(penalties.nameDelayMs(debtorOf(penalties, HOME, other), 0), 0)
  assert.ok(debtorOf(penalties, HOME, one).known.length < 100)
  assert.notEqual(debtorOf(penalties, HOME, '').known, debtorOf(penalties, HOME).known, 'an empty name is a name')
})

test('the tables are bounded: what was used the longest ago is forgotten, and counted', () => {
  const penalties = makePenalties({ 'max-delayed-addresses': 10, 'max-delayed-names': 20, 'max-known-logins': 30 })
  for (let n = 0; n < 100; n++) {
    chargeMany(penalties, 3, `host-${n}`, `user-${n}`)
    penalties.remember(debtorOf(penalties, `host-${n}`, `known-${n}`))
  }
  assert.deepEqual(penalties.forgotten, { addresses: 90, names: 80, logins: 70 })
  assert.ok(penalties.isSuspect('host-90', 0) && !penalties.isSuspect('host-89', 0))
})
