/**
 * A Disk in memory, for tests and simulation. It can be slow or full, fail any operation, lose power in the middle of
 * one, and forget what was not synced.
 *
 *   file   durable bytes | bytes appended since the last sync
 *   names  durable names | names since the last syncNames
 *
 * `crash()` returns the Disk as the next start finds it. Synced bytes are there. Of the others a random prefix remains
 * (a torn tail, whose last bytes may be zeros, as file systems leave them), or any of their sectors among zeros or
 * bytes of other files; each new name may or may not be there.
 *
 * @module
 */
import type { Disk, DiskFile } from '../base/disk.ts'
import { StoreError } from '../base/errors.ts'

/** The unit that a disk writes completely or not at all. */
const sectorBytes = 512
/** The first bytes of this many removed files are remembered; a crash may leave them in sectors of other files. */
const removedFiles = 16
const removedBytes = 16 << 10

export type DiskOperation = 'open' | 'append' | 'sync' | 'read' | 'cut' | 'remove' | 'rename' | 'syncNames'

export interface MemoryDiskOptions {
  /** Total bytes of all files, beyond which the disk is full. Default: no limit. */
  capacityBytes?: number
  /**
   * Called before each operation. It may throw (the operation fails) or return a promise (the disk is slow; if it never
   * resolves, the power failed). `at` and `length` name the bytes that are read, appended or cut off; 0 for other
   * operations.
   */
  before?: (operation: DiskOperation, name: string, at: number, length: number) => void | Promise<void>
  /** A number in [0, 1) that decides what a crash keeps. Default: always 0, which keeps nothing unsynced. */
  random?: () => number
}

/** The file behind a name. `durable` is what a crash leaves; `bytes` is what readers see. */
interface Inode {
  bytes: Uint8Array
  size: number
  /** How many of `bytes` are synced: valid while `cutBelow` is undefined. */
  syncedSize: number
  /** The durable bytes, after an unsynced cut below them. */
  syncedCopy: Uint8Array | undefined
}

export class MemoryDisk implements Disk {
  options: MemoryDiskOptions
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  #removed: Uint8Array[] = []

  constructor(options: MemoryDiskOptions = {}) {
    this.options = options
  }

