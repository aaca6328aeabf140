/**
 * Answers of the API against the schemas of its description: types, values, what may be missing, and no field besides.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { openApi } from '../../../../src/admin/http/openapi.ts'
import type { Operation } from '../../../../src/admin/operation.ts'
import { operationTable } from '../../../../src/admin/operation-table.ts'
import { TestApi } from './support.ts'

type Schema = Readonly<Record<string, unknown>>

/** The same schema, in which an object with known fields has no others. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  const isObject = copy['type'] === 'object' && 'properties' in copy
  return isObject && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy
}

interface Described {
  readonly operationId: string
  readonly responses: Readonly<Record<string, { readonly content?: { 'application/json': { schema: Schema } } }>>
}

const document = openApi() as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** What checks an answer, by the name of its operation. */
function validators(): ReadonlyMap<string, (answer: unknown) => string> {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  const components = { schemas: closed(document.components.schemas) }
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))
  return new Map(
    operations.flatMap(({ operationId, responses }) => {
      const schema = responses['200']?.content?.['application/json']?.schema
      if (schema === undefined) return []
      const validate = ajv.compile({ ...(closed(schema) as object), components })
      return [[operationId, (answer) => (validate(answer) ? '' : ajv.errorsText(validate.errors))] as const]
    }),
  )
}

/** Values of parameters that a path needs, and of some that views need. */
const PATHS: Readonly<Record<string, string>> = {
  client: '/clients/meter',
  session: '/sessions/meter',
  heldMessages: '/sessions/meter/messages',
  topics: '/topics?seconds=1',
  why: '/why?clientId=meter&topic=a',
  whyClosed: '/why-closed?clientId=gone',
  whyRefused: '/why-refused?clientId=meter',
  user: '/users/ann',
  group: '/groups/staff',
  role: '/roles/reader',
  explain: '/explain?userName=ann&action=receive&topic=a/b',
}

/** A broker of which there is something to show. */
async function lively(): Promise<TestApi> {
  const api = await TestApi.start({}, { 'max-inflight-messages': 1, users: {}, auth: { 'allow-anonymous': true } })
  const { test: broker } = api
  const meter = broker.connect({ clientId: 'meter' })
  meter.subscribe('#', 1)
  broker.connect({ clientId: 'gone' }).disconnect()
  const sensor = broker.connect({ clientId: 'sensor', version: 4 })
  for (const payload of ['1', '2', '3']) sensor.publish('a', payload, 1, { retain: true })
  await api.ask('POST', '/roles/reader', { body: { rules: [{ action: 'receive', effect: 'allow', topic: 'a/#' }] } })
  await api.ask('POST', '/groups/staff', { body: { roles: ['reader'] } })
  await api.ask('POST', '/users/ann', { body: { roles: ['reader'], groups: [{ name: 'staff', priority: 2 }] } })
  return api
}

test(
  'what every view answers is what the description promises, with no field besides',
  { timeout: 60_000 },
  async () => {
    const api = await lively()
    const checks = validators()
    const asked = new Set<string>()
    const gets = (Object.entries(operationTable) as [string, Operation][]).filter(([, { method }]) => method === 'GET')
    for (const [name, { path }] of gets) {
      const target = PATHS[name] ?? path
      if (target.includes('{')) continue
      const answer = api.ask('GET', target)
      if (name === 'topics') {
        await api.ask('GET', '/drops')
        api.test.advance(1000)
      }
      const { status, value, text } = await answer
      assert.equal(status, 200, `${name}: ${text}`)
      assert.equal(checks.get(name)!(value), '', `${name}: ${text.slice(0, 500)}`)
      asked.add(name)
    }
    const left = gets.map(([name]) => name).filter((name) => !asked.has(name))
    assert.deepEqual(left, ['traceRecords'], 'views that are checked below')
    await api.close()
  },
)

test('what actions answer is what the description promises', { timeout: 60_000 }, async () => {
  const api = await lively()
  const checks = validators()
  const act = async (name: string, method: string, path: string, body?: object): Promise<Schema> => {
    const { status, value, text } = await api.ask(method, path, body === undefined ? {} : { body })
    assert.equal(status, 200, `${name}: ${text}`)
    assert.equal(checks.get(name)!(value), '', `${name}: ${text}`)
    return value as Schema
  }
  const { traceId } = await act('startTrace', 'POST', '/traces', { clientId: 'meter' })
  api.test.connect({ clientId: 'meter' }).publish('b', 'x')
  await act('traces', 'GET', '/traces')
  await act('traceRecords', 'GET', `/traces/${String(traceId)}/records`)
  await act('stopTrace', 'DELETE', `/traces/${String(traceId)}`)
  await act('putUser', 'POST', '/users/bob', { disabled: true })
  await act('putGroup', 'POST', '/groups/other', {})
  await act('putRole', 'POST', '/roles/writer', {})
  await act('putDefaultAccess', 'POST', '/default-access', { publish: 'allow' })
  await act('ban', 'POST', '/bans', { kind: 'address', value: '192.0.2.9', seconds: 60 })
  await act('bans', 'GET', '/bans')
  await act('deleteRetained', 'DELETE', '/retained?topicFilter=a')
  await act('disconnect', 'POST', '/clients/sensor/disconnect', {})
  await api.close()
})

test('the description names units, values and what may be null', () => {
  const schemas = document.components.schemas as Readonly<Record<string, { properties: Record<string, Schema> }>>
  const { queuedBytes, state, acknowledgementMs } = schemas['ClientView']!.properties
  assert.deepEqual(queuedBytes, { type: 'integer', minimum: 0, 'x-unit': 'bytes' })
  assert.deepEqual(state, { type: 'string', enum: ['accepted', 'connected', 'answering'] })
  assert.deepEqual(acknowledgementMs, { type: ['number', 'null'], minimum: 0, 'x-unit': 'milliseconds' })
})

test('every type that an operation names is described', () => {
  for (const [name, { answer }] of Object.entries(operationTable) as [string, Operation][]) {
    const view = /\b[A-Z]\w+(?:View|Result|Key)\b/.exec(answer)?.[0]
    if (view !== undefined) assert.ok(view in document.components.schemas, `${name}: ${view}`)
  }
})
