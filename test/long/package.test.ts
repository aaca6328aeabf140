/**
 * The package as users get it: packed, installed into a project of its own, imported, run. Needs the registry. @module
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../tools/main.ts'
import { filesUnder } from '../../tools/source.ts'
import { cleanCheckout, run, temporaryFolder } from './checkout.ts'

const CONSUMER = `import { createBroker, type Broker, type ConfigInput } from 'sluice'
import { createTestBroker } from 'sluice/testing'

const input: ConfigInput = { listeners: { default: { bind: '127.0.0.1:0' } } }

async function main(): Promise<void> {
  const broker: Broker = await createBroker(input)
  console.log(broker.listeners[0]?.url)
  await broker.close()
  const inMemory = await createTestBroker()
  await inMemory.close()
}

void main()
`
const URL_LINE = /^mqtt:\/\/127\.0\.0\.1:\d+\n$/

/**
 * What README promises to work: nothing is left unchecked (`skipLibCheck` is off), and only Node's types are needed.
 */
const COMPILER_OPTIONS = { target: 'es2022', strict: true, exactOptionalPropertyTypes: true, types: ['node'] }

interface Consumer {
  readonly title: string
  /** Of its package.json. */
  readonly type: 'module' | 'commonjs'
  readonly options: Readonly<Record<string, unknown>>
  /** What does the same without a compiler knowing of modules. */
  readonly source?: string
  /** The compiler's word where it does not work. */
  readonly refusal?: RegExp
  /** Whether what comes out is for a bundler, and not for Node. */
  readonly isBundled?: true
}

const BUNDLED = { noEmit: true } as const
const consumers: readonly Consumer[] = [
  { title: 'nodenext, ES modules', type: 'module', options: { module: 'nodenext' } },
  { title: 'node16, ES modules', type: 'module', options: { module: 'node16' } },
  {
    title: 'bundler',
    type: 'module',
    options: { module: 'esnext', moduleResolution: 'bundler', ...BUNDLED },
    isBundled: true,
  },
  { title: 'preserve', type: 'module', options: { module: 'preserve', ...BUNDLED }, isBundled: true },
  { title: 'nodenext, CommonJS by require()', type: 'commonjs', options: { module: 'nodenext' } },
  { title: 'node16, CommonJS by require()', type: 'commonjs', options: { module: 'node16' }, refusal: /TS1479/ },
  {
    title: 'node16, CommonJS by import()',
    type: 'commonjs',
    options: { module: 'node16' },
    source: CONSUMER.replaceAll(/^import .*$/gm, '')
      .replace(
        'async function main(): Promise<void> {',
        `$&\n  const { createBroker } = await import('sluice')\n  const { createTestBroker } = await import('sluice/testing')`,
      )
      .replace(': ConfigInput', '')
      .replace(': Broker', ''),
  },
]

/** The oldest that is promised. */
const OLDER_TYPESCRIPT = '5.8'

async function compileAndRun(project: string, name: string, tsc: string, consumer: Consumer): Promise<void> {
  const { type, options, source = CONSUMER, refusal, isBundled } = consumer
  const folder = join(project, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }))
  writeFileSync(join(folder, 'main.ts'), source)
  const compilerOptions = { ...COMPILER_OPTIONS, ...options }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
  const compiled = run(folder, process.execPath, tsc, '-p', '.')
  if (refusal !== undefined) return assert.rejects(compiled, ({ stdout }: { stdout: string }) => refusal.test(stdout))
  await compiled
  if (isBundled !== true) assert.match(await run(folder, process.execPath, '--no-warnings', 'main.js'), URL_LINE)
}

/** The page: all of it except the assets, which are named for what is in them, with a hash of it. */
const PAGE = ['icon.svg', 'index.html', 'index.html.br', 'index.html.gz'].map((name) => `dist/page/${name}`)

function isAsset(path: string): boolean {
  return /^dist\/page\/assets\/[\w-]+-[\w-]{8}\.(?:js|css)(?:\.br|\.gz)?$/.test(path)
}

