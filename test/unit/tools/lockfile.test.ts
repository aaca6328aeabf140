import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../tools/main.ts'

interface Lock {
  readonly packages: Readonly<Record<string, { readonly integrity?: string; readonly link?: boolean }>>
}

test('package-lock.json has a strong integrity for every package, whatever system it is for', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock
  const others = Object.entries(packages).filter(([path, { link }]) => path !== '' && link !== true)
  assert.ok(others.length > 100)
  const without = others.filter(([, { integrity = '' }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity))
  assert.deepEqual(
    without.map(([path]) => path),
    [],
  )
})
