/**
 * One process at a time per folder, without stale locks.
 *
 * A lock is a Unix socket in the folder on which its owner listens: `lock-1`, or the next free number. The kernel
 * decides: binding to a taken name fails, and connecting to a dead owner's socket is refused, also after `kill -9` and
 * across containers that share the folder. No process numbers are compared, and nothing has to be cleaned up by hand.
 *
 *   folder empty            bind lock-1                               owner
 *   lock-1 answers          its owner is alive                        ERR_STORE_LOCKED, with its process number
 *   lock-1 refuses          bind lock-2, check again, unlink lock-1   owner
 *
 * The second check decides between two processes that took over at once: only the highest number that answers may stay.
 * On Windows, and where the file system has no sockets, the lock is a name outside the folder, derived from the
 * folder's identity. A folder that two machines share (NFS, SMB) is not protected: a store belongs on a local disk.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { open, readdir, realpath, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StoreError } from '../base/errors.ts'

/**
 * The place of lock sockets: `folder` is listed, `address` is passed to the kernel (which limits it to about 100
 * bytes).
 */
interface LockPlace {
  readonly folder: string
  readonly prefix: string
  address(name: string): string
  close(): Promise<void>
}

const noSockets = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENAMETOOLONG', 'ENOSYS'])
/**
 * Between an owner's bind and its listen, which takes microseconds, a connect is refused; several tries distinguish
 * this from a dead owner.
 */
const aliveTries = 5

export class PathLock {
  #server: Server
  #place: LockPlace
  #name: string

  constructor(server: Server, place: LockPlace, name: string) {
    this.#server = server
    this.#place = place
    this.#name = name
  }

  async release(): Promise<void> {
    await new Promise<void>((done) => this.#server.close(() => done()))
    await rm(join(this.#place.folder, this.#name), { force: true })
    await this.#place.close()
  }
}

/**
 * Takes the folder for this process. A second attempt within the same process is refused as well.
 *
 * @throws {StoreError} `ERR_STORE_LOCKED` when another owner has it
 */
export async function lockPath(path: string): Promise<PathLock> {
  if (process.platform === 'win32') return lockIn(await placeOutside(path), path)
  const inside = await placeInside(path)
  try {
    return await lockIn(inside, path)
  } catch (error) {
    await inside.close()
    if (!noSockets.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    return lockIn(await placeOutside(path), path)
  }
}

async function placeInside(path: string): Promise<LockPlace> {
  const folder = await realpath(path)
  // The address of a socket is limited to about 100 bytes; a path through the folder's descriptor is always short.
  const handle: FileHandle | undefined = process.platform === 'linux' ? await open(folder, 'r') : undefined
  const short = handle === undefined ? folder : `/proc/self/fd/${handle.fd}`
  return {
    folder,
    prefix: 'lock-',
    address: (name) => `${short}/${name}`,
    close: async () => handle?.close(),
  }
}

async function placeOutside(path: string): Promise<LockPlace> {
  const { dev, ino } = await stat(path, { bigint: true })
  const prefix = `sluice-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 16)}-`
  const folder = process.platform === 'win32' ? '\\\\.\\pipe\\' : tmpdir()
  return { folder, prefix, address: (name) => join(folder, name), close: () => Promise.resolve() }
}

async function lockIn(place: LockPlace, path: string): Promise<PathLock> {
  for (;;) {
    const numbers = await numbersIn(place)
    const highest = numbers.at(-1) ?? 0
    if (highest > 0) await assertDead(place, highest, path)
    const name = `${place.prefix}${highest + 1}`
    const server = await listen(place.address(name))
    if (server === undefined) continue
    const lock = new PathLock(server, place, name)
    if ((await numbersIn(place)).some((number) => number > highest + 1)) {
      await lock.release()
      throw locked(path, undefined)
    }
    for (const number of numbers) await rm(join(place.folder, `${place.prefix}${number}`), { force: true })
    return lock
  }
}

async function numbersIn(place: LockPlace): Promise<number[]> {
  const names = await readdir(place.folder)
  return names
    .filter((name) => name.startsWith(place.prefix) && /^\d+$/.test(name.slice(place.prefix.length)))
    .map((name) => Number(name.slice(place.prefix.length)))
    .toSorted((a, b) => a - b)
}

async function assertDead(place: LockPlace, number: number, path: string): Promise<void> {
  for (let tries = 0; tries < aliveTries; tries++) {
    const owner = await askOwner(place.address(`${place.prefix}${number}`))
    if (owner !== undefined) throw locked(path, owner)
  }
}

/** Connect errors that mean that no process listens there any more; after any other error one still may. */
const dead = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK', 'ECONNRESET'])

/** Returns the owner's answer (its process number), or `undefined` if there is none. */
function askOwner(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(address)
    socket.setEncoding('latin1')
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('data', (chunk: string) => (answer += chunk))
    let connected = false
    socket.on('connect', () => (connected = true))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // The socket of another user cannot be queried, and a busy owner does not answer: both are alive.
      if (!dead.has(error.code ?? '')) connected = true
      socket.destroy()
    })
    socket.on('close', () => resolve(connected ? answer : undefined))
  })
}

/**
 * Returns the listening server, or `undefined` if the name is taken. `exclusive`: workers of node:cluster must not
 * share it.
 */
function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.on('error', () => socket.destroy()).end(String(process.pid)))
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen({ path: address, exclusive: true }, () => resolve(server.unref()))
  })
}

function locked(path: string, owner: string | undefined): StoreError {
  const user = owner === undefined || owner === '' ? 'another process' : `process ${owner}`
  return new StoreError(
    'ERR_STORE_LOCKED',
    `${path} is in use by ${user}: stop it first, or give this store a path of its own`,
  )
}
