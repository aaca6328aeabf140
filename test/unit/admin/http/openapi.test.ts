import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { Operation } from '../../../../src/admin/operation.ts'
import { operationTable } from '../../../../src/admin/operation-table.ts'
import { openApi } from '../../../../src/admin/http/openapi.ts'
import { TestApi } from './support.ts'

test('the description is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(openApi()))
  assert.deepEqual(errors ?? [], [])
  assert.equal(valid, true)
})

test('it has every operation of the table, with every parameter, and no other', () => {
  interface Described {
    readonly operationId: string
    readonly parameters?: readonly { readonly name: string; readonly in: string }[]
    readonly requestBody?: { readonly content: { 'application/json': { schema: { properties: object } } } }
    readonly 'x-role': string
  }
  const paths = openApi()['paths'] as Readonly<Record<string, Readonly<Record<string, Described>>>>
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  )
  // Those that only HTTP has.
  const others = described.filter(({ path }) =>
    ['/events', '/traces/{traceId}/events', '/console', '/login', '/logout'].includes(path),
  )
  described.splice(0, described.length, ...described.filter((each) => !others.includes(each)))
  assert.deepEqual(
    others.map(({ operationId }) => operationId),
    ['events', 'traceEvents', 'console', 'logIn', 'whoAmI', 'logOut'],
  )
  const table = Object.entries(operationTable) as [string, Operation][]
  assert.equal(described.length, table.length)
  for (const [name, { method, path, role, parameters }] of table) {
    const one = described.find(({ operationId }) => operationId === name)!
    assert.deepEqual([one.method, one.path, one['x-role']], [method, path, role])
    const inBody = Object.keys(one.requestBody?.content['application/json'].schema.properties ?? {})
    const elsewhere = one.parameters?.map((parameter) => `${parameter.in} ${parameter.name}`) ?? []
    const rows = Object.entries(parameters).map(([parameter, row]) => `${row.place} ${parameter}`)
    assert.deepEqual(
      [...elsewhere, ...inBody.map((parameter) => `body ${parameter}`)].toSorted(),
      rows.toSorted(),
      name,
    )
  }
})

test('the API serves it', async () => {
  const api = await TestApi.start()
  const { status, value } = await api.ask('GET', '/openapi.json')
  assert.deepEqual([status, value], [200, JSON.parse(JSON.stringify(openApi()))])
  await api.close()
})
