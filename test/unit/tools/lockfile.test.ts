import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
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

test('every file that the README or a page of the manual links to is in the package', () => {
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
  const [packed, left] = [files.filter((one) => !one.startsWith('!')), files.filter((one) => one.startsWith('!'))]
  const isPacked = (path: string): boolean =>
    path === 'README.md' ||
    path === 'LICENSE' ||
    (packed.some((one) => path === one || path.startsWith(`${one}/`)) && !left.includes(`!${path}`))
  const pages = [
    'README.md',
    ...readdirSync(join(root, 'docs')).flatMap((one) => (one.endsWith('.md') ? `docs/${one}` : [])),
  ]
  const links = pages.flatMap((page) =>
    Array.from(readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!\w+:)([^)#\s]+)/g), ([, target]) => ({
      page,
      target: posix.join(posix.dirname(page), target!),
    })),
  )
  assert.ok(links.length > 30)
  for (const { target } of links) statSync(join(root, target))
  assert.deepEqual(
    links.filter(({ target }) => !isPacked(target)),
    [],
  )
})
