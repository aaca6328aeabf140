/** The section `admin`: where the HTTP API is served. @module */
import { join, resolve } from 'node:path'
import { show } from '../base/show.ts'
import type { ConfigProblems } from './config-problems.ts'
import { isLoopback } from './listener-checks.ts'
import { defaultsOf, type OptionReader, type Values } from './option-reader.ts'
import { describeType, parseBind, type BindAddress } from './option-schema.ts'
import { rowsOf } from './option-table.ts'
import type { AdminOpenidOptions } from './option-types.ts'
import type { AdminOptions } from './resolved-options.ts'

const SOCKET_NAME = 'admin.sock'
const KEYS_NAME = 'admin-keys.json'
const AUDIT_NAME = 'admin-audit.jsonl'
const HISTORY_NAME = 'admin-history.json'
/** The `bind` that is given up if it is taken. */
const AUTO = 'auto'
const AUTO_BIND: BindAddress = { host: '127.0.0.1', port: 8083 }
/** In a folder that programs share. */
const SHARED_SOCKET_NAME = 'sluice-admin.sock'

/**
 * Reads the section.
 *
 * @param storePath where the broker stores its data; `undefined` if it does not
 */
export function resolveAdmin(
  section: unknown,
  storePath: unknown,
  reader: OptionReader,
  problems: ConfigProblems,
  baseFolder: string,
): AdminOptions {
  const {
    bind: written,
    socket,
    keysFile,
    auditFile,
    historyFile,
    ...values
  } = reader.read('admin', section, ['admin'])
  const bind = bindOf(written, problems)
  const path = typeof socket === 'string' ? pathOf(socket, baseFolder) : defaultSocket(storePath)
  if (path === '' && bind === undefined && written !== 'off') {
    problems.warn(['admin'], 'opens nothing here: set `bind`, or `socket` to the path of a socket')
  }
  checkTls(values, bind, problems)
  checkOpenId(values['openid'], problems)
  const files = {
    keysFile: keysFile ?? besideStore(storePath, KEYS_NAME),
    auditFile: typeof auditFile === 'string' ? pathOf(auditFile, baseFolder) : besideStore(storePath, AUDIT_NAME),
    historyFile:
      typeof historyFile === 'string' ? pathOf(historyFile, baseFolder) : besideStore(storePath, HISTORY_NAME),
  }
  return {
    ...defaultsOf('admin'),
    ...values,
    bind,
    isBindAsked: written !== AUTO,
    socket: path,
    isSocketAsked: socket !== undefined,
    ...files,
  } as Values as unknown as AdminOptions
}

function bindOf(written: unknown, problems: ConfigProblems): BindAddress | undefined {
  if (typeof written !== 'string' || written === 'off') return undefined
  if (written === AUTO) return AUTO_BIND
  const bind = parseBind(written)
  if (bind !== undefined) return bind
  const row = rowsOf('admin').find(({ key }) => key === 'bind')!
  problems.add(['admin', 'bind'], `must be ${describeType(row)}, got ${show(written)}`)
  return undefined
}

function checkTls(
  { ssl, certfile, keyfile, cafile }: Values,
  bind: BindAddress | undefined,
  problems: ConfigProblems,
): void {
  if (ssl === true) {
    if (certfile === undefined || keyfile === undefined) {
      problems.add(['admin', 'ssl'], 'requires `certfile` and `keyfile`', 'key')
    }
    return
  }
  for (const [key, value] of Object.entries({ certfile, keyfile, cafile })) {
    if (value !== undefined) problems.add(['admin', key], 'has no effect without `ssl: on`', 'key')
  }
  if (bind !== undefined && !isLoopback(bind.host)) {
    const wayOut = 'set `ssl: on`, or have a proxy with TLS in front of it'
    problems.warn(
      ['admin', 'bind'],
      `can be reached from other machines without TLS, and API keys could be read; ${wayOut}`,
    )
  }
}

function checkOpenId(openid: unknown, problems: ConfigProblems): void {
  if (openid === undefined) return
  const { issuer, audience, roles } = openid as Partial<AdminOpenidOptions>
  for (const [key, value] of Object.entries({ issuer, audience, roles })) {
    if (value === undefined || value === '') problems.add(['admin', 'openid', key], 'is missing')
  }
  const url = issuer === undefined ? undefined : new URL(issuer)
  if (url?.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) {
    problems.add(
      ['admin', 'openid', 'issuer'],
      'must begin with https://: whoever is between could answer in its place',
    )
  }
}

function pathOf(socket: string, baseFolder: string): string {
  return socket === 'off' || socket === '' ? '' : resolve(baseFolder, socket)
}

function besideStore(storePath: unknown, name: string): string {
  return typeof storePath === 'string' ? join(storePath, name) : ''
}

function defaultSocket(storePath: unknown): string {
  if (process.platform === 'win32') return ''
  if (typeof storePath === 'string') return besideStore(storePath, SOCKET_NAME)
  const { XDG_RUNTIME_DIR: folder = '' } = process.env
  return folder === '' ? '' : join(folder, SHARED_SOCKET_NAME)
}
