import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { entryPoints, readDeclarations } from '../../../tools/declarations.ts'
import { root } from '../../../tools/main.ts'

/** The missing names of entry points in a package that consists of the given declaration files, the main one first. */
function missing(files: Readonly<Record<string, string>>, ...entries: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-declarations-'))
  try {
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
    const points = entries.map((file) => ({ specifier: file, file: join(folder, file) }))
    return readDeclarations(folder, points, (read) =>
      read.flatMap((entry) =>
        entry.missing.map(({ name, mentionedBy }) => `${entry.specifier}: ${name} by ${mentionedBy.join(', ')}`),
      ),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('every type that a signature of an entry point names can be imported by name', () => {
  const folder = join(root, 'build/src')
  const points = entryPoints(join(root, 'package.json'), folder)
  assert.deepEqual(
    points.map(({ specifier }) => specifier),
    ['sluice', 'sluice/testing'],
  )
  readDeclarations(folder, points, (entries) => {
    for (const { specifier, exports, missing: names } of entries) {
      assert.deepEqual(names, [], specifier)
      assert.ok(exports.length > 20)
    }
  })
})

test('a name is found wherever a signature can mention it, and through others that are missing', () => {
  const files = {
    'index.d.ts': `
      import type { Plain, Renamed as Other } from './parts.js'
      import * as parts from './parts.js'
      export declare function call(one: Plain, two?: readonly Other[]): Promise<parts.Qualified>
      export declare class Door<T extends Bound> extends Base { get state(): import('./parts.js').Inline; #private; }
      interface Bound {}
      declare class Base { of: typeof value }
      declare const value: unique symbol
      export {}`,
    'parts.d.ts': `
      export interface Plain { deeper: Deeper }
      export interface Renamed {}
      export interface Qualified {}
      export interface Inline {}
      interface Deeper {}
      export {}`,
  }
  assert.deepEqual(missing(files, 'index.d.ts'), [
    'index.d.ts: Plain by call',
    'index.d.ts: Renamed by call',
    'index.d.ts: Qualified by call',
    'index.d.ts: Bound by Door',
    'index.d.ts: Base by Door',
    'index.d.ts: Inline by Door',
    'index.d.ts: Deeper by Plain',
    'index.d.ts: value by Base',
  ])
})

test('a name that no user can meet is not missed: private members, and the constructor of a class exported as a type', () => {
  const files = {
    'index.d.ts': `
      import { Maker as Made } from './maker.js'
      export type Maker = Made
      export declare class Box { #private; private readonly hidden; protected shown: string }`,
    'maker.d.ts': `
      export interface Parts {}
      export declare class Maker { constructor(parts: Parts); private use(parts: Parts): void; again(): Maker }`,
  }
  assert.deepEqual(missing(files, 'index.d.ts'), [])
  const asValue = { ...files, 'index.d.ts': `export { Maker } from './maker.js'` }
  assert.deepEqual(missing(asValue, 'index.d.ts'), ['index.d.ts: Parts by Maker'])
})

test('what the main entry point exports, the others need not export again, but not the other way round', () => {
  const files = {
    'index.d.ts': `export type { A } from './a.js'`,
    'other.d.ts': `import type { A } from './a.js'\nexport declare function use(a: A): void`,
    'a.d.ts': `export interface A {}`,
  }
  assert.deepEqual(missing(files, 'index.d.ts', 'other.d.ts'), [])
  assert.deepEqual(missing(files, 'other.d.ts', 'index.d.ts'), ['other.d.ts: A by use'])
})
