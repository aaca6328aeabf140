/** Decoys: what makes a name that nobody knows take as long as a wrong password. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Access } from '../../../src/access/access.ts'
import type { AuthenticationAnswer, Plugin } from '../../../src/access/plugin.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { CapturedLog, requestOf } from '../plugins/support.ts'

const CHECK_MS = 40

/** Knows `ann` alone, and takes its time for everybody. */
class File implements Plugin {
  readonly name = 'file'
  readonly maxLoginChecks = 1
  readonly clock: VirtualClock
  checks = 0
  fails = false

  constructor(clock: VirtualClock) {
    this.clock = clock
  }

  authenticate({
    userName,
  }: {
    readonly userName: string | undefined
  }): ReturnType<NonNullable<Plugin['authenticate']>> {
    const check = (answer: AuthenticationAnswer | undefined) => (): Promise<AuthenticationAnswer | undefined> => {
      this.checks++
      return new Promise((resolve, reject) =>
        this.clock.setTimer(CHECK_MS, () => (this.fails ? reject(new Error('died')) : resolve(answer))),
      )
    }
    if (userName === 'ann') return { decision: 'check', check: check({ decision: 'deny' }) }
    return { decision: 'check', isDecoy: true, check: check(undefined) }
  }
}

function open(others: (clock: VirtualClock) => Plugin[] = () => []) {
  const clock = new VirtualClock()
  const file = new File(clock)
  const plugins = [file, ...others(clock)]
  const access = new Access({ loginPlugins: plugins, topicPlugins: undefined, clock, log: new CapturedLog() })
  /** What comes of a login, and after how long. */
  const logIn = async (userName: string, isNeeded = () => true) => {
    const startedMs = clock.now()
    let after: number | undefined
    const turn = { holder: 'here', isNeeded }
    const result = Promise.resolve(access.authenticate(requestOf(userName, 'wrong'), new Map(), turn))
    void result.then(() => (after = clock.now() - startedMs))
    while (after === undefined) {
      for (let round = 0; round < 20; round++) await Promise.resolve()
      clock.advance(1)
    }
    const { decision, ...rest } = await result
    return [decision, 'reasonCode' in rest ? rest.reasonCode : 0, after] as const
  }
  return { file, logIn }
}

const answering = (answer: AuthenticationAnswer | undefined, afterMs: number) => (clock: VirtualClock) => [
  {
    name: 'other',
    authenticate: () =>
      new Promise<AuthenticationAnswer | undefined>((resolve) => clock.setTimer(afterMs, () => resolve(answer))),
  },
]

const REFUSED = ['deny', ReasonCode.BadUserNameOrPassword] as const

test('an unknown name and a wrong password: one code, one duration, one check', async () => {
  const { file, logIn } = open()
  const known = await logIn('ann')
  const unknown = await logIn('nobody')
  assert.deepEqual(known.slice(0, 2), REFUSED)
  assert.deepEqual(unknown.slice(0, 2), REFUSED)
  assert.ok(Math.abs(known[2] - unknown[2]) <= 2, `${known[2]} and ${unknown[2]} ms`)
  assert.equal(file.checks, 2)
})

test('beside a slow plugin the two take as long as the slower one, not as both', async () => {
  for (const answer of [undefined, { decision: 'deny' } as const]) {
    const { logIn } = open(answering(answer, 100))
    const [, , known] = await logIn('ann')
    const [, , unknown] = await logIn('nobody')
    assert.ok(Math.abs(known - unknown) <= 2, `${known} and ${unknown} ms`)
  }
})

test('a name that another plugin lets in costs no decoy, and does not wait for one', async () => {
  const quick = open(answering({ decision: 'allow' }, 2))
  assert.equal((await quick.logIn('nobody'))[0], 'allow')
  assert.equal(quick.file.checks, 0)
  const slow = open(answering({ decision: 'allow' }, 30))
  const [decision, , afterMs] = await slow.logIn('nobody')
  assert.equal(decision, 'allow')
  assert.ok(afterMs <= 32, `${afterMs} ms`)
  assert.equal(slow.file.checks, 1)
})

test('a decoy that fails looks as a check that fails', async () => {
  const { file, logIn } = open()
  file.fails = true
  const [known, unknown] = [await logIn('ann'), await logIn('nobody')]
  assert.deepEqual(known.slice(0, 2), ['deny', ReasonCode.ServerUnavailable])
  assert.deepEqual(unknown.slice(0, 2), known.slice(0, 2))
})

test('where the connection is gone before its turn, neither is checked, and both look the same', async () => {
  const { file, logIn } = open()
  const gone = (): boolean => false
  const [known, unknown] = [await logIn('ann', gone), await logIn('nobody', gone)]
  assert.deepEqual(known.slice(0, 2), ['deny', ReasonCode.ServerUnavailable])
  assert.deepEqual(unknown.slice(0, 2), known.slice(0, 2))
  assert.equal(file.checks, 0)
})
