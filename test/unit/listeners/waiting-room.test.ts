import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { WaitingRoom } from '../../../src/listeners/waiting-room.ts'
import { RecordingHost } from './recording-host.ts'

function open(limit: number) {
  const host = new RecordingHost()
  const counters = { failedHandshakes: 0, refusedProxyHeaders: 0, refusedUpgrades: 0, refusedWaiting: 0 }
  return { host, counters, room: new WaitingRoom('test', host, counters, limit) }
}

const LONG_MS = 60_000
const never = () => assert.fail('the deadline is far away')

test('who finds no room is closed and counted; the log says so once', () => {
  const { host, counters, room } = open(2)
  const streams = Array.from({ length: 4 }, () => new PassThrough())
  assert.deepEqual(
    streams.map((stream) => room.enter(stream, LONG_MS, never)),
    [true, true, false, false],
  )
  assert.deepEqual(
    streams.map(({ destroyed }) => destroyed),
    [false, false, true, true],
  )
  assert.equal(counters.refusedWaiting, 2)
  assert.deepEqual(
    host.lines.map(({ level, fields }) => [level, fields['limit']]),
    [['warn', 2]],
  )
  room.close()
})

test('who leaves or closes makes room', async () => {
  const { room } = open(1)
  const [first, second, third] = [new PassThrough(), new PassThrough(), new PassThrough()]
  room.enter(first, LONG_MS, never)
  room.leave(first)
  assert.ok(room.enter(second, LONG_MS, never))
  second.destroy(new Error('reset'))
  await new Promise((resolve) => second.once('close', resolve))
  assert.ok(room.enter(third, LONG_MS, never))
  room.close()
  assert.ok(third.destroyed)
  assert.ok(!first.destroyed, 'who left is nobody of ours')
})

test('who stays too long is closed, and is told of first', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const { room } = open(2)
  const [late, gone] = [new PassThrough(), new PassThrough()]
  const told: string[] = []
  room.enter(late, 1000, () => told.push(`late, destroyed: ${late.destroyed}`))
  room.enter(gone, 1000, never)
  room.leave(gone)
  context.mock.timers.tick(999)
  assert.ok(!late.destroyed)
  context.mock.timers.tick(1)
  assert.deepEqual(told, ['late, destroyed: false'])
  assert.ok(late.destroyed)
})