  /** Total bytes of all files. */
  get usedBytes(): number {
    let sum = 0
    for (const inode of this.#names.values()) sum += inode.size
    return sum
  }

  async open(name: string): Promise<DiskFile> {
    await this.options.before?.('open', name, 0, 0)
    let inode = this.#names.get(name)
    if (inode === undefined) {
      inode = newInode(new Uint8Array(0), 0)
      this.#names.set(name, inode)
    }
    return new MemoryDiskFile(this, name, inode)
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(Math.max(0, (this.options.capacityBytes ?? Infinity) - this.usedBytes))
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.#names.keys()].toSorted())
  }

  async remove(name: string): Promise<void> {
    await this.options.before?.('remove', name, 0, 0)
    const inode = this.#names.get(name)
    if (inode === undefined) throw new StoreError('ERR_STORE_DISK', `cannot remove ${name}: it does not exist`)
    this.#names.delete(name)
    this.#removed.push(inode.bytes.slice(0, Math.min(inode.size, removedBytes)))
    if (this.#removed.length > removedFiles) this.#removed.shift()
  }

  async rename(from: string, to: string): Promise<void> {
    await this.options.before?.('rename', from, 0, 0)
    const inode = this.#names.get(from)
    if (inode === undefined) throw new StoreError('ERR_STORE_DISK', `cannot rename ${from}: it does not exist`)
    this.#names.delete(from)
    this.#names.set(to, inode)
  }

  async syncNames(): Promise<void> {
    await this.options.before?.('syncNames', '', 0, 0)
    this.#durableNames = new Map(this.#names)
  }

  /** The Disk after a power failure now. This one must not be used afterwards. */
  crash(): MemoryDisk {
    const random = this.options.random ?? ((): number => 0)
    const after = new MemoryDisk({ random })
    after.#removed = [...this.#removed]
    for (const name of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const before = this.#durableNames.get(name)
      const now = this.#names.get(name)
      const inode = before === now || random() < 0.5 ? before : now
      if (inode !== undefined)
        after.#names.set(
          name,
          survivor(inode, random, () => this.#oldBytes(random)),
        )
    }
    after.#durableNames = new Map(after.#names)
    return after
  }

  /**
   * The possible contents of a sector that was never written: nothing, or bytes of another file, existing or removed.
   */
  #oldBytes(random: () => number): Uint8Array {
    const files = [...this.#names.values()].map(({ bytes, size }) => bytes.subarray(0, size))
    const old = [...files, ...this.#removed]
    const bytes = old[Math.floor(random() * old.length)]!
    const sectors = Math.floor(bytes.length / sectorBytes)
    if (sectors === 0 || random() < 0.5) return new Uint8Array(0)
    const from = Math.floor(random() * sectors) * sectorBytes
    return bytes.slice(from, from + sectorBytes)
  }

  /**
   * The Disk after the process was killed now: the operating system still has everything that was appended, and what
   * was not synced, including names, may still be lost in a power failure.
   */
  kill(): MemoryDisk {
    const after = new MemoryDisk({ ...(this.options.random && { random: this.options.random }) })
    const copies = new Map<Inode, Inode>()
    const copyOf = (inode: Inode): Inode => {
      const copy = copies.get(inode) ?? { ...inode, bytes: inode.bytes.slice(0, inode.size) }
      copies.set(inode, copy)
      return copy
    }
    for (const [name, inode] of this.#names) after.#names.set(name, copyOf(inode))
    for (const [name, inode] of this.#durableNames) after.#durableNames.set(name, copyOf(inode))
    after.#removed = [...this.#removed]
    return after
  }

  /** Changes bytes in place, as a failing disk would. */
  damage(name: string, at: number, bytes: Uint8Array): void {
    this.#names.get(name)!.bytes.set(bytes, at)
  }

  /** The bytes of a file. */
  contents(name: string): Uint8Array {
    const inode = this.#names.get(name)!
    return inode.bytes.slice(0, inode.size)
  }
}

function newInode(bytes: Uint8Array, syncedSize: number): Inode {
  return { bytes, size: bytes.length, syncedSize, syncedCopy: undefined }
}

function survivor(inode: Inode, random: () => number, oldBytes: () => Uint8Array): Inode {
  if (inode.syncedCopy !== undefined && random() < 0.5)
    return newInode(inode.syncedCopy.slice(), inode.syncedCopy.length)
  const synced = Math.min(inode.syncedSize, inode.size)
  if (random() > 0.7) return withSomeSectors(inode, synced, random, oldBytes)
  const kept = synced + Math.floor(random() * (inode.size - synced + 1))
  const bytes = inode.bytes.slice(0, kept)
  if (random() < 0.3) bytes.fill(0, synced + Math.floor(random() * (kept - synced + 1)))
  return newInode(bytes, kept)
}

/** Sectors reach a disk in any order; the one in which the synced part ends keeps that part in any case. */
function withSomeSectors(inode: Inode, synced: number, random: () => number, oldBytes: () => Uint8Array): Inode {
  const bytes = inode.bytes.slice(0, inode.size)
  for (let from = synced; from < inode.size; from = (Math.floor(from / sectorBytes) + 1) * sectorBytes) {
    if (random() < 0.5) continue
    const sector = bytes.subarray(from, (Math.floor(from / sectorBytes) + 1) * sectorBytes)
    sector.fill(0)
    sector.set(oldBytes().subarray(0, sector.length))
  }
  return newInode(bytes, inode.size)
}

class MemoryDiskFile implements DiskFile {
  #disk: MemoryDisk
  #name: string
  #inode: Inode

  constructor(disk: MemoryDisk, name: string, inode: Inode) {
    this.#disk = disk
    this.#name = name
    this.#inode = inode
  }

  get size(): number {
    return this.#inode.size
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#disk.options.before?.('append', this.#name, this.#inode.size, bytes.length)
    const room = (this.#disk.options.capacityBytes ?? Infinity) - this.#disk.usedBytes
    if (bytes.length > room) throw new StoreError('ERR_STORE_FULL', `cannot write ${this.#name}: no space left`)
    const inode = this.#inode
    const end = inode.size + bytes.length
    if (end > inode.bytes.length) {
      const grown = new Uint8Array(Math.max(end, inode.bytes.length * 2, 1024))
      grown.set(inode.bytes.subarray(0, inode.size))
      inode.bytes = grown
    }
    inode.bytes.set(bytes, inode.size)
    inode.size = end
  }

  async sync(): Promise<void> {
    await this.#disk.options.before?.('sync', this.#name, 0, 0)
    this.#inode.syncedSize = this.#inode.size
    this.#inode.syncedCopy = undefined
  }

  async read(at: number, length: number): Promise<Uint8Array> {
    await this.#disk.options.before?.('read', this.#name, at, length)
    return this.#inode.bytes.slice(at, Math.min(at + length, this.#inode.size))
  }

  async cut(size: number): Promise<void> {
    await this.#disk.options.before?.('cut', this.#name, size, Math.max(0, this.#inode.size - size))
    const inode = this.#inode
    if (size < inode.syncedSize) {
      inode.syncedCopy ??= inode.bytes.slice(0, inode.syncedSize)
      inode.syncedSize = size
    }
    inode.size = Math.min(inode.size, size)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
