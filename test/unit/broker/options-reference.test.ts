import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { optionTable, rowsOf } from '../../../src/config/option-table.ts'
import { root } from '../../../tools/main.ts'
import { makeReference } from '../../../tools/reference.ts'

interface JsonSchema {
  readonly properties: Readonly<Record<string, JsonSchema & { readonly additionalProperties: JsonSchema }>>
}

test('types, reference page and JSON Schema are what the table makes of them', async () => {
  assert.deepEqual(await makeReference(true), [])
})

test('the reference page and the JSON Schema name the keys of the table and no other', async () => {
  const page = await readFile(join(root, 'docs/reference/configuration.md'), 'utf8')
  const onPage = [...page.matchAll(/<a id="([\w.-]+)"><\/a>/g)].map((match) => match[1]!)
  const inTable = optionTable.map(({ scope, key }) => `${scope}.${key}`)
  assert.deepEqual(onPage.toSorted(), inTable.toSorted())

  const schema = JSON.parse(await readFile(join(root, 'docs/reference/config.schema.json'), 'utf8')) as JsonSchema
  const sections = {
    broker: schema,
    listener: schema.properties['listeners']!.additionalProperties,
    auth: schema.properties['auth']!,
    'auth.jwt': schema.properties['auth']!.properties['jwt']!,
    'auth.http': schema.properties['auth']!.properties['http']!,
    'auth.scram': schema.properties['auth']!.properties['scram']!,
    'topic-check': schema.properties['topic-check']!,
    intercept: schema.properties['intercept']!,
    persistence: schema.properties['persistence']!,
    log: schema.properties['log']!,
    admin: schema.properties['admin']!,
    'admin.openid': schema.properties['admin']!.properties['openid']!,
    telemetry: schema.properties['telemetry']!,
  } as const
  for (const [section, { properties }] of Object.entries(sections)) {
    const keys = rowsOf(section as keyof typeof sections).map(({ key }) => key)
    assert.deepEqual(Object.keys(properties).toSorted(), keys.toSorted(), section)
  }
})
