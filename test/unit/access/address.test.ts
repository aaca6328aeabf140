import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressList, networkOf, plainAddress } from '../../../src/access/address.ts'
import fc from '../../support/property.ts'

for (const [address, expected] of [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:C000:0207', '192.0.2.7'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['::1', '::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['', undefined],
  ['localhost', undefined],
  ['192.0.2', undefined],
] as const) {
  test(`plainAddress ${address}: ${expected}`, () => assert.equal(plainAddress(address), expected))
}

test('addressList: addresses and networks of both families', () => {
  const isListed = addressList(['192.0.2.1', '10.0.0.0/8', '2001:db8::/32', '::1'])
  for (const address of ['192.0.2.1', '10.255.0.1', '2001:db8:1::2', '::1']) assert.ok(isListed(address), address)
  for (const address of ['192.0.2.2', '11.0.0.1', '2001:db9::1', '::2', '', 'x']) assert.ok(!isListed(address), address)
})

test('addressList: IPv4 in its IPv6 clothes and a zone make no difference; an empty list has nobody', () => {
  const isListed = addressList(['10.0.0.0/8', 'fe80::/10'])
  assert.deepEqual(['::ffff:10.0.0.1', 'fe80::1%eth0', '::ffff:11.0.0.1'].map(isListed), [true, true, false])
  assert.equal(addressList([])('10.0.0.1'), false)
})

for (const [address, length, expected] of [
  ['192.0.2.7', 64, '192.0.2.7'],
  ['::ffff:192.0.2.7', 64, '192.0.2.7'],
  ['::ffff:c000:207', 48, '192.0.2.7'],
  ['64:ff9b::192.0.2.7', 64, '192.0.2.7'],
  ['2001:db8::1', 64, '2001:db8:0:0::/64'],
  ['2001:DB8:0:0:ffff::2', 64, '2001:db8:0:0::/64'],
  ['2001:db8:0:1::1', 64, '2001:db8:0:1::/64'],
  ['2001:db8:12ff::1', 40, '2001:db8:1200::/40'],
  ['2001:db8::1', 128, '2001:db8:0:0:0:0:0:1/128'],
  ['8000::1', 1, '8000::/1'],
  ['fe80::1%eth0', 64, 'fe80:0:0:0::/64'],
  ['fe80::2%eth1', 64, 'fe80:0:0:0::/64'],
  ['::1.2.3.4', 128, '0:0:0:0:0:0:102:304/128'],
  ['::', 64, '0:0:0:0::/64'],
  ['', 64, ''],
  ['pipe:7', 64, 'pipe:7'],
] as const) {
  test(`networkOf ${address} by ${length} bits: ${expected}`, () => assert.equal(networkOf(address, length), expected))
}

test('networkOf: two IPv6 addresses are of one network where their first bits are the same, and only there', () => {
  const write = (value: bigint): string => value.toString(16).padStart(32, '0').match(/.{4}/g)!.join(':')
  const arbitraryAddress = fc.bigInt({ min: 1n << 125n, max: (1n << 128n) - 1n })
  fc.assert(
    fc.property(arbitraryAddress, arbitraryAddress, fc.integer({ min: 1, max: 128 }), (one, other, length) => {
      const spare = BigInt(128 - length)
      const near = ((one >> spare) << spare) | (other & ((1n << spare) - 1n))
      assert.equal(networkOf(write(near), length), networkOf(write(one), length))
      assert.equal(networkOf(write(other), length) === networkOf(write(one), length), other >> spare === one >> spare)
    }),
  )
})
