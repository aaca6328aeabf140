/**
 * What the API refuses: each operation of the table with malformed, misplaced and unauthorised requests, and its
 * limits.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Operation, ParameterRow } from '../../../../src/admin/operation.ts'
import { operationTable } from '../../../../src/admin/operation-table.ts'
import { REMOTE, TestApi, type Asked } from './support.ts'

const operations = Object.entries(operationTable) as [string, Operation][]
const rowsOf = ({ parameters }: Operation): [string, ParameterRow][] => Object.entries(parameters)
const pathOf = ({ path }: Operation): string => path.replaceAll(/\{\w+\}/g, 'x')
const hasBody = (operation: Operation): boolean => rowsOf(operation).some(([, { place }]) => place === 'body')

test('nobody may do anything over TCP without a login', async () => {
  const api = await TestApi.start({ 'max-request-rate': 0 })
  for (const [name, operation] of operations) {
    const { status, code } = await api.problem(operation.method, pathOf(operation), { address: REMOTE })
    assert.deepEqual([status, code], [401, 'ERR_UNAUTHORIZED'], name)
  }
  await api.close()
})

test('an unknown parameter is refused by its name, wherever it is', async () => {
  const api = await TestApi.start()
  for (const [name, operation] of operations) {
    for (const key of ['nonsense', '__proto__', 'constructor']) {
      const { status, code, parameter } = await api.problem(operation.method, `${pathOf(operation)}?${key}=1`)
      assert.deepEqual([status, code, parameter], [400, 'ERR_USAGE', key], name)
      if (!hasBody(operation)) continue
      const body = Buffer.from(`{"${key}":1}`)
      const inBody = await api.problem(operation.method, pathOf(operation), { body })
      assert.deepEqual([inBody.status, inBody.parameter], [400, key], name)
    }
  }
  await api.close()
})

test('a required parameter that is missing, and one at the wrong place, is named with what it must be', async () => {
  const api = await TestApi.start()
  for (const [name, operation] of operations) {
    const missing = rowsOf(operation).find(([, row]) => row.required && row.place !== 'path')
    if (missing !== undefined) {
      const { code, parameter, expected } = await api.problem(operation.method, pathOf(operation))
      assert.deepEqual([code, parameter, typeof expected], ['ERR_USAGE', missing[0], 'string'], name)
    }
    const misplaced = rowsOf(operation).find(([, row]) => row.place !== 'query')
    if (misplaced === undefined) continue
    const { detail, parameter } = await api.problem(operation.method, `${pathOf(operation)}?${misplaced[0]}=1`)
    assert.equal(parameter, misplaced[0], name)
    assert.match(detail, /belongs in the (path|body), not in the query|is given twice/)
  }
  await api.close()
})

const WRONG: Readonly<Record<ParameterRow['type'], unknown>> = {
  text: 5,
  integer: '1e3',
  boolean: 'yes',
  list: 'a',
  object: [],
  payload: 5,
}

test('a value that is not of its type, out of its range or not among its values is refused', async () => {
  const api = await TestApi.start()
  const refuse = async (operation: Operation, key: string, row: ParameterRow, value: unknown): Promise<void> => {
    const inQuery = row.place === 'query' ? `?${key}=${encodeURIComponent(value as string)}` : ''
    const asked: Asked = row.place === 'body' ? { body: { [key]: value } } : {}
    const { status, code, parameter, expected } = await api.problem(
      operation.method,
      pathOf(operation) + inQuery,
      asked,
    )
    assert.deepEqual([status, code, parameter], [400, 'ERR_USAGE', key])
    assert.equal(typeof expected, 'string')
  }
  for (const [, operation] of operations) {
    for (const [key, row] of rowsOf(operation)) {
      if (row.place === 'path') continue
      if (row.place === 'body' || row.type === 'integer' || row.type === 'boolean') {
        await refuse(operation, key, row, WRONG[row.type])
      }
      if (row.minimum !== undefined) await refuse(operation, key, row, row.minimum - 1)
      if (row.maximum !== undefined) await refuse(operation, key, row, row.maximum + 1)
      if (row.values !== undefined && row.place === 'query') await refuse(operation, key, row, 'nonsense')
    }
  }
  await api.close()
})

test('a parameter that is given twice is refused, except a list', async () => {
  const api = await TestApi.start()
  assert.equal((await api.problem('GET', '/clients?limit=1&limit=2')).parameter, 'limit')
  assert.equal((await api.ask('GET', '/clients?fields=clientId&fields=address')).status, 200)
  await api.close()
})

test('a path has its own methods, and no other', async () => {
  const api = await TestApi.start()
  for (const [name, operation] of operations) {
    for (const method of ['PUT', 'PATCH', 'OPTIONS', 'TRACE']) {
      const { status, headers } = await api.ask(method, pathOf(operation))
      assert.equal(status, 405, name)
      assert.ok(headers['Allow']!.split(', ').includes(operation.method), name)
    }
  }
  await api.close()
})

test('no path leads out of the table', async () => {
  const api = await TestApi.start()
  const paths = ['//', '//etc/passwd', '//api/v1', '//api/v1/', '//api/v1/../../etc/passwd', '//api/v1/%2e%2e/overview']
  paths.push(
    '/clients/',
    '/clients//disconnect',
    '/overview/',
    '//api/v2/overview',
    '/toString',
    '/__proto__',
    '/overview%00',
  )
  paths.push('/../metrics', '/clients/..%2f..%2foverview/x', '//health/../api/v1/overview', '/OVERVIEW')
  for (const path of paths) assert.equal((await api.problem('GET', path)).code, 'ERR_NOT_FOUND', path)
  assert.equal((await api.problem('GET', '/clients/%zz')).code, 'ERR_USAGE')
  assert.equal((await api.problem('GET', `/clients?cursor=${'x'.repeat(9000)}`)).code, 'ERR_TARGET_SIZE')
  await api.close()
})

test('a body has to be JSON, in UTF-8, plain, an object, not too deep, and only where there are parameters for it', async () => {
  const api = await TestApi.start()
  const publish = async (body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<string> =>
    (await api.problem('POST', '/publish', { body: Buffer.from(body as string), headers })).code
  assert.equal(await publish('{'), 'ERR_JSON')
  assert.equal(await publish('[]'), 'ERR_JSON')
  assert.equal(await publish('null'), 'ERR_JSON')
  assert.equal(await publish('"text"'), 'ERR_JSON')
  assert.equal(await publish(Buffer.from([0x7b, 0xff, 0x7d])), 'ERR_JSON')
  assert.equal(await publish('['.repeat(500_000)), 'ERR_JSON')
  assert.equal(await publish(`{"a":`.repeat(100_000)), 'ERR_JSON')
  const text = '{"topic":"a","payload":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}'
  assert.equal((await api.ask('POST', '/publish', { body: Buffer.from(text) })).status, 204)
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/json5',
    '',
  ]) {
    assert.equal(await publish('{}', { 'content-type': type }), 'ERR_BODY_TYPE', type)
  }
  assert.equal(await publish('{}', { 'content-type': 'application/json; charset=utf-16' }), 'ERR_BODY_TYPE')
  assert.equal(await publish('{}', { 'content-encoding': 'gzip' }), 'ERR_BODY_TYPE')
  assert.equal((await api.problem('DELETE', '/sessions/x', { body: {} })).code, 'ERR_USAGE')
  const utf8 = { 'content-type': 'application/json; charset=UTF-8' }
  assert.equal(await publish('{}', utf8), 'ERR_USAGE')
  await api.close()
})

test('Base64 that is none is refused', async () => {
  const api = await TestApi.start()
  const { parameter } = await api.problem('POST', '/publish', { body: { topic: 'a', payload: { base64: 'a*b' } } })
  assert.equal(parameter, 'payload')
  const properties = { correlationData: { base64: '?' } }
  const inner = await api.problem('POST', '/publish', { body: { topic: 'a', payload: '', properties } })
  assert.equal(inner.parameter, 'properties.correlationData')
  await api.close()
})

test('what only the operation itself can judge is a usage error as well, and a wrong configuration lists its problems', async () => {
  const api = await TestApi.start()
  assert.equal((await api.problem('POST', '/publish', { body: { topic: 'a/#', payload: '' } })).code, 'ERR_USAGE')
  for (const list of ['clients', 'sessions', 'subscriptions', 'retained', 'closed-connections', 'bans']) {
    for (const cursor of ['!!', 'AAAA', 'bWV0ZXItMQ', 'bWV0ZXItMQAAAAA']) {
      assert.equal((await api.problem('GET', `/${list}?cursor=${cursor}`)).code, 'ERR_USAGE', `${list} ${cursor}`)
    }
  }
  assert.equal((await api.problem('GET', '/retained?topicFilter=a%23')).code, 'ERR_USAGE')
  const problem = await api.problem('POST', '/reload', { body: { configuration: { 'max-qos': 7 } } })
  assert.deepEqual([problem.status, problem.code], [422, 'ERR_CONFIG'])
  assert.deepEqual((problem as unknown as { problems: object[] }).problems, [
    { path: 'max-qos', detail: 'must be one of 0, 1, 2, got 7' },
  ])
  await api.close()
})

test('a mistake of ours is logged, and not shown', async () => {
  const api = await TestApi.start()
  Object.defineProperty(api.test.broker, 'figures', { value: () => assert.fail('secret of the house') })
  const problem = await api.problem('GET', '//metrics')
  assert.deepEqual([problem.status, problem.code], [500, 'ERR_INTERNAL'])
  assert.doesNotMatch(JSON.stringify(problem), /secret/)
  assert.deepEqual(api.log.lines, ['a request to the HTTP API failed'])
  await api.close()
})

test('`max-request-rate` bounds the requests of an address; the Unix domain socket has no limit', async () => {
  const api = await TestApi.start({ 'max-request-rate': 3 })
  const live = (address: string) => api.ask('GET', '//health/live', { address })
  for (let count = 0; count < 3; count++) assert.equal((await live(REMOTE)).status, 200)
  const refused = await live(REMOTE)
  assert.deepEqual([refused.status, refused.headers['Retry-After']], [429, '1'])
  assert.deepEqual((refused.value as { limit: number; option: string }).option, 'admin.max-request-rate')
  assert.equal(api.test.broker.metrics.adminOverLimit, 1)
  assert.equal((await live('192.0.2.10')).status, 200)
  assert.equal((await live('2001:db8::1')).status, 200)
  for (const last of [2, 3]) assert.equal((await live(`2001:db8::${last}`)).status, 200)
  assert.equal((await live('2001:db8::4')).status, 429, 'one network')
  for (let count = 0; count < 20; count++) assert.equal((await live('')).status, 200)
  api.test.advance(334)
  assert.equal((await live(REMOTE)).status, 200)
  assert.equal((await live(REMOTE)).status, 429)
  await api.close()
})

test('a host name that is not ours is refused: another site may have pointed it here', async () => {
  const api = await TestApi.start({ 'allowed-hosts': ['broker.example'] })
  const status = async (host: string, path = '//health/live') =>
    (await api.ask('GET', path, { address: REMOTE, headers: { host } })).status
  for (const host of [
    'localhost',
    'localhost:8083',
    '127.0.0.1:8083',
    '[::1]:8083',
    'Broker.Example',
    'broker.example:1',
  ]) {
    assert.equal(await status(host), 200, host)
  }
  for (const host of [
    'evil.example',
    'evil.example:8083',
    '',
    'localhost.evil.example',
    'localhost@evil.example',
    '127.0.0.1.evil.example',
  ]) {
    assert.equal(await status(host), 421, host)
    assert.equal(await status(host, '//metrics'), 421, host)
  }
  await api.close()
})

test('the page of another site is refused, whatever it asks', async () => {
  const api = await TestApi.start()
  const status = async (origin: string, isEncrypted = false) =>
    (
      await api.ask('GET', '//health/live', {
        address: REMOTE,
        isEncrypted,
        headers: { host: 'localhost:8083', origin },
      })
    ).status
  assert.equal(await status('http://localhost:8083'), 200)
  assert.equal(await status('https://localhost:8083', true), 200)
  assert.equal(await status('https://localhost:8083'), 200, 'a proxy with TLS is in front of it')
  assert.equal(await status('http://localhost:8083', true), 403, 'whoever is between could have written that page')
  for (const origin of [
    'http://localhost',
    'https://localhost',
    'http://evil.example',
    'null',
    '',
    'http://localhost:8083.evil.example',
  ]) {
    assert.equal(await status(origin), 403, origin)
  }
  await api.close()
})

test('a limit that is reached is an event, once in a second however often; ERR_BUSY is counted and an event too', async () => {
  const api = await TestApi.start({ 'max-request-rate': 2 })
  const reached: string[] = []
  api.test.broker.on('limitReached', ({ option, owner }) => void reached.push(`${option} ${owner}`))
  for (let count = 0; count < 5; count++) await api.ask('GET', '/overview', { address: REMOTE })
  assert.deepEqual(reached, [`admin.max-request-rate ${REMOTE}`])
  api.test.advance(400)
  for (let count = 0; count < 5; count++) await api.ask('GET', '/overview', { address: REMOTE })
  assert.equal(reached.length, 1)
  assert.ok(api.test.broker.metrics.adminOverLimit >= 6)
  const caller = new AbortController()
  const counts = Array.from({ length: 2 }, () => api.ask('GET', '/topics?seconds=20', { signal: caller.signal }))
  await api.ask('GET', '/drops')
  await api.ask('GET', '/topics')
  assert.equal(reached.at(-1), 'topics ')
  assert.ok(api.test.broker.metrics.adminBusy >= 1)
  caller.abort()
  await Promise.all(counts)
  await api.close()
})

test('a third count of topics of one caller is answered 429; the counts of a caller who has left end and are not logged', async () => {
  const api = await TestApi.start()
  const caller = new AbortController()
  const ended = Array.from({ length: 2 }, () => api.ask('GET', '/topics?seconds=20', { signal: caller.signal }))
  await api.ask('GET', '/drops')
  const { status, code } = await api.problem('GET', '/topics')
  assert.deepEqual([status, code], [429, 'ERR_BUSY'])
  caller.abort()
  await Promise.all(ended)
  assert.deepEqual(api.log.lines, [])
  const again = api.ask('GET', '/topics?seconds=1')
  await api.ask('GET', '/drops')
  api.test.advance(1000)
  assert.equal((await again).status, 200)
  await api.close()
})
