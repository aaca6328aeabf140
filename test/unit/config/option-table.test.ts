import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveOptions } from '../../../src/config/options.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { toCamel } from '../../../src/config/option-spelling.ts'
import { optionTable } from '../../../src/config/option-table.ts'
import type { OptionRow, OptionType } from '../../../src/config/option-table.ts'
import { configOf, messageAt, pathOf, problemsOf, sectionOf } from '../broker/options-support.ts'

/** For each type a value that is right wherever the row says nothing else, and some that are wrong. */
const SAMPLES: Readonly<Record<OptionType, { right: unknown; wrong: readonly unknown[] }>> = {
  integer: { right: undefined, wrong: ['ten', '10', 1.5, NaN, Infinity, true, null, [1]] },
  number: { right: undefined, wrong: ['ten', '10', NaN, Infinity, true, null, [1]] },
  'number-or-auto': { right: 'auto', wrong: ['ten', '10', 'Auto', NaN, Infinity, true, null, [1]] },
  boolean: { right: 'on', wrong: ['true / false', 'maybe', 1, 0, null, []] },
  choice: { right: undefined, wrong: ['neither', 17, true, null] },
  text: { right: 'some words', wrong: [1, true, null, {}] },
  path: { right: 'a/file', wrong: ['', 1, true, null, ['a']] },
  bind: { right: '127.0.0.1:0', wrong: ['', 1883, null, 'localhost', '::1:1883', 'host:70000', '1.2.3:1883'] },
  'websocket-path': { right: '/mqtt', wrong: ['mqtt', '/a?b', '/a b', 1, null] },
  origins: {
    right: ['https://example.com', 'https://*.example.com', 'capacitor://localhost', 'http://[::1]:8080', 'null', '*'],
    wrong: [
      ...['*', ['example.com'], ['https://example.com/page'], ['https://example.com/'], [1], ['*.example.com']],
      ...[['https://ex*mple.com'], ['https://*.*.example.com'], ['https://*'], ['https://']],
    ],
  },
  hosts: {
    right: ['mqtt.example.com', 'broker'],
    wrong: ['broker', ['broker:8080'], ['ws://broker'], ['*.broker'], ['']],
  },
  'address-ranges': { right: ['10.0.0.1', 'fd00::/8'], wrong: ['10.0.0.1', ['10.0.0.0/33'], ['proxy'], ['::/8/8']] },
  'protocol-versions': { right: [3.1, '3.1.1', 5, '5.0'], wrong: [[], [4], ['5.1'], 5] },
  certificates: { right: [], wrong: ['a.crt', [{ certfile: 'a.crt' }], [{ certfile: 'a', keyfile: 'b', name: 'c' }]] },
  plugins: {
    right: ['./mine.js', () => ({ name: 'mine' }), { name: 'mine' }],
    wrong: ['mine', [''], [1], [{}], [{ plugin: '' }]],
  },
  'topic-filters': { right: ['a/#'], wrong: ['a', [1], ['a#']] },
  'access-list': {
    right: { ann: ['a/+'], bob: { publish: ['%u/#'], subscribe: [], deny: ['%c'] } },
    wrong: [['a'], { ann: 'a' }, { ann: null }, { ann: [1] }, { ann: ['a+'] }, { ann: ['a%u'] }, { ann: { read: [] } }],
  },
  'role-map': { right: { viewer: ['ops'] }, wrong: [['ops'], { viewer: 'ops' }, { boss: ['x'] }, { viewer: [''] }] },
  groups: { right: { admins: ['ann'] }, wrong: [['ann'], { admins: 'ann' }, { admins: [1] }] },
  'durability-map': { right: { 'a/#': 'process' }, wrong: [['a'], { 'a/#': 'sometimes' }, { 'a#': 'disk' }, 'disk'] },
  url: { right: 'https://example.com/login', wrong: ['example.com', 'ftp://example.com', 1, null] },
  headers: { right: { authorization: 'x' }, wrong: [['x'], { authorization: 1 }, 'x'] },
  choices: { right: undefined, wrong: ['HS256', [], ['none'], [1]] },
  section: { right: {}, wrong: [[], 'on', null] },
  listeners: { right: {}, wrong: [['127.0.0.1:1883'], '127.0.0.1:1883', null] },
  bridges: { right: {}, wrong: [['mqtt://127.0.0.1'], 'mqtt://127.0.0.1', null, true] },
  'bridge-rules': {
    right: [{ filter: 'a/#', qos: 2, 'local-prefix': 'b/', 'remote-prefix': 'c/' }],
    wrong: [
      ...['a/#', ['a/#'], [{ qos: 1 }], [{ filter: 'a#' }], [{ filter: '$share/g/a' }], [{ filter: 'a', qos: 3 }]],
      ...[[{ filter: 'a', 'local-prefix': 'b/#' }], [{ filter: 'a', direction: 'out' }]],
    ],
  },
  'server-urls': {
    right: ['mqtt://127.0.0.1', 'mqtts://[::1]:8884'],
    wrong: [[], 'example.com', 1, null, ['http://a']],
  },
  size: { right: '1 KiB', wrong: ['1 kB', '1.5', '-1 MiB', 1.5, NaN, true, null, [1]] },
}

