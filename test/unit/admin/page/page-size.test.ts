/** What a browser loads before it can show anything. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
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
  const files = readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)))
  // What is named otherwise is loaded when its place is first visited.
  const compressed = files.filter((file) => /index[^/]*\.br$/.test(file))
  assert.equal(compressed.length, 3, 'a document, a script and a style sheet')
  const bytes = compressed.reduce((sum, file) => sum + statSync(file).size, 0)
  assert(bytes < MOST_BYTES, `${bytes} bytes`)
})
