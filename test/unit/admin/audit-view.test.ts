/** The audit log as an operation: the latest lines, whatever the file has been through. */
import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AuditView } from '../../../src/broker/host/audit-view.ts'
import { latestActions } from '../../../src/admin/views/audit.ts'
import { AuditLog } from '../../../src/admin/http/audit-log.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { TestApi, REMOTE } from './http/support.ts'

const SIZE = 16_777_216

function line(what: string, filling = ''): string {
  return `${JSON.stringify({ time: '2026-11-30T12:00:00.000Z', who: 'local', from: '', what, status: 200, filling })}\n`
}

function auditAt(path: string): AuditLog {
  return new AuditLog(path, SIZE, silentLogger)
}

async function names(path: string, limit?: number): Promise<readonly string[]> {
  return (await latestActions(auditAt(path), limit)).map(({ what }) => what)
}

test('an action is there at once, the newest first, without secrets', async () => {
  const path = join(scratchFolder(), 'audit.jsonl')
  const api = await TestApi.start(
    { 'audit-file': path, 'keys-file': join(scratchFolder(), 'keys.json') },
    { users: {} },
  )
  await api.ask('POST', '/bans', { body: { kind: 'user', value: 'ann' } })
  await api.ask('POST', '/users/ann', { body: { password: 'correct horse' } })
  const found = (await api.ask('GET', '/audit-log')).value as readonly AuditView[]
  assert.deepEqual(
    found.map(({ what, who, status }) => [what, who, status]),
    [
      ['putUser', 'local', 200],
      ['ban', 'local', 200],
    ],
  )
  assert.doesNotMatch(JSON.stringify(found), /correct horse/)
  const { headers } = await api.key('operator')
  assert.equal((await api.ask('GET', '/audit-log', { address: REMOTE, headers })).status, 403)
  await api.close()
})

test('half a line and what is no JSON are left out', async () => {
  const path = join(scratchFolder(), 'audit.jsonl')
  writeFileSync(path, `${line('one')}{"time":"2026-\n${line('two')}`)
  assert.deepEqual(await names(path), ['two', 'one'])
})

test('a file that has just begun is continued with the one before', async () => {
  const path = join(scratchFolder(), 'audit.jsonl')
  writeFileSync(`${path}.1`, line('one') + line('two'))
  writeFileSync(path, line('three'))
  assert.deepEqual(await names(path, 2), ['three', 'two'])
})

test('of a large file only the end is read', async () => {
  const path = join(scratchFolder(), 'audit.jsonl')
  writeFileSync(path, line('first'))
  for (let at = 0; at < 400; at++) appendFileSync(path, line(`action ${at}`, 'x'.repeat(1000)))
  const found = await names(path, 1000)
  assert.equal(found[0], 'action 399')
  assert(found.length > 200 && found.length < 300, `${found.length} lines`)
})

test('without an audit log there is nothing', async () => {
  assert.deepEqual(await names(''), [])
  assert.deepEqual(await names(join(scratchFolder(), 'absent.jsonl')), [])
})
