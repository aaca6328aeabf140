/** Which connection to the HTTP API is closed when there are too many. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionRoom } from '../../../../src/admin/http/connection-room.ts'

function roomOf(maxConnections: number): ConnectionRoom<string> {
  const room = new ConnectionRoom<string>()
  room.maxConnections = maxConnections
  return room
}

test('a network with many waiting connections displaces only its own, the oldest first', () => {
  const room = roomOf(3)
  assert.equal(room.enter('balancer', 'b'), undefined)
  assert.equal(room.enter('greedy 1', 'g'), undefined)
  assert.equal(room.enter('greedy 2', 'g'), undefined)
  assert.equal(room.enter('greedy 3', 'g'), 'greedy 1')
  assert.equal(room.enter('operator', 'o'), 'greedy 2')
  assert.deepEqual([...room.connections], ['balancer', 'greedy 3', 'operator'])
})

test('a connection whose request is under way does not give way; it may again once it has its answer', () => {
  const room = roomOf(2)
  for (const name of ['one', 'two']) {
    room.enter(name, 'network')
    room.begin(name)
  }
  assert.equal(room.enter('three', 'other'), 'three', 'nothing waits but the newcomer')
  room.end('two')
  assert.equal(room.enter('three', 'other'), 'two')
})

test('a connection that has left is not waiting again when its answer ends', () => {
  const room = roomOf(1)
  room.enter('one', 'network')
  room.begin('one')
  room.leave('one')
  room.end('one')
  assert.equal(room.enter('two', 'network'), undefined)
  assert.deepEqual([...room.connections], ['two'])
})

test('after the limit was lowered, one connection leaves for each that comes', () => {
  const room = roomOf(3)
  for (const name of ['one', 'two', 'three']) room.enter(name, 'network')
  room.maxConnections = 1
  assert.equal(room.enter('four', 'network'), 'one')
  assert.equal([...room.connections].length, 3)
})
