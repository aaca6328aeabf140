import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forwardedAddress, plainAddress, trustList } from '../../../src/listeners/address.ts'

for (const [address, expected] of [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:C000:0207', '192.0.2.7'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['::1', '::1'],
  ['', undefined],
  ['localhost', undefined],
  ['192.0.2', undefined],
] as const) {
  test(`plainAddress ${address}: ${expected}`, () => assert.equal(plainAddress(address), expected))
}

test('trustList: addresses and networks of both families', () => {
  const isTrusted = trustList(['192.0.2.1', '10.0.0.0/8', '2001:db8::/32', '::1'])
  for (const address of ['192.0.2.1', '10.255.0.1', '2001:db8:1::2', '::1']) assert.ok(isTrusted(address), address)
  for (const address of ['192.0.2.2', '11.0.0.1', '2001:db9::1', '::2', '', 'x'])
    assert.ok(!isTrusted(address), address)
})

const isTrusted = trustList(['10.0.0.0/8', '2001:db8::/32'])

for (const [name, peer, header, expected] of [
  ['from a stranger it is not believed', '198.51.100.1', '203.0.113.9', '198.51.100.1'],
  ['from a trusted proxy it is', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['through two trusted proxies', '10.0.0.1', '203.0.113.9, 10.0.0.2', '203.0.113.9'],
  ['what a stranger put before the first trusted entry is not', '10.0.0.1', '192.0.2.1, 203.0.113.9', '203.0.113.9'],
  ['all are trusted: the first', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['with a port', '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
  ['IPv6 with brackets and port', '2001:db8::1', '[2001:DB9:0::1]:4711', '2001:db9::1'],
  ['nonsense stops it', '10.0.0.1', '203.0.113.9, unknown', '10.0.0.1'],
  ['empty', '10.0.0.1', '', '10.0.0.1'],
] as const) {
  test(`X-Forwarded-For: ${name}`, () => assert.equal(forwardedAddress(peer, header, isTrusted), expected))
}
