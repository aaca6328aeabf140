import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainNetwork } from '../../../../src/access/address.ts'
import { banName, Bans } from '../../../../src/access/directory/bans.ts'
import type { BanEntry, BanKind } from '../../../../src/access/directory/entries.ts'

let nowMs = 0
function withBans(...list: readonly (readonly [BanKind, string, number?])[]): Bans {
  const bans = new Bans(() => nowMs)
  for (const [kind, value, untilMs] of list) bans.set(banName(kind, value), banOf(kind, value, untilMs))
  return bans
}

function banOf(kind: BanKind, value: string, untilMs: number | undefined): BanEntry {
  return { kind, value, reason: 'r', createdAtMs: 0, untilMs }
}

test('a client identifier, an address, and every address of a network', () => {
  const bans = withBans(
    ['client-id', 'x'],
    ['address', '2001:db8::1'],
    ['network', '10.0.0.0/8'],
    ['network', '2001:db8:1::/48'],
  )
  const banned = (clientId: string, address: string): boolean => bans.ofOrigin({ clientId, address }) !== undefined
  assert.equal(banned('x', '192.0.2.1'), true)
  assert.equal(banned('', '192.0.2.1'), false)
  assert.equal(banned('y', '2001:db8:0::1'), true)
  assert.equal(banned('y', '2001:db8::2'), false)
  assert.equal(banned('y', '10.255.0.1'), true)
  assert.equal(banned('y', '::ffff:10.1.2.3'), true)
  assert.equal(banned('y', '11.0.0.1'), false)
  assert.equal(banned('y', '2001:db8:1:ffff::1'), true)
  assert.equal(banned('y', '2001:db8:2::1'), false)
  assert.equal(banned('y', ''), false, 'a Unix domain socket has no address')
})

test('everybody, or half of the addresses: networks of any length', () => {
  for (let bits = 0; bits <= 32; bits++) {
    const network = plainNetwork(`203.0.113.255/${bits}`)!
    assert.equal(withBans(['network', network]).ofOrigin({ address: '203.0.113.255' }) !== undefined, true, network)
    const other = bits === 0 ? undefined : plainNetwork(`76.0.113.255/${bits}`)!
    if (other !== undefined)
      assert.equal(withBans(['network', other]).ofOrigin({ address: '203.0.113.255' }), undefined)
  }
  for (let bits = 0; bits <= 128; bits++) {
    const network = plainNetwork(`2001:db8:1:2:3:4:5:6/${bits}`)!
    assert.equal(
      withBans(['network', network]).ofOrigin({ address: '2001:db8:1:2:3:4:5:6' }) !== undefined,
      true,
      network,
    )
  }
  assert.deepEqual(
    ['10.1.2.3/8', '1.2.3.4/33', '::1/129', '1.2.3/8', 'x', '1.2.3.4', '2001:db8::1/33'].map(plainNetwork),
    ['10.0.0.0/8', ...[undefined, undefined, undefined, undefined, undefined], '2001:db8::/33'],
  )
})

test('a ban ends at its end, and one that is replaced or removed holds no longer', () => {
  const bans = withBans(['user', 'ann', 1000], ['network', '10.0.0.0/8', 2000], ['network', '10.0.0.0/16'])
  nowMs = 999
  assert.equal(bans.ofUser('ann')?.reason, 'r')
  nowMs = 1000
  assert.equal(bans.ofUser('ann'), undefined)
  assert.deepEqual(bans.over(), ['user:ann'])
  bans.set('network:10.0.0.0/16', undefined)
  assert.equal(bans.ofOrigin({ address: '10.0.0.1' })?.value, '10.0.0.0/8')
  nowMs = 2000
  assert.equal(bans.ofOrigin({ address: '10.0.0.1' }), undefined)
  bans.set('network:10.0.0.0/8', banOf('network', '10.0.0.0/8', undefined))
  assert.equal(bans.ofOrigin({ address: '10.0.0.1' })?.value, '10.0.0.0/8')
  bans.set('network:10.0.0.0/8', undefined)
  bans.set('user:ann', undefined)
  assert.equal(bans.ofOrigin({ address: '10.0.0.1' }), undefined)
  assert.equal(bans.isEmpty, true)
})
