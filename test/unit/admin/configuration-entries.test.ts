/** Where each value of the configuration comes from. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configurationEntries } from '../../../src/admin/views/configuration-entries.ts'
import type { ConfigurationEntryView } from '../../../src/broker/host/configuration-view.ts'
import { parseConfig } from '../../../src/config/config-file.ts'
import { resolveOptions, type ConfigInput } from '../../../src/config/options.ts'

const TEXT = `maxQos: 1
server_reference: \${OTHER}
max-queued-messages: \${QUEUE:-500}
listeners:
  Plain:
    bind: 127.0.0.1:1883
    receive-maximum: 20
  tablets:
    bind: 127.0.0.1:8080
    type: ws
users: {}
`

function entries(text: string, given: object = {}): ReadonlyMap<string, ConfigurationEntryView> {
  const { input, source } = parseConfig(text, 'sluice.yaml', { OTHER: 'b.example' })
  const all = { ...(input as object), ...given } as ConfigInput
  return new Map(configurationEntries(resolveOptions(all, source), all, source).map((entry) => [entry.key, entry]))
}

const cases: readonly (readonly [key: string, value: string, source: string, line: number | undefined])[] = [
  ['max-qos', '1', 'file', 1],
  ['server-reference', 'b.example', 'environment', 2],
  ['max-queued-messages', '500', 'environment', 3],
  ['listeners.Plain.bind', '127.0.0.1:1883', 'file', 6],
  ['listeners.Plain.receive-maximum', '20', 'file', 7],
  ['listeners.tablets.type', 'ws', 'file', 10],
  ['receive-maximum', '1000', 'default', undefined],
  ['gather-pause', 'auto', 'program', undefined],
]

for (const [key, value, source, line] of cases) {
  test(`${key} is ${value}, by ${source}`, () => {
    const file = line === undefined ? undefined : 'sluice.yaml'
    assert.deepEqual(entries(TEXT, { 'gather-pause': 'auto' }).get(key), { key, value, source, file, line })
  })
}

test('an empty section that switches something on has its line', () => {
  const users = [...entries(TEXT)].filter(([key]) => key === 'users' || key.startsWith('users.'))
  assert(users.length > 0)
})

test('a listener shows what it has of its own, not what it has from the top level', () => {
  const keys = [...entries(TEXT).keys()]
  assert(!keys.includes('listeners.tablets.receive-maximum'))
  assert(!keys.includes('listeners.Plain.max-qos'))
  assert(keys.every((key) => !key.endsWith('admits-anonymous') && !key.endsWith('.host')))
})

test('what a program has given has no line, and secrets are hidden', () => {
  const input = { listeners: {}, admin: { bind: '127.0.0.1:0', 'max-traces': 2 } } as ConfigInput
  const all = configurationEntries(resolveOptions(input), input, undefined)
  const traces = all.find(({ key }) => key === 'admin.max-traces')
  assert.deepEqual(traces, { key: 'admin.max-traces', value: '2', source: 'program', file: undefined, line: undefined })
})