/** A right value that is not the default. */
function rightValue(row: OptionRow): unknown {
  if (row.type === 'choice') return row.values!.find((value) => value !== row.default)
  if (row.type === 'boolean') return row.default === true ? 'off' : 'on'
  if (row.type === 'choices') return row.values!.slice(0, 2)
  return SAMPLES[row.type].right ?? (row.default === row.min ? row.min! + 1 : row.min)
}

/** Whether `input` is refused for `row`'s own value, not for what it lacks beside it. */
function isRefusedAt(input: unknown, path: string): boolean {
  return problemsOf(input).some((problem) => problem.path === path || problem.path.startsWith(`${path}.`))
}

for (const row of optionTable) {
  const path = pathOf(row)

  test(`${path} refuses what is no ${row.type}, and says where and what would do`, () => {
    for (const wrong of SAMPLES[row.type].wrong) {
      const input = configOf(row, { [row.key]: wrong })
      assert.ok(isRefusedAt(input, path), `${JSON.stringify(wrong)} was let in`)
    }
  })

  if (row.min !== undefined) {
    test(`${path} refuses numbers below ${row.min} and above ${row.max}, and names them`, () => {
      const below = row.min! - 1
      assert.match(messageAt(configOf(row, { [row.key]: below }), path), new RegExp(`${row.min}.*got ${below}$`))
      if (row.max === undefined || row.max === Number.MAX_SAFE_INTEGER) return
      const above = row.max + 1
      assert.match(messageAt(configOf(row, { [row.key]: above }), path), new RegExp(`${row.max}.*got ${above}$`))
    })
  }

  test(`${path} is what an unknown neighbour probably means`, () => {
    const misspelt = `${row.key.slice(0, -2)}${row.key.at(-1)}`
    const message = messageAt(configOf(row, { [misspelt]: 1 }), pathOf(row, misspelt))
    assert.equal(message, `is not a known key here; did you mean \`${row.key}\`?`)
  })

  const snake = row.key.replaceAll('-', '_')
  if (snake !== row.key) {
    test(`${path} has aliases in snake_case and camelCase, and is given once`, () => {
      const value = rightValue(row)
      const resultOf = (key: string) => JSON.stringify(problemsOf(configOf(row, { [key]: value })))
      assert.equal(resultOf(snake), resultOf(row.key))
      assert.equal(resultOf(toCamel(row.key)), resultOf(row.key))
      assert.equal(
        messageAt(configOf(row, { [row.key]: value, [snake]: value }), pathOf(row, snake)),
        `is the same key as \`${row.key}\`; remove one of them`,
      )
    })
  }

  if (row.default !== undefined) {
    test(`${path} has its default, which is right itself`, () => {
      const options = resolveOptions(
        configOf(row, {}) as ConfigInput, // for `auth` and `topic-check` an empty section, which is allowed
      )
      const resolved = sectionOf(row, options)[toCamel(row.key)]
      if (row.type === 'path') assert.ok((resolved as string).endsWith(row.default as string))
      else assert.deepEqual(resolved, row.default)
      if (row.type !== 'protocol-versions') assert.deepEqual(problemsOf(configOf(row, { [row.key]: row.default })), [])
    })
  }
}

test('limits are taken over by every listener, and overridden by its own', () => {
  for (const row of optionTable.filter(({ scope }) => scope === 'limits')) {
    const name = toCamel(row.key)
    const value = rightValue(row)
    const one = resolveOptions({ [row.key]: value, listeners: { a: { bind: ':0', allowAnonymous: true } } })
    assert.deepEqual(sectionOf({ ...row, scope: 'listener' }, one)[name], sectionOf(row, one)[name], row.key)
    assert.notDeepEqual(sectionOf(row, one)[name], row.default, row.key)
    const other = resolveOptions({ listeners: { a: { bind: '[::1]:0', [row.key]: value } } } as ConfigInput)
    assert.deepEqual(sectionOf({ ...row, scope: 'listener' }, other)[name], sectionOf(row, one)[name], row.key)
    assert.deepEqual(sectionOf(row, other)[name], row.default, row.key)
  }
})

test('the table names a key once in each section', () => {
  const names = optionTable.map(({ scope, key }) => `${scope === 'limits' ? 'broker' : scope}.${key}`)
  assert.equal(new Set(names).size, names.length)
})
