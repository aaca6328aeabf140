import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { anchorOf } from '../../../tools/api-page.ts'
import { root } from '../../../tools/main.ts'
import { filesUnder } from '../../../tools/source.ts'

const TOP = ['README.md', 'SECURITY.md', 'bench/README.md', 'examples/plugin/README.md']
const PAGES = [...TOP, ...filesUnder(root, 'docs', '.md'), ...filesUnder(root, 'changes', '.md')]

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** What a page says without its blocks of code and its code between backticks. */
function proseOf(file: string): string {
  return read(file)
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .replaceAll(/`[^`\n]*`/g, '')
}

/** The anchors of a page: its headings, and those set by hand. */
function anchorsOf(file: string): ReadonlySet<string> {
  const text = read(file)
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!))
  const set = [...text.matchAll(/<a id="([^"]*)">/g)].map(([, id]) => id!)
  return new Set([...headings, ...set])
}

test('every link between pages leads to a file that is there, and to a heading of it', () => {
  const links = PAGES.flatMap((page) =>
    [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => ({ page, target: target! })),
  ).filter(({ target }) => !/^\w+:/.test(target))
  assert.ok(links.length > 300)
  const broken = links.filter(({ page, target }) => {
    const [path, anchor] = target.split('#') as [string, string?]
    const file = path === '' ? page : join(dirname(page), path)
    if (!existsSync(join(root, file))) return true
    return anchor !== undefined && !anchorsOf(file).has(anchor)
  })
  assert.deepEqual(broken, [])
})
