/** Logging in over sockets, with real passwords. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { createBroker } from '../../../../src/index.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'

test('a user logs in over TCP, is told apart by the cookie, and gives way at `max-logins`', async (t) => {
  const urls: string[] = []
  const info = (fields: object | string): void => {
    if (typeof fields === 'object' && 'url' in fields) urls.push(fields.url as string)
  }
  const admin = { bind: '127.0.0.1:0', socket: join(scratchFolder(), 'admin.sock'), 'max-logins': 1 }
  const broker = await createBroker({ listeners: {}, users: {}, admin }, { logger: { ...silentLogger, info } })
  t.after(() => broker.close())
  const crowded: string[] = []
  broker.on('limitReached', ({ option }) => void crowded.push(option))
  await broker.admin.putRole({ name: 'viewer' })
  await broker.admin.putUser({ userName: 'ann', password: 'correct horse', roles: ['viewer'] })
  const url = new URL(urls.find((each) => each.startsWith('http:'))!)
  const ask = async (method: string, path: string, headers: object, body?: object) => {
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' }
    const options = { method, agent: false, headers: { Origin: url.origin, ...type, ...headers } } as const
    const asked = request(new URL(`/api/v1${path}`, url), options)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
    return { status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() }
  }
  const logIn = (password: string) => ask('POST', '/login', {}, { userName: 'ann', password })
  assert.equal((await logIn('wrong')).status, 401)
  const loggedIn = await logIn('correct horse')
  assert.equal(loggedIn.status, 200)
  const cookie = loggedIn.headers['set-cookie']![0]!.split(';')[0]!
  const { requestToken } = JSON.parse(loggedIn.text) as { requestToken: string }
  const headers = { Cookie: cookie, 'Sluice-Request-Token': requestToken }
  assert.equal((await ask('GET', '/overview', headers)).status, 200)
  assert.equal((await ask('GET', '/overview', { Cookie: cookie })).status, 401)
  const tooLong = await ask('POST', '/login', {}, { token: 'x'.repeat(20_000) })
  assert.deepEqual([tooLong.status, tooLong.text.includes('max-request-bytes')], [413, false])

  assert.equal((await logIn('correct horse')).status, 200)
  assert.equal((await ask('GET', '/overview', headers)).status, 401)
  assert.deepEqual([crowded, broker.metrics.adminOverLimit], [['admin.max-logins'], 1])
})
