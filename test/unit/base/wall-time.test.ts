import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WallTime } from '../../../src/base/wall-time.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

test('wall time goes on with what passes while the clock is behind, and never goes back', () => {
  const clock = new VirtualClock({ wallMs: 1_000_000 })
  const wallTime = new WallTime(clock, 5_000_000)
  assert.equal(wallTime.now(), 5_000_000)
  assert.equal(wallTime.behindMs, 4_000_000)
  clock.advance(500)
  assert.equal(wallTime.now(), 5_000_500)
  clock.setWall(6_000_000)
  assert.equal(wallTime.now(), 6_000_000)
  clock.setWall(5_500_000)
  clock.advance(1)
  assert.equal(wallTime.now(), 6_000_001)
})

test('wall time is the clock where that is not behind', () => {
  const clock = new VirtualClock({ wallMs: 1_000_000 })
  const wallTime = new WallTime(clock, 1)
  clock.advance(250)
  assert.deepEqual([wallTime.now(), wallTime.behindMs], [1_000_250, 0])
})
