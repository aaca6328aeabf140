import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logRefusal, silentLogger, type Logger } from '../../../src/base/log.ts'
import { safeLog } from '../../../src/base/safe-log.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

function open(more: object = {}) {
  const lines: [level: string, fields: object, message: string][] = []
  const method = (level: string) => (first: object | string, message?: string) => {
    lines.push(typeof first === 'string' ? [level, {}, first] : [level, first, message!])
  }
  const plain = { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error'), ...more }
  const clock = new VirtualClock()
  return { clock, lines, log: safeLog(plain, clock) }
}

const EVIL = 'a\r\nINFO all is well\u001b[2J\u202e\u2028'
const SHOWN = 'a\\u000d\\u000aINFO all is well\\u001b[2J\\u202e\\u2028'

test('whatever is logged, at whichever level, has no control characters in its sentence and its fields', () => {
  const { lines, log } = open()
  const error = new Error('the logger writes it out')
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    log[level]({ clientId: EVIL, topics: [EVIL], count: 3, err: error }, EVIL)
    log[level](EVIL)
  }
  logRefusal(log, { clientId: EVIL }, EVIL)
  for (const [, fields, message] of lines) {
    assert.equal(message, SHOWN)
    if ('clientId' in fields) assert.equal(fields.clientId, SHOWN)
    if ('topics' in fields) assert.deepEqual(fields, { clientId: SHOWN, topics: [SHOWN], count: 3, err: error })
  }
  assert.equal(lines.length, 9)
})

test('very long text is cut, without a part of a token at its end', () => {
  const { lines, log } = open()
  log.info({ clientId: 'x'.repeat(65_535) }, `refused eyJ${'a'.repeat(65_535)}`)
  const [[, fields, message]] = lines as [[string, { clientId: string }, string]]
  assert.ok(fields.clientId.length < 2_100)
  assert.match(message, /^refused \(token\)… \(\d+ more\)$/)
})

test('a level that is switched off costs nothing, and a silent log stays silent', () => {
  const { lines, log } = open({ isLevelEnabled: (level: string) => level !== 'debug' })
  const trap = Object.defineProperty({}, 'text', { enumerable: true, get: () => assert.fail('it was looked at') })
  log.debug(trap, 'x')
  assert.deepEqual(lines, [])
  assert.equal(safeLog(silentLogger, new VirtualClock()), silentLogger)
})

test('equal refusals are one line, and one for the number of the others every ten seconds', () => {
  const { clock, lines, log } = open()
  for (let second = 0; second < 25; second++) {
    for (let n = 0; n < 4; n++) logRefusal(log, { clientId: `guess-${second}-${n}` }, 'refused a')
    if (second === 3) logRefusal(log, {}, 'refused b')
    clock.advance(1000)
  }
  clock.advance(60_000)
  assert.deepEqual(
    lines.map(([, , message]) => message),
    [
      'refused a',
      'refused b',
      '39 more in the last 10 s: refused a',
      '40 more in the last 10 s: refused a',
      '20 more in the last 10 s: refused a',
    ],
  )
  assert.equal(clock.waitingTimers, 0)
  logRefusal(log, {}, 'refused a')
  assert.equal(lines.at(-1)?.[2], 'refused a', 'after a quiet time it is news again')
})

test('the table of refusals is bounded: none is lost, however many different ones there are', () => {
  const { clock, lines, log } = open()
  for (let n = 0; n < 5000; n++) for (let twice = 0; twice < 2; twice++) logRefusal(log, {}, `refused ${n}`)
  clock.advance(60_000)
  const told = lines.reduce((sum, [, fields]) => sum + ('more' in fields ? (fields.more as number) : 1), 0)
  assert.equal(told, 10_000)
  assert.equal(clock.waitingTimers, 0)
})

const isLogger: Logger = safeLog({ ...silentLogger }, new VirtualClock())
test('a safe log is a logger like any other', () => assert.equal(typeof isLogger.info, 'function'))
