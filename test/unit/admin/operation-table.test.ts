/** The table of operations, the types of `broker.admin`, what it does, and the manual agree. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { roles, type Operation, type ParameterRow } from '../../../src/admin/operation.ts'
import { operationTable } from '../../../src/admin/operation-table.ts'
import { viewFields } from '../../../src/admin/schemas/view-fields.ts'
import type { Admin, OperationName } from '../../../src/broker/host/admin.ts'
import { root } from '../../../tools/main.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

const operations = Object.entries(operationTable) as [OperationName, Operation][]
type Call = (parameters?: unknown) => Promise<unknown>

function callOf(broker: VirtualBroker, name: string): Call {
  return broker.broker.admin[name as OperationName] as Call
}

const rowsOf = ({ parameters }: Operation): [string, ParameterRow][] => Object.entries(parameters)

test('every operation has a path and a method of its own, a role, and a sentence', () => {
  const places = operations.map(([, { method, path }]) => `${method} ${path}`)
  assert.equal(new Set(places).size, places.length)
  for (const [name, operation] of operations) {
    assert.match(operation.path, /^(\/[a-z-]+|\/\{[a-zA-Z]+\})+$/, name)
    assert.match(operation.description, /^[A-Z].*\.$/, name)
    assert.ok(roles.includes(operation.role), name)
    if (operation.method === 'GET')
      assert.ok(
        rowsOf(operation).every(([, { place }]) => place !== 'body'),
        name,
      )
    else assert.notEqual(operation.role, 'viewer', name)
  }
})

test('the parameters in a path are those with that place, and are required', () => {
  for (const [name, operation] of operations) {
    const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
    const rows = rowsOf(operation).filter(([, { place }]) => place === 'path')
    assert.deepEqual(
      rows.map(([parameter]) => parameter),
      inPath,
      name,
    )
    assert.ok(
      rows.every(([, { required }]) => required),
      name,
    )
  }
})

test('every operation can be called, and refuses a parameter that it does not have', async () => {
  const broker = await VirtualBroker.start()
  for (const [name, operation] of operations) {
    await assert.rejects(settled(broker, callOf(broker, name)({ nonsense: 1 })), {
      code: 'ERR_USAGE',
      message: new RegExp(`^${name} has no parameter "nonsense"; it has `),
    })
    for (const wrong of [null, 'text', 5, []]) {
      await assert.rejects(settled(broker, callOf(broker, name)(wrong)), {
        code: 'ERR_USAGE',
        message: /takes an object/,
      })
    }
    const [required] = rowsOf(operation).filter(([, row]) => row.required)
    if (required === undefined) continue
    await assert.rejects(settled(broker, callOf(broker, name)()), {
      code: 'ERR_USAGE',
      message: `${name}: ${required[0]} is missing`,
    })
  }
  await broker.close()
})

/** A value of a wrong type for each, and what the message says that it must be. */
const WRONG: Readonly<Record<ParameterRow['type'], readonly [value: unknown, words: string]>> = {
  text: [5, 'a string, got 5'],
  integer: [1.5, 'a whole number, got 1.5'],
  boolean: ['yes', 'true or false, got "yes"'],
  list: ['a', 'a list, got "a"'],
  object: [[], 'an object, got an empty list'],
  payload: [5, 'a string or a Uint8Array, got 5'],
}

test('every parameter of every operation is checked: its type, its range and its values', async () => {
  const broker = await VirtualBroker.start()
  for (const [name, operation] of operations) {
    for (const [parameter, { type, minimum, maximum, values }] of rowsOf(operation)) {
      const refused = (value: unknown, words: string) =>
        assert.rejects(settled(broker, callOf(broker, name)({ [parameter]: value })), {
          code: 'ERR_USAGE',
          message: `${name}: ${parameter} must be ${words}`,
        })
      await refused(...WRONG[type])
      if (minimum !== undefined) await refused(minimum - 1, `from ${minimum} to ${maximum}, got ${minimum - 1}`)
      if (maximum !== undefined) await refused(maximum + 1, `from ${minimum} to ${maximum}, got ${maximum + 1}`)
      if (values === undefined) continue
      if (type === 'list') await refused(['nonsense'], `one of ${values.join(', ')}; got "nonsense"`)
      else if (type === 'text') await refused('nonsense', `one of ${values.join(', ')}; got "nonsense"`)
      else await refused(77, `one of ${values.join(', ')}; got 77`)
    }
  }
  await broker.close()
})

test('the items of a list have the fields that the table names, and `fields` chooses among them', async () => {
  const broker = await VirtualBroker.start({ 'max-inflight-messages': 1 })
  const meter = broker.connect({ clientId: 'meter' })
  meter.subscribe('#', 1)
  broker.connect({ clientId: 'other' }).disconnect()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const payload of ['1', '2']) sensor.publish('a', payload, 1, { retain: true })
  for (const [name, fields] of Object.entries(viewFields)) {
    const parameters = name === 'heldMessages' ? { clientId: 'meter' } : {}
    const page = async (more: object) =>
      (await settled(broker, callOf(broker, name)({ ...parameters, ...more }))) as { items: readonly object[] }
    const { items } = await page({})
    assert.ok(items.length > 0, name)
    for (const item of items) assert.deepEqual(Object.keys(item).toSorted(), fields.toSorted(), name)
    const two = fields.slice(1, 3)
    for (const item of (await page({ fields: two })).items) assert.deepEqual(Object.keys(item), two, name)
  }
  await broker.close()
})

test('it is loaded with its first call, is no promise, and says so if there is no such operation', async () => {
  const broker = await VirtualBroker.start()
  const { admin } = broker.broker
  assert.equal(await (admin as unknown as Promise<Admin>), admin)
  assert.equal(broker.broker.admin, admin)
  await assert.rejects(callOf(broker, 'kick')(), /broker\.admin has no operation kick/)
  await assert.rejects(callOf(broker, 'toString')(), /broker\.admin has no operation toString/)
  await broker.close()
  await assert.rejects(admin.overview(), { code: 'ERR_USAGE', message: /the broker is closed/ })
})

test('the manual has every operation with its method, path and role', () => {
  const page = readFileSync(join(root, 'docs/admin.md'), 'utf8').replaceAll(/ +/g, ' ')
  for (const [name, { method, path, role, description }] of operations) {
    assert.ok(page.includes(`| \`${name}\` | \`${method} ${path}\` | ${role} | ${description} |`), name)
  }
})

test('a view has its parameters in the path and the query only', () => {
  for (const [name, { method, parameters }] of Object.entries(operationTable)) {
    if (method !== 'GET') continue
    const places = Object.values(parameters as Record<string, { readonly place: string }>).map(({ place }) => place)
    assert.ok(!places.includes('body'), name)
  }
})
