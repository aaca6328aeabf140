/** Traces through the HTTP API: who may, what is recorded of it, and the stream. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TraceView } from '../../../../src/broker/host/trace-admin.ts'
import type { EventSink } from '../../../../src/admin/http/request.ts'
import { nameOf, ownerOf } from '../../../../src/admin/http/locks.ts'
import type { OperatorLogin } from '../../../../src/admin/logins/operator-logins.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { settled } from '../support.ts'
import { REMOTE, TestApi } from '../http/support.ts'

interface Opened {
  readonly api: TestApi
  readonly auditFile: string
}

async function open(): Promise<Opened> {
  const folder = scratchFolder()
  const auditFile = join(folder, 'audit.jsonl')
  return { api: await TestApi.start({ 'keys-file': join(folder, 'keys.json'), 'audit-file': auditFile }), auditFile }
}

test('an operator starts, lists, reads and stops its traces; a viewer may not', async () => {
  const { api } = await open()
  const [one, two, viewer] = [await api.key('operator'), await api.key('operator'), await api.key('viewer')]
  const as = ({ headers }: typeof one, body?: object) => ({ headers, address: REMOTE, ...(body && { body }) })
  const { status, value } = await api.ask('POST', '/traces', as(one, { clientId: 'a' }))
  const { traceId, startedBy } = value as TraceView
  assert.deepEqual([status, startedBy], [200, `key ${one.keyId} (operator)`])
  assert.equal(((await api.ask('GET', '/traces', as(one))).value as object[]).length, 1)
  assert.deepEqual((await api.ask('GET', '/traces', as(two))).value, [])
  for (const [method, path] of [
    ['GET', `/traces/${traceId}/records`],
    ['GET', `/traces/${traceId}/events`],
    ['DELETE', `/traces/${traceId}`],
  ] as const) {
    assert.equal((await api.problem(method, path, as(two))).code, 'ERR_NOT_FOUND', `${method} ${path}`)
    assert.equal((await api.problem(method, path, as(viewer))).code, 'ERR_FORBIDDEN', `${method} ${path}`)
  }
  assert.equal((await api.problem('POST', '/traces', as(viewer, { clientId: 'a' }))).code, 'ERR_FORBIDDEN')
  const payloads = await api.problem('POST', '/traces', as(one, { clientId: 'a', payloadBytes: 9 }))
  assert.deepEqual([payloads.status, payloads.code], [403, 'ERR_FORBIDDEN'])
  assert.equal((await api.ask('DELETE', `/traces/${traceId}`, as(one))).status, 200)
  await api.close()
})

test('owners that are shown by the same name see, count and stop only their own traces', async () => {
  const api = await TestApi.start({ 'certificate-role': 'operator' })
  const as = (fingerprint: string, body?: object) => ({
    ...{ certificateName: 'dashboard', fingerprint, address: REMOTE },
    ...(body && { body }),
  })
  const first = await api.ask('POST', '/traces', as('one', { clientId: 'a' }))
  const { traceId, startedBy } = first.value as TraceView
  assert.equal(startedBy, 'certificate dashboard')
  assert.deepEqual((await api.ask('GET', '/traces', as('two'))).value, [])
  assert.equal((await api.problem('DELETE', `/traces/${traceId}`, as('two'))).code, 'ERR_NOT_FOUND')
  for (const fingerprint of ['one', 'two', 'two']) {
    assert.equal((await api.ask('POST', '/traces', as(fingerprint, { clientId: 'a' }))).status, 200, 'two for each')
  }
  await api.ask('DELETE', `/traces/${traceId}`)
  assert.equal((await api.problem('POST', '/traces', as('two', { clientId: 'a' }))).code, 'ERR_BUSY')
  assert.equal((await api.ask('POST', '/traces', as('one', { clientId: 'a' }))).status, 200)
  await api.close()
})

test('a user with a long name is not another one whose name begins in the same way', async () => {
  const [one, other] = ['1', '2'].map((end) => ({ userName: 'x'.repeat(300) + end, loginId: 'a' }) as OperatorLogin)
  assert.equal(nameOf(one!), nameOf(other!))
  assert.notEqual(ownerOf(one!), ownerOf(other!))
})

test('each start is a line in the audit log, with what is followed', async () => {
  const { api, auditFile } = await open()
  await api.ask('POST', '/traces', { body: { clientId: 'meter-7', seconds: 60 } })
  await api.audit.flush()
  const line = JSON.parse(readFileSync(auditFile, 'utf8').trim()) as Record<string, unknown>
  assert.deepEqual(
    [line['who'], line['what'], line['parameters'], line['status']],
    ['local', 'startTrace', { clientId: 'meter-7', seconds: 60 }, 200],
  )
  await api.close()
})

test('the stream has the header and the records, and goes on after Last-Event-ID', async () => {
  const { api } = await open()
  const { traceId } = (await api.ask('POST', '/traces', { body: { clientId: 'client' } })).value as TraceView
  api.test.connect()
  const follow = async (headers: Record<string, string>): Promise<string> => {
    const target = `/api/v1/traces/${traceId}/events`
    const head = { method: 'GET', target, headers: { host: 'localhost', ...headers }, address: '', isEncrypted: false }
    const answer = await settled(
      api.test,
      api.api.answer(head, () => Promise.resolve(new Uint8Array())),
    )
    assert.equal(answer.headers['Content-Type'], 'text/event-stream')
    let text = ''
    const sink: EventSink = { write: (more) => void (text += more), waitingBytes: 0, close: () => undefined }
    const leave = answer.follow!(sink)
    api.test.clock.runTurns()
    leave()
    return text
  }
  const ids = (text: string): string[] => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id!)
  const all = await follow({})
  assert.match(all, /event: trace\ndata: \{"format":"sluice-trace","version":1,/)
  assert.deepEqual(ids(all), ['1', '2', '3', '4'])
  assert.deepEqual(ids(await follow({ 'last-event-id': '3' })), ['4'])
  await api.ask('DELETE', `/traces/${traceId}`)
  const beyond = await follow({ 'last-event-id': '999999' })
  assert.match(beyond, /event: end\ndata: \{"end":"stopped","records":4,/)
  assert.doesNotMatch(beyond, /event: lost|-\d/, 'a number of another trace')
  const wrong = await api.problem('GET', `/traces/${traceId}/events?after=x`)
  assert.deepEqual([wrong.code, wrong.parameter], ['ERR_USAGE', 'after'])
  await api.close()
})
