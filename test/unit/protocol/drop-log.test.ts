import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryAccount } from '../../../src/base/memory-account.ts'
import { DropLog } from '../../../src/protocol/drop-log.ts'

function start(): { readonly account: MemoryAccount; readonly log: DropLog; readonly lines: () => string[] } {
  const account = new MemoryAccount('session', 'meter', 0, undefined)
  const log = new DropLog(account)
  const lines = (): string[] =>
    Array.from(log.all(), ({ cause, topicName, count, firstAtMs, lastAtMs }) =>
      [cause, topicName, count, firstAtMs, lastAtMs].join(' '),
    )
  return { account, log, lines }
}

test('the same in a row is one entry, and what a client missed while it was away is counted apart', () => {
  const { log, lines } = start()
  log.add(1, 'a', 'queue full')
  log.add(2, 'b', 'not connected')
  log.add(3, 'a', 'queue full')
  log.add(4, 'c', 'not connected')
  log.add(5, 'b', 'queue full')
  log.add(6, 'b', 'expired')
  assert.deepEqual(lines(), ['expired b 1 6 6', 'queue full b 1 5 5', 'queue full a 2 1 3', 'not connected c 2 2 4'])
})

test('64 entries are kept, their memory is charged, and all of it is given back', () => {
  const { account, log, lines } = start()
  let most = 0
  for (let at = 0; at < 1000; at++) {
    log.add(at, `topic/${at}`.padEnd(1 + (at % 500), 'x'), 'queue full')
    most = Math.max(most, account.bytes)
  }
  assert.equal(lines().length, 64)
  assert.match(lines()[0]!, /^queue full topic\/999/)
  assert.equal(log.lostBeforeMs, 936)
  assert.ok(most <= 64 * (112 + 512), `${most} bytes`)
  log.release()
  assert.equal(account.bytes, 0)
})
