/** The package as users get it: packed, installed into a project of its own, imported, run. Needs the registry. @module */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../tools/main.ts'
import { filesUnder } from '../../tools/source.ts'
import { cleanCheckout, run, temporaryFolder } from './checkout.ts'

const CONSUMER = `import { createBroker, type Broker, type ConfigInput } from 'sluice'
import { createTestBroker } from 'sluice/testing'

const input: ConfigInput = { listeners: { default: { bind: '127.0.0.1:0' } } }
const broker: Broker = await createBroker(input)
console.log(broker.listeners[0]?.url)
await broker.close()
const inMemory = await createTestBroker()
await inMemory.close()
`

const COMPILER_OPTIONS = { module: 'nodenext', target: 'es2022', strict: true, types: ['node'] }

/** Every source of `src/` makes one module and its types; the manual comes along. */
function expectedFiles(): string[] {
  const modules = filesUnder(root, 'src', '.ts').map((file) => file.replace(/^src/, 'dist').replace(/\.ts$/, ''))
  const fixed = ['LICENSE', 'README.md', 'bin/sluice.js', 'package.json']
  // What help texts and error texts point at, and the schema for editors.
  const docs = ['.md', '.json'].flatMap((ending) => filesUnder(root, 'docs', ending))
  const pages = docs.filter((file) => !file.endsWith('/conformance.md'))
  return [...fixed, ...pages, ...modules.flatMap((module) => [`${module}.d.ts`, `${module}.js`])].sort()
}

test('the package holds what users need, installs, and works', async (t) => {
  const checkout = await cleanCheckout(t)
  const packed = temporaryFolder(t)
  await run(checkout, 'npm', 'pack', '--pack-destination', packed)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const tarball = join(packed, `sluice-${version}.tgz`)

  await t.test('nothing else is in it', async () => {
    const listed = (await run(packed, 'tar', '-tzf', tarball)).trim().split('\n')
    assert.deepEqual(listed.map((path) => path.replace(/^package\//, '')).sort(), expectedFiles())
  })

  const project = temporaryFolder(t)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  await run(project, 'npm', 'install', '--no-audit', '--no-fund', tarball, '@types/node@20')

  await t.test('its types resolve, and what they promise is there', async () => {
    writeFileSync(join(project, 'main.ts'), CONSUMER)
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['main.ts'] }),
    )
    await run(project, process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', '.')
    assert.match(await run(project, process.execPath, 'main.js'), /^mqtt:\/\/127\.0\.0\.1:\d+\n$/)
  })

  await t.test('its program runs', async () => {
    assert.equal(await run(project, 'npx', '--no-install', 'sluice', '--version'), `${version}\n`)
    const table = await run(project, 'npx', '--no-install', 'sluice', 'bench', '--rows', '1-1', '--seconds', '0.2')
    assert.match(table, /^1 → 1, QoS 0 +sluice +[\d,]+ +\d/m)
  })
})
