import { createAccess } from '../../../src/config/access-plugins.ts'
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../../src/base/errors.ts'
import type { PluginSources } from '../../../src/config/plugin-loader.ts'
import type { AccessOptions } from '../../../src/config/plugin-reference.ts'
import type { Plugin, PluginContext, PluginFactory } from '../../../src/access/plugin.ts'
import { CapturedLog, clientOf, ManualClock, requestOf } from '../plugins/support.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

const yes =
  (name: string): PluginFactory =>
  () => ({ name, authenticate: () => ({ decision: 'allow' }) })
const topics = (name: string, answer: boolean): Plugin => ({ name, mayPublish: () => answer })
const message = { topic: 'a', topicName: 'a', qos: 0, retain: false } as const

const sourcesOf = (more: Partial<PluginSources> = {}): PluginSources => ({
  registry: new Map([['auth.yes', yes('auth.yes')]]),
  baseFolder: tmpdir(),
  log: new CapturedLog(),
  clock: new ManualClock(),
  ...more,
})

const decide = async (options: AccessOptions, more?: Partial<PluginSources>): Promise<string> => {
  const access = await createAccess(options, sourcesOf(more))
  return (await access.authenticate(requestOf('u', 'p'), new Map())).decision
}

/** A project folder whose files are given by their paths. */
async function folderOf(files: Record<string, string>): Promise<string> {
  const folder = scratchFolder()
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return folder
}

const MODULE = `export default ({ options }) => ({
  name: 'mine',
  authenticate: () => ({ decision: options.answer ?? 'allow' }),
})`

test('no auth section and no plugin: nobody may log in (C3)', async () => {
  assert.equal(await decide({}), 'deny')
})

test('a plugin that fails is named with its place: the key, and where the file has it', async () => {
  const log = new CapturedLog()
  const source = {
    ...{ file: 'sluice.yaml', folder: tmpdir(), problems: [] },
    locate: (path: readonly string[]) => ({ line: path.length, column: 7 }),
  }
  const bad = (name: string): Plugin => ({
    name,
    mayPublish: () => {
      throw new Error('of the plugin')
    },
  })
  const plugins = [topics('fine', true), bad('bad')]
  for (const more of [{ source }, {}]) {
    const access = await createAccess({ topicCheck: { plugins } }, sourcesOf({ log, ...more }))
    assert.equal(access.mayPublish(clientOf('u'), message), false)
  }
  assert.deepEqual(
    log.lines.map((line) => line.split(' {')[0]),
    ['sluice.yaml:3:7: topic-check.plugins.1', 'topic-check.plugins.1'].map(
      (place) => `error plugin bad failed in mayPublish, which counts as a deny (listed at ${place})`,
    ),
  )
})

test('a plugin by its name in the registry, by an object, and by a factory', async () => {
  assert.equal(await decide({ auth: { plugins: ['auth.yes'] } }), 'allow')
  assert.equal(
    await decide({ auth: { plugins: [{ name: 'own', authenticate: () => ({ decision: 'allow' }) }] } }),
    'allow',
  )
  assert.equal(await decide({ auth: { plugins: [yes('made')] } }), 'allow')
  assert.equal(await decide({ plugins: [yes('made')] }), 'allow')
})

test('an unknown name is an error that names the nearest known one', async () => {
  await assert.rejects(decide({ auth: { plugins: ['auth.yess'] } }), {
    name: 'ConfigError',
    code: 'ERR_CONFIG_PLUGIN',
    message: /unknown plugin auth.yess: did you mean auth.yes\?/,
  })
})

test('a path counts from the base folder', async () => {
  const baseFolder = await folderOf({ 'plugins/mine.mjs': MODULE })
  assert.equal(await decide({ auth: { plugins: ['./plugins/mine.mjs'] } }, { baseFolder }), 'allow')
})

