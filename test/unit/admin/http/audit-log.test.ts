/** The audit log: what is recorded, how much of it, and what happens while it cannot be written. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AuditLog, type AuditEntry } from '../../../../src/admin/http/audit-log.ts'
import { auditedParameters } from '../../../../src/admin/http/audited-parameters.ts'
import { operationTable } from '../../../../src/admin/operation-table.ts'
import type { Operation, ParameterRow } from '../../../../src/admin/operation.ts'
import type { HealthCheckView } from '../../../../src/broker/host/health-view.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { REMOTE, TestApi } from './support.ts'

function linesOf(path: string): AuditEntry[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEntry)
}

const entry: AuditEntry = { time: '', who: 'x', from: '', what: 'publish', status: 204 }

test('every action is a line in `audit-file`: who, from where, what, with what outcome; views are none', async () => {
  const folder = scratchFolder()
  const path = join(folder, 'audit.jsonl')
  const api = await TestApi.start({ 'audit-file': path, 'keys-file': join(folder, 'keys.json') })
  const { keyId, headers } = await api.key('operator')
  await api.ask('GET', '/overview', { address: REMOTE, headers })
  await api.ask('POST', '/clients/meter/disconnect', { address: REMOTE, headers })
  await api.ask('POST', '/publish', { body: { topic: 'a', payload: 'secret' } })
  await api.audit.flush()
  const [time] = [new Date(api.test.clock.wallNow()).toISOString()]
  const who = `key ${keyId} (operator)`
  assert.deepEqual(linesOf(path), [
    {
      time,
      who,
      from: REMOTE,
      what: 'disconnect',
      parameters: { clientId: 'meter' },
      status: 404,
      code: 'ERR_NOT_FOUND',
    },
    { time, who: 'local', from: '', what: 'publish', parameters: { topic: 'a', payload: '(6 bytes)' }, status: 204 },
  ])
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await api.close()
})

test('what is refused for a role or for want of a key is logged and counted, and pushes no action out of the audit log', async () => {
  const folder = scratchFolder()
  const path = join(folder, 'audit.jsonl')
  const api = await TestApi.start({ 'audit-file': path, 'keys-file': join(folder, 'keys.json') })
  const { headers } = await api.key('viewer')
  assert.equal((await api.ask('POST', '/reload', { address: REMOTE, headers })).status, 403)
  assert.equal((await api.ask('POST', '/reload', { address: REMOTE })).status, 401)
  await api.audit.flush()
  assert.deepEqual(linesOf(path), [])
  const { adminRequestsForbidden, adminLoginsRefused } = api.test.broker.metrics
  assert.deepEqual([adminRequestsForbidden, adminLoginsRefused], [1, 1])
  assert.match(api.log.lines[0]!, /^HTTP API: reload: this takes the role administrator; .* from 192\.0\.2\.9$/)
  await api.close()
})

test('a view is recorded if it returns secrets: users with what their passwords were made into', async () => {
  const path = join(scratchFolder(), 'audit.jsonl')
  const api = await TestApi.start({ 'audit-file': path })
  assert.equal((await api.ask('GET', '/access-file')).status, 200)
  assert.equal((await api.ask('GET', '/access-file?credentials=false')).status, 200)
  assert.equal((await api.ask('GET', '/access-file?credentials=true')).status, 200)
  await api.audit.flush()
  const time = new Date(api.test.clock.wallNow()).toISOString()
  const line = { time, who: 'local', from: '', what: 'exportAccess', parameters: { credentials: true }, status: 200 }
  assert.deepEqual(linesOf(path), [line])
  await api.close()
})

test('no action records a secret: not in an object, not in a payload, not under a mistyped name', () => {
  for (const [name, operation] of Object.entries(operationTable)) {
    const given: Record<string, unknown> = { passwort: 'secret', __proto: { secret: 1 } }
    for (const [parameter, { type }] of Object.entries(operation.parameters as Record<string, ParameterRow>)) {
      const isPlain = !['object', 'payload'].includes(type) && parameter !== 'password'
      given[parameter] = isPlain ? 'shown' : type === 'object' ? { secret: 'secret' } : 'secret'
    }
    const audited = auditedParameters(operation as Operation, given)
    assert.deepEqual(Object.keys(audited), Object.keys(given), name)
    assert.doesNotMatch(JSON.stringify(audited), /secret/, name)
  }
})

test('the hashes in a file of users, and a password under a mistyped name, are not in the audit log', async () => {
  const path = join(scratchFolder(), 'audit.jsonl')
  const api = await TestApi.start({ 'audit-file': path })
  await api.ask('POST', '/access-file', { body: { file: { users: [{ password: 'hunter2' }] } } })
  await api.ask('POST', '/users/ann', { body: { pasword: 'hunter2' } })
  await api.audit.flush()
  assert.deepEqual(
    linesOf(path).map((line) => (line as unknown as { parameters: object }).parameters),
    [{ file: '(hidden)' }, { userName: 'ann', pasword: '(hidden)' }],
  )
  await api.close()
})

test('a name with characters that a terminal obeys is written with escapes, and read back as it was', async () => {
  const path = join(scratchFolder(), 'audit.jsonl')
  const log = new AuditLog(path, 1_000_000, silentLogger)
  const parameters = { clientId: 'a\u009b2Jb\u202ec\u2028d\u007f' }
  log.record({ ...entry, parameters })
  await log.flush()
  assert.match(readFileSync(path, 'utf8'), /"a\\u009b2Jb\\u202ec\\u2028d\\u007f"/)
  assert.deepEqual(linesOf(path), [{ ...entry, parameters }])
})

test('`max-audit-bytes`: the file begins anew, and the one before is kept', async () => {
  const path = join(scratchFolder(), 'audit.jsonl')
  const api = await TestApi.start({ 'audit-file': path, 'max-audit-bytes': 65_536 })
  assert.equal(api.audit.maxBytes, 65_536)
  const log = new AuditLog(path, 500, silentLogger)
  for (let number = 0; number < 20; number++) {
    log.record({ ...entry, who: `number ${number}` })
    await log.flush()
  }
  assert.ok(statSync(path).size < 700 && statSync(`${path}.1`).size < 700)
  assert.equal(linesOf(path).at(-1)!.who, 'number 19')
  await api.close()
})

test('parameters that would make a line too long are left out', async () => {
  const path = join(scratchFolder(), 'audit.jsonl')
  const log = new AuditLog(path, 1e6, silentLogger)
  log.record({ ...entry, parameters: { topicFilters: Array.from({ length: 1000 }, () => 'a/b/c') } })
  await log.flush()
  assert.deepEqual(linesOf(path), [entry])
})

test('while it cannot be written, lines wait up to a limit, and follow in order once it can', async () => {
  const written: string[] = []
  let isFull = true
  const append = (_: string, text: string): Promise<void> => {
    if (isFull) return Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
    written.push(...text.trimEnd().split('\n'))
    return Promise.resolve()
  }
  let lost = 0
  const onLost = (lines: number): void => void (lost += lines)
  const log = new AuditLog('/nowhere/audit.jsonl', 1e6, silentLogger, onLost, append)
  for (let number = 0; number < 1500; number++) log.record({ ...entry, who: String(number) })
  await log.flush()
  assert.match(log.problem!, /no space left/)
  isFull = false
  log.record({ ...entry, who: 'last' })
  await log.flush()
  assert.equal(log.problem, undefined)
  assert.equal(written.length, 1000)
  assert.equal((JSON.parse(written.at(-1)!) as AuditEntry).who, 'last')
  assert.deepEqual([log.lost, lost], [501, 501])
})

test('lines that come while a batch fails are counted as well when they are too many', async () => {
  let fail: ((reason: Error) => void) | undefined
  let begun = (): void => {}
  const isWriting = new Promise<void>((resolve) => (begun = resolve))
  const append = (): Promise<void> =>
    new Promise((_, reject) => {
      fail = reject
      begun()
    })
  const log = new AuditLog('/nowhere/audit.jsonl', 1e6, silentLogger, () => {}, append)
  const record = (count: number): void => {
    for (let number = 0; number < count; number++) log.record(entry)
  }
  record(700)
  const flushed = log.flush()
  await isWriting
  record(600)
  fail!(new Error('no space left on device'))
  await flushed
  assert.equal(log.lost, 300)
})

test('after half a line, which a full disk leaves behind, the next line begins on its own', async () => {
  const path = join(scratchFolder(), 'audit.jsonl')
  writeFileSync(path, `${JSON.stringify(entry)}\n{"time":"20`)
  const log = new AuditLog(path, 1e6, silentLogger)
  for (const who of ['one', 'two']) {
    log.record({ ...entry, who })
    await log.flush()
  }
  const lines = readFileSync(path, 'utf8').split('\n')
  assert.deepEqual([lines.length, lines[1]], [5, '{"time":"20'])
  assert.deepEqual(
    lines.slice(2, 4).map((line) => (JSON.parse(line) as AuditEntry).who),
    ['one', 'two'],
  )
})

test('the health check `audit-log` says why it cannot be written', async () => {
  const path = join(scratchFolder(), 'audit.jsonl')
  const api = await TestApi.start({ 'audit-file': path })
  const check = async () => {
    const { value } = await api.ask('GET', '/health-checks')
    return (value as readonly HealthCheckView[]).find(({ name }) => name === 'audit-log')!
  }
  assert.deepEqual(await check(), { name: 'audit-log', healthy: true, detail: '' })
  mkdirSync(path)
  await api.ask('POST', '/publish', { body: { topic: 'a', payload: 'x' } })
  await api.audit.flush()
  const { healthy, detail } = await check()
  assert.deepEqual([healthy, /EISDIR/.test(detail)], [false, true])
  api.audit.lost = 3
  assert.match((await check()).detail, /EISDIR.*; lines lost so far: 3$/)
  await api.close()
})

test('`audit-failure`: actions go on without it, or are refused until it can be written; views never are', async () => {
  const folder = scratchFolder()
  const path = join(folder, 'audit.jsonl')
  mkdirSync(path)
  const publish = { body: { topic: 'a', payload: 'x' } }
  const careless = await TestApi.start({ 'audit-file': path })
  for (let count = 0; count < 3; count++) assert.equal((await careless.ask('POST', '/publish', publish)).status, 204)
  await careless.close()
  const careful = await TestApi.start({ 'audit-file': path, 'audit-failure': 'refuse' })
  await careful.ask('POST', '/publish', publish)
  await careful.audit.flush()
  const { status, code, detail } = await careful.problem('POST', '/publish', publish)
  assert.deepEqual([status, code], [503, 'ERR_AUDIT'])
  assert.match(detail, /EISDIR/)
  assert.equal((await careful.ask('GET', '/overview')).status, 200)
  rmdirSync(path)
  assert.equal((await careful.ask('POST', '/publish', publish)).status, 204)
  await careful.audit.flush()
  assert.equal(linesOf(path).length, 2)
  await careful.close()
})
