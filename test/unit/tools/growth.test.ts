/** `docs/decisions/growth.md` against the source: whatever can grow has a row there, with an account and a limit. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { optionTable } from '../../../src/config/option-table.ts'
import { root } from '../../../tools/main.ts'

/** Programs of their own, what only a test uses, and what the configuration or a start fills once. */
const NO_PART_OF_A_RUN =
  /^(bench|cli|testing|codec|config)\/|^broker\/(durable\/(restore|load-watch)|sessions\/session-view)|^stores\/(memory-disk|find-tail|damage|store-metrics|change-codec)/
const GROWS =
  /\b(Map|Set|WideMap|NumberMap|LinkedList|RecentMap|Ring|Holders|TopicMap|TopicTrie|MatchCache|EntryQueue|TimerWheel|LoginCache|Arena|RecentFrames|BufferPool)[<(]|\[\]/
/** What cannot change after it was made; constants are written in capitals. */
const FIXED =
  /^Readonly(Map|Set|<)|^readonly |^\{ readonly.*(?<!\[\])$|^Weak|^\(.*=>|^new Weak|^new Set\(\[|^Object\.keys/
const FIELD = /^ {2}(?:static )?(?:readonly )?(#?\w+)(?:: ([^=]+?))?(?: = (.*))?$/
const VARIABLE = /^(?:export )?(?:let|const) (\w+)(?:: ([^=]+?))? = (.*)$/

function growingIn(file: string): string[] {
  const found: string[] = []
  for (const line of readFileSync(join(root, 'src', file), 'utf8').split('\n')) {
    const [, name, type = '', value = ''] = FIELD.exec(line) ?? VARIABLE.exec(line) ?? []
    if (name === undefined || /^([A-Z_\d]+|return|throw|no[A-Z]\w+)$/.test(name)) continue
    if (GROWS.test(`${type} ${value}`) && !FIXED.test(type) && !FIXED.test(value)) found.push(name)
  }
  return found
}

function growing(): Set<string> {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  const inUse = files.filter((file) => !NO_PART_OF_A_RUN.test(file))
  return new Set(inUse.flatMap((file) => growingIn(file).map((name) => `${file} ${name}`)))
}

interface Row {
  readonly file: string
  readonly names: readonly string[]
  readonly bound: string
}

function codesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)
}

function rows(): Row[] {
  const page = readFileSync(join(root, 'docs/decisions/growth.md'), 'utf8')
  return page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [, file, names, , bound] = line.split('|')
      return { file: codesIn(file!)[0]!, names: codesIn(names!), bound: bound!.trim() }
    })
}

test('everything that can grow has a row with its limit, and every row is about something that can', () => {
  const listed = new Set(rows().flatMap(({ file, names }) => names.map((name) => `${file} ${name}`)))
  const found = growing()
  assert.ok(found.size > 90, `${found.size} found`)
  assert.deepEqual(
    [...found].filter((one) => !listed.has(one)),
    [],
    'these have no row in docs/decisions/growth.md',
  )
  assert.deepEqual(
    [...listed].filter((one) => !found.has(one)),
    [],
    'these are in docs/decisions/growth.md, and not in the source',
  )
})

test('every limit that the page names exists', () => {
  const options = new Set(optionTable.map(({ key }) => key))
  for (const { file, bound } of rows()) {
    assert.notEqual(bound, '', file)
    const elsewhere = /^`([\w-]+\.ts)`/.exec(bound)?.[1]
    const folder = file.slice(0, file.lastIndexOf('/') + 1)
    const source = readFileSync(join(root, 'src', elsewhere === undefined ? file : folder + elsewhere), 'utf8')
    for (const code of codesIn(bound)) {
      if (/^[a-z]+(-[a-z]+)+$/.test(code)) assert.ok(options.has(code), `${file}: there is no option ${code}`)
      else if (/^[A-Z_]+$/.test(code)) assert.ok(source.includes(code), `${file}: there is no ${code}`)
    }
  }
})