test('an npm package names its plugins in its package.json, found from a folder inside the project', async () => {
  const baseFolder = await folderOf({
    'package.json': '{ "dependencies": { "doors": "1", "not-installed": "1" } }',
    'node_modules/doors/package.json':
      '{ "exports": {}, "sluice": { "plugins": { "auth.doors": "./dist/doors.mjs" } } }',
    'node_modules/doors/dist/doors.mjs': MODULE,
    'etc/sluice.yaml': '',
  })
  const sources = { baseFolder: join(baseFolder, 'etc') }
  assert.equal(await decide({ auth: { plugins: ['auth.doors'] } }, sources), 'allow')
  await assert.rejects(decide({ auth: { plugins: ['auth.dors'] } }, sources), /did you mean auth.doors\?/)
})

test('options of its own take the place of the section, with keys in camelCase', async () => {
  const seen: unknown[] = []
  const factory = ({ options }: PluginContext): Plugin => {
    seen.push(options)
    return { name: 'p' }
  }
  const section = { plugins: [factory, { plugin: factory, options: { 'my-key': 1 } }], allowAnonymous: true }
  await createAccess({ auth: section }, sourcesOf())
  assert.deepEqual(seen, [{ allowAnonymous: true }, { myKey: 1 }])
})

test('a schema that the module exports checks the options, and what it makes of them is used', async () => {
  const schema = `export const optionsSchema = { '~standard': { version: 1, vendor: 'test', validate: ({ door }) =>
    door === 'front' ? { value: { answer: 'allow' } } : { issues: [{ message: 'no such door', path: ['door'] }] } } }`
  const baseFolder = await folderOf({ 'mine.mjs': `${schema}\n${MODULE}` })
  const entry = (door: string) => ({ auth: { plugins: [{ plugin: './mine.mjs', options: { door } }] } })
  assert.equal(await decide(entry('front'), { baseFolder }), 'allow')
  await assert.rejects(decide(entry('back'), { baseFolder }), /plugin .\/mine.mjs: option door: no such door/)
})

const broken: [title: string, text: string, message: RegExp][] = [
  ['throws while it loads', 'throw new Error("no")', /cannot be loaded from .*mine.mjs: no/],
  ['exports no factory', 'export const x = 1', /has no factory as its default export, .*export default \(context\) =>/],
  ['exports a plugin instead', 'export default { name: "p" }', /has no factory as its default export/],
  ['cannot be parsed', 'this is not', /cannot be loaded from .*; `node .*mine.mjs` shows where/],
  ['throws in its factory', 'export default () => { throw new Error("no door") }', /cannot start: no door/],
  [
    'makes something that is no plugin',
    'export default () => ({})',
    /did not return a plugin, which is an object with a name/,
  ],
]
for (const [title, text, expected] of broken) {
  test(`a module that ${title} is an error at start (C3)`, async () => {
    const baseFolder = await folderOf({ 'mine.mjs': text })
    await assert.rejects(decide({ auth: { plugins: ['./mine.mjs'] } }, { baseFolder }), (error) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, expected)
      return true
    })
  })
}

test('intercept.plugins: a warning names a plugin that intercepts nothing, as by a slip in the name of a method', async () => {
  const slip = { name: 'slip', intercpt: () => ({ decision: 'drop' }) } as Plugin
  const warnings = async (options: AccessOptions): Promise<string[]> => {
    const log = new CapturedLog()
    await createAccess(options, sourcesOf({ log }))
    return log.lines
  }
  const expected = [
    'warn plugin slip is listed in `intercept.plugins`, but has neither `intercept` nor `transformDelivery`: it intercepts nothing {"plugin":"slip"}',
  ]
  assert.deepEqual(await warnings({ intercept: { plugins: [slip] } }), expected)
  assert.deepEqual(await warnings({ intercept: { plugins: [{ name: 'in', intercept: () => undefined }] } }), [])
  assert.deepEqual(
    await warnings({ intercept: { plugins: [{ name: 'out', transformDelivery: () => undefined }] } }),
    [],
  )
  assert.deepEqual(await warnings({ plugins: [slip] }), [])
})

