import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { SluiceError } from '../../../../src/base/errors.ts'
import type { OverviewView } from '../../../../src/broker/host/admin.ts'
import { Top } from '../../../../src/cli/operator/top.ts'
import type { Item } from '../../../../src/cli/operator/layout.ts'
import { ManualClock } from '../../plugins/support.ts'

const OVERVIEW: OverviewView = {
  ...{ version: '1.0.0', uptimeSeconds: 90, clients: 2, sessions: 3, sessionsAway: 1, subscriptions: 4 },
  ...{ retainedMessages: 5, queuedMessages: 6, queuedBytes: 2048, inflightMessages: 7, messagesReceived: 100 },
  ...{ messagesSent: 200, messagesDropped: 0, bytesReceived: 0, bytesSent: 0, memoryBytes: 1024, memoryLimit: 0 },
  ...{ longestTurnMs: 1, storeCondition: 'well' },
}

const clientOf = (clientId: string, messagesSent: number, queuedMessages = 0): Item => ({
  ...{ clientId, userName: 'ann', address: '192.0.2.7', messagesReceived: 0, messagesSent },
  ...{ bytesReceived: 0, bytesSent: 0, queuedMessages, inflightMessages: 0, unsentBytes: 0, acknowledgementMs: null },
})

class FakeTerminal extends EventEmitter {
  readonly isTTY = true
  columns = 120
  rows = 14
  isRaw = false
  /** What was written since the last look. */
  text = ''

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw
  }
  resume(): void {}
  pause(): void {}
  write(text: string): void {
    this.text += text
  }
  press(key: string): void {
    this.emit('data', Buffer.from(key))
  }

  /** The lines of the last picture. */
  get lines(): string[] {
    const picture = this.text.slice(this.text.lastIndexOf('\u001b[H') + 3)
    return picture.replaceAll('\u001b[K', '').replaceAll('\u001b[J', '').split('\r\n')
  }

  /** Clients in the order in which they are shown. */
  get clients(): string[] {
    return this.lines.slice(5).flatMap((line) => /^(client-\d+|c-\d+)/.exec(line)?.[0] ?? [])
  }
}

interface World {
  readonly terminal: FakeTerminal
  readonly clock: ManualClock
  readonly top: Top
  answers: { overview: OverviewView; clients: Item[]; hasMore?: boolean } | SluiceError
  calls: number
  /** The next sample. */
  tick(): Promise<void>
}

function start(): World {
  const terminal = new FakeTerminal()
  const clock = new ManualClock()
  const clients = [clientOf('client-1', 10), clientOf('client-2', 20, 9)]
  const first = { atMs: clock.wallNow(), overview: OVERVIEW, clients, hasMore: false }
  const world = {
    ...{ terminal, clock, calls: 0, answers: { overview: OVERVIEW, clients } as World['answers'] },
    tick: async () => {
      clock.advance(2000)
      for (let round = 0; round < 10; round++) await Promise.resolve()
    },
  }
  const call = (name: string): Promise<unknown> => {
    world.calls++
    const { answers } = world
    if (answers instanceof SluiceError) return Promise.reject(answers)
    if (name === 'overview') return Promise.resolve(answers.overview)
    return Promise.resolve({ items: answers.clients, ...(answers.hasMore === true && { cursor: 'more' }) })
  }
  const parts = { input: terminal, output: terminal, clock, client: { call } }
  return Object.assign(world, { top: new Top(parts, String, 2000, first) })
}

test('top takes the screen, shows rates between two samples, and sorts by what is sent', async () => {
  const world = start()
  const { terminal } = world
  assert.ok(terminal.isRaw)
  assert.ok(terminal.text.startsWith('\u001b[?1049h\u001b[?25l'))
  assert.match(terminal.lines[0]!, /^sluice 1\.0\.0 {3}up 1 min {3}clients 2 {3}sessions away 1/)
  assert.match(terminal.lines[1]!, /^messages in - /)
  world.answers = {
    overview: { ...OVERVIEW, messagesReceived: 300, messagesSent: 1200 },
    clients: [clientOf('client-1', 110), clientOf('client-2', 40, 9)],
  }
  await world.tick()
  assert.match(terminal.lines[1]!, /^messages in 100\/s {3}out 500\/s {3}dropped 0\/s/)
  assert.deepEqual(terminal.clients, ['client-1', 'client-2'])
  assert.match(terminal.lines[5]!, /^client-1 .* 50 /)
  assert.match(terminal.lines.at(-1)!, /^sorted by OUT\/S .*q quit/)
  assert.equal(terminal.lines.length, terminal.rows)
  terminal.press('q')
  await world.top.ended
})

test('top: keys choose the column, turn the order round, and scroll', async () => {
  const world = start()
  const { terminal } = world
  for (let presses = 0; presses < 3; presses++) terminal.press('>')
  assert.match(terminal.lines.at(-1)!, /^sorted by QUEUED/)
  assert.deepEqual(terminal.clients, ['client-2', 'client-1'])
  terminal.press('r')
  assert.match(terminal.lines.at(-1)!, /^sorted by QUEUED, reversed/)
  assert.deepEqual(terminal.clients, ['client-1', 'client-2'])
  terminal.press('\u001b[B')
  assert.deepEqual(terminal.clients, ['client-2'])
  terminal.press('\u001b[A')
  terminal.press('\u001b[D')
  assert.match(terminal.lines.at(-1)!, /^sorted by BYTES OUT\/S, reversed/)
  terminal.press('x')
  terminal.press('\u0003')
  await world.top.ended
})

test('top: while it is paused nothing is asked; a broker that does not answer is a line, and is asked again', async () => {
  const world = start()
  const { terminal } = world
  terminal.press(' ')
  await world.tick()
  assert.equal(world.calls, 0)
  assert.match(terminal.lines.at(-1)!, /^paused/)
  terminal.press(' ')
  world.answers = new SluiceError('ERR_ADMIN', 'the broker has ended')
  await world.tick()
  assert.match(terminal.lines.at(-1)!, /^the broker has ended/)
  world.answers = { overview: OVERVIEW, clients: [clientOf('c-9', 1)], hasMore: true }
  await world.tick()
  assert.deepEqual(terminal.clients, ['c-9'])
  assert.match(terminal.lines.at(-1)!, /the first 1 clients only/)
  terminal.press('q')
  await world.top.ended
})

test('top fits any size, also one that changes, and leaves the terminal as it was', async () => {
  const world = start()
  const { terminal } = world
  terminal.columns = 60
  terminal.rows = 6
  terminal.emit('resize')
  assert.equal(terminal.lines.length, 6)
  terminal.text = ''
  terminal.press('q')
  await world.top.ended
  assert.equal(terminal.text, '\u001b[?25h\u001b[?1049l')
  assert.deepEqual([terminal.isRaw, terminal.listenerCount('data'), terminal.listenerCount('resize')], [false, 0, 0])
  assert.equal(world.clock.waiting, 0, 'no timer is left')
  terminal.press('r')
  terminal.emit('resize')
  assert.equal(terminal.text, '\u001b[?25h\u001b[?1049l')
})

test('top shows what a client calls itself without obeying it', async () => {
  const world = start()
  world.answers = { overview: OVERVIEW, clients: [clientOf('evil\u001b[2J', 1)] }
  await world.tick()
  assert.match(world.terminal.text, /evil\\u001b/)
  assert.ok(!world.terminal.text.includes('\u001b[2J'))
  world.terminal.press('q')
  await world.top.ended
})
