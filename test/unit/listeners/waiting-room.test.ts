import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { Clock } from '../../../src/base/clock.ts'
import { realClock } from '../../../src/turn/clock.ts'
import { resolveOptions } from '../../../src/config/options.ts'
import { WaitingRoom, type LostCause, type Stay } from '../../../src/listeners/waiting-room.ts'
import { ManualClock } from '../plugins/support.ts'
import { listenerOptions, RecordingHost } from './recording-host.ts'

function open(maxHandshakes: number, connectTimeout = 60, clock: Clock = realClock) {
  const host = new RecordingHost(clock)
  const counters = {
    failedHandshakes: 0,
    refusedProxyHeaders: 0,
    refusedUpgrades: 0,
    refusedWaiting: 0,
    failedOpens: 0,
  }
  const room = new WaitingRoom(listenerOptions({ maxHandshakes, connectTimeout }), host, counters)
  const lost: [stream: PassThrough, cause: LostCause][] = []
  const enter = (address: string, speaksForOthers = false): { stream: PassThrough; stay: Stay | undefined } => {
    const stream = new PassThrough()
    return { stream, stay: room.enter(stream, address, speaksForOthers, (cause) => lost.push([stream, cause])) }
  }
  return { host, counters, room, lost, enter }
}

const [ALICE, MALLORY] = ['192.0.2.1', '198.51.100.9']

test('a full room: the oldest of the address that has most gives way, counted, and logged once', () => {
  const { host, counters, room, lost, enter } = open(3)
  const [alice, first, second] = [enter(ALICE), enter(MALLORY), enter(MALLORY)]
  const [third, fourth] = [enter(MALLORY), enter(MALLORY)]
  assert.deepEqual(
    [alice, first, second, third, fourth].map(({ stream }) => stream.destroyed),
    [false, true, true, false, false],
  )
  assert.deepEqual(lost, [
    [first.stream, 'gave way'],
    [second.stream, 'gave way'],
  ])
  assert.equal(counters.refusedWaiting, 2)
  assert.deepEqual(
    host.lines.map(({ level, fields }) => [level, fields['limit']]),
    [['warn', 3]],
  )
  assert.equal(host.lobby.size, 3, 'who gave way is counted no more')
  room.close()
  assert.deepEqual([host.lobby.size, host.lobby.networkCount], [0, 0])
})

test('IPv6 addresses of one /64 are one holder, however many there are', () => {
  const { room, enter } = open(4)
  const alice = [enter('2001:db8:1::1'), enter('2001:db8:2::1')]
  const mallory = Array.from({ length: 20 }, (_, n) => enter(`2001:db8:666::${n}`))
  assert.ok(alice.every(({ stream }) => !stream.destroyed))
  assert.equal(mallory.filter(({ stream }) => !stream.destroyed).length, 2)
  room.close()
})

test('what leaves or closes makes room', async () => {
  const { host, room, enter } = open(1)
  const first = enter(ALICE)
  room.leave(first.stay!)!.leave()
  const second = enter(MALLORY)
  second.stream.destroy(new Error('reset'))
  await new Promise((resolve) => second.stream.once('close', resolve))
  assert.equal(host.lobby.size, 0)
  const third = enter(ALICE)
  room.close()
  assert.ok(third.stream.destroyed)
  assert.ok(!first.stream.destroyed, 'what has left is not the room’s to close')
  assert.equal(room.leave(third.stay!), undefined)
})

test('one deadline for all that comes before MQTT', () => {
  const clock = new ManualClock()
  const { host, room, lost, enter } = open(2, 1, clock)
  const [late, gone] = [enter(ALICE, true), enter(ALICE)]
  room.leave(gone.stay!)
  clock.advance(500)
  assert.ok(room.comesFrom(late.stay!, MALLORY))
  clock.advance(499)
  assert.ok(!late.stream.destroyed)
  clock.advance(1)
  assert.deepEqual(lost, [[late.stream, 'late']])
  assert.ok(late.stream.destroyed)
  assert.equal(host.lobby.size, 1, 'the one that has left is its new owner’s to count')
})

test('max-connections-per-address holds from accept() on; a proxy has no limit until it says for whom it speaks', () => {
  const { host, room, enter } = open(100)
  host.limits = resolveOptions({ listeners: {}, 'max-connections-per-address': 2 })
  const direct = [enter(ALICE), enter(ALICE), enter(ALICE)]
  assert.deepEqual(
    direct.map(({ stay }) => stay !== undefined),
    [true, true, false],
  )
  assert.ok(direct[2]!.stream.destroyed)
  const proxied = Array.from({ length: 5 }, () => enter('10.0.0.1', true))
  assert.ok(proxied.every(({ stay }) => stay !== undefined))
  assert.deepEqual(
    [MALLORY, MALLORY, MALLORY, ALICE, '192.0.2.7'].map((address, n) => room.comesFrom(proxied[n]!.stay!, address)),
    [true, true, false, false, true],
  )
  assert.deepEqual(
    proxied.map(({ stream }) => stream.destroyed),
    [false, false, true, true, false],
  )
  room.close()
  assert.deepEqual([host.lobby.size, host.lobby.networkCount], [0, 0])
})

test('behind a proxy it is the announced address that gives way, not whoever else comes through the proxy', () => {
  const { room, enter } = open(3)
  const come = (address: string) => {
    const { stream, stay } = enter('10.0.0.1', true)
    room.comesFrom(stay!, address)
    return stream
  }
  const streams = [ALICE, MALLORY, MALLORY, MALLORY, MALLORY].map(come)
  assert.deepEqual(
    streams.map(({ destroyed }) => destroyed),
    [false, true, true, false, false],
  )
  room.close()
})
