import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { anchorOf, apiPage, headingOf } from '../../../tools/api-page.ts'
import type { ApiEntry } from '../../../tools/api-entries.ts'
import { readApi } from '../../../tools/api-reference.ts'
import { readDocComment } from '../../../tools/doc-comment.ts'
import { root } from '../../../tools/main.ts'

const points = readApi()
const entries = points.flatMap((point) => point.entries)
const pages = ['api', 'testing'].map((name) => readFileSync(join(root, `docs/reference/${name}.md`), 'utf8'))

/** A first sentence: it begins with a capital, a digit, a sign or code, and ends with a full stop or a colon. */
const SENTENCE = /^[^a-z\s][\s\S]*?[.:](?=\s|$)/

test('every export has an entry on a page, and a doc comment that begins with a sentence', () => {
  assert.deepEqual(
    points.map(({ specifier }) => specifier),
    ['sluice', 'sluice/testing'],
  )
  assert.ok(entries.length > 100)
  const headings = new Set(pages.flatMap((page) => page.split('\n').filter((line) => line.startsWith('### '))))
  const unlisted = entries.filter((entry) => !headings.has(`### ${headingOf(entry)}`))
  const undescribed = entries.filter(({ doc }) => !SENTENCE.test(doc?.text ?? ''))
  assert.deepEqual([unlisted, undescribed].map(names), [[], []])
})

function names(found: readonly ApiEntry[]): string[] {
  return found.map(({ name }) => name)
}

test('every method of an exported class has a doc comment', () => {
  const methods = entries
    .filter(({ kind }) => kind === 'class')
    .flatMap(({ name, members }) => members.map((member) => ({ ...member, name: `${name}.${member.name}` })))
    .filter(({ kind }) => kind === 'method')
  assert.ok(methods.length > 50)
  assert.deepEqual(
    methods.filter(({ doc }) => !SENTENCE.test(doc?.text ?? '')).map(({ name }) => name),
    [],
  )
})

test('every link of a page leads to an entry, and no two entries share an anchor', () => {
  const [api, testing] = pages.map((page) => {
    const anchors = [...page.matchAll(/^##+ (.*)$/gm)].map(([, title]) => anchorOf(title!))
    assert.equal(new Set(anchors).size, anchors.length)
    return new Set(anchors)
  })
  for (const [index, page] of pages.entries()) {
    for (const [, file, anchor] of page.matchAll(/\]\((\w+\.md)?#([\w-]+)\)/g)) {
      if (file === 'configuration.md' || file === 'metrics.md' || file === 'events.md') continue
      const known = file === 'api.md' || (file === undefined && index === 0) ? api! : testing!
      assert.ok(known.has(anchor!), `${file ?? ''}#${anchor}`)
    }
  }
})

test('a doc comment is cut into its text and its tags', () => {
  const comment = `/**
     * Adds two numbers,
     * and more.
     *
     * @param options.one the first;
     *   default 0
     * @returns the sum
     * @throws {RangeError} if it is too large
     * @example
     * add(1, 2) // 3
     */`
  assert.deepEqual(readDocComment(comment), {
    text: 'Adds two numbers,\nand more.',
    tags: [
      { tag: 'param', name: 'options.one', text: 'the first;\ndefault 0' },
      { tag: 'returns', name: '', text: 'the sum' },
      { tag: 'throws', name: 'RangeError', text: 'if it is too large' },
      { tag: 'example', name: '', text: 'add(1, 2) // 3' },
    ],
  })
  assert.deepEqual(readDocComment('/** One line. @module */').tags, [{ tag: 'module', name: '', text: '' }])
})

test('a page shows kind, text, signature, parameters, errors, example, members and links', async () => {
  const member = {
    name: 'say',
    kind: 'method',
    isOptional: false,
    doc: readDocComment('/** Says it. @param text what */'),
    signatures: ['say(text: string): void'],
  } as const
  const size = {
    name: 'size',
    kind: 'property',
    isOptional: true,
    doc: undefined,
    signatures: ['{ readonly a: 1 }'],
  } as const
  const talker: ApiEntry = {
    name: 'Talker',
    kind: 'class',
    file: 'testing/talker.d.ts',
    doc: readDocComment('/**\n * Talks to {@link Other}.\n *\n *   a ──> b\n *\n * @example\n * new Talker()\n */'),
    signatures: ['class Talker extends Other {}'],
    members: [size, member],
    mentions: new Set(['Other', 'Talker']),
  }
  const page = await apiPage({
    title: 'Title',
    introduction: 'Introduction.\n',
    entries: [talker],
    links: new Map([
      ['Talker', '#class-talker'],
      ['Other', 'api.md#other'],
    ]),
    membersElsewhere: new Map(),
  })
  assert.equal(
    page,
    `# Title

Introduction.

- **Testing**: [\`Talker\`](#class-talker)

## Testing

### Class: Talker

Talks to [\`Other\`](api.md#other).

~~~text
  a ──> b
~~~

~~~typescript
class Talker extends Other
~~~

Example:

~~~typescript
new Talker()
~~~

- \`size?: { a: 1 }\`

#### talker.say()

Says it.

~~~typescript
say(text: string): void
~~~

- \`text\`: what

See also [\`Other\`](api.md#other).
`.replaceAll('~~~', '```'),
  )
})

test('a source that no group of the page names is an error', async () => {
  const entry = { ...entries[0]!, file: 'nowhere/new.d.ts' }
  const page = { title: '', introduction: '', entries: [entry], links: new Map(), membersElsewhere: new Map() }
  await assert.rejects(apiPage(page), /nowhere\/new\.d\.ts: add it to GROUPS/)
})
