import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoginGate, type GatedLogin, type LoginOutcome } from '../../../src/access/login-gate.ts'
import { LoginPenalties, type Debtor } from '../../../src/access/login-penalties.ts'
import { resolveOptions } from '../../../src/config/options.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const GUESSER = '198.51.100.9'

class Scene {
  readonly clock = new VirtualClock()
  readonly penalties = new LoginPenalties(resolveOptions().auth)
  /** Those whose checks have begun, with the time. */
  readonly begun: [name: string, atMs: number][] = []
  readonly penalized: number[] = []
  slowed = 0
  readonly #startedMs = this.clock.now()
  readonly gate = new LoginGate(
    this.clock,
    this.penalties,
    { maxLoginsPerAddress: 4, longestNameDelayMs: 15_000 },
    {
      slowed: () => this.slowed++,
      penalized: (_login, _wrong, delayMs) => this.penalized.push(delayMs),
    },
  )

  /** @param outcome of a check that is over at once; without one the test settles it */
  enter(name: string, address = GUESSER, outcome?: LoginOutcome): GatedLogin {
    const debtor: Debtor | undefined = this.penalties.debtorOf(address, address, name)
    const login: GatedLogin = {
      debtor,
      start: () => {
        this.begun.push([name, this.clock.now() - this.#startedMs])
        if (outcome !== undefined) this.gate.settle(login, outcome)
      },
    }
    this.gate.enter(login)
    return login
  }

  get names(): string[] {
    return this.begun.map(([name]) => name)
  }
}

test('logins of one address run a few at a time, in order, and the next begins when one is over', () => {
  const scene = new Scene()
  const logins = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => scene.enter(name))
  assert.deepEqual(scene.names, ['a', 'b', 'c', 'd'])
  scene.gate.settle(logins[2]!, 'right')
  assert.deepEqual(scene.names, ['a', 'b', 'c', 'd', 'e'])
  assert.equal(scene.slowed, 0)
})

test('wrong ones, one after the other: the pauses between two checks grow', () => {
  const scene = new Scene()
  for (let n = 0; n < 10; n++) scene.enter(`guess-${n}`, GUESSER, 'wrong')
  scene.clock.advance(60_000)
  assert.deepEqual(
    scene.begun.map(([, atMs]) => atMs),
    [0, 0, 0, 250, 750, 1750, 3750, 7750, 12_750, 17_750],
  )
  assert.deepEqual(scene.penalized.slice(0, 3), [250, 500, 1000])
  assert.equal(scene.slowed, 7)
})

test('many at once are charged before the first is over, whether their connections stay or not', () => {
  const scene = new Scene()
  const guesses = Array.from({ length: 100 }, (_, n) => scene.enter(`guess-${n}`))
  assert.equal(scene.begun.length, 4)
  for (const guess of guesses) scene.gate.withdraw(guess)
  for (const guess of guesses.slice(0, 4)) scene.gate.settle(guess, 'wrong')
  assert.equal(scene.begun.length, 4, 'what had not begun is dropped with its connection')
  scene.enter('again')
  assert.equal(scene.begun.length, 4)
  scene.clock.advance(499)
  assert.equal(scene.begun.length, 4)
  scene.clock.advance(1)
  assert.equal(scene.begun.length, 5)
})

test('after wrong ones a single check runs at a time, and a right one is followed at once', () => {
  const scene = new Scene()
  for (let n = 0; n < 3; n++) scene.enter('guess', GUESSER, 'wrong')
  const logins = ['a', 'b', 'c'].map((name) => scene.enter(name))
  scene.clock.advance(250)
  assert.deepEqual(scene.names.slice(3), ['a'])
  scene.gate.settle(logins[0]!, 'right')
  assert.deepEqual(scene.names.slice(3), ['a', 'b'])
  scene.gate.settle(logins[1]!, 'neither')
  assert.deepEqual(scene.names.slice(3), ['a', 'b', 'c'])
})

test('other addresses do not wait', () => {
  const scene = new Scene()
  for (let n = 0; n < 20; n++) scene.enter(`guess-${n}`, GUESSER, 'wrong')
  scene.enter('honest', '192.0.2.1', 'right')
  assert.equal(scene.names.at(-1), 'honest')
})

test('a name that is being guessed waits before its turn from a new address, and not where it is known', () => {
  const scene = new Scene()
  const home = scene.enter('ann', '192.0.2.1', 'right')
  scene.penalties.remember(home.debtor!)
  for (let n = 0; n < 4; n++) scene.enter('ann', `203.0.113.${n}`, 'wrong')
  scene.clock.advance(1000)
  scene.begun.length = 0
  scene.enter('ann', '192.0.2.2')
  scene.enter('ann', '192.0.2.1')
  assert.equal(scene.begun.length, 1)
  scene.clock.advance(499)
  assert.equal(scene.begun.length, 1)
  scene.clock.advance(1)
  assert.equal(scene.begun.length, 2)
})

test('a very long queue of checks that are over at once needs no deep stack', () => {
  const scene = new Scene()
  const blockers = Array.from({ length: 4 }, () => scene.enter('slow'))
  for (let n = 0; n < 100_000; n++) scene.enter('quick', GUESSER, 'right')
  assert.equal(scene.begun.length, 4)
  scene.gate.settle(blockers[0]!, 'right')
  assert.equal(scene.begun.length, 100_004)
})

test('nothing is left behind when all is over', () => {
  const scene = new Scene()
  for (let n = 0; n < 3; n++) scene.enter('ann', GUESSER, 'wrong')
  const [paused, waiting] = [scene.enter('ann', '192.0.2.9'), scene.enter('bob')]
  assert.equal(scene.gate.size, 1)
  scene.gate.withdraw(paused)
  scene.gate.withdraw(waiting)
  assert.deepEqual([scene.gate.size, scene.clock.waitingTimers], [0, 0])
})
