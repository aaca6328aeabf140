import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressList } from '../../../src/access/address.ts'
import { forwardedAddress } from '../../../src/listeners/forwarded-for.ts'

const isTrusted = addressList(['10.0.0.0/8', '2001:db8::/32'])

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