/**
 * What has a name of its own: ways in, and modules that are found by their address. Everything else is in chunks, of
 * which `index` has only the names, and so no map.
 */
const BUNDLED_FILES = [
  'admin/backup-worker',
  'bench/generator',
  'bench/passing-plugin',
  'cli/main',
  'index',
  'plugins/credentials-worker',
  'plugins/password-worker',
  'testing/index',
]

/** A chunk is named for what is in it, which may change. */
function isChunk(path: string): boolean {
  return /^dist\/chunks\/[\w-]+\.js(\.map)?$/.test(path)
}

const STATIC_IMPORT = /^(?:import|export)\s+(?:[^'"]*?\sfrom\s+)?"(\.[^"]+)"/gm

/** Every file of the package that is loaded with these, without what they load later by `import()`. */
function loadedWith(folder: string, files: readonly string[]): string[] {
  const loaded = new Set<string>()
  const visit = (file: string): void => {
    if (loaded.has(file)) return
    loaded.add(file)
    const code = readFileSync(join(folder, file), 'utf8')
    for (const [, specifier = ''] of code.matchAll(STATIC_IMPORT)) visit(join(file, '..', specifier))
  }
  files.forEach(visit)
  return [...loaded].sort()
}

/** One thread hashes a password, another checks it, and a third copies the store. */
const THREADS = `import { createBroker } from 'sluice'
import { once } from 'node:events'
import { connect } from 'node:net'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

const broker = await createBroker({
  listeners: { default: { bind: '127.0.0.1:0' } },
  persistence: { path: 'state' },
  auth: { plugins: ['auth.store'] },
})
await broker.admin.putUser({ userName: 'ann', password: 'secret' })
const socket = connect(new URL(broker.listeners[0].url).port, '127.0.0.1')
const text = (value) => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)])
const rest = Buffer.concat([text('MQTT'), Buffer.from([4, 0xc2, 0, 9]), text('me'), text('ann'), text('secret')])
socket.write(Buffer.concat([Buffer.from([0x10, rest.length]), rest]))
const [connack] = await once(socket, 'data')
socket.destroy()
await broker.admin.backup({ path: resolve('copy') })
console.log(connack.toString('hex'), existsSync('copy'))
await broker.close()
`

/** The program recognises errors of the package that a plugin throws: the class is the same. */
const PLUGIN = `import { ConfigError } from 'sluice'
export default () => { throw new ConfigError('ERR_CONFIG', 'no such door') }
`

/** Every source of `src/` makes one file of types; the manual comes along. */
function expectedFiles(): string[] {
  const modules = filesUnder(root, 'src', '.ts').map((file) => file.replace(/^src/, 'dist').replace(/\.ts$/, ''))
  const fixed = ['LICENSE', 'README.md', 'bin/sluice.js', 'package.json']
  // What help texts and error texts point at, and the schema for editors.
  const docs = ['.md', '.json', '.png'].flatMap((ending) => filesUnder(root, 'docs', ending))
  const pages = docs.filter((file) => !file.endsWith('/conformance.md'))
  // What the README and the manual link to.
  const linked = ['SECURITY.md', 'Dockerfile', 'compose.yaml', 'bench/RESULTS.md', 'bench/results.svg']
  return [
    ...fixed,
    ...linked,
    ...filesUnder(root, 'changes', '.md'),
    ...filesUnder(root, 'examples/plugin', ''),
    ...filesUnder(root, 'ops', ''),
    ...pages,
    ...PAGE,
    ...modules.map((module) => `${module}.d.ts`),
    ...BUNDLED_FILES.flatMap((name) => [`dist/${name}.js`, ...(name === 'index' ? [] : [`dist/${name}.js.map`])]),
  ].sort()
}

test('the package holds what users need, installs, and works', async (t) => {
  const checkout = await cleanCheckout(t)
  const packed = temporaryFolder(t)
  await run(checkout, 'npm', 'pack', '--pack-destination', packed)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const tarball = join(packed, `sluice-${version}.tgz`)

  await t.test('nothing else is in it', async () => {
    const listed = (await run(packed, 'tar', '-tzf', tarball)).trim().split('\n')
    const paths = listed.map((path) => path.replace(/^package\//, ''))
    assert.deepEqual(paths.filter((path) => !isChunk(path) && !isAsset(path)).sort(), expectedFiles())
    const assets = paths.filter((path) => isAsset(path) && /\.(?:js|css)$/.test(path))
    assert(assets.length > 0)
    for (const asset of assets) for (const end of ['.br', '.gz']) assert(paths.includes(asset + end), asset + end)
  })

  const project = temporaryFolder(t)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }))
  const compiler = `typescript@~${OLDER_TYPESCRIPT}`
  await run(project, 'npm', 'install', '--no-audit', '--no-fund', tarball, '@types/node@20', compiler)

  const compilers = { newest: root, [OLDER_TYPESCRIPT]: project }
  for (const [version, home] of Object.entries(compilers)) {
    for (const [index, consumer] of consumers.entries()) {
      await t.test(`its types resolve, and what they promise is there: TypeScript ${version}, ${consumer.title}`, () =>
        compileAndRun(project, `${version}-${index}`, join(home, 'node_modules/typescript/bin/tsc'), consumer),
      )
    }
  }

  await t.test('a stack trace leads into its sources', async () => {
    const map = JSON.parse(readFileSync(join(project, 'node_modules/sluice/dist/chunks/broker.js.map'), 'utf8')) as {
      sources: string[]
      sourcesContent: string[]
    }
    const source = map.sourcesContent[map.sources.indexOf('../../src/create-broker.ts')]
    assert.equal(source, readFileSync(join(root, 'src/create-broker.ts'), 'utf8'))
    const script =
      "import('sluice').then(({ Broker }) => new Broker({ 'max-qos': 3 }).start()).catch((e) => console.log(e.stack))"
    assert.match(
      await run(project, process.execPath, '--enable-source-maps', '-e', script),
      /src[/\\]config[/\\]options\.ts:\d+/,
    )
  })

  await t.test('a bare broker loads few files of it', () => {
    const folder = join(project, 'node_modules/sluice/dist')
    assert.deepEqual(loadedWith(folder, ['cli/main.js']), [
      'chunks/broker.js',
      'chunks/door.js',
      'chunks/program.js',
      'chunks/rolldown-runtime.js',
      'cli/main.js',
    ])
    assert.deepEqual(loadedWith(folder, ['index.js']), ['chunks/broker.js', 'chunks/rolldown-runtime.js', 'index.js'])
  })

  await t.test('its threads are found', async () => {
    writeFileSync(join(project, 'threads.mjs'), THREADS)
    assert.equal(await run(project, process.execPath, 'threads.mjs'), '20020000 true\n')
  })

  await t.test('a plugin that imports it shares its classes with the program', async () => {
    writeFileSync(join(project, 'plugin.mjs'), PLUGIN)
    writeFileSync(join(project, 'sluice.yaml'), 'plugins: [./plugin.mjs]\n')
    await assert.rejects(run(project, 'npx', '--no-install', 'sluice', 'check', '-c', 'sluice.yaml'), (error) =>
      /^sluice.yaml:1:11: no such door$/m.test((error as { stderr: string }).stderr),
    )
    const script = `const [{ Broker }, { createTestBroker }] = [await import('sluice'), await import('sluice/testing')]
      console.log((await createTestBroker()) instanceof Broker)`
    assert.equal(await run(project, process.execPath, '--input-type=module', '-e', script), 'true\n')
  })

  await t.test('its program runs', async () => {
    assert.equal(await run(project, 'npx', '--no-install', 'sluice', '--version'), `${version}\n`)
    const table = await run(project, 'npx', '--no-install', 'sluice', 'bench', '--rows', '1-1', '--seconds', '0.2')
    assert.match(table, /^1 → 1, QoS 0 +sluice +[\d,]+ +\d/m)
  })
})
