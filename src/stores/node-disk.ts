/**
 * The real Disk: one folder over node:fs, and the lock that keeps a second process out of it.
 *
 * Plain descriptors and callbacks, because a FileHandle costs the main thread half as much again (measured: 0.052 ms
 * against 0.080 ms for one append of 330 kB with its sync). Files are few and operations are few per turn, so the thread
 * pool that everything shares sees one or two of them at a time.
 *
 * @module
 */
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import type { Disk, DiskFile } from '../base/disk.ts'
import { StoreError } from '../base/errors.ts'
import { lockPath } from './path-lock.ts'
import type { PathLock } from './path-lock.ts'

/** Node says that there is no error by null, other runtimes by nothing at all. */
type Callback<Value> = (error: NodeJS.ErrnoException | null | undefined, value?: Value) => void

/** What the operating system's error means for the operator. */
const codes: Readonly<Record<string, string>> = {
  ENOSPC: 'ERR_STORE_FULL',
  EDQUOT: 'ERR_STORE_FULL',
  EROFS: 'ERR_STORE_ACCESS',
  EACCES: 'ERR_STORE_ACCESS',
  EPERM: 'ERR_STORE_ACCESS',
}

function call<Value>(what: string, path: string, start: (done: Callback<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error) reject(diskError(what, path, error))
      else resolve(value as Value)
    })
  })
}

function diskError(what: string, path: string, cause: NodeJS.ErrnoException): StoreError {
  return new StoreError(codes[cause.code ?? ''] ?? 'ERR_STORE_DISK', `cannot ${what} ${path}: ${cause.message}`, {
    cause,
  })
}

class NodeDiskFile implements DiskFile {
  size: number
  #descriptor: number
  #path: string

  constructor(descriptor: number, path: string, size: number) {
    this.#descriptor = descriptor
    this.#path = path
    this.size = size
  }

  async append(bytes: Uint8Array): Promise<void> {
    // `size` moves only when all is written: after a short write that failed, the next append starts where this one did.
    let written = 0
    while (written < bytes.length) {
      const at = written
      const wrote = await call<number>('write', this.#path, (done) =>
        fs.write(this.#descriptor, bytes, at, bytes.length - at, this.size + at, done),
      )
      if (wrote === 0) throw new StoreError('ERR_STORE_DISK', `cannot write ${this.#path}: nothing is written`)
      written += wrote
    }
    this.size += bytes.length
  }

  sync(): Promise<void> {
    return call('sync', this.#path, (done) => fs.fdatasync(this.#descriptor, done))
  }

  async read(at: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, this.size - at)))
    let have = 0
    while (have < bytes.length) {
      const from = have
      const got = await call<number>('read', this.#path, (done) =>
        fs.read(this.#descriptor, bytes, from, bytes.length - from, at + from, done),
      )
      if (got === 0) break
      have += got
    }
    return bytes.subarray(0, have)
  }

