import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoginThrottle } from '../../../src/broker/login-throttle.ts'
import { resolveOptions } from '../../../src/broker/options.ts'

const makeThrottle = (): LoginThrottle => new LoginThrottle(resolveOptions().auth)

const refusals = (throttle: LoginThrottle, count: number, address = '192.0.2.1', now = 0): number[] =>
  Array.from({ length: count }, () => throttle.refused(address, now))

test('wrong log-ins from one address are told later and later, up to ten seconds', () => {
  const throttle = makeThrottle()
  assert.deepEqual(refusals(throttle, 11), [0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000])
  assert.equal(throttle.size, 1)
})

test('addresses do not slow each other; a right log-in or ten quiet minutes start over', () => {
  const throttle = makeThrottle()
  refusals(throttle, 5)
  assert.equal(throttle.refused('192.0.2.2', 0), 0)
  throttle.accepted('192.0.2.1')
  assert.equal(throttle.refused('192.0.2.1', 0), 0)
  refusals(throttle, 5)
  assert.equal(throttle.refused('192.0.2.1', 600_000), 0)
})

test('IPv6 addresses of one /64 count as one, those of two do not', () => {
  const throttle = makeThrottle()
  refusals(throttle, 3, '2001:db8::1')
  assert.equal(throttle.refused('2001:db8:0:0:ffff::2', 0), 250)
  assert.equal(throttle.refused('2001:db8:0:1::1', 0), 0)
  assert.equal(throttle.refused('::1', 0), 0)
  assert.equal(throttle.refused('::ffff:192.0.2.9', 0), 0)
})

test('the table is bounded: the oldest address goes first, and that is counted', () => {
  const throttle = makeThrottle()
  refusals(throttle, 5)
  for (let n = 0; n < 10_000; n++) throttle.refused(`host-${n}`, 1)
  assert.equal(throttle.size, 10_000)
  assert.equal(throttle.forgottenCount, 1)
  assert.equal(throttle.refused('192.0.2.1', 1), 0)
})

test('what is long ago leaves the table by itself', () => {
  const throttle = makeThrottle()
  for (let n = 0; n < 50; n++) throttle.refused(`host-${n}`, 0)
  throttle.refused('new', 600_000)
  assert.deepEqual([throttle.size, throttle.forgottenCount], [1, 0])
})
