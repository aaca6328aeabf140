/** What a browser loads before it can show anything. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { build } from 'vite'
import { root } from '../../../../tools/main.ts'

/** Compressed, with everything on it. */
const MOST_BYTES = 60_000

test('the page takes less than 60 kB to load', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-page-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const configFile = join(root, 'page/vite.config.ts')
  await build({ root: join(root, 'page'), configFile, logLevel: 'error', build: { outDir: folder } })
  const text = readFileSync(join(folder, 'index.html'), 'utf8')
  // What the document does not name is loaded when its place is first visited.
  const named = [...text.matchAll(/"\.\/(assets\/[^"]+)"/g)].map(([, name]) => name!)
  assert(named.some((name) => name.endsWith('.js')) && named.some((name) => name.endsWith('.css')))
  const files = ['index.html', ...named].map((name) => join(folder, `${name}.br`))
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
  assert(bytes < MOST_BYTES, `${bytes} bytes`)
})