  async cut(size: number): Promise<void> {
    await call<void>('cut', this.#path, (done) => fs.ftruncate(this.#descriptor, size, done))
    this.size = size
  }

  close(): Promise<void> {
    return call('close', this.#path, (done) => fs.close(this.#descriptor, done))
  }
}

export class NodeDisk implements Disk {
  readonly path: string
  #folder: number
  #lock: PathLock | undefined

  /** Use `openNodeDisk`. */
  constructor(path: string, folder: number, lock: PathLock | undefined) {
    this.path = path
    this.#folder = folder
    this.#lock = lock
  }

  async open(name: string): Promise<DiskFile> {
    const path = join(this.path, name)
    const flags = this.#lock === undefined ? fs.constants.O_RDONLY : fs.constants.O_RDWR | fs.constants.O_CREAT
    const descriptor = await call<number>('open', path, (done) => fs.open(path, flags, 0o600, done))
    const status = await call<fs.Stats>('look at', path, (done) => fs.fstat(descriptor, done))
    return new NodeDiskFile(descriptor, path, status.size)
  }

  async list(): Promise<readonly string[]> {
    const names = await call<string[]>('list', this.path, (done) => fs.readdir(this.path, done))
    return names.toSorted()
  }

  remove(name: string): Promise<void> {
    return call('remove', join(this.path, name), (done) => fs.unlink(join(this.path, name), done))
  }

  rename(from: string, to: string): Promise<void> {
    return call('rename', join(this.path, from), (done) => fs.rename(join(this.path, from), join(this.path, to), done))
  }

  async syncNames(): Promise<void> {
    // Windows keeps names without being asked, and refuses to be asked.
    if (process.platform === 'win32') return
    await call<void>('sync', this.path, (done) => fs.fsync(this.#folder, done))
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await call<fs.StatsFs>('ask', this.path, (done) => fs.statfs(this.path, done))
    return bavail * bsize
  }

  /** Lets the next process in. Files opened from here are closed by who opened them. */
  async close(): Promise<void> {
    await call<void>('close', this.path, (done) => fs.close(this.#folder, done))
    await this.#lock?.release()
  }
}

/**
 * Opens a folder as a Disk, making it (and its parents) if it is missing, for the user of this process only.
 *
 * @param options.readOnly opens without the lock and without the right to change anything, to look at or copy a store that
 * another process may be using
 * @throws {StoreError} `ERR_STORE_LOCKED` when another process uses it, `ERR_STORE_ACCESS`, `ERR_STORE_FULL` or
 * `ERR_STORE_DISK` when the folder cannot be made or opened
 */
export async function openNodeDisk(path: string, options: { readonly readOnly?: boolean } = {}): Promise<NodeDisk> {
  if (options.readOnly !== true && !(await makeFolder(path))) {
    // Whoever made it, perhaps a moment ago: its name has to be durable. Not every file system can be asked for that.
    await syncFolder(dirname(path)).catch(() => undefined)
  }
  const folder = await call<number>('open', path, (done) => fs.open(path, fs.constants.O_RDONLY, done))
  try {
    return new NodeDisk(path, folder, options.readOnly === true ? undefined : await lock(path))
  } catch (error) {
    await call<void>('close', path, (done) => fs.close(folder, done))
    throw error
  }
}

/**
 * Makes a folder and its parents. Not by `recursive`: in a folder that is there and yet answers ENOENT, as those of a virtual
 * file system do, Node would try for ever, and the start would neither end nor say why.
 *
 * @returns false if it was there
 */
async function makeFolder(path: string): Promise<boolean> {
  if (await isFolder(path)) return false
  if (dirname(path) !== path) await makeFolder(dirname(path))
  try {
    await call<void>('make', path, (done) => fs.mkdir(path, { mode: 0o700 }, done))
  } catch (error) {
    if (await isFolder(path)) return true // another process was quicker
    const { cause } = error as { cause?: NodeJS.ErrnoException }
    throw cause?.code === 'EEXIST' ? notAFolder(path, cause) : error
  }
  await syncFolder(dirname(path))
  return true
}

function notAFolder(path: string, cause: unknown): StoreError {
  const choices = 'set persistence.path to a folder, or move the file away'
  return new StoreError('ERR_STORE_DISK', `${path} is a file, not a folder: ${choices}`, { cause })
}

/** A new folder's name is durable once the folder that it is in is synced. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  let folder: number
  try {
    folder = await call<number>('open', path, (done) => fs.open(path, fs.constants.O_RDONLY, done))
  } catch (error) {
    // One may make a folder in another that one may not read: then only the system can see to it.
    if (error instanceof StoreError && error.code === 'ERR_STORE_ACCESS') return
    throw error
  }
  try {
    await call<void>('sync', path, (done) => fs.fsync(folder, done))
  } finally {
    await call<void>('close', path, (done) => fs.close(folder, done))
  }
}

function isFolder(path: string): Promise<boolean> {
  return new Promise((resolve) => fs.stat(path, (error, status) => resolve(!error && status.isDirectory())))
}

async function lock(path: string): Promise<PathLock> {
  try {
    return await lockPath(path)
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw lockError(path, error as NodeJS.ErrnoException)
  }
}

/** The lock is the first thing that is written there, and its own name says nothing to an operator. */
function lockError(path: string, cause: NodeJS.ErrnoException): StoreError {
  if (codes[cause.code ?? ''] !== 'ERR_STORE_ACCESS') return diskError('lock', path, cause)
  const choices = 'make it writable for this user, or set persistence.path to another folder'
  return new StoreError(
    'ERR_STORE_ACCESS',
    `the user of this process may not write to the folder ${path} (${cause.code}): ${choices}`,
    { cause },
  )
}
