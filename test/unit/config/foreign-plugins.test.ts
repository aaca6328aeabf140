/**
 * Plugins that cannot be made, or closed: each is one ConfigError that names it, in time, and the others are closed.
 */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { ConfigError } from '../../../src/base/errors.ts'
import type { Access } from '../../../src/access/access.ts'
import type { Plugin, PluginFactory } from '../../../src/access/plugin.ts'
import { createAccess } from '../../../src/config/access-plugins.ts'
import type { AccessOptions } from '../../../src/config/plugin-reference.ts'
import { handlingAll } from '../../support/handling-all.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CapturedLog, ManualClock } from '../plugins/support.ts'

const TIMES = { pluginTimeout: 2, pluginStartTimeout: 10 }
const never = (): Promise<never> => new Promise(() => undefined)

function raise(): never {
  throw new Error('no word')
}

interface Made {
  readonly access: Access | undefined
  readonly error: unknown
  readonly tookMs: number
  readonly log: CapturedLog
  readonly clock: ManualClock
}

/**
 * Makes plugins.
 *
 * @param passes whether time passes until they are made or have failed: what comes to its end by itself may take real
 * time
 */
async function make(options: AccessOptions, passes: boolean, baseFolder = tmpdir()): Promise<Made> {
  const [clock, log] = [new ManualClock(), new CapturedLog()]
  let [access, error, isOver]: [Access | undefined, unknown, boolean] = [undefined, undefined, false]
  createAccess({ ...TIMES, ...options }, { registry: new Map(), baseFolder, log, clock }).then(
    (made) => ([access, isOver] = [made, true]),
    (thrown: unknown) => ([error, isOver] = [thrown, true]),
  )
  for (let round = 0; !isOver && clock.now() < 60_000; round++) {
    await new Promise((resolve) => setImmediate(resolve))
    if (passes && round % 20 === 19) clock.advance(500)
  }
  assert.ok(isOver, 'it hangs')
  return { access, error, tookMs: clock.now(), log, clock }
}

/** Whether that message comes only when time has passed. */
function isLate(message: RegExp): boolean {
  return message.source.includes('has not started')
}

const hostile = new Proxy({}, { get: raise, has: raise, getPrototypeOf: raise, ownKeys: raise })

const factories: readonly (readonly [what: string, factory: () => unknown, message: RegExp])[] = [
  ['throws', raise, /plugin .* cannot start: no word/],
  ['throws null', () => { throw null as unknown as Error }, /plugin .* cannot start: .*no Error.*null/],
  ['throws what has no text', () => { throw Object.create(null) as Error }, /plugin .* cannot start: .*no Error/],
  ['rejects with undefined', () => Promise.reject(undefined as unknown as Error), /plugin .* cannot start/],
  ['rejects with a Proxy', () => Promise.reject(hostile as Error), /plugin .* cannot start/],
  ['never ends', never, /plugin .* has not started within 10 s \(plugin-start-timeout\)/],
  ['returns a thenable that never calls back', () => ({ then: () => undefined }), /has not started within 10 s/],
  ['returns a thenable that throws', () => ({ then: raise }), /plugin .* cannot start: no word/],
  ['returns nothing', () => undefined, /did not return a plugin/],
  ['returns a Proxy', () => hostile, /plugin .* cannot start: no word/],
  ['has a question that is no function', () => ({ name: 'p', mayPublish: true }), /mayPublish must be a function, got a boolean/],
  ['has a question that cannot be read', () => Object.defineProperty({ name: 'p' }, 'close', { get: raise }), /no word/],
  ['has no whole number of checks', () => ({ name: 'p', maxLoginChecks: NaN }), /maxLoginChecks must be a whole number from 1/],
  ['has no checks at all', () => ({ name: 'p', maxLoginChecks: 0 }), /maxLoginChecks must be a whole number from 1/],
  ['is stable by a text', () => ({ name: 'p', stable: 'no' }), /stable must be true or false/],
] // prettier-ignore

