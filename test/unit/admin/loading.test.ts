import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { importsOf, readSource } from '../../../tools/source.ts'
import { root } from '../../../tools/main.ts'

/**
 * Whatever is loaded with that file: what it imports, and what these import, save for what an `import()` asks for
 * later.
 */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  const later = new Set([...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, specifier]) => specifier))
  for (const { specifier } of importsOf(text, readSource(text).code)) {
    if (specifier.startsWith('.') && !later.has(specifier)) loadedWith(join(dirname(file), specifier), seen)
  }
  return seen
}

test('a broker that neither stores nor exports anything loads neither the journal nor what exports', () => {
  const loaded = [...loadedWith(join(root, 'src/index.ts'))].map((file) => relative(join(root, 'src'), file))
  const optional = /^telemetry\/|^stores\/(?:journal|segment|checkpoint|maintenance|recover|node-disk)/
  assert.deepEqual(
    loaded.filter((file) => optional.test(file)),
    [],
  )
  const texts = loaded.map((file) => readFileSync(join(root, 'src', file), 'utf8'))
  assert.ok(!texts.some((text) => /^import (?!type)[^\n]*'@opentelemetry/m.test(text)))
})

test('a program that does not call `broker.admin` does not load it', () => {
  const loaded = [...loadedWith(join(root, 'src/index.ts'))]
  assert.ok(loaded.includes(join(root, 'src/broker/broker.ts')))
  // A function that the index exports by itself.
  const exported = [join(root, 'src/admin/prometheus.ts')]
  assert.deepEqual(
    loaded.filter((file) => file.startsWith(join(root, 'src/admin/'))),
    exported,
  )
})

test('the API is loaded with the first request to it, and not with its address', () => {
  // As compiled, without the imports of types.
  const folder = join(root, 'build/src/admin')
  const loaded = [...loadedWith(join(folder, 'http/http-door.js'))].map((file) => relative(folder, file))
  assert.ok(loaded.includes('http/http-server.js'))
  const api = ['http/api.js', 'http/locks.js', 'operation-table.js', 'console/consoles.js']
  assert.deepEqual(
    api.filter((file) => loaded.includes(file)),
    [],
  )
})
