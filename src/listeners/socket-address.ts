/**
 * Taking one address to listen on, a TCP port or the path of a Unix domain socket, and saying why when it cannot be had.
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

/** Of a file that is made: nothing for the group and for others. */
const OWNER_ONLY = 0o177

/** What every system takes for the path of a socket; some cut longer ones off without a word. */
const MAX_PATH_BYTES = 103

/** By the operating system's code: our stable code, what it means, the way out. */
const CAUSES: Readonly<Record<string, readonly [code: string, meaning: string, wayOut: string]>> = {
  EADDRINUSE: [
    'ERR_LISTENER_IN_USE',
    'something else listens there already',
    'stop it, or give this listener another `bind`',
  ],
  EACCES: [
    'ERR_LISTENER_ACCESS',
    'this user may not listen there',
    'take a port above 1023, a path this user may write to, or grant CAP_NET_BIND_SERVICE',
  ],
  EADDRNOTAVAIL: [
    'ERR_LISTENER_HOST',
    'this machine does not have that address',
    'take one that `ip address` shows, or 0.0.0.0 for all; with `retry: on` the listener waits for it',
  ],
  EAFNOSUPPORT: ['ERR_LISTENER_HOST', 'this machine has no addresses of that kind', 'take one that `ip address` shows'],
  ENOTFOUND: ['ERR_LISTENER_HOST', 'that host name is not known', 'write an address, or repair the name'],
  EAI_AGAIN: [
    'ERR_LISTENER_HOST',
    'no name server answers',
    'write an address; with `retry: on` the listener waits for one',
  ],
  EEXIST: [
    'ERR_LISTENER_PATH',
    'there is a file which is no socket',
    'remove it, or give this listener another `bind`',
  ],
  ENOENT: ['ERR_LISTENER_PATH', 'the folder does not exist', 'make it, or give this listener another `bind`'],
  ENAMETOOLONG: [
    'ERR_LISTENER_PATH',
    'the path is too long for a socket',
    `take one of at most ${MAX_PATH_BYTES} bytes`,
  ],
}

/** By the operating system's code: waiting does not mend these. */
const LASTING: ReadonlySet<string> = new Set(['EACCES', 'EEXIST', 'ENAMETOOLONG'])
/** This machine does not have the address, so that nobody can have expected it to be served. */
const ABSENT: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/** Whether the address may be there later. */
export function mayPass({ code, cause }: ConfigError): boolean {
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
 * @param listenerAt the name of the listener of the same broker that has an address
 * @throws {ConfigError} `ERR_LISTENER_…`; it names the listener, the address, the cause and the way out
 */
export async function listen(server: Server, options: ListenerOptions, listenerAt: ListenerAt): Promise<void> {
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

/** Where a listener wants to be, as the configuration writes it. */
export function placeOf({ type, host, port, path }: Place): string {
  if (type === 'unix') return path
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** What is said of a listener that cannot be where it is to be. */
export function openError(
  options: ListenerOptions,
  cause: NodeJS.ErrnoException,
  listenerAt: ListenerAt = () => undefined,
): ConfigError {
  const other =
    cause.code === 'EADDRINUSE' && options.type !== 'unix' ? listenerAt(options.host, options.port) : undefined
  const [code, meaning, wayOut] =
    other === undefined
      ? (CAUSES[cause.code ?? ''] ?? ['ERR_LISTENER', cause.message, 'check its `bind`'])
      : ['ERR_LISTENER_OVERLAP', `listener \`${other}\` of this configuration has that address`, 'change one `bind`']
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

/** A process that was killed leaves its socket file behind: it is removed, but only if nobody answers on it. */
async function listenOnPath(server: Server, { path, mode, group }: ListenerOptions): Promise<void> {
  const umask = mode === '' && group === '' ? undefined : OWNER_ONLY
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw systemError('ENAMETOOLONG')
  try {
    return await begin(server, { path }, umask)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // Node says EACCES also where the folder is missing; this one says ENOENT.
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
 * The system makes the file of a socket while `act` runs, and not later: at no moment may it be open to others than those whom
 * `mode` and `group` are about to let in. A thread of a host program cannot set the umask; there the file has the usual one first.
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

/** What the system would say if it looked as closely. */
function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code })
}

async function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const tell = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => tell(true))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => tell(code !== 'ECONNREFUSED'))
  })
}