for (const [what, factory, message] of factories) {
  test(`a plugin whose factory ${what} is a ConfigError that names it, in time; the one before it is closed`, () =>
    handlingAll(async () => {
      let closed = 0
      const good: Plugin = { name: 'good', close: () => void closed++ }
      const { error, tookMs } = await make({ auth: { plugins: [good, factory as PluginFactory] } }, isLate(message))
      assert.ok(error instanceof ConfigError)
      assert.equal(error.code, 'ERR_CONFIG_PLUGIN')
      assert.match(error.message, message)
      assert.equal(closed, 1)
      assert.ok(tookMs <= 15_000, `${tookMs} ms`)
    }))
}

test('a plugin object with a question that is no function is a ConfigError too', async () => {
  const { error } = await make({ plugins: [{ name: 'p', authenticate: {} as never }] }, false)
  assert.ok(error instanceof ConfigError)
  assert.match(error.message, /plugin p: authenticate must be a function, got an object/)
})

const schemas: readonly (readonly [what: string, schema: string, message: RegExp])[] = [
  ['is none', '7', /plugin .* cannot check its options/],
  ['throws', '{ "~standard": { validate() { throw new Error("no word") } } }', /cannot check its options: no word/],
  ['never answers', '{ "~standard": { validate: () => new Promise(() => {}) } }', /has not started within 10 s/],
  ['answers null', '{ "~standard": { validate: () => null } }', /cannot check its options/],
  ['has issues that are no list', '{ "~standard": { validate: () => ({ issues: 7 }) } }', /cannot check its options/],
  ['makes no object', '{ "~standard": { validate: () => ({ value: 7 }) } }', /made no object of its options/],
]
for (const [what, schema, message] of schemas) {
  test(`a plugin whose schema ${what} is a ConfigError that names it`, () =>
    handlingAll(async () => {
      const folder = scratchFolder()
      writeFileSync(
        join(folder, 'p.mjs'),
        `export const optionsSchema = ${schema}\nexport default () => ({ name: 'p' })`,
      )
      const { error } = await make({ plugins: ['./p.mjs'] }, isLate(message), folder)
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, message)
    }))
}

test('a module that never ends to load is a ConfigError that names it', async () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'p.mjs'), 'await new Promise(() => {})')
  const { error } = await make({ plugins: ['./p.mjs'] }, true, folder)
  assert.ok(error instanceof ConfigError)
  assert.match(error.message, /has not started within 10 s/)
})

for (const [how, close] of Object.entries<() => unknown>({
  throws: raise,
  'rejects with null': () => Promise.reject(null as unknown as Error),
  'never ends': never,
})) {
  test(`a plugin whose close ${how}, when a later one cannot be made: the error is that of the later one, the others are closed`, () =>
    handlingAll(async () => {
      let closed = 0
      const plugins = [
        { name: 'first', close: () => void closed++ },
        { name: 'bad', close: () => close() as undefined },
        'nobody',
      ]
      const { error, log, tookMs } = await make({ auth: { plugins } }, true)
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, /unknown plugin nobody/)
      assert.equal(closed, 1)
      assert.match(
        log.lines.join('\n'),
        how === 'never ends'
          ? /^error plugin bad timed out after \d+ ms in close/
          : /^error plugin bad failed in close/,
      )
      assert.ok(tookMs <= 3000, `${tookMs} ms`)
    }))
}

test('a plugin that is made after its time is closed', () =>
  handlingAll(async () => {
    let closed = 0
    let made = (_plugin: Plugin): void => {}
    const late: PluginFactory = () => new Promise((resolve) => (made = resolve))
    const { error } = await make({ plugins: [late] }, true)
    assert.ok(error instanceof ConfigError)
    made({ name: 'late', close: () => void closed++ })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(closed, 1)
  }))
