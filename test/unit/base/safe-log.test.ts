import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logRefusal, silentLogger, type Logger } from '../../../src/base/log.ts'
import { safeLog } from '../../../src/base/safe-log.ts'
import { handlingAll } from '../../support/handling-all.ts'
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

// ---- a logger of the program that misbehaves ----

const breaches: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error('the disk is full')
  },
  'throws null': () => {
    throw null as unknown as Error
  },
  'returns a promise that rejects': () => Promise.reject(new Error('the disk is full')),
}

for (const [how, breach] of Object.entries(breaches)) {
  test(`a logger that ${how} costs its lines and nothing else; the first line that it takes says how many`, () =>
    handlingAll(async () => {
      let isBroken = true
      const lines: string[] = []
      const method = (_: object | string, message?: string): unknown =>
        isBroken ? breach() : void lines.push(message ?? (_ as string))
      const plain = { debug: method, info: method, warn: method, error: method } as unknown as Logger
      const clock = new VirtualClock()
      const log = safeLog(plain, clock)
      log.error({ err: new Error('x') }, 'one')
      log.info('two')
      for (let n = 0; n < 3; n++) logRefusal(log, {}, 'refused')
      clock.advance(10_000)
      await new Promise((resolve) => setImmediate(resolve))
      isBroken = false
      log.info('five')
      assert.match(lines[0]!, /^the logger failed 4 times, the last time with: /)
      if (how !== 'throws null') assert.match(lines[0]!, /the disk is full$/)
      assert.deepEqual(lines.slice(1), ['five'])
    }))
}

test('a logger whose isLevelEnabled throws, or whose methods come and go, is asked for every line', () => {
  const { lines, log } = open({
    isLevelEnabled: () => {
      throw new Error('no level')
    },
  })
  log.info('a')
  assert.equal(lines.at(-1)![2], 'a')
  assert.equal(log.isLevelEnabled!('info'), true)
})

test('a line that is no line is written as it can be: an Error first, no sentence, no text', () => {
  const { lines, log } = open()
  const error = new Error('broken')
  log.error(error as object, undefined as unknown as string)
  log.warn({ a: 1 }, 7 as unknown as string)
  log.info(null as unknown as string)
  assert.deepEqual(lines, [
    ['error', { err: error }, 'broken'],
    ['warn', { a: 1 }, '7'],
    ['info', {}, 'null'],
  ])
})