test('when one plugin cannot be made, those before it are closed', async () => {
  let closed = 0
  const good: PluginFactory = () => ({ name: 'good', close: () => void closed++ })
  await assert.rejects(createAccess({ auth: { plugins: [good, 'nobody'] } }, sourcesOf()))
  assert.equal(closed, 1)
})

test('topic-check: absent asks nobody, enabled: false neither, and no plugin at all denies (C7)', async () => {
  const may = async (options: AccessOptions): Promise<unknown> =>
    (await createAccess(options, sourcesOf())).mayPublish(clientOf('u'), message)
  assert.equal(await may({}), true)
  assert.equal(await may({ topicCheck: { enabled: false, plugins: [topics('no', false)] } }), true)
  assert.equal(await may({ topicCheck: { enabled: false, plugins: [] }, plugins: [topics('no', false)] }), true)
  assert.equal(await may({ topicCheck: { plugins: [] } }), false)
  assert.equal(await may({ topicCheck: { plugins: [topics('yes', true)] } }), true)
  assert.equal(await may({ plugins: [topics('no', false)] }), false)
  assert.equal(await may({ topicCheck: { plugins: [topics('yes', true)] }, plugins: [topics('no', false)] }), false)
  assert.equal(await may({ plugins: [yes('auth only')] }), true)
})

test('plugin-timeout is in seconds; changed() of a context reaches the Access', async () => {
  const clock = new ManualClock()
  let context: PluginContext | undefined
  const slow: PluginFactory = (given) => {
    context = given
    return { name: 'slow', authenticate: () => new Promise(() => undefined) }
  }
  const access = await createAccess({ auth: { plugins: [slow] }, pluginTimeout: 2 }, sourcesOf({ clock }))
  const waiting = access.authenticate(requestOf(), new Map())
  clock.advance(2000)
  assert.equal((await waiting).decision, 'deny')
  const before = access.version
  context?.changed()
  assert.ok(access.version > before)
})

test('a factory that is listed in two sections is made once, and sees the keys of both', async () => {
  const made: unknown[] = []
  let closed = 0
  const club: PluginFactory = ({ options }) => {
    made.push(options)
    return { ...topics('club', true), authenticate: () => ({ decision: 'allow' }), close: () => void closed++ }
  }
  const config = {
    auth: { plugins: [club, club], members: ['ann'] },
    topicCheck: { plugins: [club], rooms: ['bar'] },
    plugins: [club],
  }
  const access = await createAccess(config, sourcesOf())
  assert.deepEqual(made, [{ members: ['ann'], rooms: ['bar'] }])
  await access.close()
  assert.equal(closed, 1)
})

test('the same module and the same options are one plugin; other options make another', async () => {
  const made: unknown[] = []
  const club: PluginFactory = ({ options }) => {
    made.push(options)
    return topics('club', true)
  }
  const entry = (room: string) => ({ plugin: club, options: { 'room-name': room } })
  const config = {
    auth: { plugins: [entry('bar'), entry('hall')], members: [] },
    topicCheck: { plugins: [entry('bar'), club] },
  }
  await (await createAccess(config, sourcesOf())).close()
  assert.deepEqual(made, [{ roomName: 'bar' }, { roomName: 'hall' }, {}])
})

test('a plugin that is listed twice and cannot start is one mistake', async () => {
  const broken: PluginFactory = () => {
    throw new Error('no door')
  }
  const config = { auth: { plugins: [broken] }, topicCheck: { plugins: [broken] } }
  await assert.rejects(createAccess(config, sourcesOf()), (error: ConfigError) => {
    assert.equal(error.problems.length, 1)
    return /no door/.test(error.message)
  })
})

test('an object that is listed twice is closed once', async () => {
  let closed = 0
  const both: Plugin = { ...topics('both', true), close: () => void closed++ }
  const access = await createAccess({ auth: { plugins: [both] }, topicCheck: { plugins: [both] } }, sourcesOf())
  await access.close()
  assert.equal(closed, 1)
})
