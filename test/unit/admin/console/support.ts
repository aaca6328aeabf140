/** Consoles of the HTTP API, in virtual time. @module */
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { NEW_ROLE, NEW_USER } from '../../../../src/admin/access/access-changes.ts'
import type { Answer } from '../../../../src/admin/http/request.ts'
import { serverOf } from '../../../../src/broker/broker.ts'
import type { AdminRole } from '../../../../src/broker/host/api-key-views.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { TestClient, type ConnectOptions } from '../../../support/test-client.ts'
import { passwordOf, REMOTE, TestApi } from '../http/support.ts'
import { settled } from '../support.ts'

const HOST = 'localhost:8083'
export const BROWSER = { host: HOST, origin: `http://${HOST}`, 'sec-fetch-site': 'same-origin' }

export async function startConsoles(
  t: TestContext,
  admin: ConfigInput['admin'] = {},
  config: ConfigInput = {},
): Promise<TestApi> {
  const files = { 'keys-file': join(scratchFolder(), 'keys.json') }
  const users = { users: {}, auth: { 'max-login-delay-ms': 0, 'allow-anonymous': true } }
  const api = await TestApi.start({ ...files, 'show-payloads': 'operator', ...admin }, { ...users, ...config })
  t.after(() => api.close())
  return api
}

/** Makes a user with that role, and logs in. @returns the headers that its page has with a WebSocket */
export async function pageOf(api: TestApi, role: AdminRole, userName: string = role): Promise<Record<string, string>> {
  setUserRole(api, userName, role)
  const body = { userName, password: passwordOf(userName) }
  const { headers, value } = await api.ask('POST', '/login', { address: REMOTE, headers: BROWSER, body })
  const { requestToken } = value as { requestToken: string }
  const cookie = headers['Set-Cookie']!.split(';')[0]!
  return { ...BROWSER, cookie, 'sec-websocket-protocol': `mqtt, sluice-request-token.${requestToken}` }
}

/** @param role `undefined` takes every role away */
export function setUserRole(api: TestApi, userName: string, role: AdminRole | undefined): void {
  const { directory } = serverOf(api.test.broker)
  const roles = role === undefined ? [] : [{ name: role, priority: 0, id: directory.get('role', role)?.id ?? 0 }]
  directory.carryOut([
    ...(role === undefined || directory.get('role', role) !== undefined
      ? []
      : [{ type: 'role', name: role, entry: NEW_ROLE } as const]),
    { type: 'user', name: userName, entry: { ...NEW_USER, passwordHash: 'the same', roles } },
  ])
}

/** What a request for a WebSocket gets. */
export function askForConsole(
  api: TestApi,
  headers: Readonly<Record<string, string>>,
  address: string = REMOTE,
): Promise<Answer> {
  const head = {
    method: 'GET',
    target: '/api/v1/console',
    headers,
    address,
    isEncrypted: false,
    isUpgrade: true,
  } as const
  return settled(
    api.test,
    api.api.answer(head, () => Promise.resolve(new Uint8Array())),
  )
}

/** The client of a console that is open. */
export async function openConsole(
  api: TestApi,
  headers: Readonly<Record<string, string>>,
  options: ConnectOptions = {},
): Promise<TestClient> {
  const { status, body, upgrade } = await askForConsole(api, headers)
  if (upgrade === undefined) throw new Error(`${status}: ${body.map(String).join('')}`)
  const peer = { listener: '', address: '', encrypted: false }
  const client = new TestClient(api.test, options.version ?? 5, peer, upgrade)
  client.connect({ clientId: '', ...options })
  return client
}
