/** The package as users get it: packed, installed into a project of its own, imported, run. Needs the registry. @module */
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

/** What README promises to work: nothing is left unchecked (`skipLibCheck` is off), and only Node's types are needed. */
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

/** The page: its assets have the hash of their content in their names, which is left out here. */
const PAGE = ['icon.svg', 'index.html', 'assets/index.css', 'assets/index.js', 'assets/trace.js'].flatMap((name) => [
  `dist/page/${name}`,
  ...(name === 'icon.svg' ? [] : [`dist/page/${name}.br`, `dist/page/${name}.gz`]),
])

function withoutHash(path: string): string {
  return path.replace(/^(dist\/page\/assets\/\w+)-[\w-]{8}\./, '$1.')
}

/** Every source of `src/` makes one module and its types; the manual comes along. */
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
    ...modules.flatMap((module) => [`${module}.d.ts`, `${module}.js`, `${module}.js.map`]),
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
    assert.deepEqual(listed.map((path) => withoutHash(path.replace(/^package\//, ''))).sort(), expectedFiles())
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
    const map = JSON.parse(readFileSync(join(project, 'node_modules/sluice/dist/create-broker.js.map'), 'utf8')) as {
      sources: string[]
      sourcesContent: string[]
    }
    assert.deepEqual(map.sources, ['../src/create-broker.ts'])
    assert.equal(map.sourcesContent[0], readFileSync(join(root, 'src/create-broker.ts'), 'utf8'))
    const script =
      "import('sluice').then(({ Broker }) => new Broker({ 'max-qos': 3 }).start()).catch((e) => console.log(e.stack))"
    assert.match(
      await run(project, process.execPath, '--enable-source-maps', '-e', script),
      /src[/\\]config[/\\]options\.ts:\d+/,
    )
  })

  await t.test('its program runs', async () => {
    assert.equal(await run(project, 'npx', '--no-install', 'sluice', '--version'), `${version}\n`)
    const table = await run(project, 'npx', '--no-install', 'sluice', 'bench', '--rows', '1-1', '--seconds', '0.2')
    assert.match(table, /^1 → 1, QoS 0 +sluice +[\d,]+ +\d/m)
  })
})
