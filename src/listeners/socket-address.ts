/**
 * Opens one address to listen on, a TCP port or the path of a Unix domain socket, and explains why it cannot be opened.
 *
 * @module
 */
import { lstat, stat, unlink } from 'node:fs/promises'
import { connect, type ListenOptions, type Server } from 'node:net'
import { dirname } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { ConfigError } from '../base/errors.ts'
import type { ListenerOptions } from '../config/options.ts'
import { grantAccess } from './socket-access.ts'

type Place = Pick<ListenerOptions, 'type' | 'host' | 'port' | 'path'>
/** What has to be known of whatever listens. */
type Listening = Place & Pick<ListenerOptions, 'name' | 'mode' | 'group' | 'ipv6Only'>

/** Permissions that a new file withholds: all from the group and from others. */
const OWNER_ONLY = 0o177

/** The length that every system accepts as the path of a socket; some silently truncate longer ones. */
const MAX_PATH_BYTES = 103

/** By the operating system's code: our stable code, its meaning, the remedy. */
const CAUSES: Readonly<Record<string, readonly [code: string, meaning: string, wayOut: string]>> = {
  EADDRINUSE: [
    'ERR_LISTENER_IN_USE',
    'another program is already listening there',
    'stop that program, or change `bind` of this listener',
  ],
  EACCES: [
    'ERR_LISTENER_ACCESS',
    'this user is not allowed to listen there',
    'use a port above 1023 or a path that this user may write to, or grant CAP_NET_BIND_SERVICE',
  ],
  EADDRNOTAVAIL: [
    'ERR_LISTENER_HOST',
    'this machine does not have that address',
    'use one that `ip address` lists, or 0.0.0.0 for all; with `retry: on` the listener waits for it',
  ],
  EAFNOSUPPORT: [
    'ERR_LISTENER_HOST',
    'this machine has no addresses of that family',
    'use one that `ip address` lists',
  ],
  ENOTFOUND: ['ERR_LISTENER_HOST', 'the host name is unknown', 'use an address, or correct the name'],
  EAI_AGAIN: [
    'ERR_LISTENER_HOST',
    'no name server answers',
    'use an address; with `retry: on` the listener waits for a name server',
  ],
  EEXIST: [
    'ERR_LISTENER_PATH',
    'the path is a file that is not a socket',
    'remove it, or change `bind` of this listener',
  ],
  ENOENT: ['ERR_LISTENER_PATH', 'the folder does not exist', 'create it, or change `bind` of this listener'],
  ENAMETOOLONG: [
    'ERR_LISTENER_PATH',
    'the path is too long for a socket',
    `use a path of at most ${MAX_PATH_BYTES} bytes`,
  ],
}

/** By the operating system's code: errors that do not go away by waiting. */
const LASTING: ReadonlySet<string> = new Set(['EACCES', 'EEXIST', 'ENAMETOOLONG'])
/** This machine does not have the address, so nobody can expect it to be served. */
const ABSENT: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/** Whether the address may become available later. */
export function isTransient({ code, cause }: ConfigError): boolean {
  return code !== 'ERR_LISTENER_OVERLAP' && isSystemError(cause) && !LASTING.has(cause.code ?? '')
}

/** Whether this machine does not have the address. */
export function isAbsent({ cause }: ConfigError): boolean {
  return isSystemError(cause) && ABSENT.has(cause.code ?? '')
}

function isSystemError(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && 'code' in cause && !(cause instanceof ConfigError)
}

/**
 * Makes `server` listen.
 *
 * @param listenerAt returns the name of the listener of the same broker that uses an address
 * @throws {ConfigError} `ERR_LISTENER_…`; it names the listener, the address, the cause and the remedy
 */
export async function listen(server: Server, options: Listening, listenerAt: ListenerAt): Promise<void> {
  const { type, host, port, ipv6Only } = options
  try {
    if (type === 'unix') await listenOnPath(server, options)
    else await begin(server, host === '' ? { port } : { host, port, ipv6Only })
  } catch (cause) {
    throw openError(options, cause as NodeJS.ErrnoException, listenerAt)
  }
  if (type !== 'unix') return
  await grantAccess(options).catch((error: unknown) => {
    server.close()
    throw error
  })
}

export type ListenerAt = (address: string, port: number) => string | undefined

/** A listener's address, as written in the configuration. */
export function placeOf({ type, host, port, path }: Place): string {
  if (type === 'unix') return path
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The error for a listener that cannot open its address. */
export function openError(
  options: Place & Pick<ListenerOptions, 'name'>,
  cause: NodeJS.ErrnoException,
  listenerAt: ListenerAt = () => undefined,
): ConfigError {
  const other =
    cause.code === 'EADDRINUSE' && options.type !== 'unix' ? listenerAt(options.host, options.port) : undefined
  const [code, meaning, wayOut] =
    other === undefined
      ? (CAUSES[cause.code ?? ''] ?? ['ERR_LISTENER', cause.message, 'check its `bind`'])
      : [
          'ERR_LISTENER_OVERLAP',
          `listener \`${other}\` of this configuration uses that address`,
          'change one of the `bind`s',
        ]
  const sentence = `Listener \`${options.name}\` cannot listen on ${placeOf(options)}: ${meaning}; ${wayOut}`
  return new ConfigError(code, `${sentence} (${cause.code ?? cause.name})`, { cause })
}

async function begin(server: Server, where: ListenOptions, umask?: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    withUmask(umask, () =>
      server.listen(where, () => {
        server.off('error', reject)
        resolve()
      }),
    )
  })
}

/** A killed process leaves its socket file behind: it is removed, but only if no process answers on it. */
async function listenOnPath(server: Server, { path, mode, group }: Listening): Promise<void> {
  const umask = mode === '' && group === '' ? undefined : OWNER_ONLY
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw systemError('ENAMETOOLONG')
  try {
    return await begin(server, { path }, umask)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // Node reports EACCES also for a missing folder; this call reports ENOENT.
    if (code === 'EACCES') await stat(dirname(path))
    if (code !== 'EADDRINUSE') throw cause
    const file = await lstat(path)
    if (!file.isSocket()) throw systemError('EEXIST')
    if (await answers(path)) throw cause
  }
  await unlink(path)
  await begin(server, { path }, umask)
}

/**
 * The system creates the socket file while `act` runs, and not later: it must never be open to anyone whom `mode` and
 * `group` are not about to admit. A worker thread of a host program cannot set the umask; there the file has the usual
 * one at first.
 */
function withUmask(umask: number | undefined, act: () => void): void {
  if (umask === undefined || !isMainThread) return act()
  const before = process.umask(umask)
  try {
    act()
  } finally {
    process.umask(before)
  }
}

/** The error that the system would report if it checked more closely. */
function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code })
}

async function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const finish = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => finish(true))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => finish(code !== 'ECONNREFUSED'))
  })
}
